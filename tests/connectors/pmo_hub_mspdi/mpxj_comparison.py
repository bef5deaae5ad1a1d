"""What MPXJ reads of a file beside what the connector makes of it, value by value.

`differences` yields each place where they differ; `RULES` explains differences by their cause, whichever file they are met in.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from pmo_hub.domain.records import (
    Assignment,
    Baseline,
    Calendar,
    CalendarException,
    Dependency,
    EarnedValue,
    Identity,
    Plan,
    Record,
    Resource,
    Schedule,
    WorkItem,
)
from pmo_hub.domain.vocabulary import Kind
from pmo_hub.sdk.testing import MemoryContext, MemoryHost
from pmo_hub_mspdi.config import MspdiConfig
from pmo_hub_mspdi.connector import MspdiConnector

TOLERANCE = 0.01
NAMESPACE = "{http://schemas.microsoft.com/project}"


@dataclass(frozen=True)
class Difference:
    """`raw` are the file's own texts of the element that both are about."""

    where: str
    uid: str
    theirs: Any
    ours: Any
    raw: Mapping[str, str] = field(default_factory=dict)


@dataclass
class Ours:
    """The connector's records of one file, by the file's own ids."""

    plan: Plan
    items: dict[str, WorkItem] = field(default_factory=dict)
    schedules: dict[str, Schedule] = field(default_factory=dict)
    earned: dict[str, EarnedValue] = field(default_factory=dict)
    links: dict[str, dict[str, Dependency]] = field(default_factory=dict)
    baselines: dict[str, dict[int, Baseline]] = field(default_factory=dict)
    resources: dict[str, Resource] = field(default_factory=dict)
    identities: dict[str, Identity] = field(default_factory=dict)
    assignments: dict[tuple[str, str], Assignment] = field(default_factory=dict)
    calendars: dict[str, Calendar] = field(default_factory=dict)
    exceptions: dict[str, list[CalendarException]] = field(default_factory=dict)


def read(name: str, content: bytes) -> Ours:
    """The records of one file."""
    connector = MspdiConnector()
    with connector.open(MspdiConfig(), MemoryContext(files={name: content})) as source:
        (scope,) = [one.external_id for one in source.scopes()]
        host = MemoryHost(connector, [scope])
        host.sync(source)
    assert not host.quarantine
    assert not host.lost
    return sorted_out(list(host.records().values()))


def sorted_out(records: Sequence[Record]) -> Ours:
    (plan,) = [r for r in records if isinstance(r, Plan)]
    ours = Ours(plan)

    def uid(id: str) -> str:
        return id.removeprefix(f"{plan.external_id}/")

    for r in records:
        match r:
            case WorkItem():
                ours.items[uid(r.external_id)] = r
            case Schedule():
                ours.schedules[uid(r.item)] = r
            case EarnedValue() if r.item is not None:
                ours.earned[uid(r.item)] = r
            case Dependency():
                ours.links.setdefault(uid(r.successor), {})[uid(r.predecessor)] = r
            case Baseline():
                ours.baselines.setdefault(uid(r.item), {})[r.number] = r
            case Resource():
                ours.resources[uid(r.external_id)] = r
            case Identity():
                ours.identities[uid(r.external_id)] = r
            case Assignment():
                ours.assignments[uid(r.item), uid(r.resource)] = r
            case Calendar():
                ours.calendars[uid(r.external_id)] = r
            case CalendarException():
                ours.exceptions.setdefault(uid(r.calendar), []).append(r)
            case _:
                pass
    return ours


def texts(path: Path, container: str, element: str) -> dict[str, dict[str, str]]:
    """The file's own texts by UID, read by another parser than the connector's."""
    found: dict[str, dict[str, str]] = {}
    if path.suffix != ".xml":
        return found
    for one in ET.parse(path).getroot().iterfind(f"{NAMESPACE}{container}/{NAMESPACE}{element}"):
        raw = {child.tag.removeprefix(NAMESPACE): (child.text or "").strip() for child in one}
        found.setdefault(raw.get("UID", ""), raw)
    return found


