"""Sync runs as they are shown, and what is going to run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from pmo_hub.store.models.source import SyncRun


@dataclass(frozen=True, slots=True)
class StoredRun:
    """Counts are by payload kind; `estimate` is how many objects the run was expected to read before it knew better."""

    id: str
    connection_id: str
    mode: str
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
    estimate: int | None
    error: str | None


_COLUMNS = [getattr(SyncRun, name) for name in StoredRun.__slots__]


def get(session: Session, id: str) -> StoredRun | None:
    row = session.execute(sa.select(*_COLUMNS).where(SyncRun.id == id)).one_or_none()
    return StoredRun(*row) if row else None


def page(
    session: Session, connection_id: str | None, state: str | None, after: tuple[datetime, str] | None, limit: int
) -> Sequence[StoredRun]:
    """Runs, the newest first, those after (started, id)."""
    query = sa.select(*_COLUMNS).order_by(SyncRun.started_at.desc(), SyncRun.id.desc()).limit(limit)
    if connection_id is not None:
        query = query.where(SyncRun.connection_id == connection_id)
    if state is not None:
        query = query.where(SyncRun.state == state)
    if after is not None:
        query = query.where(sa.tuple_(SyncRun.started_at, SyncRun.id) < after)
    return [StoredRun(*row) for row in session.execute(query)]


def joinable_run(session: Session, connection_id: str, mode: str) -> str | None:
    """A run of that mode that has not begun; one that waits for the source to be ready again takes further requests in too."""
    r = SyncRun
    query = sa.select(r.id).where(r.connection_id == connection_id, r.mode == mode, r.state.in_(("queued", "waiting")))
    return session.scalar(query.limit(1))


def waiting_until(session: Session, connection_id: str) -> datetime | None:
    """Until when the source asked a run of the connection to stay away; None where none waits."""
    r = SyncRun
    return session.scalar(sa.select(sa.func.max(r.waiting_until)).where(r.connection_id == connection_id, r.state == "waiting"))


def failed_at(session: Session, connection_id: str, mode: str) -> datetime | None:
    """When the newest run of that mode failed, or was stopped for an admin; None where it was not."""
    r = SyncRun
    newest = sa.select(r.state, r.finished_at).where(r.connection_id == connection_id, r.mode == mode)
    row = session.execute(newest.order_by(r.started_at.desc(), r.id).limit(1)).one_or_none()
    return row.finished_at if row is not None and row.state in ("failed", "held") else None
