"""Dates of Dataverse: instants in UTC, one of which stands for none, and the wall clock of a plan's zone."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

_NONE = datetime(2000, 1, 1, tzinfo=UTC)
"""Written where a date was never set; real ones begin after it."""


def instant(text: str | None) -> datetime | None:
    """An aware UTC instant; None for none, for the date that stands for none, and for what is no date."""
    if not text:
        return None
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    at = at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    return at if at > _NONE else None


@lru_cache(maxsize=64)
def zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)


def wall_clock(text: str | None, name: str) -> datetime | None:
    """What a clock on the wall of that zone shows, naive; None as for `instant`."""
    at = instant(text)
    return None if at is None else at.astimezone(zone(name)).replace(tzinfo=None)
