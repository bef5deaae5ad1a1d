"""People: accounts of equal verified addresses are one person at once, namesakes are suggested, and every link can be taken back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import combinations

from pmo_hub.domain import people as pure
from pmo_hub.domain.people import Account, pair
from pmo_hub.services import audit, governance
from pmo_hub.services.errors import Fault, Invalid, NotFound, Refused
from pmo_hub.services.hub import Hub
from pmo_hub.store.repositories import people as rows
from pmo_hub.store.repositories.people import DIFFERENT, SAME
from pmo_hub.store.unit_of_work import Session

MOST_JOINED = 20
MOST_SUGGESTIONS = 500


@dataclass(frozen=True, slots=True)
class PersonInfo:
    """One human; the accounts as their sources call them now."""

    id: str
    accounts: Sequence[Account]


@dataclass(frozen=True, slots=True)
class SuggestionInfo:
    """Two accounts that might be one person."""

    id: str
    first: Account
    second: Account
    why: str


def link_equal(session: Session, now: datetime) -> set[str]:
    """Accounts of equal verified addresses are one person; returns those whose person changed. Cheap where nothing did."""
    return rows.relink(session, now)


def follow(session: Session, now: datetime) -> set[str]:
    """As `link_equal`; returns the projects to measure anew."""
    return set(rows.projects_of(session, rows.relink(session, now)))


def page(hub: Hub, after: str | None, limit: int) -> list[PersonInfo]:
    """Persons with several accounts, by id."""
    with hub.work.read() as session:
        ids = rows.page(session, after, limit)
        found = rows.accounts_by_person(session, ids)
    return [PersonInfo(id, found.get(id, [])) for id in ids]


def get(hub: Hub, id: str) -> PersonInfo:
    """The person; raises NotFound."""
    with hub.work.read() as session:
        return _person(session, id)


def suggestions(hub: Hub) -> list[SuggestionInfo]:
    """Accounts that might be one person, of which nobody has decided yet."""
    with hub.work.read() as session:
        return _suggestions(session)[:MOST_SUGGESTIONS]


def accept(hub: Hub, suggestion_id: str, actor: str) -> PersonInfo:
    """The two accounts are one person; raises NotFound."""
    with hub.work.write() as session:
        found = _suggestion(session, suggestion_id)
        return _join(session, [found.first.id, found.second.id], actor, hub.now())


def reject(hub: Hub, suggestion_id: str, actor: str) -> None:
    """The two accounts are two persons, and not suggested again; raises NotFound."""
    now = hub.now()
    with hub.work.write() as session:
        found = _suggestion(session, suggestion_id)
        ids = pair(found.first.id, found.second.id)
        rows.decide(session, [ids], DIFFERENT, actor, now)
        audit.record(session, actor, "person.told_apart", "identity", ids[0], {"from": ids[1]}, now)


def join(hub: Hub, identity_ids: Sequence[str], actor: str) -> PersonInfo:
    """These accounts are one person, whatever was decided of them before; raises Invalid."""
    with hub.work.write() as session:
        wanted = list(dict.fromkeys(identity_ids))
        if not 1 < len(wanted) <= MOST_JOINED:
            raise Invalid("/identity_ids", f"Name 2 to {MOST_JOINED} accounts.", code="count")
        known = rows.accounts(session, wanted)
        faults = [
            Fault(f"/identity_ids/{n}", f"There is no account {id!r}.", "unknown") for n, id in enumerate(identity_ids) if id not in known
        ]
        if faults:
            raise Invalid.of(faults)
        return _join(session, wanted, actor, hub.now())


def split(hub: Hub, person_id: str, identity_id: str, actor: str) -> None:
    """The account is somebody else than the person's others, until somebody joins them again; raises NotFound or Refused."""
    now = hub.now()
    with hub.work.write() as session:
        others = [account.id for account in _person(session, person_id).accounts if account.id != identity_id]
        if identity_id not in {account.id for account in _person(session, person_id).accounts}:
            raise Refused(f"The account {identity_id!r} is none of that person's.")
        pairs = [pair(identity_id, other) for other in others]
        rows.withdraw(session, pairs, SAME)
        rows.decide(session, pairs, DIFFERENT, actor, now)
        audit.record(session, actor, "person.split", "person", person_id, {"identity_id": identity_id}, now)
        _follow(session, now)


def _join(session: Session, ids: Sequence[str], actor: str, now: datetime) -> PersonInfo:
    # Whom the accounts are one with already comes along: what told any of those apart is taken back too.
    everyone = sorted(rows.everyone_like(session, ids))
    rows.withdraw(session, list(combinations(everyone, 2)), DIFFERENT)
    rows.decide(session, [pair(ids[0], other) for other in ids[1:]], SAME, actor, now)
    _follow(session, now)
    person_id = rows.accounts(session, ids)[ids[0]].person_id
    if person_id is None:
        raise RuntimeError("accounts that were joined have no person")
    audit.record(session, actor, "person.joined", "person", person_id, {"identity_ids": list(ids)}, now)
    return _person(session, person_id)


def _follow(session: Session, now: datetime) -> None:
    changed = rows.relink(session, now)
    governance.refresh(session, rows.projects_of(session, changed), now, "policy_change")


def _suggestions(session: Session) -> list[SuggestionInfo]:
    accounts = rows.namesakes(session)
    by_id = {account.id: account for account in accounts}
    found = pure.suggestions(accounts, rows.decisions(session, DIFFERENT))
    return [SuggestionInfo(one.id, by_id[one.first_id], by_id[one.second_id], one.why) for one in found]


def _suggestion(session: Session, id: str) -> SuggestionInfo:
    for one in _suggestions(session):
        if one.id == id:
            return one
    raise NotFound("person-suggestion", id)


def _person(session: Session, id: str) -> PersonInfo:
    accounts = rows.person(session, id)
    if not accounts:
        raise NotFound("person", id)
    return PersonInfo(id, accounts)
