"""Schedule facts from due dates and iterations: what is overdue, what the running iteration still holds, which dates can't be."""

from __future__ import annotations

from datetime import date, timedelta

from pmo_hub.domain.evidence import Fact, ItemFacts
from pmo_hub.domain.providers.reading import FINISHED, Reading, deadline, earliest, links, share_with

COVERAGE_FLOOR = 0.4
"""What a share of overdue work is worth when hardly anything has a date: below the confidence of 50 that a rating asks for."""


def measure_schedule(reading: Reading) -> list[Fact]:
    """Counts and shares of open and overdue work, coverage by dates and estimates, the running iteration, impossible dates."""
    return [
        reading.fact("project.item_count", len(reading.work)),
        reading.fact("project.open_count", len(reading.open)),
        _last_activity(reading),
        reading.fact("project.weighting", reading.weighting),
        *_coverage(reading),
        *_overdue(reading),
        *_iteration(reading),
        _invalid_dates(reading),
    ]


def estimated(item: ItemFacts) -> bool:
    return item.points is not None or bool(item.estimate_hours) or bool(item.remaining_hours)


def _last_activity(reading: Reading) -> Fact:
    skew = timedelta(minutes=reading.parameters.clock_skew_minutes)
    instants = [
        (instant, item)
        for item in reading.everything
        for instant in (item.updated_at, item.created_at, item.done_at, item.status_since)
        if instant is not None
    ]
    past = [found for found in instants if found[0] <= reading.now + skew]
    newest = max(past, key=lambda found: (found[0], found[1].id), default=None)
    flips = earliest((instant - skew for instant, _ in instants), reading.now)
    if newest is None:
        return reading.unknown("project.last_activity_at", "no item has a date of change", flips)
    evidence = links([newest[1]], lambda item: 0, lambda item: None)
    return reading.fact("project.last_activity_at", newest[0], evidence=evidence, holds_until=flips)


def _coverage(reading: Reading) -> list[Fact]:
    if not reading.open:
        return [reading.unknown(name, "no work is open") for name in ("project.due_coverage", "project.estimate_coverage")]
    dated = reading.weight(item for item in reading.open if deadline(item)) / reading.weight(reading.open)
    return [
        reading.fact("project.due_coverage", dated),
        reading.fact("project.estimate_coverage", share_with(reading.open, estimated)),
    ]


def _overdue(reading: Reading) -> list[Fact]:
    names = ("project.overdue_count", "project.overdue_share", "project.earliest_overdue_due")
    if not reading.work:
        return [reading.unknown(name, "the project has no work items") for name in names]
    if not reading.open:
        return [
            reading.fact("project.overdue_count", 0),
            reading.fact("project.overdue_share", 0.0),
            reading.unknown("project.earliest_overdue_due", "nothing is overdue"),
        ]
    dated = [(day, item) for item in reading.open if (day := deadline(item)) is not None]
    if not dated:
        reason = "no open item has a due date or an active iteration"
        return [reading.unknown(name, reason) for name in names]
    late = [(day, item) for day, item in dated if day < reading.today]
    flips = earliest((reading.midnight(day + timedelta(days=1)) for day, _ in dated if day >= reading.today), reading.now)
    everything = reading.weight(reading.open)
    coverage = reading.weight(item for _, item in dated) / everything
    sure = COVERAGE_FLOOR + (1 - COVERAGE_FLOOR) * coverage
    evidence = links((item for _, item in late), lambda item: deadline(item) or date.max, _missed)
    share = reading.weight(item for _, item in late) / everything
    oldest = min((day for day, _ in late), default=None)
    return [
        reading.fact("project.overdue_count", len(late), sure=sure, evidence=evidence, holds_until=flips),
        reading.fact("project.overdue_share", share, sure=sure, evidence=evidence, holds_until=flips),
        reading.unknown("project.earliest_overdue_due", "nothing is overdue", flips)
        if oldest is None
        else reading.fact("project.earliest_overdue_due", oldest, sure=sure, evidence=evidence[:1], holds_until=flips),
    ]


def _missed(item: ItemFacts) -> str:
    return f"due {item.due}" if item.due else f"iteration ended {item.iteration_end}"


def _iteration(reading: Reading) -> list[Fact]:
    names = ("project.iteration_end", "project.iteration_open_count", "project.iteration_unestimated_share")
    running = [(item.iteration_end, item) for item in reading.open if item.iteration_end is not None]
    if not running:
        return [reading.unknown(name, "no open item is in an active iteration") for name in names]
    end = min(day for day, _ in running)
    without = [item for _, item in running if not estimated(item)]
    return [
        reading.fact("project.iteration_end", end),
        reading.fact("project.iteration_open_count", sum(1 for day, _ in running if day == end)),
        reading.fact(
            "project.iteration_unestimated_share",
            len(without) / len(running),
            evidence=links(without, lambda item: item.iteration_end or date.max, lambda item: "no points, no hours"),
        ),
    ]


def _invalid_dates(reading: Reading) -> Fact:
    """DCMA's ninth check where a plan has no status date: actual dates in the future, and orders that can't be."""
    if not reading.work:
        return reading.unknown("project.invalid_date_count", "the project has no work items")
    latest = reading.now + timedelta(minutes=reading.parameters.clock_skew_minutes)
    skew = latest - reading.now
    found: dict[str, str] = {}
    future = []
    for item in reading.work:
        actual = [instant for instant in (item.created_at, item.started_at, item.done_at) if instant is not None and instant > latest]
        future.extend(actual)
        if item.start and item.due and item.start > item.due:
            found[item.id] = f"starts {item.start}, due {item.due}"
        elif item.done_at and item.started_at and item.status_category in FINISHED and item.done_at < item.started_at:
            found[item.id] = f"done {reading.day(item.done_at)}, started {reading.day(item.started_at)}"
        elif actual:
            found[item.id] = f"dated in the future: {reading.day(min(actual))}"
    wrong = [item for item in reading.work if item.id in found]
    return reading.fact(
        "project.invalid_date_count",
        len(wrong),
        evidence=links(wrong, lambda item: found[item.id], lambda item: found[item.id]),
        holds_until=earliest((instant - skew for instant in future), reading.now),
    )
