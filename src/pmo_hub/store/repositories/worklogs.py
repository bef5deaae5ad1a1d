"""Work that was logged on an item."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from pmo_hub.store.models.canonical import Identity, Worklog
from pmo_hub.store.unit_of_work import Session

_LOGS: Any = Worklog.__table__
_PEOPLE: Any = Identity.__table__


@dataclass(frozen=True, slots=True)
class StoredWorklog:
    id: str
    author_id: str | None
    author_name: str | None
    started_at: datetime | None
    hours: float | None
    body: str | None
    created_at: datetime | None
    updated_at: datetime | None


@dataclass(frozen=True, slots=True)
class Logged:
    """All that was logged on an item: how often, and how many hours (None where none of it tells)."""

    count: int
    hours: float | None


def page(session: Session, item_id: str, after: tuple[datetime | None, str] | None, limit: int) -> list[StoredWorklog]:
    """The item's worklogs, the newest work first, those that don't say when at the end."""
    c = _LOGS.c
    query = (
        sa.select(c.id, c.author_id, _PEOPLE.c.name, c.started_at, c.hours, c.body, c.created_at, c.updated_at)
        .outerjoin(_PEOPLE, _PEOPLE.c.id == c.author_id)
        .where(c.item_id == item_id)
        .order_by(c.started_at.is_(None), c.started_at.desc(), c.id)
        .limit(limit)
    )
    if after is not None:
        at, id_ = after
        if at is None:
            query = query.where(c.started_at.is_(None), c.id > id_)
        else:
            query = query.where(sa.or_(c.started_at < at, sa.and_(c.started_at == at, c.id > id_), c.started_at.is_(None)))
    return [StoredWorklog(*row) for row in session.execute(query)]


def logged(session: Session, item_id: str) -> Logged:
    row = session.execute(sa.select(sa.func.count(), sa.func.sum(_LOGS.c.hours)).where(_LOGS.c.item_id == item_id)).one()
    return Logged(row[0], row[1])
