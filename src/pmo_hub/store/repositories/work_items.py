"""Work items as they are, as the hub knew them at an instant, and what is needed to tell what they were before it knew them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa

from pmo_hub.domain.vocabulary import StatusCategory
from pmo_hub.store.bulk import is_in
from pmo_hub.store.models.canonical import Identity, Transition, WorkItem
from pmo_hub.store.models.portfolio import ProjectMembership
from pmo_hub.store.models.source import Scope, Tombstone
from pmo_hub.store.repositories import same_as
from pmo_hub.store.repositories.known import rows_at, versions
from pmo_hub.store.repositories.people import everyone_like
from pmo_hub.store.unit_of_work import Session

_ITEMS: Any = WorkItem.__table__
_PEOPLE: Any = Identity.__table__
_TRANSITIONS: Any = Transition.__table__
_SCOPES: Any = Scope.__table__

_OPEN = (StatusCategory.TODO.value, StatusCategory.IN_PROGRESS.value)


@dataclass(frozen=True, slots=True)
class StoredItem:
    """A version of a work item. What only a reconstructed one may lack is optional beyond what the table allows."""

    id: str
    scope_id: str | None
    external_id: str
    key: str | None
    url: str | None
    title: str | None
    kind: str | None
    original_type: str | None
    status_category: str | None
    original_status: str | None
    original_status_id: str | None
    resolution: str | None
    parent_id: str | None
    priority: int | None
    original_priority: str | None
    assignee_id: str | None
    reporter_id: str | None
    created_at: datetime | None
    planned_start: date | None
    planned_finish: date | None
    actual_start: datetime | None
    actual_finish: datetime | None
    due: date | None
    points: float | None
    work_hours: float | None
    spent_hours: float | None
    remaining_hours: float | None
    percent_complete: float | None
    flagged: bool | None
    labels: Sequence[str] | None
    component_ids: Sequence[str] | None
    version_ids: Sequence[str] | None
    iteration_ids: Sequence[str] | None
    is_active: bool | None
    counts: bool | None
    uncounted: str | None
    updated_at: datetime | None
    recorded_from: datetime | None
    assignee_name: str | None = None
    reconstructed: bool = False


COLUMNS = tuple(f.name for f in fields(StoredItem) if f.name not in ("assignee_name", "reconstructed"))
BUSINESS = tuple(name for name in COLUMNS if name != "recorded_from")


@dataclass(frozen=True, slots=True)
class Filter:
    """What a list of work items is narrowed to; None = whatever. `overdue_on`: open and due before that day."""

    project_id: str | None = None
    scope_ids: frozenset[str] | None = None
    kind: str | None = None
    status_category: str | None = None
    assignee_ids: frozenset[str] | None = None
    key: str | None = None
    updated_since: datetime | None = None
    due_before: date | None = None
    overdue_on: date | None = None
    counts: bool | None = None
    q: str | None = None


@dataclass(frozen=True, slots=True)
class Order:
    """Rows without a value come last in either direction; equal ones go by id."""

    column: str = "updated_at"
    descending: bool = True


@dataclass(frozen=True, slots=True)
class Ending:
    reason: str
    at: datetime


@dataclass(frozen=True, slots=True)
class RecordedVersion:
    item: StoredItem
    description: str | None
    recorded_from: datetime
    recorded_to: datetime | None


@dataclass(frozen=True, slots=True)
class StoredTransition:
    id: str
    field: str
    original_field: str
    from_id: str | None
    from_text: str | None
    to_id: str | None
    to_text: str | None
    at: datetime
    actor_id: str | None
    actor_name: str | None


_TRANSITION = tuple(f.name for f in fields(StoredTransition) if f.name != "actor_name")


def page(
    session: Session, by: Filter, order: Order, after: tuple[Any, str] | None, limit: int, as_of: datetime | None = None
) -> list[StoredItem]:
    """Items in that order, those after (sort value, id); what the hub knew at `as_of`."""
    table = rows_at(WorkItem, as_of, COLUMNS)
    c = table.c
    value = _sort_value(session, c[order.column])
    query = sa.select(*(c[n] for n in COLUMNS)).where(*_conditions(session, c, by, as_of))
    if after is not None:
        query = query.where(_behind(value, c.id, after, order.descending))
    query = query.order_by(value.is_(None), value.desc() if order.descending else value.asc(), c.id).limit(limit)
    # The names are looked up for the page alone: joined before the limit, they would be for every row that is sorted.
    kept = query.subquery("page")
    k = kept.c
    value = _sort_value(session, k[order.column])
    named = (
        sa.select(*same_as.counting({n: k[n] for n in COLUMNS}, as_of), _PEOPLE.c.name)
        .outerjoin(_PEOPLE, _PEOPLE.c.id == k.assignee_id)
        .order_by(value.is_(None), value.desc() if order.descending else value.asc(), k.id)
    )
    return [item_of(row) for row in session.connection().execute(named)]


def item_of(row: Any) -> StoredItem:
    return StoredItem(*row)


def _sort_value(session: Session, column: Any) -> Any:
    """Texts go by their bytes on both engines, whatever the database's language is."""
    if isinstance(column.type, sa.Text) and session.get_bind().dialect.name == "postgresql":
        return sa.collate(column, "C")
    return column


