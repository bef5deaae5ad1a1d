"""The words that a connection's items have, counted: what mapping is measured against."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from pmo_hub.domain.coverage import Met
from pmo_hub.store.bulk import is_in
from pmo_hub.store.models.canonical import CustomValue, Dependency, Identity, WorkItem
from pmo_hub.store.models.people import PersonLink
from pmo_hub.store.models.source import Scope
from pmo_hub.store.unit_of_work import Session

_ITEMS: Any = WorkItem.__table__
_SCOPES: Any = Scope.__table__
_VALUES: Any = CustomValue.__table__
_PEOPLE: Any = Identity.__table__
_LINKED: Any = PersonLink.__table__
_LINKS: Any = Dependency.__table__

PARENTS = "parent"
DEPENDENCIES = "dependency"


@dataclass(frozen=True, slots=True)
class Named:
    """An item as evidence."""

    id: str
    key: str
    url: str | None


def _of(connection_id: str) -> sa.ColumnElement[bool]:
    own = sa.select(_SCOPES.c.id).where(_SCOPES.c.connection_id == connection_id)
    return _ITEMS.c.scope_id.in_(own)  # type: ignore[no-any-return]


def _met(session: Session, source: Any, columns: tuple[Any, Any, Any], where: Any, most: int) -> list[Met]:
    """Words (id, name, value) with how many items have each, the most frequent first."""
    count = sa.func.count(_ITEMS.c.id.distinct())
    query = (
        sa.select(*columns, count, sa.func.min(_ITEMS.c.id), sa.func.max(_ITEMS.c.id))
        .select_from(source)
        .where(where)
        .group_by(*(c for c in columns if not isinstance(c, sa.sql.elements.Null)))
        .order_by(count.desc(), sa.func.min(_ITEMS.c.id))
        .limit(most)
    )
    return [
        Met(id, name, None if value is None else str(value), int(items), tuple(dict.fromkeys((first, last))))
        for id, name, value, items, first, last in session.execute(query)
    ]


def statuses(session: Session, connection_id: str, most: int) -> list[Met]:
    i = _ITEMS.c
    return _met(session, _ITEMS, (i.original_status_id, i.original_status, i.status_category), _of(connection_id), most)


def types(session: Session, connection_id: str, most: int) -> list[Met]:
    return _met(session, _ITEMS, (sa.null(), _ITEMS.c.original_type, _ITEMS.c.kind), _of(connection_id), most)


def priorities(session: Session, connection_id: str, most: int) -> list[Met]:
    where = sa.and_(_of(connection_id), _ITEMS.c.original_priority.is_not(None))
    return _met(session, _ITEMS, (sa.null(), _ITEMS.c.original_priority, _ITEMS.c.priority), where, most)


def fields(session: Session, connection_id: str, most: int) -> list[Met]:
    source = _VALUES.join(_ITEMS, _ITEMS.c.id == _VALUES.c.item_id)
    return _met(session, source, (_VALUES.c.field, _VALUES.c.name, sa.null()), _of(connection_id), most)


def unnamed_people(session: Session, connection_id: str, most: int) -> list[Met]:
    """Accounts with assigned items, without an e-mail address, and of which nobody said whose they are."""
    source = _ITEMS.outerjoin(_PEOPLE, _PEOPLE.c.id == _ITEMS.c.assignee_id)
    linked = sa.exists().where(_LINKED.c.identity_id == _ITEMS.c.assignee_id)
    where = sa.and_(_of(connection_id), _ITEMS.c.assignee_id.is_not(None), _PEOPLE.c.email.is_(None), ~linked)
    return _met(session, source, (_ITEMS.c.assignee_id, _PEOPLE.c.name, sa.null()), where, most)


def lost_references(session: Session, connection_id: str) -> list[Met]:
    """How many items have a parent, and how many a dependency, that no connection has read."""
    other = _ITEMS.alias()
    lost_parent = sa.and_(_ITEMS.c.parent_id.is_not(None), ~sa.exists().where(other.c.id == _ITEMS.c.parent_id))
    found = [_lost(session, _ITEMS, lost_parent, connection_id, PARENTS)]
    ends = (("predecessor_id", "successor_id"), ("successor_id", "predecessor_id"))
    for here, there in ends:
        source = _LINKS.join(_ITEMS, _ITEMS.c.id == _LINKS.c[here])
        lost = ~sa.exists().where(other.c.id == _LINKS.c[there])
        found.append(_lost(session, source, lost, connection_id, DEPENDENCIES))
    links = [one for one in found if one.id == DEPENDENCIES and one.items]
    samples = tuple(dict.fromkeys(i for one in links for i in one.samples))[:4]
    return [found[0], Met(DEPENDENCIES, DEPENDENCIES, None, sum(one.items for one in links), samples)]


def _lost(session: Session, source: Any, lost: Any, connection_id: str, name: str) -> Met:
    count = sa.func.count(_ITEMS.c.id.distinct())
    row = session.execute(
        sa.select(count, sa.func.min(_ITEMS.c.id), sa.func.max(_ITEMS.c.id)).select_from(source).where(_of(connection_id), lost)
    ).one()
    return Met(name, name, None, int(row[0]), tuple(dict.fromkeys(i for i in row[1:] if i is not None)))


def named(session: Session, item_ids: Collection[str]) -> dict[str, Named]:
    query = sa.select(_ITEMS.c.id, _ITEMS.c.key, _ITEMS.c.url).where(is_in(session, _ITEMS.c.id, item_ids))
    return {row.id: Named(*row) for row in session.execute(query)} if item_ids else {}
