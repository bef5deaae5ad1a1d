"""Persons over the API."""

from __future__ import annotations

from typing import Any

import pytest
from starlette.testclient import TestClient

from pmo_hub.services.hub import Hub
from pmo_hub.store.merge import merge_rows
from pmo_hub.store.models.canonical import Identity
from tests.serving import Visit


@pytest.fixture
def bobs(shelf_hub: Hub) -> list[str]:
    ids = ["1" * 32, "2" * 32]
    rows: list[dict[str, Any]] = [
        {"id": id, "external_id": id, "name": "Bob Ray", "email": None, "is_active": True, "account_type": None, "mention_version": None}
        for id in ids
    ]
    with shelf_hub.work.write() as session:
        merge_rows(session, Identity, rows, shelf_hub.now())
    return ids


def test_a_suggestion_is_accepted_and_split_again(admin: TestClient, bobs: list[str]) -> None:
    (one,) = admin.get("/api/v1/person-suggestions").json()["items"]
    person = admin.post(f"/api/v1/person-suggestions/{one['id']}/accept").json()
    assert [account["id"] for account in person["accounts"]] == bobs
    assert admin.get("/api/v1/persons").json()["items"] == [person]
    assert admin.get(f"/api/v1/persons/{person['id']}").json() == person
    assert admin.delete(f"/api/v1/persons/{person['id']}/accounts/{bobs[1]}").status_code == 204
    assert admin.get("/api/v1/persons").json()["items"] == []
    assert admin.post("/api/v1/persons", json={"identity_ids": bobs}).status_code == 201


def test_a_suggestion_is_rejected(admin: TestClient, bobs: list[str]) -> None:
    (one,) = admin.get("/api/v1/person-suggestions").json()["items"]
    assert admin.post(f"/api/v1/person-suggestions/{one['id']}/reject").status_code == 204
    assert admin.get("/api/v1/person-suggestions").json()["items"] == []
    assert admin.post(f"/api/v1/person-suggestions/{one['id']}/reject").status_code == 404


def test_people_have_a_scope_of_their_own(visit: Visit) -> None:
    assert visit("work_items:read").get("/api/v1/persons").status_code == 403
    assert visit("people:read").post("/api/v1/persons", json={"identity_ids": ["a", "b"]}).status_code == 403
