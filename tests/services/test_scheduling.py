"""When a schedule fires: as a table, and on a hub: once a fire, once for all that were missed, never when it should be quiet."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from pmo_hub.domain.quiet_hours import Window
from pmo_hub.jobs.rhythm import Every, parsed
from pmo_hub.services import connections, scheduling, sync
from pmo_hub.services.connections import Change
from pmo_hub.services.errors import Invalid
from pmo_hub.services.scheduling import Schedule, back_off, due, next_due
from pmo_hub.services.timetable import DEFAULTS, checked
from pmo_hub.store.models.operation import Job
from pmo_hub.store.models.source import Connection
from pmo_hub.store.repositories import connections as rows
from pmo_hub.store.repositories import jobs, syncing
from pmo_hub.store.unit_of_work import Work
from tests.sdk.fake_source import DeltaConnector
from tests.services.connected import CONNECTION, Connected

NOW = datetime(2026, 11, 2, 8, tzinfo=UTC)
ZURICH = ZoneInfo("Europe/Zurich")
HOURLY = Schedule("c" * 32, "incremental", Every(timedelta(hours=1)), UTC, NOW - timedelta(hours=1))


def cron(text: str, last: str, **more: Any) -> Schedule:
    return Schedule("c" * 32, "full", parsed(text), ZURICH, datetime.fromisoformat(last), **more)


# The pure part.


def test_a_schedule_that_never_ran_is_due() -> None:
    assert len(due([replace(HOURLY, last_begun_at=None)], NOW)) == 1


def test_a_schedule_is_due_when_its_interval_has_passed_or_up_to_a_tenth_earlier() -> None:
    assert len(due([HOURLY], NOW)) == 1
    at = next_due(HOURLY, NOW - timedelta(hours=1))
    assert at is not None
    assert NOW - timedelta(minutes=6) <= at <= NOW
    assert due([HOURLY], at - timedelta(seconds=1)) == []
    assert len(due([HOURLY], at)) == 1


def test_paused_connection_is_not_due() -> None:
    stopped = replace(HOURLY, is_stopped=True)
    assert due([stopped], NOW) == []
    assert next_due(stopped, NOW) is None


@pytest.mark.parametrize(
    ("schedule", "now", "expected"),
    [
        # Nightly at 02:30 local time, through both changes of the clock.
        (cron("30 2 * * *", "2026-03-28T02:30+01:00"), "2026-03-28T12:00Z", "2026-03-29T03:00+02:00"),
        (cron("30 2 * * *", "2026-10-25T02:35+02:00"), "2026-10-25T03:00Z", "2026-10-26T02:30+01:00"),
        # Missed for a week: due now, once.
        (cron("30 2 * * *", "2026-11-01T02:35+01:00"), "2026-11-08T12:00Z", "2026-11-08T12:00Z"),
        # Quiet until six in the evening, local time.
        (cron("0 9 * * *", "2026-11-01T09:05+01:00", quiet=(Window(time(8), time(18)),)), "2026-11-02T06:00Z", "2026-11-02T17:00Z"),
        # Overdue, but it is quiet now.
        (cron("0 9 * * *", "2026-10-01T09:05+02:00", quiet=(Window(time(8), time(18)),)), "2026-11-02T08:00Z", "2026-11-02T17:00Z"),
        # Three failures in a row: twenty minutes after the last.
        (cron("* * * * *", "2026-11-02T07:59Z", failures=3, failed_at=NOW), "2026-11-02T08:00Z", "2026-11-02T08:20Z"),
        # An interval that is longer than the back-off is kept.
        (cron("0 0 1 * *", "2026-11-02T07:59Z", failures=3, failed_at=NOW), "2026-11-02T08:00Z", "2026-12-01T00:00+01:00"),
    ],
)
def test_what_is_due_next(schedule: Schedule, now: str, expected: str) -> None:
    at = next_due(schedule, datetime.fromisoformat(now))
    wanted = datetime.fromisoformat(expected)
    assert at is not None
    assert wanted <= at <= wanted + scheduling.MOST_JITTER


def test_failures_are_followed_by_ever_longer_waits_up_to_a_cap() -> None:
    waits = [back_off(n) for n in range(1, 12)]
    assert waits[:4] == [timedelta(minutes=5 * 2**n) for n in range(4)]
    assert waits == sorted(waits)
    assert waits[-1] == back_off(10_000) == timedelta(hours=6)


@given(st.integers(1, 10_000), st.integers(0, 10**6))
def test_whoever_asks_and_however_often_names_one_fire_the_same(minutes: int, second: int) -> None:
    last = NOW - timedelta(days=10)
    schedule = replace(HOURLY, rhythm=Every(timedelta(minutes=minutes)), last_begun_at=last)
    now = NOW + timedelta(seconds=second)
    assert {fire.slot for at in (now, now + timedelta(seconds=7)) for fire in due([schedule], at)} == {due([schedule], now)[0].slot}
    assert due([replace(schedule, last_begun_at=now)], now + schedule.rhythm.interval)[0].slot != due([schedule], now)[0].slot  # type: ignore[union-attr]


@pytest.mark.parametrize("rhythm", [Every(timedelta(hours=1)), parsed("0 3 * * *")])
def test_connections_with_one_schedule_do_not_all_fire_at_once(rhythm: Any) -> None:
    at = {next_due(Schedule(f"{n:032x}", "full", rhythm, UTC, NOW), NOW) for n in range(20)}
    assert len(at) > 15


def test_a_nightly_run_keeps_its_minute() -> None:
    nights = [next_due(cron("0 3 * * *", f"2026-11-{day:02}T04:00+01:00"), datetime(2026, 11, day, 12, tzinfo=UTC)) for day in (3, 4, 5)]
    assert len({at and at.time() for at in nights}) == 1


# What an admin may write.


@pytest.mark.parametrize(
    ("schedules", "quiet", "minutes"),
    [
        ({"incremental": "every 15m"}, [], 15),
        ({"incremental": "*/5 * * * *"}, [], 5),
        ({"incremental": "0 8-18 * * 1-5"}, [], 62 * 60),  # from Friday 18:00 to Monday 08:00
        ({"incremental": "0 3 * * *"}, [], 24 * 60),
        ({"incremental": "every 1h"}, [{"start": "08:00", "end": "18:00"}], 11 * 60),
        ({"incremental": None, "full": "0 3 * * 0"}, [], 7 * 24 * 60),
        ({"incremental": None}, [], None),
    ],
)
def test_how_old_data_may_get_follows_from_schedules_and_quiet_hours(
    schedules: dict[str, str | None], quiet: list[dict[str, Any]], minutes: int | None
) -> None:
    found = checked(schedules, "UTC", quiet, DEFAULTS)["cadence_minutes"]
    assert found is None if minutes is None else abs(found - minutes) <= 60 and found >= minutes


def test_what_can_not_be_meant_is_pointed_at() -> None:
    with pytest.raises(Invalid) as raised:
        checked(
            {"census": "sometimes"}, "Mars/Olympus", [{"start": "25:00", "end": "06:00"}, {"start": "1", "end": "2", "days": ["moon"]}], {}
        )
    assert [fault.pointer for fault in raised.value.faults] == ["/schedules/census", "/time_zone", "/quiet_hours/0", "/quiet_hours/1"]
    with pytest.raises(Invalid, match="leave some of the week"):
        checked({}, "UTC", [{"start": "00:00", "end": "00:00"}], {})


# On a hub.


@pytest.fixture
def hub(work: Work, tmp_path: Path) -> Connected:
    made = Connected(work, tmp_path, DeltaConnector())
    made.sync()
    return made


def change(hub: Connected, **wanted: Any) -> None:
    hub.now += timedelta(seconds=1)
    connections.change(hub.hub, CONNECTION, Change(**wanted), "test")


def queued(hub: Connected) -> list[tuple[str, str]]:
    return sorted((run.mode, run.trigger) for run in hub.rows("sync_runs") if run.state == "queued")


def test_a_fire_is_one_job_however_often_and_by_whomever_it_is_looked_for(hub: Connected) -> None:
    hub.now += timedelta(minutes=15)
    assert len(scheduling.tick(hub.hub)) == 1
    assert scheduling.tick(hub.hub) == []
    assert queued(hub) == [("incremental", "schedule")]
    slots = [row.slot for row in hub.rows("jobs") if row.state == "waiting"]
    assert len(slots) == len(set(slots))


def test_fires_that_were_missed_are_made_up_for_by_one_run(hub: Connected) -> None:
    hub.now += timedelta(days=3)
    scheduling.tick(hub.hub)
    assert queued(hub) == [("census", "schedule"), ("incremental", "schedule")]


def test_a_slot_that_was_fired_leaves_no_run_without_a_job(hub: Connected) -> None:
    with hub.work.write() as session:
        jobs.add(session, "sync", "taken", "elsewhere", {"run_id": "x"}, hub.now)
        run_id = sync.enqueue(session, CONNECTION, "full", hub.now, "taken", syncing.SCHEDULE)
    assert run_id in {row.arguments["run_id"] for row in hub.rows("jobs")}


def test_a_full_read_that_is_due_does_for_the_poll(hub: Connected) -> None:
    change(hub, schedules={"full": "0 3 * * *"}, time_zone="Europe/Zurich")
    hub.now = datetime(2026, 11, 24, 2, 10, tzinfo=UTC)
    scheduling.tick(hub.hub)
    assert queued(hub) == [("full", "schedule")]


def test_in_quiet_hours_nothing_begins_but_what_somebody_asks_for(hub: Connected) -> None:
    change(hub, quiet_hours=[{"start": "09:00", "end": "17:00"}])
    hub.now = hub.now.replace(hour=8, minute=55, second=0)
    (run_id,) = scheduling.tick(hub.hub)
    hub.now = hub.now.replace(hour=9, minute=30)
    # Queued before, it doesn't begin now …
    assert scheduling.held_until(hub.hub, run_id) == hub.now.replace(hour=17, minute=0)
    with hub.work.write() as session:
        session.execute(sa.update(Job).where(Job.state == "waiting").values(run_at=hub.now.replace(hour=17, minute=0)))
    # … until somebody asks: then it is that very run.
    assert sync.request(hub.hub, CONNECTION) == run_id
    assert scheduling.held_until(hub.hub, run_id) is None
    assert {row.run_at for row in hub.rows("jobs") if row.arguments["run_id"] == run_id} == {hub.now}
    assert sync.run(hub.hub, run_id).state == "finished"
    hub.now = hub.now.replace(hour=16)
    assert scheduling.tick(hub.hub) == []
    hub.now = hub.now.replace(hour=17, minute=0)
    assert len(scheduling.tick(hub.hub)) == 1


def test_what_was_queued_for_a_connection_that_was_paused_since_does_not_begin(hub: Connected) -> None:
    hub.now += timedelta(minutes=15)
    (run_id,) = scheduling.tick(hub.hub)
    connections.pause(hub.hub, CONNECTION, "test")
    assert scheduling.held_until(hub.hub, run_id) == hub.now + scheduling.STOPPED_WAIT
    connections.resume(hub.hub, CONNECTION, "test")
    assert scheduling.held_until(hub.hub, run_id) is None


def test_a_failing_source_is_asked_ever_less_often_and_as_before_once_it_recovers(hub: Connected) -> None:
    waits = []
    for failures in range(1, 9):
        with hub.work.write() as session:
            rows.failed(session, CONNECTION, "incremental", "The source does not answer.", None, hub.now)
        with hub.work.read() as session:
            schedule = scheduling.schedules_of(rows.get(session, CONNECTION), {"incremental": hub.now})[0]
        assert schedule.failures == failures
        at = next_due(schedule, hub.now)
        assert at is not None
        waits.append(at - hub.now)
    assert waits == sorted(waits)
    assert waits[0] <= timedelta(minutes=15)
    assert waits[-1] == timedelta(hours=6)
    hub.sync()
    shown = connections.get(hub.hub, CONNECTION)
    assert shown.next_due_at is not None
    assert shown.next_due_at - hub.now <= timedelta(minutes=15)


def test_a_census_that_failed_is_not_begun_again_at_every_look(hub: Connected) -> None:
    hub.now += timedelta(days=1)
    run_id = next(id_ for id_ in scheduling.tick(hub.hub) if _mode(hub, id_) == "census")
    with hub.work.write() as session:
        syncing.update_run(session, run_id, state="failed", finished_at=hub.now)
        rows.failed(session, CONNECTION, "census", "The source does not answer.", None, hub.now)
    hub.now += timedelta(seconds=15)
    assert "census" not in [_mode(hub, id_) for id_ in scheduling.tick(hub.hub)]


def _mode(hub: Connected, run_id: str) -> str:
    return str(next(run.mode for run in hub.rows("sync_runs") if run.id == run_id))


def test_next_due_times_are_told_for_each_kind_of_run(hub: Connected) -> None:
    change(hub, schedules={"full": "0 3 * * 0", "census": None})
    shown = connections.get(hub.hub, CONNECTION)
    assert shown.next_due["census"] is None
    assert shown.next_due["full"] is not None
    assert shown.next_due["full"].weekday() == 6
    assert shown.next_due_at == shown.next_due["incremental"]
    with hub.work.read() as session:
        assert session.scalars(sa.select(Connection.schedules)).one() == {"incremental": "every 15m", "full": "0 3 * * 0", "census": None}
