"""An estate whose events are handed out and sent to a receiver of the test's own."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from pmo_hub.host.addresses import networks
from pmo_hub.host.posting import Poster
from pmo_hub.services import delivering, dispatching, subscriptions
from pmo_hub.services.drafting import Draft
from pmo_hub.services.subscriptions import NewSecret
from pmo_hub.store.models.governance import Event
from pmo_hub.store.models.outgoing import Attempt, Delivery, Lane
from pmo_hub.store.repositories import events
from pmo_hub.store.unit_of_work import Work
from tests.services.governed import Estate

LOOPBACK = networks(["127.0.0.0/8", "::1"])


class Told(Estate):
    """`timeout_s` is short: a test waits for it."""

    def __init__(self, work: Work, folder: Path, timeout_s: float = 5.0) -> None:
        super().__init__(work, folder)
        self.hub = replace(self.hub, poster=Poster(LOOPBACK, timeout_s), public_url="https://hub.example")

    def subscribe(self, url: str, name: str = "Ops", **wanted: Any) -> NewSecret:
        return subscriptions.create(self.hub, Draft(name, url, **wanted), "test")

    def happened(self, type: str, entity: str, data: Mapping[str, Any] | None = None, entity_type: str = "connection") -> str:
        """Something happened, and is committed; returns the event's id."""
        with self.work.write() as session:
            return events.append(session, type, entity_type, entity, data or {}, self.now)

    def dispatch(self) -> None:
        while dispatching.dispatch(self.hub):
            continue

    def drive(self, subscription: str) -> int:
        """The lane is walked once, without jitter; returns the number of attempts."""
        return asyncio.run(delivering.drive(self.hub, subscription, lambda: False, draw=lambda: 0.0))

    def send(self, *subscriptions: str) -> int:
        self.dispatch()
        return sum(self.drive(one) for one in subscriptions)

    def deliveries(self, subscription: str | None = None) -> list[dict[str, Any]]:
        """In the order of their positions."""
        rows = [row for row in self.rows(Delivery) if subscription in (None, row["subscription_id"])]
        return sorted(rows, key=lambda row: int(row["position"]))

    def attempts(self) -> list[dict[str, Any]]:
        return sorted(self.rows(Attempt), key=lambda row: (row["at"], row["delivery_id"], row["number"]))

    def lane(self, subscription: str) -> dict[str, Any]:
        [found] = [row for row in self.rows(Lane) if row["subscription_id"] == subscription]
        return found

    def placed(self) -> list[dict[str, Any]]:
        rows = [row for row in self.rows(Event) if row["position"] is not None]
        return sorted(rows, key=lambda row: int(row["position"]))
