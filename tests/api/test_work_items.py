"""Work items over the wire."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from pmo_hub.store.models.canonical import Component, Iteration
from pmo_hub.store.unit_of_work import Work
from tests.serving import Visit
from tests.stored import FIRST_SYNC, Clock, Estate, item_id, person_id, scope_id

HOME = "/api/v1/work-items"


@pytest.fixture
def estate(work: Work, tmp_path: Path, clock: Clock) -> Estate:
    made = Estate(work, tmp_path, clock)
    made.scopes("ERP")
    made.people("ann")
    return made


@pytest.fixture
def api(estate: Estate, admin: TestClient) -> TestClient:
    return admin


def keys(answer: Any) -> list[str]:
    assert answer.status_code == 200, answer.text
    return [item["key"] for item in answer.json()["items"]]


def test_item_is_told_whole_and_its_etag_saves_the_body(api: TestClient, estate: Estate) -> None:
    estate.named(Component, "b" * 32, "Billing")
    estate.named(Iteration, "d" * 32, "Sprint 1")
    estate.items("ERP", {"external_id": "1"})
    own: dict[str, Any] = {
        "external_id": "2", "parent_id": item_id("1"), "assignee_id": person_id("ann"), "component_ids": ["b" * 32], "labels": ["x"],
        "iteration_ids": ["d" * 32, "e" * 32], "due": date(2026, 7, 1), "points": 3.0, "url": "https://jira.example/2",
    }  # fmt: skip
    estate.items("ERP", own)
    estate.dependency("1", "2")
    estate.dependency("2", "77")
    answer = api.get(f"{HOME}/{item_id('2')}")
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "application/json")
    told = answer.json()
    assert (told["key"], told["due"], told["points"], told["labels"], told["assignee_name"]) == ("ERP-2", "2026-07-01", 3.0, ["x"], "ANN")
    assert (told["parent_key"], told["scope_name"], told["reconstructed"], told["as_of"]) == ("ERP-1", "Scope ERP", False, None)
    assert [c["name"] for c in told["components"]] == ["Billing"]
    assert [i["name"] for i in told["iterations"]] == ["Sprint 1", None]
    assert [p["name"] for p in told["projects"]] == ["Scope ERP"]
    assert [(d["role"], d["key"], d["type"]) for d in told["dependencies"]] == [("predecessor", "ERP-1", "FS"), ("successor", None, "FS")]
    assert told["links"]["source"] == "https://jira.example/2"
    assert api.get(told["links"]["history"]).status_code == api.get(told["links"]["transitions"]).status_code == 200
    again = api.get(f"{HOME}/{item_id('2')}", headers={"If-None-Match": answer.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    estate.clock.forward(hours=1)
    estate.items("ERP", own | {"title": "Renamed"})
    assert api.get(f"{HOME}/{item_id('2')}", headers={"If-None-Match": answer.headers["ETag"]}).json()["title"] == "Renamed"


def test_item_that_is_gone_says_when_and_why(api: TestClient, estate: Estate) -> None:
    estate.items("ERP", {"external_id": "1"})
    estate.clock.forward(days=1)
    estate.end_items("1", reason="moved")
    answer = api.get(f"{HOME}/{item_id('1')}")
    assert (answer.status_code, answer.headers["Content-Type"]) == (410, "application/problem+json")
    assert "moved" in answer.json()["detail"]
    assert "2026-06-02" in answer.json()["detail"]
    assert api.get(f"{HOME}/{'0' * 32}").status_code == 404


def test_item_before_the_first_sync_is_marked_as_reconstructed(api: TestClient, estate: Estate) -> None:
    estate.items("ERP", {"external_id": "1", "spent_hours": 4.0, "status_category": "done", "original_status_id": "5"})
    estate.transitions("1", {"field": "status", "at": FIRST_SYNC, "from_id": "1", "from_text": "To Do", "from_category": "todo"})
    as_of = "2026-02-01T00:00:00Z"
    told = api.get(f"{HOME}/{item_id('1')}", params={"as_of": as_of}).json()
    assert (told["reconstructed"], told["as_of"], told["status_category"], told["spent_hours"]) == (True, as_of, "todo", None)
    assert (told["counts"], told["dependencies"], told["projects"]) == (None, None, None)
    page = api.get(HOME, params={"as_of": as_of}).json()
    assert page["as_of"] == as_of
    assert [(item["key"], item["reconstructed"]) for item in page["items"]] == [("ERP-1", True)]


def test_list_takes_filters_and_goes_in_pages(api: TestClient, estate: Estate) -> None:
    estate.items(
        "ERP",
        *({"external_id": str(n), "due": None if n == 3 else date(2026, 5, n), "priority": n * 10, "kind": "bug"} for n in range(1, 4)),
        {"external_id": "4", "title": "Other", "assignee_id": person_id("ann")},
    )
    for sort in ("due", "-due", "priority", "-priority", "key", "-key", "updated_at", "-updated_at"):
        seen: list[str] = []
        cursor = None
        while True:
            answer = api.get(HOME, params={"kind": "bug", "sort": sort, "limit": 1} | ({"cursor": cursor} if cursor else {}))
            seen += keys(answer)
            cursor = answer.json()["next_cursor"]
            if cursor is None:
                break
        assert sorted(seen) == ["ERP-1", "ERP-2", "ERP-3"], sort
    assert keys(api.get(HOME, params={"kind": "bug", "sort": "-priority"})) == ["ERP-3", "ERP-2", "ERP-1"]
    assert keys(api.get(HOME, params={"overdue": "true", "sort": "due"})) == ["ERP-1", "ERP-2"]
    assert keys(api.get(HOME, params={"due_before": "2026-05-02"})) == ["ERP-1"]
    assert keys(api.get(HOME, params={"q": "oth"})) == keys(api.get(HOME, params={"assignee": "ann@example.org"})) == ["ERP-4"]
    assert keys(api.get(HOME, params={"key": "ERP-4", "scope": scope_id("ERP")})) == ["ERP-4"]
    assert keys(api.get(HOME, params={"updated_since": "2026-06-01T00:00:01Z"})) == []
    assert api.get(HOME, params={"key": "ERP-4"}).json()["items"][0]["assignee_name"] == "ANN"


@pytest.mark.parametrize(
    ("params", "status"),
    [
        ({"sort": "title"}, 422),
        ({"kind": "wish"}, 422),
        ({"q": "x"}, 422),
        ({"limit": "201"}, 422),
        ({"due_before": "soon"}, 422),
        ({"updated_since": "2026-06-01"}, 400),
        ({"as_of": "2026-06-01T00:00:00"}, 400),
        ({"cursor": "made up"}, 400),
    ],
)
def test_parameter_that_is_wrong_is_a_problem_that_names_it(api: TestClient, params: dict[str, str], status: int) -> None:
    answer = api.get(HOME, params=params)
    assert answer.status_code == status
    assert [error["parameter"] for error in answer.json()["errors"]] == list(params)


def test_cursor_of_one_order_is_no_use_in_another(api: TestClient, estate: Estate) -> None:
    estate.items("ERP", {"external_id": "1"}, {"external_id": "2"})
    cursor = api.get(HOME, params={"limit": 1, "sort": "key"}).json()["next_cursor"]
    assert keys(api.get(HOME, params={"limit": 1, "sort": "key", "cursor": cursor})) == ["ERP-2"]
    assert api.get(HOME, params={"limit": 1, "sort": "-key", "cursor": cursor}).status_code == 400
    assert api.get(HOME, params={"limit": 1, "sort": "key", "cursor": cursor, "as_of": FIRST_SYNC.isoformat()}).status_code == 400


def test_transitions_and_history_are_paged_newest_first(api: TestClient, estate: Estate) -> None:
    estate.items("ERP", {"external_id": "1"})
    estate.clock.forward(days=1)
    estate.items("ERP", {"external_id": "1", "title": "Renamed"})
    estate.transitions(
        "1",
        {"field": "status", "at": FIRST_SYNC, "from_text": "To Do", "to_text": "Done", "actor_id": person_id("ann")},
        {"field": "title", "at": estate.clock(), "to_text": "Renamed"},
    )
    path = f"{HOME}/{item_id('1')}"
    first = api.get(f"{path}/transitions", params={"limit": 1}).json()
    second = api.get(f"{path}/transitions", params={"limit": 1, "cursor": first["next_cursor"]}).json()
    assert [t["field"] for t in first["items"] + second["items"]] == ["title", "status"]
    assert (second["items"][0]["actor_name"], second["next_cursor"]) == ("ANN", None)
    first = api.get(f"{path}/history", params={"limit": 1}).json()
    second = api.get(f"{path}/history", params={"limit": 1, "cursor": first["next_cursor"]}).json()
    assert [v["changed"] for v in first["items"] + second["items"]] == [["title"], None]
    assert second["items"][0]["recorded_to"] == first["items"][0]["recorded_from"]
    assert (second["items"][0]["item"]["title"], second["next_cursor"]) == ("Item 1", None)


def test_key_without_the_scope_is_refused(api: TestClient, visit: Visit) -> None:
    assert visit("work_items:read").get(HOME).status_code == 200
    assert visit("projects:read").get(HOME).status_code == 403
