"""Many rows at once: COPY to a temporary table and one INSERT … SELECT on PostgreSQL, executemany on SQLite."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from functools import cache
from typing import Any

import msgspec
import sqlalchemy as sa
from psycopg.errors import UniqueViolation
from sqlalchemy.dialects import postgresql
from sqlalchemy.orm import Session

from pmo_hub.store.base import instant_text

_JSON = msgspec.json.Encoder(order="deterministic")


def json_text(value: object) -> str:
    """Canonical JSON text, as the bulk path stores it."""
    return _JSON.encode(value).decode()


class _Texts(sa.types.UserDefinedType[str]):
    """An array in PostgreSQL's own spelling: the driver takes a list apart element by element, which costs more than the query.

    The parameter itself is declared to be the array: a cast in the statement would be done again for every row.
    """

    cache_ok = True
    render_bind_cast = True

    def get_col_spec(self, **_: Any) -> str:
        return "VARCHAR[]"


def _array_text(values: Collection[str]) -> str:
    if not values:
        return "{}"
    joined = '","'.join(values)
    if "\\" in joined or joined.count('"') != 2 * (len(values) - 1):
        joined = '","'.join(value.replace("\\", "\\\\").replace('"', '\\"') for value in values)
    return f'{{"{joined}"}}'


_EACH = sa.text("SELECT value FROM json_each(:ids)")
"""As text: an expression of tables takes three times as long to make, and is a circle that holds the ids until the collector looks."""


def is_in(session: Session, column: sa.ColumnElement[Any], values: Collection[str]) -> sa.ColumnElement[bool]:
    """`column` is one of `values`, however many: one bound parameter on both engines.

    A text at once: a statement's first parameters stay with its compiled form, and with them whatever a mapping's keys stand for.
    """
    if session.get_bind().dialect.name == "postgresql":
        return column == sa.any_(sa.bindparam(None, _array_text(values), type_=_Texts()))
    return column.in_(_EACH.bindparams(sa.bindparam("ids", json_text(list(values)), unique=True)))


ROWS_AT_A_TIME = 2_000


def in_parts(session: Session, query: sa.Select[Any]) -> Iterable[Any]:
    """The rows of a query that may find a great many, to be iterated once: PostgreSQL's driver would hold all of them at once."""
    if session.get_bind().dialect.name == "postgresql":
        # Of a cursor it is assumed that few of its rows will be asked for, and the plan for those takes several times as long for all.
        session.execute(_ALL_ROWS)
    return session.execute(query, execution_options={"yield_per": ROWS_AT_A_TIME})


_ALL_ROWS = sa.text("SET LOCAL cursor_tuple_fraction = 1")


def stamp(session: Session, value: datetime) -> datetime | str:
    """An instant for many rows at once: made text here for SQLite, whose driver would make it anew for every row."""
    return value if session.get_bind().dialect.name == "postgresql" else instant_text(value)


def insert_new(session: Session, table: sa.Table, columns: Sequence[str], rows: Collection[Sequence[Any]]) -> bool:
    """Insert `rows` where none of their keys is there yet; otherwise nothing is written, and the answer is False."""
    driver: Any = session.connection().connection.driver_connection
    names = ", ".join(f'"{c}"' for c in columns)
    if session.get_bind().dialect.name == "postgresql":
        try:
            with driver.transaction(), driver.cursor() as cursor:
                _copy(cursor, table, f'COPY "{table.name}" ({names}) FROM STDIN', columns, rows)
        except UniqueViolation:
            return False
        return True
    driver.execute("SAVEPOINT insert_new")
    try:
        driver.executemany(f'INSERT INTO "{table.name}" ({names}) VALUES ({", ".join("?" * len(columns))})', rows)
    except sqlite3.IntegrityError as error:
        driver.execute("ROLLBACK TO insert_new")
        if error.sqlite_errorcode not in _TAKEN:
            raise
        return False
    finally:
        driver.execute("RELEASE insert_new")
    return True


_TAKEN = (sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY, sqlite3.SQLITE_CONSTRAINT_UNIQUE)


