"""Items of two tools that are one piece of work: kept as versions, found by rule, looked up wherever items are counted."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from pmo_hub.domain.identity import row_id
from pmo_hub.domain.sources import FIELDS, Side, loops, merged
from pmo_hub.domain.vocabulary import Uncounted
from pmo_hub.store.bulk import is_in, upsert
from pmo_hub.store.merge import end_rows, merge_rows
from pmo_hub.store.models.canonical import CustomValue, WorkItem
from pmo_hub.store.models.many_tools import ProjectPrecedence, SameAs, SameAsRefusal, SameAsRule
from pmo_hub.store.models.portfolio import ProjectMembership
from pmo_hub.store.models.source import Scope
from pmo_hub.store.repositories.known import rows_at
from pmo_hub.store.unit_of_work import Session

_SAME: Any = SameAs.__table__
_ITEMS: Any = WorkItem.__table__
_MEMBERS: Any = ProjectMembership.__table__
_VALUES: Any = CustomValue.__table__
_SCOPES: Any = Scope.__table__
_RULES: Any = SameAsRule.__table__
_REFUSED: Any = SameAsRefusal.__table__


@dataclass(frozen=True, slots=True)
class Same:
    """`duplicate_id` is the same piece of work as `item_id`, which counts. `how` is hand or rule."""

    id: str
    item_id: str
    duplicate_id: str
    how: str
    rule_id: str | None


@dataclass(frozen=True, slots=True)
class Rule:
    """Items of `connection_id` whose `field` (None: whose key) is the key of an item of `other_connection_id`; whose item counts."""

    id: str
    connection_id: str
    field: str | None
    other_connection_id: str
    counted: str
    created_by: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Pair:
    """Both sides of a piece of work that a project holds twice."""

    project_id: str
    same_id: str
    counted: Side
    duplicate: Side


def is_duplicate(
    item_id: Any, as_of: datetime | None = None, unless: Callable[[Any], sa.ColumnElement[bool]] | None = None
) -> sa.ColumnElement[bool]:
    """Whether the item is another one's duplicate, and that one is there; `unless` says of that one's id when it doesn't matter."""
    same, other = rows_at(SameAs, as_of, ("item_id", "duplicate_id")), rows_at(WorkItem, as_of, ("id",))
    same, other = same.alias(), other.alias()
    found = sa.exists().where(same.c.duplicate_id == item_id, other.c.id == same.c.item_id)
    return found if unless is None else found.where(~unless(same.c.item_id))


def counting(columns: Mapping[str, Any], as_of: datetime | None) -> list[Any]:
    """The columns of an item, with `counts` and `uncounted` as they are once duplicates are left out."""
    twin = is_duplicate(columns["id"], as_of)
    left_out = sa.and_(columns["counts"].is_(True), twin)
    instead = {
        "counts": sa.case((twin, sa.false()), else_=columns["counts"]).label("counts"),
        "uncounted": sa.case((left_out, Uncounted.DUPLICATE.value), else_=columns["uncounted"]).label("uncounted"),
    }
    return [instead.get(name, column) for name, column in columns.items()]


def same_id(duplicate_id: str) -> str:
    return row_id("same_as", duplicate_id)


def save(session: Session, rows: Collection[Same], now: datetime) -> None:
    merge_rows(session, SameAs, [asdict(row) for row in rows], now)


def end(session: Session, ids: Collection[str], now: datetime) -> None:
    end_rows(session, SameAs, ids, now)


def get(session: Session, id: str) -> Same | None:
    row = session.execute(_same().where(_SAME.c.id == id)).one_or_none()
    return None if row is None else Same(*row)


def page(session: Session, item_id: str | None, after: str | None, limit: int) -> list[Same]:
    query = _same().order_by(_SAME.c.id).limit(limit)
    if item_id is not None:
        query = query.where(sa.or_(_SAME.c.item_id == item_id, _SAME.c.duplicate_id == item_id))
    return [Same(*row) for row in session.execute(query if after is None else query.where(_SAME.c.id > after))]


def counted_of(session: Session) -> dict[str, str]:
    """Duplicate → the item that counts instead."""
    return {row.duplicate_id: row.item_id for row in session.execute(_same())}


def existing(session: Session, item_ids: Collection[str]) -> set[str]:
    return set(session.scalars(sa.select(_ITEMS.c.id).where(is_in(session, _ITEMS.c.id, item_ids))))


def refuse(session: Session, item_id: str, duplicate_id: str, actor: str, now: datetime) -> None:
    columns = ("item_id", "duplicate_id", "decided_by", "decided_at")
    upsert(session, _REFUSED, columns, [(item_id, duplicate_id, actor, now)], update=columns[2:])


def accept_again(session: Session, item_id: str, duplicate_id: str) -> None:
    """Nobody tells these two apart any more."""
    session.execute(sa.delete(_REFUSED).where(_REFUSED.c.item_id == item_id, _REFUSED.c.duplicate_id == duplicate_id))


def rules(session: Session) -> list[Rule]:
    query = sa.select(*(_RULES.c[n] for n in Rule.__slots__)).order_by(_RULES.c.created_at, _RULES.c.id)
    return [Rule(*row) for row in session.execute(query)]


def add_rule(session: Session, rule: Rule) -> None:
    session.execute(sa.insert(SameAsRule).values(asdict(rule)))


def delete_rule(session: Session, id: str) -> bool:
    result: Any = session.execute(sa.delete(_RULES).where(_RULES.c.id == id))
    return int(result.rowcount) == 1


