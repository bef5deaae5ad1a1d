"""Which work items are a project's: rules of a scope, optionally narrowed, applied to the items that the hub holds."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from pmo_hub.domain.identity import row_id


class Narrowing(StrEnum):
    """Which part of a scope a rule takes; what `value` means stands beside each."""

    ALL = "all"  # no value
    SUBTREE = "subtree"  # key or id of the root, which is taken with all that is beneath it
    LABEL = "label"  # the label's text
    COMPONENT = "component"  # id or name
    VERSION = "version"  # id or name
    LIST = "list"  # keys or ids, separated by commas or white space
    QUERY = "query"  # a query in the source's own language; the source answers it


class Role(StrEnum):
    """What a project takes from the rule's items."""

    SCHEDULE = "schedule"
    EXECUTION = "execution"
    MONEY = "money"
    HISTORY = "history"


# Where two rules of one project take one item, the first of these is named as the reason: the more deliberate choice.
_PRECEDENCE = {
    narrowing: rank
    for rank, narrowing in enumerate(
        (
            Narrowing.LIST, Narrowing.SUBTREE, Narrowing.QUERY, Narrowing.COMPONENT, Narrowing.VERSION, Narrowing.LABEL,
            Narrowing.ALL,
        )
    )
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Rule:
    id: str
    project_id: str
    scope_id: str
    narrowing: Narrowing
    value: str | None = None

    @property
    def is_remainder(self) -> bool:
        """Whether this is a scope's automatic project taking the scope: it keeps only what no other project's rule takes."""
        return self.narrowing is Narrowing.ALL and self.project_id == automatic_project(self.scope_id)


@dataclass(frozen=True, slots=True)
class Item:
    """What rules read of a work item; lists other than `labels` hold row ids."""

    id: str
    scope_id: str
    key: str = ""
    parent_id: str | None = None
    labels: tuple[str, ...] = ()
    component_ids: tuple[str, ...] = ()
    version_ids: tuple[str, ...] = ()


def automatic_project(scope_id: str) -> str:
    """The id of the project that a scope gets by itself."""
    return row_id("pmo-hub", "project", scope_id)


def named(value: str | None) -> frozenset[str]:
    """The keys or ids that the value of a `list` rule names."""
    return frozenset((value or "").replace(",", " ").split())


def assign(
    rules: Sequence[Rule], items: Sequence[Item], meanings: Mapping[str, Collection[str]] | None = None
) -> dict[str, dict[str, str]]:
    """Project id → item id → id of the rule that takes it.

    An item may be in several projects, since projects may overlap on purpose. Only the scope's automatic project steps back: an item that
    any other project takes is not in it, so that a portfolio of both counts the item once. A rule takes items of its own scope only.
    `meanings` are the row ids that a rule's text stands for and only the store or the source can tell: components, versions, the root of a
    subtree, the answer of a query (item ids). The order of rules and items does not matter.
    """
    meanings = meanings or {}
    by_scope: dict[str, list[Item]] = defaultdict(list)
    for item in items:
        by_scope[item.scope_id].append(item)
    taken: dict[str, dict[str, str]] = defaultdict(dict)
    claimed: set[str] = set()
    for rule in sorted(rules, key=lambda r: (r.is_remainder, _PRECEDENCE[r.narrowing], r.id)):
        own = taken[rule.project_id]
        if rule.is_remainder:
            # An item that the automatic project takes by a narrowed rule of its own stays, whoever else claims it.
            for item in by_scope[rule.scope_id]:
                if item.id not in claimed:
                    own.setdefault(item.id, rule.id)
            continue
        is_foreign = rule.project_id != automatic_project(rule.scope_id)
        for item_id in _matches(rule, by_scope[rule.scope_id], meanings.get(rule.id, ())):
            own.setdefault(item_id, rule.id)
            if is_foreign:
                claimed.add(item_id)
    return {project: members for project, members in taken.items() if members}


def _matches(rule: Rule, items: Sequence[Item], meaning: Collection[str]) -> list[str]:
    """Ids of the scope's items that the rule takes."""
    value = (rule.value or "").strip()
    match rule.narrowing:
        case Narrowing.ALL:
            return [item.id for item in items]
        case Narrowing.SUBTREE:
            return _subtree(items, {value, *meaning} - {""})
        case Narrowing.LABEL:
            return [item.id for item in items if value in item.labels]
        case Narrowing.COMPONENT:
            wanted = {value, *meaning}
            return [item.id for item in items if not wanted.isdisjoint(item.component_ids)]
        case Narrowing.VERSION:
            wanted = {value, *meaning}
            return [item.id for item in items if not wanted.isdisjoint(item.version_ids)]
        case Narrowing.LIST:
            wanted = set(named(value))
            return [item.id for item in items if item.id in wanted or item.key in wanted]
        case Narrowing.QUERY:
            wanted = set(meaning)
            return [item.id for item in items if item.id in wanted]


def _subtree(items: Sequence[Item], roots: Collection[str]) -> list[str]:
    """Ids of the roots (named by key or id) and of everything beneath them, any depth; parents in a circle are each taken once.

    A root may lie in another scope: then it is named by its id, and only what is beneath it is found here.
    """
    children: dict[str, list[str]] = defaultdict(list)
    held = set()
    waiting: list[str] = []
    for item in items:
        held.add(item.id)
        if item.parent_id is not None:
            children[item.parent_id].append(item.id)
        if item.key in roots:
            waiting.append(item.id)
    waiting.extend(roots)
    seen: set[str] = set()
    while waiting:
        item_id = waiting.pop()
        if item_id not in seen:
            seen.add(item_id)
            waiting.extend(children.get(item_id, ()))
    return sorted(seen & held)
