"""What iterations promised and delivered, as it is written down, and what is needed to write it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from pmo_hub.domain.commitment import Line, Member, Outcome
from pmo_hub.domain.identity import row_id
from pmo_hub.domain.timeline import Change, Stay
from pmo_hub.domain.vocabulary import Field, IterationState, StatusCategory
from pmo_hub.store.bulk import is_in
from pmo_hub.store.merge import merge_rows
from pmo_hub.store.models.canonical import Iteration, IterationMembership, Transition, WorkItem
from pmo_hub.store.models.iterations import CommittedItem, IterationCommitment
from pmo_hub.store.unit_of_work import Session

_ITEMS: Any = WorkItem.__table__
_ITERATIONS: Any = Iteration.__table__
_STAYS: Any = IterationMembership.__table__
_CHANGES: Any = Transition.__table__
_PARTS: Any = IterationCommitment.__table__
_LINES: Any = CommittedItem.__table__

NONE, ACTIVE, CLOSED = "none", IterationState.ACTIVE.value, IterationState.CLOSED.value


@dataclass(frozen=True, slots=True)
class Part:
    """One scope's part of an iteration, as far as it is written down."""

    id: str
    iteration_id: str
    scope_id: str
    phase: str
    started_at: datetime | None = None
    start_basis: str | None = None
    ended_at: datetime | None = None
    end_basis: str | None = None


@dataclass(frozen=True, slots=True)
class Due:
    """A part that its iteration has overtaken; dates are the iteration's."""

    part: Part
    state: str
    starts_at: datetime | None
    ends_at: datetime | None
    completed_at: datetime | None


@dataclass(frozen=True, slots=True)
class Candidate:
    """A member of an iteration, the scope that it is in now, and whether measures count it."""

    scope_id: str
    counts: bool
    member: Member


def register(session: Session, pairs: Iterable[tuple[str, str]], now: datetime) -> None:
    """Each (iteration, scope) of which an item was seen has its part; those that are there are left alone."""
    rows = {row_id("iteration_commitment", *pair): pair for pair in pairs}
    known = set(session.scalars(sa.select(_PARTS.c.id).where(is_in(session, _PARTS.c.id, rows)))) if rows else set()
    save(session, [Part(id_, *pair, NONE) for id_, pair in rows.items() if id_ not in known], {}, now)


def due(session: Session, scope_ids: Collection[str], settled: datetime, limit: int) -> list[Due]:
    """Parts whose iteration has started or closed since they were written, and not after `settled`."""
    p, i = _PARTS.c, _ITERATIONS.c
    begun = sa.and_(p.phase == NONE, i.state.in_((ACTIVE, CLOSED)), sa.or_(i.starts_at.is_(None), i.starts_at <= settled))
    ended = sa.func.coalesce(i.completed_at, i.ends_at, type_=i.ends_at.type)
    over = sa.and_(p.phase == ACTIVE, i.state == CLOSED, sa.or_(ended.is_(None), ended <= settled))
    rows: Any = session.execute(
        sa.select(*_part_columns(), i.state, i.starts_at, i.ends_at, i.completed_at)
        .join(_ITERATIONS, i.id == p.iteration_id)
        .where(is_in(session, p.scope_id, scope_ids), sa.or_(begun, over))
        .order_by(p.id)
        .limit(limit)
    )
    return [Due(Part(*row[:8]), *row[8:]) for row in rows]


def parts(session: Session, iteration_ids: Collection[str]) -> dict[str, list[Part]]:
    """Iteration → its parts."""
    found: dict[str, list[Part]] = defaultdict(list)
    query = sa.select(*_part_columns()).where(is_in(session, _PARTS.c.iteration_id, iteration_ids)).order_by(_PARTS.c.id)
    for row in session.execute(query):
        found[row.iteration_id].append(Part(*row))
    return found


