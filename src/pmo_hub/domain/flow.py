"""Throughput, cycle time, ages and percentiles of work (Vacanti's flow metrics)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from math import ceil
from typing import TypeVar

Number = TypeVar("Number", int, float)


def percentile(values: Sequence[Number], p: float) -> Number | None:
    """The nearest-rank percentile: the ceil(p·n)-th smallest of n values, `p` in 0..1; None of no values. Never interpolated."""
    if not 0 <= p <= 1:
        raise ValueError(f"a percentile's p lies in 0..1, not {p}")
    if not values:
        return None
    # 0.95 × 20 is 19.000000000000004 in binary: without the rounding its rank would be 20.
    rank = max(1, ceil(round(p * len(values), 9)))
    return sorted(values)[rank - 1]


def cycle_days(start: date, done: date) -> int:
    """Calendar days from start to done, both counted: started and done on one day is 1 (the +1 convention)."""
    return (done - start).days + 1


def weekly_throughput(done: Iterable[date], today: date, weeks: int) -> tuple[int, ...]:
    """Items done in each of the `weeks` seven-day stretches that end yesterday, oldest first, zeros included.

    Today is left out: it isn't over, and a partial day would lower the rate every morning.
    """
    counts = [0] * weeks
    for day in done:
        week = ((today - day).days - 1) // 7
        if 0 <= week < weeks:
            counts[weeks - 1 - week] += 1
    return tuple(counts)


def little_wip(throughput: float, cycle_time: float) -> float:
    """Little's law: the average work in progress, throughput and cycle time in the same unit of time."""
    return throughput * cycle_time


def flow_efficiency(active_hours: float, waiting_hours: float) -> float | None:
    """The share of elapsed time in which work was worked on; None when no time has passed."""
    elapsed = active_hours + waiting_hours
    return active_hours / elapsed if elapsed > 0 else None
