"""Bindings of checks, and what the checks found: the newest evaluation of each, counted and listed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
import sqlalchemy as sa

from pmo_hub.domain.evidence import Evidence
from pmo_hub.domain.governance import Result
from pmo_hub.domain.identity import row_id
from pmo_hub.domain.violations import State
from pmo_hub.store.bulk import is_in, json_text, upsert
from pmo_hub.store.merge import Merged, end_rows, merge_rows
from pmo_hub.store.models.governance import Binding, Evaluation, Violation
from pmo_hub.store.models.portfolio import Project
from pmo_hub.store.models.source import Connection
from pmo_hub.store.unit_of_work import Session

_BINDINGS: Any = Binding.__table__
_EVALUATIONS = Evaluation.__table__.c
_PROJECTS = Project.__table__.c
_CONNECTIONS = Connection.__table__.c
_LINKS = msgspec.json.Decoder(tuple[Evidence, ...])


@dataclass(frozen=True, slots=True)
class KeptBinding:
    """Where a check deviates from its defaults."""

    mode: str
    parameters: Mapping[str, Any]
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class NewEvaluation:
    """A result as it is stored; what it observed is JSON."""

    check_id: str
    entity_type: str
    entity_id: str
    sub_key: str
    result: str
    message: str | None
    missing: tuple[str, ...]
    observed: Mapping[str, Any]
    evidence: tuple[Evidence, ...]
    severity: str
    parameters_digest: str

    @property
    def id(self) -> str:
        return row_id("evaluation", self.check_id, self.entity_type, self.entity_id, self.sub_key)


@dataclass(frozen=True, slots=True)
class KeptEvaluation:
    """A stored result with the name of what it is about and when the hub knew it first."""

    id: str
    check_id: str
    entity_type: str
    entity_id: str
    entity_name: str | None
    sub_key: str
    result: str
    message: str | None
    missing: tuple[str, ...]
    observed: Mapping[str, Any]
    evidence: tuple[Evidence, ...]
    severity: str
    recorded_from: datetime


def bindings(session: Session) -> dict[str, KeptBinding]:
    """Check id → binding, for the checks that have one."""
    c = _BINDINGS.c
    return {
        check: KeptBinding(mode, parameters, updated_at)
        for check, mode, parameters, updated_at in session.execute(sa.select(c.check_id, c.mode, c.parameters, c.updated_at))
    }


def save_binding(session: Session, check_id: str, mode: str, parameters: Mapping[str, Any], now: datetime) -> None:
    """The check is bound like this from now on."""
    columns = ("id", "check_id", "mode", "parameters", "updated_at")
    row = (row_id("binding", check_id), check_id, mode, json_text(dict(parameters)), now)
    upsert(session, _BINDINGS, columns, [row], update=columns[2:])


def replace_evaluations(
    session: Session, entity_ids: Collection[str], evaluations: Iterable[NewEvaluation], now: datetime, check_ids: Collection[str]
) -> Merged:
    """The results of these checks on these entities are exactly these; others have ended."""
    rows = {found.id: found for found in evaluations}
    merged = merge_rows(session, Evaluation, [_row(found) for found in rows.values()], now)
    of_these = (is_in(session, _EVALUATIONS.entity_id, entity_ids), is_in(session, _EVALUATIONS.check_id, check_ids))
    end_rows(session, Evaluation, set(session.scalars(sa.select(_EVALUATIONS.id).where(*of_these))) - rows.keys(), now)
    return merged


def counts(session: Session) -> dict[str, dict[str, int]]:
    """Check id → result → how many entities have it."""
    query = sa.select(_EVALUATIONS.check_id, _EVALUATIONS.result, sa.func.count()).group_by(_EVALUATIONS.check_id, _EVALUATIONS.result)
    found: dict[str, dict[str, int]] = defaultdict(dict)
    for check, result, number in session.execute(query):
        found[check][result] = int(number)
    return found


def evaluations_page(
    session: Session, check_id: str, result: str | None, project_id: str | None, after: str | None, limit: int
) -> list[KeptEvaluation]:
    """Results of a check in the order of their ids, those after that one."""
    query = _kept().where(_EVALUATIONS.check_id == check_id).order_by(_EVALUATIONS.id).limit(limit)
    if result is not None:
        query = query.where(_EVALUATIONS.result == result)
    if project_id is not None:
        query = query.where(_EVALUATIONS.entity_id == project_id)
    if after is not None:
        query = query.where(_EVALUATIONS.id > after)
    return [_evaluation(row) for row in session.execute(query)]


def evaluations_of(session: Session, entity_id: str) -> list[KeptEvaluation]:
    """Every result of one entity, by check and sub-key."""
    query = _kept().where(_EVALUATIONS.entity_id == entity_id).order_by(_EVALUATIONS.check_id, _EVALUATIONS.sub_key)
    return [_evaluation(row) for row in session.execute(query)]


def unsettled(session: Session, project_ids: Collection[str]) -> list[str]:
    """Projects with a violation that stands although its check passed: the pass was seen while the data was in doubt."""
    v = Violation.__table__.c
    c = _EVALUATIONS
    query = (
        sa.select(v.project_id)
        .select_from(Violation.__table__)
        .join(
            Evaluation.__table__,
            sa.and_(c.entity_id == v.entity_id, c.check_id == v.check_id, c.sub_key == v.sub_key, c.result == Result.PASS.value),
        )
        .where(is_in(session, v.project_id, project_ids), v.state.not_in((State.RESOLVED.value, State.CLOSED.value)))
        .distinct()
        .order_by(v.project_id)
    )
    return list(session.scalars(query)) if project_ids else []


def _kept() -> sa.Select[Any]:
    c = _EVALUATIONS
    return (
        sa.select(
            c.id,
            c.check_id,
            c.entity_type,
            c.entity_id,
            sa.func.coalesce(_PROJECTS.name, _CONNECTIONS.name),
            c.sub_key,
            c.result,
            c.message,
            c.missing,
            c.observed,
            sa.cast(c.evidence, sa.Text),
            c.severity,
            c.recorded_from,
        )
        .select_from(Evaluation.__table__)
        .outerjoin(Project.__table__, _PROJECTS.id == c.entity_id)
        .outerjoin(Connection.__table__, _CONNECTIONS.id == c.entity_id)
    )


def _evaluation(row: Any) -> KeptEvaluation:
    id_, check, kind, entity, name, sub_key, result, message, missing, observed, evidence, severity, recorded = row
    return KeptEvaluation(
        id_, check, kind, entity, name, sub_key, result, message, tuple(missing), observed, _LINKS.decode(evidence), severity, recorded
    )


def _row(found: NewEvaluation) -> dict[str, Any]:
    return {
        "id": found.id,
        "check_id": found.check_id,
        "entity_type": found.entity_type,
        "entity_id": found.entity_id,
        "sub_key": found.sub_key,
        "result": found.result,
        "message": found.message,
        "missing": found.missing,
        "observed": found.observed,
        "evidence": found.evidence,
        "severity": found.severity,
        "parameters_digest": found.parameters_digest,
    }
