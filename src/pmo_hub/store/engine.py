"""Engines: SQLite in WAL mode with one writer at a time, or PostgreSQL through psycopg."""

from __future__ import annotations

import math
import sqlite3
import time
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import make_url

from pmo_hub.store.base import datetime_text

# The bulk path hands values to sqlite3 as they are; these make the text that the column types make.
sqlite3.register_adapter(datetime, datetime_text)
sqlite3.register_adapter(date, date.isoformat)

SQLITE_BUSY_S = 30
PING_AFTER_S = 1.0
# Opening a file costs little, and who reads on the event loop must never wait for a connection: as many as there are threads to ask.
FILE_POOL: Mapping[str, Any] = {"poolclass": sa.pool.QueuePool, "max_overflow": -1}


class DatabaseUrlError(ValueError):
    """The database URL can't be used; the text says what to write."""


def create_engine(url: str, pool_size: int = 10) -> sa.Engine:
    """An engine for `url` ("sqlite:///file" or "postgresql+psycopg://…"); nothing is connected yet."""
    try:
        parsed = make_url(url)
    except sa.exc.ArgumentError as e:
        raise DatabaseUrlError("The database URL is not understood; write sqlite:///FILE or postgresql+psycopg://USER@HOST/NAME.") from e
    if parsed.drivername in ("postgres", "postgresql"):
        parsed = parsed.set(drivername="postgresql+psycopg")
    if parsed.get_backend_name() == "sqlite":
        return _sqlite(parsed)
    if parsed.drivername == "postgresql+psycopg":
        return sa.create_engine(parsed, pool_size=pool_size, max_overflow=5, pool_pre_ping=True)
    raise DatabaseUrlError(f"{parsed.drivername} is not supported; use sqlite:/// or postgresql+psycopg://.")


def glancing(engine: sa.Engine) -> sa.Engine:
    """An engine for reads of single statements: on PostgreSQL without transactions, and asked for a sign of life only after a rest.

    A ping, a BEGIN and a ROLLBACK are three journeys to the server around one that answers.
    """
    if engine.dialect.name != "postgresql":
        return engine
    pool: Any = engine.pool
    made = sa.create_engine(engine.url, pool_size=pool.size(), max_overflow=5, isolation_level="AUTOCOMMIT", pool_reset_on_return=None)

    @sa.event.listens_for(made, "checkin")
    def _rest(_: Any, record: Any) -> None:
        record.info["rests_since"] = time.monotonic()

    @sa.event.listens_for(made, "checkout")
    def _ping(connection: Any, record: Any, __: Any) -> None:
        try:
            if connection.closed or time.monotonic() - record.info.get("rests_since", math.inf) > PING_AFTER_S:
                connection.execute("SELECT 1")
        except Exception as error:
            raise sa.exc.DisconnectionError from error  # the pool opens another

    return made


def _sqlite(url: sa.URL) -> sa.Engine:
    engine = sa.create_engine(
        url,
        connect_args={"timeout": SQLITE_BUSY_S, "check_same_thread": False, "isolation_level": None},
        **(FILE_POOL if url.database else {"poolclass": sa.pool.StaticPool}),
    )

    @sa.event.listens_for(engine, "connect")
    def _prepare(connection: sqlite3.Connection, _: Any) -> None:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=NORMAL")
        connection.execute("PRAGMA foreign_keys=ON")
        connection.execute("PRAGMA cache_size=-8000")
        # A checkpoint in the middle of a small commit would make it ten times as long.
        connection.execute("PRAGMA wal_autocheckpoint=8000")

    @sa.event.listens_for(engine, "begin")
    def _begin(connection: sa.Connection) -> None:
        # A deferred transaction that turns into a writer fails at once when another wrote meanwhile; so writers say it first.
        mode = connection.get_execution_options().get("sqlite_begin", "DEFERRED")
        connection.exec_driver_sql(f"BEGIN {mode}")

    return engine
