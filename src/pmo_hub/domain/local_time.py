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


def showings(wall: datetime, where: tzinfo) -> tuple[datetime, ...]:
    """The instants at which a clock on the wall there shows `wall` (naive): two where it is turned back, none where it skips that."""
    first, second = (wall.replace(tzinfo=where, fold=fold).astimezone(UTC) for fold in (0, 1))
    return tuple(at for at in sorted({first, second}) if at.astimezone(where).replace(tzinfo=None) == wall)


def skipped_to(wall: datetime, where: tzinfo) -> datetime:
    """The instant at which the clock jumps over `wall`, which it never shows."""
    # The offsets before and after the jump bound it: fold=1 reads the wall with the later one.
    early, late = sorted(wall.replace(tzinfo=where, fold=fold).astimezone(UTC) for fold in (0, 1))
    before = early.astimezone(where).utcoffset()
    while late - early > timedelta(seconds=1):
        middle = early + (late - early) / 2
        if middle.astimezone(where).utcoffset() == before:
            early = middle
        else:
            late = middle
    return late.replace(microsecond=0)
