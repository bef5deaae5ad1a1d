"""Removal over the API."""

from __future__ import annotations

from typing import Any

import pytest
from starlette.testclient import TestClient

from pmo_hub.services import removal, sync
from pmo_hub.services.hub import Hub
from tests.serving import Visit
from tests.shelf import config


@pytest.fixture
def at(admin: TestClient, shelf_hub: Hub) -> str:
    """The address of a connection that was synced."""
    made: dict[str, Any] = admin.post("/api/v1/connections", json={"name": "Library", "connector": "shelf", "config": config()}).json()
    sync.run(shelf_hub, made["run"]["id"])
    return f"/api/v1/connections/{made['connection']['id']}"


def test_what_would_happen_is_told_beforehand(admin: TestClient, at: str) -> None:
    found = admin.get(f"{at}/removal", params={"scope": ["A", "B"]}).json()
    assert (found["whole"], [one["external_id"] for one in found["scopes"]], found["payloads"]) == (False, ["A", "B"], 4)
    assert {one["name"] for one in found["projects"]} == {"Atlases", "Biographies"}
    assert admin.get(f"{at}/removal").json()["whole"] is True


def test_a_scope_goes_as_was_chosen(admin: TestClient, shelf_hub: Hub, at: str) -> None:
    answer = admin.delete(f"{at}/scopes", params={"scope": ["A"], "data": "purge"})
    assert (answer.status_code, answer.json()["state"]) == (202, "queued")
    removal.run(shelf_hub, answer.json()["id"])
    done = admin.get(answer.headers["Location"]).json()
    assert (done["state"], done["removed"]["payloads"], done["forecast"]["payloads"]) == ("finished", 2, 2)
    assert admin.get(f"{at}/removal", params={"scope": ["A"]}).status_code == 422


def test_a_connection_goes_as_was_chosen(admin: TestClient, shelf_hub: Hub, at: str) -> None:
    kept = admin.delete(at, params={"data": "keep"}).json()
    removal.run(shelf_hub, kept["id"])
    assert admin.get(at).json()["state"] == "removed"
    assert admin.post(f"{at}/sync").status_code == 409
    purged = admin.delete(at, params={"data": "purge"}).json()
    removal.run(shelf_hub, purged["id"])
    assert admin.get(at).status_code == 404
    assert [one["data"] for one in admin.get(f"{at}/removals").json()["items"]].count("purge") == 1


def test_nothing_goes_without_saying_what_becomes_of_the_data(admin: TestClient, visit: Visit, at: str) -> None:
    assert admin.delete(at).status_code in (400, 422)
    assert admin.put(f"{at}/scopes", json={"scopes": ["A"]}).json()["errors"][0]["pointer"] == "/dropped_data"
    assert visit("connections:read").delete(at, params={"data": "keep"}).status_code == 403
    dropped = admin.put(f"{at}/scopes", json={"scopes": ["A", "B"], "dropped_data": "keep"}).json()
    assert dropped["removal_id"] is not None
