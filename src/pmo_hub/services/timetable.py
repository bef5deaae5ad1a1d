"""When a connection is read by itself: a schedule for each kind of run, a time zone, and quiet hours. What is stored is text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta, tzinfo
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from pmo_hub.domain.local_time import zone
from pmo_hub.domain.quiet_hours import EVERY_DAY, WEEKDAYS, Window, leave_nothing, opens_at
from pmo_hub.jobs.rhythm import Rhythm, RhythmError, parsed, spelled
from pmo_hub.services.errors import Fault, Invalid
from pmo_hub.store.repositories.connections import Stored

READS = ("incremental", "full")
MODES = (*READS, "census")
DEFAULTS: Mapping[str, str | None] = {"incremental": "every 15m", "full": None, "census": "every 1d"}
MOST_WINDOWS = 20

_FROM = datetime(2026, 1, 5, tzinfo=UTC)
_MOST_FIRES = 2_000
_HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Timetable:
    """Mode → its rhythm, None for never; local times are those of `where`."""

    rhythms: Mapping[str, Rhythm | None]
    where: tzinfo
    quiet: Sequence[Window]


def timetable(connection: Stored) -> Timetable:
    """The stored texts, understood; they were checked when they were stored."""
    rhythms = {mode: None if text is None else parsed(text) for mode, text in connection.schedules.items()}
    return Timetable(rhythms, zone(connection.time_zone), [window_of(one) for one in connection.quiet_hours])


def checked(
    schedules: Mapping[str, str | None], time_zone: str, quiet_hours: Sequence[Mapping[str, Any]], before: Mapping[str, str | None]
) -> dict[str, Any]:
    """The columns of a connection that say this; `before` has the schedules that are left out. Raises Invalid.

    A window is {"start": "22:00", "end": "06:00", "days": ["mon", …]}; without days it is every day's.
    """
    faults: list[Fault] = []
    spelt: dict[str, str | None] = {}
    rhythms: dict[str, Rhythm | None] = {}
    for mode, text in {**before, **schedules}.items():
        if mode not in MODES:
            faults.append(Fault(f"/schedules/{mode}", f"There is no schedule {mode!r}; there are {', '.join(MODES)}.", "schedule"))
            continue
        try:
            rhythms[mode] = None if text is None else parsed(text)
        except RhythmError as error:
            faults.append(Fault(f"/schedules/{mode}", str(error), "schedule"))
            continue
        found = rhythms[mode]
        spelt[mode] = None if found is None else spelled(found)
    if time_zone not in available_timezones():
        faults.append(Fault("/time_zone", f"{time_zone!r} is no time zone: write one like Europe/Zurich, or UTC.", "time_zone"))
    windows = []
    for place, one in enumerate(quiet_hours):
        try:
            windows.append(window_of(one))
        except ValueError as error:
            faults.append(Fault(f"/quiet_hours/{place}", str(error), "quiet_hours"))
    if len(quiet_hours) > MOST_WINDOWS or leave_nothing(windows):
        faults.append(Fault("/quiet_hours", f"At most {MOST_WINDOWS} windows, and they must leave some of the week.", "quiet_hours"))
    if faults:
        raise Invalid.of(faults)
    told = [{"days": [WEEKDAYS[day] for day in sorted(w.days)], "start": f"{w.start:%H:%M}", "end": f"{w.end:%H:%M}"} for w in windows]
    cadence = cadence_minutes(Timetable(rhythms, ZoneInfo(time_zone), windows))
    return {"schedules": spelt, "time_zone": time_zone, "quiet_hours": told, "cadence_minutes": cadence}


def cadence_minutes(table: Timetable) -> int | None:
    """The longest time between two reads of a usual week or year, rounded up; None where nothing is read by itself."""
    spans = [longest for mode in READS if (rhythm := table.rhythms.get(mode)) and (longest := _longest_gap(rhythm, table))]
    return None if not spans else -(-min(spans) // timedelta(minutes=1))


def _longest_gap(rhythm: Rhythm, table: Timetable) -> timedelta | None:
    """Dense fires are looked at from hour to hour, sparse ones one by one, for two weeks or the first two dozen fires."""
    at, longest, seen = _FROM, None, 0
    while seen < _MOST_FIRES and (at - _FROM < timedelta(days=15) or seen < 24):
        fire = rhythm.next_after(at, table.where)
        allowed = None if fire is None else opens_at(table.quiet, fire, table.where)
        if allowed is None:
            break
        gap = allowed - at
        # From where the walk begins to the first fire is no gap between two.
        if seen or gap < _HOUR:
            longest = gap if longest is None else max(longest, gap)
        at = allowed if gap >= _HOUR else max(allowed, at.replace(minute=0, second=0, microsecond=0) + _HOUR)
        seen += 1
    return longest


def window_of(one: Mapping[str, Any]) -> Window:
    """The window that {"start", "end", "days"} says; raises ValueError."""
    days = one.get("days")
    try:
        chosen = EVERY_DAY if not days else frozenset(WEEKDAYS.index(day) for day in days)
        return Window(_time(one["start"]), _time(one["end"]), chosen)
    except (KeyError, ValueError, TypeError):
        raise ValueError('A window is written {"start": "22:00", "end": "06:00", "days": ["mon", "tue"]}.') from None


def _time(text: str) -> time:
    read = time.fromisoformat(text)
    if read.tzinfo is not None or read.second or read.microsecond:
        raise ValueError("to the minute")
    return read
