"""What scheduling tools say of plans and of the items in them; current rows, each with its history table.

Money is in the currency of the plan; a `WallClock` is a time of the plan's zone. Neither is on the work item: most items are of no plan.
"""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

from sqlalchemy.orm import Mapped, mapped_column

from pmo_hub.store.base import UNHASHED, Base, Id, Json, Money, Versioned, WallClock, history_of
from pmo_hub.store.models.canonical import HISTORY, look_up_history


class Plan(Versioned, Base):
    __tablename__ = "plans"
    scope_id: Mapped[str] = mapped_column(Id, index=True)
    external_id: Mapped[str]
    name: Mapped[str]
    url: Mapped[str | None]
    owner_id: Mapped[str | None] = mapped_column(Id)
    starts_at: Mapped[datetime | None] = mapped_column(WallClock)
    finishes_at: Mapped[datetime | None] = mapped_column(WallClock)
    status_at: Mapped[datetime | None] = mapped_column(WallClock)
    published_at: Mapped[datetime | None]
    time_zone: Mapped[str | None]
    currency: Mapped[str | None]
    calendar_id: Mapped[str | None] = mapped_column(Id)
    hours_per_day: Mapped[float | None]
    hours_per_week: Mapped[float | None]
    days_per_month: Mapped[float | None]
    stage: Mapped[str | None]
    phase: Mapped[str | None]
    program: Mapped[str | None]


class Schedule(Versioned, Base):
    __tablename__ = "schedules"
    external_id: Mapped[str]
    item_id: Mapped[str] = mapped_column(Id, index=True)
    plan_id: Mapped[str] = mapped_column(Id, index=True)
    position: Mapped[int | None]
    outline: Mapped[str | None]
    starts_at: Mapped[datetime | None] = mapped_column(WallClock)
    finishes_at: Mapped[datetime | None] = mapped_column(WallClock)
    actual_starts_at: Mapped[datetime | None] = mapped_column(WallClock)
    actual_finishes_at: Mapped[datetime | None] = mapped_column(WallClock)
    deadline: Mapped[datetime | None] = mapped_column(WallClock)
    duration_hours: Mapped[float | None]
    actual_duration_hours: Mapped[float | None]
    remaining_duration_hours: Mapped[float | None]
    is_elapsed: Mapped[bool | None]
    is_estimated: Mapped[bool | None]
    is_manual: Mapped[bool | None]
    is_critical: Mapped[bool | None]
    constraint: Mapped[str | None]
    constraint_at: Mapped[datetime | None] = mapped_column(WallClock)
    total_float_hours: Mapped[float | None]
    free_float_hours: Mapped[float | None]
    cost: Mapped[Decimal | None] = mapped_column(Money)
    actual_cost: Mapped[Decimal | None] = mapped_column(Money)
    remaining_cost: Mapped[Decimal | None] = mapped_column(Money)
    fixed_cost: Mapped[Decimal | None] = mapped_column(Money)
    calendar_id: Mapped[str | None] = mapped_column(Id)


class Baseline(Versioned, Base):
    __tablename__ = "baselines"
    external_id: Mapped[str]
    item_id: Mapped[str] = mapped_column(Id, index=True)
    number: Mapped[int]
    starts_at: Mapped[datetime | None] = mapped_column(WallClock)
    finishes_at: Mapped[datetime | None] = mapped_column(WallClock)
    duration_hours: Mapped[float | None]
    work_hours: Mapped[float | None]
    cost: Mapped[Decimal | None] = mapped_column(Money)


class EarnedValue(Versioned, Base):
    """A row without an item is the whole plan's."""

    __tablename__ = "earned_values"
    external_id: Mapped[str]
    plan_id: Mapped[str] = mapped_column(Id, index=True)
    item_id: Mapped[str | None] = mapped_column(Id, index=True)
    at: Mapped[datetime | None] = mapped_column(WallClock)
    planned_value: Mapped[Decimal | None] = mapped_column(Money)
    earned_value: Mapped[Decimal | None] = mapped_column(Money)
    actual_cost: Mapped[Decimal | None] = mapped_column(Money)
    budget_at_completion: Mapped[Decimal | None] = mapped_column(Money)
    estimate_at_completion: Mapped[Decimal | None] = mapped_column(Money)
    is_stale: Mapped[bool | None]


