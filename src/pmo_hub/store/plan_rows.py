"""Records of plans → rows, beside `rows`: what can't be stored on both engines is refused here, so that it costs one payload and no run."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from pmo_hub.domain import records
from pmo_hub.domain.vocabulary import RecordType
from pmo_hub.sdk.errors import RecordError
from pmo_hub.store.base import Base, money_units
from pmo_hub.store.bulk import json_text
from pmo_hub.store.models import plans
from pmo_hub.store.time_phased_rows import day_columns

MODELS: dict[RecordType, type[Base]] = {
    RecordType.PLAN: plans.Plan,
    RecordType.SCHEDULE: plans.Schedule,
    RecordType.BASELINE: plans.Baseline,
    RecordType.EARNED_VALUE: plans.EarnedValue,
    RecordType.RESOURCE: plans.Resource,
    RecordType.ASSIGNMENT: plans.Assignment,
    RecordType.CALENDAR: plans.Calendar,
    RecordType.CALENDAR_EXCEPTION: plans.CalendarException,
    RecordType.STAGE_PASSAGE: plans.StagePassage,
    RecordType.REGISTER_ENTRY: plans.RegisterEntry,
    RecordType.TIME_PHASED: plans.TimePhased,
    RecordType.PLAN_VALUE: plans.PlanValue,
}

OF_A_PLAN = frozenset({
    RecordType.PLAN, RecordType.EARNED_VALUE, RecordType.STAGE_PASSAGE, RecordType.CALENDAR, RecordType.CALENDAR_EXCEPTION,
})  # fmt: skip
"""Records of no item whose change concerns all that is said of their scope."""

LONGEST_BASELINE = 10
_DAY_MINUTES = 24 * 60
_INT32 = 2**31

Shifts = Sequence[tuple[int, int]]
Maker = Callable[[Any, Any, str | None, str | None], tuple[Any, ...]]
"""(who makes it, record, scope id, version) → the values of a row."""


class PlanRows:
    """Makes the values of a row, in its table's column order; `ids` makes row ids of external ids."""

    def __init__(self, ids: Mapping[RecordType, dict[str, str]]) -> None:
        self._ids = ids

    def _optional(self, kind: RecordType, external_id: str | None) -> str | None:
        return None if external_id is None else self._ids[kind][external_id]

    def _plan(self, r: records.Plan, scope_id: str | None, version: str | None) -> tuple[Any, ...]:
        if scope_id is None:
            raise ValueError("a plan needs a scope")
        return (
            self._ids[RecordType.PLAN][r.external_id],
            scope_id,
            r.external_id,
            r.name,
            r.url,
            self._optional(RecordType.IDENTITY, r.owner),
            wall(r.starts_at),
            wall(r.finishes_at),
            wall(r.status_at),
            instant(r.published_at),
            r.time_zone,
            r.currency,
            self._optional(RecordType.CALENDAR, r.calendar),
            number(r.hours_per_day),
            number(r.hours_per_week),
            number(r.days_per_month),
            r.stage,
            r.phase,
            r.program,
        )

    def _schedule(self, r: records.Schedule, scope_id: str | None, version: str | None) -> tuple[Any, ...]:
        return (
            self._ids[RecordType.SCHEDULE][r.external_id],
            r.external_id,
            self._ids[RecordType.WORK_ITEM][r.item],
            self._ids[RecordType.PLAN][r.plan],
            whole(r.position),
            r.outline,
            wall(r.starts_at),
            wall(r.finishes_at),
            wall(r.actual_starts_at),
            wall(r.actual_finishes_at),
            wall(r.deadline),
            number(r.duration_hours),
            number(r.actual_duration_hours),
            number(r.remaining_duration_hours),
            r.is_elapsed,
            r.is_estimated,
            r.is_manual,
            r.is_critical,
            None if r.constraint is None else r.constraint._value_,
            wall(r.constraint_at),
            number(r.total_float_hours),
            number(r.free_float_hours),
            money(r.cost),
            money(r.actual_cost),
            money(r.remaining_cost),
            money(r.fixed_cost),
            self._optional(RecordType.CALENDAR, r.calendar),
        )

    def _baseline(self, r: records.Baseline, scope_id: str | None, version: str | None) -> tuple[Any, ...]:
        if not 0 <= r.number <= LONGEST_BASELINE:
            raise RecordError(f"Baseline {r.number} is none of 0 to {LONGEST_BASELINE}.")
        return (
            self._ids[RecordType.BASELINE][r.external_id],
            r.external_id,
            self._ids[RecordType.WORK_ITEM][r.item],
            r.number,
            wall(r.starts_at),
            wall(r.finishes_at),
            number(r.duration_hours),
            number(r.work_hours),
            money(r.cost),
        )

    def _earned_value(self, r: records.EarnedValue, scope_id: str | None, version: str | None) -> tuple[Any, ...]:
        return (
            self._ids[RecordType.EARNED_VALUE][r.external_id],
            r.external_id,
            self._ids[RecordType.PLAN][r.plan],
            self._optional(RecordType.WORK_ITEM, r.item),
            wall(r.at),
            money(r.planned_value),
            money(r.earned_value),
            money(r.actual_cost),
            money(r.budget_at_completion),
            money(r.estimate_at_completion),
            r.is_stale,
        )

    def _resource(self, r: records.Resource, scope_id: str | None, version: str | None) -> tuple[Any, ...]:
        return (
            self._ids[RecordType.RESOURCE][r.external_id],
            r.external_id,
            r.kind._value_,
            r.name,
            self._optional(RecordType.IDENTITY, r.identity),
            r.is_generic,
            r.is_active,
            number(r.maximum_units),
            self._optional(RecordType.CALENDAR, r.calendar),
            version,
        )

    def _assignment(self, r: records.Assignment, scope_id: str | None, version: str | None) -> tuple[Any, ...]:
        return (
            self._ids[RecordType.ASSIGNMENT][r.external_id],
            r.external_id,
            self._ids[RecordType.WORK_ITEM][r.item],
            self._ids[RecordType.RESOURCE][r.resource],
            number(r.units),
            number(r.work_hours),
            number(r.actual_hours),
            number(r.remaining_hours),
            wall(r.starts_at),
            wall(r.finishes_at),
            money(r.cost),
            money(r.actual_cost),
        )

    def _calendar(self, r: records.Calendar, scope_id: str | None, version: str | None) -> tuple[Any, ...]:
        if len(r.week) != 7:
            raise RecordError(f"Calendar {r.name or r.external_id} has a week of {len(r.week)} days.")
        return (
            self._ids[RecordType.CALENDAR][r.external_id],
            r.external_id,
            r.name,
            self._optional(RecordType.CALENDAR, r.base),
            json_text([None if day is None else shifts(day) for day in r.week]),
            version,
        )

    def _calendar_exception(self, r: records.CalendarException, scope_id: str | None, version: str | None) -> tuple[Any, ...]:
        if r.last < r.first:
            raise RecordError(f"A calendar's exception ends on {r.last}, before it begins on {r.first}.")
        return (
            self._ids[RecordType.CALENDAR_EXCEPTION][r.external_id],
            r.external_id,
            self._ids[RecordType.CALENDAR][r.calendar],
            r.name,
            r.first,
            r.last,
            json_text(shifts(r.shifts)),
        )

    def _stage_passage(self, r: records.StagePassage, scope_id: str | None, version: str | None) -> tuple[Any, ...]:
        return (
            self._ids[RecordType.STAGE_PASSAGE][r.external_id],
            r.external_id,
            self._ids[RecordType.PLAN][r.plan],
            r.stage,
            r.phase,
            whole(r.position),
            r.original_status,
            instant(r.entered_at),
            instant(r.completed_at),
        )

    def _register_entry(self, r: records.RegisterEntry, scope_id: str | None, version: str | None) -> tuple[Any, ...]:
        return (
            self._ids[RecordType.REGISTER_ENTRY][r.external_id],
            r.external_id,
            self._ids[RecordType.WORK_ITEM][r.item],
            number(r.probability),
            number(r.impact),
            number(r.exposure),
            money(r.cost),
            r.category,
            r.mitigation,
            r.contingency,
            r.trigger,
        )

    def _time_phased(self, r: records.TimePhased, scope_id: str | None, version: str | None) -> tuple[Any, ...]:
        if r.number is not None and not 0 <= r.number <= LONGEST_BASELINE:
            raise RecordError(f"Baseline {r.number} is none of 0 to {LONGEST_BASELINE}.")
        return (
            self._ids[RecordType.TIME_PHASED][r.external_id],
            r.external_id,
            self._ids[RecordType.WORK_ITEM][r.item],
            r.kind._value_,
            r.number,
            *day_columns(r.work, r.cost),
        )

    def _plan_value(self, r: records.PlanValue, scope_id: str | None, version: str | None) -> tuple[Any, ...]:
        return (
            self._ids[RecordType.PLAN_VALUE][r.external_id],
            r.external_id,
            self._ids[RecordType.PLAN][r.plan],
            r.field,
            r.name,
            r.text,
            number(r.number),
            r.day,
        )