def lines(session: Session, iteration_ids: Collection[str]) -> dict[str, list[tuple[str, Line]]]:
    """Iteration → (scope, line) of its items, as written down."""
    c = _LINES.c
    found: dict[str, list[tuple[str, Line]]] = defaultdict(list)
    query = sa.select(
        c.iteration_id, c.scope_id, c.outcome, c.item_id, c.at_start, c.start_points, c.done_before, c.joined_at, c.left_at, c.end_points
    ).where(is_in(session, c.iteration_id, iteration_ids))
    rows: Any = session.execute(query.order_by(c.id))
    for row in rows:
        outcome = None if row.outcome is None else Outcome(row.outcome)
        found[row.iteration_id].append((row.scope_id, Line(*(*row[3:], outcome))))
    return found


def members(session: Session, iteration_ids: Collection[str]) -> tuple[dict[str, list[Candidate]], dict[str, StatusCategory]]:
    """Iteration → the items that are or were in it; and what the statuses mean that their changes name."""
    s, i, c = _STAYS.c, _ITEMS.c, _CHANGES.c
    inside = session.execute(
        sa.select(s.iteration_id, i.id, i.scope_id, i.counts, i.status_category, i.original_status_id, i.points)
        .join(_ITEMS, i.id == s.item_id)
        .where(is_in(session, s.iteration_id, iteration_ids))
        .distinct()
    ).all()
    ids = {row.id for row in inside}
    stays: dict[str, list[Stay]] = defaultdict(list)
    for row in session.execute(sa.select(s.item_id, s.iteration_id, s.joined_at, s.left_at).where(is_in(session, s.item_id, ids))):
        stays[row.item_id].append(Stay(row.iteration_id, row.joined_at, row.left_at))
    changes: dict[str, list[Change]] = defaultdict(list)
    meant: dict[str, StatusCategory] = {}
    told: Any = session.execute(
        sa.select(
            c.item_id, c.from_category, c.to_category, c.field, c.at, c.from_id, c.from_text, c.to_id, c.to_text, c.external_id
        ).where(is_in(session, c.item_id, ids), c.field.in_((Field.STATUS.value, Field.POINTS.value)))
    )
    for row in told:
        before = None if row.from_category is None else StatusCategory(row.from_category)
        changes[row.item_id].append(Change(*(*row[3:], before)))
        if row.to_category is not None and row.to_id is not None:
            meant[row.to_id] = StatusCategory(row.to_category)
    found: dict[str, list[Candidate]] = defaultdict(list)
    for row in inside:
        category = StatusCategory(row.status_category)
        if row.original_status_id is not None:
            meant.setdefault(row.original_status_id, category)
        own = [stay for stay in stays[row.id] if stay.iteration_id == row.iteration_id]
        other = [stay for stay in stays[row.id] if stay.iteration_id != row.iteration_id]
        member = Member(row.id, category, row.points, own, other, changes.get(row.id, ()))
        found[row.iteration_id].append(Candidate(row.scope_id, row.counts, member))
    return found, meant


def save(session: Session, parts: Sequence[Part], lines: Mapping[tuple[str, str], Sequence[Line]], now: datetime) -> None:
    """Write parts, and lines by (iteration, scope)."""
    merge_rows(session, IterationCommitment, [{name: getattr(part, name) for name in _PART} for part in parts], now)
    rows = [
        {
            "id": row_id("committed_item", iteration_id, line.item_id), "iteration_id": iteration_id, "item_id": line.item_id,
            "scope_id": scope_id, "at_start": line.at_start, "start_points": line.start_points, "done_before": line.done_before,
            "joined_at": line.joined_at, "left_at": line.left_at, "end_points": line.end_points,
            "outcome": None if line.outcome is None else line.outcome.value,
        }
        for (iteration_id, scope_id), some in lines.items()
        for line in some
    ]  # fmt: skip
    merge_rows(session, CommittedItem, rows, now)


_PART = ("id", "iteration_id", "scope_id", "phase", "started_at", "start_basis", "ended_at", "end_basis")


def _part_columns() -> list[Any]:
    return [_PARTS.c[name] for name in _PART]
