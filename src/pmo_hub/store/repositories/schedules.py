"""What plans say of their items: schedules, baselines, assignments; as they are, or as the hub knew them at an instant."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, fields
from datetime import datetime
from decimal import Decimal
from typing import Any

import sqlalchemy as sa

from pmo_hub.store.bulk import is_in
from pmo_hub.store.models.canonical import Identity, WorkItem
from pmo_hub.store.models.people import PersonLink
from pmo_hub.store.models.plans import Assignment, Baseline, Plan, Resource, Schedule
from pmo_hub.store.models.portfolio import ProjectMembership
from pmo_hub.store.repositories.known import rows_at
from pmo_hub.store.unit_of_work import Session

_PEOPLE: Any = Identity.__table__
_PERSONS: Any = PersonLink.__table__


@dataclass(frozen=True, slots=True)
class StoredSchedule:
    id: str
    plan_id: str
    position: int | None
    outline: str | None
    starts_at: datetime | None
    finishes_at: datetime | None
    actual_starts_at: datetime | None
    actual_finishes_at: datetime | None
    deadline: datetime | None
    duration_hours: float | None
    actual_duration_hours: float | None
    remaining_duration_hours: float | None
    is_elapsed: bool | None
    is_estimated: bool | None
    is_manual: bool | None
    is_critical: bool | None
    constraint: str | None
    constraint_at: datetime | None
    total_float_hours: float | None
    free_float_hours: float | None
    cost: Decimal | None
    actual_cost: Decimal | None
    remaining_cost: Decimal | None
    fixed_cost: Decimal | None
    calendar_id: str | None
    recorded_from: datetime


@dataclass(frozen=True, slots=True)
class StoredBaseline:
    id: str
    item_id: str
    number: int
    starts_at: datetime | None
    finishes_at: datetime | None
    duration_hours: float | None
    work_hours: float | None
    cost: Decimal | None
    recorded_from: datetime


@dataclass(frozen=True, slots=True)
class ItemBaseline:
    """A baseline with the item that it is of, and the plan's zone and currency where the item is in a plan."""

    baseline: StoredBaseline
    key: str
    title: str
    url: str | None
    time_zone: str | None
    currency: str | None


@dataclass(frozen=True, slots=True)
class StoredAssignment:
    id: str
    item_id: str
    resource_id: str
    units: float | None
    work_hours: float | None
    actual_hours: float | None
    remaining_hours: float | None
    starts_at: datetime | None
    finishes_at: datetime | None
    cost: Decimal | None
    actual_cost: Decimal | None
    recorded_from: datetime


@dataclass(frozen=True, slots=True)
class Assigned:
    """An assignment with its resource: a person is called by the name that the account has now, anything else by its own.

    `person_id` is the human whom several accounts belong to; None where the account stands alone or the resource is none.
    """

    assignment: StoredAssignment
    kind: str | None
    name: str | None
    identity_id: str | None
    person_id: str | None
    is_generic: bool | None
    maximum_units: float | None


@dataclass(frozen=True, slots=True)
class ItemAssignment:
    assigned: Assigned
    key: str
    title: str
    url: str | None
    time_zone: str | None
    currency: str | None


_SCHEDULE = tuple(f.name for f in fields(StoredSchedule))
_BASELINE = tuple(f.name for f in fields(StoredBaseline))
_ASSIGNMENT = tuple(f.name for f in fields(StoredAssignment))
_RESOURCE = ("id", "kind", "name", "identity_id", "is_generic", "maximum_units")
_ITEM = ("id", "key", "title", "url")

After = tuple[str, str] | None
"""The last row of the page before: its item's key and its own id."""


def of_item(session: Session, item_id: str, as_of: datetime | None = None) -> StoredSchedule | None:
    c = rows_at(Schedule, as_of, ("item_id", *_SCHEDULE), lambda c: c.item_id == item_id).c
    row = session.execute(sa.select(*(c[n] for n in _SCHEDULE)).where(c.item_id == item_id).order_by(c.id).limit(1)).one_or_none()
    return None if row is None else StoredSchedule(*row)


def baselines_of_item(session: Session, item_id: str, as_of: datetime | None = None) -> list[StoredBaseline]:
    """The item's baselines by their numbers."""
    c = rows_at(Baseline, as_of, _BASELINE, lambda c: c.item_id == item_id).c
    query = sa.select(*(c[n] for n in _BASELINE)).where(c.item_id == item_id).order_by(c.number, c.id)
    return [StoredBaseline(*row) for row in session.execute(query)]


def assignments_of_item(session: Session, item_id: str, as_of: datetime | None = None) -> list[Assigned]:
    """Who and what works on the item, by name."""
    a = rows_at(Assignment, as_of, _ASSIGNMENT, lambda c: c.item_id == item_id).c
    r = rows_at(Resource, as_of, _RESOURCE, lambda c: c.id.in_(sa.select(a.resource_id))).c
    query = _assigned(a, r).where(a.item_id == item_id).order_by(sa.func.coalesce(_PEOPLE.c.name, r.name), a.id)
    return [_read(row) for row in session.execute(query)]


