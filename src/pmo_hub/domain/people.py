"""One human with many accounts: which accounts are one person, and which might be."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from pmo_hub.domain.identity import row_id

Pair = tuple[str, str]

UNVERIFIED = frozenset({"customer"})
"""Types of account that anybody may make with any address."""

SHORTEST_NAME = 5
"""Letters that a name needs for its equality to say something."""


@dataclass(frozen=True, slots=True)
class Account:
    """`person_id` is whom it stands for now, where that is known."""

    id: str
    name: str | None = None
    email: str | None = None
    account_type: str | None = None
    person_id: str | None = None


@dataclass(frozen=True, slots=True)
class Suggestion:
    """Two accounts that might be one person."""

    first_id: str
    second_id: str
    why: str

    @property
    def id(self) -> str:
        return row_id("person_suggestion", self.first_id, self.second_id)


def pair(one: str, other: str) -> Pair:
    """The two in the order in which they are kept."""
    return (one, other) if one < other else (other, one)


def verified_email(account: Account) -> str | None:
    """The address by which the account is known for sure: one that its source shows, in lower case."""
    if account.email is None or account.account_type in UNVERIFIED:
        return None
    email = account.email.strip().casefold()
    local, _, domain = email.partition("@")
    return email if local and "." in domain else None


def persons(accounts: Sequence[Account], same: Collection[Pair], different: Collection[Pair]) -> dict[str, str]:
    """Account → person, of accounts that share theirs with another one.

    Accounts are one person where somebody said so, or where their verified addresses are equal; never where somebody said that they are
    not, however many others would join them. A person keeps its id as long as one of its accounts does; of two that become one the
    id that more accounts have stays.
    """
    groups = _Groups((a.id for a in accounts), different)
    for one, other in sorted(same):
        groups.join(one, other)
    by_email: dict[str, list[str]] = defaultdict(list)
    for account in sorted(accounts, key=lambda a: a.id):
        email = verified_email(account)
        if email is not None:
            by_email[email].append(account.id)
    for _, ids in sorted(by_email.items()):
        for number, other in enumerate(ids[1:], 1):
            # Whom somebody told apart from the first may still be one with the next.
            for one in ids[:number]:
                groups.join(one, other)
    held = {a.id: a.person_id for a in accounts}
    found: dict[str, str] = {}
    taken: set[str] = set()
    for members in sorted((m for m in groups.members() if len(m) > 1), key=lambda m: (-len(m), m[0])):
        votes = Counter(p for m in members if (p := held[m]) is not None and p not in taken)
        best = min(votes, key=lambda p: (-votes[p], p), default=None) or row_id("person", members[0])
        taken.add(best)
        found.update(dict.fromkeys(members, best))
    return found


def suggestions(accounts: Sequence[Account], different: Collection[Pair]) -> list[Suggestion]:
    """Accounts of the same name that are not known to be one person, nor to be two."""
    apart = {pair(*p) for p in different}
    by_name: dict[str, list[Account]] = defaultdict(list)
    for account in sorted(accounts, key=lambda a: a.id):
        name = plain_name(account.name)
        if name is not None:
            by_name[name].append(account)
    found = []
    for _, namesakes in sorted(by_name.items()):
        seen: dict[str, Account] = {}
        for account in namesakes:
            for other in seen.values():
                if pair(account.id, other.id) not in apart and account.person_id != (other.person_id or account.id):
                    first, second = pair(other.id, account.id)
                    found.append(Suggestion(first, second, f"Both are called {account.name}."))
                    break
            seen.setdefault(account.person_id or account.id, account)
    return found


def plain_name(name: str | None) -> str | None:
    """The name without case, order and punctuation, so that "Doe, Jane" is "Jane Doe"; None for one that says too little."""
    words = sorted(re.findall(r"\w+", (name or "").casefold()))
    plain = " ".join(words)
    return plain if len(words) > 1 and len(plain) >= SHORTEST_NAME else None


class _Groups:
    """Accounts joined to groups, unless two of a group are known to be different."""

    def __init__(self, ids: Iterable[str], different: Collection[Pair]) -> None:
        self._group: dict[str, list[str]] = {id: [id] for id in ids}
        self._apart: Mapping[str, set[str]] = defaultdict(set)
        for one, other in different:
            self._apart[one].add(other)
            self._apart[other].add(one)

    def join(self, one: str, other: str) -> None:
        left, right = self._group.get(one), self._group.get(other)
        if left is None or right is None or left is right:
            return
        if any(not self._apart[member].isdisjoint(right) for member in left):
            return
        left.extend(right)
        for member in right:
            self._group[member] = left

    def members(self) -> list[list[str]]:
        return [sorted(group) for group in {id(g): g for g in self._group.values()}.values()]
