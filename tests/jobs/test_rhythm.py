"""How often something fires: what people write is understood, and local times are met whatever the clock on the wall does."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pmo_hub.jobs.rhythm import Cron, Every, RhythmError, parsed, spelled

ZURICH = ZoneInfo("Europe/Zurich")
KATHMANDU = ZoneInfo("Asia/Kathmandu")
LORD_HOWE = ZoneInfo("Australia/Lord_Howe")


def fires(text: str, after: str, where: ZoneInfo, count: int) -> list[str]:
    """Local times with their offset."""
    at: datetime | None = datetime.fromisoformat(after)
    found = []
    for _ in range(count):
        assert at is not None
        at = parsed(text).next_after(at, where)
        found.append(at.astimezone(where).isoformat(timespec="minutes") if at else "never")
    return found


@pytest.mark.parametrize(
    ("text", "after", "where", "expected"),
    [
        # From Friday noon: cron's 1 is Monday, whatever a library counts from.
        ("0 3 * * 1-5", "2026-11-20T12:00Z", ZURICH, ["2026-11-23T03:00+01:00", "2026-11-24T03:00+01:00"]),
        ("0 3 * * 0", "2026-11-20T12:00Z", ZURICH, ["2026-11-22T03:00+01:00", "2026-11-29T03:00+01:00"]),
        ("0 3 * * 7", "2026-11-20T12:00Z", ZURICH, ["2026-11-22T03:00+01:00"]),
        ("0 3 * * fri-mon", "2026-11-20T12:00Z", ZURICH, ["2026-11-21T03:00+01:00", "2026-11-22T03:00+01:00", "2026-11-23T03:00+01:00"]),
        ("0 0 * * */2", "2026-11-20T12:00Z", ZURICH, ["2026-11-21T00:00+01:00", "2026-11-22T00:00+01:00", "2026-11-24T00:00+01:00"]),
        # The 13th as well as every Friday, as in every cron.
        ("0 3 13 * 5", "2026-12-05T12:00Z", ZURICH, ["2026-12-11T03:00+01:00", "2026-12-13T03:00+01:00", "2026-12-18T03:00+01:00"]),
        ("0 9 * * *", "2026-11-20T12:00Z", KATHMANDU, ["2026-11-21T09:00+05:45"]),
        # The clock skips 02:00 to 03:00: a time in between fires at the change, once.
        ("30 2 * * *", "2026-03-28T12:00Z", ZURICH, ["2026-03-29T03:00+02:00", "2026-03-30T02:30+02:00"]),
        # Every half hour that passes, none added for those that were skipped.
        ("*/30 * * * *", "2026-03-29T00:00Z", ZURICH, ["2026-03-29T01:30+01:00", "2026-03-29T03:00+02:00", "2026-03-29T03:30+02:00"]),
        # The clock shows 02:30 twice: a nightly run fires the first time only …
        ("30 2 * * *", "2026-10-24T12:00Z", ZURICH, ["2026-10-25T02:30+02:00", "2026-10-26T02:30+01:00"]),
        ("30 2 * * *", "2026-10-25T00:45Z", ZURICH, ["2026-10-26T02:30+01:00"]),
        # … and one of every half hour each time.
        ("*/30 * * * *", "2026-10-25T00:00Z", ZURICH,
         ["2026-10-25T02:30+02:00", "2026-10-25T02:00+01:00", "2026-10-25T02:30+01:00", "2026-10-25T03:00+01:00"]),
        # There the clock is changed by half an hour.
        ("15 2 * * *", "2026-10-03T00:00Z", LORD_HOWE, ["2026-10-04T02:30+11:00", "2026-10-05T02:15+11:00"]),
        ("45 1 * * *", "2026-04-04T00:00Z", LORD_HOWE, ["2026-04-05T01:45+11:00", "2026-04-06T01:45+10:30"]),
        ("0 0 29 2 *", "2026-11-20T12:00Z", ZURICH, ["2028-02-29T00:00+01:00"]),
    ],
)  # fmt: skip
def test_a_cron_schedule_fires_at_its_local_times(text: str, after: str, where: ZoneInfo, expected: list[str]) -> None:
    assert fires(text, after, where, len(expected)) == expected


@pytest.mark.parametrize(
    ("text", "rhythm", "spelt"),
    [
        ("every 15m", Every(timedelta(minutes=15)), "every 15m"),
        ("Every  90 m", Every(timedelta(minutes=90)), "every 90m"),
        ("every 60m", Every(timedelta(hours=1)), "every 1h"),
        ("every 24h", Every(timedelta(days=1)), "every 1d"),
        (" 0 3 * * MON ", Cron("0 3 * * mon"), "0 3 * * mon"),
    ],
)
def test_what_is_written_is_understood_and_spelt_one_way(text: str, rhythm: Every | Cron, spelt: str) -> None:
    assert parsed(text) == rhythm
    assert spelled(rhythm) == spelt
    assert parsed(spelt) == rhythm


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "is no schedule"), ("every", "is no schedule"), ("every 0m", "lies between"), ("every 32d", "lies between"),
        ("every 5s", "is no schedule"), ("* * * *", "is no schedule"), ("61 * * * *", "is no schedule"), ("@daily", "is no schedule"),
        ("* * * * 8", "no day of the week"), ("* * * * mon-xyz", "no day of the week"), ("0 3 30 2 *", "never fires"),
        ("0 3 * * 1/0", "is no schedule"),
    ],
)  # fmt: skip
def test_what_is_no_schedule_says_what_to_write(text: str, told: str) -> None:
    with pytest.raises(RhythmError, match=told):
        parsed(text)


@given(
    st.sampled_from(["*/15 * * * *", "30 2 * * *", "0 3 * * 1-5", "5 */3 * * *", "0 0 1 * *"]),
    st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
    st.sampled_from([ZURICH, KATHMANDU, LORD_HOWE, ZoneInfo("America/New_York")]),
)
def test_a_fire_is_later_and_none_lies_between(text: str, at: datetime, where: ZoneInfo) -> None:
    rhythm = parsed(text)
    found = rhythm.next_after(at, where)
    assert found is not None
    assert found > at
    # Whoever asks from just before hears of the same fire.
    assert rhythm.next_after(found - timedelta(seconds=1), where) == found
    assert rhythm.next_after(at + (found - at) / 2, where) == found
