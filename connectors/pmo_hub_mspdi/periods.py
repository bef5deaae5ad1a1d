"""Time-phased data as it is kept of a file: of each period what kind it is of, when it begins and ends, and its amount."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pmo_hub_mspdi.values import Element, many

PERIODS = "TimephasedData"
TOLD_BY = frozenset({"Tasks", "Assignments"})
"""Containers whose periods are kept; those of resources are the same work once more."""

MOST_PERIODS = 50_000
"""Of one task or assignment, or of one of its baselines; one more is kept, and says that there are too many."""

REMAINING, ACTUAL, ACTUAL_COST = 1, 2, 6
FIRST_NUMBERED, A_BASELINE = 16, 6
BASELINES = range(11)
_NOTHING = frozenset({None, "", "0", "PT0H0M0S", "PT0M", "PT0S"})

Period = list[str]
"""Kind, start, finish, value: texts of the file."""


def work_of(baseline: int) -> tuple[int, int]:
    """The kinds of a baseline's work, as assignments and as tasks tell it. Overtime (3) is a part of actual work."""
    return (4, 9) if baseline == 0 else _numbered(baseline, 0)


def cost_of(baseline: int) -> tuple[int, int]:
    return (5, 10) if baseline == 0 else _numbered(baseline, 1)


def _numbered(baseline: int, which: int) -> tuple[int, int]:
    at = FIRST_NUMBERED + (baseline - 1) * A_BASELINE + which
    return at, at + 2


WANTED = frozenset(
    str(kind) for kind in (REMAINING, ACTUAL, ACTUAL_COST, *(kind for n in BASELINES for kind in (*work_of(n), *cost_of(n))))
)


def kept(element: Element) -> Period | None:
    """What is kept of a period; None for one that is not read, or has no amount."""
    kind, value = element.get("Type"), element.get("Value")
    if not isinstance(kind, str) or kind.strip() not in WANTED or not isinstance(value, str) or value.strip() in _NOTHING:
        return None
    start, finish = element.get("Start"), element.get("Finish")
    return [kind.strip(), start if isinstance(start, str) else "", finish if isinstance(finish, str) else "", value.strip()]


def periods_of(record: Element) -> list[Period]:
    """The periods of a task or an assignment: those that stand in itself, and those in its baselines."""
    found: list[Any] = []
    for element in (record, *many(record, "Baseline")):
        value = element.get(PERIODS)
        if isinstance(value, list):
            found += value
    return found


def without(record: Element) -> dict[str, Any]:
    """The record without its periods."""
    rest = {name: value for name, value in record.items() if name != PERIODS}
    agreed = rest.get("Baseline")
    if isinstance(agreed, dict):
        rest["Baseline"] = {name: value for name, value in agreed.items() if name != PERIODS}
    elif isinstance(agreed, list):
        rest["Baseline"] = [
            {name: value for name, value in one.items() if name != PERIODS} if isinstance(one, dict) else one for one in agreed
        ]
    return rest


def has_too_many(record: Element) -> bool:
    return any(
        isinstance(value := element.get(PERIODS), list) and len(value) > MOST_PERIODS for element in (record, *many(record, "Baseline"))
    )


def kinds_of(records: Iterable[Element]) -> set[int]:
    return {int(period[0]) for record in records for period in periods_of(record)}