def differences(path: Path, theirs: Mapping[str, Any], ours: Ours) -> Iterator[Difference]:
    tasks, resources = texts(path, "Tasks", "Task"), texts(path, "Resources", "Resource")
    yield from _header(theirs["properties"], ours)
    seen = {task["uid"] for task in theirs["tasks"]}
    for task in theirs["tasks"]:
        raw = tasks.get(task["uid"], {})
        for where, wanted, got in _task(task, ours):
            if not same(wanted, got):
                yield Difference(where, task["uid"], wanted, got, raw)
    yield from (Difference("task", uid, None, item.title) for uid, item in ours.items.items() if uid not in seen)
    told = {one["uid"] for one in theirs["resources"]}
    for one in theirs["resources"]:
        for where, wanted, got in _resource(one, ours):
            if not same(wanted, got):
                yield Difference(where, one["uid"], wanted, got, resources.get(one["uid"], {}))
    yield from (Difference("resource", uid, None, one.name) for uid, one in ours.resources.items() if uid not in told)
    booked = set()
    raw_assignments = texts(path, "Assignments", "Assignment")
    for one in theirs["assignments"]:
        key = (one["task"], one["resource"])
        booked.add(key)
        for where, wanted, got in _assignment(one, ours.assignments.get(key)):
            if not same(wanted, got):
                yield Difference(where, one["uid"], wanted, got, raw_assignments.get(one["uid"], {}))
    yield from (Difference("assignment", str(key), None, "there") for key in ours.assignments if key not in booked)
    listed = {one["uid"] for one in theirs["calendars"]}
    for one in theirs["calendars"]:
        calendar = ours.calendars.get(one["uid"])
        if not same(one["name"], None if calendar is None else calendar.name):
            yield Difference("calendar", one["uid"], one["name"], None if calendar is None else calendar.name)
        names = {e.name for e in ours.exceptions.get(one["uid"], ())}
        stretches = len(ours.exceptions.get(one["uid"], ()))
        if one["exceptions"] not in (stretches, len(names)):
            yield Difference("calendar.exceptions", one["uid"], one["exceptions"], stretches)
    yield from (Difference("calendar", uid, None, one.name) for uid, one in ours.calendars.items() if uid not in listed)


def same(theirs: Any, ours: Any) -> bool:
    if isinstance(theirs, float) and ours is not None:
        return abs(theirs - float(ours)) <= max(TOLERANCE, 1e-6 * abs(theirs))
    return bool(theirs == ours)


def _at(value: datetime | None) -> str | None:
    return None if value is None else value.isoformat(timespec="seconds" if value.second else "minutes")


def _hours(value: Mapping[str, Any] | None) -> float | None:
    return None if value is None else float(value["h"])


Compared = tuple[str, Any, Any]


def _header(theirs: Mapping[str, Any], ours: Ours) -> Iterator[Difference]:
    plan = ours.plan
    pairs = [
        ("plan.name", theirs["title"], plan.name), ("plan.start", theirs["start"], _at(plan.starts_at)),
        ("plan.finish", theirs["finish"], _at(plan.finishes_at)), ("plan.status", theirs["statusDate"], _at(plan.status_at)),
        ("plan.currency", theirs["currency"], plan.currency),
        ("plan.day", float(theirs["minutesPerDay"]), (plan.hours_per_day or 0) * 60),
    ]  # fmt: skip
    yield from (Difference(where, "", wanted, got) for where, wanted, got in pairs if not same(wanted, got))


