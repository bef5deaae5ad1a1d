"""Coverage over the API."""

from __future__ import annotations

from starlette.testclient import TestClient

from tests.serving import Visit


def test_nothing_to_cover_is_an_empty_list(admin: TestClient, visit: Visit) -> None:
    assert admin.get("/api/v1/coverage").json() == {"items": []}
    assert admin.get("/api/v1/coverage", params={"dimension": "colour"}).status_code in (400, 422)
    assert admin.get("/api/v1/coverage", params={"connection_id": "nothing"}).status_code == 404
    assert visit("projects:read").get("/api/v1/coverage").status_code == 403
