"""Rows that are derived after the merge: an item's stays in iterations, and when work on it began and ended."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from pmo_hub.domain.identity import identifier, row_id
from pmo_hub.domain.timeline import Change, iteration_stays, timing
from pmo_hub.domain.vocabulary import Field, RecordType, StatusCategory
from pmo_hub.store.bulk import is_in
from pmo_hub.store.merge import end_rows, merge_rows
from pmo_hub.store.models.canonical import ItemTiming, IterationMembership, Transition, WorkItem
from pmo_hub.store.models.source import Scope
from pmo_hub.store.repositories import commitments

_ITEMS: Any = WorkItem.__table__
_TRANSITIONS: Any = Transition.__table__
_STAYS: Any = IterationMembership.__table__

AT_A_TIME = 2_000
"""Items that are derived from at once: a plan of fifty thousand is never in memory as a whole."""

_TOLD_BY = (Field.STATUS.value, Field.ITERATION.value, Field.DUE.value)


def derive(session: Session, namespace: str, scopes: Mapping[str, Collection[str] | None], now: datetime) -> None:
    """Write the derived rows of these items (scope → item ids, None for all of the scope), so many at a time.

    Where these items bring the first history of their scope, all of it is derived anew: whatever has none of its own is unchanged since
    its creation now, and no longer unknown.
    """
    with_history = _scopes_with_history(session, scopes)
    first = _told_by_these_alone(session, {s: items for s, items in scopes.items() if items is not None and s in with_history})
    whole = [s for s, items in scopes.items() if items is None or s in first]
    single = [i for items in scopes.values() if items is not None for i in items]
    chosen = sa.or_(is_in(session, _ITEMS.c.scope_id, whole), is_in(session, _ITEMS.c.id, single))
    ids = list(session.scalars(sa.select(_ITEMS.c.id).where(chosen).order_by(_ITEMS.c.id)))
    categories = _categories(session, chosen)
    for start in range(0, len(ids), AT_A_TIME):
        _derive(session, namespace, ids[start : start + AT_A_TIME], categories, with_history, now)


def _derive(
    session: Session,
    namespace: str,
    ids: Sequence[str],
    categories: Mapping[str | None, StatusCategory],
    with_history: Collection[str],
    now: datetime,
) -> None:
    i = _ITEMS.c
    items = session.execute(
        sa.select(
            i.id, i.scope_id, i.created_at, i.actual_finish, i.status_category, i.original_status, i.original_status_id, i.iteration_ids
        ).where(is_in(session, i.id, ids))
    ).all()
    changes = _changes(session, ids)
    iteration = identifier(namespace, RecordType.ITERATION)
    timings = []
    stays: dict[str, dict[str, Any]] = {}
    for item in items:
        complete = item.scope_id in with_history
        recorded = changes.get(item.id, ())
        known = {**categories, item.original_status_id: StatusCategory(item.status_category)}
        t = timing(
            StatusCategory(item.status_category), item.original_status, item.original_status_id, item.created_at, item.actual_finish,
            recorded, known, complete,
        )  # fmt: skip
        timings.append({
            "id": item.id, "started_at": t.started_at, "done_at": t.done_at, "status_since": t.status_since, "reopened": t.reopened,
            "due_moves": t.due_moves,
        })  # fmt: skip
        for stay in iteration_stays(item.created_at, item.iteration_ids, recorded, iteration, complete):
            joined = "" if stay.joined_at is None else stay.joined_at.isoformat()
            id_ = row_id("iteration_membership", item.id, stay.iteration_id, joined)
            stays[id_] = {
                "id": id_, "item_id": item.id, "iteration_id": stay.iteration_id, "joined_at": stay.joined_at, "left_at": stay.left_at,
            }  # fmt: skip
    scope_of = {item.id: item.scope_id for item in items}
    commitments.register(session, {(stay["iteration_id"], scope_of[stay["item_id"]]) for stay in stays.values()}, now)
    merge_rows(session, ItemTiming, timings, now)
    merge_rows(session, IterationMembership, list(stays.values()), now)
    held = session.scalars(sa.select(_STAYS.c.id).where(is_in(session, _STAYS.c.item_id, ids)))
    end_rows(session, IterationMembership, [s for s in held if s not in stays], now)


def end_derived(session: Session, item_ids: Collection[str], now: datetime) -> None:
    """What was derived from items that ended, ends."""
    end_rows(session, ItemTiming, item_ids, now)
    held = list(session.scalars(sa.select(_STAYS.c.id).where(is_in(session, _STAYS.c.item_id, item_ids))))
    end_rows(session, IterationMembership, held, now)


def _changes(session: Session, ids: Collection[str]) -> dict[str, list[Change]]:
    t = _TRANSITIONS.c
    rows = session.execute(
        sa.select(t.item_id, t.field, t.at, t.from_id, t.from_text, t.to_id, t.to_text, t.external_id).where(
            is_in(session, t.item_id, ids), t.field.in_(_TOLD_BY)
        )
    )
    changes: dict[str, list[Change]] = defaultdict(list)
    for r in rows:
        changes[r[0]].append(Change(r[1], r[2], r[3], r[4], r[5], r[6], r[7]))
    return changes


def _categories(session: Session, chosen: sa.ColumnElement[bool]) -> dict[str | None, StatusCategory]:
    """What the items' changes say of their statuses, the newest word of each."""
    t = _TRANSITIONS.c
    told = [
        sa.select(status.label("status"), category.label("category"), sa.func.max(t.at).label("at"))
        .join(_ITEMS, _ITEMS.c.id == t.item_id)
        .where(chosen, t.field.in_(_TOLD_BY), category.is_not(None))
        .group_by(status, category)
        for status, category in ((t.from_id, t.from_category), (t.to_id, t.to_category))
    ]
    every = sa.union_all(*told).subquery("told").c
    rows = session.execute(sa.select(every.status, every.category).order_by(every.at, every.category))
    return {status: StatusCategory(category) for status, category in rows}


def _scopes_with_history(session: Session, scope_ids: Collection[str]) -> set[str]:
    """A scope none of whose items has a transition was read without history: what its items don't tell is unknown, not unchanged."""
    scopes: Any = Scope.__table__
    has = sa.exists().where(_ITEMS.c.scope_id == scopes.c.id, _TRANSITIONS.c.item_id == _ITEMS.c.id)
    return set(session.scalars(sa.select(scopes.c.id).where(is_in(session, scopes.c.id, scope_ids), has)))


def _told_by_these_alone(session: Session, items_of: Mapping[str, Collection[str]]) -> set[str]:
    """The scopes in which no other items than these have a transition."""
    if not items_of:
        return set()
    scopes: Any = Scope.__table__
    these = [item for items in items_of.values() for item in items]
    others = sa.exists().where(_ITEMS.c.scope_id == scopes.c.id, _TRANSITIONS.c.item_id == _ITEMS.c.id, ~is_in(session, _ITEMS.c.id, these))
    return set(session.scalars(sa.select(scopes.c.id).where(is_in(session, scopes.c.id, items_of), ~others)))
