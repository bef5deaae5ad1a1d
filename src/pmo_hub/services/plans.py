"""What planning tools say: an item's schedule, a project's plans, baselines, assignments and earned value, and calendars."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from pmo_hub.domain.calendars import Layer, Shifts, working_time
from pmo_hub.domain.earned_value import Performance, performance
from pmo_hub.domain.local_time import showings, skipped_to, zone
from pmo_hub.domain.sources import EARNED, believed
from pmo_hub.services import work_items
from pmo_hub.services.errors import NotFound
from pmo_hub.services.hub import Hub
from pmo_hub.store.repositories import freshness, planned, same_as
from pmo_hub.store.repositories import plans as rows
from pmo_hub.store.repositories import schedules as lines
from pmo_hub.store.repositories import work_items as items
from pmo_hub.store.repositories.plans import (
    StoredCalendar,
    StoredEarnedValue,
    StoredException,
    StoredPassage,
    StoredPlan,
    StoredPlanValue,
    Taking,
)
from pmo_hub.store.repositories.schedules import After, Assigned, ItemAssignment, ItemBaseline, StoredBaseline, StoredSchedule
from pmo_hub.store.unit_of_work import Session


@dataclass(frozen=True, slots=True)
class EarnedValueInfo:
    """What a source computed, and what follows from it. `at` is the status date as an instant, where the plan's zone is known."""

    stored: StoredEarnedValue
    plan: StoredPlan | None
    at: datetime | None
    performance: Performance


@dataclass(frozen=True, slots=True)
class ItemSchedule:
    """An item with what its plan says of it; `schedule` None: no plan says anything."""

    item_id: str
    key: str | None
    url: str | None
    schedule: StoredSchedule | None = None
    plan: StoredPlan | None = None
    calendar_name: str | None = None
    baselines: Sequence[StoredBaseline] = ()
    assignments: Sequence[Assigned] = ()
    earned_value: EarnedValueInfo | None = None


@dataclass(frozen=True, slots=True)
class ProjectPlan:
    """A plan that feeds a project, by whichever rules, with its way through the stages and the fields that it has itself."""

    plan: StoredPlan
    takings: Sequence[Taking]
    passages: Sequence[StoredPassage]
    values: Sequence[StoredPlanValue] = ()


@dataclass(frozen=True, slots=True)
class ProjectEarnedValue:
    """`is_believed`: measures use it, `because` of that role or scope. `is_whole` False: the project takes only a part of the plan."""

    info: EarnedValueInfo
    is_believed: bool
    because: str | None
    is_whole: bool


@dataclass(frozen=True, slots=True)
class CalendarInfo:
    """A calendar with what it inherits. `week` None: neither it nor what it inherits from says what a working day is."""

    calendar: StoredCalendar
    bases: Sequence[StoredCalendar]
    week: tuple[Shifts, ...] | None
    exceptions: Sequence[StoredException] = field(default_factory=tuple)


def item_schedule(hub: Hub, item_id: str, as_of: datetime | None = None) -> ItemSchedule:
    """What its plan says of the item; raises NotFound or, for one that is gone, Ended."""
    item = work_items.get(hub, item_id, as_of).item
    with hub.work.read() as session:
        schedule = lines.of_item(session, item_id, as_of)
        earned = rows.earned_value_of_item(session, item_id, as_of)
        plan_ids = {one.plan_id for one in (schedule, earned) if one is not None}
        plans = rows.by_id(session, plan_ids, as_of)
        plan = None if schedule is None else plans.get(schedule.plan_id)
        own = None if schedule is None else schedule.calendar_id
        names = rows.calendar_names(session, [own], as_of)
        return ItemSchedule(
            item_id, item.key, item.url, schedule, plan,
            names.get(own) if own is not None else None if plan is None else plan.calendar_name,
            lines.baselines_of_item(session, item_id, as_of),
            lines.assignments_of_item(session, item_id, as_of),
            None if earned is None else _earned(earned, plans.get(earned.plan_id)),
        )  # fmt: skip


