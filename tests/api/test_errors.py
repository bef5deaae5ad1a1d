"""Every error has the shape of RFC 9457 and points at what is wrong."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from starlette.testclient import TestClient

from pmo_hub.api import errors
from pmo_hub.api.errors import TITLES
from pmo_hub.services.errors import Conflict, Ended, Fault, Invalid, NotFound, Refused, ServiceError, Unavailable

AT = datetime(2026, 11, 23, tzinfo=UTC)


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (NotFound("project", "x"), 404, "not-found"),
        (Ended("work item", "x", "deleted", AT), 410, "ended"),
        (Conflict("taken"), 409, "conflict"),
        (Invalid("/name", "too long"), 422, "invalid"),
        (Refused("no"), 403, "refused"),
        (Unavailable("later"), 503, "unavailable"),
        (ServiceError("something new"), 500, "failed"),
    ],
)
def test_what_a_use_case_raises_has_a_status(error: ServiceError, status: int, code: str) -> None:
    problem = errors.of_service(error)
    assert (problem.status, problem.code) == (status, code)
    assert code in TITLES


def test_several_faults_are_told_with_their_pointers() -> None:
    problem = errors.of_service(Invalid("/a", "first", Fault("/b/0", "second", "missing")))
    assert [(fault.pointer, fault.code, fault.message) for fault in problem.errors] == [
        ("/a", "invalid", "first"), ("/b/0", "missing", "second"),
    ]  # fmt: skip


def test_what_may_work_later_says_when() -> None:
    assert errors.of_service(Unavailable("later", timedelta(seconds=1.2))).headers == {"Retry-After": "2"}


def test_steps_of_a_pointer_are_escaped() -> None:
    assert errors.pointer(["a/b", "c~d", 0]) == "/a~1b/c~0d/0"
    assert errors.pointer([]) == ""


def problem(admin: TestClient, method: str, path: str, **more: Any) -> dict[str, Any]:
    answer = admin.request(method, path, **more)
    assert answer.headers["content-type"] == "application/problem+json"
    body: dict[str, Any] = answer.json()
    assert body["status"] == answer.status_code
    assert body["instance"] == path
    assert body["trace_id"] == answer.headers["X-Request-ID"]
    assert body["title"] == TITLES[body["type"].removeprefix("/problems/")]
    return body


def test_an_unknown_path_is_a_problem(admin: TestClient) -> None:
    assert problem(admin, "GET", "/api/v1/nothing")["status"] == 404
    assert problem(admin, "GET", "/nothing")["status"] == 404


def test_a_wrong_method_is_a_problem_and_says_the_right_ones(admin: TestClient) -> None:
    assert problem(admin, "DELETE", "/api/v1/connectors")["type"] == "/problems/method-not-allowed"
    assert admin.delete("/api/v1/connectors").headers["Allow"] == "GET"


def test_a_wrong_body_points_at_each_field(admin: TestClient) -> None:
    body = {"name": "", "connector": "shelf", "config": {}, "scopes": "some", "time_zone": 0, "tpyo": 1}
    found = problem(admin, "POST", "/api/v1/connections", json=body)
    assert found["status"] == 422
    pointers = {fault["pointer"] for fault in found["errors"]}
    assert {"/name", "/time_zone", "/tpyo"} <= pointers
    assert any(pointer.startswith("/scopes") for pointer in pointers)


def test_a_wrong_config_points_below_config_and_shows_no_value(admin: TestClient) -> None:
    body = {"connector": "shelf", "config": {"url": "ftp://hidden-value", "token": "another-hidden-value", "pages": "many"}}
    answer = admin.post("/api/v1/connections/check", json=body)
    assert {fault["pointer"] for fault in answer.json()["errors"]} == {"/config/url", "/config/pages"}
    assert "hidden-value" not in answer.text


def test_a_body_that_is_not_json_is_told_where(admin: TestClient) -> None:
    found = problem(admin, "POST", "/api/v1/connections/check", content=b'{"connector": ', headers={"content-type": "application/json"})
    assert (found["status"], found["errors"][0]["code"]) == (422, "json_invalid")
    assert "at character 14" in found["errors"][0]["message"]


def test_a_body_of_another_media_type_is_a_problem(admin: TestClient) -> None:
    found = problem(admin, "POST", "/api/v1/connections/check", content=b"connector=shelf", headers={"content-type": "text/plain"})
    assert found["status"] == 422


def test_a_wrong_parameter_is_named(admin: TestClient) -> None:
    answer = admin.get("/api/v1/sync-runs?limit=0&state=asleep")
    assert {fault["parameter"] for fault in answer.json()["errors"]} == {"limit", "state"}


def test_a_huge_number_of_faults_is_cut(admin: TestClient) -> None:
    body = {"connector": "shelf", "config": {}, **{f"unknown{n}": n for n in range(200)}}
    assert len(admin.post("/api/v1/connections/check", json=body).json()["errors"]) == errors.MOST_FAULTS
