"""Facts: what is measured about a project, by one provider a subject, and about the parts of it that checks look at one by one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from pmo_hub.domain.catalogue import FACTS, Declaration, schema
from pmo_hub.domain.evidence import MAX_EVIDENCE, Evidence, Fact, FactValue, ItemFacts, ProjectFacts
from pmo_hub.domain.providers.cost import measure_cost
from pmo_hub.domain.providers.flow import measure_flow
from pmo_hub.domain.providers.plan import measure_plan
from pmo_hub.domain.providers.quality import measure_quality
from pmo_hub.domain.providers.reading import FINISHED, Parameters, link, read
from pmo_hub.domain.providers.register import measure_register
from pmo_hub.domain.providers.resources import measure_resources
from pmo_hub.domain.providers.schedule import measure_schedule
from pmo_hub.domain.providers.scope import measure_scope
from pmo_hub.domain.providers.state import measure_state
from pmo_hub.domain.vocabulary import Kind

__all__ = [
    "FACTS",
    "MAX_EVIDENCE",
    "Declaration",
    "Evidence",
    "Fact",
    "FactValue",
    "ItemFacts",
    "Parameters",
    "ProjectFacts",
    "Subject",
    "holds_until",
    "measure",
    "measure_subjects",
    "schema",
]

_PROVIDERS = (
    measure_state,
    measure_schedule,
    measure_plan,
    measure_scope,
    measure_cost,
    measure_register,
    measure_quality,
    measure_flow,
    measure_resources,
)


@dataclass(frozen=True, slots=True)
class Subject:
    """A part of a project that checks judge one by one: `entity` is milestone, `sub_key` the item's id."""

    entity: str
    sub_key: str
    facts: tuple[Fact, ...]


def measure(project: ProjectFacts, items: Sequence[ItemFacts], now: datetime, parameters: Parameters | None = None) -> tuple[Fact, ...]:
    """Every fact of the project, each name once, the same whatever the order of the items."""
    reading = read(project, items, now, parameters or Parameters())
    return tuple(fact for provider in _PROVIDERS for fact in provider(reading))


def measure_subjects(
    project: ProjectFacts, items: Sequence[ItemFacts], now: datetime, parameters: Parameters | None = None
) -> tuple[Subject, ...]:
    """The milestones that count, by id, each with facts of its own; to be read beside the project's."""
    reading = read(project, items, now, parameters or Parameters())
    milestones = sorted((item for item in reading.work if item.kind is Kind.MILESTONE), key=lambda item: item.id)
    found = []
    for item in milestones:
        here = (link(item, f"due {item.due}" if item.due else None),)
        facts = (
            reading.fact("milestone.key", item.key, evidence=here),
            reading.fact("milestone.name", item.title, evidence=here),
            reading.unknown("milestone.due", "the milestone has no due date")
            if item.due is None
            else reading.fact("milestone.due", item.due, evidence=here),
            reading.fact("milestone.done", item.status_category in FINISHED, evidence=here),
        )
        found.append(Subject("milestone", item.id, facts))
    return tuple(found)


def holds_until(facts: Sequence[Fact], now: datetime) -> datetime | None:
    """The first instant after `now` at which one of the facts may change by the clock alone; the job recomputes them then."""
    return min((fact.holds_until for fact in facts if fact.holds_until is not None and fact.holds_until > now), default=None)
