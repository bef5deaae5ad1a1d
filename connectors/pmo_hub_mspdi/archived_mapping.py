"""Rows of ProjectData, as an archive holds them, as records. Hours and money are decimals, often as texts; dates have no zone."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta, tzinfo
from decimal import Decimal, InvalidOperation
from math import isfinite
from typing import Any

from pmo_hub.domain.records import (
    Assignment,
    Baseline,
    EarnedValue,
    Identity,
    Plan,
    Record,
    RegisterEntry,
    Resource,
    Schedule,
    StagePassage,
    WorkItem,
)
from pmo_hub.domain.vocabulary import Kind, ResourceKind, StatusCategory, Uncounted
from pmo_hub.sdk.contract import Mapped, Payload
from pmo_hub_mspdi.archive import Row, guid
from pmo_hub_mspdi.archived_days import map_rows
from pmo_hub_mspdi.archived_pages import ISSUE, PROJECT, RESOURCE, RISK, TASK, is_person, kind_of
from pmo_hub_mspdi.values import MOST_HOURS, MOST_MONEY, moment_of

_SINCE_1970 = re.compile(r"/Date\((-?\d{1,15})\)/")
_CLOSED = re.compile(r"(?i)closed|resolved|completed?|geschlossen|fermé|\(3\)")
_POSTPONED = re.compile(r"(?i)postponed|\(2\)")


def by_kind(zone: tzinfo, time_zone: str) -> dict[str, Callable[[Any, Payload], Mapped]]:
    return {
        PROJECT: lambda body, payload: _project(body, payload.ref.external_id, time_zone),
        RESOURCE: _resource,
        TASK: lambda body, payload: _task(body, payload, zone),
        RISK: lambda body, payload: _entry(body, payload, zone, Kind.RISK),
        ISSUE: lambda body, payload: _entry(body, payload, zone, Kind.ISSUE),
    }


def text(row: Row, name: str) -> str | None:
    value = row.get(name)
    return None if value is None else str(value).strip() or None


def number(row: Row, name: str) -> float | None:
    value = row.get(name)
    if value is None or isinstance(value, bool):
        return None
    try:
        found = float(value)
    except (TypeError, ValueError):
        return None
    return found if isfinite(found) and abs(found) < MOST_HOURS else None


def length(row: Row, name: str) -> float | None:
    found = number(row, name)
    return None if found is None or found < 0 else found


def money(row: Row, name: str) -> Decimal | None:
    value = row.get(name)
    try:
        found = Decimal(str(value)) if value is not None and not isinstance(value, bool) else None
    except InvalidOperation:
        return None
    return found if found is not None and found.is_finite() and abs(found) < MOST_MONEY else None


def flag(row: Row, name: str) -> bool | None:
    value = text(row, name)
    return None if value is None else value.casefold() in ("true", "1")


def wall(row: Row, name: str) -> datetime | None:
    """A wall-clock time of the site's zone; older verbose JSON counts milliseconds."""
    value = text(row, name)
    found = _SINCE_1970.fullmatch(value) if value is not None else None
    if found is not None:
        try:
            return moment_of((datetime(1970, 1, 1) + timedelta(milliseconds=int(found[1]))).isoformat())  # noqa: DTZ001  wall clock
        except OverflowError:
            return None
    at = moment_of(value)
    return None if at is not None and at.year == 1 else at


def instant(at: datetime | None, zone: tzinfo) -> datetime | None:
    return None if at is None else at.replace(tzinfo=zone).astimezone(UTC)


def _project(body: Any, scope: str, time_zone: str) -> Mapped:
    row: Row = body["Project"]
    mentioned: list[Record] = []
    owner, name = guid(row.get("ProjectOwnerId")), text(row, "ProjectOwnerName")
    if owner is not None and name is not None:
        mentioned.append(Identity(owner, name))
    code = (text(row, "ProjectCurrency") or "").upper()
    stages = [_stage(one, scope) for one in body.get("Stages") or ()]
    current = next((one for one in stages if one.entered_at is not None and one.completed_at is None), None)
    plan = Plan(
        scope,
        text(row, "ProjectName") or text(row, "ProjectTitle") or scope,
        text(row, "ProjectWorkspaceInternalUrl"),
        owner if name is not None else None,
        wall(row, "ProjectStartDate"),
        wall(row, "ProjectFinishDate"),
        wall(row, "ProjectStatusDate"),
        instant(wall(row, "ProjectLastPublishedDate"), UTC),
        time_zone,
        code if len(code) == 3 and code.isascii() and code.isalpha() else None,
        stage=None if current is None else current.stage,
        phase=None if current is None else current.phase,
    )
    owned: list[Record] = [plan, *{one.external_id: one for one in stages}.values()]
    planned, earned, spent = (money(row, f"Project{name}") for name in ("BCWS", "BCWP", "ACWP"))
    if planned or earned or spent:
        owned.append(
            EarnedValue(
                scope,
                scope,
                None,
                wall(row, "ProjectStatusDate"),
                planned,
                earned,
                spent,
                estimate_at_completion=money(row, "ProjectEAC"),
                is_stale=flag(row, "ProjectEarnedValueIsStale"),
            )
        )
    return Mapped(owned, mentioned)


