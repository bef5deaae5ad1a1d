"""What every provider needs of a project at an instant: its open and finished work, weights, midnights, and how sure the data is."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from statistics import median
from typing import Any

from pmo_hub.domain.catalogue import FACTS
from pmo_hub.domain.evidence import MAX_EVIDENCE, Evidence, Fact, FactValue, ItemFacts, ProjectFacts
from pmo_hub.domain.local_time import day_start, local_day, next_midnight, zone
from pmo_hub.domain.vocabulary import Kind, StatusCategory

REGISTER = frozenset({Kind.RISK, Kind.ISSUE})
FINISHED = frozenset({StatusCategory.DONE, StatusCategory.CANCELLED})
FAR = datetime.max.replace(tzinfo=UTC)
"""Sorts after every instant."""


@dataclass(frozen=True, slots=True)
class Parameters:
    """Windows and minima of the providers; the defaults are ours unless a source is named."""

    throughput_weeks: int = 12
    throughput_min_weeks: int = 4
    cycle_window_days: int = 180
    cycle_min_samples: int = 20
    near_term_days: int = 14
    backlog_window_days: int = 28
    scope_window_days: int = 90
    scope_min_items: int = 5
    blocker_priority: int = 90
    critical_risk_priority: int = 90
    points_min_coverage: float = 0.8
    unscheduled_cadence_minutes: int = 1440
    clock_skew_minutes: int = 10


@dataclass(frozen=True, slots=True)
class Reading:
    """A project at an instant. `work` is every item that counts, `open` and `finished` its two parts.

    Risks and issues of a register are no work, whether or not they count; they are in `register`. `everything` is all items given:
    a change of a sub-task is a sign of life too.
    """

    project: ProjectFacts
    now: datetime
    parameters: Parameters
    where: tzinfo
    today: date
    everything: tuple[ItemFacts, ...]
    work: tuple[ItemFacts, ...]
    open: tuple[ItemFacts, ...]
    finished: tuple[ItemFacts, ...]
    register: tuple[ItemFacts, ...]
    confidence: int
    weighting: str
    _median_points: float

    def midnight(self, day: date) -> datetime:
        return day_start(day, self.where)

    @property
    def tomorrow(self) -> datetime:
        return next_midnight(self.now, self.where)

    def day(self, instant: datetime) -> date:
        return local_day(instant, self.where)

    def weight(self, items: Iterable[ItemFacts]) -> float:
        """Points, with the median for an item that has none; or the number of items where points are rare."""
        if self.weighting == "items":
            return float(sum(1 for _ in items))
        return sum(item.points or self._median_points for item in items)

    def fact(
        self,
        name: str,
        value: FactValue,
        *,
        sure: float = 1.0,
        evidence: tuple[Evidence, ...] = (),
        holds_until: datetime | None = None,
    ) -> Fact:
        """A measured fact. `sure` in 0..1 lowers the data's confidence: the share of the items that had what the measure needs."""
        return Fact(name, value, FACTS[name].unit, round(self.confidence * sure), evidence, None, holds_until)

    def unknown(self, name: str, reason: str, holds_until: datetime | None = None) -> Fact:
        return Fact(name, None, FACTS[name].unit, 0, (), reason, holds_until)


def read(project: ProjectFacts, items: Sequence[ItemFacts], now: datetime, parameters: Parameters) -> Reading:
    """The reading that every provider starts from; it depends on no order of the items."""
    where = zone(project.time_zone)
    work = tuple(item for item in items if item.counts and item.kind not in REGISTER)
    still_open = tuple(item for item in work if item.status_category not in FINISHED)
    points = [item.points for item in still_open if item.points]
    by_points = bool(still_open) and len(points) >= parameters.points_min_coverage * len(still_open)
    return Reading(
        project=project,
        now=now,
        parameters=parameters,
        where=where,
        today=local_day(now, where),
        everything=tuple(items),
        work=work,
        open=still_open,
        finished=tuple(item for item in work if item.status_category in FINISHED),
        register=tuple(item for item in items if item.kind in REGISTER),
        confidence=data_confidence(project),
        weighting="points" if by_points else "items",
        _median_points=median(points) if points else 1.0,
    )


def data_confidence(project: ProjectFacts) -> int:
    """0..100 from the state of the data: halved after an incomplete run, lowered by the share of unmapped items.

    Where a state is unknown the data is believed a little less: four fifths, and nine tenths.
    """
    completeness = {True: 1.0, False: 0.5, None: 0.8}[project.data_complete]
    mapped = 0.9 if project.unmapped_share is None else 1 - min(1.0, max(0.0, project.unmapped_share))
    return round(100 * completeness * mapped)


def deadline(item: ItemFacts) -> date | None:
    """The due date; without one, the end of the active iteration."""
    return item.due or item.iteration_end


def link(item: ItemFacts, note: str | None = None) -> Evidence:
    return Evidence("work_item", item.id, item.key, item.url, note)


def links(items: Iterable[ItemFacts], worst: Callable[[ItemFacts], Any], note: Callable[[ItemFacts], str | None]) -> tuple[Evidence, ...]:
    """The items as evidence, smallest `worst` first, at most 20; ties are broken by urgency and id, never by the order given."""
    ordered = sorted(items, key=lambda item: (worst(item), -(item.priority or 0), item.id))
    return tuple(link(item, note(item)) for item in ordered[:MAX_EVIDENCE])


def share_with(items: Sequence[ItemFacts], has: Callable[[ItemFacts], bool]) -> float:
    """The share of the items that have something; 1 of none, since nothing is missing there."""
    return sum(1 for item in items if has(item)) / len(items) if items else 1.0


def earliest(instants: Iterable[datetime | None], after: datetime) -> datetime | None:
    """The first instant that is still to come."""
    return min((instant for instant in instants if instant is not None and instant > after), default=None)


def days_ago(day: date, days: int) -> date:
    return day - timedelta(days=days)
