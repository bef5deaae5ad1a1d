"""The only place that commits."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa
from sqlalchemy.orm import Session

__all__ = ["Session", "Work"]


class Work:
    """Hands out transactions on one database; never held across HTTP."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine
        self._writing = engine.execution_options(sqlite_begin="IMMEDIATE")

    @property
    def dialect(self) -> str:
        return self._engine.dialect.name

    @contextmanager
    def write(self) -> Iterator[Session]:
        """A transaction that is committed at the end of the block, rolled back when it raises."""
        with Session(self._writing, expire_on_commit=False) as session, session.begin():
            yield session

    @contextmanager
    def read(self) -> Iterator[Session]:
        """A read-only snapshot; nothing is committed."""
        with Session(self._engine, expire_on_commit=False) as session:
            yield session

    def dispose(self) -> None:
        self._engine.dispose()
