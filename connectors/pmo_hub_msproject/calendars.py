"""Exceptions of a calendar as the days that they mean; a PWA site tells the rule of one that recurs. All of it is pure."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

from pmo_hub_msproject import wire
from pmo_hub_msproject.values import day

MOST_DAYS = 1_000
LONGEST = timedelta(days=366 * 30)
DAILY, SKIPPING, WEEKLY, MONTHLY, YEARLY = range(5)
LAST_WEEK = 5

Shifts = tuple[tuple[int, int], ...]


def ranges(exception: wire.CalendarException) -> list[tuple[date, date]]:
    """First and last day of each stretch that the exception covers, at most `MOST_DAYS` of them."""
    first, last = day(exception.start), day(exception.finish)
    if first is None or last is None or last < first or last - first > LONGEST:
        return []
    every = max(1, exception.recurrence_frequency)
    if exception.recurrence_type == DAILY and every == 1:
        return [(first, last)]
    found = [(d, d) for d in _days(exception, first, last, every)]
    return found[:MOST_DAYS]


def shifts(exception: wire.CalendarException) -> Shifts:
    """Its shifts as minutes of the day; none: the days are off."""
    pairs = [
        (exception.shift1_start, exception.shift1_finish), (exception.shift2_start, exception.shift2_finish),
        (exception.shift3_start, exception.shift3_finish), (exception.shift4_start, exception.shift4_finish),
        (exception.shift5_start, exception.shift5_finish),
    ]  # fmt: skip
    return tuple((start, finish) for start, finish in pairs if 0 <= start < finish <= 24 * 60)


def _days(exception: wire.CalendarException, first: date, last: date, every: int) -> Iterator[date]:
    match exception.recurrence_type:
        case 0 | 1:
            yield from (first + timedelta(days=n) for n in range(0, (last - first).days + 1, every))
        case 2:
            sunday = first - timedelta(days=first.isoweekday() % 7)
            for n in range((last - first).days + 1):
                on = first + timedelta(days=n)
                if ((on - sunday).days // 7) % every == 0 and _is_in(exception.recurrence_days, on):
                    yield on
        case 3:
            months = (last.year - first.year) * 12 + last.month - first.month
            for n in range(0, months + 1, every):
                year, month = divmod(first.month - 1 + n, 12)
                yield from _within(first, last, _in_month(exception, first.year + year, month + 1))
        case 4:
            for year in range(first.year, last.year + 1, every):
                month = exception.recurrence_month
                if 1 <= month <= 12:
                    yield from _within(first, last, _in_month(exception, year, month))


def _in_month(exception: wire.CalendarException, year: int, month: int) -> date | None:
    """The day of the month that the rule names: by its number, or as the nth weekday, 5 being the last."""
    if exception.recurrence_month_day:
        try:
            return date(year, month, exception.recurrence_month_day)
        except ValueError:
            return None
    following = date(year + month // 12, month % 12 + 1, 1)
    month_days = [date(year, month, 1) + timedelta(days=n) for n in range((following - date(year, month, 1)).days)]
    named = [d for d in month_days if _is_in(exception.recurrence_days, d)]
    if not named or not 1 <= exception.recurrence_week <= LAST_WEEK:
        return None
    if exception.recurrence_week == LAST_WEEK:
        return named[-1]
    return named[exception.recurrence_week - 1] if exception.recurrence_week <= len(named) else None


def _within(first: date, last: date, found: date | None) -> Iterator[date]:
    if found is not None and first <= found <= last:
        yield found


def _is_in(mask: int, on: date) -> bool:
    """Whether the weekday is one of the mask's: 1 is Sunday, 2 Monday, 4 Tuesday, …"""
    return bool(mask & (1 << (on.isoweekday() % 7)))
