"""What connectors map plans to, beside `records`, which also names all of these: by what a scheduling tool computed.

It is kept apart from what the hub computes: as naive datetimes, the wall clock of the plan's zone (`WALL_CLOCK` names these fields, every
other datetime is an instant), and as money in the plan's currency. References are external ids within the source's namespace; hours are
working hours; None means unknown.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import ClassVar

from pmo_hub.domain.time_phased import Series
from pmo_hub.domain.vocabulary import Constraint, Phased, RecordType, ResourceKind


@dataclass(frozen=True, slots=True)
class Plan:
    """The header of a schedule; its `external_id` is its scope's. `hours_per_*` turn hours into the days and weeks that people speak of.

    `owner` is an account, as everywhere; `time_zone` an IANA name, `currency` an ISO 4217 code. `program` is what the source calls the
    program or portfolio that the plan is in; the hub's own programs are its admins' choice.
    """

    type: ClassVar[RecordType] = RecordType.PLAN
    external_id: str
    name: str
    url: str | None = None
    owner: str | None = None
    starts_at: datetime | None = None
    finishes_at: datetime | None = None
    status_at: datetime | None = None
    published_at: datetime | None = None
    time_zone: str | None = None
    currency: str | None = None
    calendar: str | None = None
    hours_per_day: float | None = None
    hours_per_week: float | None = None
    days_per_month: float | None = None
    stage: str | None = None
    phase: str | None = None
    program: str | None = None


@dataclass(frozen=True, slots=True)
class Schedule:
    """What a scheduling tool says of one item of a plan; `external_id` is the item's. Floats may be negative, durations never."""

    type: ClassVar[RecordType] = RecordType.SCHEDULE
    external_id: str
    item: str
    plan: str
    position: int | None = None
    outline: str | None = None
    starts_at: datetime | None = None
    finishes_at: datetime | None = None
    actual_starts_at: datetime | None = None
    actual_finishes_at: datetime | None = None
    deadline: datetime | None = None
    duration_hours: float | None = None
    actual_duration_hours: float | None = None
    remaining_duration_hours: float | None = None
    is_elapsed: bool | None = None
    is_estimated: bool | None = None
    is_manual: bool | None = None
    is_critical: bool | None = None
    constraint: Constraint | None = None
    constraint_at: datetime | None = None
    total_float_hours: float | None = None
    free_float_hours: float | None = None
    cost: Decimal | None = None
    actual_cost: Decimal | None = None
    remaining_cost: Decimal | None = None
    fixed_cost: Decimal | None = None
    calendar: str | None = None


@dataclass(frozen=True, slots=True)
class Baseline:
    """What was agreed of an item at one time. `number` is 0..10, as Microsoft Project counts them; 0 is the current one."""

    type: ClassVar[RecordType] = RecordType.BASELINE
    external_id: str
    item: str
    number: int
    starts_at: datetime | None = None
    finishes_at: datetime | None = None
    duration_hours: float | None = None
    work_hours: float | None = None
    cost: Decimal | None = None


@dataclass(frozen=True, slots=True)
class EarnedValue:
    """The earned value that the source computed, of an item or, where `item` is None, of the whole plan, as of `at`: the status date."""

    type: ClassVar[RecordType] = RecordType.EARNED_VALUE
    external_id: str
    plan: str
    item: str | None
    at: datetime | None
    planned_value: Decimal | None = None
    earned_value: Decimal | None = None
    actual_cost: Decimal | None = None
    budget_at_completion: Decimal | None = None
    estimate_at_completion: Decimal | None = None
    is_stale: bool | None = None


@dataclass(frozen=True, slots=True)
class Resource:
    """What work is assigned to. A person is its `identity`, and `name` is None then: people's names live in identities only.

    `maximum_units` 1.0 is one whole person.
    """

    type: ClassVar[RecordType] = RecordType.RESOURCE
    external_id: str
    kind: ResourceKind
    name: str | None = None
    identity: str | None = None
    is_generic: bool | None = None
    is_active: bool | None = None
    maximum_units: float | None = None
    calendar: str | None = None


@dataclass(frozen=True, slots=True)
class Assignment:
    """Who or what works on an item. `resource` is a resource's external id; `units` 1.0 is one whole person; hours are of work."""

    type: ClassVar[RecordType] = RecordType.ASSIGNMENT
    external_id: str
    item: str
    resource: str
    units: float | None = None
    work_hours: float | None = None
    actual_hours: float | None = None
    remaining_hours: float | None = None
    starts_at: datetime | None = None
    finishes_at: datetime | None = None
    cost: Decimal | None = None
    actual_cost: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Calendar:
    """A working week: of each day, Monday first, its shifts as (from, to) minutes of the day, or None where `base` says.

    An empty day is one off. A calendar without a base says all seven.
    """

    type: ClassVar[RecordType] = RecordType.CALENDAR
    external_id: str
    name: str | None
    base: str | None = None
    week: tuple[tuple[tuple[int, int], ...] | None, ...] = (None,) * 7


@dataclass(frozen=True, slots=True)
class CalendarException:
    """Days, first and last included, on which a calendar works these `shifts` (minutes of the day) instead; none are days off."""

    type: ClassVar[RecordType] = RecordType.CALENDAR_EXCEPTION
    external_id: str
    calendar: str
    name: str | None
    first: date
    last: date
    shifts: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True)
class StagePassage:
    """A plan's way through one stage of its workflow."""

    type: ClassVar[RecordType] = RecordType.STAGE_PASSAGE
    external_id: str
    plan: str
    stage: str
    phase: str | None = None
    position: int | None = None
    original_status: str | None = None
    entered_at: datetime | None = None
    completed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class RegisterEntry:
    """What a register says besides of a work item of kind risk or issue; `external_id` is the item's.

    `probability` is 0..1, `impact` on the source's own scale, `exposure` their product as the source has it.
    """

    type: ClassVar[RecordType] = RecordType.REGISTER_ENTRY
    external_id: str
    item: str
    probability: float | None = None
    impact: float | None = None
    exposure: float | None = None
    cost: Decimal | None = None
    category: str | None = None
    mitigation: str | None = None
    contingency: str | None = None
    trigger: str | None = None


@dataclass(frozen=True, slots=True)
class TimePhased:
    """An item's work (hours) and cost day by day: what is planned, what was done, or what was agreed (`number` 0..10, of a baseline).

    What is planned has in it what was done already. A series that is None is unknown; the empty one is zero on every day.
    """

    type: ClassVar[RecordType] = RecordType.TIME_PHASED
    external_id: str
    item: str
    kind: Phased
    number: int | None = None
    work: Series | None = None
    cost: Series | None = None


@dataclass(frozen=True, slots=True)
class PlanValue:
    """A field of the source that a plan has itself and no canonical field takes. Exactly one value is set."""

    type: ClassVar[RecordType] = RecordType.PLAN_VALUE
    external_id: str
    plan: str
    field: str
    name: str
    text: str | None = None
    number: float | None = None
    day: date | None = None


WALL_CLOCK: Mapping[RecordType, frozenset[str]] = {
    RecordType.PLAN: frozenset({"starts_at", "finishes_at", "status_at"}),
    RecordType.SCHEDULE: frozenset({
        "starts_at", "finishes_at", "actual_starts_at", "actual_finishes_at", "deadline", "constraint_at",
    }),
    RecordType.BASELINE: frozenset({"starts_at", "finishes_at"}),
    RecordType.EARNED_VALUE: frozenset({"at"}),
    RecordType.ASSIGNMENT: frozenset({"starts_at", "finishes_at"}),
}  # fmt: skip
"""Record type → its fields that are naive datetimes."""
