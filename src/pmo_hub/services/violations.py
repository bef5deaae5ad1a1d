"""Violations: the list, one with its transitions, and what somebody does about one: acknowledge it, or accept it for a while."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Literal

from pmo_hub.domain.deadlines import WAIVER_DAYS, next_look
from pmo_hub.domain.governance import Mode
from pmo_hub.domain.violations import Change, end_waiver, waive
from pmo_hub.domain.violations import acknowledge as acknowledged
from pmo_hub.services import audit, judging
from pmo_hub.services.errors import Conflict, Invalid, NotFound
from pmo_hub.services.hub import Hub
from pmo_hub.store.repositories import events, portfolios, waivers
from pmo_hub.store.repositories import violations as rows
from pmo_hub.store.repositories.events import KeptEvent
from pmo_hub.store.repositories.violations import KeptViolation, Listed, Wanted
from pmo_hub.store.repositories.waivers import KeptWaiver
from pmo_hub.store.unit_of_work import Session

__all__ = ["KeptWaiver", "Listed", "Told", "Wanted", "accept", "acknowledge", "get_violation", "list_violations", "revoke_waiver"]


@dataclass(frozen=True, slots=True)
class Told:
    """A violation with its transitions and its waivers, newest first."""

    listed: Listed
    transitions: Sequence[KeptEvent]
    waivers: Sequence[KeptWaiver] = ()


def list_violations(hub: Hub, wanted: Wanted, holder_id: str | None, after: tuple[datetime, str] | None, limit: int) -> list[Listed]:
    """Violations, the newest first, those after (opened, id); of a portfolio or program if one is named. Raises NotFound."""
    with hub.work.read() as session:
        if holder_id is not None:
            kinds: tuple[Literal["portfolio", "program"], ...] = ("portfolio", "program")
            if not any(portfolios.exists(session, kind, holder_id) for kind in kinds):
                raise NotFound("portfolio", holder_id)
            wanted = replace(wanted, project_ids=portfolios.project_ids(session, holder_id))
        return rows.page(session, wanted, after, limit)


def get_violation(hub: Hub, id: str) -> Told:
    """One violation; raises NotFound."""
    with hub.work.read() as session:
        found = rows.get(session, id)
        if found is None:
            raise NotFound("violation", id)
        return _told(session, found)


def acknowledge(hub: Hub, id: str, note: str, actor: str) -> Told:
    """Somebody has taken note of an open violation; raises NotFound, and Conflict in any other state."""
    now = hub.now()
    with hub.work.write() as session:
        found = _locked(session, id)
        change = acknowledged(judging.state_of(found.violation), now, mode=Mode(found.violation.mode))
        if change is None:
            raise Conflict(f"The violation is {found.violation.state}; only an open one can be acknowledged.")
        after = judging.apply(change, found.violation)
        return _moved(session, found, change, after, actor, {"note": note})


def accept(hub: Hub, id: str, until: datetime, reason: str, actor: str) -> Told:
    """A violation that stands is waived until then; raises NotFound, Conflict in any other state, and Invalid for a time too long."""
    now = hub.now()
    with hub.work.write() as session:
        found = _locked(session, id)
        row = found.violation
        change = waive(judging.state_of(row), now, mode=Mode(row.mode))
        if change is None:
            raise Conflict(f"The violation is {row.state}; only an open or acknowledged one can be waived.")
        most = timedelta(days=WAIVER_DAYS.get(row.severity, min(WAIVER_DAYS.values())))
        if not now < until <= now + most:
            raise Invalid("/until", f"A waiver of severity {row.severity} ends in the future, and within {most.days} days.", code="until")
        waiver = KeptWaiver(secrets.token_hex(16), id, reason, until, actor, now, next_look(until, now))
        waivers.insert(session, waiver)
        more = {"until": until.isoformat(), "reason": reason}
        return _moved(session, found, change, judging.apply(change, row), actor, more)


def revoke_waiver(hub: Hub, id: str, actor: str) -> Told:
    """A waived violation stands again; raises NotFound, and Conflict where it isn't waived."""
    now = hub.now()
    with hub.work.write() as session:
        found = _locked(session, id)
        row = found.violation
        change = end_waiver(judging.state_of(row), now, is_revoked=True, mode=Mode(row.mode))
        if change is None:
            raise Conflict(f"The violation is {row.state}; only a waived one has a waiver to revoke.")
        waivers.end(session, [id], waivers.REVOKED, actor, now)
        after = judging.timed_anew(change, row, judging.zone_of(session, row.project_id))
        return _moved(session, found, change, after, actor, {})


def _locked(session: Session, id: str) -> Listed:
    rows.lock(session, id)
    found = rows.get(session, id)
    if found is None:
        raise NotFound("violation", id)
    return found


def _moved(session: Session, found: Listed, change: Change, after: KeptViolation, actor: str, more: dict[str, Any]) -> Told:
    rows.save(session, [after])
    events.lock_subjects(session, [after.id])
    judging.tell(session, change.event, after, change.at, **more, actor=actor)
    action = "violation.waiver_revoked" if change.event == "violation.reopened" else f"violation.{after.state}"
    audit.record(session, actor, action, "violation", after.id, more, change.at)
    return _told(session, replace(found, violation=after))


def _told(session: Session, found: Listed) -> Told:
    id = found.violation.id
    return Told(found, events.of_subject(session, id), waivers.of_violation(session, id))
