"""Plans on the wire: amounts are decimal texts in the currency beside them, wall-clock times have no offset."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field, PlainSerializer, WithJsonSchema

from pmo_hub.api.schemas.calendars import CalendarRef
from pmo_hub.api.schemas.work_items import AS_OF
from pmo_hub.domain.vocabulary import Constraint, ResourceKind
from pmo_hub.services.plans import EarnedValueInfo, ItemSchedule, ProjectEarnedValue, ProjectPlan
from pmo_hub.store.repositories.plans import StoredPlan
from pmo_hub.store.repositories.schedules import Assigned, ItemAssignment, ItemBaseline, StoredBaseline

Wall = Annotated[
    datetime,
    PlainSerializer(lambda value: value.isoformat(timespec="seconds"), return_type=str),
    WithJsonSchema({"type": "string", "description": "by the clock of the plan's zone", "examples": ["2026-06-12T17:00:00"]}),
]

Money = Annotated[
    Decimal,
    PlainSerializer(lambda value: f"{value:f}", return_type=str),
    WithJsonSchema({"type": "string", "description": "a decimal number, in the currency beside it", "examples": ["1000.1"]}),
]


class PlanRef(BaseModel):
    """The plan that an answer is from: by whose clock and in which currency it speaks."""

    id: str
    name: str
    url: str | None = Field(description="where it is in its source")
    scope_id: str
    time_zone: str | None = Field(description="IANA; null where the source doesn't say")
    currency: str | None = Field(description="ISO 4217; null where the source doesn't say")
    status_at: Wall | None = Field(description="until when actuals are told")


class PerformanceView(BaseModel):
    """What follows from the amounts; null where one of them is unknown, or would be divided by zero."""

    cost_variance: Money | None
    schedule_variance: Money | None
    cpi: float | None
    spi: float | None
    variance_at_completion: Money | None
    variance_at_completion_share: float | None = Field(description="of the budget, negative when over")
    to_complete: float | None = Field(description="the CPI that the rest needs; null where the budget is spent")


class EarnedValueView(BaseModel):
    """Earned value as the source computed it; null is unknown, never zero."""

    source: Literal["provider"] = Field("provider", description="who computed the amounts; the ratios follow from them")
    plan_id: str
    item_id: str | None = Field(description="null: of the whole plan")
    at: Wall | None = Field(description="the status date; null where the source doesn't say")
    at_instant: datetime | None = Field(description="the same as an instant; null where the plan's zone is unknown")
    is_stale: bool | None = Field(description="the source says that it is out of date; null: it doesn't say")
    currency: str | None
    planned_value: Money | None
    earned_value: Money | None
    actual_cost: Money | None
    budget_at_completion: Money | None
    estimate_at_completion: Money | None
    performance: PerformanceView
    recorded_from: datetime = Field(description="since when the hub has known it")


class ScheduleView(BaseModel):
    """What the scheduling tool says of the item; floats may be negative. What the hub computes itself is not in here."""

    position: int | None
    outline: str | None
    starts_at: Wall | None
    finishes_at: Wall | None
    actual_starts_at: Wall | None
    actual_finishes_at: Wall | None
    deadline: Wall | None
    duration_hours: float | None = Field(description="working hours, unless it is elapsed")
    actual_duration_hours: float | None
    remaining_duration_hours: float | None
    is_elapsed: bool | None
    is_estimated: bool | None
    is_manual: bool | None
    is_critical: bool | None
    constraint: Constraint | None
    constraint_at: Wall | None
    total_float_hours: float | None
    free_float_hours: float | None
    cost: Money | None
    actual_cost: Money | None
    remaining_cost: Money | None
    fixed_cost: Money | None
    calendar: CalendarRef | None = Field(description="its own, or else the plan's")
    recorded_from: datetime


class BaselineView(BaseModel):
    number: int = Field(ge=0, le=10, description="0 is the current one")
    starts_at: Wall | None
    finishes_at: Wall | None
    duration_hours: float | None
    work_hours: float | None
    cost: Money | None
    recorded_from: datetime


class ResourceView(BaseModel):
    """What work is assigned to; `person_id` is the human whom several accounts belong to."""

    id: str
    kind: ResourceKind | None = Field(description="null where the hub does not hold the resource")
    name: str | None
    identity_id: str | None
    person_id: str | None
    is_generic: bool | None
    maximum_units: float | None = Field(description="1 is one whole person")


class AssignmentView(BaseModel):
    id: str
    resource: ResourceView
    units: float | None = Field(description="1 is one whole person")
    work_hours: float | None
    actual_hours: float | None
    remaining_hours: float | None
    starts_at: Wall | None
    finishes_at: Wall | None
    cost: Money | None
    actual_cost: Money | None
    recorded_from: datetime


class ItemScheduleView(BaseModel):
    """An item with what its plan says of it; `schedule` is null where no plan says anything."""

    item_id: str
    key: str | None
    url: str | None = Field(description="where the item is in its source")
    plan: PlanRef | None
    schedule: ScheduleView | None
    baselines: list[BaselineView]
    assignments: list[AssignmentView]
    earned_value: EarnedValueView | None
    as_of: datetime | None = Field(None, description=AS_OF)


class TakingView(BaseModel):
    """A rule by which the project takes the plan."""

    role: Literal["schedule", "execution", "money", "history"]
    history_until: date | None
    is_whole: bool = Field(description="whether the rule takes all of the plan")


class PassageView(BaseModel):
    stage: str
    phase: str | None
    position: int | None
    original_status: str | None
    entered_at: datetime | None
    completed_at: datetime | None


class PlanValueView(BaseModel):
    """A field that people gave their plans, as `name` calls it; one of the values is set."""

    field: str = Field(description="as the source identifies it")
    name: str
    text: str | None
    number: float | None
    day: date | None


class PlanView(PlanRef):
    """A plan that feeds the project; null is unknown."""

    scope_name: str | None
    owner_id: str | None
    owner_name: str | None = Field(description="what the account is called now")
    starts_at: Wall | None
    finishes_at: Wall | None
    published_at: datetime | None
    calendar: CalendarRef | None
    hours_per_day: float | None
    hours_per_week: float | None
    days_per_month: float | None
    stage: str | None
    phase: str | None
    program: str | None = Field(description="the program or portfolio that the plan is in, as its source calls it")
    stages: list[PassageView]
    custom_values: list[PlanValueView]
    takings: list[TakingView]
    recorded_from: datetime


class PlanList(BaseModel):
    items: list[PlanView]
    as_of: datetime | None = Field(None, description=AS_OF)


class _OfItem(BaseModel):
    item_id: str
    key: str
    title: str
    url: str | None = Field(description="where the item is in its source")
    time_zone: str | None = Field(description="the plan's; null where it doesn't say")
    currency: str | None


class ProjectBaselineView(BaselineView, _OfItem):
    """A baseline and the item that it is of."""


class ProjectAssignmentView(AssignmentView, _OfItem):
    """An assignment and the item that it is on."""


class BaselinePage(BaseModel):
    items: list[ProjectBaselineView]
    next_cursor: str | None = None
    as_of: datetime | None = Field(None, description=AS_OF)


class AssignmentPage(BaseModel):
    items: list[ProjectAssignmentView]
    next_cursor: str | None = None
    as_of: datetime | None = Field(None, description=AS_OF)


class ProjectEarnedValueView(EarnedValueView):
    """A plan's earned value in a project; `is_believed`: facts and health use it."""

    plan: PlanRef
    is_believed: bool
    because: str | None = Field(description="the role or the scope for which it is believed")
    is_whole: bool = Field(description="false: the project takes only a part of the plan, so that measures go by its items")


