"""Lower bounds of time in a query, for servers that do not take epoch milliseconds.

A date-time in a query is wall-clock time in the zone of the calling user's profile, to the minute. A bound may be earlier than meant,
which costs a few issues read again, and never later, which would lose some.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

FURTHEST_WEST = timedelta(hours=12)


def zone_of(name: object) -> ZoneInfo | None:
    """The zone of a profile; None for a name that is none."""
    try:
        return ZoneInfo(str(name)) if name else None
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


def wall_clock(ms: int, zone: ZoneInfo | None) -> str:
    """The minute of `ms` as the server must read it: "2026-11-23 14:45". Without a zone, as the furthest one from UTC would write it."""
    moment = datetime.fromtimestamp(ms // 60_000 * 60, UTC)
    if zone is None:
        return _text(moment - FURTHEST_WEST)
    local = moment.astimezone(zone)
    first, second = (local.replace(fold=fold).utcoffset() or timedelta() for fold in (0, 1))
    if first > second:
        # In the hour that clocks show twice nobody can say which one is meant; the one before it comes once.
        local = local.replace(tzinfo=None) - (first - second)
    return _text(local)


def _text(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%d %H:%M")
