"""Every endpoint asks for a key, says what it answers, and lets nothing of a failure out."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from starlette.testclient import TestClient

from pmo_hub import log
from pmo_hub.api.application import PREFIX, application, scoped
from pmo_hub.api.gate import MOST_BODY_BYTES
from pmo_hub.api.routes import ROUTERS
from pmo_hub.services import access, connections
from pmo_hub.services.access import ADMIN, SCOPES, Caller
from pmo_hub.services.hub import Hub
from tests.serving import Visit
from tests.stored import Clock

OPEN = {"/healthz", "/readyz"}
DELIVERIES = "/hooks/{connection_id}"
"""Where a source delivers: it shows a signature and no key (tests/api/test_hooks.py)."""
DOCUMENT = application(None).openapi()


Logged = Callable[[], list[dict[str, Any]]]


@pytest.fixture
def logged() -> Iterator[Logged]:
    """What the hub logs during the test, line by line."""
    written = io.StringIO()
    log.configure("info", "json", written)
    yield lambda: [json.loads(line) for line in written.getvalue().splitlines()]
    log.configure("warning", "console")


def operations() -> list[tuple[str, str, dict[str, Any]]]:
    return [(method, path, found) for path, methods in DOCUMENT["paths"].items() for method, found in methods.items()]


def filled(path: str) -> str:
    return re.sub(r"\{[^}]+\}", "x", path)


def scopes_of_operations() -> dict[str, str | None]:
    return {route.name: scope for router in ROUTERS for route, scope in scoped(router)}


def test_every_route_is_in_the_document_or_serves_it() -> None:
    listed = {(route.path, method) for router in ROUTERS for route, _ in scoped(router) for method in route.methods or ()}
    assert {(PREFIX + path, method) for path, method in listed} == {
        (path, method.upper()) for method, path, _ in operations() if path not in OPEN | {DELIVERIES}
    }


def test_every_endpoint_but_the_probes_and_the_docs_asks_for_a_key(visit: Visit) -> None:
    stranger = visit()
    answers = {(method, path): stranger.request(method, filled(path)) for method, path, _ in operations()}
    assert {place for place, answer in answers.items() if answer.status_code != 401} == {("get", path) for path in OPEN}
    guarded = next(answer for (_, path), answer in answers.items() if path not in OPEN | {DELIVERIES})
    assert guarded.headers["WWW-Authenticate"] == 'Bearer realm="pmo-hub"'
    assert guarded.json()["type"] == "/problems/key-required"
    assert stranger.get("/docs").status_code == 200
    assert stranger.get("/openapi.json").json()["info"]["title"] == "pmo-hub"


def test_what_is_not_there_asks_for_a_key_too(visit: Visit) -> None:
    assert visit().get("/api/v1/nothing").status_code == 401
    assert visit().get("/api/").status_code == 401


def test_every_endpoint_enforces_its_scope(visit: Visit) -> None:
    asked = scopes_of_operations()
    for method, path, operation in operations():
        if path in OPEN | {DELIVERIES}:
            continue
        scope = asked[operation["operationId"]]
        assert scope is not None, f"{method} {path} asks for no scope"
        noun = scope.partition(":")[0]
        others = [other for other in sorted(SCOPES - {ADMIN}) if other.partition(":")[0] != noun]
        answer = visit(*others).request(method, filled(path), json={})
        assert (answer.status_code, answer.json()["type"]) == (403, "/problems/scope-missing"), f"{method} {path}"
        assert scope in answer.json()["detail"]


def test_reading_is_not_writing(visit: Visit) -> None:
    asked = scopes_of_operations()
    reader = visit(*(scope for scope in SCOPES if scope.endswith(":read")))
    writing = [(method, path) for method, path, found in operations() if (asked.get(found["operationId"]) or "").endswith(":write")]
    assert len(writing) > 10
    assert {reader.request(method, filled(path), json={}).status_code for method, path in writing} == {403}


def test_every_scope_opens_something() -> None:
    assert SCOPES - {ADMIN} == set(scopes_of_operations().values())


def test_only_reading_changes_nothing() -> None:
    asked = scopes_of_operations()
    assert not [found["operationId"] for method, _, found in operations()
                if method != "get" and str(asked.get(found["operationId"])).endswith(":read")]  # fmt: skip


def test_every_endpoint_declares_what_it_answers() -> None:
    undeclared = []
    for method, path, operation in operations():
        good = {status: answer for status, answer in operation["responses"].items() if status.startswith("2")}
        for status, answer in good.items():
            schema = answer.get("content", {}).get("application/json", {}).get("schema", {})
            content = answer.get("content", {})
            is_file = content.get("application/zip", {}).get("schema") == {"type": "string", "format": "binary"}
            if status != "204" and "$ref" not in schema and not is_file and "text/event-stream" not in content:
                undeclared.append(f"{method} {path}")
        assert good, f"{method} {path}"
    assert undeclared == []


def test_every_endpoint_has_a_name_of_its_own_and_says_what_it_does() -> None:
    names = [operation["operationId"] for _, _, operation in operations()]
    assert len(names) == len(set(names))
    assert [name for name in names if not re.fullmatch(r"[a-z]+(_[a-z]+)*", name)] == []
    assert [found["operationId"] for _, _, found in operations() if not found.get("tags") or len(found["summary"]) < 10] == []


def test_errors_are_declared_as_problems() -> None:
    for method, path, operation in operations():
        if path not in OPEN:
            shown = operation["responses"]["4XX"]["content"]["application/problem+json"]["schema"]
            assert shown == {"$ref": "#/components/schemas/Problem"}, f"{method} {path}"
            assert ("security" in operation) == (path != DELIVERIES)
    assert "HTTPValidationError" not in DOCUMENT["components"]["schemas"]


@pytest.mark.parametrize("header", ["Authorization", "X-API-Key"])
def test_a_key_is_taken_from_either_header(shelf_hub: Hub, visit: Visit, header: str) -> None:
    text = access.create_key(shelf_hub, "n", ["connections:read"], "test").text
    sent = f"bearer {text}" if header == "Authorization" else text
    assert visit().get("/api/v1/connections", headers={header: sent}).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Authorization": "Bearer pmo_00000000_" + "A" * 43},
        {"Authorization": "Bearer"},
        {"Authorization": "Basic dXNlcjpwYXNz"},
        {"X-API-Key": "nonsense"},
        {"X-API-Key": b"\xff\xfe"},
    ],
)
def test_a_wrong_key_opens_nothing(visit: Visit, headers: dict[str, str]) -> None:
    answer = visit().get("/api/v1/connections", headers=headers)
    assert answer.status_code == 401
    assert answer.headers["content-type"] == "application/problem+json"


def test_a_key_in_the_address_opens_nothing(shelf_hub: Hub, visit: Visit) -> None:
    text = access.create_key(shelf_hub, "n", ["admin"], "test").text
    assert visit().get(f"/api/v1/connections?api_key={text}&access_token={text}").status_code == 401


def test_a_revoked_key_stops_opening_within_seconds(shelf_hub: Hub, visit: Visit, clock: Clock) -> None:
    key = access.create_key(shelf_hub, "n", ["admin"], "test")
    client = visit()
    headers = {"X-API-Key": key.text}
    assert client.get("/api/v1/connections", headers=headers).status_code == 200
    access.revoke_key(shelf_hub, key.info.id, "test")
    clock.forward(seconds=access.CACHE_LIFE.total_seconds())
    assert client.get("/api/v1/connections", headers=headers).status_code == 401


def test_a_key_is_looked_up_once_in_a_while(shelf_hub: Hub, visit: Visit, monkeypatch: pytest.MonkeyPatch, clock: Clock) -> None:
    asked: list[str] = []
    recognise = access.recognise

    def counted(hub: Hub, text: str) -> Caller | None:
        asked.append(text)
        return recognise(hub, text)

    monkeypatch.setattr(access, "recognise", counted)
    client = visit("connections:read")
    for _ in range(3):
        assert client.get("/api/v1/connections").status_code == 200
    assert len(asked) == 1
    clock.forward(minutes=1)
    client.get("/api/v1/connections")
    assert len(asked) == 2


def test_a_key_that_expires_stops_opening_at_that_instant(shelf_hub: Hub, visit: Visit, clock: Clock) -> None:
    key = access.create_key(shelf_hub, "n", ["admin"], "test", clock() + timedelta(seconds=1))
    client = visit()
    assert client.get("/api/v1/connections", headers={"X-API-Key": key.text}).status_code == 200
    clock.forward(seconds=1)
    assert client.get("/api/v1/connections", headers={"X-API-Key": key.text}).status_code == 401


def test_a_failure_shows_its_trace_id_and_nothing_else(admin: TestClient, monkeypatch: pytest.MonkeyPatch, logged: Logged) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("the reason is for the log")

    monkeypatch.setattr(connections, "page", fail)
    answer = admin.get("/api/v1/connections", headers={"X-Request-ID": "mine-42"})
    assert answer.status_code == 500
    body = answer.json()
    assert (body["type"], body["trace_id"], answer.headers["X-Request-ID"]) == ("/problems/failed", "mine-42", "mine-42")
    assert "the reason" not in answer.text
    assert "Traceback" not in answer.text
    failed = next(line for line in logged() if line["event"] == "request failed")
    assert "RuntimeError: the reason is for the log" in failed["exception"]
    assert failed["request_id"] == "mine-42"


@pytest.mark.parametrize("given", ["a" * 65, "new\tline", "<script>", ""])
def test_a_strange_request_id_is_replaced(admin: TestClient, given: str) -> None:
    answer = admin.get("/healthz", headers={"X-Request-ID": given})
    assert re.fullmatch(r"[0-9a-f]{16}", answer.headers["X-Request-ID"])


def test_a_body_that_is_too_large_is_refused(admin: TestClient) -> None:
    answer = admin.post("/api/v1/connections/check", content=b" " * (MOST_BODY_BYTES + 1), headers={"content-type": "application/json"})
    assert (answer.status_code, answer.json()["type"]) == (413, "/problems/too-large")


def test_a_body_that_is_too_large_is_refused_while_it_streams(admin: TestClient) -> None:
    def stream() -> Iterator[bytes]:
        for _ in range(20):
            yield b" " * 100_000

    answer = admin.post("/api/v1/connections", content=stream(), headers={"content-type": "application/json"})
    assert answer.status_code == 413


def test_the_log_has_ids_and_no_payload(admin: TestClient, logged: Logged) -> None:
    admin.post("/api/v1/connections/check?note=in-the-query", json={"connector": "shelf", "config": {"token": "in-the-body"}})
    told = [line for line in logged() if line["logger"] != "httpx2"]  # that is the client's own log
    line = next(one for one in told if one["event"] == "request")
    assert (line["method"], line["path"], line["status"]) == ("POST", "/api/v1/connections/check", 422)
    assert line["caller"].startswith("key:")
    assert line["request_id"]
    assert "in-the" not in json.dumps(told)


def test_a_read_that_goes_well_is_not_logged(admin: TestClient, logged: Logged) -> None:
    assert admin.get("/api/v1/connections").status_code == 200
    assert [line for line in logged() if line["logger"].startswith("pmo_hub")] == []
