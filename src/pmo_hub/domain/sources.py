"""One piece of work in two tools: which source is believed for which field, and where two contradict each other.

A value that a source lacks never wins over one that another has. What loses is shown as a conflict; nothing is overwritten.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pmo_hub.domain.membership import Role

_DATES = ("planned_start", "planned_finish", "due")
_EFFORT = ("work_hours", "spent_hours", "remaining_hours")
_PROGRESS = ("status_category", "percent_complete")

FIELDS = (*_DATES, *_EFFORT, "points", *_PROGRESS)
"""What is compared between two sources."""

COUNTED = "counted"
"""Progress is never mixed: where an item stands is told by the one that counts, with its history."""

SCHEDULED = "schedule"
"""What a plan says as a whole: its finish, baselines, deadlines."""

EARNED = "earned_value"

DEFAULT: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys(_DATES, (Role.SCHEDULE, Role.EXECUTION, Role.MONEY, Role.HISTORY)),
    **dict.fromkeys(_EFFORT, (Role.MONEY, Role.SCHEDULE, Role.EXECUTION, Role.HISTORY)),
    "points": (Role.EXECUTION, Role.SCHEDULE, Role.MONEY, Role.HISTORY),
    SCHEDULED: (Role.SCHEDULE, Role.EXECUTION, Role.MONEY, Role.HISTORY),
    EARNED: (Role.MONEY, Role.SCHEDULE, Role.EXECUTION, Role.HISTORY),
}
"""Dates are the plan's, effort and earned value are the money's, points are those of who does the work."""

RULED = frozenset(DEFAULT)
"""Fields whose order of sources may be chosen."""

Precedence = Mapping[str, Sequence[str]]
"""Field → roles or scope ids, the first of which that has a value is believed; fields that are left out go by `DEFAULT`."""


@dataclass(frozen=True, slots=True)
class Side:
    """An item as one source has it, with the role that its source has in the project."""

    item_id: str
    scope_id: str
    role: str
    values: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Conflict:
    """`winner_id` is the item whose value is believed; `because` is the role or the scope that decided."""

    field: str
    winner_id: str
    because: str


def winner(field: str, counted: Side, duplicate: Side, precedence: Precedence) -> tuple[Side, str]:
    """Whose value is believed, and by which role or scope; of two that nothing tells apart the one that counts."""
    if field in _PROGRESS:
        return counted, COUNTED
    if duplicate.values.get(field) is None:
        return counted, counted.role
    if counted.values.get(field) is None:
        return duplicate, duplicate.role
    for name in precedence.get(field) or DEFAULT[field]:
        for side in (counted, duplicate):
            if name in (side.scope_id, side.role):
                return side, name
    return counted, counted.role


def merged(counted: Side, duplicate: Side, precedence: Precedence) -> dict[str, Any]:
    """Field → the value that is believed."""
    return {field: winner(field, counted, duplicate, precedence)[0].values.get(field) for field in FIELDS}


def conflicts(counted: Side, duplicate: Side, precedence: Precedence) -> list[Conflict]:
    """Fields that both sources fill, and differently."""
    found = []
    for field in FIELDS:
        one, other = counted.values.get(field), duplicate.values.get(field)
        if one is not None and other is not None and one != other:
            side, because = winner(field, counted, duplicate, precedence)
            found.append(Conflict(field, side.item_id, because))
    return found


def believed(field: str, sources: Mapping[str, Collection[str]], precedence: Precedence) -> tuple[frozenset[str], str | None]:
    """Of several scopes that say the same thing of a project as a whole (scope → its roles there), those that are believed, and why.

    All of a role are believed together: a project may have a plan for each of its parts. Whoever none of the names is for, goes by the
    roles' default.
    """
    for name in (*(precedence.get(field) or ()), *DEFAULT[field]):
        found = frozenset(scope for scope, roles in sources.items() if name == scope or name in roles)
        if found:
            return found, name
    return frozenset(), None


def loops(counted_id: str, duplicate_id: str, counted_of: Mapping[str, str]) -> bool:
    """Whether the counted item is itself, however indirectly, a duplicate of the other; `counted_of` is duplicate → counted."""
    at: str | None = counted_id
    seen: set[str] = set()
    while at is not None and at not in seen:
        if at == duplicate_id:
            return True
        seen.add(at)
        at = counted_of.get(at)
    return False
