"""Projects over the wire: conditional changes, merge patches, rules, pages, answers as of an instant."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from pmo_hub.domain.membership import automatic_project
from pmo_hub.store.unit_of_work import Work
from tests.serving import Visit
from tests.stored import Clock, Estate, person_id, scope_id

HOME = "/api/v1/projects"
ERP = automatic_project(scope_id("ERP"))


@pytest.fixture
def estate(work: Work, tmp_path: Path, clock: Clock) -> Estate:
    made = Estate(work, tmp_path, clock)
    made.scopes("ERP", "OPS")
    made.people("ann")
    made.items("ERP", {"external_id": "1"}, {"external_id": "2", "labels": ["x"]})
    return made


@pytest.fixture
def api(estate: Estate, admin: TestClient) -> TestClient:
    return admin


def patch(api: TestClient, body: dict[str, Any], project: str = ERP) -> Any:
    tag = api.get(f"{HOME}/{project}").headers["ETag"]
    return api.patch(f"{HOME}/{project}", json=body, headers={"If-Match": tag})


def test_project_is_told_with_its_people_and_an_etag_that_saves_the_body(api: TestClient) -> None:
    assert patch(api, {"sponsor": "ann@example.org"}).status_code == 200
    answer = api.get(f"{HOME}/{ERP}")
    assert answer.json()["sponsor"] == {"id": person_id("ann"), "name": "ANN", "email": "ann@Example.org", "is_active": True}
    again = api.get(f"{HOME}/{ERP}", headers={"If-None-Match": answer.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_change_without_if_match_is_asked_for_one_and_with_an_old_one_refused(api: TestClient) -> None:
    old = api.get(f"{HOME}/{ERP}").headers["ETag"]
    assert api.patch(f"{HOME}/{ERP}", json={"name": "Mine"}).status_code == 428
    assert patch(api, {"name": "Theirs"}).status_code == 200
    refused = api.patch(f"{HOME}/{ERP}", json={"name": "Mine"}, headers={"If-Match": old})
    assert (refused.status_code, refused.headers["Content-Type"]) == (412, "application/problem+json")
    assert api.get(f"{HOME}/{ERP}").json()["name"] == "Theirs"


def test_merge_patch_leaves_what_it_does_not_name_and_clears_what_is_null(api: TestClient) -> None:
    patch(api, {"methodology": "agile", "phase": "planning", "start": "2026-01-01", "tags": ["a"]})
    after = patch(api, {"phase": None, "tags": None}).json()
    assert (after["methodology"], after["phase"], after["start"], after["tags"]) == ("agile", None, "2026-01-01", [])


def test_merge_patch_may_be_called_by_its_media_type(api: TestClient) -> None:
    headers = {"If-Match": api.get(f"{HOME}/{ERP}").headers["ETag"], "Content-Type": "application/merge-patch+json"}
    assert api.patch(f"{HOME}/{ERP}", content='{"name": "Renamed"}', headers=headers).json()["name"] == "Renamed"


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"start": "2026-02-01", "finish": "2026-01-01"}, "/finish"),
        ({"methodology": "chaos"}, "/methodology"),
        ({"phase": "G3"}, "/phase"),
        ({"classification": "secret"}, "/classification"),
        ({"currency": "EURO"}, "/currency"),
        ({"currency": "XXZ"}, "/currency"),
        ({"time_zone": "Mars"}, "/time_zone"),
        ({"manager": "nobody"}, "/manager"),
        ({"tags": ["", "a"]}, "/tags/0"),
        ({"name": ""}, "/name"),
        ({"name": None}, "/name"),
        ({"sponser": "x"}, "/sponser"),
    ],
)
def test_wrong_input_is_a_problem_with_a_pointer_to_it(api: TestClient, body: dict[str, Any], pointer: str) -> None:
    answer = patch(api, body)
    assert answer.status_code == 422
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]


def test_project_made_by_hand_is_filled_by_its_rules_and_deleted_again(api: TestClient, estate: Estate) -> None:
    rules = [{"scope_id": scope_id("ERP"), "narrowing": "label", "value": "x"}]
    made = api.post(HOME, json={"name": "By hand", "currency": "EUR", "rules": rules})
    assert made.status_code == 201
    path = made.headers["Location"]
    assert api.get(path).json()["currency"] == "EUR"
    assert estate.members(made.json()["id"]) == {"2"}
    listed = api.get(f"{path}/rules")
    assert [(r["narrowing"], r["value"], r["items"]) for r in listed.json()["items"]] == [("label", "x", 1)]
    estate.clock.forward(hours=1)
    wanted = [{"scope_id": scope_id("ERP")}]
    assert api.put(f"{path}/rules", json=wanted).status_code == 428
    assert api.put(f"{path}/rules", json=wanted, headers={"If-Match": '"old"'}).status_code == 412
    put = api.put(f"{path}/rules", json=wanted, headers={"If-Match": listed.headers["ETag"]})
    assert [(r["narrowing"], r["items"]) for r in put.json()["items"]] == [("all", 2)]
    estate.clock.forward(hours=1)
    assert api.delete(path).status_code == 428
    assert api.delete(path, headers={"If-Match": made.headers["ETag"]}).status_code == 204
    assert api.get(path).status_code == 410
    assert estate.members(ERP) == {"1", "2"}


def test_wrong_rule_is_a_problem_with_a_pointer_to_it(api: TestClient) -> None:
    tag = api.get(f"{HOME}/{ERP}/rules").headers["ETag"]
    for body, pointer in (
        ([{"scope_id": "0" * 32}], "/0/scope_id"),
        ([{"scope_id": scope_id("ERP"), "narrowing": "label"}], "/0/value"),
        ([{"scope_id": scope_id("ERP"), "narrowing": "everything"}], "/0/narrowing"),
    ):
        answer = api.put(f"{HOME}/{ERP}/rules", json=body, headers={"If-Match": tag})
        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, pointer)


def test_project_of_a_scope_can_not_be_deleted(api: TestClient) -> None:
    tag = api.get(f"{HOME}/{ERP}").headers["ETag"]
    assert api.delete(f"{HOME}/{ERP}", headers={"If-Match": tag}).status_code == 403


def test_answer_as_of_an_instant_echoes_it(api: TestClient, estate: Estate) -> None:
    before = estate.clock().isoformat().replace("+00:00", "Z")
    estate.clock.forward(days=1)
    patch(api, {"name": "Renamed"})
    then = api.get(f"{HOME}/{ERP}", params={"as_of": before}).json()
    assert (then["name"], then["as_of"]) == ("Scope ERP", before)
    page = api.get(HOME, params={"as_of": before}).json()
    assert ([p["name"] for p in page["items"]], page["as_of"]) == (["Scope ERP", "Scope OPS"], before)
    assert api.get(f"{HOME}/{ERP}", params={"as_of": "2020-01-01T00:00:00Z"}).status_code == 404


def test_list_is_paged_and_its_cursor_is_bound_to_the_filters(api: TestClient) -> None:
    first = api.get(HOME, params={"limit": 1, "state": "active"}).json()
    assert [p["name"] for p in first["items"]] == ["Scope ERP"]
    second = api.get(HOME, params={"limit": 1, "state": "active", "cursor": first["next_cursor"]}).json()
    assert ([p["name"] for p in second["items"]], second["next_cursor"]) == (["Scope OPS"], None)
    assert api.get(HOME, params={"limit": 1, "state": "closed", "cursor": first["next_cursor"]}).status_code == 400
    assert api.get(HOME, params={"state": "closed"}).json()["items"] == []


def test_key_for_reading_may_not_write(api: TestClient, visit: Visit) -> None:
    reader = visit("projects:read")
    tag = reader.get(f"{HOME}/{ERP}").headers["ETag"]
    assert reader.patch(f"{HOME}/{ERP}", json={"name": "Mine"}, headers={"If-Match": tag}).status_code == 403
    assert reader.post(HOME, json={"name": "Mine"}).status_code == 403
    assert visit("work_items:read").get(HOME).status_code == 403