class Resource(Versioned, Base):
    __tablename__ = "resources"
    external_id: Mapped[str]
    kind: Mapped[str]
    name: Mapped[str | None]
    identity_id: Mapped[str | None] = mapped_column(Id, index=True)
    is_generic: Mapped[bool | None]
    is_active: Mapped[bool | None]
    maximum_units: Mapped[float | None]
    calendar_id: Mapped[str | None] = mapped_column(Id)
    mention_version: Mapped[str | None] = mapped_column(sort_order=99, info=UNHASHED)


class Assignment(Versioned, Base):
    __tablename__ = "assignments"
    external_id: Mapped[str]
    item_id: Mapped[str] = mapped_column(Id, index=True)
    resource_id: Mapped[str] = mapped_column(Id, index=True)
    units: Mapped[float | None]
    work_hours: Mapped[float | None]
    actual_hours: Mapped[float | None]
    remaining_hours: Mapped[float | None]
    starts_at: Mapped[datetime | None] = mapped_column(WallClock)
    finishes_at: Mapped[datetime | None] = mapped_column(WallClock)
    cost: Mapped[Decimal | None] = mapped_column(Money)
    actual_cost: Mapped[Decimal | None] = mapped_column(Money)


class Calendar(Versioned, Base):
    """`week`: of each day, Monday first, its shifts as pairs of minutes of the day, or null where the base calendar says."""

    __tablename__ = "calendars"
    external_id: Mapped[str]
    name: Mapped[str | None]
    base_id: Mapped[str | None] = mapped_column(Id)
    week: Mapped[list[list[list[int]] | None]] = mapped_column(Json)
    mention_version: Mapped[str | None] = mapped_column(sort_order=99, info=UNHASHED)


class CalendarException(Versioned, Base):
    __tablename__ = "calendar_exceptions"
    external_id: Mapped[str]
    calendar_id: Mapped[str] = mapped_column(Id, index=True)
    name: Mapped[str | None]
    first: Mapped[date]
    last: Mapped[date]
    shifts: Mapped[list[list[int]]] = mapped_column(Json)


class StagePassage(Versioned, Base):
    __tablename__ = "stage_passages"
    external_id: Mapped[str]
    plan_id: Mapped[str] = mapped_column(Id, index=True)
    stage: Mapped[str]
    phase: Mapped[str | None]
    position: Mapped[int | None]
    original_status: Mapped[str | None]
    entered_at: Mapped[datetime | None]
    completed_at: Mapped[datetime | None]


class RegisterEntry(Versioned, Base):
    __tablename__ = "register_entries"
    external_id: Mapped[str]
    item_id: Mapped[str] = mapped_column(Id, index=True)
    probability: Mapped[float | None]
    impact: Mapped[float | None]
    exposure: Mapped[float | None]
    cost: Mapped[Decimal | None] = mapped_column(Money)
    category: Mapped[str | None]
    mitigation: Mapped[str | None]
    contingency: Mapped[str | None]
    trigger: Mapped[str | None]


class TimePhased(Versioned, Base):
    """`work` and `cost`: runs of equal days, each as [first day, how many, amount]; null is unknown, an empty list zero on every day.

    Amounts are decimal texts: hours of work, and money in the plan's currency.
    """

    __tablename__ = "time_phased"
    external_id: Mapped[str]
    item_id: Mapped[str] = mapped_column(Id, index=True)
    kind: Mapped[str]
    number: Mapped[int | None]
    first: Mapped[date | None]
    last: Mapped[date | None]
    work: Mapped[list[list[str | int]] | None] = mapped_column(Json)
    cost: Mapped[list[list[str | int]] | None] = mapped_column(Json)


class PlanValue(Versioned, Base):
    __tablename__ = "plan_values"
    external_id: Mapped[str]
    plan_id: Mapped[str] = mapped_column(Id, index=True)
    field: Mapped[str]
    name: Mapped[str]
    text: Mapped[str | None]
    number: Mapped[float | None]
    day: Mapped[date | None]


_PLANS = (
    Plan, Schedule, Baseline, EarnedValue, Resource, Assignment, Calendar, CalendarException, StagePassage, RegisterEntry, TimePhased,
    PlanValue,
)  # fmt: skip
HISTORY.update({m.__tablename__: history_of(m) for m in _PLANS})

look_up_history("plans", "scope_id")
look_up_history("schedules", "item_id", "plan_id")
look_up_history("baselines", "item_id")
look_up_history("earned_values", "plan_id", "item_id")
look_up_history("resources", "identity_id")
look_up_history("assignments", "item_id", "resource_id")
look_up_history("calendar_exceptions", "calendar_id")
look_up_history("stage_passages", "plan_id")
look_up_history("register_entries", "item_id")
look_up_history("time_phased", "item_id")
look_up_history("plan_values", "plan_id")