class EarnedValueList(BaseModel):
    items: list[ProjectEarnedValueView]
    as_of: datetime | None = Field(None, description=AS_OF)


def item_schedule_view(found: ItemSchedule, as_of: datetime | None) -> ItemScheduleView:
    schedule, plan = found.schedule, found.plan
    shown = None
    if schedule is not None:
        calendar_id = schedule.calendar_id or (None if plan is None else plan.calendar_id)
        shown = ScheduleView(**_fields(ScheduleView, schedule), calendar=_calendar(calendar_id, found.calendar_name))
    return ItemScheduleView(
        item_id=found.item_id, key=found.key, url=found.url, plan=None if plan is None else _plan(plan), schedule=shown,
        baselines=[_baseline(one) for one in found.baselines], assignments=[_assignment(one) for one in found.assignments],
        earned_value=None if found.earned_value is None else EarnedValueView(**_earned(found.earned_value)), as_of=as_of,
    )  # fmt: skip


def plan_list(found: Sequence[ProjectPlan], as_of: datetime | None) -> PlanList:
    return PlanList(items=[_plan_view(one) for one in found], as_of=as_of)


def project_baseline_view(found: ItemBaseline) -> ProjectBaselineView:
    return ProjectBaselineView(**_fields(BaselineView, found.baseline), item_id=found.baseline.item_id, **_of_item(found))


