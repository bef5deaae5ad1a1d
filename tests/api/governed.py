"""The API in front of an estate that a test fills by hand."""

from __future__ import annotations

from starlette.testclient import TestClient

from pmo_hub.api.application import application
from pmo_hub.services import access
from tests.services.governed import Estate

HOME = "/api/v1"


def client(estate: Estate, *scopes: str) -> TestClient:
    """A client whose key has these scopes."""
    key = access.create_key(estate.hub, "test", scopes or ("admin",), "test").text
    headers = {"Authorization": f"Bearer {key}"}
    return TestClient(application(estate.hub), base_url=f"http://test{HOME}", headers=headers, raise_server_exceptions=False)
