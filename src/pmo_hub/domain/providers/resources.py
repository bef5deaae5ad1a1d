"""Resource facts: near-term work without hands, work in hands that are gone, work in few hands."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta

from pmo_hub.domain.evidence import Fact, ItemFacts
from pmo_hub.domain.providers.reading import Reading, deadline, links
from pmo_hub.domain.vocabulary import Kind, StatusCategory


def measure_resources(reading: Reading) -> list[Fact]:
    """Near-term work is open and in progress, in an active iteration, or due within the window (overdue included)."""
    return [*_near_term(reading), _inactive(reading), _concentration(reading)]


def near_term(reading: Reading, item: ItemFacts) -> bool:
    """Whether an open item needs hands now. A milestone needs none."""
    if item.kind is Kind.MILESTONE:
        return False
    horizon = reading.today + timedelta(days=reading.parameters.near_term_days)
    begun = item.status_category is StatusCategory.IN_PROGRESS or item.iteration_end is not None
    return begun or (item.due is not None and item.due <= horizon)


def _near_term(reading: Reading) -> list[Fact]:
    names = ("project.near_term_count", "project.unassigned_near_term_count", "project.unassigned_near_term_share")
    if not reading.work:
        return [reading.unknown(name, "the project has no work items") for name in names]
    near = [item for item in reading.open if near_term(reading, item)]
    alone = [item for item in near if item.assignee_id is None and not item.is_staffed]
    window = timedelta(days=reading.parameters.near_term_days)
    # The first day, then its midnight: the time zone is asked once, not for every item.
    days = (item.due - window for item in reading.open if item.due and not near_term(reading, item))
    first = min((day for day in days if day > reading.today), default=None)
    flips = None if first is None else reading.midnight(first)
    evidence = links(alone, lambda item: deadline(item) or date.max, _needed)
    return [
        reading.fact(names[0], len(near), holds_until=flips),
        reading.fact(names[1], len(alone), evidence=evidence, holds_until=flips),
        reading.fact(names[2], len(alone) / len(near), evidence=evidence, holds_until=flips)
        if near
        else reading.unknown(names[2], "no open work is in progress, in an iteration or due soon", flips),
    ]


def _needed(item: ItemFacts) -> str:
    if item.due:
        return f"due {item.due}, nobody assigned"
    return f"iteration ends {item.iteration_end}, nobody assigned" if item.iteration_end else "in progress, nobody assigned"


def _inactive(reading: Reading) -> Fact:
    name = "project.inactive_assignee_count"
    assigned = [item for item in reading.open if item.assignee_id is not None]
    known = [item for item in assigned if item.assignee_active is not None]
    if assigned and not known:
        return reading.unknown(name, "the source doesn't say which accounts are active")
    gone = [item for item in known if item.assignee_active is False]
    evidence = links(gone, lambda item: deadline(item) or date.max, lambda item: "assigned to a deactivated account")
    return reading.fact(name, len(gone), sure=len(known) / len(assigned) if assigned else 1.0, evidence=evidence)


def _concentration(reading: Reading) -> Fact:
    name = "project.top_assignee_share"
    held = Counter(item.assignee_id for item in reading.open if item.assignee_id is not None)
    if not held:
        return reading.unknown(name, "no open item is assigned")
    return reading.fact(name, max(held.values()) / held.total())