def _stage(row: Row, scope: str) -> StagePassage:
    position = number(row, "StageOrder")
    return StagePassage(
        f"{scope}/{guid(row.get('StageId')) or text(row, 'StageName') or ''}", scope, text(row, "StageName") or "?",
        text(row, "PhaseName"), None if position is None else round(position), text(row, "StageStatus"),
        instant(wall(row, "StageEntryDate"), UTC), instant(wall(row, "StageCompletionDate"), UTC),
    )  # fmt: skip


def _resource(row: Any, payload: Payload) -> Mapped:
    id = payload.ref.external_id
    person = is_person(row)
    name = text(row, "ResourceName")
    account = guid(row.get("ResourceId")) or id
    active = flag(row, "ResourceIsActive")
    kind = ResourceKind(kind_of(row))
    record = Resource(
        id, kind, None if person else name, account if person else None, flag(row, "ResourceIsGeneric"), active,
        number(row, "ResourceMaxUnits") if kind is ResourceKind.WORK else None,
    )  # fmt: skip
    return Mapped([record], [Identity(account, name, text(row, "ResourceEmailAddress"), active)] if person else [])


def _task(body: Any, payload: Payload, zone: tzinfo) -> Mapped:
    row: Row = body["Task"]
    id, context = payload.ref.external_id, payload.context
    plan = context["plan"]
    owned: list[Record] = [_item(row, id, payload, zone), _schedule(row, id, plan), *_baselines(body.get("Baselines") or (), id)]
    owned += _assignments(body.get("Assignments") or (), id, plan)
    planned, earned, spent = (money(row, f"Task{name}") for name in ("BCWS", "BCWP", "ACWP"))
    if planned or earned or spent:
        at = wall(context, "at")
        owned.append(EarnedValue(id, plan, id, at, planned, earned, spent, estimate_at_completion=money(row, "TaskEAC")))
    owned += map_rows(body.get("Days") or {}, id)
    return Mapped(owned)


