"""Days and midnights in a project's zone, and weekdays between two days."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo


@lru_cache(maxsize=256)
def zone(name: str) -> tzinfo:
    """The zone of that IANA name; UTC for a name that no zone has, since a source may carry any text there."""
    try:
        return ZoneInfo(name)
    except (KeyError, OSError, ValueError):
        return UTC


def local_day(instant: datetime, where: tzinfo) -> date:
    """The calendar day of an instant in a zone."""
    return instant.astimezone(where).date()


def day_start(day: date, where: tzinfo) -> datetime:
    """The instant at which a local day begins, in UTC; where midnight is skipped by a clock change, the instant of the change."""
    return datetime.combine(day, time(), where).astimezone(UTC)


def next_midnight(now: datetime, where: tzinfo) -> datetime:
    """The first instant of the next local day."""
    return day_start(local_day(now, where) + timedelta(days=1), where)


def working_days(start: date, end: date) -> int:
    """Weekdays (Monday to Friday) after `start` up to and with `end`; negative when `end` comes first. Holidays are not known here."""
    if end < start:
        return -working_days(end, start)
    weeks, rest = divmod((end - start).days, 7)
    return weeks * 5 + sum((start.weekday() + step) % 7 < 5 for step in range(1, rest + 1))
