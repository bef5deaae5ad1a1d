"""What connectors map payloads to: one frozen value a record, references by external id within the source's namespace.

Instants are aware UTC datetimes; schedule dates are bare dates in the project's zone; hours are working hours; None means unknown.
Of a plan, what a scheduling tool computed is kept apart from what the hub computes: as naive datetimes, the wall clock of the plan's zone
(`WALL_CLOCK` names these fields, every other datetime is an instant), and as money in the plan's currency.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import ClassVar

from pmo_hub.domain.plan_records import (
    WALL_CLOCK,
    Assignment,
    Baseline,
    Calendar,
    CalendarException,
    EarnedValue,
    Plan,
    PlanValue,
    RegisterEntry,
    Resource,
    Schedule,
    StagePassage,
    TimePhased,
)
from pmo_hub.domain.vocabulary import (
    DependencyType,
    Field,
    IterationState,
    Kind,
    RecordType,
    StatusCategory,
    Uncounted,
)

__all__ = [
    "WALL_CLOCK",
    "Assignment",
    "Baseline",
    "Board",
    "BoardColumn",
    "Calendar",
    "CalendarException",
    "Comment",
    "Component",
    "CustomValue",
    "Dependency",
    "EarnedValue",
    "Identity",
    "Iteration",
    "Label",
    "Plan",
    "PlanValue",
    "Record",
    "RegisterEntry",
    "Resource",
    "Schedule",
    "StagePassage",
    "TimePhased",
    "Transition",
    "Version",
    "WorkItem",
    "Worklog",
]


@dataclass(frozen=True, slots=True)
class WorkItem:
    """Anything planned or tracked. `priority` is 0..100 with 100 the most urgent; `labels` are texts, the other lists external ids."""

    type: ClassVar[RecordType] = RecordType.WORK_ITEM
    external_id: str
    key: str
    url: str | None
    title: str
    description: str | None
    kind: Kind
    original_type: str
    status_category: StatusCategory
    original_status: str
    original_status_id: str | None = None
    resolution: str | None = None
    parent: str | None = None
    priority: int | None = None
    original_priority: str | None = None
    assignee: str | None = None
    reporter: str | None = None
    created_at: datetime | None = None
    updated_at: datetime | None = None
    planned_start: date | None = None
    planned_finish: date | None = None
    actual_start: datetime | None = None
    actual_finish: datetime | None = None
    due: date | None = None
    points: float | None = None
    work_hours: float | None = None
    spent_hours: float | None = None
    remaining_hours: float | None = None
    percent_complete: float | None = None
    flagged: bool | None = None
    labels: tuple[str, ...] = ()
    components: tuple[str, ...] = ()
    versions: tuple[str, ...] = ()
    iterations: tuple[str, ...] = ()
    is_active: bool = True
    counts: bool = True
    uncounted: Uncounted | None = None


@dataclass(frozen=True, slots=True)
class Dependency:
    """`predecessor` and `successor` are work items' external ids; `lag_hours` are working hours, negative for a lead."""

    type: ClassVar[RecordType] = RecordType.DEPENDENCY
    external_id: str
    predecessor: str
    successor: str
    dependency_type: DependencyType = DependencyType.FINISH_TO_START
    lag_hours: float = 0.0
    original_type: str | None = None


@dataclass(frozen=True, slots=True)
class Transition:
    """A change that the source recorded; ids and texts are the source's own, the categories (of a status change) ours."""

    type: ClassVar[RecordType] = RecordType.TRANSITION
    external_id: str
    item: str
    field: Field
    original_field: str
    from_id: str | None
    from_text: str | None
    to_id: str | None
    to_text: str | None
    at: datetime
    actor: str | None = None
    from_category: StatusCategory | None = None
    to_category: StatusCategory | None = None


@dataclass(frozen=True, slots=True)
class Comment:
    type: ClassVar[RecordType] = RecordType.COMMENT
    external_id: str
    item: str
    author: str | None
    created_at: datetime | None
    updated_at: datetime | None
    body: str | None


@dataclass(frozen=True, slots=True)
class Worklog:
    """Work that somebody logged: `hours` of work on the item, begun at `started_at`."""

    type: ClassVar[RecordType] = RecordType.WORKLOG
    external_id: str
    item: str
    author: str | None
    started_at: datetime | None
    hours: float | None
    body: str | None
    created_at: datetime | None
    updated_at: datetime | None


@dataclass(frozen=True, slots=True)
class CustomValue:
    """A field of the source that no canonical field takes, kept so that a later rule has its data. Exactly one value is set."""

    type: ClassVar[RecordType] = RecordType.CUSTOM_VALUE
    external_id: str
    item: str
    field: str
    name: str
    text: str | None = None
    number: float | None = None
    day: date | None = None
    identity: str | None = None


@dataclass(frozen=True, slots=True)
class Iteration:
    type: ClassVar[RecordType] = RecordType.ITERATION
    external_id: str
    name: str
    state: IterationState | None
    goal: str | None = None
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    completed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Board:
    """`estimation_field` is the source's id of the field that the board estimates by."""

    type: ClassVar[RecordType] = RecordType.BOARD
    external_id: str
    name: str
    original_type: str | None = None
    estimation_field: str | None = None


@dataclass(frozen=True, slots=True)
class BoardColumn:
    """`statuses` are the source's status ids; limits count items."""

    type: ClassVar[RecordType] = RecordType.BOARD_COLUMN
    external_id: str
    board: str
    name: str
    position: int
    statuses: tuple[str, ...] = ()
    minimum: int | None = None
    maximum: int | None = None


@dataclass(frozen=True, slots=True)
class Label:
    type: ClassVar[RecordType] = RecordType.LABEL
    external_id: str
    name: str


@dataclass(frozen=True, slots=True)
class Component:
    """`lead` is the external id of the account that answers for it."""

    type: ClassVar[RecordType] = RecordType.COMPONENT
    external_id: str
    name: str
    lead: str | None = None


@dataclass(frozen=True, slots=True)
class Version:
    type: ClassVar[RecordType] = RecordType.VERSION
    external_id: str
    name: str
    released: bool | None = None
    archived: bool | None = None
    starts_on: date | None = None
    released_on: date | None = None


@dataclass(frozen=True, slots=True)
class Identity:
    """An account in a source. Names and e-mails live here only, so that a person can be forgotten."""

    type: ClassVar[RecordType] = RecordType.IDENTITY
    external_id: str
    name: str | None
    email: str | None = None
    is_active: bool | None = None
    account_type: str | None = None


Record = (
    WorkItem
    | Dependency
    | Transition
    | Comment
    | Worklog
    | CustomValue
    | Iteration
    | Board
    | BoardColumn
    | Label
    | Component
    | Version
    | Identity
    | Plan
    | Schedule
    | Baseline
    | EarnedValue
    | Resource
    | Assignment
    | Calendar
    | CalendarException
    | StagePassage
    | RegisterEntry
    | TimePhased
    | PlanValue
)
