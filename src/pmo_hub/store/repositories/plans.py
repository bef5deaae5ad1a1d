"""Plans as their sources hold them: headers, stages, earned value, calendars; as they are, or as the hub knew them at an instant."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import sqlalchemy as sa

from pmo_hub.domain.calendars import Layer, Period, Shifts, WorkingTime, standard, working_time
from pmo_hub.domain.earned_value import Amounts
from pmo_hub.store.bulk import is_in
from pmo_hub.store.models.canonical import Identity
from pmo_hub.store.models.plans import Calendar, CalendarException, EarnedValue, Plan, PlanValue, StagePassage
from pmo_hub.store.models.portfolio import ProjectRule
from pmo_hub.store.models.source import Scope
from pmo_hub.store.repositories.known import rows_at
from pmo_hub.store.unit_of_work import Session

DEEPEST = 20
"""So many calendars may lie beneath one another; more would be a circle."""

MOST_EXCEPTIONS = 2_000
"""So many exceptions of a calendar are looked at, the earliest left out: more are no calendar."""

_PEOPLE: Any = Identity.__table__
_SCOPES: Any = Scope.__table__


@dataclass(frozen=True, slots=True)
class StoredPlan:
    """Times without a zone are by the clock of `time_zone`; amounts of the plan's rows are in `currency`."""

    id: str
    scope_id: str
    name: str
    url: str | None
    owner_id: str | None
    starts_at: datetime | None
    finishes_at: datetime | None
    status_at: datetime | None
    published_at: datetime | None
    time_zone: str | None
    currency: str | None
    calendar_id: str | None
    hours_per_day: float | None
    hours_per_week: float | None
    days_per_month: float | None
    stage: str | None
    phase: str | None
    program: str | None
    recorded_from: datetime
    owner_name: str | None = None
    calendar_name: str | None = None


@dataclass(frozen=True, slots=True)
class Taking:
    """A project's rule over a plan's scope: the role that it gives it, and whether it takes all of the plan."""

    scope_id: str
    scope_name: str | None
    role: str
    history_until: date | None
    is_whole: bool


@dataclass(frozen=True, slots=True)
class StoredPassage:
    plan_id: str
    stage: str
    phase: str | None
    position: int | None
    original_status: str | None
    entered_at: datetime | None
    completed_at: datetime | None


@dataclass(frozen=True, slots=True)
class StoredPlanValue:
    """A field that the plan has itself; one of the values is set."""

    plan_id: str
    field: str
    name: str
    text: str | None
    number: float | None
    day: date | None


