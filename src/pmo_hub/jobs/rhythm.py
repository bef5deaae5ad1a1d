"""How often something fires: `every 15m`, or five fields of cron in a time zone. Pure; the cron fields are APScheduler's to understand.

RhythmError   the text is neither; says what to write
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from functools import lru_cache
from typing import Any

from apscheduler.triggers.cron import CronTrigger  # type: ignore[import-untyped]

from pmo_hub.domain.local_time import showings, skipped_to

LONGEST = timedelta(days=31)
SHORTEST = timedelta(minutes=1)
HOW = "write every 15m, every 6h or every 1d, or five cron fields such as 0 3 * * 1-5"

_UNITS = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1)}
_EVERY = re.compile(r"every\s+(\d{1,6})\s*([mhd])")
_FIELD = re.compile(r"[0-9a-z*,/-]+")
# Numbers of weekdays as cron counts them: 0 and 7 are Sunday. APScheduler counts from Monday, so it gets names.
_WEEKDAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat", "sun")
# Beyond this no fire is looked for: what has not fired by then (30 February) never will.
_YEARS = "2000-2099"
_AROUND = timedelta(hours=3)


class RhythmError(ValueError):
    """The text says no rhythm; the message says what to write."""


@dataclass(frozen=True, slots=True)
class Every:
    """So long after the last began."""

    interval: timedelta

    def next_after(self, at: datetime, where: tzinfo) -> datetime | None:
        """The first fire later than `at`."""
        return at + self.interval


@dataclass(frozen=True, slots=True)
class Cron:
    """At the local times that five fields name: minute, hour, day of the month, month, day of the week.

    Where day of the month and day of the week are both narrowed, either will do, as in every cron. A time that the clock skips fires at
    the change, one that it shows twice fires the first time; but an hour of `*` means each hour that passes, so none is missed or added.
    """

    expression: str

    def next_after(self, at: datetime, where: tzinfo) -> datetime | None:
        """The first fire later than `at`; None where there is none any more."""
        every_hour = self.expression.split()[1].startswith("*")
        changes = (at - _AROUND).astimezone(where).utcoffset() != (at + _AROUND).astimezone(where).utcoffset()
        found: datetime | None = None
        for wall in self._walls((at - _AROUND if changes else at).astimezone(where).replace(tzinfo=None)):
            shown = showings(wall, where)
            if not shown and not every_hour:
                shown = (skipped_to(wall, where),)
            elif not every_hour:
                shown = shown[:1]
            if found is not None and shown and shown[0] >= found:
                return found
            later = [one for one in shown if one > at]
            if later:
                found = min([*later, *([found] if found else [])])
                if not changes and len(shown) == 1:
                    return found
        return found

    def _walls(self, after: datetime) -> Iterator[datetime]:
        """Local times later than `after`, in order."""
        triggers = _triggers(self.expression)
        while True:
            start = after.replace(tzinfo=UTC) + timedelta(microseconds=1)
            times = [fire for trigger in triggers if (fire := trigger.get_next_fire_time(None, start)) is not None]
            if not times:
                return
            after = min(times).replace(tzinfo=None)
            yield after


Rhythm = Every | Cron


def parsed(text: str) -> Rhythm:
    """The rhythm that the text says; raises RhythmError."""
    words = " ".join(text.lower().split())
    every = _EVERY.fullmatch(words)
    if every is not None:
        interval = int(every[1]) * _UNITS[every[2]]
        if not SHORTEST <= interval <= LONGEST:
            raise RhythmError(f"An interval lies between 1 minute and {LONGEST.days} days.")
        return Every(interval)
    if len(words.split()) != 5 or not all(map(_FIELD.fullmatch, words.split())):
        raise RhythmError(f"{text!r} is no schedule: {HOW}.")
    cron = Cron(words)
    try:
        first = cron.next_after(datetime(2024, 1, 1, tzinfo=UTC), UTC)
    except ValueError as error:
        raise RhythmError(f"{text!r} is no schedule ({error}): {HOW}.") from None
    if first is None:
        raise RhythmError(f"{text!r} never fires: no day is like that.")
    return cron


def spelled(rhythm: Rhythm) -> str:
    """The text that says the rhythm, always the same for the same one."""
    if isinstance(rhythm, Cron):
        return rhythm.expression
    unit = next(unit for unit in ("d", "h", "m") if rhythm.interval % _UNITS[unit] == timedelta(0))
    return f"every {rhythm.interval // _UNITS[unit]}{unit}"


@lru_cache(maxsize=1_024)
def _triggers(expression: str) -> tuple[Any, ...]:
    minute, hour, day, month, weekday = expression.split()
    names = ",".join(dict.fromkeys(_named(weekday)))
    made = [{"day": day, "day_of_week": names}]
    if not day.startswith("*") and not weekday.startswith("*"):
        made = [{"day": day, "day_of_week": "*"}, {"day": "*", "day_of_week": names}]
    return tuple(CronTrigger(year=_YEARS, month=month, hour=hour, minute=minute, second=0, timezone=UTC, **one) for one in made)


def _named(field: str) -> Iterator[str]:
    """The weekdays of a cron field by name; raises ValueError."""
    for part in field.split(","):
        span, _, step = part.partition("/")
        first, dash, last = span.partition("-")
        if span == "*":
            low, high = 0, 6
        else:
            low = _weekday(first)
            high = _weekday(last) if dash else (6 if step else low)
        if dash and high < low:
            high += 7
        if step and int(step) < 1:
            raise ValueError("a step is at least 1")
        yield from (_WEEKDAYS[day % 7] for day in range(low, high + 1, int(step or 1)))


def _weekday(text: str) -> int:
    if text in _WEEKDAYS:
        return _WEEKDAYS.index(text)
    if text.isdigit() and int(text) <= 7:
        return int(text)
    raise ValueError(f"{text!r} is no day of the week")
