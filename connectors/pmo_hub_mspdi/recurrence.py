"""The days of an exception that comes back: each week, each month, each year, for as long as its period lasts."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from itertools import islice

from pmo_hub_mspdi.values import Element, flag, integer

MOST_DAYS = 2_000
"""Days of one exception; a plan doesn't look further ahead, and a file may ask for every day of nine centuries."""

YEARLY_BY_DATE, YEARLY_BY_POSITION, MONTHLY_BY_DATE, MONTHLY_BY_POSITION, WEEKLY, EVERY_N_DAYS, EVERY_N_WEEKDAYS = range(2, 9)

LAST = 4
"""The position of a month's last Monday; 0 is its first."""
ANY_DAY, WEEKDAY, WEEKEND_DAY, SUNDAY = range(4)
DAY = timedelta(days=1)


def days(exception: Element, first: date, last: date) -> list[date] | None:
    """The single days of it; None where it is one stretch from the first day to the last."""
    kind = integer(exception, "Type")
    period = max(1, integer(exception, "Period") or 1)
    match kind:
        case 2 | 3:
            found = _yearly(exception, first, last, by_date=kind == YEARLY_BY_DATE)
        case 4 | 5:
            found = _monthly(exception, first, last, period, by_date=kind == MONTHLY_BY_DATE)
        case 6:
            found = _weekly(integer(exception, "DaysOfWeek") or 0, first, last, period)
        case 7 if period > 1:
            found = _each(first, last, period)
        case 8:
            weekdays = (day for day in _each(first, last, 1) if day.weekday() < 5)
            found = islice(weekdays, 0, None, period)
        case _:
            return None
    most = MOST_DAYS
    if flag(exception, "EnteredByOccurrences"):
        most = min(most, integer(exception, "Occurrences") or most)
    return list(islice(found, most))


def _each(first: date, last: date, step: int) -> Iterator[date]:
    for number in range(0, (last - first).days + 1, step):
        yield first + number * DAY


def _weekly(mask: int, first: date, last: date, period: int) -> Iterator[date]:
    """The mask's lowest bit is Sunday, with which a week begins; every `period`-th week counts from that of the first day."""
    sunday = first - timedelta(days=(first.weekday() + 1) % 7)
    for day in _each(first, last, 1):
        week = (day - sunday).days // 7
        if week % period == 0 and mask >> ((day.weekday() + 1) % 7) & 1:
            yield day


def _monthly(exception: Element, first: date, last: date, period: int, *, by_date: bool) -> Iterator[date]:
    months = (last.year - first.year) * 12 + last.month - first.month
    for number in range(0, months + 1, period):
        year, month = divmod(first.year * 12 + first.month - 1 + number, 12)
        day = _in_month(exception, year, month + 1, by_date)
        if day is not None and first <= day <= last:
            yield day


def _yearly(exception: Element, first: date, last: date, *, by_date: bool) -> Iterator[date]:
    """Months of an exception are counted from 0."""
    month = (integer(exception, "Month") or 0) + 1
    if not 1 <= month <= 12:
        return
    for year in range(first.year, last.year + 1):
        day = _in_month(exception, year, month, by_date)
        if day is not None and first <= day <= last:
            yield day


def _in_month(exception: Element, year: int, month: int, by_date: bool) -> date | None:
    """None where the month has no such day."""
    begins = date(year, month, 1)
    ends = (date(year + month // 12, month % 12 + 1, 1)) - DAY
    if by_date:
        number = integer(exception, "MonthDay") or 1
        return begins.replace(day=number) if 1 <= number <= ends.day else None
    item, position = integer(exception, "MonthItem") or 0, integer(exception, "MonthPosition") or 0
    fitting = [day for day in _each(begins, ends, 1) if _fits(day, item)]
    if position == LAST:
        return fitting[-1] if fitting else None
    return fitting[position] if 0 <= position < len(fitting) else None


def _fits(day: date, item: int) -> bool:
    match item:
        case 0:
            return True
        case 1:
            return day.weekday() < 5
        case 2:
            return day.weekday() >= 5
    return (day.weekday() + 1) % 7 == item - SUNDAY
