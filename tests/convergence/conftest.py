"""Databases for the machine: a copy of a migrated one for each hub."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import URL

from pmo_hub.store.base import Base
from pmo_hub.store.engine import create_engine
from tests.engines import ENGINES, PostgresServer, text


class SqliteFiles:
    """Copies of a migrated file. An engine is used again and again: whatever it has compiled need not be compiled for each hub."""

    def __init__(self, template: str, folder: Path) -> None:
        self._template, self._folder = Path(template.removeprefix("sqlite:///")), folder
        self._free: list[sa.Engine] = []
        self._made = 0

    def lend(self) -> sa.Engine:
        if not self._free:
            self._made += 1
            self._free.append(create_engine(f"sqlite:///{self._folder / f'copy{self._made}.db'}"))
        engine = self._free.pop()
        engine.dispose()
        file = Path(engine.url.database or "")
        for beside in file.parent.glob(f"{file.name}*"):
            beside.unlink()
        shutil.copy(self._template, file)
        return engine

    def take_back(self, engine: sa.Engine) -> None:
        self._free.append(engine)

    def close(self) -> None:
        for engine in self._free:
            engine.dispose()


class PostgresCopies:
    """Databases that are migrated once and emptied for each hub."""

    def __init__(self, template: str, server: PostgresServer) -> None:
        self._template, self._server = template.rsplit("/", 1)[1], server
        self._free: list[tuple[sa.Engine, URL]] = []
        self._lent: dict[sa.Engine, URL] = {}

    def lend(self) -> sa.Engine:
        if not self._free:
            url = self._server.create(self._template)
            self._free.append((create_engine(text(url)), url))
        engine, url = self._free.pop()
        self._lent[engine] = url
        with engine.begin() as connection:
            names = ", ".join(table.name for table in Base.metadata.sorted_tables)
            connection.execute(sa.text(f"TRUNCATE {names} RESTART IDENTITY"))
        return engine

    def take_back(self, engine: sa.Engine) -> None:
        self._free.append((engine, self._lent.pop(engine)))

    def close(self) -> None:
        for engine, url in self._free:
            engine.dispose()
            self._server.drop(url)


@pytest.fixture(params=ENGINES)
def databases(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[str, SqliteFiles | PostgresCopies]]:
    """An engine's name, and what lends its databases."""
    url = request.getfixturevalue(f"migrated_{request.param}_url")
    lending = SqliteFiles(url, tmp_path) if request.param == "sqlite" else PostgresCopies(url, request.getfixturevalue("postgres_server"))
    yield request.param, lending
    lending.close()
