"""Removals: what would go, what was asked for, and how far it is."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from pmo_hub.domain.membership import automatic_project
from pmo_hub.store import compression
from pmo_hub.store.base import Base
from pmo_hub.store.bulk import is_in
from pmo_hub.store.merge import end_rows
from pmo_hub.store.models import source as tables
from pmo_hub.store.models.canonical import HISTORY, WorkItem
from pmo_hub.store.models.many_tools import SameAsRule
from pmo_hub.store.models.portfolio import Project, ProjectMembership, ProjectRule

_ITEMS: Any = WorkItem.__table__
_PAYLOADS: Any = tables.Payload.__table__
_SCOPES: Any = tables.Scope.__table__
_RULES: Any = ProjectRule.__table__
_PROJECTS: Any = Project.__table__
_MEMBERS: Any = ProjectMembership.__table__


@dataclass(frozen=True, slots=True)
class StoredRemoval:
    """`scope_ids` are taken away, with the connection itself where `whole`."""

    id: str
    connection_id: str
    connection_name: str
    whole: bool
    scope_ids: Sequence[str]
    data: str
    state: str
    forecast: Mapping[str, Any]
    removed: Mapping[str, int]
    project_ids: Sequence[str]
    requested_by: str
    requested_at: datetime
    finished_at: datetime | None


@dataclass(frozen=True, slots=True)
class FedProject:
    """A project that takes items of scopes. `is_theirs`: it is a scope's own and takes nothing of others, so it would go with them."""

    id: str
    name: str
    is_theirs: bool
    items: int


_COLUMNS = [getattr(tables.Removal, name) for name in StoredRemoval.__slots__]


def insert(session: Session, removal: StoredRemoval) -> None:
    session.execute(sa.insert(tables.Removal).values(asdict(removal)))


def update(session: Session, id: str, **values: Any) -> None:
    session.execute(sa.update(tables.Removal).where(tables.Removal.id == id).values(**values))


def get(session: Session, id: str) -> StoredRemoval | None:
    row = session.execute(sa.select(*_COLUMNS).where(tables.Removal.id == id)).one_or_none()
    return None if row is None else StoredRemoval(*row)


def given_up(session: Session, connection_id: str) -> set[str]:
    """Ids of the scopes that were ever taken away from the connection, those whose data was purged too."""
    query = sa.select(tables.Removal.scope_ids).where(tables.Removal.connection_id == connection_id)
    return {id for ids in session.scalars(query) for id in ids}


def of_connection(session: Session, connection_id: str, limit: int) -> list[StoredRemoval]:
    """The connection's removals, the newest first."""
    r = tables.Removal
    query = sa.select(*_COLUMNS).where(r.connection_id == connection_id).order_by(r.requested_at.desc(), r.id).limit(limit)
    return [StoredRemoval(*row) for row in session.execute(query)]


def mark(session: Session, scope_ids: Collection[str], data: str, now: datetime) -> None:
    """Nobody reads these scopes any more; one that was taken away before keeps its time."""
    moment = _SCOPES.c.removed_at.type
    since = sa.func.coalesce(_SCOPES.c.removed_at, sa.literal(now, moment), type_=moment)
    session.execute(sa.update(_SCOPES).where(is_in(session, _SCOPES.c.id, scope_ids)).values(removed_at=since, removal=data))


def counts(session: Session, scope_ids: Collection[str]) -> dict[str, int]:
    """What the scopes hold: items, their superseded versions, payloads (gone ones too), what is in quarantine."""
    history = HISTORY[_ITEMS.name]
    quarantine: Any = tables.Quarantine.__table__
    asked = {"items": _ITEMS, "item_versions": history, "payloads": _PAYLOADS, "quarantined": quarantine}
    return {name: _count(session, is_in(session, table.c.scope_id, scope_ids), table) for name, table in asked.items()}


def entity_counts(session: Session, entity_ids: Collection[str]) -> dict[str, int]:
    """Facts and violations of these projects and connections."""
    found = {}
    for name in ("facts", "violations"):
        table = Base.metadata.tables[name]
        found[name] = _count(session, is_in(session, table.c.entity_id, entity_ids), table)
    return found


def _count(session: Session, where: sa.ColumnElement[bool], table: Any) -> int:
    return session.scalar(sa.select(sa.func.count()).select_from(table).where(where)) or 0


