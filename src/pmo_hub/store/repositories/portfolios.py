"""Portfolios, programs and what is placed in them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Literal

import sqlalchemy as sa

from pmo_hub.domain.identity import row_id
from pmo_hub.store.base import Base
from pmo_hub.store.bulk import is_in
from pmo_hub.store.merge import end_rows, merge_rows
from pmo_hub.store.models.portfolio import Placement, Portfolio, Program, Project
from pmo_hub.store.repositories.known import rows_at
from pmo_hub.store.unit_of_work import Session

Holder = Literal["portfolio", "program"]
Member = Literal["program", "project"]

_MODELS: dict[str, type[Base]] = {"portfolio": Portfolio, "program": Program, "project": Project}
_PLACEMENTS: Any = Placement.__table__


@dataclass(frozen=True, slots=True)
class StoredHolder:
    """A portfolio or a program."""

    id: str
    name: str
    description: str | None
    owner_id: str | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Named:
    type: str
    id: str
    name: str


_COLUMNS = tuple(StoredHolder.__slots__)


def get(session: Session, type: Holder, id: str, as_of: datetime | None = None) -> StoredHolder | None:
    table = rows_at(_MODELS[type], as_of, _COLUMNS)
    row = session.execute(sa.select(*(table.c[n] for n in _COLUMNS)).where(table.c.id == id)).one_or_none()
    return None if row is None else StoredHolder(*row)


def lock(session: Session, type: Holder, id: str) -> None:
    """Nobody else changes it until the transaction ends."""
    table: Any = _MODELS[type].__table__
    session.execute(sa.select(table.c.id).where(table.c.id == id).with_for_update())


def lock_tree(session: Session) -> None:
    """Nobody else places anything until the transaction ends: two placements that are each right could make a circle together."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(sa.text("LOCK TABLE placements IN SHARE ROW EXCLUSIVE MODE"))


def page(
    session: Session, type: Holder, q: str | None, after: tuple[str, str] | None, limit: int, as_of: datetime | None = None
) -> list[StoredHolder]:
    """By (name, id), those after that pair; `q` is a part of the name."""
    table = rows_at(_MODELS[type], as_of, _COLUMNS)
    c = table.c
    query = sa.select(*(c[n] for n in _COLUMNS)).order_by(c.name, c.id).limit(limit)
    if q:
        query = query.where(c.name.icontains(q, autoescape=True))
    if after is not None:
        query = query.where(sa.tuple_(c.name, c.id) > after)
    return [StoredHolder(*row) for row in session.execute(query)]


def save(session: Session, type: Holder, holder: StoredHolder, now: datetime) -> bool:
    """The portfolio or program is as given; True when that is a new version of it."""
    return bool(merge_rows(session, _MODELS[type], [asdict(holder)], now).touched)


def end(session: Session, type: Holder, id: str, now: datetime) -> None:
    """It is history, with every placement in it and of it."""
    end_placements(session, id, now)
    end_rows(session, _MODELS[type], [id], now)


def end_placements(session: Session, id: str, now: datetime) -> None:
    """Nothing is placed in it, and it is placed in nothing."""
    p = _PLACEMENTS.c
    ids = list(session.scalars(sa.select(p.id).where(sa.or_(p.parent_id == id, p.child_id == id))))
    end_rows(session, Placement, ids, now)


def place(session: Session, parent: tuple[Holder, str], child: tuple[Member, str], now: datetime) -> bool:
    """The child is in the parent; True when it was not before."""
    row = {
        "id": _placement_id(parent[1], child[1]),
        "parent_type": parent[0], "parent_id": parent[1], "child_type": child[0], "child_id": child[1],
    }  # fmt: skip
    return bool(merge_rows(session, Placement, [row], now).touched)


def remove(session: Session, parent_id: str, child: tuple[Member, str], now: datetime) -> bool:
    """The child is not in the parent; True when it was before."""
    query = sa.select(_PLACEMENTS.c.id).where(_PLACEMENTS.c.id == _placement_id(parent_id, child[1]), _PLACEMENTS.c.child_type == child[0])
    return bool(end_rows(session, Placement, list(session.scalars(query)), now))


