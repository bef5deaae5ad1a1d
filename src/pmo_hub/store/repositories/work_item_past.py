"""What is needed to tell what work items were before the hub knew them: their first versions, and what their source recorded."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from pmo_hub.domain.timeline import Change
from pmo_hub.domain.vocabulary import StatusCategory
from pmo_hub.store.bulk import is_in
from pmo_hub.store.models.canonical import HISTORY, Transition, WorkItem
from pmo_hub.store.models.portfolio import ProjectMembership
from pmo_hub.store.models.source import Connection, Scope
from pmo_hub.store.repositories.known import versions
from pmo_hub.store.repositories.work_items import BUSINESS, COLUMNS, StoredItem, item_of
from pmo_hub.store.unit_of_work import Session

_ITEMS: Any = WorkItem.__table__
_TRANSITIONS: Any = Transition.__table__
_SCOPES: Any = Scope.__table__

_CHANGE = ("id", "item_id", "from_category", "field", "at", "from_id", "from_text", "to_id", "to_text", "external_id")


@dataclass(frozen=True, slots=True)
class Words:
    """What a namespace's words mean, as its items show it."""

    namespace: str
    categories: Mapping[str, str]
    kinds: Mapping[str, str]
    priorities: Mapping[str, int]


def first_recorded(session: Session, scope_ids: Collection[str] | None) -> dict[str, datetime]:
    """When the hub knew an item of the scope for the first time: before that, `as_of` has to be told from what the source recorded."""
    v = versions(WorkItem, ("scope_id",)).c
    query = sa.select(v.scope_id, sa.func.min(v.recorded_from, type_=v.recorded_from.type)).group_by(v.scope_id)
    if scope_ids is not None:
        query = query.where(is_in(session, v.scope_id, scope_ids))
    return {row[0]: row[1] for row in session.execute(query)}


def first_versions(
    session: Session, as_of: datetime, limit: int, *, scope_ids: Collection[str] | None = None, id: str | None = None
) -> list[StoredItem]:
    """The oldest version of each item (of these scopes, or that one item) that existed at `as_of` and that the hub knew only later."""
    v = versions(WorkItem, BUSINESS).c
    nth = sa.func.row_number().over(partition_by=v.id, order_by=v.recorded_from).label("nth")
    past = HISTORY[WorkItem.__tablename__].c
    known = sa.or_(
        sa.exists().where(_ITEMS.c.id == v.id, _ITEMS.c.recorded_from <= as_of),
        sa.exists().where(past.id == v.id, past.recorded_from <= as_of),
    )
    query = sa.select(*(v[n] for n in COLUMNS), nth).where(v.created_at <= as_of, ~known)
    if scope_ids is not None:
        query = query.where(is_in(session, v.scope_id, scope_ids))
    if id is not None:
        query = query.where(v.id == id)
    ranked = query.subquery("ranked").c
    first = sa.select(*(ranked[n] for n in COLUMNS)).where(ranked.nth == 1).limit(limit)
    return [item_of(row) for row in session.connection().execute(first)]


def changes_after(session: Session, item_ids: Collection[str], at: datetime) -> dict[str, list[Change]]:
    """Item → what the source recorded about it after that instant; what ended with an item that is gone, too."""
    v = versions(Transition, _CHANGE).c
    query = sa.select(*(v[n] for n in _CHANGE)).where(is_in(session, v.item_id, item_ids), v.at > at).order_by(v.recorded_from)
    newest: dict[str, tuple[str, Change]] = {}
    rows: Any = session.connection().execute(query) if item_ids else ()
    for id_, item, category, field, moment, from_id, from_text, to_id, to_text, number in rows:
        before = None if category is None else StatusCategory(category)
        newest[id_] = item, Change(field, moment, from_id, from_text, to_id, to_text, number, before)
    found: dict[str, list[Change]] = defaultdict(list)
    for item, change in newest.values():
        found[item].append(change)
    return found


def scopes_with_history(session: Session, scope_ids: Collection[str]) -> set[str]:
    """Scopes whose items have transitions."""
    i = _ITEMS.c
    recorded = sa.exists().where(i.scope_id == _SCOPES.c.id, _TRANSITIONS.c.item_id == i.id)
    return set(session.scalars(sa.select(_SCOPES.c.id).where(is_in(session, _SCOPES.c.id, scope_ids), recorded)))


def words(session: Session, scope_ids: Collection[str]) -> dict[str, Words]:
    """Scope → what its namespace's words mean; a word with two meanings means what most items show."""
    i = _ITEMS.c
    namespaces = {
        row[0]: row[1]
        for row in session.execute(
            sa.select(_SCOPES.c.id, Connection.namespace)
            .join(Connection, Connection.id == _SCOPES.c.connection_id)
            .where(is_in(session, _SCOPES.c.id, scope_ids))
        )
    }
    seen: dict[str, dict[str, dict[str, Any]]] = defaultdict(lambda: defaultdict(dict))

    def read(name: str, value: Any, *texts: Any) -> None:
        shown = sa.func.count().label("shown")
        query = sa.select(i.scope_id, value, *texts, shown).where(is_in(session, i.scope_id, namespaces.keys()), value.is_not(None))
        for scope, meaning, *names, _ in session.execute(query.group_by(i.scope_id, value, *texts).order_by(shown, value)):
            seen[namespaces[scope]][name].update((text, meaning) for text in names if text is not None)

    read("categories", i.status_category, i.original_status, i.original_status_id)
    read("kinds", i.kind, i.original_type)
    read("priorities", i.priority, i.original_priority)
    told = {
        namespace: Words(namespace, seen[namespace]["categories"], seen[namespace]["kinds"], seen[namespace]["priorities"])
        for namespace in set(namespaces.values())
    }
    return {scope: told[namespace] for scope, namespace in namespaces.items()}


def first_members(session: Session, project_id: str, item_ids: Collection[str]) -> set[str]:
    """Those of the items that were the project's when the hub placed them for the first time."""
    v = versions(ProjectMembership, ("project_id", "item_id")).c
    nth = sa.func.rank().over(partition_by=v.item_id, order_by=v.recorded_from).label("nth")
    ranked = sa.select(v.project_id, v.item_id, nth).where(is_in(session, v.item_id, item_ids)).subquery("ranked").c
    return set(session.scalars(sa.select(ranked.item_id).where(ranked.nth == 1, ranked.project_id == project_id)))
