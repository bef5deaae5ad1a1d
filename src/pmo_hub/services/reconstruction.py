"""Work items put together again for a time before the hub knew them, from their first versions and what their source recorded."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from functools import partial

from pmo_hub.domain.identity import row_id
from pmo_hub.domain.timeline import RECORDED, Dictionary, ItemState, state_at
from pmo_hub.domain.vocabulary import Kind, StatusCategory
from pmo_hub.store.repositories import work_item_past as past
from pmo_hub.store.repositories.work_items import StoredItem
from pmo_hub.store.unit_of_work import Session


def unknown_then(session: Session, scope_ids: Collection[str] | None, as_of: datetime | None) -> frozenset[str]:
    """The scopes of which the hub knew nothing yet at `as_of`."""
    if as_of is None:
        return frozenset()
    return frozenset(scope for scope, first in past.first_recorded(session, scope_ids).items() if as_of < first)


def remade(session: Session, first: Sequence[StoredItem], as_of: datetime, scopes: frozenset[str] | None = None) -> list[StoredItem]:
    """The items as they were at `as_of`, which is before the hub knew their scopes; those that were in another scope then are left out."""
    held = {item.scope_id for item in first if item.scope_id is not None}
    unknown = scopes if scopes is not None else unknown_then(session, held, as_of)
    candidates = [item for item in first if item.scope_id in unknown]
    if not candidates:
        return []
    words = _dictionaries(past.words(session, held), first)
    changes = past.changes_after(session, [item.id for item in candidates], as_of)
    # Of a scope that was read without its history, no field's past can be told.
    recorded = past.scopes_with_history(session, held) | {item.scope_id for item in candidates if changes.get(item.id)}
    made = []
    for item in candidates:
        scope = item.scope_id
        if scope is not None and scope in words:
            fields = RECORDED if scope in recorded else frozenset()
            then = state_at(_state(item), changes.get(item.id, ()), as_of, words[scope], fields)
            if then.scope_id is None or then.scope_id in unknown:
                made.append(_stored(item, then))
    return made


def _dictionaries(words: Mapping[str, past.Words], first: Sequence[StoredItem]) -> dict[str, Dictionary]:
    """Scope → how its source's words read: as the items of its namespace show it now, or else as these showed it first."""
    seen: dict[str, list[StoredItem]] = defaultdict(list)
    for item in first:
        told_in = words.get(item.scope_id or "")
        if told_in is not None:
            seen[told_in.namespace].append(item)
    namespaces = {one.namespace: one for one in words.values()}
    told = {namespace: _dictionary(one, seen[namespace]) for namespace, one in namespaces.items()}
    return {scope: told[one.namespace] for scope, one in words.items()}


def _dictionary(words: past.Words, first: Sequence[StoredItem]) -> Dictionary:
    categories = {
        text: i.status_category for i in first for text in (i.original_status, i.original_status_id) if text and i.status_category
    }
    kinds = {i.original_type: i.kind for i in first if i.original_type and i.kind}
    priorities = {i.original_priority: i.priority for i in first if i.original_priority and i.priority is not None}
    return Dictionary(
        {text: StatusCategory(category) for text, category in {**categories, **words.categories}.items()},
        {text: Kind(kind) for text, kind in {**kinds, **words.kinds}.items()},
        {**priorities, **words.priorities},
        partial(row_id, words.namespace),
    )


def _state(item: StoredItem) -> ItemState:
    return ItemState(
        scope_id=item.scope_id, key=item.key, title=item.title, description=None,
        kind=None if item.kind is None else Kind(item.kind), original_type=item.original_type,
        status_category=None if item.status_category is None else StatusCategory(item.status_category),
        original_status=item.original_status, original_status_id=item.original_status_id, resolution=item.resolution,
        parent_id=item.parent_id, priority=item.priority, original_priority=item.original_priority, assignee_id=item.assignee_id,
        planned_start=item.planned_start, due=item.due, points=item.points, work_hours=item.work_hours,
        remaining_hours=item.remaining_hours, flagged=item.flagged, labels=_tuple(item.labels), component_ids=_tuple(item.component_ids),
        version_ids=_tuple(item.version_ids), iteration_ids=_tuple(item.iteration_ids),
    )  # fmt: skip


def _tuple(values: Sequence[str] | None) -> tuple[str, ...] | None:
    return None if values is None else tuple(values)


def _stored(item: StoredItem, then: ItemState) -> StoredItem:
    """What never changes is the item's, what the source records is as it was then, and the rest is unknown."""
    return StoredItem(
        id=item.id, external_id=item.external_id, created_at=item.created_at, scope_id=then.scope_id, key=then.key, title=then.title,
        kind=then.kind, original_type=then.original_type, status_category=then.status_category, original_status=then.original_status,
        original_status_id=then.original_status_id, resolution=then.resolution, parent_id=then.parent_id, priority=then.priority,
        original_priority=then.original_priority, assignee_id=then.assignee_id, planned_start=then.planned_start, due=then.due,
        points=then.points, work_hours=then.work_hours, remaining_hours=then.remaining_hours, flagged=then.flagged, labels=then.labels,
        component_ids=then.component_ids, version_ids=then.version_ids, iteration_ids=then.iteration_ids,
        url=None, reporter_id=None, planned_finish=None, actual_start=None, actual_finish=None, spent_hours=None, percent_complete=None,
        is_active=None, counts=None, uncounted=None, updated_at=None, recorded_from=None, reconstructed=True,
    )  # fmt: skip
