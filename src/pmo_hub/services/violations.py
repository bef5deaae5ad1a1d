"""Violations as they are listed, shown with what happened to them, and acknowledged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from pmo_hub.domain.violations import acknowledge as acknowledged
from pmo_hub.services import audit, judging
from pmo_hub.services.errors import Conflict, NotFound
from pmo_hub.services.hub import Hub
from pmo_hub.store.repositories import events, portfolios
from pmo_hub.store.repositories import violations as rows
from pmo_hub.store.repositories.events import KeptEvent
from pmo_hub.store.repositories.violations import Listed, Wanted

__all__ = ["Listed", "Told", "Wanted", "acknowledge", "get_violation", "list_violations"]


@dataclass(frozen=True, slots=True)
class Told:
    """A violation with its transitions, newest first."""

    listed: Listed
    transitions: Sequence[KeptEvent]


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
        return Told(found, events.of_subject(session, id))


def acknowledge(hub: Hub, id: str, note: str, actor: str) -> Told:
    """Somebody has taken note of an open violation; raises NotFound, and Conflict in any other state."""
    now = hub.now()
    with hub.work.write() as session:
        rows.lock(session, id)
        found = rows.get(session, id)
        if found is None:
            raise NotFound("violation", id)
        change = acknowledged(judging.state_of(found.violation), now)
        if change is None:
            raise Conflict(f"The violation is {found.violation.state}; only an open one can be acknowledged.")
        after = judging.apply(change, found.violation)
        rows.save(session, [after])
        judging.tell(session, change.event, after, now, note=note, actor=actor)
        audit.record(session, actor, "violation.acknowledged", "violation", id, {"note": note}, now)
        return Told(replace(found, violation=after), events.of_subject(session, id))
