"""Leases, runs, state, references and what is pending: the bookkeeping of syncs."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from pmo_hub.domain.identity import row_id
from pmo_hub.store.bulk import is_in, upsert
from pmo_hub.store.models import source as tables

_STATE: Any = tables.SyncState.__table__
_REFERENCES: Any = tables.ReferenceSnapshot.__table__
_BASES: Any = tables.MappingBasis.__table__
_PENDING: Any = tables.PendingDerivation.__table__
_PAYLOADS: Any = tables.Payload.__table__
_STAGED: Any = tables.StagedPayload.__table__

CENSUSES = ("census", "accepting_census")
"""Modes of runs that look for what was deleted and read nothing else."""

REQUEST, SCHEDULE = "request", "schedule"
"""What a run goes back to: somebody who asked, or the hub by itself."""

HOOK = "hook"
"""The mode of a run that fetches what webhooks named, and nothing else."""

REMAP = "remap"
"""The mode of a run that maps stored payloads again and asks the source for nothing."""

READING_NOTHING = (*CENSUSES, HOOK, REMAP)
"""Modes of runs after which no scope is known any further than before."""

UNFINISHED = ("queued", "running", "waiting")


@dataclass(frozen=True, slots=True)
class Lease:
    connection_id: str
    holder: str
    fence: int


@dataclass(frozen=True, slots=True)
class Run:
    id: str
    connection_id: str
    mode: str
    state: str
    started_at: datetime
    fetched: Mapping[str, int]
    expected: Mapping[str, int]
    changed: Mapping[str, int]
    gone: Mapping[str, int]
    quarantined: int
    requests: int
    waiting_until: datetime | None
    error: str | None
    trigger: str = "request"


@dataclass(frozen=True, slots=True)
class ChosenScope:
    id: str
    external_id: str
    name: str
    synced_at: datetime | None


@dataclass(frozen=True, slots=True)
class Snapshot:
    digest: str
    body: bytes
    read_at: datetime


def take_lease(session: Session, connection_id: str, holder: str, is_alive: Any, now: datetime, ttl: timedelta) -> Lease | None:
    """A lease with a new fence, or None while another holder that is alive (`is_alive(holder)`) has an unexpired one."""
    row = session.get(tables.Lease, connection_id, with_for_update=True)
    if row is None:
        row = tables.Lease(connection_id=connection_id, fence=0, holder=None, expires_at=None)
        session.add(row)
    held = row.holder is not None and row.expires_at is not None and row.expires_at > now
    if held and is_alive(row.holder):
        return None
    row.fence += 1
    row.holder = holder
    row.expires_at = now + ttl
    session.flush()
    return Lease(connection_id, holder, row.fence)


def renew(session: Session, lease: Lease, now: datetime, ttl: timedelta) -> bool:
    """False when another took the lease: whoever asks must not write."""
    result: Any = session.execute(
        sa.update(tables.Lease)
        .where(
            tables.Lease.connection_id == lease.connection_id,
            tables.Lease.fence == lease.fence,
            tables.Lease.holder == lease.holder,
        )
        .values(expires_at=now + ttl)
    )
    return int(result.rowcount) == 1


def release(session: Session, lease: Lease) -> None:
    session.execute(
        sa.update(tables.Lease)
        .where(tables.Lease.connection_id == lease.connection_id, tables.Lease.fence == lease.fence)
        .values(holder=None, expires_at=None)
    )


def add_run(session: Session, run_id: str, connection_id: str, mode: str, now: datetime, trigger: str) -> None:
    session.add(
        tables.SyncRun(
            id=run_id,
            connection_id=connection_id,
            mode=mode,
            state="queued",
            trigger=trigger,
            parts=[],
            fence=0,
            started_at=now,
            heartbeat_at=None,
            finished_at=None,
            waiting_until=None,
            fetched={},
            expected={},
            changed={},
            gone={},
            quarantined=0,
            requests=0,
            estimate=None,
            error=None,
            detail=None,
        )
    )
    session.flush()


def waiting_runs(session: Session, connection_id: str) -> dict[str, str]:
    """Mode → the run of that mode which has not begun, so that a further request joins it."""
    r = tables.SyncRun
    rows = session.execute(sa.select(r.mode, r.id).where(r.connection_id == connection_id, r.state == "queued").order_by(r.id.desc()))
    return {row[0]: row[1] for row in rows}


def has_unfinished(session: Session, connection_id: str, modes: Collection[str]) -> bool:
    """Whether a run of one of these modes is queued, running or waiting."""
    r = tables.SyncRun
    wanted = sa.select(r.id).where(r.connection_id == connection_id, r.mode.in_(list(modes)), r.state.in_(UNFINISHED))
    return session.scalar(wanted.limit(1)) is not None


def run_of(session: Session, run_id: str) -> Run | None:
    r = session.get(tables.SyncRun, run_id, populate_existing=True)
    if r is None:
        return None
    return Run(
        r.id, r.connection_id, r.mode, r.state, r.started_at, r.fetched, r.expected, r.changed, r.gone, r.quarantined, r.requests,
        r.waiting_until, r.error, r.trigger,
    )  # fmt: skip


def update_run(session: Session, run_id: str, **values: Any) -> None:
    session.execute(sa.update(tables.SyncRun).where(tables.SyncRun.id == run_id).values(**values))


def interrupt_others(session: Session, connection_id: str, run_id: str, now: datetime) -> None:
    """Runs that say "running" though this one has the lease were cut off."""
    session.execute(
        sa.update(tables.SyncRun)
        .where(tables.SyncRun.connection_id == connection_id, tables.SyncRun.state == "running", tables.SyncRun.id != run_id)
        .values(state="interrupted", finished_at=now, error="The process that ran it ended; the next run goes on where it stopped.")
    )


def chosen_scopes(session: Session, connection_id: str) -> list[ChosenScope]:
    rows = session.execute(
        sa.select(tables.Scope.id, tables.Scope.external_id, tables.Scope.name, tables.Scope.synced_at)
        .where(tables.Scope.connection_id == connection_id, tables.Scope.removed_at.is_(None))
        .order_by(tables.Scope.external_id)
    )
    return [ChosenScope(*r) for r in rows]


def mark_scopes(session: Session, scope_ids: Collection[str], synced_at: datetime | None, error: str | None) -> None:
    values: dict[str, Any] = {"error": error}
    if synced_at is not None:
        values["synced_at"] = synced_at
    session.execute(sa.update(tables.Scope).where(is_in(session, tables.Scope.__table__.c.id, scope_ids)).values(**values))


def state_of(session: Session, connection_id: str) -> dict[str, str]:
    rows = session.execute(sa.select(_STATE.c.key, _STATE.c.value).where(_STATE.c.connection_id == connection_id))
    return {r[0]: r[1] for r in rows}


def patch_state(session: Session, connection_id: str, patch: Mapping[str, str | None]) -> None:
    removed = [k for k, v in patch.items() if v is None]
    if removed:
        session.execute(sa.delete(_STATE).where(_STATE.c.connection_id == connection_id, is_in(session, _STATE.c.key, removed)))
    kept = [(connection_id, k, v) for k, v in patch.items() if v is not None]
    upsert(session, _STATE, ("connection_id", "key", "value"), kept, update=("value",))


def newest_references(session: Session, connection_id: str) -> dict[str, Snapshot]:
    c = _REFERENCES.c
    rows = session.execute(sa.select(c.scope, c.digest, c.body, c.read_at).where(c.connection_id == connection_id, c.is_newest.is_(True)))
    return {r[0]: Snapshot(r[1], r[2], r[3]) for r in rows}


def save_references(session: Session, connection_id: str, snapshots: Mapping[str, Snapshot]) -> None:
    """Make these the newest ones of their scopes; an older snapshot is kept for rows that were mapped with it."""
    if not snapshots:
        return
    c = _REFERENCES.c
    session.execute(
        sa.update(_REFERENCES).where(c.connection_id == connection_id, is_in(session, c.scope, snapshots)).values(is_newest=False)
    )
    rows = [(connection_id, scope, s.digest, s.body, True, s.read_at) for scope, s in snapshots.items()]
    columns = ("connection_id", "scope", "digest", "body", "is_newest", "read_at")
    upsert(session, _REFERENCES, columns, rows, update=("is_newest", "read_at"))


def basis_id(site: str, scope: str, rules: str) -> str:
    return row_id("basis", site, scope, rules)


def save_bases(session: Session, bases: Iterable[tuple[str, str, str, str]]) -> None:
    """(id, site digest, scope digest, rules digest)."""
    upsert(session, _BASES, ("id", "site_digest", "scope_digest", "rules_digest"), list(bases))


def mapped_bases(session: Session, connection_id: str) -> dict[str | None, str | None]:
    """Scope (None: the site's own payloads) → the basis that all of it is mapped with; None where that isn't known."""
    found: dict[str | None, str | None] = {
        r[0]: r[1]
        for r in session.execute(sa.select(tables.Scope.id, tables.Scope.basis_id).where(tables.Scope.connection_id == connection_id))
    }
    found[None] = session.scalar(sa.select(tables.Connection.basis_id).where(tables.Connection.id == connection_id))
    return found


def note_basis(session: Session, connection_id: str, scope_id: str | None, basis: str) -> None:
    """All payloads of the scope are mapped with that basis."""
    statement: sa.Update
    if scope_id is None:
        statement = sa.update(tables.Connection).where(tables.Connection.id == connection_id)
    else:
        statement = sa.update(tables.Scope).where(tables.Scope.id == scope_id)
    session.execute(statement.values(basis_id=basis))


def live_payloads(session: Session, scope_ids: Collection[str], kinds: Sequence[str]) -> dict[str, int]:
    """Scope → how many live payloads of these kinds it holds."""
    c = _PAYLOADS.c
    rows = session.execute(
        sa.select(c.scope_id, sa.func.count())
        .where(is_in(session, c.scope_id, scope_ids), c.kind.in_(kinds), c.gone_at.is_(None))
        .group_by(c.scope_id)
    )
    return {r[0]: r[1] for r in rows}


def quarantined(session: Session, connection_id: str) -> list[tuple[str, str | None, str | None]]:
    """(id, kind, external id) of everything in the connection's quarantine, what was tried longest ago first."""
    q = tables.Quarantine
    rows = session.execute(sa.select(q.id, q.kind, q.external_id).where(q.connection_id == connection_id).order_by(q.seen_at, q.id))
    return [(r[0], r[1], r[2]) for r in rows]


def forget_nameless(session: Session, connection_id: str, run_id: str) -> None:
    """Take out of quarantine what has no id and was not met in this run."""
    q = tables.Quarantine
    session.execute(sa.delete(q).where(q.connection_id == connection_id, q.external_id.is_(None), q.run_id != run_id))


def pending_scopes(session: Session, scope_ids: Collection[str], limit: int) -> list[str]:
    """Up to `limit` of these scopes that a batch touched and nothing was derived from yet."""
    c = _PENDING.c
    return list(
        session.scalars(sa.select(c.scope_id).where(is_in(session, c.scope_id, scope_ids)).distinct().order_by(c.scope_id).limit(limit))
    )


def take_pending(session: Session, scope_ids: Collection[str]) -> dict[str, list[str] | None]:
    """Scope → the items to derive from, None for all of them; they are no longer pending once the transaction is committed."""
    c = _PENDING.c
    rows = session.execute(sa.delete(_PENDING).where(is_in(session, c.scope_id, scope_ids)).returning(c.scope_id, c.item_id)).all()
    taken: dict[str, list[str] | None] = {}
    for scope_id, item_id in sorted(tuple(r) for r in rows):
        known = taken.setdefault(scope_id, [])
        if item_id == "":
            taken[scope_id] = None
        elif known is not None:
            known.append(item_id)
    return taken


def stage(session: Session, connection_id: str, group_id: str, run_id: str, contents: Sequence[bytes]) -> None:
    """Keep a group's pages unseen until its last page comes."""
    c = _STAGED.c
    start = session.scalar(
        sa.select(sa.func.coalesce(sa.func.max(c.position) + 1, 0)).where(c.connection_id == connection_id, c.group_id == group_id)
    )
    rows = [(connection_id, group_id, (start or 0) + i, run_id, content) for i, content in enumerate(contents)]
    upsert(session, _STAGED, ("connection_id", "group_id", "position", "run_id", "content"), rows)


def staged(session: Session, connection_id: str, group_id: str) -> Iterator[bytes]:
    """What was kept of the group, in its order, one after the other."""
    c = _STAGED.c
    after = -1
    while True:
        of_group = (c.connection_id == connection_id, c.group_id == group_id, c.position > after)
        row = session.execute(sa.select(c.position, c.content).where(*of_group).order_by(c.position).limit(1)).first()
        if row is None:
            return
        after = row[0]
        yield row[1]


def drop_group(session: Session, connection_id: str, group_id: str) -> None:
    """What was kept of the group is merged, or not wanted."""
    session.execute(sa.delete(_STAGED).where(_STAGED.c.connection_id == connection_id, _STAGED.c.group_id == group_id))


def drop_staged(session: Session, connection_id: str) -> None:
    """A generation that was cut off is read again from its start."""
    session.execute(sa.delete(_STAGED).where(_STAGED.c.connection_id == connection_id))


def group_members(session: Session, group_id: str) -> set[str]:
    """Live payloads of a group."""
    return set(session.scalars(sa.select(_PAYLOADS.c.id).where(_PAYLOADS.c.group_id == group_id, _PAYLOADS.c.gone_at.is_(None))))