@dataclass(frozen=True, slots=True)
class StoredEarnedValue:
    """`item_id` None: of the whole plan."""

    id: str
    plan_id: str
    item_id: str | None
    at: datetime | None
    planned_value: Decimal | None
    earned_value: Decimal | None
    actual_cost: Decimal | None
    budget_at_completion: Decimal | None
    estimate_at_completion: Decimal | None
    is_stale: bool | None
    recorded_from: datetime

    @property
    def amounts(self) -> Amounts:
        return Amounts(
            self.planned_value, self.earned_value, self.actual_cost, self.budget_at_completion, self.estimate_at_completion
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class StoredException:
    id: str
    calendar_id: str
    name: str | None
    first: date
    last: date
    shifts: Shifts


@dataclass(frozen=True, slots=True)
class StoredCalendar:
    """A calendar as it says itself: of a day that is None the calendar `base_id` says."""

    id: str
    external_id: str
    name: str | None
    base_id: str | None
    week: tuple[Shifts | None, ...]
    recorded_from: datetime


_PLAN = tuple(f.name for f in fields(StoredPlan) if f.name not in ("owner_name", "calendar_name"))
_PASSAGE = tuple(f.name for f in fields(StoredPassage))
_VALUE = tuple(f.name for f in fields(StoredPlanValue))
_EARNED = tuple(f.name for f in fields(StoredEarnedValue))
_CALENDAR = tuple(f.name for f in fields(StoredCalendar))
_EXCEPTION = tuple(f.name for f in fields(StoredException))


def takings(session: Session, project_ids: Collection[str], as_of: datetime | None = None) -> dict[str, list[Taking]]:
    """Project → its rules over scopes, in the order of scope and role."""
    c = rows_at(ProjectRule, as_of, ("project_id", "scope_id", "narrowing", "role", "history_until")).c
    query = (
        sa.select(c.project_id, c.scope_id, _SCOPES.c.name, c.role, c.history_until, c.narrowing)
        .outerjoin(_SCOPES, _SCOPES.c.id == c.scope_id)
        .where(is_in(session, c.project_id, project_ids))
        .order_by(c.project_id, c.scope_id, c.role, c.narrowing)
    )
    found: dict[str, list[Taking]] = defaultdict(list)
    for project_id, scope_id, name, role, until, narrowing in session.execute(query):
        found[project_id].append(Taking(scope_id, name, role, until, narrowing == "all"))
    return found


def of_scopes(session: Session, scope_ids: Collection[str], as_of: datetime | None = None) -> list[StoredPlan]:
    """The plans of these scopes, by name, with what their owners and calendars are called."""
    return _plans(session, lambda c: is_in(session, c.scope_id, scope_ids), as_of) if scope_ids else []


def by_id(session: Session, ids: Collection[str], as_of: datetime | None = None) -> dict[str, StoredPlan]:
    return {plan.id: plan for plan in _plans(session, lambda c: is_in(session, c.id, ids), as_of)} if ids else {}


def _plans(session: Session, where: Any, as_of: datetime | None) -> list[StoredPlan]:
    c = rows_at(Plan, as_of, _PLAN, where).c
    query = sa.select(*(c[n] for n in _PLAN)).where(where(c)).order_by(c.name, c.id)
    found = [StoredPlan(*row) for row in session.execute(query)]
    owners = {plan.owner_id for plan in found if plan.owner_id is not None}
    named = sa.select(_PEOPLE.c.id, _PEOPLE.c.name).where(is_in(session, _PEOPLE.c.id, owners))
    people: dict[str | None, str | None] = {row[0]: row[1] for row in session.execute(named)} if owners else {}
    known = calendar_names(session, {plan.calendar_id for plan in found}, as_of)
    return [replace(p, owner_name=people.get(p.owner_id), calendar_name=known.get(p.calendar_id or "")) for p in found]


def passages(session: Session, plan_ids: Collection[str], as_of: datetime | None = None) -> dict[str, list[StoredPassage]]:
    """Plan → its way through the stages, in their order."""
    found: dict[str, list[StoredPassage]] = defaultdict(list)
    if not plan_ids:
        return found
    c = rows_at(StagePassage, as_of, ("id", *_PASSAGE), lambda c: is_in(session, c.plan_id, plan_ids)).c
    query = sa.select(*(c[n] for n in _PASSAGE)).where(is_in(session, c.plan_id, plan_ids))
    query = query.order_by(c.plan_id, c.position.is_(None), c.position, c.entered_at.is_(None), c.entered_at, c.id)
    for row in session.execute(query):
        found[row.plan_id].append(StoredPassage(*row))
    return found


def values(session: Session, plan_ids: Collection[str], as_of: datetime | None = None) -> dict[str, list[StoredPlanValue]]:
    """Plan → the fields that it has itself, by their names."""
    found: dict[str, list[StoredPlanValue]] = defaultdict(list)
    if not plan_ids:
        return found
    c = rows_at(PlanValue, as_of, ("id", *_VALUE), lambda c: is_in(session, c.plan_id, plan_ids)).c
    query = sa.select(*(c[n] for n in _VALUE)).where(is_in(session, c.plan_id, plan_ids))
    for row in session.execute(query.order_by(c.plan_id, c.name, c.id)):
        found[row.plan_id].append(StoredPlanValue(*row))
    return found


def earned_values(session: Session, plan_ids: Collection[str], as_of: datetime | None = None) -> list[StoredEarnedValue]:
    """What the sources computed of these plans as a whole, the newest status date of each first."""
    if not plan_ids:
        return []
    c = rows_at(EarnedValue, as_of, _EARNED, lambda c: is_in(session, c.plan_id, plan_ids)).c
    query = sa.select(*(c[n] for n in _EARNED)).where(is_in(session, c.plan_id, plan_ids), c.item_id.is_(None))
    query = query.order_by(c.plan_id, c.at.is_(None), c.at.desc(), c.id)
    return [StoredEarnedValue(*row) for row in session.execute(query)]


def earned_value_of_item(session: Session, item_id: str, as_of: datetime | None = None) -> StoredEarnedValue | None:
    """What the source computed of the item, at its newest status date."""
    c = rows_at(EarnedValue, as_of, _EARNED, lambda c: c.item_id == item_id).c
    query = sa.select(*(c[n] for n in _EARNED)).where(c.item_id == item_id).order_by(c.at.is_(None), c.at.desc(), c.id).limit(1)
    row = session.execute(query).one_or_none()
    return None if row is None else StoredEarnedValue(*row)


def calendar_names(session: Session, ids: Collection[str | None], as_of: datetime | None = None) -> dict[str, str | None]:
    wanted = [id_ for id_ in ids if id_ is not None]
    if not wanted:
        return {}
    c = rows_at(Calendar, as_of, ("id", "name"), lambda c: is_in(session, c.id, wanted)).c
    return {row[0]: row[1] for row in session.execute(sa.select(c.id, c.name).where(is_in(session, c.id, wanted)))}


def calendars(session: Session, ids: Collection[str], as_of: datetime | None = None) -> dict[str, StoredCalendar]:
    """These calendars and all that they inherit from; one query a layer."""
    found: dict[str, StoredCalendar] = {}
    layer = set(ids)
    for _ in range(DEEPEST):
        if not layer:
            break
        wanted = sorted(layer)
        c = rows_at(Calendar, as_of, _CALENDAR, lambda c, wanted=wanted: is_in(session, c.id, wanted)).c  # type: ignore[misc]
        for row in session.execute(sa.select(*(c[n] for n in _CALENDAR)).where(is_in(session, c.id, wanted))):
            week = tuple(None if day is None else _shifts(day) for day in row.week)
            found[row.id] = StoredCalendar(row.id, row.external_id, row.name, row.base_id, week, row.recorded_from)
        layer = {one.base_id for one in found.values() if one.base_id is not None} - found.keys() - layer
    return found


def chain(known: Mapping[str, StoredCalendar], id: str | None) -> list[StoredCalendar]:
    """The calendar and what it inherits from, nearest first; a circle ends where it closes."""
    found: list[StoredCalendar] = []
    while id is not None and id in known and known[id] not in found:
        found.append(known[id])
        id = known[id].base_id
    return found


def exceptions(session: Session, calendar_ids: Collection[str], as_of: datetime | None = None) -> dict[str, list[StoredException]]:
    """Calendar → its exceptions, in the order of their days."""
    found: dict[str, list[StoredException]] = defaultdict(list)
    if not calendar_ids:
        return found
    c = rows_at(CalendarException, as_of, _EXCEPTION, lambda c: is_in(session, c.calendar_id, calendar_ids)).c
    nth = sa.func.row_number().over(partition_by=c.calendar_id, order_by=(c.first.desc(), c.id)).label("nth")
    ranked = sa.select(*(c[n] for n in _EXCEPTION), nth).where(is_in(session, c.calendar_id, calendar_ids)).subquery("ranked").c
    query = sa.select(*(ranked[n] for n in _EXCEPTION)).where(ranked.nth <= MOST_EXCEPTIONS)
    for row in session.execute(query.order_by(ranked.calendar_id, ranked.first, ranked.id)):
        one = StoredException(row.id, row.calendar_id, row.name, row.first, row.last, _shifts(row.shifts))
        found[one.calendar_id].append(one)
    return found


def working_times(session: Session, ids: Collection[str]) -> dict[str, WorkingTime]:
    """When work is done by these calendars, with what they inherit; where none of these says, a standard week is assumed beneath them.

    Some sources tell a calendar's exceptions and not its week.
    """
    known = calendars(session, ids) if ids else {}
    days = exceptions(session, known.keys())
    found = {}
    for id_ in ids:
        own = chain(known, id_)
        layers = [Layer(one.week, tuple(Period(e.first, e.last, e.shifts) for e in days[one.id])) for one in own]
        if own and (made := working_time([*layers, Layer(standard().week)])) is not None:
            found[id_] = made
    return found


def _shifts(stored: Sequence[Sequence[int]]) -> Shifts:
    return tuple((start, end) for start, end in stored)
