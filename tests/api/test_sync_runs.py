"""Sync runs over the API."""

from __future__ import annotations

from typing import Any

import pytest
from starlette.testclient import TestClient

from pmo_hub.services import sync
from pmo_hub.services.hub import Hub
from tests.shelf import config
from tests.stored import Clock

RUNS = "/api/v1/sync-runs"


@pytest.fixture
def made(admin: TestClient) -> dict[str, Any]:
    body = {"name": "Library", "connector": "shelf", "config": config(), "scopes": ["A", "B"]}
    found: dict[str, Any] = admin.post("/api/v1/connections", json=body).json()
    return found


def test_a_run_tells_what_it_fetched_and_expected(admin: TestClient, shelf_hub: Hub, made: dict[str, Any]) -> None:
    sync.run(shelf_hub, made["run"]["id"])
    found = admin.get(f"{RUNS}/{made['run']['id']}").json()
    assert (found["state"], found["fetched"], found["expected"], found["quarantined"]) == ("finished", {"book": 4}, {"book": 4}, 0)
    assert found["seconds_left"] is None
    assert found["requests"] == 1


def test_a_run_that_failed_tells_why(admin: TestClient, shelf_hub: Hub, made: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.shelf.RIGHT_TOKEN", "renewed")
    sync.run(shelf_hub, made["run"]["id"])
    found = admin.get(f"{RUNS}/{made['run']['id']}").json()
    assert (found["state"], found["error"]) == ("failed", "The shelf does not accept the token ***; create a new one.")
    connection = admin.get(f"/api/v1/connections/{made['connection']['id']}").json()
    assert (connection["state"], connection["last_error"], connection["next_due_at"]) == ("failing", found["error"], None)


def test_runs_are_listed_the_newest_first_and_filtered(admin: TestClient, shelf_hub: Hub, made: dict[str, Any], clock: Clock) -> None:
    ids = [made["run"]["id"]]
    sync.run(shelf_hub, ids[0])
    for mode in ("full", "census"):
        clock.forward(minutes=1)
        ids.append(admin.post(f"/api/v1/connections/{made['connection']['id']}/sync", json={"mode": mode}).json()["id"])
    first = admin.get(f"{RUNS}?limit=2").json()
    second = admin.get(f"{RUNS}?limit=2&cursor={first['next_cursor']}").json()
    assert [run["id"] for run in first["items"] + second["items"]] == ids[::-1]
    assert second["next_cursor"] is None
    assert len(admin.get(f"{RUNS}?state=queued&connection_id={made['connection']['id']}").json()["items"]) == 2
    assert admin.get(f"{RUNS}?state=running").json()["items"] == []
    assert admin.get(f"{RUNS}?connection_id={'0' * 32}").json()["items"] == []


def test_a_cursor_is_bound_to_its_filters(admin: TestClient, made: dict[str, Any], clock: Clock) -> None:
    clock.forward(minutes=1)
    admin.post(f"/api/v1/connections/{made['connection']['id']}/sync", json={"mode": "census"})
    cursor = admin.get(f"{RUNS}?limit=1").json()["next_cursor"]
    answer = admin.get(f"{RUNS}?limit=1&state=queued&cursor={cursor}")
    assert (answer.status_code, answer.json()["errors"][0]["parameter"]) == (400, "cursor")


def test_a_run_that_is_not_there_is_not_found(admin: TestClient) -> None:
    assert admin.get(f"{RUNS}/nothing").status_code == 404
