"""The state of a project's data: when its sources were read last, and whether that was all of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from pmo_hub.store.bulk import is_in
from pmo_hub.store.models.governance import Fact
from pmo_hub.store.models.portfolio import Project, ProjectRule
from pmo_hub.store.models.source import Census, Connection, Quarantine, Scope, Shortfall, SyncRun
from pmo_hub.store.prepared import Prepared
from pmo_hub.store.repositories import shortfalls
from pmo_hub.store.repositories.connections import REMOVED
from pmo_hub.store.repositories.known import rows_at
from pmo_hub.store.repositories.syncing import HOOK, READING_NOTHING, REMAP
from pmo_hub.store.unit_of_work import Session, Snapshot

_PROJECTS = Project.__table__.c
_FACTS = Fact.__table__.c
_RULES = ProjectRule.__table__.c
_SCOPES = Scope.__table__.c
_CONNECTIONS = Connection.__table__.c
_CENSUSES = Census.__table__.c
_RUNS = SyncRun.__table__.c
_SHORTFALLS = Shortfall.__table__.c


@dataclass(frozen=True, slots=True)
class Head:
    """A project's name, and the state of its data by its source that is furthest behind.

    `complete` is False after a failed read, for a scope that could not be read or lacks what its source counts, and while a census waits
    for an admin.
    """

    id: str
    name: str
    url: str | None = None
    synced_at: datetime | None = None
    cadence_minutes: int | None = None
    complete: bool | None = None
    read_only_since: datetime | None = None
    """When the last of its sources was taken away and its data kept: it is as old as it is on purpose."""


def head(session: Session, project_id: str, as_of: datetime | None = None) -> Head | None:
    """One project's head."""
    if as_of is not None:
        return heads(session, [project_id], as_of).get(project_id)
    rows = session.connection().execute(_HEAD, {"project": project_id}).all()
    return _head(rows) if rows else None


def head_and_version(snapshot: Snapshot, project_id: str) -> tuple[Head, str] | None:
    """As `head`, with a text that is another one as soon as any of the project's facts is: the fast path of a health request."""
    rows = _HEAD_AND_VERSION.rows(snapshot, project=project_id)
    return (_head(rows), rows[0].version or "") if rows else None


def heads(session: Session, project_ids: Collection[str], as_of: datetime | None = None) -> dict[str, Head]:
    """The heads of those of the projects that exist, as they are or as the hub knew them then."""
    if not project_ids:
        return {}
    query = _head_query(as_of)
    rows: dict[str, list[Any]] = defaultdict(list)
    for row in session.connection().execute(query.where(is_in(session, query.selected_columns.id, project_ids))):
        rows[row.id].append(row)
    return {project: _head(found, as_of) for project, found in rows.items()}


def connection_projects(session: Session, connection_id: str) -> list[str]:
    """Projects that take items from a scope of the connection."""
    query = (
        sa.select(_RULES.project_id)
        .select_from(ProjectRule.__table__)
        .join(Scope.__table__, _SCOPES.id == _RULES.scope_id)
        .where(_SCOPES.connection_id == connection_id)
        .distinct()
        .order_by(_RULES.project_id)
    )
    return list(session.scalars(query))


def connection_head(session: Session, connection_id: str) -> Head | None:
    """A connection, read like a project that takes all of its scopes; None when there is no such connection."""
    query = (
        sa.select(
            _CONNECTIONS.id,
            _CONNECTIONS.name,
            *_SOURCE_COLUMNS,
            _last_census(None).label("census"),
        )
        .select_from(Connection.__table__)
        .outerjoin(Scope.__table__, _SCOPES.connection_id == _CONNECTIONS.id)
        .where(_CONNECTIONS.id == connection_id, _CONNECTIONS.state != REMOVED)
        .order_by(_SCOPES.external_id)
    )
    rows = session.connection().execute(query).all()
    return _head(rows) if rows else None


_SOURCE_COLUMNS = (
    _SCOPES.id.label("scope_id"),
    _SCOPES.chosen_at,
    _SCOPES.synced_at,
    _SCOPES.error,
    _SCOPES.url,
    _SCOPES.removed_at,
    _CONNECTIONS.cadence_minutes,
    _CONNECTIONS.failures,
    sa.exists().where(_SHORTFALLS.connection_id == _CONNECTIONS.id, _SHORTFALLS.scope_id.in_((_SCOPES.id, ""))).label("is_short"),
)


def _last_census(as_of: datetime | None) -> sa.ScalarSelect[Any]:
    query = sa.select(_CENSUSES.state).where(_CENSUSES.connection_id == _CONNECTIONS.id, _CENSUSES.finished_at.is_not(None))
    if as_of is not None:
        query = query.where(_CENSUSES.finished_at <= as_of)
    return query.order_by(_CENSUSES.started_at.desc()).limit(1).scalar_subquery()


