"""Project memberships: the rules of scopes applied to the items that the hub holds, written where they changed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from pmo_hub.domain.identity import row_id
from pmo_hub.domain.membership import Item, Narrowing, Rule, assign
from pmo_hub.store.bulk import is_in
from pmo_hub.store.merge import end_rows, merge_rows
from pmo_hub.store.models.canonical import Component, Version, WorkItem
from pmo_hub.store.models.portfolio import ProjectMembership, ProjectRule
from pmo_hub.store.models.source import Scope
from pmo_hub.store.unit_of_work import Session

_ITEMS: Any = WorkItem.__table__
_RULES: Any = ProjectRule.__table__
_MEMBERS: Any = ProjectMembership.__table__
_SCOPES: Any = Scope.__table__

AT_A_TIME = 2_000
"""Items that are looked at together where no rule needs more."""

# Whether the item is one of these can't be told from the item alone, so a change of any item means a look at the whole scope.
_OF_THE_WHOLE_SCOPE = frozenset({Narrowing.SUBTREE})


@dataclass(frozen=True, slots=True)
class _Held:
    """A membership as it stands."""

    id: str
    project_id: str
    item_id: str
    rule_id: str
    role: str


def membership_id(project_id: str, item_id: str) -> str:
    return row_id("project_membership", project_id, item_id)


def lock(session: Session, scope_ids: Collection[str]) -> None:
    """Nobody else fills projects from these scopes until the transaction ends; what they committed before is seen from here on.

    SQLite has one writer anyway. Whoever locks projects too does so after this, so that two wait for each other in one order.
    """
    if scope_ids:
        held = sa.select(_SCOPES.c.id).where(is_in(session, _SCOPES.c.id, scope_ids)).order_by(_SCOPES.c.id)
        session.execute(held.with_for_update(key_share=True))


def refresh(
    session: Session,
    scope_ids: Collection[str],
    now: datetime,
    item_ids: Sequence[str] | None = None,
    answers: Mapping[str, Collection[str]] | None = None,
) -> set[str]:
    """The memberships of these scopes are what their rules say. Returns the projects to look at again.

    With `item_ids` (items that are new, changed or gone) only these are looked at, whatever scope they are in now; a scope with a subtree
    rule is always looked at as a whole, since a new parent takes all its descendants along. Returned are the projects that hold or held
    one of the items looked at, and without `item_ids` every project with a rule on the scopes. `answers` are the item ids that a query
    rule (by its id) has found; a query without an answer keeps what it found last.
    """
    listed = None if item_ids is None else set(item_ids)
    scopes = set(scope_ids)
    if listed:
        scopes |= set(session.scalars(sa.select(_ITEMS.c.scope_id).where(is_in(session, _ITEMS.c.id, listed)).distinct()))
    lock(session, scopes)
    rules, roles = _rules(session, scopes)
    subtrees = {r.scope_id for r in rules if r.narrowing in _OF_THE_WHOLE_SCOPE}
    whole = scopes if listed is None else subtrees
    meanings = _meanings(session, rules)
    touched: set[str] = set()
    looked_at: set[str] = set()
    for ids in _parts(session, whole, listed or (), subtrees):
        held = _held(session, ids)
        touched |= _follow(
            session, rules, roles, _items(session, ids, rules), held, {**meanings, **_answers(rules, held, answers or {})}, now
        )
        looked_at.update(m.project_id for m in held if listed is None or m.item_id in listed)
    touched |= _end_left_over(session, whole, [r.id for r in rules if r.scope_id in whole], now)
    if listed is None:
        looked_at.update(r.project_id for r in rules)
    return touched | looked_at


def _follow(
    session: Session,
    rules: Sequence[Rule],
    roles: Mapping[str, str],
    items: Sequence[Item],
    held: Sequence[_Held],
    meanings: Mapping[str, Collection[str]],
    now: datetime,
) -> set[str]:
    """The memberships of these items are what the rules say; returns the projects that something changed in."""
    wanted = {
        membership_id(project, item): (project, item, rule, roles[rule])
        for project, members in assign(rules, items, meanings).items()
        for item, rule in members.items()
    }
    ended = [m for m in held if m.id not in wanted]
    known = {m.id: (m.project_id, m.item_id, m.rule_id, m.role) for m in held}
    rows = [
        {"id": id_, "project_id": w[0], "item_id": w[1], "rule_id": w[2], "role": w[3]} for id_, w in wanted.items() if known.get(id_) != w
    ]
    merge_rows(session, ProjectMembership, rows, now)
    end_rows(session, ProjectMembership, [m.id for m in ended], now)
    return {m.project_id for m in ended} | {str(row["project_id"]) for row in rows}


def projects_of(session: Session, scope_ids: Collection[str], item_ids: Collection[str]) -> set[str]:
    """The projects that have a rule on one of the scopes, or hold one of the items."""
    ruled = sa.select(_RULES.c.project_id).where(is_in(session, _RULES.c.scope_id, scope_ids)).distinct()
    holding = sa.select(_MEMBERS.c.project_id).where(is_in(session, _MEMBERS.c.item_id, item_ids)).distinct()
    return {*(session.scalars(ruled) if scope_ids else ()), *(session.scalars(holding) if item_ids else ())}


def projects_by_item(session: Session, item_ids: Collection[str]) -> dict[str, list[str]]:
    """Item → the projects that hold it; an item of none is absent."""
    found: dict[str, list[str]] = defaultdict(list)
    if item_ids:
        query = sa.select(_MEMBERS.c.item_id, _MEMBERS.c.project_id).where(is_in(session, _MEMBERS.c.item_id, item_ids))
        for item, project in session.execute(query):
            found[item].append(project)
    return found


def query_rules(session: Session, scope_ids: Collection[str]) -> list[Rule]:
    """The rules on these scopes that only the source can answer."""
    return [rule for rule in _rules(session, scope_ids)[0] if rule.narrowing is Narrowing.QUERY]


def counts(session: Session, project_id: str) -> dict[str, int]:
    """How many items each rule of the project takes now."""
    query = sa.select(_MEMBERS.c.rule_id, sa.func.count()).where(_MEMBERS.c.project_id == project_id).group_by(_MEMBERS.c.rule_id)
    return {rule: int(count) for rule, count in session.execute(query)}


def end_of_project(session: Session, project_id: str, now: datetime) -> None:
    """The project holds no item any more."""
    ids = list(session.scalars(sa.select(_MEMBERS.c.id).where(_MEMBERS.c.project_id == project_id)))
    end_rows(session, ProjectMembership, ids, now)


def _rules(session: Session, scopes: Collection[str]) -> tuple[list[Rule], dict[str, str]]:
    r = _RULES.c
    query = sa.select(r.id, r.project_id, r.scope_id, r.narrowing, r.value, r.role).where(is_in(session, r.scope_id, scopes))
    rows = session.execute(query).all() if scopes else []
    return [Rule(row.id, row.project_id, row.scope_id, Narrowing(row.narrowing), row.value) for row in rows], {
        row.id: row.role for row in rows
    }


def _parts(session: Session, whole: Collection[str], listed: Collection[str], subtrees: Collection[str]) -> Iterator[list[str]]:
    """The items to look at, so many at a time: all of these scopes and those that are listed, the listed ones that are gone too.

    The items of a scope with a subtree rule come all at once.
    """
    together: dict[str, list[str]] = defaultdict(list)
    apart = set(listed)
    if whole or listed:
        conditions = [is_in(session, column, some) for column, some in ((_ITEMS.c.scope_id, whole), (_ITEMS.c.id, listed)) if some]
        for id_, scope in session.execute(sa.select(_ITEMS.c.id, _ITEMS.c.scope_id).where(sa.or_(*conditions))):
            if scope in subtrees:
                together[scope].append(id_)
                apart.discard(id_)
            else:
                apart.add(id_)
    yield from together.values()
    ordered = sorted(apart)
    for start in range(0, len(ordered), AT_A_TIME):
        yield ordered[start : start + AT_A_TIME]


def _items(session: Session, ids: Collection[str], rules: Sequence[Rule]) -> list[Item]:
    """The items, with only those columns that a rule reads: JSON that nobody asks for costs more than all the rest."""
    i = _ITEMS.c
    read = {r.narrowing for r in rules}
    query = sa.select(
        i.id,
        i.scope_id,
        i.key if read & {Narrowing.LIST, Narrowing.SUBTREE} else sa.literal(""),
        i.parent_id if Narrowing.SUBTREE in read else sa.null(),
        i.labels if Narrowing.LABEL in read else sa.null(),
        i.component_ids if Narrowing.COMPONENT in read else sa.null(),
        i.version_ids if Narrowing.VERSION in read else sa.null(),
    ).where(is_in(session, i.id, ids))
    return [
        Item(id_, scope, key, parent, tuple(labels or ()), tuple(components or ()), tuple(versions or ()))
        for id_, scope, key, parent, labels, components, versions in session.execute(query)
    ]


def _held(session: Session, ids: Collection[str]) -> list[_Held]:
    """Memberships of these items, those that are gone among them."""
    m = _MEMBERS.c
    query = sa.select(m.id, m.project_id, m.item_id, m.rule_id, m.role).where(is_in(session, m.item_id, ids))
    return [_Held(*row) for row in session.execute(query)]


def _end_left_over(session: Session, whole: Collection[str], rule_ids: Collection[str], now: datetime) -> set[str]:
    """What rules of these scopes have taken and is not in the scopes any more ends; returns the projects that lose it."""
    if not rule_ids:
        return set()
    m = _MEMBERS.c
    there = sa.exists().where(_ITEMS.c.id == m.item_id, is_in(session, _ITEMS.c.scope_id, whole))
    rows = session.execute(sa.select(m.id, m.project_id).where(is_in(session, m.rule_id, rule_ids), ~there)).all()
    end_rows(session, ProjectMembership, [row[0] for row in rows], now)
    return {row[1] for row in rows}


def _answers(rules: Sequence[Rule], held: Sequence[_Held], answers: Mapping[str, Collection[str]]) -> dict[str, set[str]]:
    """What the queries found; one that was not asked keeps what it holds."""
    found = {}
    for rule in rules:
        if rule.narrowing is Narrowing.QUERY:
            answer = answers.get(rule.id)
            found[rule.id] = set(answer) if answer is not None else {m.item_id for m in held if m.rule_id == rule.id}
    return found


def _meanings(session: Session, rules: Sequence[Rule]) -> dict[str, set[str]]:
    """The row ids that the rules' texts stand for, where the store can tell."""
    by_narrowing: dict[Narrowing, list[Rule]] = defaultdict(list)
    for rule in rules:
        by_narrowing[rule.narrowing].append(rule)
    meanings: dict[str, set[str]] = {}
    sources = (
        (Narrowing.COMPONENT, Component.__table__, "name"),
        (Narrowing.VERSION, Version.__table__, "name"),
        (Narrowing.SUBTREE, _ITEMS, "key"),
    )
    for narrowing, table, column in sources:
        texts = {(r.value or "").strip() for r in by_narrowing[narrowing]}
        if not texts:
            continue
        named: dict[str, set[str]] = defaultdict(set)
        for text, id_ in session.execute(sa.select(table.c[column], table.c.id).where(is_in(session, table.c[column], texts))):
            named[text].add(id_)
        meanings.update({r.id: named[(r.value or "").strip()] for r in by_narrowing[narrowing]})
    return meanings
