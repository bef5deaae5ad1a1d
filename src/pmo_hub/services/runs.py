"""Sync runs as people see them: how far, how fast, how long still."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pmo_hub.services.errors import NotFound
from pmo_hub.services.hub import Hub
from pmo_hub.store.repositories import sync_runs
from pmo_hub.store.repositories.sync_runs import StoredRun

# What a run that has read nothing yet is taken to read: a modest figure for a source over the internet, history included.
ASSUMED_OBJECTS_PER_S = 50.0
STATES = ("queued", "running", "finished", "failed", "waiting", "held", "interrupted")
MODES = ("incremental", "full", "census", "accepting_census", "remap")


@dataclass(frozen=True, slots=True)
class RunInfo:
    """A run; counts are by payload kind. `seconds_left` None: unknown, or there is nothing left to do."""

    id: str
    connection_id: str
    mode: str
    trigger: str
    state: str
    started_at: datetime
    heartbeat_at: datetime | None
    finished_at: datetime | None
    waiting_until: datetime | None
    fetched: Mapping[str, int]
    expected: Mapping[str, int]
    changed: Mapping[str, int]
    gone: Mapping[str, int]
    quarantined: int
    requests: int
    error: str | None
    seconds_left: int | None


def seconds_left(run: StoredRun, now: datetime) -> int | None:
    """How long the run will still take at the speed that it had so far.

    Only kinds whose number the source told count; before the first page it is the scopes' estimate at an assumed speed.
    """
    if run.state == "queued":
        return None if run.estimate is None else round(run.estimate / ASSUMED_OBJECTS_PER_S)
    if run.state == "waiting" and run.waiting_until is not None:
        return max(0, round((run.waiting_until - now).total_seconds()))
    if run.state != "running":
        return None
    expected = sum(run.expected.values())
    fetched = sum(run.fetched.get(kind, 0) for kind in run.expected)
    elapsed_s = (now - run.started_at).total_seconds()
    if not expected or not fetched or elapsed_s <= 0:
        return None
    return max(0, round((expected - fetched) * elapsed_s / fetched))


def get(hub: Hub, id: str) -> RunInfo:
    """The run; raises NotFound."""
    with hub.work.read() as session:
        run = sync_runs.get(session, id)
    if run is None:
        raise NotFound("sync run", id)
    return _info(run, hub.now())


def parts(hub: Hub, id: str) -> Sequence[Mapping[str, Any]]:
    """What came in the run by partition and kind, as `completeness.Part` has it; nothing before it ended."""
    with hub.work.read() as session:
        return sync_runs.parts(session, id)


def page(hub: Hub, connection_id: str | None, state: str | None, after: tuple[datetime, str] | None, limit: int) -> Sequence[RunInfo]:
    """Runs, the newest first, those after (started, id)."""
    now = hub.now()
    with hub.work.read() as session:
        return [_info(run, now) for run in sync_runs.page(session, connection_id, state, after, limit)]


def _info(run: StoredRun, now: datetime) -> RunInfo:
    return RunInfo(
        run.id, run.connection_id, run.mode, run.trigger, run.state, run.started_at, run.heartbeat_at, run.finished_at,
        run.waiting_until, run.fetched, run.expected, run.changed, run.gone, run.quarantined, run.requests, run.error,
        seconds_left(run, now),
    )  # fmt: skip
