"""Work and cost spread over days: a series as runs of equal days, and several of them added up by day, week or month."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from enum import StrEnum

Run = tuple[date, int, Decimal]
"""The first of some days that follow each other, how many they are, and the amount of each."""

Series = tuple[Run, ...]
"""Runs in the order of their days. A day in none of them has an amount of zero; the empty series is zero on every day, and not unknown."""

MOST_DAYS = 7_320
"""From a series' first day to its last: twenty years. Whoever has more of a task tells it, and keeps none of it."""

MOST_PERIODS = 2_000
"""In one answer."""

HOURS = Decimal("0.000001")
MONEY = Decimal("0.0001")
"""To what amounts are rounded: the reporting service of Project Server has six places, the hub keeps money to the ten-thousandth."""

_DAY = timedelta(days=1)


class Step(StrEnum):
    DAY = "day"
    WEEK = "week"
    MONTH = "month"


def series(days: Mapping[date, Decimal], places: Decimal) -> Series:
    """The amounts as runs, rounded to these places; days of zero are left out."""
    runs: list[Run] = []
    for day in sorted(days):
        amount = days[day].quantize(places, ROUND_HALF_EVEN)
        if not amount:
            continue
        if runs and runs[-1][2] == amount and runs[-1][0] + runs[-1][1] * _DAY == day:
            runs[-1] = (runs[-1][0], runs[-1][1] + 1, amount)
        else:
            runs.append((day, 1, amount))
    return tuple((first, count, amount.normalize()) for first, count, amount in runs)


def amounts(of: Series) -> Iterator[tuple[date, Decimal]]:
    """Each day that has an amount, in order."""
    for first, count, amount in of:
        for number in range(count):
            yield first + number * _DAY, amount


def total(of: Series) -> Decimal:
    return sum((count * amount for _, count, amount in of), Decimal())


def span(*several: Series | None) -> tuple[date, date] | None:
    """The first and the last day on which any of them has an amount."""
    runs = [run for one in several if one for run in (one[0], one[-1])]
    if not runs:
        return None
    return min(first for first, _, _ in runs), max(first + (count - 1) * _DAY for first, count, _ in runs)


def fault(of: Series) -> str | None:
    """Why this is no series; None where it is one."""
    ends = 0
    for first, count, amount in of:
        start = first.toordinal()
        if count < 1 or not amount.is_finite() or not amount:
            return "has a run of no days or of no amount"
        if start <= ends:
            return "has runs that overlap or are out of order"
        ends = start + count - 1
        if ends - of[0][0].toordinal() >= MOST_DAYS or ends > date.max.toordinal():
            return f"is longer than {MOST_DAYS} days"
    return None


@dataclass(slots=True)
class Tally:
    """Several series of one quantity added up. `known` of `of` parts told theirs; where none did, nothing is known."""

    of: int
    known: int = 0
    days: dict[date, Decimal] = field(default_factory=lambda: defaultdict(Decimal))

    def add(self, part: Series) -> None:
        self.known += 1
        for day, amount in amounts(part):
            self.days[day] += amount

    @property
    def total(self) -> Decimal | None:
        return sum(self.days.values(), Decimal()) if self.known else None

    def by(self, periods: Iterable[tuple[date, date]]) -> list[tuple[Decimal, Decimal] | None]:
        """Of each period, in order, its amount and all that there is until its end; None where nothing is known."""
        told = iter(sorted(self.days.items()))
        following = next(told, None)
        so_far = Decimal()
        found: list[tuple[Decimal, Decimal] | None] = []
        for first, last in periods:
            inside = Decimal()
            while following is not None and following[0] <= last:
                so_far += following[1]
                if following[0] >= first:
                    inside += following[1]
                following = next(told, None)
            found.append((inside, so_far) if self.known else None)
        return found


def start_of(day: date, by: Step) -> date:
    """The first day of the period that the day is in; weeks begin on Mondays."""
    if by is Step.WEEK:
        return day - day.weekday() * _DAY
    return day.replace(day=1) if by is Step.MONTH else day


def count_periods(first: date, last: date, by: Step) -> int:
    """How many periods these days are in."""
    if by is Step.MONTH:
        return (last.year - first.year) * 12 + last.month - first.month + 1
    return (start_of(last, by) - start_of(first, by)).days // (7 if by is Step.WEEK else 1) + 1


def periods(first: date, last: date, by: Step) -> list[tuple[date, date]]:
    """First and last day of each period that these days are in: whole weeks and months, also where they begin or end in one."""
    found = []
    start = start_of(first, by)
    for _ in range(count_periods(first, last, by)):
        following = start_of(start + (32 * _DAY if by is Step.MONTH else 7 * _DAY if by is Step.WEEK else _DAY), by)
        found.append((start, following - _DAY))
        start = following
    return found
