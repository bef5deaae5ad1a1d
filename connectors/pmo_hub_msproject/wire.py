"""What a PWA site sends, as far as it is read: every property may be missing, and numbers may come as texts."""

from __future__ import annotations

from decimal import Decimal
from functools import lru_cache
from typing import Any, ClassVar

import msgspec
from msgspec import Raw, Struct


class Pascal(Struct, rename="pascal", gc=False):
    """Properties are spelled as in `OutlineLevel`."""


class Identified(Pascal):
    id: str | None = None


class Named(Pascal):
    id: str | None = None
    name: str | None = None


class User(Pascal):
    login_name: str | None = None
    title: str | None = None
    email: str | None = None


class Listed(Pascal):
    """A project as the list of projects has it."""

    id: str
    name: str | None = None
    last_published_date: str | None = None
    project_type: int | None = None
    project_site_url: str | None = None


class Project(Pascal):
    id: str
    name: str | None = None
    project_type: int | None = None
    last_published_date: str | None = None
    start_date: str | None = None
    finish_date: str | None = None
    status_date: str | None = None
    currency_code: str | None = None
    minutes_per_day: int | None = None
    minutes_per_week: int | None = None
    days_per_month: int | None = None
    summary_task_id: str | None = None
    project_site_url: str | None = None
    owner: User | None = None
    stage: Named | None = None
    phase: Named | None = None
    calendar: Identified | None = None


class Task(Pascal):
    id: str
    name: str | None = None
    outline_level: int | None = None
    outline_position: str | None = None
    work_breakdown_structure: str | None = None
    start: str | None = None
    finish: str | None = None
    actual_start: str | None = None
    actual_finish: str | None = None
    start_text: str | None = None
    finish_text: str | None = None
    deadline: str | None = None
    constraint_type: int | None = None
    constraint_start_end: str | None = None
    duration: str | None = None
    duration_time_span: str | None = None
    duration_milliseconds: int | None = None
    actual_duration_time_span: str | None = None
    actual_duration_milliseconds: int | None = None
    remaining_duration_time_span: str | None = None
    remaining_duration_milliseconds: int | None = None
    is_duration_estimate: bool | None = None
    is_manual: bool | None = None
    is_active: bool | None = None
    is_critical: bool | None = None
    is_milestone: bool | None = None
    is_summary: bool | None = None
    is_external_task: bool | None = None
    is_sub_project: bool | None = None
    external_task_uid: str | None = None
    external_project_uid: str | None = None
    percent_complete: float | None = None
    priority: int | None = None
    work_time_span: str | None = None
    work_milliseconds: int | None = None
    actual_work_time_span: str | None = None
    actual_work_milliseconds: int | None = None
    remaining_work_time_span: str | None = None
    remaining_work_milliseconds: int | None = None
    total_slack_time_span: str | None = None
    total_slack_milliseconds: int | None = None
    free_slack_time_span: str | None = None
    free_slack_milliseconds: int | None = None
    cost: Decimal | None = None
    actual_cost: Decimal | None = None
    remaining_cost: Decimal | None = None
    fixed_cost: Decimal | None = None
    baseline_start: str | None = None
    baseline_finish: str | None = None
    baseline_duration_time_span: str | None = None
    baseline_duration_milliseconds: int | None = None
    baseline_work_time_span: str | None = None
    baseline_work_milliseconds: int | None = None
    baseline_cost: Decimal | None = None
    budgeted_cost_work_scheduled: Decimal | None = None
    budgeted_cost_work_performed: Decimal | None = None
    actual_cost_work_performed: Decimal | None = None
    estimate_at_completion: Decimal | None = None
    notes: str | None = None
    created: str | None = None
    parent: Identified | None = None


class Assignment(Pascal):
    id: str
    start: str | None = None
    finish: str | None = None
    resource_capacity: float | None = None
    work_time_span: str | None = None
    work_milliseconds: int | None = None
    actual_work_time_span: str | None = None
    actual_work_milliseconds: int | None = None
    remaining_work_time_span: str | None = None
    remaining_work_milliseconds: int | None = None
    cost: Decimal | None = None
    actual_cost: Decimal | None = None
    task: Identified | None = None
    resource: Identified | None = None


class EnterpriseResource(Pascal):
    id: str | None = None
    email: str | None = None
    is_active: bool | None = None
    is_generic: bool | None = None
    resource_type: int | None = None


class Resource(Pascal):
    id: str
    name: str | None = None
    email: str | None = None
    material_label: str | None = None
    maximum_capacity: float | None = None
    is_generic_resource: bool | None = None
    enterprise_resource: EnterpriseResource | None = None


class Link(Pascal):
    id: str
    predecessor_task_id: str | None = None
    successor_task_id: str | None = None
    dependency_type: int | None = None
    link_lag: int | None = None
    link_lag_duration: str | None = None
    link_lag_fmt: int | None = None


