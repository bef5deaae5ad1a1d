"""Databases at the newest migration: made once a session and engine, copied for each test."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from pmo_hub.store import migrations
from pmo_hub.store.engine import create_engine
from pmo_hub.store.unit_of_work import Work
from tests.engines import ENGINES, PostgresServer, text


def migrate(url: str) -> None:
    """The database is at the newest migration."""
    engine = create_engine(url)
    try:
        migrations.upgrade(engine)
    finally:
        engine.dispose()


@pytest.fixture(scope="session")
def _sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("template") / "hub.db"
    migrate(f"sqlite:///{file}")
    return file


@pytest.fixture(scope="session")
def _postgresql_template(postgres_server: PostgresServer) -> Iterator[str]:
    with postgres_server.database() as url:
        migrate(text(url))
        yield url.database or ""


@pytest.fixture
def migrated_sqlite_url(_sqlite_template: Path, tmp_path: Path) -> str:
    file = tmp_path / "hub.db"
    shutil.copy(_sqlite_template, file)
    return f"sqlite:///{file}"


@pytest.fixture
def migrated_postgresql_url(_postgresql_template: str, postgres_server: PostgresServer) -> Iterator[str]:
    with postgres_server.database(_postgresql_template) as url:
        yield text(url)


@pytest.fixture(params=ENGINES)
def migrated_url(request: pytest.FixtureRequest) -> str:
    """The address of a migrated database of this test's own, once on each engine."""
    url: str = request.getfixturevalue(f"migrated_{request.param}_url")
    return url


@pytest.fixture
def work(migrated_url: str) -> Iterator[Work]:
    """Transactions on a migrated database of this test's own, once on each engine."""
    lent = Work(create_engine(migrated_url))
    yield lent
    lent.dispose()
