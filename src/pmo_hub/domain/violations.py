"""The life of a violation: open, acknowledged, waived, resolved, closed. Only a pass on sound data resolves, never the unknown."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from hashlib import sha256

from pmo_hub.domain.governance import Evaluation, Mode, Result

REOPEN_WINDOW = timedelta(days=90)


class State(StrEnum):
    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    WAIVED = "waived"
    RESOLVED = "resolved"
    CLOSED = "closed"


class Cause(StrEnum):
    """Why a violation changed: the project, the rule, or the view on it."""

    DATA_CHANGE = "data_change"
    POLICY_CHANGE = "policy_change"
    PARAM_CHANGE = "param_change"
    WAIVER = "waiver"
    SYNC_GAP = "sync_gap"
    MANUAL = "manual"


ENDED = frozenset({State.RESOLVED, State.CLOSED})


@dataclass(frozen=True, slots=True)
class ViolationState:
    """One violation. `id` is fingerprint and generation hashed; `previous` is the id of the one that lapsed before it.

    `occurrences` counts openings; `opened_at` is the first, `changed_at` the last change of state, `ended_at` the last end.
    `reason` says why an ended one ended: passed, not_applicable or entity_gone.
    """

    id: str
    fingerprint: str
    generation: int
    state: State
    occurrences: int
    opened_at: datetime
    changed_at: datetime
    ended_at: datetime | None = None
    reason: str | None = None
    previous: str | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """A transition. `after` is to be stored (a new row when `created`); `event` is None in evaluate mode, which tells nobody."""

    after: ViolationState
    created: bool
    event: str | None
    cause: Cause
    at: datetime


def fingerprint(check_id: str, entity_id: str, sub_key: str = "") -> str:
    """The sha256 hex of check, entity and sub-key, length-prefixed; no message, value, severity or version: an edit doubles nothing."""
    parts = [part.encode() for part in (check_id, entity_id, sub_key)]
    return sha256(b"".join(len(part).to_bytes(4, "big") + part for part in parts)).hexdigest()


def violation_id(of: str, generation: int) -> str:
    """32 hex characters, the same on every machine."""
    return sha256(f"{of}:{generation}".encode()).hexdigest()[:32]


def transition(
    current: ViolationState | None,
    evaluation: Evaluation,
    now: datetime,
    cause: Cause,
    *,
    of: str,
    mode: Mode = Mode.ACTIVE,
    window: timedelta = REOPEN_WINDOW,
) -> Change | None:
    """What an evaluation changes; None when nothing does. `of` is the fingerprint, `current` its newest violation.

    A fail opens, or re-opens what ended within the window; after it a new violation follows the old one. A pass resolves, but not on
    stale data; a check that no longer applies resolves too. Unknown and error change nothing.
    """
    if current is not None and current.fingerprint != of:
        raise ValueError("the violation belongs to another fingerprint")
    if current is None:
        return _opened(of, 1, None, now, cause, mode) if evaluation.result is Result.FAIL else None
    if current.state in ENDED:
        return _failed_again(current, now, cause, mode, window) if evaluation.result is Result.FAIL else None
    if evaluation.result is Result.PASS and not evaluation.stale_data:
        return _ended(current, State.RESOLVED, "passed", now, cause, mode)
    if evaluation.result is Result.NOT_APPLICABLE:
        return _ended(current, State.RESOLVED, "not_applicable", now, cause, mode)
    return None


def close_gone(current: ViolationState, now: datetime, *, mode: Mode = Mode.ACTIVE) -> Change | None:
    """The violation of an entity that is confirmed gone, closed; None when it has ended already."""
    return None if current.state in ENDED else _ended(current, State.CLOSED, "entity_gone", now, Cause.DATA_CHANGE, mode)


def acknowledge(current: ViolationState, now: datetime, *, mode: Mode = Mode.ACTIVE) -> Change | None:
    """An open violation, acknowledged; None in any other state. It stays so while the check goes on failing."""
    if current.state is not State.OPEN:
        return None
    return _moved(current, State.ACKNOWLEDGED, "violation.acknowledged", now, Cause.MANUAL, mode)


def waive(current: ViolationState, now: datetime, *, mode: Mode = Mode.ACTIVE) -> Change | None:
    """A violation that stands, accepted for a while; None in any other state. The check goes on failing, and is counted as waived."""
    if current.state not in (State.OPEN, State.ACKNOWLEDGED):
        return None
    return _moved(current, State.WAIVED, "violation.waived", now, Cause.WAIVER, mode)


def end_waiver(current: ViolationState, now: datetime, *, is_revoked: bool = False, mode: Mode = Mode.ACTIVE) -> Change | None:
    """A waived violation stands again, as its waiver is over or was revoked; None in any other state."""
    if current.state is not State.WAIVED:
        return None
    event, cause = ("violation.reopened", Cause.MANUAL) if is_revoked else ("violation.waiver_expired", Cause.WAIVER)
    return _moved(current, State.OPEN, event, now, cause, mode)


def _moved(current: ViolationState, state: State, event: str, now: datetime, cause: Cause, mode: Mode) -> Change:
    return Change(replace(current, state=state, changed_at=now), False, _event(event, mode), cause, now)


def _opened(of: str, generation: int, previous: str | None, now: datetime, cause: Cause, mode: Mode) -> Change:
    after = ViolationState(violation_id(of, generation), of, generation, State.OPEN, 1, now, now, previous=previous)
    return Change(after, True, _event("violation.opened", mode), cause, now)


def _failed_again(current: ViolationState, now: datetime, cause: Cause, mode: Mode, window: timedelta) -> Change:
    if now - (current.ended_at or current.changed_at) > window:
        return _opened(current.fingerprint, current.generation + 1, current.id, now, cause, mode)
    after = replace(current, state=State.OPEN, occurrences=current.occurrences + 1, changed_at=now, ended_at=None, reason=None)
    return Change(after, False, _event("violation.reopened", mode), cause, now)


def _ended(current: ViolationState, state: State, reason: str, now: datetime, cause: Cause, mode: Mode) -> Change:
    after = replace(current, state=state, changed_at=now, ended_at=now, reason=reason)
    return Change(after, False, _event("violation.resolved", mode), cause, now)


def _event(name: str, mode: Mode) -> str | None:
    return None if mode is Mode.EVALUATE else name
