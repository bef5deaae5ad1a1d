"""A host in memory that reads the estate, and what a test looks at in it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import pytest

from pmo_hub.domain.records import Comment, CustomValue, Transition, WorkItem
from pmo_hub.sdk.contract import Mode, Source
from pmo_hub.sdk.http import Policy
from pmo_hub.sdk.testing import MemoryContext, MemoryHost, Sync
from pmo_hub_trello.config import TrelloConfig
from pmo_hub_trello.connector import TrelloConnector
from pmo_hub_trello.simulator import serve
from tests.connectors.pmo_hub_trello.boards import Estate, estate

CONNECTOR = TrelloConnector()


class Reading:
    """One hub in memory, its connection to the estate, and the estate."""

    def __init__(self, made: Estate, rules: Mapping[str, str] | None = None) -> None:
        self.made = made
        self.rules = dict(rules or {})
        self.host = MemoryHost(CONNECTOR, made.boards, self.rules)

    @contextmanager
    def opened(self) -> Iterator[Source]:
        context = MemoryContext(clock=lambda: self.made.time.at, policy=Policy(attempts=2), rules=self.rules)
        with CONNECTOR.open(TrelloConfig.model_validate(self.made.simulator.config()), context) as source:
            yield source

    def sync(self, mode: Mode = Mode.INCREMENTAL) -> Sync:
        self.made.time.pass_by(minutes=10)
        with self.opened() as source:
            return self.host.sync(source, mode)

    def census(self) -> None:
        for _ in range(2):
            with self.opened() as source:
                self.host.census(source)

    def again(self) -> MemoryHost:
        """Another hub that reads all of it for the first time."""
        other = Reading(self.made, self.rules)
        with other.opened() as source:
            other.host.sync(source)
        return other.host

    def item(self, id: str) -> WorkItem | None:
        found = self.host.owned().get(("work_item", id))
        return found if isinstance(found, WorkItem) else None

    def comments(self, card: str) -> list[Comment]:
        return [r for r in self.host.owned().values() if isinstance(r, Comment) and r.item == card]

    def transitions(self, item: str) -> list[Transition]:
        found = [r for r in self.host.owned().values() if isinstance(r, Transition) and r.item == item]
        return sorted(found, key=lambda r: (r.at, r.external_id))

    def values(self, card: str) -> dict[str, CustomValue]:
        return {r.name: r for r in self.host.owned().values() if isinstance(r, CustomValue) and r.item == card}

    def as_read_anew(self) -> None:
        fresh = self.again()
        assert self.host.owned() == fresh.owned()


@pytest.fixture
def reading() -> Iterator[Reading]:
    """After its first sync."""
    made = estate()
    with serve(made.simulator):
        found = Reading(made)
        found.sync()
        yield found
