"""Which syncs are due: schedules are rows of ours, each fire is a job with a unique slot, so that two replicas fire once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import blake2b

from pmo_hub.services import sync
from pmo_hub.services.hub import Hub
from pmo_hub.store.repositories import censuses, connections, syncing


@dataclass(frozen=True, slots=True)
class Schedule:
    """A connection's rhythm; `mode` incremental or census. Last begun None: never."""

    connection_id: str
    mode: str
    interval: timedelta
    is_paused: bool
    last_begun_at: datetime | None


@dataclass(frozen=True, slots=True)
class Fire:
    connection_id: str
    mode: str
    slot: str


def due(schedules: Iterable[Schedule], now: datetime) -> list[Fire]:
    """The schedules whose interval has passed since their last run began, each with the slot of time that `now` lies in.

    A connection's slots are shifted by up to a tenth of its interval, so that many connections don't fire at once.
    """
    fires = []
    for s in schedules:
        if s.is_paused or s.interval <= timedelta(0):
            continue
        at = next_due(s)
        if at is None or at <= now:
            slot = int((now.timestamp() + _jitter(s).total_seconds()) // s.interval.total_seconds())
            fires.append(Fire(s.connection_id, s.mode, f"{s.mode}:{s.connection_id}:{slot}"))
    return fires


def next_due(schedule: Schedule) -> datetime | None:
    """When the schedule fires next; None while it never ran."""
    return None if schedule.last_begun_at is None else schedule.last_begun_at + schedule.interval


def _jitter(schedule: Schedule) -> timedelta:
    share = blake2b(schedule.connection_id.encode(), digest_size=2).digest()
    return schedule.interval * 0.1 * (int.from_bytes(share, "big") / 65_536)


def tick(hub: Hub) -> list[str]:
    """Enqueue every run that is due; returns the runs' ids."""
    now = hub.now()
    with hub.work.read() as session:
        stored = connections.everyone(session)
        begun = connections.last_started(session, [c.id for c in stored])
        counted = {c.id: censuses.last_begun(session, c.id) for c in stored}
    schedules = []
    for c in stored:
        paused = c.state != "active"
        schedules.append(Schedule(c.id, "incremental", timedelta(minutes=c.interval_minutes), paused, begun.get(c.id)))
        # The first census waits for its interval after the connection was made: until then there is nothing to compare.
        last = counted[c.id] or c.created_at.astimezone(UTC)
        schedules.append(Schedule(c.id, "census", timedelta(minutes=c.census_interval_minutes), paused, last))
    ids = []
    for fire in due(schedules, now):
        with hub.work.write() as session:
            if not syncing.has_unfinished(session, fire.connection_id, fire.mode):
                ids.append(sync.enqueue(session, fire.connection_id, fire.mode, now, fire.slot))
    return ids
