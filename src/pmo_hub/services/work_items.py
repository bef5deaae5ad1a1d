"""Work items: as they are, as the hub knew them, and, for the time before it knew them, as the source's own record tells."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import Any

from pmo_hub.domain.vocabulary import StatusCategory
from pmo_hub.services import reconstruction
from pmo_hub.services.errors import Ended, Invalid, NotFound
from pmo_hub.services.hub import Hub
from pmo_hub.store.repositories import work_item_details as details
from pmo_hub.store.repositories import work_item_past as past
from pmo_hub.store.repositories import work_items as rows
from pmo_hub.store.repositories.work_item_details import Details
from pmo_hub.store.repositories.work_items import Filter, Order, RecordedVersion, StoredItem, StoredTransition
from pmo_hub.store.unit_of_work import Session

MOST_RECONSTRUCTED = 20_000
"""So many items are put together again for one answer: some two seconds' work."""


@dataclass(frozen=True, slots=True)
class Query:
    """What a list is narrowed to; None = whatever. `assignee` is an identity id or an e-mail address, `overdue` means today (UTC)."""

    by: Filter
    connection: str | None = None
    scope: str | None = None
    assignee: str | None = None
    overdue: bool = False


@dataclass(frozen=True, slots=True)
class Version:
    """A recorded version; `changed` names the fields in which it differs from the one before it, None for the first one."""

    item: StoredItem
    recorded_from: datetime
    recorded_to: datetime | None
    changed: tuple[str, ...] | None


def get(hub: Hub, id: str, as_of: datetime | None = None) -> Details:
    """The item and what surrounds it; raises NotFound or, for one that is gone, Ended with when and why."""
    if as_of is None:
        with hub.work.glance() as snapshot:
            found = details.get(snapshot, id)
        if found is not None:
            return found
    with hub.work.read() as session:
        if as_of is not None and (then := details.then(session, id, as_of)) is not None:
            return then
        end = rows.ending(session, id)
        if end is not None and (as_of is None or as_of >= end.at):
            raise Ended("work item", id, end.reason, end.at)
        if as_of is not None:
            first = past.first_versions(session, as_of, 1, id=id)
            if first and (remade := reconstruction.remade(session, first, as_of)):
                return _alone(session, remade[0])
        raise NotFound("work item", id)


def page(
    hub: Hub, query: Query, order: Order, after: tuple[Any, str] | None, limit: int, as_of: datetime | None = None
) -> list[StoredItem]:
    """Items in that order, those after (sort value, id); raises Invalid where more would have to be reconstructed than can be."""
    with hub.work.read() as session:
        by = _filter(session, query, as_of or hub.now())
        unknown = reconstruction.unknown_then(session, by.scope_ids, as_of)
        if not unknown or as_of is None:
            return rows.page(session, by, order, after, limit, as_of)
        known = replace(by, scope_ids=None if by.scope_ids is None else by.scope_ids - unknown)
        recorded = rows.page(session, known, order, after, limit, as_of)
        remade = _remade_page(session, replace(by, scope_ids=unknown), as_of)
        further = [item for item in remade if after is None or _is_behind(item, order, after)]
        merged = sorted([*recorded, *further], key=lambda item: item.id)
        # Two stable sorts: ids settle ties, and rows without a value come last in either direction.
        merged.sort(key=lambda item: _sort_value(item, order) or _LEAST[order.column], reverse=order.descending)
        merged.sort(key=lambda item: _sort_value(item, order) is None)
        del merged[limit:]
        names = rows.names(session, [item.assignee_id for item in merged])
    return [replace(item, assignee_name=names.get(item.assignee_id or "")) for item in merged]


def history(hub: Hub, id: str, before: datetime | None, limit: int) -> list[Version]:
    """The versions that the hub recorded, newest first, an ended item's too; raises NotFound where there is none at all."""
    with hub.work.read() as session:
        found = rows.history(session, id, before, limit + 1)
        if not found and before is None:
            raise NotFound("work item", id)
    older: list[RecordedVersion | None] = [*found[1:], None]
    return [
        Version(v.item, v.recorded_from, v.recorded_to, None if previous is None else _differences(previous, v))
        for v, previous in zip(found, older, strict=True)
    ][:limit]


