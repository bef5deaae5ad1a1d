"""Connectors over the API."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

from starlette.testclient import TestClient

from pmo_hub.api.application import application
from pmo_hub.host.registry import Registry
from pmo_hub.services import access
from pmo_hub.services.hub import Hub
from tests.shelf import ShelfConnector


def test_a_connector_is_told_with_its_form(admin: TestClient) -> None:
    found = admin.get("/api/v1/connectors").json()
    assert found["broken"] == []
    shelf = found["items"][0]
    assert (shelf["name"], shelf["title"], shelf["capabilities"]) == ("shelf", "A shelf", ["census", "incremental"])
    assert shelf["rate_limit"] == {"requests": 1000, "per_s": 1.0, "concurrency": 4}
    assert shelf["config_schema"]["required"] == ["url", "token"]
    assert shelf["config_schema"]["properties"]["token"]["format"] == "password"


def test_a_broken_connector_is_told_with_its_reason(shelf_hub: Hub) -> None:
    class Old(ShelfConnector):
        name: ClassVar[str] = "old"
        contract: ClassVar[int] = 0

    hub = replace(shelf_hub, registry=Registry.of(ShelfConnector(), Old()))
    key = access.create_key(hub, "n", ["connectors:read"], "test").text
    found = TestClient(application(hub), headers={"X-API-Key": key}).get("/api/v1/connectors").json()
    assert [one["name"] for one in found["items"]] == ["shelf"]
    assert found["broken"][0]["name"] == "old"
    assert "update the connector" in found["broken"][0]["reason"]
