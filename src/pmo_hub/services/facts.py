"""The list of a project's facts, and the clock's part in them: what has expired is measured again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from pmo_hub.domain.evidence import Fact
from pmo_hub.domain.facts import FACTS
from pmo_hub.services import governance
from pmo_hub.services.errors import NotFound
from pmo_hub.services.freshness import WORTH, discounted, live, of_head
from pmo_hub.services.hub import Hub
from pmo_hub.store.repositories import facts as kept
from pmo_hub.store.repositories import freshness

EXPIRED_PROJECTS = 10
"""So many are measured again in one transaction: few enough that other writers of SQLite don't wait."""


@dataclass(frozen=True, slots=True)
class ListedFact:
    """`recorded_from` is when the hub knew the value first; None for what a sync tells and nobody keeps."""

    fact: Fact
    meaning: str
    recorded_from: datetime | None


@dataclass(frozen=True, slots=True)
class FactList:
    project_id: str
    name: str
    facts: Sequence[ListedFact]
    as_of: datetime | None
    computed_at: datetime


def list_facts(hub: Hub, project_id: str, as_of: datetime | None = None) -> FactList:
    """Every fact of a project, by name; raises NotFound."""
    now = hub.now()
    at = as_of or now
    with hub.work.read() as session:
        head = freshness.head(session, project_id, as_of)
        if head is None:
            raise NotFound("project", project_id)
        rows = kept.listed(session, project_id, as_of)
    worth = WORTH[head.complete]
    found = [ListedFact(fact, FACTS[fact.name].meaning, None) for fact in live(of_head(head), at).values()]
    found += [
        ListedFact(discounted(row.fact, worth), FACTS[row.fact.name].meaning, row.recorded_from) for row in rows if row.fact.name in FACTS
    ]
    return FactList(project_id, head.name, sorted(found, key=lambda one: one.fact.name), as_of, now)


def expire(hub: Hub, longest: timedelta = timedelta(minutes=5)) -> int:
    """What the passing of time has changed is measured and judged again; returns how many projects and connections that were.

    Each project has a fact that ends with its day, so that every rule that counts days is asked once a day. Stops after `longest`;
    the next call goes on with what is left.
    """
    begun = hub.now()
    looked = 0
    for entity_type in ("project", "connection"):
        after = ""
        while hub.now() - begun < longest:
            with hub.work.read() as session:
                ids = kept.expired(session, entity_type, begun, EXPIRED_PROJECTS, after)
            if not ids:
                break
            with hub.work.write() as session:
                if entity_type == "project":
                    governance.refresh(session, ids, hub.now())
                else:
                    governance.refresh_connections(session, ids, hub.now())
            looked += len(ids)
            after = ids[-1]
    return looked
