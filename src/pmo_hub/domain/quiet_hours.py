"""Quiet hours: windows of the local week in which nothing begins by itself. They follow the clock on the wall, however that is changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo

from pmo_hub.domain.local_time import showings, skipped_to

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
EVERY_DAY = frozenset(range(7))
_MOST_STEPS = 64


@dataclass(frozen=True, slots=True)
class Window:
    """From `start` on each of the `days` (0 = Monday) until `end`, on the next day where that is not later; both to the minute.

    Equal times are a whole day. `start` belongs to the window, `end` no longer does.
    """

    start: time
    end: time
    days: frozenset[int] = EVERY_DAY

    def holds(self, wall: datetime) -> bool:
        """Whether a clock that shows `wall` (naive) is in the window."""
        now, day = wall.time(), wall.weekday()
        if self.start < self.end:
            return day in self.days and self.start <= now < self.end
        return (day in self.days and now >= self.start) or ((day - 1) % 7 in self.days and now < self.end)

    def end_after(self, wall: datetime) -> datetime:
        """The wall time at which the window that holds `wall` ends."""
        day = wall.date()
        if self.start >= self.end and not ((wall.weekday() - 1) % 7 in self.days and wall.time() < self.end):
            day += timedelta(days=1)
        return datetime.combine(day, self.end)


def is_quiet(windows: Sequence[Window], at: datetime, where: tzinfo) -> bool:
    """Whether the instant lies in one of the windows."""
    wall = at.astimezone(where).replace(tzinfo=None)
    return any(window.holds(wall) for window in windows)


def opens_at(windows: Sequence[Window], at: datetime, where: tzinfo) -> datetime | None:
    """The first instant from `at` on that lies in no window; None where they leave nothing of the week."""
    for _ in range(_MOST_STEPS):
        wall = at.astimezone(where).replace(tzinfo=None)
        holding = next((window for window in windows if window.holds(wall)), None)
        if holding is None:
            return at
        end = holding.end_after(wall)
        shown = showings(end, where) or (skipped_to(end, where),)
        # Of two showings of the end the one that is still to come: the hour that is turned back is quiet twice.
        at = next((one for one in shown if one > at), at + timedelta(minutes=1))
    return None


def leave_nothing(windows: Sequence[Window]) -> bool:
    """Whether the windows cover every minute of a week."""
    monday = datetime.combine(date(2026, 1, 5), time())
    edges = {monday + timedelta(days=day, hours=w.end.hour, minutes=w.end.minute) for w in windows for day in range(7)}
    # What is open begins where some window ends, so that looking there is enough.
    return bool(windows) and all(any(window.holds(edge) for window in windows) for edge in edges)