def _past_columns(as_of: datetime) -> tuple[sa.ColumnElement[Any], ...]:
    """When the last success until then began, how the last run until then ended, and whether one has ended since."""
    own = _RUNS.connection_id == _CONNECTIONS.id
    # A re-map asks the source for nothing, a hook's run for a few objects: how they ended says nothing of the data.
    ended = sa.select(_RUNS.state).where(own, _RUNS.state.in_(("finished", "failed")), _RUNS.mode.not_in((HOOK, REMAP)))
    read = sa.select(_RUNS.started_at).where(own, _RUNS.state == "finished", _RUNS.mode.not_in(READING_NOTHING))
    return (
        read.where(_RUNS.finished_at <= as_of).order_by(_RUNS.started_at.desc()).limit(1).scalar_subquery().label("read_at"),
        ended.where(_RUNS.finished_at <= as_of).order_by(_RUNS.finished_at.desc()).limit(1).scalar_subquery().label("ended_as"),
        ended.where(_RUNS.finished_at > as_of).exists().label("since"),
    )


def _head_query(as_of: datetime | None) -> sa.Select[Any]:
    projects, rules = rows_at(Project, as_of, ("id", "name")), rows_at(ProjectRule, as_of, ("id", "project_id", "scope_id"))
    past = () if as_of is None else _past_columns(as_of)
    return (
        sa.select(projects.c.id, projects.c.name, *_SOURCE_COLUMNS, _last_census(as_of).label("census"), *past)
        .select_from(projects)
        .outerjoin(rules, rules.c.project_id == projects.c.id)
        .outerjoin(Scope.__table__, _SCOPES.id == rules.c.scope_id)
        .outerjoin(Connection.__table__, _CONNECTIONS.id == _SCOPES.connection_id)
        .order_by(projects.c.id, _SCOPES.external_id)
    )


# Built once: composing a statement costs more than running it.
_HEAD = _head_query(None).where(_PROJECTS.id == sa.bindparam("project"))


# The hashes of all facts in one row are read several times faster than the facts. An order that changes costs no more than a miss.
def _head_and_version(dialect: str) -> Any:
    joined = sa.func.string_agg if dialect == "postgresql" else sa.func.group_concat
    hashes = sa.select(joined(_FACTS.row_hash, sa.literal_column("''"))).where(_FACTS.entity_id == _PROJECTS.id)
    return _HEAD.add_columns(hashes.scalar_subquery().label("version"))


_HEAD_AND_VERSION = Prepared(_head_and_version)


def _head(rows: Sequence[Any], as_of: datetime | None = None) -> Head:
    first = rows[0]
    sources = [row for row in rows if row.scope_id is not None]
    if not sources:
        return Head(first.id, first.name)
    read = [row for row in sources if row.removed_at is None or (as_of is not None and as_of < row.removed_at)]
    if not read:
        kept = [row.synced_at for row in sources if row.synced_at is not None]
        url = next((row.url for row in sources if row.url), None)
        since = max(row.removed_at for row in sources)
        return Head(first.id, first.name, url, min(kept, default=None), sources[0].cadence_minutes, True, since)
    sources = read
    synced = [(_synced_at(row), row.cadence_minutes) for row in sources]
    never = [(at, cadence) for at, cadence in synced if at is None]
    behind, cadence = never[0] if never else min(((at, c) for at, c in synced if at is not None), key=lambda one: (one[0], one[1] or 0))
    broken = any(map(_is_broken, sources))
    complete = False if broken else None if never else True
    return Head(first.id, first.name, next((row.url for row in sources if row.url), None), behind, cadence, complete)


def _synced_at(row: Any) -> datetime | None:
    """The last success; of a past instant the last run's until then, unless this scope was read last before it or chosen after it."""
    known: datetime | None = row.synced_at
    if not hasattr(row, "read_at") or known is None:
        return known
    read: datetime | None = row.read_at
    return None if read is None or row.chosen_at > read else min(known, read)


def _is_broken(row: Any) -> bool:
    if row.census == "held":
        return True
    if not hasattr(row, "ended_as"):
        return bool(row.error) or row.failures > 0 or bool(row.is_short)
    return row.ended_as == "failed" or (bool(row.error) and not row.since)


def trouble(session: Session, connection_id: str) -> tuple[str | None, int]:
    """Why the connection's last read or census failed, or else what it lacks (None: neither), and how many payloads it could not read."""
    failed = sa.case((_CONNECTIONS.failures > 0, _CONNECTIONS.last_error), (_CONNECTIONS.census_failures > 0, _CONNECTIONS.census_error))
    error = session.scalar(sa.select(failed).where(_CONNECTIONS.id == connection_id))
    quarantined = sa.select(sa.func.count()).select_from(Quarantine.__table__).where(Quarantine.__table__.c.connection_id == connection_id)
    return error or shortfalls.sentence(shortfalls.of_connection(session, connection_id)), int(session.scalar(quarantined) or 0)


def credential_expiry(session: Session, connection_id: str) -> datetime | None:
    """When the connection's credential ends, as far as that is known."""
    return session.scalar(sa.select(Connection.credential_expires_at).where(Connection.id == connection_id))


def every_project(session: Session) -> list[str]:
    """The ids of all projects, in order."""
    return list(session.scalars(sa.select(_PROJECTS.id).order_by(_PROJECTS.id)))
