"""A task of an MSPDI file with its links, baselines, assignments and fields, as records."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, tzinfo
from decimal import Decimal
from typing import Any

import msgspec

from pmo_hub.domain.records import Assignment, Baseline, Dependency, EarnedValue, Record, Schedule, WorkItem
from pmo_hub.domain.vocabulary import Constraint, DependencyType, Kind, StatusCategory, Uncounted
from pmo_hub.sdk.contract import Mapped, Payload
from pmo_hub_mspdi.custom_fields import values_of
from pmo_hub_mspdi.durations import is_elapsed, is_estimated, lag_hours, lag_text
from pmo_hub_mspdi.reference import PlanReference
from pmo_hub_mspdi.time_phased import map_days
from pmo_hub_mspdi.values import Element, flag, hours, integer, many, moment, moment_of, money, number_of, real, tenths, text

LINKS = {
    0: DependencyType.FINISH_TO_FINISH,
    1: DependencyType.FINISH_TO_START,
    2: DependencyType.START_TO_FINISH,
    3: DependencyType.START_TO_START,
}
CONSTRAINTS = (
    Constraint.AS_SOON_AS_POSSIBLE,
    Constraint.AS_LATE_AS_POSSIBLE,
    Constraint.MUST_START_ON,
    Constraint.MUST_FINISH_ON,
    Constraint.START_NO_EARLIER_THAN,
    Constraint.START_NO_LATER_THAN,
    Constraint.FINISH_NO_EARLIER_THAN,
    Constraint.FINISH_NO_LATER_THAN,
)
BASELINES = range(11)
USUAL_PRIORITY = 500


class TaskMapping:
    """Maps `task` payloads."""

    def __init__(self, known: PlanReference, zone: tzinfo) -> None:
        self._known = known
        self._zone = zone

    def __call__(self, body: Any, payload: Payload) -> Mapped:
        task: Element = body["Task"]
        context = payload.context
        plan, id = context["plan"], payload.ref.external_id
        item = self._item(task, id, context)
        owned: list[Record] = [item, self._schedule(task, id, plan), *_baselines(task, id)]
        if "at" in context:
            owned.append(_earned_value(task, id, plan, moment_of(context["at"])))
        owned += self._dependencies(task, id, context)
        owned += _assignments(body.get("Assignments") or (), id, plan)
        owned += values_of(task, id, self._known.fields)
        owned += map_days(body.get("Days") or {}, id)
        return Mapped(owned)

    def _item(self, task: Element, id: str, context: Mapping[str, str]) -> WorkItem:
        plan = context["plan"]
        uid = text(task, "UID") or id
        start, finish, deadline = moment(task, "Start"), moment(task, "Finish"), moment(task, "Deadline")
        kind, uncounted = _kind(task, "children" in context)
        percent = real(task, "PercentComplete")
        active = flag(task, "Active") is not False
        if not active and uncounted is None:
            uncounted = Uncounted.INACTIVE
        began, ended = moment(task, "ActualStart"), moment(task, "ActualFinish")
        category, status = _status(percent, began, ended, active)
        priority = integer(task, "Priority")
        people = context.get("people", "").split()
        return WorkItem(
            id,
            uid,
            None,
            text(task, "Name") or f"Task {uid}",
            text(task, "Notes"),
            kind,
            kind.value,
            category,
            status,
            parent=f"{plan}/{context['parent']}" if "parent" in context else None,
            priority=None if priority is None else min(100, max(0, priority // 10)),
            original_priority=None if priority is None else str(priority),
            assignee=f"{plan}/{people[0]}" if len(people) == 1 else None,
            created_at=_instant(moment(task, "CreateDate"), self._zone),
            planned_start=None if start is None else start.date(),
            planned_finish=None if finish is None else finish.date(),
            actual_start=_instant(began, self._zone),
            actual_finish=_instant(ended, self._zone),
            due=None if deadline is None else deadline.date(),
            work_hours=_not_negative(hours(task, "Work")),
            spent_hours=_not_negative(hours(task, "ActualWork")),
            remaining_hours=_not_negative(hours(task, "RemainingWork")),
            percent_complete=None if percent is None else min(100.0, max(0.0, percent)),
            is_active=active,
            counts=uncounted is None,
            uncounted=uncounted,
        )

    @staticmethod
    def _schedule(task: Element, id: str, plan: str) -> Schedule:
        format = integer(task, "DurationFormat")
        # A file that names none means the first, as Microsoft Project opens it.
        bound = integer(task, "ConstraintType") if text(task, "ConstraintType") else 0
        constraint = CONSTRAINTS[bound] if bound is not None and 0 <= bound < len(CONSTRAINTS) else None
        calendar, estimated = text(task, "CalendarUID"), flag(task, "Estimated")
        return Schedule(
            id,
            id,
            plan,
            position=integer(task, "ID"),
            outline=text(task, "OutlineNumber") or text(task, "WBS"),
            starts_at=moment(task, "Start"),
            finishes_at=moment(task, "Finish"),
            actual_starts_at=moment(task, "ActualStart"),
            actual_finishes_at=moment(task, "ActualFinish"),
            deadline=moment(task, "Deadline"),
            duration_hours=_not_negative(hours(task, "Duration")),
            actual_duration_hours=_not_negative(hours(task, "ActualDuration")),
            remaining_duration_hours=_not_negative(hours(task, "RemainingDuration")),
            is_elapsed=is_elapsed(format),
            is_estimated=is_estimated(format) if estimated is None else estimated,
            is_manual=flag(task, "Manual"),
            is_critical=flag(task, "Critical"),
            constraint=constraint,
            # The first two bind to no date, whatever stands in its place.
            constraint_at=moment(task, "ConstraintDate") if bound is not None and bound > 1 else None,
            total_float_hours=tenths(task, "TotalSlack"),
            free_float_hours=tenths(task, "FreeSlack"),
            cost=money(task, "Cost"),
            actual_cost=money(task, "ActualCost"),
            remaining_cost=money(task, "RemainingCost"),
            fixed_cost=money(task, "FixedCost"),
            calendar=f"{plan}/{calendar}" if calendar is not None and calendar != "-1" else None,
        )

    def _dependencies(self, task: Element, id: str, context: Mapping[str, str]) -> Iterator[Dependency]:
        """The links into the task; a second link from one predecessor, which only other tools write, has an id of its own."""
        plan, clock = context["plan"], self._known.clock
        lengths = dict(one.split("=", 1) for one in context.get("hours", "").split())
        nowhere = set(context.get("nowhere", "").split())
        foreign: Mapping[str, str] = msgspec.json.decode(context["foreign"]) if "foreign" in context else {}
        seen: dict[str, int] = {}
        for number, link in enumerate(many(task, "PredecessorLink")):
            uid = text(link, "PredecessorUID")
            if str(number) in nowhere or uid is None:
                continue
            predecessor = foreign.get(str(number)) or f"{plan}/{uid}"
            kind = LINKS.get(_link_type(link), DependencyType.FINISH_TO_START)
            lag, format = real(link, "LinkLag") or 0.0, integer(link, "LagFormat")
            length = lag_hours(lag, format, number_of(lengths.get(uid)), clock)
            seen[predecessor] = seen.get(predecessor, 0) + 1
            suffix = f"#{seen[predecessor]}" if seen[predecessor] > 1 else ""
            yield Dependency(
                f"{predecessor}>{id}{suffix}", predecessor, id, kind, length or 0.0, f"{kind.value}{lag_text(lag, format, clock)}"
            )


def _link_type(link: Element) -> int:
    """A link that names no type binds a start to a finish."""
    type = integer(link, "Type")
    return 1 if type is None else type


def _instant(at: datetime | None, zone: tzinfo) -> datetime | None:
    return None if at is None else at.replace(tzinfo=zone).astimezone(UTC)


def _not_negative(length: float | None) -> float | None:
    return None if length is None or length < 0 else length


def _kind(task: Element, has_children: bool) -> tuple[Kind, Uncounted | None]:
    """Rows above others only add up, inserted projects too; OpenProj marks no milestone, but gives it no time."""
    if flag(task, "IsSubproject"):
        return Kind.SUMMARY, Uncounted.MIRROR
    if has_children or flag(task, "Summary"):
        return Kind.SUMMARY, Uncounted.SUMMARY
    if flag(task, "Milestone") or hours(task, "Duration") == 0:
        return Kind.MILESTONE, None
    return Kind.TASK, None


def _status(percent: float | None, began: datetime | None, ended: datetime | None, active: bool) -> tuple[StatusCategory, str]:
    if not active:
        return StatusCategory.CANCELLED, "Inactive"
    if ended is not None or (percent is not None and percent >= 100):
        return StatusCategory.DONE, "Complete"
    if began is not None or percent:
        return StatusCategory.IN_PROGRESS, "In progress"
    return StatusCategory.TODO, "Not started"


def _baselines(task: Element, id: str) -> Iterator[Baseline]:
    seen: set[int] = set()
    for one in many(task, "Baseline"):
        number = integer(one, "Number") if text(one, "Number") else 0
        if number is None or number not in BASELINES or number in seen:
            continue
        values = (
            moment(one, "Start"), moment(one, "Finish"), _not_negative(hours(one, "Duration")), _not_negative(hours(one, "Work")),
            money(one, "Cost"),
        )  # fmt: skip
        if any(value is not None for value in values):
            seen.add(number)
            yield Baseline(f"{id}/{number}", id, number, *values)


def baseline_cost(task: Element) -> Decimal | None:
    """What the current baseline gives the task to spend."""
    return next((money(one, "Cost") for one in many(task, "Baseline") if (integer(one, "Number") or 0) == 0), None)


def _earned_value(task: Element, id: str, plan: str, at: datetime | None) -> EarnedValue:
    return EarnedValue(
        id, plan, id, at, planned_value=money(task, "BCWS"), earned_value=money(task, "BCWP"), actual_cost=money(task, "ACWP"),
        budget_at_completion=baseline_cost(task),
    )  # fmt: skip


def _assignments(booked: Any, id: str, plan: str) -> Iterator[Assignment]:
    seen: dict[str, int] = {}
    for one in booked:
        resource = text(one, "ResourceUID")
        if resource is None:
            continue
        seen[resource] = seen.get(resource, 0) + 1
        suffix = f"#{seen[resource]}" if seen[resource] > 1 else ""
        yield Assignment(
            f"{id}/{resource}{suffix}", id, f"{plan}/{resource}", real(one, "Units"), _not_negative(hours(one, "Work")),
            _not_negative(hours(one, "ActualWork")), _not_negative(hours(one, "RemainingWork")), moment(one, "Start"),
            moment(one, "Finish"), money(one, "Cost"), money(one, "ActualCost"),
        )  # fmt: skip
