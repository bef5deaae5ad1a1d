"""Where an item is that somebody names: held, quarantined, missing, ended, or in a scope that has not been read."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
import zstandard

from pmo_hub.domain.identity import row_id
from pmo_hub.store.bulk import is_in
from pmo_hub.store.models.canonical import HISTORY, WorkItem
from pmo_hub.store.models.portfolio import Project, ProjectMembership, ProjectRule
from pmo_hub.store.models.source import Census, Claim, Missing, Payload, Quarantine, Scope, SyncRun, Tombstone
from pmo_hub.store.repositories.connections import Stored
from pmo_hub.store.unit_of_work import Session

MOST_SEARCHED = 2_000
SEARCHED_BYTES = 64 * 1024
UNFINISHED = ("queued", "running", "waiting")

_PAST: Any = HISTORY[WorkItem.__tablename__].c


@dataclass(frozen=True, slots=True)
class HeldItem:
    """A work item that the hub holds, with the payload that brought its newest version."""

    id: str
    external_id: str
    key: str
    title: str
    url: str | None
    scope_id: str
    connection_id: str | None
    counts: bool
    uncounted: str | None
    payload_id: str | None
    changed_at: datetime | None
    run_id: str | None


@dataclass(frozen=True, slots=True)
class InProject:
    """A project that the item is in, and by which of its rules."""

    id: str
    name: str
    narrowing: str | None
    value: str | None
    role: str


@dataclass(frozen=True, slots=True)
class Ended:
    """An item that the hub held; `key` as it was last."""

    id: str
    external_id: str
    key: str | None
    scope_id: str | None
    reason: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Unread:
    """What could not be read and may be the item."""

    id: str
    external_id: str | None
    why: str
    attempts: int
    first_seen_at: datetime
    seen_at: datetime
    run_id: str
    connection_id: str


def held(session: Session, name: str, connections: Collection[Stored]) -> list[HeldItem]:
    """Items of these connections that are called so: by key in any case, by the source's id, or by the hub's."""
    ids = _ids(name, connections)
    scopes = sa.select(Scope.id).where(Scope.connection_id.in_([c.id for c in connections]))
    query = (
        sa.select(
            WorkItem.id, WorkItem.external_id, WorkItem.key, WorkItem.title, WorkItem.url, WorkItem.scope_id, Scope.connection_id,
            WorkItem.counts, WorkItem.uncounted,
        )
        .join(Scope, Scope.id == WorkItem.scope_id)
        .where(WorkItem.key.in_(sorted({name, name.upper()})) | WorkItem.id.in_(ids), WorkItem.scope_id.in_(scopes))
        .order_by(WorkItem.id)
        .limit(50)
    )  # fmt: skip
    rows = session.execute(query).all()
    brought = _brought(session, [row[0] for row in rows])
    return [HeldItem(*row, *brought.get(row[0], (None, None, None))) for row in rows]


def _brought(session: Session, item_ids: Sequence[str]) -> Mapping[str, tuple[str, datetime, str]]:
    """Item → the payload that owns it and changed last, when, and by which run."""
    query = (
        sa.select(Claim.record_id, Payload.id, Payload.seen_at, Payload.run_id)
        .join(Payload, Payload.id == Claim.payload_id)
        .where(Claim.record_id.in_(item_ids), Claim.record_type == "work_item", Payload.gone_at.is_(None))
        .order_by(Payload.seen_at)
    )
    return {row[0]: (row[1], row[2], row[3]) for row in session.execute(query)}


def projects_of(session: Session, item_id: str) -> list[InProject]:
    """The projects that count the item as theirs."""
    query = (
        sa.select(Project.id, Project.name, ProjectRule.narrowing, ProjectRule.value, ProjectMembership.role)
        .select_from(ProjectMembership)
        .join(Project, Project.id == ProjectMembership.project_id)
        .outerjoin(ProjectRule, ProjectRule.id == ProjectMembership.rule_id)
        .where(ProjectMembership.item_id == item_id)
        .order_by(Project.name, Project.id)
    )
    return [InProject(*row) for row in session.execute(query)]


def missing_since(session: Session, payload_id: str) -> tuple[datetime, str] | None:
    """Since when a census has missed the payload, and for which reason."""
    row = session.execute(sa.select(Missing.since, Missing.reason).where(Missing.payload_id == payload_id)).one_or_none()
    return None if row is None else (row[0], row[1])


def unread(session: Session, name: str, external_id: str | None, connections: Collection[Stored]) -> Unread | None:
    """What is in quarantine under that id or, of what never could be mapped, what names it as a text of its own."""
    columns = (
        Quarantine.id, Quarantine.external_id, Quarantine.why, Quarantine.attempts, Quarantine.first_seen_at, Quarantine.seen_at,
        Quarantine.run_id, Quarantine.connection_id,
    )  # fmt: skip
    here = sa.select(*columns).where(Quarantine.connection_id.in_([c.id for c in connections]))
    row = session.execute(here.where(Quarantine.external_id.in_([external_id or name, name])).limit(1)).first()
    if row is not None:
        return Unread(*row)
    if external_id is not None:
        return None
    spoken = re.compile(rb'"' + re.escape(name.encode()) + rb'"', re.IGNORECASE)
    newest = here.add_columns(Quarantine.body).order_by(Quarantine.seen_at.desc()).limit(MOST_SEARCHED)
    for *told, body in session.execute(newest):
        with zstandard.ZstdDecompressor().stream_reader(body) as reader:
            if spoken.search(reader.read(SEARCHED_BYTES)):
                return Unread(*told)
    return None


def ended(session: Session, name: str, connections: Collection[Stored]) -> Ended | None:
    """The item that was called so and ended, the one that ended last."""
    ids = _ids(name, connections)
    named = sa.select(_PAST.id).where(_PAST.key.in_(sorted({name, name.upper()})))
    last = (
        sa.select(_PAST.key, _PAST.scope_id, _PAST.id, _PAST.recorded_to)
        .where(_PAST.id.in_(named) | _PAST.id.in_(ids))
        .order_by(_PAST.recorded_to)
    )
    versions = {row[2]: (row[0], row[1]) for row in session.execute(last)}
    found = session.execute(
        sa.select(Tombstone.id, Tombstone.external_id, Tombstone.reason, Tombstone.ended_at)
        .where(Tombstone.record_type == "work_item", is_in(session, Tombstone.__table__.c.id, {*versions, *ids}))
        .order_by(Tombstone.ended_at.desc())
    ).all()
    mine = {row_id(c.namespace, "work_item", row.external_id) for c in connections for row in found}
    for row in found:
        if row.id in mine:
            key, scope_id = versions.get(row.id, (None, None))
            return Ended(row.id, row.external_id, key, scope_id, row.reason, row.ended_at)
    return None


def scope_with_keys_like(session: Session, name: str, connections: Collection[Stored]) -> str | None:
    """The scope whose items are called alike: their keys begin with the same word."""
    word, dash, _ = name.upper().rpartition("-")
    if not dash:
        return None
    scopes = sa.select(Scope.id).where(Scope.connection_id.in_([c.id for c in connections]))
    alike = sa.select(WorkItem.scope_id).where(WorkItem.key.startswith(f"{word}-", autoescape=True), WorkItem.scope_id.in_(scopes))
    return session.scalar(alike.limit(1))


def unfinished_run(session: Session, connection_id: str) -> tuple[str, str] | None:
    """The id and state of a read of the connection that has not ended yet."""
    query = sa.select(SyncRun.id, SyncRun.state).where(
        SyncRun.connection_id == connection_id, SyncRun.state.in_(UNFINISHED), SyncRun.mode.in_(("incremental", "full"))
    )
    row = session.execute(query.order_by(SyncRun.started_at).limit(1)).first()
    return None if row is None else (row[0], row[1])


def last_census(session: Session, connection_id: str) -> datetime | None:
    """When the last census began that ended well."""
    return session.scalar(
        sa.select(sa.func.max(Census.started_at)).where(Census.connection_id == connection_id, Census.state == "finished")
    )


def _ids(name: str, connections: Collection[Stored]) -> list[str]:
    return sorted({name, *(row_id(c.namespace, "work_item", name) for c in connections)})
