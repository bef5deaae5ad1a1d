"""What every test may ask for; engines, third-party payloads and the closing summary are plugins of their own."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest_plugins = ["tests.engines", "tests.migrated", "tests.third_party", "tests.vendor_requests", "tests.covered"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Long tests go first: where files are dealt out to several processes, none is left alone with one at the end."""
    items.sort(key=lambda item: item.get_closest_marker("long") is None)


@pytest.fixture(scope="session")
def repository() -> Path:
    """The repository's root."""
    return Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session", autouse=True)
def no_settings_from_outside() -> Iterator[None]:
    """The hub's settings of whoever runs the tests do not reach them."""
    with pytest.MonkeyPatch.context() as patch:
        for name in list(os.environ):
            if name.startswith("PMO_HUB_") and not name.startswith("PMO_HUB_TEST_") and name != "PMO_HUB_SHARED":
                patch.delenv(name)
        yield