MAKERS: dict[RecordType, Maker] = {
    RecordType.PLAN: PlanRows._plan,
    RecordType.SCHEDULE: PlanRows._schedule,
    RecordType.BASELINE: PlanRows._baseline,
    RecordType.EARNED_VALUE: PlanRows._earned_value,
    RecordType.RESOURCE: PlanRows._resource,
    RecordType.ASSIGNMENT: PlanRows._assignment,
    RecordType.CALENDAR: PlanRows._calendar,
    RecordType.CALENDAR_EXCEPTION: PlanRows._calendar_exception,
    RecordType.STAGE_PASSAGE: PlanRows._stage_passage,
    RecordType.REGISTER_ENTRY: PlanRows._register_entry,
    RecordType.TIME_PHASED: PlanRows._time_phased,
    RecordType.PLAN_VALUE: PlanRows._plan_value,
}


def wall(value: datetime | None) -> datetime | None:
    """A wall-clock time as it stands. Raises ValueError of an aware one, which each engine would shift in its own way."""
    if value is not None and value.tzinfo is not None:
        raise ValueError(f"{value} is an instant, where the wall clock of the plan's zone is wanted")
    return value


def instant(value: datetime | None) -> datetime | None:
    if value is not None and value.tzinfo is None:
        raise ValueError(f"{value} has no time zone, where an instant is wanted")
    return value


def money(value: Decimal | None) -> int | None:
    """The amount as it is stored."""
    if value is None:
        return None
    try:
        return money_units(value)
    except ValueError as error:
        raise RecordError(f"{error}.") from error


def number(value: float | None) -> float | None:
    if value is not None and not math.isfinite(value):
        raise RecordError(f"{value} is no number.")
    return value


def whole(value: int | None) -> int | None:
    if value is not None and not -_INT32 <= value < _INT32:
        raise RecordError(f"{value} is too large a number.")
    return value


def shifts(value: Shifts) -> list[list[int]]:
    """The shifts of a day in their order, those that overlap as one."""
    found: list[list[int]] = []
    for start, end in sorted(value):
        if not 0 <= start < end <= _DAY_MINUTES:
            raise RecordError(f"A calendar's shifts {list(value)} are no times of one day.")
        if found and start < found[-1][1]:
            found[-1][1] = max(end, found[-1][1])
        else:
            found.append([start, end])
    return found