def transitions(hub: Hub, id: str, after: tuple[datetime, str] | None, limit: int) -> list[StoredTransition]:
    """The changes that the source recorded, newest first; raises NotFound or Ended."""
    with hub.work.read() as session:
        found = rows.transitions(session, id, after, limit)
    if not found:
        get(hub, id)
    return found


def _filter(session: Session, query: Query, now: datetime) -> Filter:
    by = query.by
    scopes = None if query.connection is None else rows.scopes_of_connection(session, query.connection)
    if query.scope is not None:
        scopes = frozenset((query.scope,)) if scopes is None else scopes & {query.scope}
    return replace(
        by,
        scope_ids=scopes,
        assignee_ids=None if query.assignee is None else rows.assignees(session, query.assignee),
        overdue_on=now.astimezone(UTC).date() if query.overdue else None,
    )


def _remade_page(session: Session, by: Filter, as_of: datetime) -> list[StoredItem]:
    first = past.first_versions(session, as_of, MOST_RECONSTRUCTED + 1, scope_ids=by.scope_ids)
    if len(first) > MOST_RECONSTRUCTED:
        why = (
            f"More than {MOST_RECONSTRUCTED:,} items would have to be reconstructed: narrow the list to a scope, a project or a connection."
        )
        raise Invalid("", why, code="too_many")
    remade = reconstruction.remade(session, first, as_of, frozenset(by.scope_ids or ()))
    if by.project_id is not None:
        members = past.first_members(session, by.project_id, [item.id for item in remade])
        remade = [item for item in remade if item.id in members]
    return [item for item in remade if _fits(item, by)]


def _alone(session: Session, item: StoredItem) -> Details:
    """A reconstructed item: of what surrounded it, only people can be named."""
    names = rows.names(session, (item.assignee_id,))
    return Details(item, None, None, names.get(item.assignee_id or ""), None, None, None, None, None)


def _fits(item: StoredItem, by: Filter) -> bool:
    """Whether a reconstructed item passes the filter; what is unknown passes none."""
    open_then = item.status_category in (StatusCategory.TODO, StatusCategory.IN_PROGRESS)
    return (
        by.kind in (None, item.kind)
        and by.status_category in (None, item.status_category)
        and by.key in (None, item.key)
        and by.counts in (None, item.counts)
        and (by.assignee_ids is None or item.assignee_id in by.assignee_ids)
        and (by.updated_since is None or (item.updated_at is not None and item.updated_at >= by.updated_since))
        and (by.due_before is None or (item.due is not None and item.due < by.due_before))
        and (by.overdue_on is None or (item.due is not None and item.due < by.overdue_on and open_then))
        and (not by.q or (item.title is not None and by.q.lower() in item.title.lower()))
    )


_LEAST: Mapping[str, Any] = {"updated_at": datetime.min.replace(tzinfo=UTC), "due": date.min, "priority": -1, "key": ""}


def _sort_value(item: StoredItem, order: Order) -> Any:
    return getattr(item, order.column)


def _is_behind(item: StoredItem, order: Order, after: tuple[Any, str]) -> bool:
    """The same as the keyset condition of the store."""
    value, (last, last_id) = _sort_value(item, order), after
    if value is None or last is None:
        return value is None and (last is not None or item.id > last_id)
    if value == last:
        return item.id > last_id
    return bool(value < last if order.descending else value > last)


_COMPARED = tuple(name for name in rows.COLUMNS if name not in ("id", "updated_at", "recorded_from"))


def _differences(before: RecordedVersion, after: RecordedVersion) -> tuple[str, ...]:
    found = tuple(name for name in _COMPARED if getattr(before.item, name) != getattr(after.item, name))
    return found if before.description == after.description else (*found, "description")
