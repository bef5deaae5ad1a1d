"""Working time between two moments, by week and exceptions, and weeks in words."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pmo_hub.domain.calendars import Layer, Period, WorkingTime, in_words, standard, working_time

OFF: tuple[tuple[int, int], ...] = ()
DAY = ((480, 720), (780, 1020))
NOTHING = Layer((None,) * 7)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


@pytest.mark.parametrize(
    ("start", "end", "hours"),
    [
        ("2026-11-23T08:00", "2026-11-23T17:00", 8),  # a Monday
        ("2026-11-23T11:00", "2026-11-23T14:00", 2),  # over lunch
        ("2026-11-20T17:00", "2026-11-23T08:00", 0),  # over a weekend
        ("2026-11-20T16:00", "2026-11-23T09:30", 2.5),
        ("2026-11-23T08:00", "2026-11-30T08:00", 40),
        ("2026-01-01T00:00", "2027-01-01T00:00", 261 * 8),
        ("2026-11-23T17:00", "2026-11-23T08:00", -8),
        ("2026-11-22T03:00", "2026-11-22T03:00", 0),
    ],
)
def test_hours_of_a_standard_week(start: str, end: str, hours: float) -> None:
    assert standard().hours_between(at(start), at(end)) == hours


def test_an_exception_takes_days_and_gives_days() -> None:
    closed = Period(date(2026, 12, 24), date(2026, 12, 25))
    saturday = Period(date(2026, 12, 19), date(2026, 12, 19), ((480, 600),))
    found = working_time([Layer(standard().week, (closed, saturday))])
    assert found is not None
    assert found.hours_between(at("2026-12-14T00:00"), at("2026-12-28T00:00")) == 8 * 8 + 2
    assert found.hours_between(at("2026-12-19T09:00"), at("2026-12-24T12:00")) == 1 + 3 * 8


def test_what_a_calendar_leaves_open_its_base_says() -> None:
    base = Layer((*(DAY,) * 5, OFF, OFF), (Period(date(2026, 11, 23), date(2026, 11, 27)),))
    own = Layer((None, None, None, None, OFF, ((0, 60),), None), (Period(date(2026, 11, 25), date(2026, 11, 25), ((0, 120),)),))
    found = working_time([own, base])
    assert found is not None
    assert found.week == (DAY, DAY, DAY, DAY, OFF, ((0, 60),), OFF)
    # The base is closed that week; the one day that the calendar itself makes an exception of has two hours.
    assert found.hours_between(at("2026-11-23T00:00"), at("2026-11-30T00:00")) == 2 + 1
    assert working_time([NOTHING, NOTHING]) is None
    assert working_time([]) is None


@given(
    st.lists(st.tuples(st.integers(0, 60), st.integers(0, 15), st.integers(0, 8)), max_size=6),
    st.integers(0, 60 * 24 * 60),
    st.integers(0, 60 * 24 * 60),
)
def test_time_is_what_its_minutes_are(periods: list[tuple[int, int, int]], first: int, second: int) -> None:
    """Against counting day by day, by the first period that has the day."""
    origin = at("2026-11-01T00:00")
    made = tuple(
        Period(day := (origin + timedelta(days=start)).date(), day + timedelta(days=length), ((0, hours * 60),) if hours else ())
        for start, length, hours in periods
    )
    found = working_time([Layer(standard().week, made)])
    assert isinstance(found, WorkingTime)
    start, end = sorted((origin + timedelta(minutes=first), origin + timedelta(minutes=second)))
    minutes = 0.0
    day = start.date()
    while day <= end.date():
        shifts = next((p.shifts for p in made if p.first <= day <= p.last), standard().week[day.weekday()])
        midnight = datetime.combine(day, datetime.min.time())
        for low, high in shifts:
            begin, stop = midnight + timedelta(minutes=low), midnight + timedelta(minutes=high)
            minutes += max(timedelta(), min(stop, end) - max(begin, start)).total_seconds() / 60
        day += timedelta(days=1)
    assert found.hours_between(start, end) == pytest.approx(minutes / 60)
    assert found.hours_between(end, start) == pytest.approx(-minutes / 60)


def test_a_week_in_words() -> None:
    assert in_words(standard().week) == "Monday to Friday 08:00–12:00, 13:00–17:00; Saturday and Sunday off"
    assert in_words((((0, 1440),),) * 7) == "Monday to Sunday 00:00–24:00"
    assert in_words((OFF, None, OFF, None, None, None, None)) == (
        "Monday off; Tuesday as the base calendar; Wednesday off; Thursday to Sunday as the base calendar"
    )
