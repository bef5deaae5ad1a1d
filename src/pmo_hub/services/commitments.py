"""What iterations promised, frozen when they start and when they close; the past before the first sync is put together from history."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import datetime, timedelta

from pmo_hub.domain.commitment import Basis, Line, Member, closing, opening
from pmo_hub.domain.vocabulary import StatusCategory
from pmo_hub.store.repositories import commitments as rows
from pmo_hub.store.repositories import work_item_past as past
from pmo_hub.store.repositories.commitments import CLOSED, Candidate, Due, Part
from pmo_hub.store.unit_of_work import Session

PARTS = 200
"""So many are written in one transaction."""


SETTLED = timedelta(minutes=10)
"""How long before a run began whatever happened at its source is sure to have been read by it."""


def freeze(
    commit: Callable[[], AbstractContextManager[Session]], scope_ids: Sequence[str], read_from: datetime, now: Callable[[], datetime]
) -> None:
    """Every iteration of these scopes that has started or closed is written down as it was at that instant, once and for good.

    One that did so while the run that began at `read_from` was reading waits for the next run: of its items, some may have been read
    before.
    """
    settled = read_from - SETTLED
    while True:
        with commit() as session:
            due = rows.due(session, scope_ids, settled, PARTS)
            if due:
                _freeze(session, due, settled, now())
            if len(due) < PARTS:
                return


def so_far(
    parts: Sequence[Part], written: Iterable[tuple[str, Line]], candidates: Iterable[Candidate], categories: Mapping[str, StatusCategory],
    now: datetime,
) -> list[Line]:  # fmt: skip
    """The lines of an iteration that is under way, as if it closed at `now`; nothing is written."""
    lines: dict[str, list[Line]] = defaultdict(list)
    for scope_id, line in written:
        lines[scope_id].append(line)
    taken = {line.item_id for own in lines.values() for line in own}
    found = []
    everyone = list(candidates)
    for part in parts:
        own = lines[part.scope_id]
        if part.started_at is not None and part.start_basis != Basis.UNKNOWN:
            found += closing(own, _members(everyone, part.scope_id, own, taken), part.started_at, now, categories)
    return found


def _freeze(session: Session, due: Sequence[Due], settled: datetime, now: datetime) -> None:
    iterations = {one.part.iteration_id for one in due}
    scopes = {one.part.scope_id for one in due}
    candidates, categories = rows.members(session, iterations)
    written = rows.lines(session, iterations)
    since = past.first_recorded(session, scopes)
    told = past.scopes_with_history(session, scopes)

    def basis(scope_id: str, at: datetime) -> Basis:
        first = since.get(scope_id)
        if first is not None and first <= at:
            return Basis.RECORDED
        return Basis.RECONSTRUCTED if scope_id in told else Basis.UNKNOWN

    taken = {iteration: {line.item_id for _, line in some} for iteration, some in written.items()}
    parts: list[Part] = []
    lines: dict[tuple[str, str], list[Line]] = {}
    for one in due:
        part, key = one.part, (one.part.iteration_id, one.part.scope_id)
        held = [line for scope_id, line in written.get(part.iteration_id, ()) if scope_id == part.scope_id]
        others = taken.setdefault(part.iteration_id, set())
        members = _members(candidates.get(part.iteration_id, ()), part.scope_id, held, others)
        if part.phase == rows.NONE:
            start = one.starts_at
            known = Basis.UNKNOWN if start is None else basis(part.scope_id, start)
            part = replace(part, phase=rows.ACTIVE, started_at=start, start_basis=known.value)
            held = [] if start is None or known is Basis.UNKNOWN else opening(members, start, categories)
        end = one.completed_at or one.ends_at or settled
        if one.state == CLOSED and end <= settled:
            known = Basis.UNKNOWN if part.start_basis == Basis.UNKNOWN else basis(part.scope_id, end)
            part = replace(part, phase=CLOSED, ended_at=end, end_basis=known.value)
            if part.started_at is not None and known is not Basis.UNKNOWN:
                held = closing(held, members, part.started_at, end, categories)
        parts.append(part)
        lines[key] = held
        others |= {line.item_id for line in held}
    rows.save(session, parts, lines, now)


def _members(candidates: Iterable[Candidate], scope_id: str, held: Iterable[Line], taken: Collection[str]) -> list[Member]:
    """Who is looked at for one scope's part: what is written down in it, wherever that is now, and its own items that count.

    An item that moved here from another scope stays in that one's part: it is counted once.
    """
    own = {line.item_id for line in held}
    return [
        one.member
        for one in candidates
        if one.member.item_id in own or (one.scope_id == scope_id and one.counts and one.member.item_id not in taken)
    ]