def _task(theirs: Mapping[str, Any], ours: Ours) -> Iterator[Compared]:
    uid = theirs["uid"]
    item, schedule = ours.items.get(uid), ours.schedules.get(uid)
    if item is None or schedule is None:
        yield "task", theirs.get("name") or "a row without a name", None
        return
    yield "task.name", theirs.get("name"), item.title
    yield "task.id", theirs["id"], str(schedule.position)
    yield "task.outline", theirs.get("outlineNumber"), schedule.outline
    yield "task.parent", theirs.get("parentUid"), None if item.parent is None else item.parent.rpartition("/")[2]
    yield "task.summary", theirs["summary"], item.kind is Kind.SUMMARY
    yield "task.milestone", theirs["milestone"], item.kind is Kind.MILESTONE
    yield "task.critical", theirs["critical"], schedule.is_critical
    yield "task.active", theirs["active"], item.is_active
    yield "task.manual", theirs["mode"] == "MANUALLY_SCHEDULED", bool(schedule.is_manual)
    yield "task.start", theirs.get("start"), _at(schedule.starts_at)
    yield "task.finish", theirs.get("finish"), _at(schedule.finishes_at)
    yield "task.actual_start", theirs.get("actualStart"), _at(schedule.actual_starts_at)
    yield "task.deadline", theirs.get("deadline"), _at(schedule.deadline)
    yield "task.duration", _hours(theirs.get("duration")), schedule.duration_hours
    yield "task.work", _hours(theirs.get("work")), item.work_hours
    yield "task.actual_work", _hours(theirs.get("actualWork")), item.spent_hours
    yield "task.remaining_work", _hours(theirs.get("remainingWork")), item.remaining_hours
    yield "task.cost", theirs.get("cost"), schedule.cost
    yield "task.actual_cost", theirs.get("actualCost"), schedule.actual_cost
    yield "task.percent", theirs.get("percentComplete"), item.percent_complete
    yield "task.priority", theirs.get("priority"), item.original_priority
    yield "task.constraint", theirs.get("constraintType"), None if schedule.constraint is None else schedule.constraint.name
    yield "task.constraint_date", theirs.get("constraintDate"), _at(schedule.constraint_at)
    yield "task.float", _hours(theirs.get("totalSlack")), schedule.total_float_hours
    earned = ours.earned.get(uid)
    yield "task.acwp", theirs.get("acwp"), None if earned is None else earned.actual_cost
    yield from _links(theirs.get("predecessors") or (), ours.links.get(uid, {}))
    yield from _baselines(theirs, ours.baselines.get(uid, {}))


def _links(theirs: Sequence[Mapping[str, Any]], ours: Mapping[str, Dependency]) -> Iterator[Compared]:
    yield "task.links", sorted(one["pred"] for one in theirs), sorted(ours)
    for one in theirs:
        link = ours.get(one["pred"])
        if link is not None:
            yield "link.type", one["type"], link.dependency_type.value
            yield "link.lag", float(one["lag"]["h"]), link.lag_hours


def _baselines(theirs: Mapping[str, Any], ours: Mapping[int, Baseline]) -> Iterator[Compared]:
    told: dict[int, Mapping[str, Any]] = {int(number): one for number, one in (theirs.get("baselines") or {}).items()}
    current = {
        "start": theirs.get("baselineStart"), "finish": theirs.get("baselineFinish"), "cost": theirs.get("baselineCost"),
        "duration": theirs.get("baselineDuration"), "work": theirs.get("baselineWork"),
    }  # fmt: skip
    if any(value is not None for value in current.values()):
        told[0] = current
    for number in sorted({*told, *ours}):
        wanted, got = told.get(number, {}), ours.get(number)
        yield "baseline.start", wanted.get("start"), None if got is None else _at(got.starts_at)
        yield "baseline.finish", wanted.get("finish"), None if got is None else _at(got.finishes_at)
        yield "baseline.cost", wanted.get("cost"), None if got is None else got.cost
        yield "baseline.duration", _hours(wanted.get("duration")), None if got is None else got.duration_hours
        yield "baseline.work", _hours(wanted.get("work")), None if got is None else got.work_hours


