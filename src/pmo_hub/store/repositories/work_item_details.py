"""One work item with what surrounds it, in two queries by primary key: the most frequent read of all."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from pmo_hub.store.base import Base, Instant
from pmo_hub.store.bulk import is_in
from pmo_hub.store.models.canonical import Component, Dependency, Identity, ItemTiming, Iteration, Version, WorkItem
from pmo_hub.store.models.portfolio import Project, ProjectMembership
from pmo_hub.store.models.source import Scope
from pmo_hub.store.prepared import Prepared, among
from pmo_hub.store.repositories import same_as
from pmo_hub.store.repositories.known import rows_at
from pmo_hub.store.repositories.work_items import COLUMNS, StoredItem, names
from pmo_hub.store.unit_of_work import Session, Snapshot


@dataclass(frozen=True, slots=True)
class Timing:
    started_at: datetime | None
    done_at: datetime | None
    status_since: datetime | None
    reopened: int | None
    due_moves: int | None


@dataclass(frozen=True, slots=True)
class Related:
    """Something around the item; which of the fields apply depends on `role`."""

    role: str  # iteration | component | version | project | predecessor | successor
    id: str
    name: str | None
    key: str | None = None
    url: str | None = None
    state: str | None = None  # an iteration's state, a dependent item's status category
    kind: str | None = None  # a dependency's type
    starts_at: datetime | None = None
    ends_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Details:
    """`related` is None where it can't be told what surrounded the item."""

    item: StoredItem
    description: str | None
    scope_name: str | None
    assignee_name: str | None
    reporter_name: str | None
    parent_key: str | None
    parent_url: str | None
    timing: Timing | None
    related: Sequence[Related] | None


def get(snapshot: Snapshot, id: str) -> Details | None:
    """The item as it is."""
    found = _ITEM.rows(snapshot, id=id)
    if not found:
        return None
    row = found[0]
    n = len(COLUMNS)
    item = StoredItem(*row[:n])
    related = [Related(*r) for r in _AROUND.rows(snapshot, id=id, ids=snapshot.many(_own(item)))]
    timing = Timing(*row[n + 6 :]) if row.reopened is not None else None
    description, scope, assignee, reporter, parent_key, parent_url = row[n : n + 6]
    return Details(item, description, scope, assignee, reporter, parent_key, parent_url, timing, related)


def then(session: Session, id: str, as_of: datetime) -> Details | None:
    """The item as the hub knew it at `as_of`; people are called by what they are called now."""
    table = rows_at(WorkItem, as_of, (*COLUMNS, "description"), lambda c: c.id == id)
    columns = same_as.counting({n: table.c[n] for n in COLUMNS}, as_of)
    row = session.execute(sa.select(*columns, table.c.description)).one_or_none()
    if row is None:
        return None
    item = StoredItem(*row[:-1])
    links = _links_then(session, id, as_of)
    others = _items_then(session, {item.parent_id, *(other for _, other, _ in links)}, as_of)
    parent = others.get(item.parent_id or "")
    related = [Related(*r) for r in session.execute(_own_around(as_of, id), {"id": id, "ids": _own(item)})]
    for role, other, kind in links:
        known = others.get(other)
        title, key, url, state = (None,) * 4 if known is None else known
        related.append(Related(role, other, title, key, url, state, kind))
    t = rows_at(ItemTiming, as_of, ("id", *_TIMING), lambda c: c.id == id).c
    timing = session.execute(sa.select(*(t[n] for n in _TIMING))).one_or_none()
    people = names(session, (item.assignee_id, item.reporter_id))
    return Details(
        item,
        row.description,
        session.scalars(sa.select(Scope.name).where(Scope.id == item.scope_id)).one_or_none(),
        people.get(item.assignee_id or ""),
        people.get(item.reporter_id or ""),
        None if parent is None else parent[1],
        None if parent is None else parent[2],
        None if timing is None else Timing(*timing),
        related,
    )


_TIMING = tuple(f.name for f in fields(Timing))


def _own(item: StoredItem) -> list[str]:
    return [*(item.iteration_ids or ()), *(item.component_ids or ()), *(item.version_ids or ())]


