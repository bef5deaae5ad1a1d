"""Quiet hours follow the clock on the wall, also in the nights in which it is changed."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pmo_hub.domain.quiet_hours import Window, is_quiet, leave_nothing, opens_at

ZURICH = ZoneInfo("Europe/Zurich")
WORKDAY = Window(time(8), time(18), frozenset(range(5)))
NIGHT = Window(time(22), time(6))
LATE = Window(time(1), time(2, 30))


@pytest.mark.parametrize(
    ("windows", "at", "opens"),
    [
        ((), "2026-11-23T12:00+01:00", "2026-11-23T12:00+01:00"),
        ((WORKDAY,), "2026-11-23T07:59+01:00", "2026-11-23T07:59+01:00"),
        ((WORKDAY,), "2026-11-23T08:00+01:00", "2026-11-23T18:00+01:00"),
        ((WORKDAY,), "2026-11-23T18:00+01:00", "2026-11-23T18:00+01:00"),
        ((WORKDAY,), "2026-11-22T12:00+01:00", "2026-11-22T12:00+01:00"),  # a Sunday
        ((NIGHT,), "2026-11-23T23:00+01:00", "2026-11-24T06:00+01:00"),
        ((NIGHT,), "2026-11-24T05:59+01:00", "2026-11-24T06:00+01:00"),
        ((NIGHT, WORKDAY), "2026-11-23T23:00+01:00", "2026-11-24T06:00+01:00"),
        ((NIGHT, Window(time(6), time(9))), "2026-11-23T23:00+01:00", "2026-11-24T09:00+01:00"),
        # A whole Saturday, from midnight to midnight.
        ((Window(time(0), time(0), frozenset({5})),), "2026-11-21T12:00+01:00", "2026-11-22T00:00+01:00"),
        # Begun on Friday, it goes on into Saturday.
        ((Window(time(22), time(6), frozenset({4})),), "2026-11-21T03:00+01:00", "2026-11-21T06:00+01:00"),
        ((Window(time(22), time(6), frozenset({4})),), "2026-11-22T03:00+01:00", "2026-11-22T03:00+01:00"),
        # The clock jumps over 02:30: quiet until it has.
        ((LATE,), "2026-03-29T01:30+01:00", "2026-03-29T03:00+02:00"),
        # It shows 02:30 twice: open after the first, quiet again from 02:00 to 02:30.
        ((LATE,), "2026-10-25T01:30+02:00", "2026-10-25T02:30+02:00"),
        ((LATE,), "2026-10-25T02:45+02:00", "2026-10-25T02:45+02:00"),
        ((LATE,), "2026-10-25T02:10+01:00", "2026-10-25T02:30+01:00"),
        # Local hours stay local: an hour earlier by UTC in summer.
        ((WORKDAY,), "2026-07-20T08:00+02:00", "2026-07-20T18:00+02:00"),
    ],
)
def test_what_would_begin_in_quiet_hours_waits_for_their_end(windows: tuple[Window, ...], at: str, opens: str) -> None:
    assert opens_at(windows, datetime.fromisoformat(at), ZURICH) == datetime.fromisoformat(opens)


def test_windows_that_leave_nothing_are_known_and_nothing_begins_in_them() -> None:
    whole = (Window(time(0), time(12)), Window(time(12), time(0)))
    assert leave_nothing(whole)
    assert opens_at(whole, datetime(2026, 11, 23, tzinfo=UTC), ZURICH) is None
    assert not leave_nothing((Window(time(0), time(12)), Window(time(12, 1), time(0))))
    assert not leave_nothing(())


@given(
    st.lists(
        st.builds(Window, st.times().map(lambda t: t.replace(second=0, microsecond=0)), st.just(time(6)), st.just(frozenset({0, 2, 6}))),
        max_size=3,
    ),
    st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
)
def test_the_first_open_instant_is_open_and_all_before_it_is_quiet(windows: list[Window], at: datetime) -> None:
    opens = opens_at(windows, at, ZURICH)
    assert opens is not None
    assert not is_quiet(windows, opens, ZURICH)
    step = (opens - at) / 7
    assert all(is_quiet(windows, at + step * n, ZURICH) for n in range(7) if step > timedelta(0))