def _resource(theirs: Mapping[str, Any], ours: Ours) -> Iterator[Compared]:
    uid = theirs["uid"]
    one, identity = ours.resources.get(uid), ours.identities.get(uid)
    if one is None:
        yield "resource", theirs["name"] or "one without a name", None
        return
    yield "resource.name", theirs["name"], one.name or (None if identity is None else identity.name)
    yield "resource.type", theirs["type"].lower(), one.kind.value
    yield "resource.email", theirs["email"] or None, None if identity is None else identity.email
    yield "resource.units", theirs["maxUnits"], None if one.maximum_units is None else one.maximum_units * 100


def _assignment(theirs: Mapping[str, Any], one: Assignment | None) -> Iterator[Compared]:
    if one is None:
        yield "assignment", theirs["resource"] or "of nobody", None
        return
    yield "assignment.units", theirs["units"], None if one.units is None else one.units * 100
    yield "assignment.work", _hours(theirs["work"]), one.work_hours
    yield "assignment.actual_work", _hours(theirs["actualWork"]), one.actual_hours
    yield "assignment.start", theirs["start"], _at(one.starts_at)
    yield "assignment.finish", theirs["finish"], _at(one.finishes_at)


@dataclass(frozen=True)
class Rule:
    """Why two readers of one file may differ: the cause, and how it is told from a mistake."""

    cause: str
    explains: Callable[[Difference], bool]


RULES = (
    Rule(
        "UID 0 is the plan as a whole, whose totals are the plan's and no work of its own: its children have no parent",
        lambda d: (
            (d.where == "task" and d.uid == "0" and d.ours is None) or (d.where == "task.parent" and d.theirs == "0" and d.ours is None)
        ),
    ),
    Rule(
        "what is booked on the plan as a whole (budgets) is booked on no item",
        lambda d: d.where == "assignment" and d.raw.get("TaskUID") == "0" and d.ours is None,
    ),
    Rule(
        "a blank row (IsNull, or without name and dates) is no task",
        lambda d: d.where == "task" and d.ours is None and (d.raw.get("IsNull") == "1" or not d.raw.get("Name")),
    ),
    Rule(
        "an assignment without a resource (-65535) says nothing that the task doesn't",
        lambda d: d.where == "assignment" and d.theirs == "of nobody" and d.raw.get("ResourceUID", "-65535") == "-65535",
    ),
    Rule(
        "a resource without a name is nobody (Microsoft Project writes one with UID 0)",
        lambda d: d.where == "resource" and d.ours is None and not d.raw.get("Name"),
    ),
    Rule(
        "the epoch stands for no date (OpenProj, GanttProject)",
        lambda d: d.where == "task.constraint_date" and str(d.raw.get("ConstraintDate")).startswith("1970-01-01") and d.ours is None,
    ),
    Rule(
        "a plan that nobody measures (no status date, all zero) has no earned value, instead of one of zero",
        lambda d: d.where == "task.acwp" and d.theirs == 0 and d.ours is None,
    ),
    Rule("a plan without a title is called like its file", lambda d: d.where == "plan.name" and d.theirs is None and bool(d.ours)),
    Rule(
        "a row without time and without rows below it is a milestone, whether or not the tool marked it",
        lambda d: d.where == "task.milestone" and d.ours is True and str(d.raw.get("Duration")).startswith("PT0H0M0S"),
    ),
    Rule(
        "an assignment without dates is told without them; MPXJ takes the task's",
        lambda d: d.where in ("assignment.start", "assignment.finish") and d.ours is None and d.where.split(".")[1].title() not in d.raw,
    ),
)


CONVERTED_RULES = (
    *RULES,
    Rule(
        "MPXJ leaves a baseline of zeroes out when it writes XML, which says that there is none",
        lambda d: d.where.startswith("baseline.") and d.theirs == 0 and d.ours is None,
    ),
)
"""Of a .mpp file, which is read from the XML that MPXJ writes of it."""


def explanation(difference: Difference, rules: Sequence[Rule] = RULES) -> Rule | None:
    return next((rule for rule in rules if rule.explains(difference)), None)
