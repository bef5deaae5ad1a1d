"""Calendars: the working week, and the days on which it is another."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date, timedelta

from pmo_hub.domain.records import Calendar, CalendarException
from pmo_hub_mspdi.recurrence import days
from pmo_hub_mspdi.values import Element, flag, inside, integer, many, moment_of, text

DAYS_OFF_OR_ON = 0
"""The DayType of an exception as files before Project 2007 have it, among the days of the week."""
MOST_EXCEPTIONS = 5_000
MOST_SHIFTS = 24
MINUTES_A_DAY = 24 * 60

Shifts = tuple[tuple[int, int], ...]


def map_calendar(element: Element, plan: str) -> list[Calendar | CalendarException]:
    """The calendar with its exceptions; periods of it that recur or have a week of their own are spelled out, up to a bound."""
    uid = text(element, "UID") or "0"
    id = f"{plan}/{uid}"
    base = text(element, "BaseCalendarUID")
    week: list[Shifts | None] = [None] * 7
    for day in inside(element, "WeekDays", "WeekDay"):
        number = integer(day, "DayType")
        if number is not None and 1 <= number <= 7:
            week[_monday_first(number)] = _shifts(day)
    has_base = base not in (None, "-1", "0", uid)
    if not has_base and any(day is None for day in week):
        week = [() if day is None else day for day in week]
    found: list[Calendar | CalendarException] = [Calendar(id, text(element, "Name"), f"{plan}/{base}" if has_base else None, tuple(week))]
    return [*found, *_numbered(id, element)]


def _monday_first(day_type: int) -> int:
    """Sunday is 1 in the file, and 6 with us."""
    return (day_type + 5) % 7


def _shifts(day: Element) -> Shifts:
    """Minutes of the day; a day that is not worked has none, whatever times stand beside it."""
    if not flag(day, "DayWorking"):
        return ()
    found = []
    for one in inside(day, "WorkingTimes", "WorkingTime")[:MOST_SHIFTS]:
        start, end = minute_of(text(one, "FromTime")), minute_of(text(one, "ToTime"))
        if start is None or end is None:
            continue
        if end == 0:
            end = MINUTES_A_DAY  # midnight, at which the day ends
        if start < end:
            found.append((start, end))
        elif start > end:
            found += [(start, MINUTES_A_DAY), (0, end)]  # a shift over midnight counts for this day, as Microsoft Project reads it
    return tuple(sorted(found))


def minute_of(time: str | None) -> int | None:
    found = moment_of(f"2000-01-02T{time}") if time is not None else None
    return None if found is None else found.hour * 60 + found.minute


def _numbered(calendar: str, element: Element) -> Iterator[CalendarException]:
    """Each day of the calendar has one exception: what the file names later for the same days is left out, as there."""
    seen: set[tuple[date, date]] = set()
    for name, first, last, shifts in _periods(element):
        if (first, last) in seen:
            continue
        seen.add((first, last))
        yield CalendarException(f"{calendar}/{first.isoformat()}/{last.isoformat()}", calendar, name, first, last, shifts)
        if len(seen) >= MOST_EXCEPTIONS:
            return


Period = tuple[str | None, date, date, Shifts]


def _periods(element: Element) -> Iterator[Period]:
    exceptions = inside(element, "Exceptions", "Exception")
    for one in exceptions:
        yield from _exception(one)
    if not exceptions:
        # Newer files hold both forms of the same exceptions, and only the newer one says which of them recur.
        for day in inside(element, "WeekDays", "WeekDay"):
            if integer(day, "DayType") == DAYS_OFF_OR_ON:
                yield from _exception(day)
    for week in inside(element, "WorkWeeks", "WorkWeek"):
        yield from _work_week(week)


def _exception(element: Element) -> Iterator[Period]:
    between = _between(element)
    if between is None:
        return
    first, last = between
    name, shifts = text(element, "Name"), _shifts(element)
    single = days(element, first, last)
    if single is None:
        yield name, first, last, shifts
    else:
        for start, end in _stretches(single):
            yield name, start, end, shifts


def _between(element: Element) -> tuple[date, date] | None:
    period = next(iter(many(element, "TimePeriod")), None)
    start = None if period is None else moment_of(text(period, "FromDate"))
    end = None if period is None else moment_of(text(period, "ToDate"))
    if start is None or end is None or end < start:
        return None
    return start.date(), end.date()


def _work_week(week: Element) -> Iterator[Period]:
    """The days of another week's period; a day that it doesn't name is as in the calendar's own."""
    between = _between(week)
    if between is None:
        return
    first, last = between
    last = min(last, first + timedelta(days=MOST_EXCEPTIONS))
    name = text(week, "Name")
    by_day = {}
    for day in inside(week, "WeekDays", "WeekDay"):
        number = integer(day, "DayType")
        if number is not None and 1 <= number <= 7:
            by_day[_monday_first(number)] = _shifts(day)
    for shifts in sorted(set(by_day.values())):
        fitting = (first + timedelta(days=n) for n in range((last - first).days + 1))
        for start, end in _stretches(day for day in fitting if by_day.get(day.weekday()) == shifts):
            yield name, start, end, shifts


def _stretches(single: Iterable[date]) -> Iterator[tuple[date, date]]:
    """Days that follow each other, as one."""
    first = last = None
    for day in single:
        if last is not None and first is not None and day != last + timedelta(days=1):
            yield first, last
            first = day
        first = first or day
        last = day
    if first is not None and last is not None:
        yield first, last
