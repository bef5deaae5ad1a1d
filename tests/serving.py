"""The API over a migrated database of a test's own, once on each engine, with the shelf as its only connector."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from pmo_hub.api.application import application
from pmo_hub.host.registry import Registry
from pmo_hub.host.session import Throttles
from pmo_hub.services import access
from pmo_hub.services.hub import Hub
from pmo_hub.store.secrets import SecretBox
from pmo_hub.store.unit_of_work import Work
from tests.shelf import ShelfConnector
from tests.stored import Clock

SECRET_KEY = bytes(range(32))


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def shelf_hub(work: Work, clock: Clock, tmp_path: Path) -> Hub:
    """A hub that knows the shelf."""
    return Hub(work, clock, Registry.of(ShelfConnector()), SecretBox([SECRET_KEY]), Throttles(), tmp_path)


Visit = Callable[..., TestClient]


@pytest.fixture
def visit(shelf_hub: Hub) -> Visit:
    """Makes a client whose key has these scopes; without any, one that shows no key."""
    app = application(shelf_hub)

    def client(*scopes: str) -> TestClient:
        headers = {}
        if scopes:
            headers["Authorization"] = f"Bearer {access.create_key(shelf_hub, 'test', scopes, 'test').text}"
        return TestClient(app, headers=headers, raise_server_exceptions=False)

    return client


@pytest.fixture
def admin(visit: Visit) -> TestClient:
    return visit("admin")
