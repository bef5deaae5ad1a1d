"""When a schedule fires."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from pmo_hub.services.scheduling import Schedule, due, next_due

NOW = datetime(2026, 11, 2, 8, tzinfo=UTC)
HOURLY = Schedule("c" * 32, "incremental", timedelta(hours=1), False, NOW - timedelta(hours=1))


def test_a_schedule_that_never_ran_is_due() -> None:
    assert len(due([replace(HOURLY, last_begun_at=None)], NOW)) == 1


def test_a_schedule_is_due_when_its_interval_has_passed() -> None:
    assert len(due([HOURLY], NOW)) == 1
    assert due([HOURLY], NOW - timedelta(seconds=1)) == []
    assert next_due(HOURLY) == NOW


def test_paused_connection_is_not_due() -> None:
    assert due([replace(HOURLY, is_paused=True)], NOW) == []


def test_a_schedule_without_an_interval_is_never_due() -> None:
    assert due([replace(HOURLY, interval=timedelta(0))], NOW) == []


@given(st.integers(1, 10_000), st.integers(0, 10**6))
def test_two_looks_at_one_instant_name_one_slot(minutes: int, second: int) -> None:
    schedule = replace(HOURLY, interval=timedelta(minutes=minutes), last_begun_at=None)
    now = NOW + timedelta(seconds=second)
    assert due([schedule], now) == due([schedule], now)
    later = due([schedule], now + schedule.interval)
    assert later[0].slot != due([schedule], now)[0].slot


def test_connections_with_one_interval_do_not_all_fire_in_one_slot_boundary() -> None:
    at = [NOW + timedelta(seconds=30 * i) for i in range(120)]
    boundaries = set()
    for number in range(20):
        schedule = replace(HOURLY, connection_id=f"{number:032x}", last_begun_at=None)
        slots = [due([schedule], now)[0].slot for now in at]
        boundaries.add(next((i for i in range(1, len(slots)) if slots[i] != slots[i - 1]), None))
    assert len(boundaries) > 5
