"""Portfolios over the wire."""

from __future__ import annotations

from pathlib import Path

import pytest
from starlette.testclient import TestClient

from pmo_hub.domain.membership import automatic_project
from pmo_hub.store.unit_of_work import Work
from tests.serving import Visit
from tests.stored import Clock, Estate, scope_id

HOME = "/api/v1/portfolios"
ERP = automatic_project(scope_id("ERP"))


@pytest.fixture
def estate(work: Work, tmp_path: Path, clock: Clock) -> Estate:
    made = Estate(work, tmp_path, clock)
    made.scopes("ERP", "OPS")
    made.people("ann")
    return made


@pytest.fixture
def api(estate: Estate, admin: TestClient) -> TestClient:
    return admin


def make(api: TestClient, name: str) -> str:
    return str(api.post(HOME, json={"name": name}).headers["Location"])


def test_portfolio_is_made_changed_and_deleted_under_its_etag(api: TestClient, estate: Estate) -> None:
    made = api.post(HOME, json={"name": "All", "owner": "ann@example.org"})
    assert (made.status_code, made.json()["owner"]["name"]) == (201, "ANN")
    path = made.headers["Location"]
    held = api.get(path)
    assert held.headers["ETag"] == made.headers["ETag"]
    assert api.get(path, headers={"If-None-Match": held.headers["ETag"]}).status_code == 304
    assert api.patch(path, json={"name": "Other"}).status_code == 428
    estate.clock.forward(hours=1)
    changed = api.patch(path, json={"name": "Other", "owner": None}, headers={"If-Match": held.headers["ETag"]})
    assert (changed.json()["name"], changed.json()["owner"]) == ("Other", None)
    assert api.delete(path, headers={"If-Match": held.headers["ETag"]}).status_code == 412
    assert api.delete(path, headers={"If-Match": changed.headers["ETag"]}).status_code == 204
    assert api.get(path).status_code == 404


def test_members_are_placed_listed_and_taken_out(api: TestClient, estate: Estate) -> None:
    path = make(api, "All")
    placed = api.post(f"{path}/members", json={"type": "project", "id": ERP})
    assert (placed.status_code, placed.json()["projects"]) == (200, 1)
    assert api.get(f"{path}/members").json()["items"] == [{"type": "project", "id": ERP, "name": "Scope ERP"}]
    assert [p["id"] for p in api.get("/api/v1/projects", params={"portfolio": path.rpartition("/")[2]}).json()["items"]] == [ERP]
    there = estate.clock().isoformat()
    estate.clock.forward(days=1)
    assert api.delete(f"{path}/members/project/{ERP}").status_code == 204
    assert api.delete(f"{path}/members/project/{ERP}").status_code == 404
    assert api.get(f"{path}/members").json()["items"] == []
    assert [m["id"] for m in api.get(f"{path}/members", params={"as_of": there}).json()["items"]] == [ERP]


def test_what_is_not_there_is_refused_with_a_pointer(api: TestClient) -> None:
    path = make(api, "All")
    for body, pointer in (({"type": "project", "id": "0" * 32}, "/id"), ({"type": "portfolio", "id": ERP}, "/type")):
        answer = api.post(f"{path}/members", json=body)
        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, pointer)


def test_list_goes_by_name_in_pages(api: TestClient) -> None:
    for name in ("C", "A", "B"):
        make(api, name)
    first = api.get(HOME, params={"limit": 2}).json()
    rest = api.get(HOME, params={"limit": 2, "cursor": first["next_cursor"]}).json()
    assert [p["name"] for p in first["items"] + rest["items"]] == ["A", "B", "C"]
    assert rest["next_cursor"] is None
    assert [p["name"] for p in api.get(HOME, params={"q": "b"}).json()["items"]] == ["B"]


def test_key_for_reading_may_not_write(api: TestClient, visit: Visit) -> None:
    reader = visit("portfolios:read")
    assert reader.get(HOME).status_code == 200
    assert reader.post(HOME, json={"name": "All"}).status_code == 403
