"""Rows to canonical records; pure. What a row lacks stays unknown: environments differ in columns, and older ones in their units."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

import msgspec

from pmo_hub.domain.records import (
    Assignment,
    Baseline,
    Board,
    BoardColumn,
    CustomValue,
    Dependency,
    Identity,
    Iteration,
    Label,
    Plan,
    Record,
    Resource,
    Schedule,
    WorkItem,
)
from pmo_hub.domain.vocabulary import DependencyType, Kind, ResourceKind, StatusCategory, Uncounted
from pmo_hub.sdk.contract import Mapped, Mapper, Payload, Reference
from pmo_hub.sdk.errors import RecordError
from pmo_hub_dataverse import wire
from pmo_hub_dataverse.instants import instant, wall_clock
from pmo_hub_dataverse.reference import PROJECT, SITE, Project, Site
from pmo_hub_dataverse.rows import ASSIGNEES, lowered

USUAL_HOURS_PER_DAY = 8.0
SECONDS_PER_HOUR = 3_600.0

_LINKS: Mapping[int, DependencyType] = {
    0: DependencyType.FINISH_TO_FINISH, 1: DependencyType.FINISH_TO_START, 2: DependencyType.START_TO_FINISH,
    3: DependencyType.START_TO_START,
    192350000: DependencyType.FINISH_TO_START, 192350001: DependencyType.START_TO_START, 192350002: DependencyType.FINISH_TO_FINISH,
    192350003: DependencyType.START_TO_FINISH, 192350004: DependencyType.START_TO_FINISH,
}  # fmt: skip
"""Of the scheduling engine, and of the option set that older environments have."""

_PEOPLE = frozenset({2, 3, 5})
"""Resource types that are somebody: contact, user, account."""
_GENERIC = 1

_T = TypeVar("_T")


def mapper(references: Sequence[Reference], rules: Mapping[str, str]) -> Mapper:
    """The mapper for payloads of one project."""
    site, project = Site(), Project()
    for reference in references:
        if reference.scope is None:
            site = SITE.decode(reference.body)
        else:
            project = PROJECT.decode(reference.body)
    words = Words(site, project)

    def map_payload(payload: Payload) -> Mapped:
        found = _MAPPERS.get(payload.ref.kind)
        if found is None:
            raise RecordError(f"nothing is known of {payload.ref.kind}, so {payload.ref.external_id} can't be mapped")
        return found(words, payload)

    return map_payload


class Words:
    """What mapping looks up, for one project."""

    def __init__(self, site: Site, project: Project) -> None:
        self.site = site
        self.project = project
        self.zone = site.zone
        self.hours_per_day = project.hours_per_day or USUAL_HOURS_PER_DAY

    def url(self, table: str, id: str) -> str | None:
        return f"{self.site.url}/main.aspx?pagetype=entityrecord&etn={table}&id={id}" if self.site.url else None

    def number(self, baseline: str | None) -> int:
        """0 is the newest baseline of the project; what the dictionary does not know yet is the newest."""
        known = self.project.baselines
        return min(10, known.index(baseline)) if baseline in known else 0


def percent(progress: float | None) -> float | None:
    return None if progress is None else round(min(1.0, max(0.0, progress)) * 100.0, 4)


def priority(value: int | None) -> int | None:
    """0..100, 100 the most urgent, of Planner's 0..10, where 0 is."""
    if value is None:
        return None
    return 90 if value <= 1 else 70 if value <= 4 else 50 if value <= 7 else 20


def _read(decoder: msgspec.json.Decoder[_T], payload: Payload) -> _T:
    try:
        return decoder.decode(payload.body)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise RecordError(f"{payload.ref.kind} {payload.ref.external_id} can't be mapped: {error}") from None


def _status(progress: float | None, is_active: bool) -> tuple[StatusCategory, str]:
    if not is_active:
        return StatusCategory.CANCELLED, "Inactive"
    if progress is None or progress <= 0:
        return StatusCategory.TODO, "Not started"
    return (StatusCategory.DONE, "Completed") if progress >= 1 else (StatusCategory.IN_PROGRESS, "In progress")


def _plan(words: Words, payload: Payload) -> Mapped:
    row, id = _read(wire.PROJECT, payload), payload.ref.external_id
    name = row.subject or id
    plan = Plan(
        id, name, words.url("msdyn_project", id), lowered(row.manager),
        starts_at=wall_clock(row.scheduled_start, words.zone),
        finishes_at=wall_clock(row.finish or row.scheduled_end, words.zone),
        time_zone=words.zone, hours_per_day=row.hours_per_day, hours_per_week=row.hours_per_week, days_per_month=row.days_per_month,
        program=words.site.programs.get(lowered(row.program) or ""),
    )  # fmt: skip
    return Mapped([plan], [Board(id, name, "Planner Premium")])