def fed_projects(session: Session, scope_ids: Collection[str]) -> list[FedProject]:
    """The projects with a rule on one of the scopes, by name."""
    wanted = set(scope_ids)
    ruled = sa.select(_RULES.c.project_id).where(is_in(session, _RULES.c.scope_id, wanted))
    found: dict[str, set[str]] = {}
    for project, scope in session.execute(sa.select(_RULES.c.project_id, _RULES.c.scope_id).where(_RULES.c.project_id.in_(ruled))):
        found.setdefault(project, set()).add(scope)
    query = (
        sa.select(_MEMBERS.c.project_id, sa.func.count())
        .join(_ITEMS, _ITEMS.c.id == _MEMBERS.c.item_id)
        .where(is_in(session, _ITEMS.c.scope_id, wanted), is_in(session, _MEMBERS.c.project_id, found))
        .group_by(_MEMBERS.c.project_id)
    )
    items: dict[str, int] = {r[0]: int(r[1]) for r in session.execute(query)}
    own = {automatic_project(scope) for scope in wanted}
    rows = session.execute(sa.select(_PROJECTS.c.id, _PROJECTS.c.name).where(is_in(session, _PROJECTS.c.id, found))).all()
    fed = [FedProject(r.id, r.name, r.id in own and found[r.id] <= wanted, items.get(r.id, 0)) for r in rows]
    return sorted(fed, key=lambda project: (project.name, project.id))


def end_rules(session: Session, scope_ids: Collection[str], now: datetime) -> None:
    """No project takes anything from these scopes."""
    ids = list(session.scalars(sa.select(_RULES.c.id).where(is_in(session, _RULES.c.scope_id, scope_ids))))
    end_rows(session, ProjectRule, ids, now)


def forget_state(session: Session, connection_id: str, scopes: Mapping[str, str]) -> None:
    """Nothing says where reading these scopes (id → external id) would resume, and nothing of theirs waits."""
    states = tables.SyncState
    quarantine: Any = tables.Quarantine.__table__
    pending: Any = tables.PendingDerivation.__table__
    for external_id in scopes.values():
        own = states.key.startswith(f"{external_id}/", autoescape=True)
        session.execute(sa.delete(states).where(states.connection_id == connection_id, own))
    short: Any = tables.Shortfall.__table__
    session.execute(sa.delete(quarantine).where(is_in(session, quarantine.c.scope_id, scopes)))
    session.execute(sa.delete(short).where(short.c.connection_id == connection_id, is_in(session, short.c.scope_id, scopes)))
    session.execute(sa.delete(pending).where(is_in(session, pending.c.scope_id, scopes)))


def delete_scopes(session: Session, connection_id: str, scopes: Mapping[str, str]) -> None:
    references: Any = tables.ReferenceSnapshot.__table__
    own = (references.c.connection_id == connection_id, is_in(session, references.c.scope, scopes.values()))
    session.execute(sa.delete(references).where(*own))
    session.execute(sa.delete(_SCOPES).where(is_in(session, _SCOPES.c.id, scopes)))


def delete_connection(session: Session, connection_id: str) -> None:
    """The connection is gone with its runs, censuses, state, references, credentials and lease."""
    listings: Any = tables.CensusListing.__table__
    censuses = sa.select(tables.Census.id).where(tables.Census.connection_id == connection_id)
    session.execute(sa.delete(listings).where(listings.c.census_id.in_(censuses)))
    owned = (
        tables.Census, tables.Missing, tables.Quarantine, tables.StagedPayload, tables.SyncState, tables.ReferenceSnapshot,
        tables.SyncRun, tables.Credential, tables.Lease, tables.Shortfall, tables.HeldGroup, tables.UploadedFile,
    )  # fmt: skip
    for model in owned:
        table: Any = model.__table__
        session.execute(sa.delete(table).where(table.c.connection_id == connection_id))
    rules: Any = SameAsRule.__table__
    session.execute(sa.delete(rules).where(sa.or_(rules.c.connection_id == connection_id, rules.c.other_connection_id == connection_id)))
    session.execute(sa.delete(tables.Connection).where(tables.Connection.id == connection_id))


def revive(session: Session, scope_ids: Collection[str], connection_id: str, now: datetime) -> None:
    """Scopes whose data was kept are read again, by this connection and from the start.

    What the source has lost meanwhile was missing once already: the next census that agrees ends it.
    """
    values = {"connection_id": connection_id, "removed_at": None, "removal": None, "chosen_at": now, "synced_at": None, "error": None}
    session.execute(sa.update(_SCOPES).where(is_in(session, _SCOPES.c.id, scope_ids)).values(**values, basis_id=None))
    within = is_in(session, _PAYLOADS.c.scope_id, scope_ids)
    foreign = (within, _PAYLOADS.c.connection_id != connection_id)
    compression.adopt(session, connection_id, session.scalars(sa.select(_PAYLOADS.c.connection_id).where(*foreign).distinct()).all())
    session.execute(sa.update(_PAYLOADS).where(*foreign).values(connection_id=connection_id))
    missing: Any = tables.Missing.__table__
    live = sa.select(_PAYLOADS.c.id).where(within, _PAYLOADS.c.gone_at.is_(None))
    session.execute(sa.delete(missing).where(missing.c.payload_id.in_(live)))
    columns = ["payload_id", "connection_id", "census_id", "reason", "since"]
    since = sa.literal(now, missing.c.since.type)
    noted = sa.select(_PAYLOADS.c.id, sa.literal(connection_id), sa.literal(""), sa.literal("absent"), since)
    session.execute(sa.insert(missing).from_select(columns, noted.where(within, _PAYLOADS.c.gone_at.is_(None))))
