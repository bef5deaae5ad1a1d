"""From evaluations to violations and events: results are kept where they changed, and each broken check has one life."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, tzinfo
from typing import Any

from pmo_hub.domain.checks import CHECKS
from pmo_hub.domain.deadlines import Deadlines, deadlines, next_breach
from pmo_hub.domain.governance import Check, Evaluation, Mode, ParameterValue, Result, resolve_parameters
from pmo_hub.domain.identity import row_id
from pmo_hub.domain.local_time import zone
from pmo_hub.domain.violations import ENDED, Cause, Change, State, ViolationState, close_gone, fingerprint, transition
from pmo_hub.services.evidence import recording
from pmo_hub.store.bulk import json_text
from pmo_hub.store.repositories import events, projects, violations, waivers
from pmo_hub.store.repositories import governance as results
from pmo_hub.store.repositories.governance import NewEvaluation
from pmo_hub.store.repositories.violations import KeptViolation
from pmo_hub.store.unit_of_work import Session


@dataclass(frozen=True, slots=True)
class Bound:
    """A check as it runs: its mode and its resolved parameters."""

    check: Check
    mode: Mode
    parameters: Mapping[str, ParameterValue]
    digest: str


@dataclass(frozen=True, slots=True)
class Judged:
    """What one judgement changed."""

    evaluations: int = 0
    opened: int = 0
    reopened: int = 0
    resolved: int = 0
    closed: int = 0

    def __add__(self, other: Judged) -> Judged:
        return Judged(
            self.evaluations + other.evaluations,
            self.opened + other.opened,
            self.reopened + other.reopened,
            self.resolved + other.resolved,
            self.closed + other.closed,
        )


def bound_checks(session: Session, check_ids: Collection[str]) -> list[Bound]:
    """The checks with these ids, each with its binding or else its defaults."""
    bindings = results.bindings(session)
    found = []
    for check_id in check_ids:
        check = CHECKS[check_id]
        own = bindings.get(check_id)
        parameters = resolve_parameters(check, {} if own is None else own.parameters)
        digest = row_id("parameters", json_text(parameters), str(check.version))
        found.append(Bound(check, Mode.ACTIVE if own is None else Mode(own.mode), parameters, digest))
    return found


def judge(
    session: Session,
    entity_type: str,
    evaluations: Mapping[str, Sequence[Evaluation]],
    bound: Sequence[Bound],
    now: datetime,
    cause: Cause,
    zones: Mapping[str, tzinfo] | None = None,
) -> Judged:
    """The results are kept, and the violations follow them, with an event for each transition.

    `evaluations` has every entity that was looked at, with an empty list for one that is gone; they are complete for the `bound`
    checks, so that a violation of a part that no longer exists is closed. A disabled check has no results, and resolves. Deadlines are
    counted in the entity's zone of `zones`.
    """
    by_check = {one.check.id: one for one in bound}
    rows = [_row(entity_type, entity, found, by_check[found.check_id]) for entity, own in evaluations.items() for found in own]
    merged = results.replace_evaluations(session, evaluations.keys(), rows, now, by_check.keys())
    recording.evaluated(session, [row for row in rows if row.id in merged.touched], now)
    standing: dict[str, dict[str, KeptViolation]] = defaultdict(dict)
    for found in violations.newest(session, evaluations.keys()).values():
        standing[found.entity_id][found.fingerprint] = found
    moves: list[tuple[Change, KeptViolation]] = []
    edits: list[KeptViolation] = []
    for entity, own in evaluations.items():
        where = (zones or {}).get(entity, UTC)
        _follow(entity_type, entity, own, standing[entity], by_check, now, cause, moves, edits, where)
    violations.save(session, [*(after for _, after in moves), *edits])
    recording.moved(session, [(_kind(change), after) for change, after in moves], now)
    waivers.end(session, [after.id for change, after in moves if change.after.state in ENDED], waivers.OVER, None, now)
    if entity_type != "project":
        events.lock_subjects(session, {after.id for _, after in moves})
    _tell(session, [(change.event, after) for change, after in moves], now)
    return Judged(len(merged.touched), *(sum(1 for change, _ in moves if _kind(change) == kind) for kind in _KINDS))


_KINDS = ("opened", "reopened", "resolved", "closed")


def _kind(change: Change) -> str:
    if change.after.state is State.OPEN:
        return "opened" if change.created else "reopened"
    return change.after.state.value


def _follow(
    entity_type: str,
    entity: str,
    evaluations: Sequence[Evaluation],
    known: Mapping[str, KeptViolation],
    bound: Mapping[str, Bound],
    now: datetime,
    cause: Cause,
    moves: list[tuple[Change, KeptViolation]],
    edits: list[KeptViolation],
    where: tzinfo,
) -> None:
    judged = set()
    for found in evaluations:
        of = fingerprint(found.check_id, entity, found.sub_key)
        judged.add(of)
        current, one = known.get(of), bound[found.check_id]
        change = transition(None if current is None else state_of(current), found, now, cause, of=of, mode=one.mode)
        if change is not None:
            moves.append((change, _timed(_after(change, current, entity_type, entity, found, one), now, where)))
        elif current is not None and found.result is Result.FAIL:
            edited = replace(
                current, message=found.message, evidence=found.evidence, severity=one.check.severity.value, mode=one.mode.value
            )
            if edited.mode != current.mode or (edited.resolve_by is None and edited.state in _TIMED):
                edited = _timed(edited, now, where)
            if edited != current:
                edits.append(edited)
    for of, current in known.items():
        if of in judged or current.check_id not in bound or State(current.state) in ENDED:
            continue
        mode = bound[current.check_id].mode
        if mode is Mode.DISABLED:
            over = Evaluation(current.check_id, current.sub_key, Result.NOT_APPLICABLE, "the check is disabled")
            # Told in the mode that it was opened in: who was told of it hears of its end.
            change = transition(state_of(current), over, now, Cause.POLICY_CHANGE, of=of, mode=Mode(current.mode))
        else:
            change = close_gone(state_of(current), now, mode=mode)
        if change is not None:
            moves.append((change, apply(change, current)))


def state_of(row: KeptViolation) -> ViolationState:
    return ViolationState(
        row.id, row.fingerprint, row.generation, State(row.state), row.occurrences, row.opened_at, row.changed_at, row.resolved_at, None,
        row.previous_id,
    )  # fmt: skip


_TIMED = (State.OPEN.value, State.ACKNOWLEDGED.value)


def apply(change: Change, row: KeptViolation) -> KeptViolation:
    """The row after a change of its state; its deadlines stay, and of those the one that still counts is watched."""
    after = change.after
    breach = next_breach(after.state, Deadlines(row.acknowledge_by, row.resolve_by), change.at)
    return replace(
        row, state=after.state.value, occurrences=after.occurrences, changed_at=after.changed_at, resolved_at=after.ended_at,
        cause=change.cause.value, breach_at=breach,
    )  # fmt: skip


def timed_anew(change: Change, row: KeptViolation, where: tzinfo) -> KeptViolation:
    """As `apply`, for one that stands again: its clocks begin anew."""
    return _timed(apply(change, row), change.at, where)


def zone_of(session: Session, project_id: str | None) -> tzinfo:
    """The zone in which a project's deadlines are counted; UTC for what is of no project."""
    project = None if project_id is None else projects.get(session, project_id)
    return zone("UTC" if project is None else project.time_zone)


