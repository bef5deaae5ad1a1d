"""Health from kept facts only: nothing is measured when it is asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from pmo_hub.domain.health import Health, assess
from pmo_hub.domain.portfolio import Member, PortfolioHealth, assess_portfolio
from pmo_hub.services import assessed
from pmo_hub.services.errors import NotFound
from pmo_hub.services.freshness import known
from pmo_hub.services.hub import Hub
from pmo_hub.store.repositories import facts as kept
from pmo_hub.store.repositories import freshness, portfolios
from pmo_hub.store.repositories.freshness import Head
from pmo_hub.store.repositories.portfolios import Holder
from pmo_hub.store.unit_of_work import Session


@dataclass(frozen=True, slots=True)
class ProjectHealth:
    """`as_of` None is now; `computed_at` is when it was asked."""

    head: Head
    health: Health
    as_of: datetime | None
    computed_at: datetime


@dataclass(frozen=True, slots=True)
class HolderHealth:
    """Of a portfolio or a program. `data_age_s` is that of the project whose data is oldest; None when one was never synced."""

    type: Holder
    id: str
    name: str
    health: PortfolioHealth
    data_age_s: float | None
    members: Sequence[Member]
    as_of: datetime | None
    computed_at: datetime


def project_health(hub: Hub, project_id: str, as_of: datetime | None = None) -> ProjectHealth:
    """What the kept facts say, as they are or as the hub knew them then; raises NotFound."""
    now = hub.now()
    if as_of is not None:
        with hub.work.read() as session:
            then = freshness.head(session, project_id, as_of)
            if then is None:
                raise NotFound("project", project_id)
            found = known(kept.of_entity_then(session, project_id, as_of), then, as_of)
        return ProjectHealth(then, assess(found, as_of), as_of, now)
    with hub.work.glance() as snapshot:
        current = freshness.head_and_version(snapshot, project_id)
        if current is None:
            raise NotFound("project", project_id)
        head, version = current
        health = assessed.health_of(hub.work, head, version, now, lambda: kept.of_entity(snapshot, project_id))
    return ProjectHealth(head, health, None, now)


def holder_health(hub: Hub, type: Holder, id: str, as_of: datetime | None = None) -> HolderHealth:
    """The health of a portfolio's or program's projects taken together, each once; raises NotFound."""
    now = hub.now()
    with hub.work.read() as session:
        holder = portfolios.get(session, type, id, as_of)
        if holder is None:
            raise NotFound(type, id)
        members = _members(session, portfolios.project_ids(session, id, as_of), now, as_of)
    ages = [member.health.data_age_s for member in members]
    oldest = None if None in ages else max((age for age in ages if age is not None), default=None)
    return HolderHealth(type, id, holder.name, assess_portfolio(members), oldest, members, as_of, now)


def projects_health(hub: Hub, project_ids: Sequence[str], as_of: datetime | None = None) -> dict[str, Member]:
    """The health of each of the projects that exist, in grouped queries."""
    now = hub.now()
    with hub.work.read() as session:
        return {member.project_id: member for member in _members(session, project_ids, now, as_of)}


# Facts of so many projects are in memory at a time.
_AT_A_TIME = 100


def _members(session: Session, project_ids: Sequence[str], now: datetime, as_of: datetime | None) -> list[Member]:
    at = as_of or now
    found = []
    for start in range(0, len(project_ids), _AT_A_TIME):
        some = project_ids[start : start + _AT_A_TIME]
        heads = freshness.heads(session, some, as_of)
        facts = kept.of_entities(session, some, as_of)
        for project_id in some:
            head = heads.get(project_id)
            if head is not None:
                health = assess(known(facts.get(project_id, {}), head, at), at)
                found.append(Member(project_id, head.name, head.url, health))
    return found
