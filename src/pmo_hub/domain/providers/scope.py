"""Scope facts: how much work was added against how much was finished."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from pmo_hub.domain.evidence import Fact, ItemFacts
from pmo_hub.domain.providers.reading import FAR, FINISHED, Reading, days_ago, links
from pmo_hub.domain.vocabulary import StatusCategory

_NAMES = ("project.created_28d_count", "project.finished_28d_count", "project.backlog_growth_28d_share", "project.scope_growth_90d_share")


def measure_scope(reading: Reading) -> list[Fact]:
    """Net growth, counted in items (their points of back then are not known here).

    The backlog grows by created − finished over the open items of 28 days ago. The scope grows over all items, finished ones
    included and cancelled ones not, and starts at the planned start when that is less than 90 days ago.
    """
    datable = [item for item in reading.work if item.created_at is not None and not _ended_unknown(item)]
    if not datable:
        return [reading.unknown(name, "no item says when it was created") for name in _NAMES]
    sure = len(datable) / len(reading.work)
    parameters = reading.parameters
    window = days_ago(reading.today, parameters.backlog_window_days)
    begun = min(reading.day(item.created_at) for item in datable if item.created_at is not None)
    created = [item for item in datable if _exists_since(reading, item, window)]
    finished = [
        item for item in datable if item.done_at is not None and item.status_category in FINISHED and reading.day(item.done_at) >= window
    ]
    before = [item for item in datable if _was_open(reading, item, window)]
    newest = links(created, lambda item: -(item.created_at or FAR).timestamp(), lambda item: _created(reading, item))
    return [
        reading.fact(_NAMES[0], len(created), sure=sure, evidence=newest, holds_until=reading.tomorrow),
        reading.fact(_NAMES[1], len(finished), sure=sure, holds_until=reading.tomorrow),
        _growth(reading, _NAMES[2], len(before), len(before) + len(created) - len(finished), window, begun, sure),
        _scope(reading, datable, begun, sure),
    ]


def _scope(reading: Reading, items: Sequence[ItemFacts], begun: date, sure: float) -> Fact:
    window = days_ago(reading.today, reading.parameters.scope_window_days)
    if reading.project.start is not None:
        window = max(window, reading.project.start)
    if window >= reading.today:
        return reading.unknown(_NAMES[3], "the project hasn't started", reading.tomorrow)
    then = sum(1 for item in items if not _exists_since(reading, item, window) and not _cancelled_before(reading, item, window))
    now = sum(1 for item in items if item.status_category is not StatusCategory.CANCELLED)
    return _growth(reading, _NAMES[3], then, now, window, begun, sure)


def _growth(reading: Reading, name: str, then: int, now: int, since: date, begun: date, sure: float) -> Fact:
    if begun >= since:
        return reading.unknown(name, f"no history before {since}", reading.tomorrow)
    if then < reading.parameters.scope_min_items:
        return reading.unknown(name, f"only {then} items on {since}: too few for a share", reading.tomorrow)
    return reading.fact(name, (now - then) / then, sure=sure, holds_until=reading.tomorrow)


def _ended_unknown(item: ItemFacts) -> bool:
    return item.status_category in FINISHED and item.done_at is None


def _exists_since(reading: Reading, item: ItemFacts, day: date) -> bool:
    return item.created_at is not None and reading.day(item.created_at) >= day


def _was_open(reading: Reading, item: ItemFacts, day: date) -> bool:
    ended = reading.day(item.done_at) if item.done_at is not None and item.status_category in FINISHED else None
    return not _exists_since(reading, item, day) and (ended is None or ended >= day)


def _cancelled_before(reading: Reading, item: ItemFacts, day: date) -> bool:
    return item.status_category is StatusCategory.CANCELLED and item.done_at is not None and reading.day(item.done_at) < day


def _created(reading: Reading, item: ItemFacts) -> str | None:
    return f"created {reading.day(item.created_at)}" if item.created_at else None
