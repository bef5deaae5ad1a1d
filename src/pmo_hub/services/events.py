"""Events as they are read: the list, and what comes after a position, for streams that stay open."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import anyio.to_thread

from pmo_hub.domain.events import CATALOGUE, FAMILIES, Notice
from pmo_hub.services import telling
from pmo_hub.services.errors import Invalid, NotFound
from pmo_hub.services.hub import Hub
from pmo_hub.store.repositories import events as rows
from pmo_hub.store.repositories import people, portfolios
from pmo_hub.store.repositories.events import Wanted
from pmo_hub.store.unit_of_work import Session


@dataclass(frozen=True, slots=True)
class Asked:
    """Which events somebody asks for; what is None or empty leaves its column free. A type that ends in `.*` stands for its family."""

    types: tuple[str, ...] = ()
    portfolio_id: str | None = None
    project_id: str | None = None
    severities: tuple[str, ...] = ()
    check_id: str | None = None
    owner_id: str | None = None
    entity_id: str | None = None
    since: datetime | None = None


def check(asked: Asked) -> None:
    """Raises Invalid for a type that the catalogue lacks."""
    unknown = sorted(set(asked.types) - CATALOGUE.keys() - FAMILIES)
    if unknown:
        known = ", ".join(sorted({*CATALOGUE, *FAMILIES}))
        raise Invalid("", f"There is no event type {unknown[0]!r}; there are {known}.", code="type")


def page(hub: Hub, asked: Asked, after: int | None, limit: int, *, newest_first: bool = True) -> list[Notice]:
    """Events by position beyond that one, each as its reader may be told of it. Raises NotFound for an unknown portfolio."""
    check(asked)
    with hub.work.read() as session:
        found = rows.page(session, _wanted(session, asked), after, limit, newest_first=newest_first)
        notices = telling.notices(session, found, hub.public_url)
    return [notices[one.event.id] for one in found]


def get(hub: Hub, id: str) -> Notice:
    """One event; raises NotFound, also before it has a position."""
    with hub.work.read() as session:
        found = rows.by_ids(session, [id])
        if id not in found:
            raise NotFound("event", id)
        return telling.notices(session, [found[id]], hub.public_url)[id]


def newest_position(hub: Hub) -> int:
    with hub.work.read() as session:
        return rows.newest_position(session)


def _wanted(session: Session, asked: Asked) -> Wanted:
    projects: Sequence[str] | None = None if asked.project_id is None else [asked.project_id]
    if asked.portfolio_id is not None:
        kinds: tuple[Literal["portfolio", "program"], ...] = ("portfolio", "program")
        if not any(portfolios.exists(session, kind, asked.portfolio_id) for kind in kinds):
            raise NotFound("portfolio", asked.portfolio_id)
        within = portfolios.project_ids(session, asked.portfolio_id)
        projects = within if projects is None else [one for one in within if one in projects]
    owners = set() if asked.owner_id is None else {asked.owner_id} | people.everyone_like(session, [asked.owner_id])
    return Wanted(
        types=[one for one in asked.types if not one.endswith(".*")],
        families=[one.removesuffix("*") for one in asked.types if one.endswith(".*")],
        project_ids=projects,
        severities=asked.severities,
        check_ids=() if asked.check_id is None else (asked.check_id,),
        owner_ids=owners,
        entity_id=asked.entity_id,
        since=asked.since,
    )


class Tail:
    """The newest position, asked of the database at most every `every_s` seconds however many streams want to know it."""

    def __init__(self, every_s: float = 0.5) -> None:
        self._every_s = every_s
        self._known = 0
        self._asked_at: float | None = None
        self._lock: asyncio.Lock | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self.streams = 0

    async def newest(self, hub: Hub) -> int:
        """A position that was the newest a moment ago; what lies before it can be read."""
        loop = asyncio.get_running_loop()
        if self._lock is None or self._loop is not loop:
            self._lock, self._loop, self._asked_at = asyncio.Lock(), loop, None
        async with self._lock:
            if self._asked_at is None or loop.time() - self._asked_at >= self._every_s:
                self._known = await anyio.to_thread.run_sync(newest_position, hub)
                self._asked_at = loop.time()
        return self._known

    async def rest(self) -> None:
        await asyncio.sleep(self._every_s)