def _timed(row: KeptViolation, now: datetime, where: tzinfo) -> KeptViolation:
    """With deadlines from now on while it is open; of a check on trial, which tells nobody, none is watched."""
    if row.state not in _TIMED or row.mode == Mode.EVALUATE.value:
        return replace(row, breach_at=None)
    due = deadlines(row.severity, now, where)
    breach = next_breach(State(row.state), due)
    return replace(row, acknowledge_by=due.acknowledge_by, resolve_by=due.resolve_by, breach_at=breach)


def tell(session: Session, event: str | None, row: KeptViolation, now: datetime, **more: Any) -> None:
    """The transition is in the outbox; None is told to nobody."""
    _tell(session, [(event, row)], now, **more)


def _tell(session: Session, told: Sequence[tuple[str | None, KeptViolation]], now: datetime, **more: Any) -> None:
    last = events.last_sequences(session, {row.id for _, row in told})
    new = [
        events.NewEvent(event, "violation", row.id, last.get(row.id, 0) + 1, _data(row) | more) for event, row in told if event is not None
    ]
    events.record_all(session, new, now)


def _data(row: KeptViolation) -> dict[str, Any]:
    return {
        "check_id": row.check_id,
        "entity_type": row.entity_type,
        "entity_id": row.entity_id,
        "project_id": row.project_id,
        "sub_key": row.sub_key,
        "severity": row.severity,
        "state": row.state,
        "cause": row.cause,
    }


def _after(change: Change, current: KeptViolation | None, entity_type: str, entity: str, found: Evaluation, one: Bound) -> KeptViolation:
    after = change.after
    failed = found.result is Result.FAIL
    return KeptViolation(
        id=after.id,
        fingerprint=after.fingerprint,
        generation=after.generation,
        previous_id=after.previous,
        check_id=one.check.id,
        entity_type=entity_type,
        entity_id=entity,
        project_id=entity if entity_type == "project" else None,
        sub_key=found.sub_key,
        severity=one.check.severity.value,
        mode=one.mode.value,
        state=after.state.value,
        # What was wrong stays readable after the end.
        message=found.message if failed or current is None else current.message,
        remediation=one.check.remediation,
        evidence=found.evidence if failed or current is None else current.evidence,
        opened_at=after.opened_at,
        changed_at=after.changed_at,
        resolved_at=after.ended_at,
        occurrences=after.occurrences,
        cause=change.cause.value,
        acknowledge_by=None if current is None else current.acknowledge_by,
        resolve_by=None if current is None else current.resolve_by,
    )


def _row(entity_type: str, entity: str, found: Evaluation, one: Bound) -> NewEvaluation:
    return NewEvaluation(
        check_id=found.check_id,
        entity_type=entity_type,
        entity_id=entity,
        sub_key=found.sub_key,
        result=found.result.value,
        message=found.message,
        missing=found.missing,
        observed=_observed(found),
        evidence=found.evidence,
        severity=one.check.severity.value,
        parameters_digest=one.digest,
    )


def _observed(found: Evaluation) -> dict[str, Any]:
    """The values that made it fail; a pass has none, or each change that leaves it a pass would write it anew."""
    if found.result is Result.PASS:
        return {}
    return {name: _json(value) for leaf in found.leaves for name, value in leaf.values if name != "now"}


def _json(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date) else value