def _task(words: Words, payload: Payload) -> Mapped:
    row, id = _read(wire.TASK, payload), payload.ref.external_id
    is_active = row.statecode in (None, 0)
    is_summary = row.summary is True or (row.outline_level == 0 and row.parent is None)
    status, told = _status(row.progress, is_active)
    uncounted = Uncounted.INACTIVE if not is_active else Uncounted.SUMMARY if is_summary else None
    starts, finishes = (wall_clock(row.start or row.scheduled_start, words.zone), wall_clock(row.finish or row.scheduled_end, words.zone))
    duration = _duration(words, row)
    kind = Kind.SUMMARY if is_summary else Kind.MILESTONE if row.is_milestone else Kind.TASK
    sprint = lowered(row.sprint)
    assignees = payload.context.get(ASSIGNEES, "").split()
    item = WorkItem(
        id, id[:8], words.url("msdyn_projecttask", id), row.subject or id, row.description or None, kind,
        "Summary task" if is_summary else "Milestone" if row.is_milestone else "Task", status, told,
        parent=lowered(row.parent), priority=priority(row.priority), original_priority=None if row.priority is None else str(row.priority),
        assignee=assignees[0] if assignees else None, reporter=lowered(row.created_by),
        created_at=instant(row.created_on), updated_at=instant(row.modified_on),
        planned_start=starts.date() if starts else None, planned_finish=finishes.date() if finishes else None,
        actual_start=instant(row.actual_start), actual_finish=instant(row.actual_end) if status is StatusCategory.DONE else None,
        work_hours=row.effort, spent_hours=row.effort_completed, remaining_hours=row.effort_remaining,
        percent_complete=percent(row.progress), iterations=(sprint,) if sprint else (), is_active=is_active, counts=uncounted is None,
        uncounted=uncounted,
    )  # fmt: skip
    plan = lowered(row.project) or payload.scope or ""
    schedule = Schedule(
        id, id, plan, None if row.position is None else int(row.position), row.wbs or None, starts, finishes,
        actual_starts_at=wall_clock(row.actual_start, words.zone), actual_finishes_at=wall_clock(row.actual_end, words.zone),
        duration_hours=duration, is_manual=row.is_manual, is_critical=row.is_critical,
    )  # fmt: skip
    owned: list[Record] = [item, schedule]
    bucket = words.project.buckets.get(lowered(row.bucket) or "")
    if bucket:
        owned.append(CustomValue(f"{id}/bucket", id, "msdyn_projectbucket", "Bucket", text=bucket))
    return Mapped(owned)


def _duration(words: Words, row: wire.Task) -> float | None:
    """Working hours: days of the project's length, or minutes where an older environment counts these."""
    if row.duration is not None:
        return round(max(0.0, row.duration) * words.hours_per_day, 4)
    return None if row.duration_minutes is None else round(max(0.0, row.duration_minutes) / 60.0, 4)


def _dependency(words: Words, payload: Payload) -> Mapped:
    row, id = _read(wire.DEPENDENCY, payload), payload.ref.external_id
    predecessor, successor = lowered(row.predecessor), lowered(row.successor)
    if predecessor is None or successor is None:
        raise RecordError(f"dependency {id} lacks one of its ends")
    told = row.link_type if row.link_type is not None else row.legacy_type
    # A link without a type is one that nobody gave another: from finish to start, as the scheduling engine has it.
    type = DependencyType.FINISH_TO_START if told is None else _LINKS.get(told)
    if type is None:
        raise RecordError(f"dependency {id} is of type {told}, which is not known")
    seconds = row.lag_seconds if row.lag_seconds is not None else row.lag
    return Mapped([Dependency(id, predecessor, successor, type, (seconds or 0) / SECONDS_PER_HOUR, None if told is None else str(told))])


def _bucket(words: Words, payload: Payload) -> Mapped:
    row, id = _read(wire.BUCKET, payload), payload.ref.external_id
    return Mapped([BoardColumn(id, lowered(row.project) or payload.scope or "", row.name or id, int(row.order or 0))])


def _sprint(words: Words, payload: Payload) -> Mapped:
    row, id = _read(wire.SPRINT, payload), payload.ref.external_id
    starts = row.start_date or row.start or row.scheduled_start
    ends = row.finish_date or row.finish or row.scheduled_end
    return Mapped([Iteration(id, row.name or id, None, starts_at=instant(starts), ends_at=instant(ends))])