def project_plans(hub: Hub, project_id: str, as_of: datetime | None = None) -> list[ProjectPlan]:
    """The plans of the project's scopes, by name; raises NotFound."""
    with hub.work.read() as session:
        takings = _takings(session, project_id, as_of)
        plans = rows.of_scopes(session, {one.scope_id for one in takings}, as_of)
        passages = rows.passages(session, [plan.id for plan in plans], as_of)
        values = rows.values(session, [plan.id for plan in plans], as_of)
    return [
        ProjectPlan(plan, [one for one in takings if one.scope_id == plan.scope_id], passages[plan.id], values[plan.id]) for plan in plans
    ]


def project_baselines(
    hub: Hub, project_id: str, number: int | None, after: After, limit: int, as_of: datetime | None = None
) -> list[ItemBaseline]:
    """Baselines of the project's items by (item's key, id), those after that pair; raises NotFound."""
    with hub.work.read() as session:
        _require(session, project_id, as_of)
        return lines.baselines(session, project_id, number, after, limit, as_of)


def project_assignments(
    hub: Hub, project_id: str, resource: str | None, person: str | None, after: After, limit: int, as_of: datetime | None = None
) -> list[ItemAssignment]:
    """Assignments on the project's items; `person` is an identity's or a person's id or an e-mail address. Raises NotFound."""
    with hub.work.read() as session:
        _require(session, project_id, as_of)
        accounts = None if person is None else items.assignees(session, person)
        return lines.assignments(session, project_id, resource, accounts, after, limit, as_of)


def project_earned_value(hub: Hub, project_id: str, as_of: datetime | None = None) -> list[ProjectEarnedValue]:
    """What the sources computed of the project's plans as wholes, the newest status date of each plan first; raises NotFound."""
    now = as_of or hub.now()
    with hub.work.read() as session:
        takings = _takings(session, project_id, as_of)
        plans = {plan.id: plan for plan in rows.of_scopes(session, {one.scope_id for one in takings}, as_of)}
        found = rows.earned_values(session, plans.keys(), as_of)
        precedence = same_as.precedence(session, [project_id], as_of).get(project_id, {})
    counting = planned.roles(takings, now.date())
    telling = {plans[one.plan_id].scope_id for one in found}
    scopes, because = believed(EARNED, {scope: names for scope, names in counting.items() if scope in telling}, precedence)
    newest = {one.id for one in planned.newest_of_plan(found).values()}
    whole = {one.scope_id for one in takings if one.is_whole}
    return [
        ProjectEarnedValue(
            _earned(one, plans[one.plan_id]),
            is_used := one.id in newest and plans[one.plan_id].scope_id in scopes & whole,
            because if is_used else None,
            plans[one.plan_id].scope_id in whole,
        )
        for one in found
    ]


def calendar(hub: Hub, id: str, as_of: datetime | None = None) -> CalendarInfo:
    """The calendar's week and exceptions, with those that it inherits; raises NotFound."""
    with hub.work.read() as session:
        known = rows.calendars(session, [id], as_of)
        if id not in known:
            raise NotFound("calendar", id)
        chain = rows.chain(known, id)
        days = rows.exceptions(session, [one.id for one in chain], as_of)
    found = working_time([Layer(one.week) for one in chain])
    exceptions = sorted((one for calendar in chain for one in days[calendar.id]), key=lambda one: (one.first, one.last, one.id))
    return CalendarInfo(chain[0], chain[1:], None if found is None else found.week, exceptions)


def _earned(stored: StoredEarnedValue, plan: StoredPlan | None) -> EarnedValueInfo:
    return EarnedValueInfo(stored, plan, instant_of(stored.at, None if plan is None else plan.time_zone), performance(stored.amounts))


def instant_of(wall: datetime | None, time_zone: str | None) -> datetime | None:
    """When the plan's clock shows that; None where nobody says which zone that is. Where it shows it twice, the first time."""
    if wall is None or time_zone is None:
        return None
    where = zone(time_zone)
    return next(iter(showings(wall, where)), None) or skipped_to(wall, where)


def _require(session: Session, project_id: str, as_of: datetime | None) -> None:
    if freshness.head(session, project_id, as_of) is None:
        raise NotFound("project", project_id)


def _takings(session: Session, project_id: str, as_of: datetime | None) -> list[Taking]:
    _require(session, project_id, as_of)
    return rows.takings(session, [project_id], as_of)[project_id]
