"""Why an item is or isn't there, over the API."""

from __future__ import annotations

from starlette.testclient import TestClient

from pmo_hub.services import sync
from pmo_hub.services.hub import Hub
from tests.serving import Visit
from tests.shelf import config

EXPLAIN = "/api/v1/work-items/explain"


def test_what_was_never_seen_is_explained_with_nulls_where_nothing_applies(admin: TestClient, shelf_hub: Hub) -> None:
    body = {"name": "Library", "connector": "shelf", "config": config(), "scopes": ["A"]}
    made = admin.post("/api/v1/connections", json=body).json()
    waiting = admin.get(f"{EXPLAIN}?ref=PROJ-123").json()
    assert (waiting["verdict"], waiting["waiting_run"]) == ("not_yet", made["run"]["id"])
    sync.run(shelf_hub, made["run"]["id"])
    found = admin.get(f"{EXPLAIN}?ref=PROJ-123&connection=Library").json()
    assert found["verdict"] == "never_seen"
    assert found["connection"] == {"id": made["connection"]["id"], "name": "Library"}
    assert (found["item"], found["scope"], found["quarantine"], found["source_says"], found["projects"]) == (None, None, None, None, [])
    asked = admin.get(f"{EXPLAIN}?ref=PROJ-123&ask_source=true").json()
    assert asked["verdict"] == "no_access"
    assert "PROJ-123" in asked["sentence"]


def test_what_is_asked_wrongly_is_pointed_at(admin: TestClient) -> None:
    assert admin.get(f"{EXPLAIN}?ref=").status_code == 422
    assert admin.get(f"{EXPLAIN}?ref=P-1&connection=nothing").status_code == 404


def test_who_may_read_connections_may_ask_and_who_may_change_them_may_ask_the_source(visit: Visit) -> None:
    reader = visit("connections:read")
    assert visit("work_items:read").get(f"{EXPLAIN}?ref=P-1").status_code == 403
    assert reader.get(f"{EXPLAIN}?ref=P-1").status_code == 200
    assert reader.get(f"{EXPLAIN}?ref=P-1&ask_source=true").status_code == 403
