"""Calendars: weeks, exceptions old and new, and those that come back, up to a bound."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from pmo_hub.domain.records import Calendar, CalendarException
from pmo_hub_mspdi.calendars import MOST_EXCEPTIONS, map_calendar
from pmo_hub_mspdi.recurrence import MOST_DAYS, days

MORNING, AFTERNOON = ("08:00:00", "12:00:00"), ("13:00:00", "17:00:00")


def day(number: int, *shifts: tuple[str, str], **more: Any) -> dict[str, Any]:
    times = {"WorkingTime": [{"FromTime": start, "ToTime": end} for start, end in shifts]}
    return {"DayType": str(number), "DayWorking": "1" if shifts else "0", "WorkingTimes": times, **more}


def period(first: str, last: str) -> dict[str, str]:
    return {"FromDate": f"{first}T00:00:00", "ToDate": f"{last}T23:59:00"}


def mapped(**fields: Any) -> tuple[Calendar, list[CalendarException]]:
    calendar, *exceptions = map_calendar({"UID": "1", "Name": "Standard", **fields}, "p")
    assert isinstance(calendar, Calendar)
    return calendar, [one for one in exceptions if isinstance(one, CalendarException)]


def test_a_week_begins_on_monday_here_and_on_sunday_there() -> None:
    calendar, _ = mapped(WeekDays={"WeekDay": [day(1), *(day(n, MORNING, AFTERNOON) for n in range(2, 7)), day(7, MORNING)]})
    assert calendar.week == (*(((480, 720), (780, 1020)),) * 5, ((480, 720),), ())
    assert calendar.base is None


def test_a_resources_calendar_says_only_what_differs() -> None:
    calendar, _ = mapped(UID="7", BaseCalendarUID="1", WeekDays={"WeekDay": [day(6)]})
    assert calendar.base == "p/1"
    assert calendar.week == (None, None, None, None, (), None, None)


@pytest.mark.parametrize("base", ["-1", "0", "1"])
def test_a_calendar_without_a_base_says_all_days(base: str) -> None:
    calendar, _ = mapped(BaseCalendarUID=base)
    assert calendar.base is None
    assert calendar.week == ((),) * 7


def test_a_shift_may_end_at_midnight_or_after_it() -> None:
    calendar, _ = mapped(WeekDays={"WeekDay": [day(2, ("23:00:00", "00:00:00")), day(3, ("22:00:00", "06:00:00")), day(4, ("x", "y"))]})
    assert calendar.week[:3] == (((1380, 1440),), ((0, 360), (1320, 1440)), ())


def test_exceptions_of_the_old_form_count_where_there_are_none_of_the_new() -> None:
    old = day(0, TimePeriod=period("2026-12-24", "2026-12-26"))
    _, found = mapped(WeekDays={"WeekDay": [old]})
    assert [(one.first, one.last, one.shifts) for one in found] == [(date(2026, 12, 24), date(2026, 12, 26), ())]
    new = {"TimePeriod": period("2026-12-24", "2026-12-24"), "Name": "Eve", "Type": "1", **day(0, MORNING)}
    _, found = mapped(WeekDays={"WeekDay": [old]}, Exceptions={"Exception": [new]})
    assert [(one.name, one.first, one.last, one.shifts) for one in found] == [
        ("Eve", date(2026, 12, 24), date(2026, 12, 24), ((480, 720),))
    ]


def test_days_of_a_recurring_exception_that_follow_each_other_are_one() -> None:
    weekends = {"TimePeriod": period("2026-03-01", "2026-03-31"), "Type": "6", "DaysOfWeek": "65", "Period": "1", "DayWorking": "0"}
    _, found = mapped(Exceptions={"Exception": weekends})
    assert [(one.first.day, one.last.day) for one in found] == [(1, 1), (7, 8), (14, 15), (21, 22), (28, 29)]


def test_the_first_of_two_exceptions_of_the_same_days_counts() -> None:
    both = [{"TimePeriod": period("2026-12-24", "2026-12-24"), "Name": name, "DayWorking": "0"} for name in ("Eve", "Again")]
    _, found = mapped(Exceptions={"Exception": both})
    assert [one.name for one in found] == ["Eve"]


def test_a_week_of_another_period_is_its_days() -> None:
    summer = {"Name": "Summer", "TimePeriod": period("2026-07-06", "2026-07-19"), "WeekDays": {"WeekDay": [day(6), day(2, MORNING)]}}
    _, found = mapped(WorkWeeks={"WorkWeek": summer})
    assert [(one.first, one.shifts) for one in found] == [
        (date(2026, 7, 10), ()), (date(2026, 7, 17), ()), (date(2026, 7, 6), ((480, 720),)), (date(2026, 7, 13), ((480, 720),)),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"Type": "2", "Month": "11", "MonthDay": "25"}, ["2026-12-25", "2027-12-25"]),
        ({"Type": "2", "Month": "1", "MonthDay": "30"}, []),
        ({"Type": "2", "Month": "44", "MonthDay": "3"}, []),
        ({"Type": "3", "Month": "10", "MonthItem": "7", "MonthPosition": "3"}, ["2026-11-26", "2027-11-25"]),
        ({"Type": "4", "Period": "6", "MonthDay": "31"}, ["2026-07-31", "2027-01-31", "2027-07-31"]),
        ({"Type": "4", "Period": "7", "MonthDay": "31"}, ["2026-07-31"]),
        ({"Type": "5", "Period": "6", "MonthItem": "4", "MonthPosition": "4"}, ["2026-07-27", "2027-01-25", "2027-07-26"]),
        ({"Type": "5", "Period": "12", "MonthItem": "1", "MonthPosition": "0"}, ["2026-07-01", "2027-07-01"]),
        ({"Type": "5", "Period": "12", "MonthItem": "2", "MonthPosition": "1"}, ["2026-07-05", "2027-07-04"]),
        ({"Type": "5", "Period": "12", "MonthItem": "0", "MonthPosition": "4"}, ["2026-07-31", "2027-07-31"]),
        ({"Type": "6", "Period": "20", "DaysOfWeek": "8"}, ["2026-07-01", "2026-11-18", "2027-04-07", "2027-08-25"]),
        ({"Type": "7", "Period": "200"}, ["2026-07-01", "2027-01-17", "2027-08-05"]),
        ({"Type": "8", "Period": "150"}, ["2026-07-01", "2027-01-27", "2027-08-25"]),
        ({"Type": "7", "Period": "3", "EnteredByOccurrences": "1", "Occurrences": "2"}, ["2026-07-01", "2026-07-04"]),
    ],
)
def test_an_exception_comes_back_as_its_type_says(fields: dict[str, str], expected: list[str]) -> None:
    found = days(fields, date(2026, 7, 1), date(2027, 12, 31) if fields["Type"] in "23" else date(2027, 8, 31))
    assert found is not None
    assert [one.isoformat() for one in found] == expected


@pytest.mark.parametrize("fields", [{}, {"Type": "1"}, {"Type": "9"}, {"Type": "7", "Period": "1"}, {"Type": "x"}])
def test_what_does_not_come_back_is_one_stretch(fields: dict[str, str]) -> None:
    assert days(fields, date(2026, 7, 1), date(2026, 7, 9)) is None


def test_an_exception_of_nine_centuries_is_bounded() -> None:
    found = days({"Type": "7", "Period": "2"}, date(1900, 1, 1), date(2199, 12, 31))
    assert found is not None
    assert len(found) == MOST_DAYS
    every_other = {"TimePeriod": period("1900-01-01", "2199-12-31"), "Type": "7", "Period": "2", "DayWorking": "0"}
    many = [{**every_other, "TimePeriod": period(f"19{n:02d}-01-01", "2199-12-31")} for n in range(20)]
    _, exceptions = mapped(Exceptions={"Exception": many})
    assert len(exceptions) == MOST_EXCEPTIONS


def test_an_exception_without_days_is_none() -> None:
    backwards = {"TimePeriod": period("2026-12-24", "2026-12-01")}
    assert mapped(Exceptions={"Exception": [{}, backwards, {"TimePeriod": {"FromDate": "NA"}}]})[1] == []
