"""Violations: the newest life of each broken check, and the list of them."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

import msgspec
import sqlalchemy as sa

from pmo_hub.domain.evidence import Evidence
from pmo_hub.store.bulk import is_in, json_text, upsert
from pmo_hub.store.models.governance import Violation
from pmo_hub.store.models.portfolio import Project
from pmo_hub.store.models.source import Connection
from pmo_hub.store.unit_of_work import Session

_TABLE: Any = Violation.__table__
_V = Violation.__table__.c
_PROJECTS = Project.__table__.c
_CONNECTIONS = Connection.__table__.c
_LINKS = msgspec.json.Decoder(tuple[Evidence, ...])

STANDING = ("open", "acknowledged")
"""States in which a check is broken and nobody has excused it."""


@dataclass(frozen=True, slots=True)
class KeptViolation:
    """A row of the table; `generation` counts the lives of a fingerprint that were too far apart to be one.

    `breach_at` is the deadline that runs out next; None when no clock runs.
    """

    id: str
    fingerprint: str
    generation: int
    previous_id: str | None
    check_id: str
    entity_type: str
    entity_id: str
    project_id: str | None
    sub_key: str
    severity: str
    mode: str
    state: str
    message: str
    remediation: str | None
    evidence: tuple[Evidence, ...]
    opened_at: datetime
    changed_at: datetime
    resolved_at: datetime | None
    occurrences: int
    cause: str
    acknowledge_by: datetime | None = None
    resolve_by: datetime | None = None
    breach_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Listed:
    """A violation with the name of what it is about."""

    violation: KeptViolation
    entity_name: str | None


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which violations a list shows; None leaves a column free. `project_ids` is for a portfolio: an empty one shows nothing."""

    states: tuple[str, ...] = ()
    severities: tuple[str, ...] = ()
    mode: str | None = None
    check_id: str | None = None
    project_id: str | None = None
    project_ids: Collection[str] | None = None
    entity_id: str | None = None
    since: datetime | None = None


_NAMES = tuple(field.name for field in fields(KeptViolation))


def newest(session: Session, entity_ids: Collection[str]) -> dict[str, KeptViolation]:
    """Fingerprint → its newest life, of every violation of these entities."""
    if not entity_ids:
        return {}
    query = sa.select(*_columns()).where(is_in(session, _V.entity_id, entity_ids)).order_by(_V.generation)
    return {found.fingerprint: found for found in map(_violation, session.execute(query))}


def save(session: Session, violations: Iterable[KeptViolation]) -> None:
    """Each violation is stored as it is given, whether or not it was there before."""
    rows = []
    for violation in violations:
        values = [getattr(violation, name) for name in _NAMES]
        values[_NAMES.index("evidence")] = json_text(violation.evidence)
        rows.append(tuple(values))
    upsert(session, _TABLE, _NAMES, rows, update=_NAMES[1:])


def lock(session: Session, id: str) -> None:
    """Nobody else changes the violation until the transaction ends; a judgement of its project is waited for."""
    project = sa.select(_PROJECTS.id).where(_PROJECTS.id == sa.select(_V.project_id).where(_V.id == id).scalar_subquery())
    session.execute(project.with_for_update())
    session.execute(sa.select(_V.id).where(_V.id == id).with_for_update())


def get(session: Session, id: str) -> Listed | None:
    row = session.execute(_listed().where(_V.id == id)).one_or_none()
    return None if row is None else _shown(row)


def page(session: Session, wanted: Wanted, after: tuple[datetime, str] | None, limit: int) -> list[Listed]:
    """Violations, the newest first, those after (opened, id)."""
    query = _listed().order_by(_V.opened_at.desc(), _V.id.desc()).limit(limit)
    query = query.where(*_conditions(session, wanted))
    if after is not None:
        opened_at, id_ = after
        query = query.where(sa.or_(_V.opened_at < opened_at, sa.and_(_V.opened_at == opened_at, _V.id < id_)))
    return [_shown(row) for row in session.execute(query)]


def _conditions(session: Session, wanted: Wanted) -> list[sa.ColumnElement[bool]]:
    conditions: list[sa.ColumnElement[bool]] = []
    if wanted.states:
        conditions.append(_V.state.in_(wanted.states))
    if wanted.severities:
        conditions.append(_V.severity.in_(wanted.severities))
    if wanted.project_ids is not None:
        conditions.append(is_in(session, _V.project_id, wanted.project_ids))
    if wanted.since is not None:
        conditions.append(_V.changed_at >= wanted.since)
    equal = {"mode": wanted.mode, "check_id": wanted.check_id, "project_id": wanted.project_id, "entity_id": wanted.entity_id}
    conditions.extend(_V[name] == value for name, value in equal.items() if value is not None)
    return conditions


def _columns() -> list[sa.ColumnElement[Any]]:
    return [sa.cast(_V.evidence, sa.Text).label("evidence") if name == "evidence" else _V[name] for name in _NAMES]


def _listed() -> sa.Select[Any]:
    return (
        sa.select(*_columns(), sa.func.coalesce(_PROJECTS.name, _CONNECTIONS.name))
        .select_from(Violation.__table__)
        .outerjoin(Project.__table__, _PROJECTS.id == _V.entity_id)
        .outerjoin(Connection.__table__, _CONNECTIONS.id == _V.entity_id)
    )


def _violation(row: Any) -> KeptViolation:
    values = dict(zip(_NAMES, row, strict=False))
    return KeptViolation(**{**values, "evidence": _LINKS.decode(values["evidence"])})


def _shown(row: Any) -> Listed:
    return Listed(_violation(row), row[-1])