def _team_member(words: Words, payload: Payload) -> Mapped:
    """A member that is no resource of the organisation yet: a role to be filled."""
    row, id = _read(wire.TEAM_MEMBER, payload), payload.ref.external_id
    if lowered(row.resource) is not None:
        return Mapped()
    return Mapped([Resource(id, ResourceKind.WORK, row.name or id, is_generic=True, is_active=row.statecode in (None, 0))])


def _label(words: Words, payload: Payload) -> Mapped:
    row, id = _read(wire.LABEL, payload), payload.ref.external_id
    return Mapped(mentioned=[Label(id, row.text)] if row.text else ())


def _baseline(words: Words, payload: Payload) -> Mapped:
    """By itself a baseline says only that there is one; which number its tasks' have, the reference says."""
    _read(wire.ROW, payload)
    return Mapped()


def _assignment(words: Words, payload: Payload) -> Mapped:
    row, id = _read(wire.ASSIGNMENT, payload), payload.ref.external_id
    task, resource = lowered(row.task), lowered(row.resource) or lowered(row.team_member)
    if task is None or resource is None:
        raise RecordError(f"assignment {id} names no task or nobody")
    return Mapped([
        Assignment(
            id, task, resource, None, row.effort, row.effort_completed, row.effort_remaining, wall_clock(row.start, words.zone),
            wall_clock(row.finish, words.zone),
        )
    ])  # fmt: skip


def _checklist_item(words: Words, payload: Payload) -> Mapped:
    row, id = _read(wire.CHECKLIST_ITEM, payload), payload.ref.external_id
    done = row.completed is True
    status, told = (StatusCategory.DONE, "Checked") if done else (StatusCategory.TODO, "Unchecked")
    return Mapped([
        WorkItem(
            id, id[:8], None, row.name or id, None, Kind.SUB_ITEM, "Checklist item", status, told,
            parent=payload.part_of.external_id if payload.part_of else None, created_at=instant(row.created_on),
            updated_at=instant(row.modified_on), counts=False, uncounted=Uncounted.SUB_ITEM,
        )
    ])  # fmt: skip


def _task_label(words: Words, payload: Payload) -> Mapped:
    """Text of a label that the dictionary does not know yet comes with the reference's next reading."""
    row, id = _read(wire.TASK_LABEL, payload), payload.ref.external_id
    label = lowered(row.label) or lowered(row.label_too)
    text = words.project.labels.get(label or "")
    if text is None or payload.part_of is None:
        return Mapped()
    return Mapped([CustomValue(id, payload.part_of.external_id, "msdyn_projectlabel", "Label", text=text)])


def _task_baseline(words: Words, payload: Payload) -> Mapped:
    row, id = _read(wire.TASK_BASELINE, payload), payload.ref.external_id
    task = payload.part_of.external_id if payload.part_of else lowered(row.task)
    if task is None:
        raise RecordError(f"the task's baseline {id} names no task")
    hours = None if row.duration is None else round(max(0.0, row.duration) * words.hours_per_day, 4)
    starts, finishes = wall_clock(row.start, words.zone), wall_clock(row.finish, words.zone)
    return Mapped([Baseline(id, task, words.number(lowered(row.baseline)), starts, finishes, hours, row.effort)])


def _resource(words: Words, payload: Payload) -> Mapped:
    """A person under the id that assignments name, and under their account's, which projects and tasks name."""
    row, id = _read(wire.RESOURCE, payload), payload.ref.external_id
    is_active = row.statecode in (None, 0)
    if row.type not in _PEOPLE:
        return Mapped(mentioned=[
            Resource(id, ResourceKind.WORK, row.name or id, is_generic=row.type == _GENERIC, is_active=is_active)
        ])  # fmt: skip
    email = row.email or None
    mentioned: list[Record] = [
        Identity(id, row.name, email, is_active, "resource"),
        Resource(id, ResourceKind.WORK, None, id, is_generic=False, is_active=is_active),
    ]
    user = lowered(row.user)
    if user is not None and user != id:
        mentioned.append(Identity(user, row.name, email, is_active, "user"))
    return Mapped(mentioned=mentioned)


_MAPPERS: Mapping[str, Callable[[Words, Payload], Mapped]] = {
    "project": _plan, "task": _task, "dependency": _dependency, "bucket": _bucket, "sprint": _sprint, "team_member": _team_member,
    "label": _label, "baseline": _baseline, "assignment": _assignment, "checklist_item": _checklist_item, "task_label": _task_label,
    "task_baseline": _task_baseline, "resource": _resource,
}  # fmt: skip
