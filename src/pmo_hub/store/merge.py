"""Stage → current + history: how every versioned row is written.

A row whose hash is new is written and the row that it supersedes goes to the history table; an equal row is left alone, so that
writing the same twice writes nothing. Columns outside the hash follow without a new version.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from hashlib import blake2b
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.orm import Session

from pmo_hub.store.base import Base, Json
from pmo_hub.store.bulk import insert, insert_new, is_in, json_text, stamp, upsert
from pmo_hub.store.models.canonical import HISTORY

_PACK = msgspec.msgpack.Encoder()


@dataclass(frozen=True, slots=True)
class Merged:
    """Ids whose rows are new, and ids whose rows changed."""

    new: set[str] = field(default_factory=set)
    changed: set[str] = field(default_factory=set)

    @property
    def touched(self) -> set[str]:
        return self.new | self.changed


@dataclass(frozen=True, slots=True)
class Layout:
    """A versioned table as the merge sees it; `columns` are without row_hash and recorded_from, in table order, id first."""

    table: sa.Table
    history: sa.Table | None
    columns: tuple[str, ...]
    hashed: int  # the first so many columns are hashed (the id among them), the rest follows without a version
    json: frozenset[int]

    @property
    def unhashed(self) -> tuple[str, ...]:
        return self.columns[self.hashed :]


@cache
def layout(model: type[Base]) -> Layout:
    table: Any = model.__table__
    columns = [c for c in table.columns if c.name not in ("row_hash", "recorded_from")]
    hashed = [c for c in columns if c.info.get("hashed", True)]
    if columns[: len(hashed)] != hashed:
        raise TypeError(f"{table.name}: columns outside the row hash must come last")
    return Layout(
        table=table,
        history=HISTORY.get(table.name),
        columns=tuple(c.name for c in columns),
        hashed=len(hashed),
        json=frozenset(i for i, c in enumerate(columns) if c.type is Json or isinstance(c.type, sa.JSON)),
    )


def row_hash(values: Sequence[Any]) -> str:
    """blake2b-128 over the packed business values; JSON columns as canonical text."""
    return blake2b(_PACK.encode(values), digest_size=16).hexdigest()


def merge_rows(session: Session, model: type[Base], rows: Collection[Mapping[str, Any]], now: datetime) -> Merged:
    """Make `rows` (business columns by name, `id` among them) the current ones; the last of two with one id counts."""
    shape = layout(model)
    tuples: dict[str, tuple[Any, ...]] = {}
    for row in rows:
        values = tuple(
            json_text(row[name]) if i in shape.json and row[name] is not None else row[name] for i, name in enumerate(shape.columns)
        )
        tuples[row["id"]] = (*values, row_hash(values[: shape.hashed]))
    return merge_tuples(session, shape, tuples, now)


def merge_tuples(
    session: Session, shape: Layout, rows: Mapping[str, tuple[Any, ...]], now: datetime, *, probably_new: bool = False
) -> Merged:
    """As `merge_rows`, for values in the layout's column order with JSON as text and the row hash last: the bulk path.

    Rows that are `probably_new` are tried to be inserted before anything is looked up.
    """
    if not rows:
        return Merged()
    table = shape.table
    at = stamp(session, now)
    every = (*shape.columns, "row_hash", "recorded_from")
    if probably_new and insert_new(session, table, every, [(*values, at) for values in rows.values()]):
        return Merged(new=set(rows))
    stored: dict[str, Any] = {
        row[0]: row[1:]
        for row in session.execute(
            sa.select(table.c.id, table.c.row_hash, *(table.c[c] for c in shape.unhashed)).where(is_in(session, table.c.id, rows.keys()))
        )
    }
    fresh: list[tuple[Any, ...]] = []
    written: list[tuple[Any, ...]] = []
    drifted: list[tuple[Any, ...]] = []
    merged = Merged()
    for id_, values in rows.items():
        known = stored.get(id_)
        if known is None:
            merged.new.add(id_)
            fresh.append((*values, at))
        elif known[0] != values[-1]:
            merged.changed.add(id_)
            written.append((*values, at))
        elif tuple(known[1:]) != values[shape.hashed : -1]:
            drifted.append((*values, at))
    _supersede(session, shape, merged.changed, now)
    insert(session, table, every, fresh, update=every[1:])
    upsert(session, table, every, written, update=every[1:])
    upsert(session, table, every, drifted, update=shape.unhashed)
    return merged


def end_rows(session: Session, model: type[Base], ids: Collection[str], now: datetime) -> int:
    """End the current rows with these ids: they stay in history only. Returns how many there were."""
    if not ids:
        return 0
    shape = layout(model)
    _supersede(session, shape, ids, now)
    result: Any = session.execute(sa.delete(shape.table).where(is_in(session, shape.table.c.id, ids)))
    return int(result.rowcount)


def _supersede(session: Session, shape: Layout, ids: Collection[str], now: datetime) -> None:
    if not ids or shape.history is None:
        return
    names = [*shape.columns, "row_hash", "recorded_from"]
    # A version that lasted no time was never an answer to anybody, and would share its key with the next one.
    superseded = sa.select(*(shape.table.c[n] for n in names), sa.literal(now, shape.history.c.recorded_to.type)).where(
        is_in(session, shape.table.c.id, ids), shape.table.c.recorded_from < now
    )
    session.execute(sa.insert(shape.history).from_select([*names, "recorded_to"], superseded))
