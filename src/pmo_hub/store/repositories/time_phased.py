"""Work and cost by day of a project's lines, as they are or as the hub knew them at an instant."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from pmo_hub.domain.time_phased import Series
from pmo_hub.domain.vocabulary import Phased
from pmo_hub.store.bulk import is_in
from pmo_hub.store.models.canonical import WorkItem
from pmo_hub.store.models.plans import Schedule, TimePhased
from pmo_hub.store.models.portfolio import ProjectMembership
from pmo_hub.store.repositories.known import rows_at
from pmo_hub.store.time_phased_rows import series_of
from pmo_hub.store.unit_of_work import Session

_ROW = ("item_id", "kind", "number", "work", "cost", "recorded_from", "id")


def lines(session: Session, project_id: str, as_of: datetime | None = None) -> dict[str, list[tuple[str, str]]]:
    """Scope → (item, plan) of the plans' lines that count: no summaries, nor what is inactive or counted elsewhere."""
    members = _members(project_id, as_of)
    i = rows_at(WorkItem, as_of, ("id", "scope_id", "counts"), lambda c: c.id.in_(members)).c
    s = rows_at(Schedule, as_of, ("item_id", "plan_id"), lambda c: c.item_id.in_(members)).c
    query = (
        sa.select(i.scope_id, i.id, sa.func.min(s.plan_id))
        .select_from(i.id.table.join(s.item_id.table, s.item_id == i.id))
        .where(i.id.in_(members), i.counts.is_(True))
        .group_by(i.scope_id, i.id)
    )
    found: dict[str, list[tuple[str, str]]] = {}
    for scope_id, item_id, plan_id in session.execute(query):
        found.setdefault(scope_id, []).append((item_id, plan_id))
    return found


def by_day(
    session: Session, item_ids: Collection[str], number: int, as_of: datetime | None = None
) -> Iterator[tuple[Phased, Series | None, Series | None]]:
    """Kind, work and cost of what is told of these items, one of a kind each; of the baselines that with this number."""
    if not item_ids:
        return
    c = rows_at(TimePhased, as_of, _ROW, lambda c: is_in(session, c.item_id, item_ids)).c
    told = sa.or_(c.kind != Phased.BASELINE.value, c.number == number)
    query = sa.select(c.item_id, c.kind, c.work, c.cost).where(is_in(session, c.item_id, item_ids), told)
    before: tuple[str, str] | None = None
    # Of two that tell the same of an item (an archive and the live plan that follows it) the one that the hub knew last.
    for item_id, kind, work, cost in session.execute(query.order_by(c.item_id, c.kind, c.recorded_from.desc(), c.id)):
        if before != (item_id, kind):
            before = (item_id, kind)
            yield Phased(kind), series_of(work), series_of(cost)


def _members(project_id: str, as_of: datetime | None) -> Any:
    m = rows_at(ProjectMembership, as_of, ("project_id", "item_id"), lambda c: c.project_id == project_id).c
    return sa.select(m.item_id).where(m.project_id == project_id)
