"""Lower bounds in the zone of a profile: never later than meant, whatever the clocks of that place do."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pmo_hub_jira.zones import wall_clock, zone_of

MINUTE = timedelta(minutes=1)
SECONDS = st.integers(1_577_836_800, 1_956_528_000)
"""Of the years 2020 to 2031."""


def ms(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp() * 1000)


@pytest.mark.parametrize(
    ("moment", "zone", "written"),
    [
        ("2026-11-23T09:00:59+00:00", "UTC", "2026-11-23 09:00"),
        ("2026-11-23T09:00:00+00:00", "Asia/Kathmandu", "2026-11-23 14:45"),  # +05:45
        ("2026-11-23T20:00:00+00:00", "Asia/Kathmandu", "2026-11-24 01:45"),
        ("2026-07-01T09:00:00+00:00", "Europe/Berlin", "2026-07-01 11:00"),
        # On 25 October 2026 clocks in Berlin go from 03:00 back to 02:00: 02:30 comes twice, 01:30 once.
        ("2026-10-25T00:30:00+00:00", "Europe/Berlin", "2026-10-25 01:30"),
        ("2026-10-25T01:30:00+00:00", "Europe/Berlin", "2026-10-25 01:30"),
        ("2026-10-25T02:30:00+00:00", "Europe/Berlin", "2026-10-25 03:30"),
        # On 29 March 2026 they go from 02:00 to 03:00.
        ("2026-03-29T01:30:00+00:00", "Europe/Berlin", "2026-03-29 03:30"),
        ("2026-03-29T00:59:00+00:00", "Europe/Berlin", "2026-03-29 01:59"),
        # By half an hour only.
        ("2026-04-04T15:15:00+00:00", "Australia/Lord_Howe", "2026-04-05 01:15"),
    ],
)
def test_a_bound_is_written_as_the_account_reads_its_clock(moment: str, zone: str, written: str) -> None:
    assert wall_clock(ms(moment), ZoneInfo(zone)) == written


@given(
    SECONDS,
    st.sampled_from(
        ["UTC", "Asia/Kathmandu", "Europe/Berlin", "America/St_Johns", "Australia/Lord_Howe", "Pacific/Chatham", "America/Santiago"]
    ),
    st.sampled_from([0, 1]),
)
def test_whichever_hour_the_server_takes_a_bound_is_never_late(second: int, name: str, fold: int) -> None:
    """And never earlier than two hours: `fold` is which of two equal hours the server means."""
    zone, moment = ZoneInfo(name), datetime.fromtimestamp(second, UTC)
    meant = datetime.fromisoformat(wall_clock(second * 1000, zone)).replace(tzinfo=zone, fold=fold).astimezone(UTC)
    assert moment - timedelta(hours=2) - MINUTE <= meant <= moment


@given(SECONDS, st.integers(-12 * 60, 14 * 60))
def test_of_an_unknown_zone_no_bound_is_late(second: int, offset_minutes: int) -> None:
    written = datetime.fromisoformat(wall_clock(second * 1000, None)).replace(tzinfo=UTC)
    assert written - timedelta(minutes=offset_minutes) <= datetime.fromtimestamp(second, UTC)


@pytest.mark.parametrize("name", [None, "", "Mars/Olympus", "../etc/passwd", 7])
def test_a_name_that_is_no_zone_is_none(name: object) -> None:
    assert zone_of(name) is None


def test_a_zone_by_its_name() -> None:
    assert zone_of("Asia/Kathmandu") == ZoneInfo("Asia/Kathmandu")
