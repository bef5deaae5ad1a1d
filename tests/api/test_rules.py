"""Mapping rules over the API."""

from __future__ import annotations

from typing import Any

import pytest
from starlette.testclient import TestClient

from tests.serving import Visit
from tests.shelf import config


@pytest.fixture
def at(admin: TestClient) -> str:
    """The address of a connection's rules."""
    made: dict[str, Any] = admin.post("/api/v1/connections", json={"name": "Library", "connector": "shelf", "config": config()}).json()
    return f"/api/v1/connections/{made['connection']['id']}/rules"


def test_rules_are_told_with_the_schema_that_draws_their_form(admin: TestClient, at: str) -> None:
    found = admin.get(at).json()
    assert (found["rules"], found["words"], found["unread_fields"]) == ({}, [], [])
    assert set(found["rule_schema"]["properties"]["counts"]["properties"]) == {"types", "labels"}


def test_accepted_rules_come_with_the_run_that_makes_the_rows_follow(admin: TestClient, at: str) -> None:
    answer = admin.put(at, json={"rules": {"counts": {"labels": ["private"]}}}, headers={"If-Match": admin.get(at).headers["ETag"]})
    assert answer.status_code == 200
    assert answer.json()["rules"] == {"counts": {"labels": ["private"]}}
    (run,) = answer.json()["runs"]
    assert (run["mode"], run["state"]) == ("remap", "queued")
    listed = admin.get("/api/v1/sync-runs").json()["items"]
    assert run["id"] in [one["id"] for one in listed]


def test_rules_decided_on_an_older_state_are_refused(admin: TestClient, at: str) -> None:
    assert admin.put(at, json={"rules": {}}).status_code == 428
    assert admin.put(at, json={"rules": {}}, headers={"If-Match": '"old"'}).status_code == 412


def test_a_wrong_rule_is_pointed_at(admin: TestClient, at: str) -> None:
    answer = admin.put(at, json={"rules": {"counts": {"types": [1]}}}, headers={"If-Match": "*"})
    assert answer.status_code == 422
    assert [one["pointer"] for one in answer.json()["errors"]] == ["/rules/counts/types"]


def test_a_preview_needs_the_right_to_write_and_answers_in_numbers(visit: Visit, admin: TestClient, at: str) -> None:
    wanted = {"rules": {"counts": {"labels": ["private"]}}}
    assert visit("connections:read").post(f"{at}/preview", json=wanted).status_code == 403
    found = admin.post(f"{at}/preview", json=wanted).json()
    assert (found["rows"], found["is_whole"], found["by_project"], found["samples"]) == (0, True, [], [])
