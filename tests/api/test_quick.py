"""The hot reads answer on both of their ways alike: past the framework's routing, and through the endpoint that describes them."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from pydantic import BaseModel
from starlette.routing import Match
from starlette.testclient import TestClient

from pmo_hub.api.application import PREFIX, application, scoped
from pmo_hub.api.quick import QuickRead
from pmo_hub.api.routes import QUICK_READS, ROUTERS, work_items
from pmo_hub.api.schemas.health import HealthView
from pmo_hub.api.schemas.work_items import WorkItemView
from pmo_hub.domain.identity import row_id
from pmo_hub.services import access
from pmo_hub.services import work_items as items
from pmo_hub.services.hub import Hub
from pmo_hub.store.models.canonical import Component, Iteration
from pmo_hub.store.unit_of_work import Work
from tests.serving import Visit
from tests.stored import Clock, Estate, item_id, person_id, scope_id

PROJECT = row_id("pmo-hub", "project", scope_id("ERP"))
MODELS: Mapping[str, type[BaseModel]] = {
    "/work-items/{work_item_id}": WorkItemView,
    "/projects/{project_id}/health": HealthView,
}
# A parameter that no endpoint has: the request goes the ordinary way.
ORDINARY = {"ordinary": "1"}


@pytest.fixture
def estate(work: Work, tmp_path: Path, clock: Clock) -> Estate:
    made = Estate(work, tmp_path, clock)
    made.scopes("ERP")
    made.people("ann")
    made.named(Component, "b" * 32, "Billing")
    made.named(Iteration, "d" * 32, "Sprint 1")
    around: dict[str, Any] = {"component_ids": ["b" * 32], "iteration_ids": ["d" * 32], "assignee_id": person_id("ann")}
    made.items("ERP", {"external_id": "1"})
    made.items("ERP", {"external_id": "2", "parent_id": item_id("1"), "points": 3.0, "labels": ["<b>", "ü"], **around})
    made.dependency("1", "2")
    return made


def paths(estate: Estate) -> dict[str, str]:
    """A path of something that is there, by the path of its endpoint."""
    return {
        "/work-items/{work_item_id}": f"{PREFIX}/work-items/{item_id('2')}",
        "/projects/{project_id}/health": f"{PREFIX}/projects/{PROJECT}/health",
    }


def test_each_quick_read_is_a_declared_endpoint_with_the_same_scope() -> None:
    routes = [found for router in ROUTERS for found in scoped(router)]
    declared = {route.path: (scope, route.response_model) for route, scope in routes if "GET" in (route.methods or ())}
    assert {path: declared[path] for path in QUICK_READS} == {path: (scope, MODELS[path]) for path, (scope, _) in QUICK_READS.items()}


@pytest.mark.parametrize("endpoint", QUICK_READS)
def test_both_ways_answer_the_same_bytes_and_they_are_of_the_declared_model(admin: TestClient, estate: Estate, endpoint: str) -> None:
    path = paths(estate)[endpoint]
    quick, ordinary = admin.get(path), admin.get(path, params=ORDINARY)
    assert (quick.status_code, quick.content) == (200, ordinary.content)
    told = {"date", "x-request-id"}
    assert {k: v for k, v in quick.headers.items() if k not in told} == {k: v for k, v in ordinary.headers.items() if k not in told}
    assert MODELS[endpoint].model_validate_json(quick.content).model_dump(mode="json") == quick.json()
    document = application(None).openapi()
    schema = document["paths"][PREFIX + endpoint]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
    jsonschema.validate(quick.json(), {**schema, "components": document["components"]})


@pytest.mark.parametrize("endpoint", QUICK_READS)
def test_both_ways_refuse_alike(visit: Visit, estate: Estate, endpoint: str) -> None:
    path = paths(estate)[endpoint]
    stranger, other, admin = visit(), visit("connectors:read"), visit("admin")
    missing = path.replace(item_id("2"), "0" * 32).replace(PROJECT, "0" * 32)
    for client, asked, status in ((stranger, path, 401), (other, path, 403), (admin, missing, 404)):
        quick, ordinary = client.get(asked), client.get(asked, params=ORDINARY)
        assert (quick.status_code, quick.headers["Content-Type"]) == (status, "application/problem+json")
        assert {**quick.json(), "trace_id": ""} == {**ordinary.json(), "trace_id": ""}
    for method in ("HEAD", "POST", "DELETE"):
        assert admin.request(method, path).status_code == 405


def test_a_revoked_key_opens_no_quick_read_within_seconds(shelf_hub: Hub, visit: Visit, estate: Estate, clock: Clock) -> None:
    client, path = visit("work_items:read"), paths(estate)["/work-items/{work_item_id}"]
    assert client.get(path).status_code == 200
    access.revoke_key(shelf_hub, access.list_keys(shelf_hub)[0].id, "test")
    clock.forward(seconds=access.CACHE_LIFE.total_seconds())
    assert client.get(path).status_code == 401


def test_held_and_ended_items_are_told_on_both_ways(admin: TestClient, estate: Estate) -> None:
    path = paths(estate)["/work-items/{work_item_id}"]
    tag = {"If-None-Match": admin.get(path).headers["ETag"]}
    assert [admin.get(path, headers=tag, params=query).status_code for query in ({}, ORDINARY)] == [304, 304]
    estate.clock.forward(days=1)
    estate.end_items("2", reason="deleted")
    assert [admin.get(path, headers=tag, params=query).status_code for query in ({}, ORDINARY)] == [410, 410]


def test_only_a_file_is_read_on_the_event_loop(
    work: Work, admin: TestClient, estate: Estate, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads: list[str] = []
    answer = items.get

    def noted(*given: Any) -> Any:
        threads.append(threading.current_thread().name)
        return answer(*given)

    monkeypatch.setattr(items, "get", noted)
    path = paths(estate)["/work-items/{work_item_id}"]
    admin.get(path)
    admin.get(path, params=ORDINARY)
    in_pool = ["worker thread" in name for name in threads]
    assert in_pool == [not work.is_at_hand, True]


@pytest.mark.parametrize(("method", "query"), [("POST", b""), ("HEAD", b""), ("GET", b"as_of=2026-01-01T00:00:00Z")])
def test_whatever_says_more_than_a_path_goes_the_ordinary_way(method: str, query: bytes) -> None:
    route = QuickRead("/work-items/{id}", "work_items:read", work_items.work_item_answer)
    scope = {"type": "http", "method": method, "path": f"/work-items/{'1' * 32}", "query_string": query}
    assert route.matches(scope) == (Match.NONE, {})
    plain = {**scope, "method": "GET", "query_string": b""}
    assert route.matches(plain)[0] is Match.FULL
    assert route.matches({**plain, "path": "/work-items/explain"})[0] is Match.NONE
