"""Days and midnights in a project's own zone."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pmo_hub.domain.local_time import day_start, local_day, next_midnight, working_days, zone

DAYS = st.dates(date(1990, 1, 1), date(2060, 1, 1))


def test_a_day_begins_at_midnight_of_the_zone() -> None:
    assert day_start(date(2026, 7, 1), zone("Europe/Berlin")) == datetime(2026, 6, 30, 22, tzinfo=UTC)
    assert next_midnight(datetime(2026, 11, 23, 23, 30, tzinfo=UTC), zone("Asia/Tokyo")) == datetime(2026, 11, 24, 15, tzinfo=UTC)


def test_a_midnight_that_a_clock_change_skips_is_the_instant_of_the_change() -> None:
    santiago = zone("America/Santiago")  # on 6 September 2026 its clocks go from 24:00 to 01:00
    start = day_start(date(2026, 9, 6), santiago)
    assert start == datetime(2026, 9, 6, 4, tzinfo=UTC)
    assert local_day(start, santiago) == date(2026, 9, 6)


@pytest.mark.parametrize("name", ["", "Nowhere/Land", "../../etc/passwd", "a\0b"])
def test_an_unknown_zone_counts_as_utc(name: str) -> None:
    assert zone(name) is UTC


@pytest.mark.parametrize(
    ("start", "end", "days"),
    [
        (date(2026, 11, 20), date(2026, 11, 23), 1),  # Friday to Monday
        (date(2026, 11, 20), date(2026, 11, 22), 0),  # Friday to Sunday
        (date(2026, 11, 23), date(2026, 11, 30), 5),
        (date(2026, 11, 23), date(2026, 11, 23), 0),
        (date(2026, 11, 23), date(2026, 11, 20), -1),
    ],
)
def test_working_days_are_mondays_to_fridays_after_the_start(start: date, end: date, days: int) -> None:
    assert working_days(start, end) == days


@given(DAYS, DAYS, DAYS)
def test_working_days_of_two_spans_add_up(first: date, second: date, third: date) -> None:
    first, second, third = sorted((first, second, third))
    assert working_days(first, second) + working_days(second, third) == working_days(first, third)
