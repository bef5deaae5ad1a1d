"""Statements compiled once and run on the driver itself, for reads so short that the engine's own work would be most of them.

Composing a session, looking a statement up and wrapping its rows cost a read by primary key several times what the database asks for it.
"""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY

from pmo_hub.store.bulk import json_text


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A driver's connection to read on. On SQLite all statements see one state, on PostgreSQL each sees the newest."""

    dialect: sa.Dialect
    driver: Any

    def many(self, values: Sequence[str]) -> Any:
        """The values as the one parameter that `among` compares with."""
        return list(values) if self.dialect.name == "postgresql" else json_text(values)


Readers = Sequence[tuple[int, Callable[[Any], Any]]]


@dataclass(slots=True)
class _Compiled:
    """`readers` make a column's values what its type says, by place; None until a first answer told what the driver gives."""

    text: str
    names: Sequence[str] | None
    constants: dict[str, Any]
    types: Sequence[Any]
    make: Callable[[Sequence[Any]], Any]
    readers: Readers | None = None


class Prepared:
    """A SELECT whose parameters are texts. `compose` makes it for a dialect's name, when it first runs on one."""

    def __init__(self, compose: Callable[[str], Any]) -> None:
        self._compose = compose
        self._compiled: dict[str, _Compiled] = {}

    def rows(self, snapshot: Snapshot, **values: Any) -> list[Any]:
        """The rows, their columns by name and by place, as the column types of the tables read them."""
        compiled = self._compiled.get(snapshot.dialect.name) or self._compile(snapshot.dialect)
        given: Any = compiled.constants | values
        if compiled.names is not None:
            given = [given[name] for name in compiled.names]
        cursor = snapshot.driver.execute(compiled.text, given)
        readers = compiled.readers
        if readers is None:
            readers = compiled.readers = _readers(snapshot.dialect, compiled.types, cursor.description)
        rows = []
        for row in cursor.fetchall():
            read = list(row)
            for place, reader in readers:
                if read[place] is not None:
                    read[place] = reader(read[place])
            rows.append(compiled.make(read))
        return rows

    def _compile(self, dialect: sa.Dialect) -> _Compiled:
        statement = self._compose(dialect.name)
        compiled: Any = statement.compile(dialect=dialect)
        columns = list(statement.selected_columns)
        # A column without a name of its own gets its place as one.
        named: Any = namedtuple("Row", [getattr(c, "name", "") or "" for c in columns], rename=True)  # type: ignore[misc]
        positions = list(compiled.positiontup) if compiled.positional else None
        constants = {name: value for name, value in compiled.params.items() if not compiled.binds[name].required}
        made = _Compiled(str(compiled), positions, constants, [c.type for c in columns], named._make)
        self._compiled[dialect.name] = made
        return made


def _readers(dialect: sa.Dialect, types: Sequence[Any], description: Sequence[Any]) -> Readers:
    found = ((place, type_.dialect_impl(dialect).result_processor(dialect, description[place][1])) for place, type_ in enumerate(types))
    return [(place, reader) for place, reader in found if reader is not None]


def among(dialect: str, column: sa.ColumnElement[Any], name: str) -> sa.ColumnElement[bool]:
    """`column` is one of the values that the parameter `name` holds, as `Snapshot.many` makes it of them."""
    if dialect == "postgresql":
        return column == sa.any_(sa.bindparam(name, type_=ARRAY(sa.String)))
    each = sa.func.json_each(sa.bindparam(name, type_=sa.Text)).table_valued("value")
    return column.in_(sa.select(each.c.value))
