"""One piece of work in several tools, over the API."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from pmo_hub.api.application import application
from pmo_hub.services import access
from pmo_hub.store.unit_of_work import Work
from tests.services.test_same_as import PLAN, TEAM, Both
from tests.stored import item_id, scope_id


@pytest.fixture
def both(work: Work, tmp_path: Path) -> Both:
    return Both(work, tmp_path)


@pytest.fixture
def client(both: Both) -> TestClient:
    key = access.create_key(both.hub, "test", ["projects:write", "work_items:read"], "test").text
    return TestClient(application(both.hub), headers={"Authorization": f"Bearer {key}"}, raise_server_exceptions=False)


def test_two_items_become_one_and_two_again(client: TestClient, both: Both) -> None:
    made = client.post("/api/v1/same-as", json={"item_id": item_id("t1"), "duplicate_id": item_id("p1")})
    assert (made.status_code, made.json()["how"]) == (201, "hand")
    item = client.get(f"/api/v1/work-items/{item_id('p1')}").json()
    assert (item["counts"], item["uncounted"]) == (False, "duplicate")
    assert client.get("/api/v1/same-as", params={"item_id": item_id("p1")}).json()["items"] == [made.json()]
    conflicts = client.get(f"/api/v1/projects/{both.project}/conflicts").json()["items"]
    due: dict[str, Any] = next(one for one in conflicts if one["field"] == "due")
    assert (due["counted"]["value"], due["duplicate"]["value"], due["winner_id"]) == ("2026-07-09", "2026-07-01", item_id("p1"))
    assert client.delete(f"/api/v1/same-as/{made.json()['id']}").status_code == 204
    assert client.get("/api/v1/same-as").json()["items"] == []


def test_a_rule_is_made_listed_and_deleted(client: TestClient) -> None:
    made = client.post("/api/v1/same-as-rules", json={"connection_id": TEAM, "field": "ref", "other_connection_id": PLAN})
    assert (made.status_code, made.json()["counted"]) == (201, "other")
    assert client.get("/api/v1/same-as-rules").json()["items"] == [made.json()]
    assert client.delete(f"/api/v1/same-as-rules/{made.json()['id']}").status_code == 204
    assert client.delete(f"/api/v1/same-as-rules/{made.json()['id']}").status_code == 404


def test_an_order_of_sources_is_chosen(client: TestClient, both: Both) -> None:
    at = f"/api/v1/projects/{both.project}/precedence"
    assert client.get(at).json() == {"fields": {}}
    wanted = {"fields": {"due": [scope_id("TEAM"), "schedule"]}}
    assert client.put(at, json=wanted).json() == wanted
    assert client.get(at).json() == wanted
    assert client.put(at, json={"fields": {"due": ["boss"]}}).json()["errors"][0]["pointer"] == "/fields/due/0"


def test_a_rule_tells_until_when_its_history_counts(client: TestClient, both: Both) -> None:
    found = client.get(f"/api/v1/projects/{both.project}/rules").json()
    assert {rule["history_until"] for rule in found["items"]} == {None}
    at = f"/api/v1/projects/{both.project}/rules"
    body = [{"scope_id": scope_id("PLAN"), "role": "history", "history_until": "2026-07-31"}]
    answer = client.put(at, json=body, headers={"If-Match": client.get(at).headers["ETag"]})
    assert [rule["history_until"] for rule in answer.json()["items"]] == ["2026-07-31"]