def exists(session: Session, type: str, id: str) -> bool:
    table: Any = _MODELS[type].__table__
    return session.execute(sa.select(table.c.id).where(table.c.id == id)).first() is not None


def members(session: Session, id: str, as_of: datetime | None = None) -> list[Named]:
    """What is placed directly in it, programs first, by name."""
    return members_of(session, [id], as_of).get(id, [])


def members_of(session: Session, ids: Collection[str], as_of: datetime | None = None) -> dict[str, list[Named]]:
    """Id → what is placed directly in it, programs first, by name."""
    return _named(session, "parent", "child", ids, as_of)


def holders(session: Session, child_ids: Collection[str], as_of: datetime | None = None) -> dict[str, list[Named]]:
    """Child id → the portfolios and programs that it is placed in directly, by name."""
    return _named(session, "child", "parent", child_ids, as_of)


def contents(session: Session, ids: Collection[str], as_of: datetime | None = None) -> dict[str, set[tuple[str, str]]]:
    """Id → (type, id) of everything that is placed in it, at any depth."""
    p = rows_at(Placement, as_of).c
    children: dict[str, list[tuple[str, str]]] = defaultdict(list)
    # The hub's own tree is small (thousands at most), and one pass serves both engines.
    for parent, type_, child in session.execute(sa.select(p.parent_id, p.child_type, p.child_id)):
        children[parent].append((type_, child))
    return {id_: _beneath(id_, children) for id_ in ids}


def _beneath(id: str, children: Mapping[str, list[tuple[str, str]]]) -> set[tuple[str, str]]:
    seen: set[tuple[str, str]] = set()
    waiting = [id]
    while waiting:
        for member in children.get(waiting.pop(), ()):
            if member not in seen:
                seen.add(member)
                waiting.append(member[1])
    return seen


def above(session: Session, project_ids: Collection[str]) -> dict[str, tuple[str, ...]]:
    """Project → every portfolio and program that it is in, at any height."""
    p = _PLACEMENTS.c
    parents: dict[str, list[str]] = defaultdict(list)
    for parent, child in session.execute(sa.select(p.parent_id, p.child_id)) if project_ids else ():
        parents[child].append(parent)
    found = {}
    for project in project_ids:
        seen: set[str] = set()
        waiting = [project]
        while waiting:
            new = [one for one in parents.get(waiting.pop(), ()) if one not in seen]
            seen.update(new)
            waiting += new
        found[project] = tuple(sorted(seen))
    return found


def within(session: Session, id: str, as_of: datetime | None = None) -> set[tuple[str, str]]:
    """(type, id) of everything that is placed in it, at any depth."""
    return contents(session, [id], as_of)[id]


def project_ids(session: Session, id: str, as_of: datetime | None = None) -> list[str]:
    """The projects in a portfolio or program, those of its programs included, each once."""
    return sorted(member for type_, member in within(session, id, as_of) if type_ == "project")


def _placement_id(parent_id: str, child_id: str) -> str:
    return row_id("placement", parent_id, child_id)


def _order(named: Named) -> tuple[str, str, str]:
    return named.type, named.name, named.id


def _named(session: Session, side: str, other: str, ids: Collection[str], as_of: datetime | None) -> dict[str, list[Named]]:
    """Id at one side of placements → the things at the other side with their names, by type and name; one query a type."""
    found: dict[str, list[Named]] = defaultdict(list)
    p = rows_at(Placement, as_of).c
    for type_ in ("portfolio", "program") if other == "parent" else ("program", "project"):
        table = rows_at(_MODELS[type_], as_of, ("id", "name"))
        query = (
            sa.select(p[f"{side}_id"], table.c.id, table.c.name)
            .join(table, table.c.id == p[f"{other}_id"])
            .where(is_in(session, p[f"{side}_id"], ids), p[f"{other}_type"] == type_)
        )
        for key, id_, name in session.execute(query) if ids else ():
            found[key].append(Named(type_, id_, name))
    return {key: sorted(named, key=_order) for key, named in found.items()}
