"""The job table: at least once, one at a time per lock, a fire's slot unique."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session, aliased

from pmo_hub.store.models.operation import Job


@dataclass(frozen=True, slots=True)
class Claimed:
    id: str
    kind: str
    arguments: Mapping[str, Any]
    attempts: int


def add(
    session: Session, kind: str, slot: str, lock: str, arguments: Mapping[str, Any], run_at: datetime, now: datetime | None = None
) -> None:
    """A job for that slot is there, once."""
    exists = session.scalar(sa.select(Job.id).where(Job.slot == slot))
    if exists is not None:
        return
    statement = sa.insert(Job).values(
        id=secrets.token_hex(16), kind=kind, slot=slot, lock=lock, arguments=dict(arguments), state="waiting", run_at=run_at, attempts=0,
        holder=None, heartbeat_at=None, error=None, created_at=now or run_at, finished_at=None,
    )  # fmt: skip
    session.execute(statement)


def claim(session: Session, kinds: list[str], holder: str, now: datetime) -> Claimed | None:
    """The longest due job whose lock is free, now this holder's."""
    other = aliased(Job)
    taken = sa.exists().where(other.lock == Job.lock, other.state == "running")
    query = (
        sa.select(Job)
        .where(Job.state == "waiting", Job.run_at <= now, Job.kind.in_(kinds), ~taken)
        .order_by(Job.run_at, Job.id)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    job = session.scalar(query)
    if job is None:
        return None
    job.state, job.holder, job.heartbeat_at = "running", holder, now
    job.attempts += 1
    session.flush()
    return Claimed(job.id, job.kind, job.arguments, job.attempts)


def beat(session: Session, job_id: str, now: datetime) -> None:
    session.execute(sa.update(Job).where(Job.id == job_id).values(heartbeat_at=now))


def finish(session: Session, job_id: str, error: str | None, now: datetime) -> None:
    state = "finished" if error is None else "failed"
    session.execute(sa.update(Job).where(Job.id == job_id).values(state=state, error=error, finished_at=now, holder=None))


def put_back(session: Session, job_id: str, run_at: datetime) -> None:
    session.execute(sa.update(Job).where(Job.id == job_id).values(state="waiting", run_at=run_at, holder=None))


def hasten(session: Session, lock: str, run_id: str, now: datetime) -> None:
    """The waiting job of that run is due now."""
    waiting = session.scalars(sa.select(Job).where(Job.lock == lock, Job.state == "waiting", Job.run_at > now))
    for job in waiting:
        if job.arguments.get("run_id") == run_id:
            job.run_at = now
    session.flush()


def is_known(session: Session, slot: str) -> bool:
    """Whether that slot was fired already."""
    return session.scalar(sa.select(Job.id).where(Job.slot == slot)) is not None


def reap(session: Session, is_alive: Callable[[str], bool], silent_since: datetime) -> int:
    """Running jobs whose process ended, or that have been silent since then, wait again."""
    rows = session.execute(sa.select(Job.id, Job.holder, Job.heartbeat_at).where(Job.state == "running")).all()
    dead = [r.id for r in rows if r.holder is None or not is_alive(r.holder) or r.heartbeat_at < silent_since]
    for id_ in dead:
        session.execute(sa.update(Job).where(Job.id == id_, Job.state == "running").values(state="waiting", holder=None))
    return len(dead)


def forget(session: Session, before: datetime) -> None:
    """Ended jobs are kept for a while only."""
    session.execute(sa.delete(Job).where(Job.state.in_(("finished", "failed")), Job.finished_at < before))
