"""Persons and their accounts: what was decided of them, and what follows."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from pmo_hub.domain.people import Account, Pair, persons, plain_name
from pmo_hub.store.bulk import is_in, upsert
from pmo_hub.store.models.canonical import Identity, WorkItem
from pmo_hub.store.models.people import Person, PersonDecision, PersonLink
from pmo_hub.store.models.portfolio import ProjectMembership
from pmo_hub.store.unit_of_work import Session

SAME = "same"
DIFFERENT = "different"

_ACCOUNTS: Any = Identity.__table__
_PERSONS: Any = Person.__table__
_LINKS: Any = PersonLink.__table__
_DECISIONS: Any = PersonDecision.__table__
_ITEMS: Any = WorkItem.__table__
_MEMBERS: Any = ProjectMembership.__table__


@dataclass(frozen=True, slots=True)
class Decision:
    first_id: str
    second_id: str
    decision: str
    decided_by: str
    decided_at: datetime


def _accounts() -> sa.Select[Any]:
    a = _ACCOUNTS.c
    columns = (a.id, a.name, a.email, a.account_type, _LINKS.c.person_id)
    return sa.select(*columns).outerjoin(_LINKS, _LINKS.c.identity_id == a.id).order_by(a.id)


def accounts(session: Session, ids: Collection[str]) -> dict[str, Account]:
    rows = session.execute(_accounts().where(is_in(session, _ACCOUNTS.c.id, ids))) if ids else ()
    return {row.id: Account(*row) for row in rows}


def namesakes(session: Session) -> list[Account]:
    """Accounts whose name another one has too, in whatever case and order."""
    names: dict[str, list[Account]] = {}
    for row in session.execute(_accounts().where(_ACCOUNTS.c.name.is_not(None))):
        account = Account(*row)
        plain = plain_name(account.name)
        if plain is not None:
            names.setdefault(plain, []).append(account)
    return [account for group in names.values() if len(group) > 1 for account in group]


def decisions(session: Session, decision: str) -> list[Pair]:
    d = _DECISIONS.c
    rows = session.execute(sa.select(d.first_id, d.second_id).where(d.decision == decision).order_by(d.first_id, d.second_id))
    return [(row[0], row[1]) for row in rows]


def decide(session: Session, pairs: Collection[Pair], decision: str, actor: str, now: datetime) -> None:
    columns = ("first_id", "second_id", "decision", "decided_by", "decided_at")
    upsert(session, _DECISIONS, columns, [(*p, decision, actor, now) for p in pairs], update=columns[2:])


def withdraw(session: Session, pairs: Collection[Pair], decision: str) -> int:
    """Nothing is decided of these any more; how many there were."""
    d = _DECISIONS.c
    count = 0
    for first, second in pairs:
        where = (d.first_id == first, d.second_id == second, d.decision == decision)
        result: Any = session.execute(sa.delete(_DECISIONS).where(*where))
        count += int(result.rowcount)
    return count


def relink(session: Session, now: datetime) -> set[str]:
    """The links are what addresses and decisions say. Returns the accounts whose person changed."""
    same, different = decisions(session, SAME), decisions(session, DIFFERENT)
    a = _ACCOUNTS.c
    lower = sa.func.lower(sa.func.trim(a.email))
    shared = sa.select(lower).where(a.email.is_not(None)).group_by(lower).having(sa.func.count() > 1)
    held = {row[0]: row[1] for row in session.execute(sa.select(_LINKS.c.identity_id, _LINKS.c.person_id))}
    decided = {i for p in same for i in p} | held.keys()
    concerned = session.execute(_accounts().where(sa.or_(lower.in_(shared), is_in(session, a.id, decided))))
    wanted = persons([Account(*row) for row in concerned], same, different)
    changed = {i for i in held.keys() | wanted.keys() if held.get(i) != wanted.get(i)}
    if not changed:
        return set()
    session.execute(sa.delete(_LINKS).where(is_in(session, _LINKS.c.identity_id, changed)))
    new = [(i, wanted[i], now) for i in sorted(changed) if i in wanted]
    upsert(session, _PERSONS, ("id", "created_at"), sorted({(person, now) for _, person, _ in new}))
    upsert(session, _LINKS, ("identity_id", "person_id", "linked_at"), new)
    session.execute(sa.delete(_PERSONS).where(~sa.exists().where(_LINKS.c.person_id == _PERSONS.c.id)))
    return changed


def forget(session: Session, identity_ids: Collection[str]) -> None:
    """These accounts are gone: nothing is said of them, and a person without any is none."""
    session.execute(sa.delete(_LINKS).where(is_in(session, _LINKS.c.identity_id, identity_ids)))
    d = _DECISIONS.c
    session.execute(
        sa.delete(_DECISIONS).where(sa.or_(is_in(session, d.first_id, identity_ids), is_in(session, d.second_id, identity_ids)))
    )
    session.execute(sa.delete(_PERSONS).where(~sa.exists().where(_LINKS.c.person_id == _PERSONS.c.id)))


def everyone_like(session: Session, ids: Collection[str]) -> set[str]:
    """These accounts, and every other account of the same persons; a person's id stands for all of its accounts."""
    wanted = set(ids)
    if not wanted:
        return wanted
    named = sa.select(_LINKS.c.person_id).where(is_in(session, _LINKS.c.identity_id, wanted))
    same = sa.or_(_LINKS.c.person_id.in_(named), is_in(session, _LINKS.c.person_id, wanted))
    return wanted | set(session.scalars(sa.select(_LINKS.c.identity_id).where(same)))


def person(session: Session, id: str) -> list[Account]:
    """The person's accounts; none where there is no such person."""
    return [Account(*row) for row in session.execute(_accounts().where(_LINKS.c.person_id == id))]


def page(session: Session, after: str | None, limit: int) -> list[str]:
    query = sa.select(_PERSONS.c.id).order_by(_PERSONS.c.id).limit(limit)
    return list(session.scalars(query if after is None else query.where(_PERSONS.c.id > after)))


def accounts_by_person(session: Session, person_ids: Collection[str]) -> dict[str, list[Account]]:
    found: dict[str, list[Account]] = {}
    for row in session.execute(_accounts().where(is_in(session, _LINKS.c.person_id, person_ids))) if person_ids else ():
        found.setdefault(row.person_id, []).append(Account(*row))
    return found


def projects_of(session: Session, identity_ids: Collection[str]) -> list[str]:
    """Projects with an item that is assigned to one of the accounts."""
    query = (
        sa.select(_MEMBERS.c.project_id)
        .join(_ITEMS, _ITEMS.c.id == _MEMBERS.c.item_id)
        .where(is_in(session, _ITEMS.c.assignee_id, identity_ids))
        .distinct()
        .order_by(_MEMBERS.c.project_id)
    )
    return list(session.scalars(query)) if identity_ids else []
