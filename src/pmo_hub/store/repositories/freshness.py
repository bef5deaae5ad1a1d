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
from pmo_hub.store.models.source import Census, Connection, Quarantine, Scope, SyncRun
from pmo_hub.store.prepared import Prepared
from pmo_hub.store.repositories.known import rows_at
from pmo_hub.store.repositories.syncing import HOOK, READING_NOTHING
from pmo_hub.store.unit_of_work import Session, Snapshot

_PROJECTS = Project.__table__.c
_FACTS = Fact.__table__.c
_RULES = ProjectRule.__table__.c
_SCOPES = Scope.__table__.c
_CONNECTIONS = Connection.__table__.c
_CENSUSES = Census.__table__.c
_RUNS = SyncRun.__table__.c


@dataclass(frozen=True, slots=True)
class Head:
    """A project's name, and the state of its data by its source that is furthest behind.

    `complete` is False after a failed run, for a scope that could not be read, and while a census waits for an admin.
    """

    id: str
    name: str
    url: str | None = None
    synced_at: datetime | None = None
    cadence_minutes: int | None = None
    complete: bool | None = None


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
    return {project: _head(found) for project, found in rows.items()}


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
        .where(_CONNECTIONS.id == connection_id)
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
    _CONNECTIONS.interval_minutes,
    _CONNECTIONS.failures,
)


def _last_census(as_of: datetime | None) -> sa.ScalarSelect[Any]:
    query = sa.select(_CENSUSES.state).where(_CENSUSES.connection_id == _CONNECTIONS.id, _CENSUSES.finished_at.is_not(None))
    if as_of is not None:
        query = query.where(_CENSUSES.finished_at <= as_of)
    return query.order_by(_CENSUSES.started_at.desc()).limit(1).scalar_subquery()


def _past_columns(as_of: datetime) -> tuple[sa.ColumnElement[Any], ...]:
    """When the last success until then began, how the last run until then ended, and whether one has ended since."""
    ended = sa.select(_RUNS.state).where(_RUNS.connection_id == _CONNECTIONS.id, _RUNS.state.in_(("finished", "failed")))
    ended = ended.where(_RUNS.mode != HOOK)
    whole = _RUNS.mode.not_in(READING_NOTHING)
    read = sa.select(_RUNS.started_at).where(_RUNS.connection_id == _CONNECTIONS.id, _RUNS.state == "finished", whole)
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


def _head(rows: Sequence[Any]) -> Head:
    first = rows[0]
    sources = [row for row in rows if row.scope_id is not None]
    if not sources:
        return Head(first.id, first.name)
    synced = [(_synced_at(row), row.interval_minutes) for row in sources]
    never = [(at, cadence) for at, cadence in synced if at is None]
    behind, cadence = never[0] if never else min((at, cadence) for at, cadence in synced if at is not None)
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
        return bool(row.error) or row.failures > 0
    return row.ended_as == "failed" or (bool(row.error) and not row.since)


def trouble(session: Session, connection_id: str) -> tuple[str | None, int]:
    """Why the connection's last run failed (None when it didn't), and how many payloads it could not read."""
    error = sa.select(sa.case((_CONNECTIONS.failures > 0, _CONNECTIONS.last_error))).where(_CONNECTIONS.id == connection_id)
    quarantined = sa.select(sa.func.count()).select_from(Quarantine.__table__).where(Quarantine.__table__.c.connection_id == connection_id)
    return session.scalar(error), int(session.scalar(quarantined) or 0)


def every_project(session: Session) -> list[str]:
    """The ids of all projects, in order."""
    return list(session.scalars(sa.select(_PROJECTS.id).order_by(_PROJECTS.id)))
