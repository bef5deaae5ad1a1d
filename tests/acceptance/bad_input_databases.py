"""Databases to start from: each made once, copied for every test."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import Protocol

from tests.engines import PostgresServer, text


class Databases(Protocol):
    def keep(self, name: str, origin: str | None = None) -> str:
        """The address of a database of that name: a copy of another, or a migrated one."""
        ...

    def lend(self, name: str) -> AbstractContextManager[str]:
        """The address of a copy, for one test."""
        ...


class SqliteDatabases:
    def __init__(self, migrated: Path, folder: Path) -> None:
        self._migrated = migrated
        self._folder = folder
        self._lent = 0

    def keep(self, name: str, origin: str | None = None) -> str:
        kept = self._folder / f"{name}.db"
        shutil.copy(self._migrated if origin is None else self._folder / f"{origin}.db", kept)
        return f"sqlite:///{kept}"

    @contextmanager
    def lend(self, name: str) -> Iterator[str]:
        self._lent += 1
        copy = self._folder / f"{name}-{self._lent}.db"
        shutil.copy(self._folder / f"{name}.db", copy)
        yield f"sqlite:///{copy}"


class PostgresDatabases:
    """On a server; nobody may be connected to what is copied."""

    def __init__(self, server: PostgresServer, migrated: str, kept: ExitStack) -> None:
        self._server = server
        self._migrated = migrated
        self._kept = kept
        self._names: dict[str, str] = {}

    def keep(self, name: str, origin: str | None = None) -> str:
        url = self._kept.enter_context(self._server.database(self._migrated if origin is None else self._names[origin]))
        self._names[name] = url.database or ""
        return text(url)

    @contextmanager
    def lend(self, name: str) -> Iterator[str]:
        with self._server.database(self._names[name]) as url:
            yield text(url)