def project_assignment_view(found: ItemAssignment) -> ProjectAssignmentView:
    assigned = found.assigned
    shown = _assignment(assigned)
    return ProjectAssignmentView(
        **_fields(AssignmentView, shown), item_id=assigned.assignment.item_id, **_of_item(found)
    )  # fmt: skip


def earned_value_list(found: Sequence[ProjectEarnedValue], as_of: datetime | None) -> EarnedValueList:
    items = [
        ProjectEarnedValueView(
            **_earned(one.info), plan=_plan(one.info.plan), is_believed=one.is_believed, because=one.because, is_whole=one.is_whole
        )
        for one in found
        if one.info.plan is not None
    ]
    return EarnedValueList(items=items, as_of=as_of)


def _fields(view: type[BaseModel], found: Any) -> dict[str, Any]:
    """Those fields of the view that what was found has under the same names."""
    return {name: getattr(found, name) for name in view.model_fields if hasattr(found, name)}


def _of_item(found: ItemBaseline | ItemAssignment) -> dict[str, Any]:
    return {"key": found.key, "title": found.title, "url": found.url, "time_zone": found.time_zone, "currency": found.currency}


def _plan(plan: StoredPlan) -> PlanRef:
    return PlanRef(**_fields(PlanRef, plan))


def _plan_view(found: ProjectPlan) -> PlanView:
    plan = found.plan
    return PlanView(
        **_fields(PlanView, plan),
        scope_name=next((one.scope_name for one in found.takings), None),
        calendar=_calendar(plan.calendar_id, plan.calendar_name),
        stages=[PassageView(**_fields(PassageView, one)) for one in found.passages],
        custom_values=[PlanValueView(**_fields(PlanValueView, one)) for one in found.values],
        takings=[TakingView(**_fields(TakingView, one)) for one in found.takings],
    )


def _calendar(id: str | None, name: str | None) -> CalendarRef | None:
    return None if id is None else CalendarRef(id=id, name=name)


def _baseline(found: StoredBaseline) -> BaselineView:
    return BaselineView(**_fields(BaselineView, found))


def _assignment(found: Assigned) -> AssignmentView:
    resource = ResourceView(id=found.assignment.resource_id, **_fields(ResourceView, found))
    return AssignmentView(**_fields(AssignmentView, found.assignment), resource=resource)


def _earned(found: EarnedValueInfo) -> dict[str, Any]:
    told = asdict(found.performance)
    return _fields(EarnedValueView, found.stored) | {
        "at_instant": found.at,
        "currency": None if found.plan is None else found.plan.currency,
        "performance": PerformanceView(**{name: told[name] for name in PerformanceView.model_fields}),
    }