def baselines(
    session: Session, project_id: str, number: int | None, after: After, limit: int, as_of: datetime | None = None
) -> list[ItemBaseline]:
    """Baselines of a project's items by (item's key, id), those after that pair."""
    members = _members(project_id, as_of)
    i = rows_at(WorkItem, as_of, _ITEM, lambda c: c.id.in_(members)).c
    b = rows_at(Baseline, as_of, _BASELINE, lambda c: c.item_id.in_(members)).c
    s, p = _plan_of_item(as_of, members)
    query = (
        sa.select(*(b[n] for n in _BASELINE), i.key, i.title, i.url, p.time_zone, p.currency)
        .select_from(_table(b))
        .join(_table(i), i.id == b.item_id)
        .outerjoin(_table(s), s.item_id == b.item_id)
        .outerjoin(_table(p), p.id == s.plan_id)
        .where(b.item_id.in_(members))
    )
    if number is not None:
        query = query.where(b.number == number)
    width = len(_BASELINE)
    rows = session.execute(_paged(session, query, i.key, b.id, after, limit))
    return [ItemBaseline(StoredBaseline(*row[:width]), *row[width:]) for row in rows]


def assignments(
    session: Session,
    project_id: str,
    resource_id: str | None,
    identity_ids: Collection[str] | None,
    after: After,
    limit: int,
    as_of: datetime | None = None,
) -> list[ItemAssignment]:
    """Assignments on a project's items by (item's key, id), those after that pair; of one resource, or of these accounts."""
    members = _members(project_id, as_of)
    i = rows_at(WorkItem, as_of, _ITEM, lambda c: c.id.in_(members)).c
    a = rows_at(Assignment, as_of, _ASSIGNMENT, lambda c: c.item_id.in_(members)).c
    r = rows_at(Resource, as_of, _RESOURCE, lambda c: c.id.in_(sa.select(a.resource_id))).c
    s, p = _plan_of_item(as_of, members)
    query = (
        _assigned(a, r)
        .add_columns(i.key, i.title, i.url, p.time_zone, p.currency)
        .join(_table(i), i.id == a.item_id)
        .outerjoin(_table(s), s.item_id == a.item_id)
        .outerjoin(_table(p), p.id == s.plan_id)
        .where(a.item_id.in_(members))
    )
    if resource_id is not None:
        query = query.where(a.resource_id == resource_id)
    if identity_ids is not None:
        query = query.where(is_in(session, r.identity_id, identity_ids))
    rows = session.execute(_paged(session, query, i.key, a.id, after, limit))
    return [ItemAssignment(_read(row[:-5]), *row[-5:]) for row in rows]


def _members(project_id: str, as_of: datetime | None) -> Any:
    m = rows_at(ProjectMembership, as_of, ("project_id", "item_id"), lambda c: c.project_id == project_id).c
    return sa.select(m.item_id).where(m.project_id == project_id)


def _plan_of_item(as_of: datetime | None, members: Any) -> tuple[Any, Any]:
    return (
        rows_at(Schedule, as_of, ("item_id", "plan_id"), lambda c: c.item_id.in_(members)).c,
        rows_at(Plan, as_of, ("id", "time_zone", "currency")).c,
    )


def _table(columns: Any) -> Any:
    """The table or subquery that these columns are of."""
    return next(iter(columns)).table


def _assigned(a: Any, r: Any) -> sa.Select[Any]:
    resource = (r.kind, sa.func.coalesce(_PEOPLE.c.name, r.name), r.identity_id, _PERSONS.c.person_id, r.is_generic, r.maximum_units)
    return (
        sa.select(*(a[n] for n in _ASSIGNMENT), *resource)
        .select_from(_table(a))
        .outerjoin(_table(r), r.id == a.resource_id)
        .outerjoin(_PEOPLE, _PEOPLE.c.id == r.identity_id)
        .outerjoin(_PERSONS, _PERSONS.c.identity_id == r.identity_id)
    )


def _read(row: Any) -> Assigned:
    width = len(_ASSIGNMENT)
    return Assigned(StoredAssignment(*row[:width]), *row[width:])


def _paged(session: Session, query: sa.Select[Any], key: Any, id: Any, after: After, limit: int) -> sa.Select[Any]:
    """Keys go by their bytes on both engines."""
    value = sa.collate(key, "C") if session.get_bind().dialect.name == "postgresql" else key
    if after is not None:
        query = query.where(sa.or_(value > after[0], sa.and_(value == after[0], id > after[1])))
    return query.order_by(value, id).limit(limit)