def _item(_: str) -> Any:
    i: Any = WorkItem.__table__
    parent: Any = i.alias("parent")
    timing: Any = ItemTiming.__table__
    assignee: Any = Identity.__table__.alias("assignee")
    reporter: Any = Identity.__table__.alias("reporter")
    scope: Any = Scope.__table__
    return (
        sa.select(
            *same_as.counting({n: i.c[n] for n in COLUMNS}, None),
            i.c.description,
            scope.c.name.label("scope_name"),
            assignee.c.name.label("assignee_name"),
            reporter.c.name.label("reporter_name"),
            parent.c.key.label("parent_key"),
            parent.c.url.label("parent_url"),
            *(timing.c[n] for n in _TIMING),
        )
        .select_from(i)
        .outerjoin(scope, scope.c.id == i.c.scope_id)
        .outerjoin(assignee, assignee.c.id == i.c.assignee_id)
        .outerjoin(reporter, reporter.c.id == i.c.reporter_id)
        .outerjoin(parent, parent.c.id == i.c.parent_id)
        .outerjoin(timing, timing.c.id == i.c.id)
        .where(i.c.id == sa.bindparam("id"))
    )


_NOTHING = sa.null().cast(sa.Text)
_NEVER = sa.null().cast(Instant)


def _around(dialect: str) -> Any:
    """Everything around the item in one query, in the order of role, name and id."""
    d: Any = Dependency.__table__
    o: Any = WorkItem.__table__.alias("other")

    def linked(role: str, mine: str, others: str) -> Any:
        columns = (sa.literal(role), d.c[others], o.c.title, o.c.key, o.c.url, o.c.status_category, d.c.dependency_type, _NEVER, _NEVER)
        return sa.select(*columns).select_from(d).outerjoin(o, o.c.id == d.c[others]).where(d.c[mine] == sa.bindparam("id"))

    return _ordered(
        *_own_parts(None, None, lambda column: among(dialect, column, "ids")),
        linked("predecessor", "successor_id", "predecessor_id"),
        linked("successor", "predecessor_id", "successor_id"),
    )


_ITEM = Prepared(_item)
_AROUND = Prepared(_around)


def _own_around(as_of: datetime, id: str) -> Any:
    ids: Any = sa.bindparam("ids", expanding=True)
    return _ordered(*_own_parts(as_of, id, lambda column: column.in_(ids)))


def _ordered(*parts: Any) -> Any:
    return sa.union_all(*parts).order_by(sa.literal_column("1"), sa.literal_column("3"), sa.literal_column("2"))


def _own_parts(as_of: datetime | None, id: str | None, is_own: Callable[[Any], Any]) -> list[Any]:
    """What the item itself names, and the projects that it is in."""

    def own(role: str, model: type[Base], *more: str) -> Any:
        c = rows_at(model, as_of, ("id", "name", *more)).c
        state, starts, ends = (c[name] for name in more) if more else (_NOTHING, _NEVER, _NEVER)
        return sa.select(sa.literal(role), c.id, c.name, _NOTHING, _NOTHING, state, _NOTHING, starts, ends).where(is_own(c.id))

    m = rows_at(ProjectMembership, as_of, ("item_id", "project_id"), lambda c: c.item_id == id).c
    p = rows_at(Project, as_of, ("id", "name")).c
    projects = sa.select(sa.literal("project"), p.id, p.name, _NOTHING, _NOTHING, _NOTHING, _NOTHING, _NEVER, _NEVER).where(
        m.item_id == sa.bindparam("id"), p.id == m.project_id
    )
    return [
        own("iteration", Iteration, "state", "starts_at", "ends_at"),
        own("component", Component),
        own("version", Version),
        projects,
    ]


def _links_then(session: Session, id: str, as_of: datetime) -> list[tuple[str, str, str]]:
    """(role of the other, its id, dependency type) of the item's dependencies at `as_of`."""
    columns = ("predecessor_id", "successor_id", "dependency_type")
    d = rows_at(Dependency, as_of, columns, lambda c: sa.or_(c.predecessor_id == id, c.successor_id == id)).c
    return sorted(
        ("predecessor", first, kind) if second == id else ("successor", second, kind)
        for first, second, kind in session.execute(sa.select(*(d[n] for n in columns)))
    )


def _items_then(session: Session, ids: Collection[str | None], as_of: datetime) -> dict[str, tuple[Any, ...]]:
    """Id → (title, key, url, status category) at `as_of`."""
    wanted = [id_ for id_ in ids if id_ is not None]
    columns = ("id", "title", "key", "url", "status_category")
    c = rows_at(WorkItem, as_of, columns, lambda c: is_in(session, c.id, wanted)).c
    return {row[0]: tuple(row[1:]) for row in session.execute(sa.select(*(c[n] for n in columns)))} if wanted else {}
