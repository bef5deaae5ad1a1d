"""Which syncs are due: schedules are rows of ours, each fire is a job with a unique slot, so that two replicas fire once.

However many fires were missed, one run makes up for them: what is due is asked of the last run's beginning.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from hashlib import blake2b

from pmo_hub.domain.quiet_hours import Window, opens_at
from pmo_hub.jobs.rhythm import Cron, Rhythm
from pmo_hub.services import sync
from pmo_hub.services.hub import Hub
from pmo_hub.services.timetable import MODES, timetable
from pmo_hub.store.repositories import connections, syncing
from pmo_hub.store.repositories.connections import ACTIVE, Stored

JITTER_SHARE = 0.1
MOST_JITTER = timedelta(minutes=5)
BACK_OFF = timedelta(minutes=5)
LONGEST_BACK_OFF = timedelta(hours=6)
STOPPED_WAIT = timedelta(minutes=15)
"""A run that was queued by the schedule of a connection that has been stopped since is looked at again so often."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """A connection's rhythm for one mode. `last_begun_at` None: never, so it is due.

    `is_stopped`: paused by an admin, or failing until one acts. `failures` of its kind of run in a row, the last at `failed_at`.
    """

    connection_id: str
    mode: str
    rhythm: Rhythm
    where: tzinfo
    last_begun_at: datetime | None
    is_stopped: bool = False
    quiet: Sequence[Window] = ()
    failures: int = 0
    failed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Fire:
    connection_id: str
    mode: str
    slot: str


def due(schedules: Iterable[Schedule], now: datetime) -> list[Fire]:
    """The schedules that fire now, each with its slot: whoever asks, and how often, names one fire the same."""
    fires = []
    for schedule in schedules:
        at = next_due(schedule, now)
        if at is not None and at <= now:
            after = "first" if schedule.last_begun_at is None else schedule.last_begun_at.isoformat()
            fires.append(Fire(schedule.connection_id, schedule.mode, f"{schedule.mode}:{schedule.connection_id}:{after}"))
    return fires


def next_due(schedule: Schedule, now: datetime) -> datetime | None:
    """When the schedule fires next, `now` where it is overdue; None while it is stopped, or where it never does any more.

    Connections with one schedule don't fire at once: an interval ends up to a tenth early, a cron time is met up to five minutes (or a
    tenth of its rhythm) late. After failures in a row it waits longer, and in quiet hours until they are over.
    """
    if schedule.is_stopped:
        return None
    at: datetime | None = now
    if schedule.last_begun_at is not None:
        at = _fire_after(schedule, schedule.last_begun_at)
    if at is None:
        return None
    if schedule.failures and schedule.failed_at is not None:
        at = max(at, schedule.failed_at + back_off(schedule.failures))
    return opens_at(schedule.quiet, max(at, now), schedule.where)


def back_off(failures: int) -> timedelta:
    """How long after so many failures in a row nothing is tried: doubled each time, up to a cap."""
    return min(LONGEST_BACK_OFF, BACK_OFF * (1 << min(failures - 1, 20)))


def _fire_after(schedule: Schedule, last: datetime) -> datetime | None:
    rhythm, where = schedule.rhythm, schedule.where
    at = rhythm.next_after(last, where)
    if at is None:
        return None
    if isinstance(rhythm, Cron):
        further = rhythm.next_after(at, where)
        span = MOST_JITTER if further is None else min(MOST_JITTER, (further - at) * JITTER_SHARE)
        # The same share each time: a nightly run keeps its minute.
        return at + span * _share(schedule.connection_id, schedule.mode)
    return at - rhythm.interval * JITTER_SHARE * _share(schedule.connection_id, schedule.mode, last.isoformat())


def _share(*parts: str) -> float:
    """0 to 1, the same for the same parts."""
    return int.from_bytes(blake2b("|".join(parts).encode(), digest_size=2).digest(), "big") / 65_536


def schedules_of(connection: Stored, begun: Mapping[str, datetime]) -> list[Schedule]:
    """The connection's schedules that aren't "never"; `begun` has when each mode began last. A full read counts as a poll, too."""
    table = timetable(connection)
    found = []
    for mode in MODES:
        rhythm = table.rhythms.get(mode)
        if rhythm is None:
            continue
        last = begun.get(mode)
        if mode == "incremental":
            last = max((at for at in (last, begun.get("full")) if at is not None), default=None)
        elif last is None:
            # The first one waits for its time after the connection was made: until then there is nothing to compare.
            last = connection.created_at
        is_census = mode == "census"
        found.append(
            Schedule(
                connection.id, mode, rhythm, table.where, last, connection.state != ACTIVE, table.quiet,
                connection.census_failures if is_census else connection.failures,
                connection.census_error_at if is_census else connection.last_error_at,
            )
        )  # fmt: skip
    return found


def tick(hub: Hub) -> list[str]:
    """Enqueue every run that is due; returns the runs' ids."""
    now = hub.now()
    with hub.work.read() as session:
        stored = [c for c in connections.everyone(session) if c.state == ACTIVE]
        begun = connections.last_begun(session, [c.id for c in stored])
    fires = due((s for c in stored for s in schedules_of(c, begun[c.id])), now)
    ids = []
    for connection_id in dict.fromkeys(fire.connection_id for fire in fires):
        with hub.work.write() as session:
            # Looked at once more under the connection's lock: another replica may have fired meanwhile.
            connection = connections.lock(session, connection_id)
            if connection is None:
                continue
            again = due(schedules_of(connection, connections.last_begun(session, [connection_id])[connection_id]), now)
            for fire in sorted(again, key=lambda fire: fire.mode != "full"):
                if not syncing.has_unfinished(session, connection_id, _met_by(fire.mode)):
                    ids.append(sync.enqueue(session, connection_id, fire.mode, now, fire.slot, trigger=syncing.SCHEDULE))
    return ids


def _met_by(mode: str) -> tuple[str, ...]:
    """Modes of runs that do all that one of this mode would do."""
    return {"incremental": ("incremental", "full"), "census": syncing.CENSUSES}.get(mode, (mode,))


def held_until(hub: Hub, run_id: str) -> datetime | None:
    """When a run that nobody asked for may begin, where that is not now: its quiet hours came, or its connection was stopped."""
    with hub.work.read() as session:
        run = syncing.run_of(session, run_id)
        if run is None or run.trigger != syncing.SCHEDULE:
            return None
        connection = connections.get(session, run.connection_id)
    now = hub.now()
    if connection.state != ACTIVE:
        return now + STOPPED_WAIT
    table = timetable(connection)
    at = opens_at(table.quiet, now, table.where)
    return None if at == now else at