def refresh(session: Session, now: datetime) -> set[str]:
    """What rules find is what is kept of them, beside what was said by hand. Returns the items that are counted otherwise now."""
    known = rules(session)
    held = [Same(*row) for row in session.execute(_same())]
    if not known and all(row.how == "hand" for row in held):
        return set()
    by_hand = {row.duplicate_id: row.item_id for row in held if row.how == "hand"}
    refused = {(r[0], r[1]) for r in session.execute(sa.select(_REFUSED.c.item_id, _REFUSED.c.duplicate_id))}
    counted = dict(by_hand)
    wanted: dict[str, Same] = {}
    for rule in known:
        for item, duplicate in _found(session, rule):
            if duplicate not in counted and (item, duplicate) not in refused and not loops(item, duplicate, counted):
                counted[duplicate] = item
                wanted[duplicate] = Same(same_id(duplicate), item, duplicate, "rule", rule.id)
    before = {row.duplicate_id: row for row in held if row.how == "rule"}
    new = [row for row in wanted.values() if before.get(row.duplicate_id) != row]
    gone = [row for row in before.values() if row.duplicate_id not in wanted]
    end(session, [row.id for row in gone], now)
    save(session, new, now)
    return {i for row in (*new, *gone) for i in (row.item_id, row.duplicate_id)}


def _found(session: Session, rule: Rule) -> list[tuple[str, str]]:
    """(the item that counts, its duplicate) that the rule takes for one; of several that would count the first by id."""
    own, other = _ITEMS.alias("own"), _ITEMS.alias("other")
    here, there = _SCOPES.alias("here"), _SCOPES.alias("there")
    source = own.join(here, here.c.id == own.c.scope_id)
    key = own.c.key
    if rule.field is not None:
        source = source.join(_VALUES, sa.and_(_VALUES.c.item_id == own.c.id, _VALUES.c.field == rule.field))
        key = sa.func.trim(_VALUES.c.text)
    source = source.join(other, other.c.key == key).join(there, there.c.id == other.c.scope_id)
    columns = (own.c.id, other.c.id) if rule.counted == "own" else (other.c.id, own.c.id)
    query = (
        sa.select(*columns)
        .select_from(source)
        .where(here.c.connection_id == rule.connection_id, there.c.connection_id == rule.other_connection_id, own.c.id != other.c.id)
        .order_by(columns[1], columns[0])
    )
    return [(row[0], row[1]) for row in session.execute(query)]


def projects_of(session: Session, item_ids: Collection[str]) -> list[str]:
    query = sa.select(_MEMBERS.c.project_id).where(is_in(session, _MEMBERS.c.item_id, item_ids)).distinct().order_by(_MEMBERS.c.project_id)
    return list(session.scalars(query)) if item_ids else []


def precedence(session: Session, project_ids: Collection[str], as_of: datetime | None = None) -> dict[str, Mapping[str, Sequence[str]]]:
    c = rows_at(ProjectPrecedence, as_of, ("id", "fields")).c
    query = sa.select(c.id, c.fields).where(is_in(session, c.id, project_ids))
    return {row.id: row.fields for row in session.execute(query)} if project_ids else {}


def save_precedence(session: Session, project_id: str, fields: Mapping[str, Sequence[str]], now: datetime) -> bool:
    """True when that is another order than before."""
    if not fields:
        return bool(end_rows(session, ProjectPrecedence, [project_id], now))
    rows = [{"id": project_id, "fields": {name: list(order) for name, order in fields.items()}}]
    return bool(merge_rows(session, ProjectPrecedence, rows, now).touched)


def pairs(session: Session, project_ids: Collection[str]) -> list[Pair]:
    """What the projects hold twice, in whichever roles."""
    if not project_ids:
        return []
    first, second = _MEMBERS.alias("first"), _MEMBERS.alias("second")
    one, two = _ITEMS.alias("one"), _ITEMS.alias("two")
    query = (
        sa.select(
            first.c.project_id, _SAME.c.id, one.c.id, one.c.scope_id, first.c.role, *(one.c[n] for n in FIELDS),
            two.c.id, two.c.scope_id, second.c.role, *(two.c[n] for n in FIELDS),
        )
        .select_from(_SAME)
        .join(first, first.c.item_id == _SAME.c.item_id)
        .join(second, sa.and_(second.c.item_id == _SAME.c.duplicate_id, second.c.project_id == first.c.project_id))
        .join(one, one.c.id == _SAME.c.item_id)
        .join(two, two.c.id == _SAME.c.duplicate_id)
        .where(is_in(session, first.c.project_id, project_ids))
        .order_by(first.c.project_id, _SAME.c.item_id, _SAME.c.duplicate_id)
    )  # fmt: skip
    width = 3 + len(FIELDS)
    return [Pair(row[0], row[1], _side(row[2 : 2 + width]), _side(row[2 + width :])) for row in session.execute(query)]


def believed(session: Session, project_ids: Collection[str]) -> dict[str, dict[str, dict[str, Any]]]:
    """Project → counted item → its values as they are believed, of items that the project holds twice."""
    found: dict[str, dict[str, dict[str, Any]]] = defaultdict(dict)
    held = pairs(session, project_ids)
    orders = precedence(session, {pair.project_id for pair in held})
    for pair in held:
        own = found[pair.project_id]
        counted = pair.counted
        if counted.item_id in own:  # a third tool has it too: what two of them agreed on meets its values
            counted = Side(counted.item_id, counted.scope_id, counted.role, own[counted.item_id])
        own[counted.item_id] = merged(counted, pair.duplicate, orders.get(pair.project_id, {}))
    return found


def _same() -> sa.Select[Any]:
    return sa.select(*(_SAME.c[n] for n in Same.__slots__))


def _side(row: Sequence[Any]) -> Side:
    return Side(row[0], row[1], row[2], dict(zip(FIELDS, row[3:], strict=True)))
