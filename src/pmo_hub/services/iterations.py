"""Iterations with what they promised and delivered."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from pmo_hub.domain.commitment import Basis, Line, Summary, summarise
from pmo_hub.services.commitments import so_far
from pmo_hub.services.errors import NotFound
from pmo_hub.services.hub import Hub
from pmo_hub.store.repositories import commitments, projects
from pmo_hub.store.repositories import iterations as rows
from pmo_hub.store.repositories.commitments import ACTIVE, CLOSED, Part
from pmo_hub.store.repositories.iterations import NamedItem, StoredIteration
from pmo_hub.store.unit_of_work import Session

_SURE = (Basis.RECORDED, Basis.RECONSTRUCTED, Basis.UNKNOWN)


@dataclass(frozen=True, slots=True)
class Commitment:
    """What of an iteration is written down. `is_final` once it closed; before, what depends on the end is as it stands now.

    The basis is the weakest of its scopes' parts. Unknown: nothing recorded what was in it then, and the summary covers no such part.
    """

    started_at: datetime | None
    start_basis: Basis
    ended_at: datetime | None
    end_basis: Basis | None
    is_final: bool
    summary: Summary | None


@dataclass(frozen=True, slots=True)
class Told:
    """`commitment` is None for an iteration that has not begun, or that began while the newest run was reading."""

    iteration: StoredIteration
    commitment: Commitment | None


@dataclass(frozen=True, slots=True)
class Detailed:
    """`items` names those of the lines that the hub still holds."""

    told: Told
    lines: Sequence[Line]
    items: Mapping[str, NamedItem]


def page(hub: Hub, project_id: str | None, state: str | None, after: tuple[datetime | None, str] | None, limit: int) -> list[Told]:
    """Iterations, the last to start first; of one project, those that its items are or were in. Raises NotFound."""
    with hub.work.read() as session:
        if project_id is not None and projects.get(session, project_id) is None:
            raise NotFound("project", project_id)
        found = rows.page(session, project_id, state, after, limit)
        told = _told(session, [one.id for one in found], hub.now())
    return [Told(one, told[one.id][0]) for one in found]


def get(hub: Hub, id: str) -> Detailed:
    """One iteration with the part of each of its items; raises NotFound."""
    with hub.work.read() as session:
        found = rows.get(session, id)
        if found is None:
            raise NotFound("iteration", id)
        commitment, lines = _told(session, [id], hub.now())[id]
        return Detailed(Told(found, commitment), lines, rows.items(session, [line.item_id for line in lines]))


def _told(session: Session, ids: Collection[str], now: datetime) -> dict[str, tuple[Commitment | None, Sequence[Line]]]:
    parts = commitments.parts(session, ids)
    written = commitments.lines(session, ids)
    begun = {id: [part for part in parts.get(id, ()) if part.phase != commitments.NONE] for id in ids}
    running = [id for id, some in begun.items() if any(part.phase == ACTIVE for part in some)]
    candidates, categories = commitments.members(session, running) if running else ({}, {})
    told: dict[str, tuple[Commitment | None, Sequence[Line]]] = {}
    for id, some in begun.items():
        lines = [line for _, line in written.get(id, ())]
        if id in running:
            # A part that is closed already stays as it is written.
            closed = {part.scope_id for part in some if part.phase == CLOSED}
            done = [line for scope_id, line in written.get(id, ()) if scope_id in closed]
            open_parts = [part for part in some if part.scope_id not in closed]
            held = [entry for entry in written.get(id, ()) if entry[0] not in closed]
            others = [one for one in candidates.get(id, ()) if one.member.item_id not in {line.item_id for line in done}]
            lines = done + so_far(open_parts, held, others, categories, now)
        lines.sort(key=lambda line: (not line.at_start, line.joined_at is not None, line.joined_at or now, line.item_id))
        told[id] = (_commitment(some, lines) if some else None, lines)
    return told


def _commitment(parts: Sequence[Part], lines: Sequence[Line]) -> Commitment:
    final = all(part.phase == CLOSED for part in parts)
    ended = [part.ended_at for part in parts if part.ended_at is not None]
    started = [part.started_at for part in parts if part.started_at is not None]
    return Commitment(
        started_at=min(started, default=None),
        start_basis=_weakest(part.start_basis for part in parts),
        ended_at=max(ended, default=None) if final else None,
        end_basis=_weakest(part.end_basis for part in parts) if final else None,
        is_final=final,
        summary=None if all(part.start_basis == Basis.UNKNOWN for part in parts) else summarise(lines),
    )


def _weakest(bases: Iterable[str | None]) -> Basis:
    return max((Basis(one or Basis.UNKNOWN) for one in bases), key=_SURE.index)
