"""Working time: how much of it lies between two wall-clock times, and a week said in words.

A shift is (from, to) in minutes of the day; the shifts of a day are in their order and don't overlap.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

Shift = tuple[int, int]
Shifts = tuple[Shift, ...]

DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
OFFICE_HOURS: Shifts = ((8 * 60, 12 * 60), (13 * 60, 17 * 60))
"""What planning tools take for a working day where nobody says otherwise."""


@dataclass(frozen=True, slots=True)
class Period:
    """Days, first and last included, that have these shifts instead of the week's; none are days off."""

    first: date
    last: date
    shifts: Shifts = ()


@dataclass(frozen=True, slots=True)
class Layer:
    """One calendar of a chain. Of each day of the week, Monday first, its shifts, or None where the calendar beneath says."""

    week: tuple[Shifts | None, ...]
    periods: tuple[Period, ...] = ()


@dataclass(frozen=True, slots=True)
class WorkingTime:
    """A calendar with all that it inherits; its periods are disjoint and in order."""

    week: tuple[Shifts, ...]
    periods: tuple[Period, ...] = ()

    def hours_between(self, start: datetime, end: datetime) -> float:
        """Working hours from `start` to `end`, both of the calendar's zone; negative where `end` comes first."""
        if end < start:
            return -self.hours_between(end, start)
        minutes = self._before(end) - self._before(start) + self._whole(start.date(), end.date())
        return minutes / 60

    def _before(self, moment: datetime) -> float:
        """Working minutes of the moment's day before it."""
        at = moment.hour * 60 + moment.minute + moment.second / 60
        return sum(min(at, end) - start for start, end in self._of(moment.date()) if start < at)

    def _of(self, day: date) -> Shifts:
        return next((one.shifts for one in self.periods if one.first <= day <= one.last), self.week[day.weekday()])

    def _whole(self, first: date, end: date) -> int:
        """Working minutes of the days from `first` until before `end`."""
        start, stop = first.toordinal(), end.toordinal()
        minutes = self._by_week(start, stop)
        for one in self.periods:
            low, high = max(start, one.first.toordinal()), min(stop, one.last.toordinal() + 1)
            if low < high:
                minutes += (high - low) * _length(one.shifts) - self._by_week(low, high)
        return minutes

    def _by_week(self, start: int, stop: int) -> int:
        weeks, rest = divmod(stop - start, 7)
        lengths = [_length(shifts) for shifts in self.week]
        # Ordinal 1, the first of January of the year 1, was a Monday.
        return weeks * sum(lengths) + sum(lengths[(start - 1 + step) % 7] for step in range(rest))


def working_time(chain: Sequence[Layer]) -> WorkingTime | None:
    """The calendar that comes first, with what it inherits from those behind it; None where none of them says what a day is.

    Of a day, the nearest exception counts, then the nearest week that says something. A day that no week of the chain names is one off.
    """
    week = [next((layer.week[day] for layer in chain if layer.week[day] is not None), None) for day in range(7)]
    if all(shifts is None for shifts in week):
        return None
    periods: list[Period] = []
    for layer in chain:
        for one in layer.periods:
            periods += _outside(one, periods)
    return WorkingTime(tuple(shifts or () for shifts in week), tuple(sorted(periods, key=lambda one: one.first)))


def standard() -> WorkingTime:
    """Monday to Friday, eight hours."""
    return WorkingTime((*(OFFICE_HOURS,) * 5, (), ()))


def in_words(week: Sequence[Shifts | None]) -> str:
    """The week in a sentence, like "Monday to Friday 08:00–12:00, 13:00–17:00; Saturday and Sunday off"."""
    said: list[str] = []
    start = 0
    for day in range(1, 8):
        if day == 7 or week[day] != week[start]:
            said.append(f"{_named(start, day - 1)} {_said(week[start])}")
            start = day
    return "; ".join(said)


def clock(minute: int) -> str:
    """The minute of a day as a clock shows it; its end is 24:00."""
    return f"{minute // 60:02}:{minute % 60:02}"


def _outside(period: Period, taken: Sequence[Period]) -> list[Period]:
    """What of the period is not taken by others yet."""
    spans = [(period.first.toordinal(), period.last.toordinal())]
    for other in taken:
        low, high = other.first.toordinal(), other.last.toordinal()
        left = [(start, min(end, low - 1)) for start, end in spans if start < low]
        right = [(max(start, high + 1), end) for start, end in spans if end > high]
        spans = [(start, end) for start, end in {*left, *right} if start <= end]
    return [Period(date.fromordinal(start), date.fromordinal(end), period.shifts) for start, end in sorted(spans)]


def _length(shifts: Shifts) -> int:
    return sum(end - start for start, end in shifts)


def _named(first: int, last: int) -> str:
    if first == last:
        return DAYS[first]
    return f"{DAYS[first]} {'and' if last == first + 1 else 'to'} {DAYS[last]}"


def _said(shifts: Shifts | None) -> str:
    if shifts is None:
        return "as the base calendar"
    return ", ".join(f"{clock(start)}–{clock(end)}" for start, end in shifts) or "off"
