"""The only place that commits."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from pmo_hub.store.engine import glancing
from pmo_hub.store.prepared import Snapshot

__all__ = ["Session", "Snapshot", "Work"]


class Work:
    """Hands out transactions on one database; never held across HTTP."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine
        self._writing = engine.execution_options(sqlite_begin="IMMEDIATE")
        self._glancing = glancing(engine)

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

    @property
    def is_at_hand(self) -> bool:
        """Whether a glance waits for nobody: the database is a file, whose readers no writer holds up."""
        return self.dialect == "sqlite"

    @contextmanager
    def glance(self) -> Iterator[Snapshot]:
        """The driver's own connection, for prepared statements that are over in well under a millisecond."""
        lent = self._glancing.raw_connection()
        driver: Any = lent.driver_connection
        try:
            if self.is_at_hand:
                driver.execute("BEGIN")  # ended by the pool, which rolls back what comes home
            yield Snapshot(self._engine.dialect, driver)
        finally:
            lent.close()

    def dispose(self) -> None:
        self._engine.dispose()
        self._glancing.dispose()
