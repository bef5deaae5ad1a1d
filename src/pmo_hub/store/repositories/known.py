"""What the hub knew at an instant: a versioned table as it was then, to select from like the table of today."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from pmo_hub.store.base import Base
from pmo_hub.store.models.canonical import HISTORY

Condition = Callable[[Any], sa.ColumnElement[bool]]


def rows_at(model: type[Base], as_of: datetime | None, columns: Sequence[str] | None = None, where: Condition | None = None) -> Any:
    """The table's current rows, or those that were current at `as_of`, as something to select from.

    `columns` bounds what is carried along (None = all). `where` makes a condition of a table's columns that narrows the rows of `as_of`
    before anything is joined to them; neither has an effect on the current table, which its indexes narrow better.
    """
    table: Any = model.__table__
    if as_of is None:
        return table
    history = HISTORY[model.__tablename__]
    names = [c.name for c in table.columns] if columns is None else list(columns)
    held = sa.select(*(table.c[n] for n in names)).where(table.c.recorded_from <= as_of)
    superseded = sa.select(*(history.c[n] for n in names)).where(history.c.recorded_from <= as_of, history.c.recorded_to > as_of)
    if where is not None:
        held, superseded = held.where(where(table.c)), superseded.where(where(history.c))
    return held.union_all(superseded).subquery(f"{table.name}_then")


def versions(model: type[Base], columns: Sequence[str]) -> Any:
    """Every version that there is or ever was, with `recorded_from` and `recorded_to` (None for the current one)."""
    table: Any = model.__table__
    history = HISTORY[model.__tablename__]
    names = [*columns, "recorded_from"]
    current = sa.select(*(table.c[n] for n in names), sa.null().cast(history.c.recorded_to.type).label("recorded_to"))
    superseded = sa.select(*(history.c[n] for n in names), history.c.recorded_to)
    return current.union_all(superseded).subquery(f"{table.name}_versions")