def _item(row: Row, id: str, payload: Payload, zone: tzinfo) -> WorkItem:
    context = payload.context
    plan, people = context["plan"], context.get("people", "").split()
    percent, active = number(row, "TaskPercentCompleted"), flag(row, "TaskIsActive") is not False
    began, ended = wall(row, "TaskActualStartDate"), wall(row, "TaskActualFinishDate")
    is_summary = bool(flag(row, "TaskIsSummary")) or "children" in context
    is_milestone = bool(flag(row, "TaskIsMilestone"))
    kind = Kind.SUMMARY if is_summary else Kind.MILESTONE if is_milestone else Kind.TASK
    uncounted = Uncounted.SUMMARY if is_summary else None if active else Uncounted.INACTIVE
    if not active:
        category, status = StatusCategory.CANCELLED, "Inactive"
    elif ended is not None or (percent or 0) >= 100:
        category, status = StatusCategory.DONE, "Complete"
    elif began is not None or percent:
        category, status = StatusCategory.IN_PROGRESS, "In progress"
    else:
        category, status = StatusCategory.TODO, "Not started"
    start, finish, deadline = wall(row, "TaskStartDate"), wall(row, "TaskFinishDate"), wall(row, "TaskDeadline")
    priority = number(row, "TaskPriority")
    return WorkItem(
        id,
        text(row, "TaskWBS") or text(row, "TaskIndex") or id,
        None,
        text(row, "TaskName") or id,
        None,
        kind,
        kind.value,
        category,
        status,
        parent=f"{plan}/{context['parent']}" if "parent" in context else None,
        priority=None if priority is None else min(100, max(0, int(priority) // 10)),
        original_priority=text(row, "TaskPriority"),
        assignee=people[0] if len(people) == 1 else None,
        created_at=instant(wall(row, "TaskCreatedDate"), UTC),
        updated_at=None,
        planned_start=None if start is None else start.date(),
        planned_finish=None if finish is None else finish.date(),
        actual_start=instant(began, zone),
        actual_finish=instant(ended, zone),
        due=None if deadline is None else deadline.date(),
        work_hours=length(row, "TaskWork"),
        spent_hours=length(row, "TaskActualWork"),
        remaining_hours=length(row, "TaskRemainingWork"),
        percent_complete=None if percent is None else min(100.0, max(0.0, percent)),
        is_active=active,
        counts=uncounted is None,
        uncounted=uncounted,
    )


def _schedule(row: Row, id: str, plan: str) -> Schedule:
    position = number(row, "TaskIndex")
    return Schedule(
        id, id, plan, None if position is None else round(position), text(row, "TaskOutlineNumber"), wall(row, "TaskStartDate"),
        wall(row, "TaskFinishDate"), wall(row, "TaskActualStartDate"), wall(row, "TaskActualFinishDate"), wall(row, "TaskDeadline"),
        length(row, "TaskDuration"), length(row, "TaskActualDuration"), length(row, "TaskRemainingDuration"),
        is_estimated=flag(row, "TaskDurationIsEstimated"), is_manual=flag(row, "TaskIsManuallyScheduled"),
        is_critical=flag(row, "TaskIsCritical"), total_float_hours=number(row, "TaskTotalSlack"),
        free_float_hours=number(row, "TaskFreeSlack"), cost=money(row, "TaskCost"), actual_cost=money(row, "TaskActualCost"),
        remaining_cost=money(row, "TaskRemainingCost"), fixed_cost=money(row, "TaskFixedCost"),
    )  # fmt: skip


def _baselines(rows: Any, id: str) -> Iterator[Baseline]:
    seen = set()
    for row in rows:
        count = number(row, "BaselineNumber")
        if count is None or round(count) not in range(11) or round(count) in seen:
            continue
        seen.add(round(count))
        yield Baseline(
            f"{id}/{round(count)}", id, round(count), wall(row, "TaskBaselineStartDate"), wall(row, "TaskBaselineFinishDate"),
            length(row, "TaskBaselineDuration"), length(row, "TaskBaselineWork"), money(row, "TaskBaselineCost"),
        )  # fmt: skip


def _assignments(rows: Any, id: str, plan: str) -> Iterator[Assignment]:
    seen = set()
    for row in rows:
        own, resource = guid(row.get("AssignmentId")), guid(row.get("ResourceId"))
        if resource is None or own is None or own in seen:
            continue
        seen.add(own)
        yield Assignment(
            f"{plan}/{own}", id, f"{plan}/{resource}", number(row, "AssignmentPeakUnits"), length(row, "AssignmentWork"),
            length(row, "AssignmentActualWork"), length(row, "AssignmentRemainingWork"), wall(row, "AssignmentStartDate"),
            wall(row, "AssignmentFinishDate"), money(row, "AssignmentCost"), money(row, "AssignmentActualCost"),
        )  # fmt: skip


def _entry(row: Any, payload: Payload, zone: tzinfo, kind: Kind) -> Mapped:
    """A risk or an issue of the project's site: an item that no measure counts, and what its register says besides."""
    id = payload.ref.external_id
    status = text(row, "Status") or ""
    category = StatusCategory.TODO if _POSTPONED.search(status) else StatusCategory.IN_PROGRESS
    due = wall(row, "DueDate")
    item = WorkItem(
        id, id.rpartition("/")[2][:8], None, text(row, "Title") or id,
        text(row, "Description") or text(row, "Discussion"), kind, kind.value,
        StatusCategory.DONE if _CLOSED.search(status) else category, status or "?", original_priority=text(row, "Priority"),
        resolution=text(row, "Resolution"), created_at=instant(wall(row, "CreatedDate"), UTC),
        updated_at=instant(wall(row, "ModifiedDate"), UTC), due=None if due is None else due.date(), counts=False,
        uncounted=Uncounted.REGISTER,
    )  # fmt: skip
    share = number(row, "Probability")
    if share is not None and share > 1:
        share /= 100
    entry = RegisterEntry(
        id, id, share if share is not None and 0 <= share <= 1 else None, number(row, "Impact"), number(row, "Exposure"),
        money(row, "Cost"), text(row, "Category"), text(row, "MitigationPlan"), text(row, "ContingencyPlan"),
        text(row, "TriggerDescription"),
    )  # fmt: skip
    return Mapped([item, entry])