def _behind(value: Any, id_: Any, after: tuple[Any, str], descending: bool) -> sa.ColumnElement[bool]:
    last, last_id = after
    if last is None:
        return sa.and_(value.is_(None), id_ > last_id)
    further = value < last if descending else value > last
    return sa.or_(further, sa.and_(value == last, id_ > last_id), value.is_(None))


def _conditions(session: Session, c: Any, by: Filter, as_of: datetime | None) -> list[sa.ColumnElement[bool]]:
    found: list[sa.ColumnElement[bool]] = [
        c[name] == value
        for name, value in (("kind", by.kind), ("status_category", by.status_category), ("key", by.key))
        if value is not None
    ]
    if by.project_id is not None:
        m = rows_at(ProjectMembership, as_of, ("project_id", "item_id")).c
        found.append(c.id.in_(sa.select(m.item_id).where(m.project_id == by.project_id)))
    if by.scope_ids is not None:
        found.append(is_in(session, c.scope_id, by.scope_ids))
    if by.assignee_ids is not None:
        found.append(is_in(session, c.assignee_id, by.assignee_ids))
    if by.updated_since is not None:
        found.append(c.updated_at >= by.updated_since)
    if by.due_before is not None:
        found.append(c.due < by.due_before)
    if by.overdue_on is not None:
        found.append(sa.and_(c.due < by.overdue_on, c.status_category.in_(_OPEN)))
    if by.counts is not None:
        counts = sa.and_(c.counts.is_(True), ~same_as.is_duplicate(c.id, as_of))
        found.append(counts if by.counts else sa.not_(counts))
    if by.q:
        found.append(c.title.icontains(by.q, autoescape=True))
    return found


def ending(session: Session, id: str) -> Ending | None:
    """When and why the item ended, if it did."""
    query = sa.select(Tombstone.reason, Tombstone.ended_at).where(Tombstone.id == id, Tombstone.record_type == "work_item")
    row = session.execute(query).one_or_none()
    return None if row is None else Ending(*row)


def scopes_of_connection(session: Session, connection_id: str) -> frozenset[str]:
    return frozenset(session.scalars(sa.select(Scope.id).where(Scope.connection_id == connection_id)))


def history(session: Session, id: str, before: datetime | None, limit: int) -> list[RecordedVersion]:
    """The recorded versions, newest first, those recorded before that instant."""
    v = versions(WorkItem, [*BUSINESS, "description"]).c
    columns = (*(v[n] for n in COLUMNS), _PEOPLE.c.name, v.description, v.recorded_to)
    query = sa.select(*columns).outerjoin(_PEOPLE, _PEOPLE.c.id == v.assignee_id)
    query = query.where(v.id == id).order_by(v.recorded_from.desc()).limit(limit)
    if before is not None:
        query = query.where(v.recorded_from < before)
    rows: Any = session.connection().execute(query)
    return [RecordedVersion(item_of(row[:-2]), row.description, row.recorded_from, row.recorded_to) for row in rows]


def transitions(session: Session, item_id: str, after: tuple[datetime, str] | None, limit: int) -> list[StoredTransition]:
    """What the source recorded, newest first, those after (at, id) in that order."""
    t = _TRANSITIONS.c
    columns = (*(t[n] for n in _TRANSITION), _PEOPLE.c.name)
    query = sa.select(*columns).outerjoin(_PEOPLE, _PEOPLE.c.id == t.actor_id).where(t.item_id == item_id)
    if after is not None:
        at, id_ = after
        query = query.where(sa.or_(t.at < at, sa.and_(t.at == at, t.id < id_)))
    query = query.order_by(t.at.desc(), t.id.desc()).limit(limit)
    rows: Any = session.connection().execute(query)
    return [StoredTransition(*row) for row in rows]


def names(session: Session, identity_ids: Collection[str | None]) -> dict[str, str | None]:
    wanted = {id_ for id_ in identity_ids if id_ is not None}
    if not wanted:
        return {}
    return {row[0]: row[1] for row in session.execute(sa.select(_PEOPLE.c.id, _PEOPLE.c.name).where(is_in(session, _PEOPLE.c.id, wanted)))}


def assignees(session: Session, text: str) -> frozenset[str]:
    """The accounts that the id of an identity or a person, or an e-mail address, names: all of that human's."""
    p = _PEOPLE.c
    named = {text} if "@" not in text else set(session.scalars(sa.select(p.id).where(sa.func.lower(p.email) == text.lower())))
    return frozenset(everyone_like(session, named))
