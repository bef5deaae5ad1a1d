"""The page about the API needs nobody but the hub."""

from __future__ import annotations

import re

import pytest
from starlette.testclient import TestClient

from pmo_hub.api.application import application

OUTSIDE = re.compile(r"(?:https?:)?//[\w.-]+")


@pytest.fixture
def stranger() -> TestClient:
    """Who shows no key; the page needs no hub behind it either."""
    return TestClient(application(None), base_url="http://hub.test")


def test_the_page_asks_no_other_server_for_anything(stranger: TestClient) -> None:
    page = stranger.get("/docs")
    assert (page.status_code, page.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert OUTSIDE.findall(page.text) == []
    assert '"validatorUrl": null' in page.text


def test_everything_that_the_page_loads_is_served_without_a_key(stranger: TestClient) -> None:
    loaded = re.findall(r"(?:src|href)=\"([^\"]+)\"", stranger.get("/docs").text)
    assert len(loaded) == 3
    for path in loaded:
        assert path.startswith("/docs/assets/")
        assert len(stranger.get(path).content) > 1000
    style = stranger.get("/docs/assets/swagger-ui.css").text
    assert not re.search(r"url\(\s*['\"]?(?:https?:)?//|@import", style)


def test_the_script_can_show_the_version_of_the_document(stranger: TestClient) -> None:
    version = stranger.get("/openapi.json").json()["openapi"]
    script = stranger.get("/docs/assets/swagger-ui-bundle.js").text
    made = re.search(r'PACKAGE_VERSION:"(\d+)\.', script)
    assert version.startswith("3.1.")
    assert made is not None
    assert int(made[1]) >= 5  # the first that reads OpenAPI 3.1


def test_nothing_else_lies_beside_the_files(stranger: TestClient) -> None:
    assert stranger.get("/docs/assets/../__init__.py").status_code == 404
    assert stranger.get("/docs/assets/%2e%2e/__init__.py").status_code == 404
