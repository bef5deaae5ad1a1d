"""Payloads as records: pure, and built once a batch from the site's dictionaries. Tasks and plans here, links and registers beside."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any, Protocol

import msgspec

from pmo_hub.domain.records import (
    Assignment,
    Baseline,
    Calendar,
    CalendarException,
    CustomValue,
    EarnedValue,
    Identity,
    Plan,
    PlanValue,
    Record,
    Resource,
    Schedule,
    WorkItem,
)
from pmo_hub.domain.vocabulary import Constraint, Kind, ResourceKind, StatusCategory, Uncounted
from pmo_hub.sdk.contract import Mapped, Mapper, Payload, Reference
from pmo_hub.sdk.errors import RecordError
from pmo_hub_msproject import reference, registers, time_phased, wire
from pmo_hub_msproject.custom_values import custom_values, typed
from pmo_hub_msproject.links import map_link
from pmo_hub_msproject.reading import identity_of, is_person
from pmo_hub_msproject.reference import Site
from pmo_hub_msproject.values import clean, duration_hours, guid, hours, instant, is_elapsed, moment, money, number

CONSTRAINTS = (
    None,
    Constraint.AS_SOON_AS_POSSIBLE,
    Constraint.AS_LATE_AS_POSSIBLE,
    Constraint.MUST_START_ON,
    Constraint.MUST_FINISH_ON,
    Constraint.START_NO_EARLIER_THAN,
    Constraint.START_NO_LATER_THAN,
    Constraint.FINISH_NO_EARLIER_THAN,
    Constraint.FINISH_NO_LATER_THAN,
)
"""By the site's number, which begins at 1; files of Project count the same words from 0."""

NOTHING_READ = msgspec.json.encode(Site("", "UTC"))
DATELESS = frozenset({None, Constraint.AS_SOON_AS_POSSIBLE, Constraint.AS_LATE_AS_POSSIBLE})
RESOURCE_KINDS = {2: ResourceKind.MATERIAL, 3: ResourceKind.COST}


class _Whole(Protocol):
    """The body of a plan's payload."""

    project: wire.Project
    summary: wire.Task | None
    report: wire.Report | None


def mapper(references: Sequence[Reference], rules: Mapping[str, str]) -> Mapper:
    """The mapper of one scope's payloads; RecordError for a payload that it can't map."""
    by_kind = _by_kind(next((r.body for r in references if r.scope is None), NOTHING_READ))

    def map_payload(payload: Payload) -> Mapped:
        found = by_kind.get(payload.ref.kind)
        if found is None:
            raise RecordError(f"'{payload.ref.kind}' is no kind of payload of Project Server's")
        return found(payload)

    return map_payload


@lru_cache(maxsize=16)
def _by_kind(body: bytes) -> dict[str, Callable[[Payload], Mapped]]:
    site = reference.site_of(body)
    return {
        "task": TaskMapping(site),
        "plan": PlanMapping(site),
        "resource": map_resource,
        "link": map_link,
        "baselines": registers.map_baselines,
        "risk": registers.RiskMapping(site),
        "issue": registers.IssueMapping(site),
        "stage": registers.StageMapping(site),
        "days": time_phased.map_days,
        "baseline_days": time_phased.map_baseline_days,
    }