def upsert(session: Session, table: sa.Table, columns: Sequence[str], rows: Collection[Sequence[Any]], update: Sequence[str] = ()) -> None:
    """Insert `rows` (values in the order of `columns`, JSON columns as text, no key twice).

    On a key that exists the `update` columns are set; with none, the stored row stays.
    """
    if not rows:
        return
    if session.get_bind().dialect.name == "postgresql":
        _upsert_postgresql(session, table, columns, rows, update)
    else:
        _upsert_sqlite(session, table, columns, rows, update)


def insert(session: Session, table: sa.Table, columns: Sequence[str], rows: Collection[Sequence[Any]], update: Sequence[str] = ()) -> None:
    """As `upsert`, for keys that were not there when the caller looked: PostgreSQL then copies straight into the table.

    Should another connection have written one of them meanwhile, the rows go the way of `upsert` after all.
    """
    if not rows:
        return
    if session.get_bind().dialect.name != "postgresql":
        _upsert_sqlite(session, table, columns, rows, update)
        return
    if not insert_new(session, table, columns, rows):
        _upsert_postgresql(session, table, columns, rows, update)


def _copy(cursor: Any, table: sa.Table, statement: str, columns: Sequence[str], rows: Collection[Sequence[Any]]) -> None:
    # As text, bytes travel as twice as many hex digits; the binary format needs every column's exact type.
    binary = _has_bytes(table)
    with cursor.copy(f"{statement} (FORMAT BINARY)" if binary else statement) as copy:
        if binary:
            copy.set_types([_binary_type(table.c[name]) for name in columns])
        write_row = copy.write_row
        for row in rows:
            write_row(row)


@cache
def _has_bytes(table: sa.Table) -> bool:
    return any(isinstance(c.type, sa.LargeBinary) for c in table.columns)


@cache
def _binary_type(column: sa.Column[Any]) -> str:
    """The name of the column's PostgreSQL type, without its length."""
    name = column.type.compile(dialect=_POSTGRESQL)
    return _SHORT.get(name, name.partition("(")[0].partition(" ")[0].lower())


_POSTGRESQL = postgresql.dialect()  # type: ignore[no-untyped-call]
_SHORT = {"TIMESTAMP WITH TIME ZONE": "timestamptz", "INTEGER": "int4", "BIGINT": "int8", "DOUBLE PRECISION": "float8", "BOOLEAN": "bool"}


def _conflict(table: sa.Table, update: Sequence[str]) -> str:
    key = ", ".join(f'"{c.name}"' for c in table.primary_key.columns)
    if not update:
        return f"ON CONFLICT ({key}) DO NOTHING"
    return f"ON CONFLICT ({key}) DO UPDATE SET " + ", ".join(f'"{c}" = excluded."{c}"' for c in update)


def _upsert_sqlite(
    session: Session, table: sa.Table, columns: Sequence[str], rows: Collection[Sequence[Any]], update: Sequence[str]
) -> None:
    names = ", ".join(f'"{c}"' for c in columns)
    marks = ", ".join("?" * len(columns))
    sql = f'INSERT INTO "{table.name}" ({names}) VALUES ({marks}) {_conflict(table, update)}'
    driver: Any = session.connection().connection.driver_connection
    driver.executemany(sql, rows)


def _upsert_postgresql(
    session: Session, table: sa.Table, columns: Sequence[str], rows: Collection[Sequence[Any]], update: Sequence[str]
) -> None:
    names = ", ".join(f'"{c}"' for c in columns)
    stage = f'"stage_{table.name}"'
    key = ", ".join(f'"{c.name}"' for c in table.primary_key.columns)
    driver: Any = session.connection().connection.driver_connection
    with driver.cursor() as cursor:
        cursor.execute(f'CREATE TEMP TABLE IF NOT EXISTS {stage} AS SELECT * FROM "{table.name}" WITH NO DATA')
        cursor.execute(f"TRUNCATE {stage}")
        _copy(cursor, table, f"COPY {stage} ({names}) FROM STDIN", columns, rows)
        # Ordered by key, so that two committers that share rows take their locks in the same order.
        cursor.execute(f'INSERT INTO "{table.name}" ({names}) SELECT {names} FROM {stage} ORDER BY {key} {_conflict(table, update)}')
