"""Programs over the wire."""

from __future__ import annotations

from pathlib import Path

import pytest
from starlette.testclient import TestClient

from pmo_hub.domain.membership import automatic_project
from pmo_hub.store.unit_of_work import Work
from tests.serving import Visit
from tests.stored import Clock, Estate, scope_id

HOME = "/api/v1/programs"
ERP = automatic_project(scope_id("ERP"))


@pytest.fixture
def estate(work: Work, tmp_path: Path, clock: Clock) -> Estate:
    made = Estate(work, tmp_path, clock)
    made.scopes("ERP")
    return made


@pytest.fixture
def api(estate: Estate, admin: TestClient) -> TestClient:
    return admin


def make(api: TestClient, name: str, home: str = HOME) -> str:
    return str(api.post(home, json={"name": name}).json()["id"])


def test_program_is_made_changed_and_deleted_under_its_etag(api: TestClient, estate: Estate) -> None:
    made = api.post(HOME, json={"name": "Inner"})
    path = made.headers["Location"]
    estate.clock.forward(hours=1)
    changed = api.patch(path, json={"description": "Why"}, headers={"If-Match": made.headers["ETag"]})
    assert (changed.json()["name"], changed.json()["description"]) == ("Inner", "Why")
    assert api.delete(path).status_code == 428
    assert api.delete(path, headers={"If-Match": changed.headers["ETag"]}).status_code == 204
    assert api.get(path).status_code == 404
    assert api.get(HOME).json()["items"] == []


def test_program_in_a_portfolio_carries_its_projects_along(api: TestClient) -> None:
    whole, inner = make(api, "All", "/api/v1/portfolios"), make(api, "Inner")
    api.post(f"{HOME}/{inner}/members", json={"type": "project", "id": ERP})
    api.post(f"/api/v1/portfolios/{whole}/members", json={"type": "program", "id": inner})
    assert api.get(f"/api/v1/portfolios/{whole}").json()["projects"] == 1
    assert [p["name"] for p in api.get(f"{HOME}/{inner}").json()["placed_in"]] == ["All"]
    assert [p["name"] for p in api.get(f"/api/v1/projects/{ERP}").json()["placed_in"]] == ["Inner"]
    for holder in ({"portfolio": whole}, {"program": inner}):
        assert [p["id"] for p in api.get("/api/v1/projects", params=holder).json()["items"]] == [ERP]


def test_program_inside_itself_is_a_conflict(api: TestClient) -> None:
    first, second = make(api, "A"), make(api, "B")
    assert api.post(f"{HOME}/{first}/members", json={"type": "program", "id": second}).status_code == 200
    assert api.post(f"{HOME}/{second}/members", json={"type": "program", "id": first}).status_code == 409
    assert api.post(f"{HOME}/{second}/members", json={"type": "program", "id": second}).status_code == 409
    assert api.get(f"{HOME}/{second}/members").json()["items"] == []


def test_key_for_reading_may_not_write(api: TestClient, visit: Visit) -> None:
    reader = visit("programs:read")
    assert reader.get(HOME).status_code == 200
    assert reader.post(HOME, json={"name": "Inner"}).status_code == 403
