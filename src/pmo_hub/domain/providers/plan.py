"""Facts of a project's plans: when they finish, how far that is from the baseline, which deadlines are missed, how much is done."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from pmo_hub.domain.calendars import standard
from pmo_hub.domain.evidence import MAX_EVIDENCE, Evidence, Fact
from pmo_hub.domain.planned import PlanFacts, PlanHead, PlanLine
from pmo_hub.domain.providers.reading import Reading, earliest

_NAMES = (
    "project.planned_start", "project.planned_finish", "project.baseline_start", "project.baseline_finish", "project.finish_slip_days",
    "project.slipped_count", "project.deadline_missed_count", "project.plan_percent_complete",
)  # fmt: skip

HOURS_PER_DAY = 8.0
"""Of a plan that doesn't say."""


def measure_plan(reading: Reading) -> list[Fact]:
    """Planned and baseline dates, the slip between them, missed deadlines and progress; unknown where no source is a plan."""
    plan = reading.project.plan
    if plan is None or not plan.lines:
        return [reading.unknown(name, "no source of the project is a plan") for name in _NAMES]
    return [*_planned(reading, plan.lines), *_baseline(reading, plan), _slipped(reading, plan), _deadlines(reading, plan.lines),
            _progress(reading, plan.lines)]  # fmt: skip


def _planned(reading: Reading, lines: Sequence[PlanLine]) -> list[Fact]:
    starts = [line.start for line in lines if line.start is not None]
    return [
        reading.fact(_NAMES[0], min(starts).date(), sure=len(starts) / len(lines))
        if starts
        else reading.unknown(_NAMES[0], "no line of the plan has a start"),
        _last_fact(reading, lines),
    ]


def _last_fact(reading: Reading, lines: Sequence[PlanLine]) -> Fact:
    finishing = [(line.finish, line) for line in lines if line.finish is not None]
    if not finishing:
        return reading.unknown(_NAMES[1], "no line of the plan has a finish")
    finish, last = max(finishing, key=lambda pair: (pair[0], pair[1].id))
    return reading.fact(
        _NAMES[1], finish.date(), sure=len(finishing) / len(lines), evidence=(_link(last, f"finishes {finish.date()}"),)
    )  # fmt: skip


def _baseline(reading: Reading, plan: PlanFacts) -> list[Fact]:
    """Baseline 0's dates and the slip of the last finish in working days, by the calendar of the plan that finishes last."""
    agreed = [(line.baseline_finish, line) for line in plan.lines if line.baseline_finish is not None]
    starts = [line.baseline_start for line in plan.lines if line.baseline_start is not None]
    # A line that was added since has no baseline: the more of them, the less the old finish says of the plan as it is.
    sure = len(agreed) / len(plan.lines)
    start = reading.fact(_NAMES[2], min(starts).date(), sure=sure) if starts else reading.unknown(_NAMES[2], "the plan has no baseline 0")
    if not agreed:
        return [start, *(reading.unknown(name, "the plan has no baseline 0") for name in _NAMES[3:5])]
    promised, line = max(agreed, key=lambda pair: (pair[0], pair[1].id))
    here = (_link(line, f"baseline finish {promised.date()}"),)
    found = [start, reading.fact(_NAMES[3], promised.date(), sure=sure, evidence=here)]
    finishing = [(line.finish, line) for line in plan.lines if line.finish is not None]
    if not finishing:
        return [*found, reading.unknown(_NAMES[4], "no line of the plan has a finish")]
    finish, last = max(finishing, key=lambda pair: (pair[0], pair[1].id))
    days = slip_days(plan.head(last.plan_id), promised, finish)
    return [*found, reading.fact(_NAMES[4], round(days, 2), sure=sure, evidence=(_link(last, _slip_note(promised, finish)), *here)[:2])]


def _slipped(reading: Reading, plan: PlanFacts) -> Fact:
    compared = [
        (slip_days(plan.head(line.plan_id), line.baseline_finish, line.finish), line)
        for line in plan.lines
        if line.baseline_finish is not None and line.finish is not None
    ]
    if not compared:
        return reading.unknown(_NAMES[5], "the plan has no baseline 0")
    late = sorted(((days, line) for days, line in compared if days > 0), key=lambda pair: (-pair[0], pair[1].id))
    evidence = tuple(
        _link(line, _slip_note(line.baseline_finish, line.finish))
        for _, line in late[:MAX_EVIDENCE]
        if line.baseline_finish is not None and line.finish is not None
    )
    return reading.fact(_NAMES[5], len(late), sure=len(compared) / len(plan.lines), evidence=evidence)


def _deadlines(reading: Reading, lines: Sequence[PlanLine]) -> Fact:
    """A deadline is missed by what is open and will finish after it, or has not finished though its day is over."""
    if all(line.deadline is None for line in lines):
        return reading.unknown(_NAMES[6], "no line of the plan has a deadline")
    bound = [(line.deadline, line) for line in lines if line.deadline is not None and not line.is_done]
    missed = [
        (deadline, line)
        for deadline, line in bound
        if (line.finish is not None and line.finish > deadline) or deadline.date() < reading.today
    ]
    missed.sort(key=lambda pair: (pair[0], pair[1].id))
    evidence = tuple(_link(line, _deadline_note(deadline, line.finish)) for deadline, line in missed[:MAX_EVIDENCE])
    passing = (reading.midnight(deadline.date() + timedelta(days=1)) for deadline, _ in bound)
    return reading.fact(_NAMES[6], len(missed), evidence=evidence, holds_until=earliest(passing, reading.now))


def _progress(reading: Reading, lines: Sequence[PlanLine]) -> Fact:
    """Percent complete by duration, as scheduling tools roll it up; milestones have none and don't count."""
    lasting = [(line.duration_hours, 100.0 if line.is_done else line.percent) for line in lines if line.duration_hours]
    known = [(hours, percent) for hours, percent in lasting if percent is not None]
    total = sum(hours for hours, _ in known)
    if not total:
        return reading.unknown(_NAMES[7], "no line of the plan has a duration and a percentage")
    value = sum(hours * percent for hours, percent in known) / total
    return reading.fact(_NAMES[7], round(value, 2), sure=total / sum(hours for hours, _ in lasting))


def slip_days(plan: PlanHead, promised: datetime, expected: datetime) -> float:
    """Working days from the promised to the expected finish by the plan's calendar, negative when earlier."""
    hours = (plan.time or standard()).hours_between(promised, expected)
    return hours / (plan.hours_per_day or HOURS_PER_DAY)


def _slip_note(promised: datetime, finish: datetime) -> str:
    return f"finishes {finish.date()}, baseline {promised.date()}"


def _deadline_note(deadline: datetime, finish: datetime | None) -> str:
    if finish is None or finish <= deadline:
        return f"deadline {deadline.date()}, not done"
    return f"deadline {deadline.date()}, finishes {finish.date()}"


def _link(line: PlanLine, note: str) -> Evidence:
    return Evidence("work_item", line.id, line.key, line.url, note)
