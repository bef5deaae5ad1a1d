"""Deadlines in weekdays, and when the clock looks at a waiver."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from pmo_hub.domain.deadlines import Deadlines, after_working_days, deadlines, next_breach, next_look
from pmo_hub.domain.violations import State

MONDAY = datetime(2026, 11, 23, 12, tzinfo=UTC)
FRIDAY = datetime(2026, 11, 27, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("since", "days", "until"),
    [
        (MONDAY, 0, MONDAY),
        (MONDAY, 2, datetime(2026, 11, 25, 12, tzinfo=UTC)),
        (MONDAY, 5, datetime(2026, 11, 30, 12, tzinfo=UTC)),
        (FRIDAY, 1, datetime(2026, 11, 30, 12, tzinfo=UTC)),
        (FRIDAY + timedelta(days=1), 1, datetime(2026, 11, 30, 12, tzinfo=UTC)),  # on a Saturday the count begins on Monday
        (FRIDAY, 15, datetime(2026, 12, 18, 12, tzinfo=UTC)),
    ],
)
def test_weekdays_are_counted(since: datetime, days: int, until: datetime) -> None:
    assert after_working_days(since, days, UTC) == until


def test_the_wall_shows_the_same_time_when_clocks_were_changed_meanwhile() -> None:
    zurich = ZoneInfo("Europe/Zurich")
    friday = datetime(2026, 10, 23, 9, tzinfo=zurich).astimezone(UTC)  # clocks are changed on Sunday the 25th
    assert after_working_days(friday, 1, zurich).astimezone(zurich) == datetime(2026, 10, 26, 9, tzinfo=zurich)


def test_the_graver_the_sooner() -> None:
    found = [deadlines(severity, MONDAY, UTC) for severity in ("critical", "high", "medium", "low")]
    assert [one.acknowledge_by for one in found] == sorted(one.acknowledge_by for one in found if one.acknowledge_by)
    assert [one.resolve_by for one in found] == sorted(one.resolve_by for one in found if one.resolve_by)
    assert deadlines("info", MONDAY, UTC) == Deadlines(None, None)


def test_only_clocks_that_run_are_watched() -> None:
    due = Deadlines(MONDAY, FRIDAY)
    assert next_breach(State.OPEN, due) == MONDAY
    assert next_breach(State.OPEN, due, MONDAY) == FRIDAY
    assert next_breach(State.ACKNOWLEDGED, due) == FRIDAY
    assert next_breach(State.OPEN, due, FRIDAY) is None
    assert {next_breach(state, due) for state in (State.WAIVED, State.RESOLVED, State.CLOSED)} == {None}


def test_a_waiver_is_looked_at_fourteen_and_three_days_before_its_end_and_at_its_end() -> None:
    until = MONDAY + timedelta(days=30)
    looks = [next_look(until, MONDAY)]
    while looks[-1] != until:
        looks.append(next_look(until, looks[-1]))
    assert [until - at for at in looks] == [timedelta(days=14), timedelta(days=3), timedelta(0)]
    assert next_look(MONDAY + timedelta(days=2), MONDAY) == MONDAY + timedelta(days=2)
