"""How long a violation may stand: until it is acknowledged, until it is resolved, and until when it may be waived, by severity."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo

from pmo_hub.domain.local_time import showings, skipped_to
from pmo_hub.domain.violations import State

ACKNOWLEDGE_DAYS: Mapping[str, int] = {"critical": 2, "high": 5, "medium": 10, "low": 20}
RESOLVE_DAYS: Mapping[str, int] = {"critical": 5, "high": 15, "medium": 30, "low": 60}
"""Weekdays (Monday to Friday); what is of no severity named here has no deadline. Holidays are not known here."""

WAIVER_DAYS: Mapping[str, int] = {"critical": 30, "high": 90, "medium": 180, "low": 365, "info": 365}
"""Calendar days, the most that one waiver may last."""

REMINDERS = (timedelta(days=14), timedelta(days=3))
"""So long before a waiver ends it is told."""


@dataclass(frozen=True, slots=True)
class Deadlines:
    """None: its severity has none."""

    acknowledge_by: datetime | None
    resolve_by: datetime | None


def deadlines(severity: str, since: datetime, where: tzinfo) -> Deadlines:
    """Counted in weekdays of the zone from `since` on, at the same time of the day."""
    acknowledge, resolve = ACKNOWLEDGE_DAYS.get(severity), RESOLVE_DAYS.get(severity)
    return Deadlines(
        None if acknowledge is None else after_working_days(since, acknowledge, where),
        None if resolve is None else after_working_days(since, resolve, where),
    )


def after_working_days(since: datetime, days: int, where: tzinfo) -> datetime:
    """The instant so many weekdays later, on a wall that shows the same time; of a weekend the count begins on Monday."""
    wall = since.astimezone(where).replace(tzinfo=None)
    while days:
        wall += timedelta(days=1)
        days -= wall.weekday() < 5
    return (showings(wall, where) or (skipped_to(wall, where),))[0]


def next_breach(state: State, due: Deadlines, after: datetime | None = None) -> datetime | None:
    """The deadline that runs out next, of those later than `after`; None where no clock runs."""
    running: list[datetime | None] = []
    if state in (State.OPEN, State.ACKNOWLEDGED):
        running.append(due.resolve_by)
    if state is State.OPEN:
        running.append(due.acknowledge_by)
    return min((at for at in running if at is not None and (after is None or at > after)), default=None)


def next_look(until: datetime, after: datetime) -> datetime:
    """When a waiver is looked at next: at the first reminder later than `after`, or at its end."""
    return min((at for before in REMINDERS if (at := until - before) > after), default=until)