class TaskMapping:
    """Maps `task` payloads."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._fields, kind = _with_customs(site, "Task", wire.Task)
        body = msgspec.defstruct("TaskBody", [("task", kind), ("assignments", list[wire.Assignment], [])], module=__name__)
        self._decode = wire.decoder(body).decode

    def __call__(self, payload: Payload) -> Mapped:
        project, _, _ = payload.ref.external_id.partition("/")
        try:
            body = self._decode(payload.body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise RecordError(f"task {payload.ref.external_id} can't be mapped: {error}") from None
        task: wire.Task = body.task
        id = payload.ref.external_id
        owned: list[Record] = [self._item(task, id, project, payload), _schedule(task, id, project)]
        if baseline := _baseline(task, id):
            owned.append(baseline)
        if earned := _earned(task, id, project, payload.context.get("status")):
            owned.append(earned)
        owned += [made for one in body.assignments if (made := _assignment(one, id, project))]
        owned += custom_values(task, self._fields, self._site.entries, id)
        if task.is_manual:
            texts = (("StartText", "Start, as typed", task.start_text), ("FinishText", "Finish, as typed", task.finish_text))
            owned += [CustomValue(f"{id}:{key}", id, key, name, text=text) for key, name, text in texts if text and typed(text) is None]
        return Mapped(owned)

    def _item(self, task: wire.Task, id: str, project: str, payload: Payload) -> WorkItem:
        zone, percent = self._site.zone, number(task.percent_complete) or 0.0
        kind, original, uncounted = _kind(task)
        active = task.is_active is not False
        top = task.outline_level is not None and task.outline_level <= 1
        parent = None if top or task.parent is None else guid(task.parent.id)
        key = clean(task.work_breakdown_structure) or clean(task.outline_position) or id.rpartition("/")[2][:8]
        starts, finishes = _planned(task)
        deadline = moment(task.deadline)
        return WorkItem(
            id,
            key,
            f"{self._site.url}/project%20detail%20pages/schedule.aspx?projuid={project}",
            clean(task.name) or key,
            clean(task.notes),
            kind,
            original,
            _category(percent, active),
            f"{percent:g} %" if active else "Inactive",
            parent=None if parent is None else f"{project}/{parent}",
            priority=None if task.priority is None else max(0, min(100, task.priority // 10)),
            original_priority=None if task.priority is None else str(task.priority),
            assignee=payload.context.get("assignee"),
            created_at=instant(task.created, zone),
            planned_start=starts.date() if starts else None,
            planned_finish=finishes.date() if finishes else None,
            actual_start=instant(task.actual_start, zone),
            actual_finish=instant(task.actual_finish, zone),
            due=deadline.date() if deadline else None,
            work_hours=duration_hours(task.work_time_span, task.work_milliseconds),
            spent_hours=duration_hours(task.actual_work_time_span, task.actual_work_milliseconds),
            remaining_hours=duration_hours(task.remaining_work_time_span, task.remaining_work_milliseconds),
            percent_complete=max(0.0, min(100.0, percent)),
            is_active=active,
            counts=active and uncounted is None,
            uncounted=uncounted if active else Uncounted.INACTIVE,
        )


class PlanMapping:
    """Maps `plan` payloads: the header of the schedule, its calendar, its own fields, what it has earned as a whole."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._fields, kind = _with_customs(site, "Project", wire.Project)
        body = msgspec.defstruct(
            "PlanBody", [("project", kind), ("summary", wire.Task | None, None), ("report", wire.Report | None, None)], module=__name__
        )
        self._decode = wire.decoder(body).decode

    def __call__(self, payload: Payload) -> Mapped:
        try:
            whole: _Whole = self._decode(payload.body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise RecordError(f"project {payload.ref.external_id} can't be mapped: {error}") from None
        header, id, site = whole.project, payload.ref.external_id, self._site
        calendar = site.calendar(guid(header.calendar.id) if header.calendar else None)
        owner = header.owner.login_name if header.owner else None
        url = clean(header.project_site_url) or f"{site.url}/project%20detail%20pages/schedule.aspx?projuid={id}"
        currency = clean(header.currency_code) or (clean(whole.report.project_currency) if whole.report else None)
        plan = Plan(
            id,
            clean(header.name) or id,
            url if url.startswith(("https://", "http://")) else None,
            f"user:{owner.lower()}" if owner else None,
            moment(header.start_date),
            moment(header.finish_date),
            moment(header.status_date),
            instant(header.last_published_date, site.zone),
            site.zone,
            currency if currency and len(currency) == 3 and currency.isalpha() else None,
            calendar.id if calendar else None,
            _hours_of(header.minutes_per_day),
            _hours_of(header.minutes_per_week),
            float(header.days_per_month) if header.days_per_month else None,
            clean(header.stage.name) if header.stage else None,
            clean(header.phase.name) if header.phase else None,
        )
        owned: list[Record] = [plan]
        if calendar is not None:
            owned.append(Calendar(calendar.id, calendar.name))
            owned += [
                CalendarException(f"{calendar.id}/{one.id}", calendar.id, one.name, one.days[0], one.days[1], one.shifts)
                for one in calendar.exceptions
            ]
        if earned := _plan_earned(whole, id):
            owned.append(earned)
        for one in custom_values(header, self._fields, site.entries, id):
            owned.append(PlanValue(one.external_id, id, one.field, one.name, one.text, one.number, one.day))
        mentioned: list[Record] = []
        if header.owner is not None and owner:
            mentioned.append(Identity(f"user:{owner.lower()}", clean(header.owner.title), clean(header.owner.email)))
        return Mapped(owned, mentioned)


def map_resource(payload: Payload) -> Mapped:
    """A resource of a team: mentioned, since every project that has it in its team tells of it."""
    try:
        resource: wire.Resource = wire.decoder(wire.Resource).decode(payload.body)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise RecordError(f"resource {payload.ref.external_id} can't be mapped: {error}") from None
    id = payload.ref.external_id.rpartition("/")[2]
    enterprise = resource.enterprise_resource or wire.EnterpriseResource()
    kind = RESOURCE_KINDS.get(enterprise.resource_type or 0)
    if kind is None:
        kind = ResourceKind.MATERIAL if clean(resource.material_label) else ResourceKind.WORK
    generic = resource.is_generic_resource if enterprise.is_generic is None else enterprise.is_generic
    units, active = number(resource.maximum_capacity), enterprise.is_active
    if not is_person(resource):
        return Mapped(mentioned=[Resource(id, kind, clean(resource.name) or id, None, generic, active, units)])
    person = identity_of(resource)
    identity = Identity(person, clean(resource.name), clean(resource.email) or clean(enterprise.email), active)
    return Mapped(mentioned=[Resource(id, kind, None, person, generic, active, units), identity])


def _with_customs(site: Site, entity: str, kind: type[wire.Pascal]) -> tuple[list[reference.Field], Any]:
    """The fields that people gave such entities, and the kind with their values."""
    fields = [field for field in site.fields if field.entity == entity]
    customs = [(field.key, Any, msgspec.field(default=None, name=field.key)) for field in fields]
    return fields, msgspec.defstruct(f"Custom{entity}", customs, bases=(kind,), gc=False, module=__name__)


def _kind(task: wire.Task) -> tuple[Kind, str, Uncounted | None]:
    if task.is_sub_project:
        # Its tasks are those of another project, which counts them.
        return Kind.SUMMARY, "Subproject", Uncounted.MIRROR
    if task.is_summary:
        return Kind.SUMMARY, "Summary task", Uncounted.SUMMARY
    return (Kind.MILESTONE, "Milestone", None) if task.is_milestone else (Kind.TASK, "Task", None)


def _category(percent: float, active: bool) -> StatusCategory:
    if not active:
        return StatusCategory.CANCELLED
    return StatusCategory.TODO if percent <= 0 else StatusCategory.IN_PROGRESS if percent < 100 else StatusCategory.DONE


def _planned(task: wire.Task) -> tuple[Any, Any]:
    """When it is planned to start and finish. Of a manual task whose dates were typed as words, the site makes dates up."""
    starts, finishes = moment(task.start), moment(task.finish)
    if task.is_manual:
        starts = None if task.start_text and typed(task.start_text) is None else starts
        finishes = None if task.finish_text and typed(task.finish_text) is None else finishes
    return starts, finishes


def _schedule(task: wire.Task, id: str, project: str) -> Schedule:
    constraint = CONSTRAINTS[task.constraint_type] if task.constraint_type and task.constraint_type < len(CONSTRAINTS) else None
    starts, finishes = _planned(task)
    return Schedule(
        id,
        id,
        project,
        None,
        clean(task.outline_position) or clean(task.work_breakdown_structure),
        starts,
        finishes,
        moment(task.actual_start),
        moment(task.actual_finish),
        moment(task.deadline),
        duration_hours(task.duration_time_span, task.duration_milliseconds, task.duration),
        duration_hours(task.actual_duration_time_span, task.actual_duration_milliseconds),
        duration_hours(task.remaining_duration_time_span, task.remaining_duration_milliseconds),
        is_elapsed(task.duration),
        task.is_duration_estimate,
        task.is_manual,
        task.is_critical,
        constraint,
        None if constraint in DATELESS else moment(task.constraint_start_end),
        hours(task.total_slack_time_span, task.total_slack_milliseconds),
        hours(task.free_slack_time_span, task.free_slack_milliseconds),
        money(task.cost),
        money(task.actual_cost),
        money(task.remaining_cost),
        money(task.fixed_cost),
    )


def _baseline(task: wire.Task, id: str) -> Baseline | None:
    starts, finishes = moment(task.baseline_start), moment(task.baseline_finish)
    if starts is None and finishes is None:
        return None
    duration = duration_hours(task.baseline_duration_time_span, task.baseline_duration_milliseconds)
    work = duration_hours(task.baseline_work_time_span, task.baseline_work_milliseconds)
    return Baseline(f"{id}/0", id, 0, starts, finishes, duration, work, money(task.baseline_cost))


def _earned(task: wire.Task, id: str, project: str, status: str | None) -> EarnedValue | None:
    """None where the task has no cost at all: nothing can be earned of it then."""
    values = (
        money(task.budgeted_cost_work_scheduled), money(task.budgeted_cost_work_performed), money(task.actual_cost_work_performed),
        money(task.baseline_cost), money(task.estimate_at_completion),
    )  # fmt: skip
    return EarnedValue(id, project, id, moment(status), *values) if any(values) else None


def _plan_earned(whole: _Whole, id: str) -> EarnedValue | None:
    """Of the whole plan, from its summary task; whether it is stale, and a task that we were not shown, from the report."""
    report, task = whole.report, whole.summary
    stale = report.project_earned_value_is_stale if report else None
    at = moment(whole.project.status_date) or (moment(report.project_status_date) if report else None)
    found: EarnedValue | None = None
    if task is not None:
        found = _earned(task, id, id, None)
    elif report is not None:
        values = money(report.project_bcws), money(report.project_bcwp), money(report.project_acwp), None, money(report.project_eac)
        found = EarnedValue(id, id, None, at, *values) if any(values) else None
    return None if found is None else replace(found, item=None, at=at, is_stale=stale)


def _assignment(one: wire.Assignment, item: str, project: str) -> Assignment | None:
    """None where nobody is assigned: Project keeps a row for the work of a task without a resource, too."""
    resource = guid(one.resource.id) if one.resource else None
    if resource is None:
        return None
    return Assignment(
        f"{project}/{guid(one.id)}",
        item,
        resource,
        number(one.resource_capacity),
        duration_hours(one.work_time_span, one.work_milliseconds),
        duration_hours(one.actual_work_time_span, one.actual_work_milliseconds),
        duration_hours(one.remaining_work_time_span, one.remaining_work_milliseconds),
        moment(one.start),
        moment(one.finish),
        money(one.cost),
        money(one.actual_cost),
    )


def _hours_of(minutes: int | None) -> float | None:
    return minutes / 60 if minutes else None
