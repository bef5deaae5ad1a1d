"""Iterations as they are listed, and the items that they hold."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from pmo_hub.store.bulk import is_in
from pmo_hub.store.models.canonical import Iteration, IterationMembership, WorkItem
from pmo_hub.store.models.portfolio import ProjectMembership
from pmo_hub.store.unit_of_work import Session

_ITERATIONS: Any = Iteration.__table__
_STAYS: Any = IterationMembership.__table__
_ITEMS: Any = WorkItem.__table__
_MEMBERS: Any = ProjectMembership.__table__


@dataclass(frozen=True, slots=True)
class StoredIteration:
    id: str
    external_id: str
    name: str
    state: str | None
    goal: str | None
    starts_at: datetime | None
    ends_at: datetime | None
    completed_at: datetime | None


@dataclass(frozen=True, slots=True)
class NamedItem:
    """What an item is called now."""

    id: str
    key: str
    title: str
    url: str | None


_COLUMNS = tuple(_ITERATIONS.c[name] for name in StoredIteration.__dataclass_fields__)


def page(
    session: Session, project_id: str | None, state: str | None, after: tuple[datetime | None, str] | None, limit: int
) -> list[StoredIteration]:
    """Iterations (of a project's items, in that state), the last to start first, those without a start at the end."""
    c = _ITERATIONS.c
    query = sa.select(*_COLUMNS).order_by(c.starts_at.is_(None), c.starts_at.desc(), c.id).limit(limit)
    if project_id is not None:
        held = sa.select(_STAYS.c.iteration_id).join(_MEMBERS, _MEMBERS.c.item_id == _STAYS.c.item_id)
        query = query.where(c.id.in_(held.where(_MEMBERS.c.project_id == project_id)))
    if state is not None:
        query = query.where(c.state == state)
    if after is not None:
        at, id_ = after
        if at is None:
            query = query.where(c.starts_at.is_(None), c.id > id_)
        else:
            further = sa.or_(c.starts_at < at, sa.and_(c.starts_at == at, c.id > id_), c.starts_at.is_(None))
            query = query.where(further)
    return [StoredIteration(*row) for row in session.execute(query)]


def get(session: Session, id: str) -> StoredIteration | None:
    row = session.execute(sa.select(*_COLUMNS).where(_ITERATIONS.c.id == id)).one_or_none()
    return None if row is None else StoredIteration(*row)


def items(session: Session, ids: Collection[str]) -> dict[str, NamedItem]:
    """Those of the items that the hub holds."""
    i = _ITEMS.c
    return {row[0]: NamedItem(*row) for row in session.execute(sa.select(i.id, i.key, i.title, i.url).where(is_in(session, i.id, ids)))}
