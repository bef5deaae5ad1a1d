"""What goes into the evidence log, in the transaction that made it true: results, transitions, decisions and changes.

Bodies name persons by id only, as facts and audit entries do: whoever is forgotten takes no entry along.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from pmo_hub.domain.chain import Kind, instant, kind_of
from pmo_hub.domain.evidence import Evidence
from pmo_hub.store.repositories import evidence as log
from pmo_hub.store.repositories.evidence import Audited, Evaluated, NewEntry
from pmo_hub.store.repositories.governance import NewEvaluation
from pmo_hub.store.repositories.violations import KeptViolation
from pmo_hub.store.unit_of_work import Session

_NAMED = frozenset({"work_item", "project", "connection", "sync_run"})
"""Evidence whose label is a key, a title or a name of a thing; that of anything else may be a person's."""


def audited(session: Session, entry: Audited) -> None:
    """An entry of the audit log is evidence."""
    recorded_before(session, [entry])


def evaluated(session: Session, results: Iterable[NewEvaluation], now: datetime) -> None:
    """Results that changed are evidence."""
    log.add(session, [_evaluation(one.id, now, one, [_told(found) for found in one.evidence]) for one in results])


def moved(session: Session, violations: Iterable[tuple[str, KeptViolation]], now: datetime) -> None:
    """Transitions of violations are evidence: what became of each (opened, reopened, resolved, closed), and the row after it."""
    log.add(session, [_violation(what, row, now) for what, row in violations])


def redacted(session: Session, subject_ids: Collection[str], reason: str, detail: Mapping[str, Any], now: datetime) -> None:
    """What the log quotes of these projects or connections is deleted as soon as this entry is sealed; why, stays."""
    if not subject_ids:
        return
    ids = sorted(subject_ids)
    body = {"detail": dict(detail), "reason": reason, "subjects": ids}
    log.add(session, [NewEntry(now, Kind.REDACTION, "evidence.redacted", "entity", ids[0], (), body)])


def recorded_before(session: Session, rows: Sequence[Audited | Evaluated]) -> None:
    """Rows that are there already are evidence from now on, as of their own time."""
    projects = log.projects_of(session, {(one.subject_type, one.subject_id) for one in rows if isinstance(one, Audited)})
    log.add(session, [_change(one, projects) if isinstance(one, Audited) else _old_evaluation(one) for one in rows])


def _change(one: Audited, projects: Mapping[tuple[str, str], tuple[str, ...]]) -> NewEntry:
    about = projects.get((one.subject_type, one.subject_id), ())
    body = {"actor": one.actor, "audit_id": one.id, "detail": dict(one.detail)}
    return NewEntry(one.at, kind_of(one.action), one.action, one.subject_type, one.subject_id, about, body)


def _old_evaluation(one: Evaluated) -> NewEntry:
    return _evaluation(one.id, one.recorded_from, one, [_without_names(found) for found in one.evidence])


def _evaluation(id: str, at: datetime, found: NewEvaluation | Evaluated, evidence: list[dict[str, Any]]) -> NewEntry:
    body = {
        "check_id": found.check_id,
        "evaluation_id": id,
        "evidence": evidence,
        "message": found.message,
        "missing": list(found.missing),
        "observed": dict(found.observed),
        "parameters_digest": found.parameters_digest,
        "result": found.result,
        "severity": found.severity,
        "sub_key": found.sub_key,
    }
    return NewEntry(at, Kind.EVALUATION, f"evaluation.{found.result}", found.entity_type, found.entity_id, _project(found), body)


def _violation(what: str, row: KeptViolation, at: datetime) -> NewEntry:
    body = {
        "cause": row.cause,
        "check_id": row.check_id,
        "message": row.message,
        "mode": row.mode,
        "occurrences": row.occurrences,
        "opened_at": instant(row.opened_at),
        "severity": row.severity,
        "state": row.state,
        "sub_key": row.sub_key,
        "violation_id": row.id,
    }
    return NewEntry(at, Kind.VIOLATION, f"violation.{what}", row.entity_type, row.entity_id, _project(row), body)


def _project(row: NewEvaluation | Evaluated | KeptViolation) -> tuple[str, ...]:
    return (row.entity_id,) if row.entity_type == "project" else ()


def _told(found: Evidence) -> dict[str, Any]:
    return _without_names({"type": found.type, "id": found.id, "label": found.label, "url": found.url, "note": found.note})


def _without_names(found: Mapping[str, Any]) -> dict[str, Any]:
    return {name: found.get(name) for name in ("type", "id", "label", "url", "note") if name != "label" or found.get("type") in _NAMED}