class CalendarException(Pascal):
    """`Shift1Start` to `Shift5Finish` are minutes of the day; equal ones are no shift."""

    id: int | None = None
    name: str | None = None
    start: str | None = None
    finish: str | None = None
    recurrence_type: int = 0
    recurrence_frequency: int = 0
    recurrence_days: int = 0
    recurrence_month: int = 0
    recurrence_month_day: int = 0
    recurrence_week: int = 0
    shift1_start: int = msgspec.field(default=0, name="Shift1Start")
    shift1_finish: int = msgspec.field(default=0, name="Shift1Finish")
    shift2_start: int = msgspec.field(default=0, name="Shift2Start")
    shift2_finish: int = msgspec.field(default=0, name="Shift2Finish")
    shift3_start: int = msgspec.field(default=0, name="Shift3Start")
    shift3_finish: int = msgspec.field(default=0, name="Shift3Finish")
    shift4_start: int = msgspec.field(default=0, name="Shift4Start")
    shift4_finish: int = msgspec.field(default=0, name="Shift4Finish")
    shift5_start: int = msgspec.field(default=0, name="Shift5Start")
    shift5_finish: int = msgspec.field(default=0, name="Shift5Finish")


class Nested(Struct, gc=False):
    """A collection inside a verbose entity; `next` is where the rest of it is."""

    results: list[Raw] = []
    next: str | None = msgspec.field(default=None, name="__next")


class Calendar(Pascal):
    id: str
    name: str | None = None
    base_calendar_exceptions: list[Raw] | Nested | None = None
    base_calendar_exceptions_next: str | None = msgspec.field(default=None, name="BaseCalendarExceptions@odata.nextLink")


class CustomField(Pascal):
    id: str | None = None
    internal_name: str | None = None
    name: str | None = None
    field_type: int | None = None
    lookup_entries: list[Raw] | Nested | None = None
    lookup_entries_next: str | None = msgspec.field(default=None, name="LookupEntries@odata.nextLink")
    entity_type: Named | None = None


class LookupEntry(Pascal):
    internal_name: str | None = None
    full_value: str | None = None
    value: Any = None


class Report(Pascal):
    """A project as ProjectData has it."""

    project_id: str
    project_earned_value_is_stale: bool | None = None
    project_status_date: str | None = None
    project_currency: str | None = None
    project_acwp: Decimal | None = msgspec.field(default=None, name="ProjectACWP")
    project_bcwp: Decimal | None = msgspec.field(default=None, name="ProjectBCWP")
    project_bcws: Decimal | None = msgspec.field(default=None, name="ProjectBCWS")
    project_eac: Decimal | None = msgspec.field(default=None, name="ProjectEAC")


class TaskBaseline(Pascal):
    project_id: str | None = None
    task_id: str | None = None
    baseline_number: int | None = None
    task_baseline_start_date: str | None = None
    task_baseline_finish_date: str | None = None
    task_baseline_duration: Decimal | None = None
    task_baseline_work: Decimal | None = None
    task_baseline_cost: Decimal | None = None


class Risk(Pascal):
    project_id: str | None = None
    risk_id: str | None = None
    title: str | None = None
    description: str | None = None
    status: str | None = None
    category: str | None = None
    owner: str | None = None
    assigned_to_resource: str | None = None
    created_date: str | None = None
    due_date: str | None = None
    probability: Decimal | None = None
    impact: Decimal | None = None
    exposure: Decimal | None = None
    cost: Decimal | None = None
    mitigation_plan: str | None = None
    contingency_plan: str | None = None
    trigger_description: str | None = None
    item_relative_url_path: str | None = None
    is_folder: bool | None = None


class Issue(Pascal):
    project_id: str | None = None
    issue_id: str | None = None
    title: str | None = None
    discussion: str | None = None
    resolution: str | None = None
    status: str | None = None
    priority: str | None = None
    category: str | None = None
    owner: str | None = None
    assigned_to_resource: str | None = None
    created_date: str | None = None
    due_date: str | None = None
    item_relative_url_path: str | None = None
    is_folder: bool | None = None


class Stage(Pascal):
    project_id: str | None = None
    stage_id: str | None = None
    stage_name: str | None = None
    stage_order: int | None = None
    stage_status: int | None = None
    stage_state_description: str | None = None
    stage_entry_date: str | None = None
    stage_completion_date: str | None = None
    phase_name: str | None = None


class TaskDay(Pascal):
    """A task on one day; amounts are decimals in texts."""

    amounts: ClassVar[int] = 4
    task_id: str | None = None
    time_by_day: str | None = None
    task_work: str | float | None = None
    task_actual_work: str | float | None = None
    task_cost: str | float | None = None
    task_actual_cost: str | float | None = None

    def values(self) -> tuple[Any, ...]:
        return self.task_work, self.task_actual_work, self.task_cost, self.task_actual_cost


class BaselineDay(Pascal):
    """A task on one day of a baseline."""

    amounts: ClassVar[int] = 2
    task_id: str | None = None
    time_by_day: str | None = None
    baseline_number: int | None = None
    task_baseline_work: str | float | None = None
    task_baseline_cost: str | float | None = None

    def values(self) -> tuple[Any, ...]:
        return self.baseline_number, self.task_baseline_work, self.task_baseline_cost


def decoder(kind: Any) -> msgspec.json.Decoder[Any]:
    """Decodes that kind; numbers may come as texts, as decimals of ProjectData do."""
    return _decoder(kind)


@lru_cache(maxsize=128)
def _decoder(kind: Any) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(kind, strict=False)


def names_of(kind: type[Struct]) -> tuple[str, ...]:
    """The properties that are read of a kind, as the site spells them."""
    return tuple(f.encode_name for f in msgspec.structs.fields(kind) if "@" not in f.encode_name)
