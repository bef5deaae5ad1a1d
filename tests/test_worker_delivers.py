"""The worker as it is wired: it hands out and sends, several of them send nothing twice, and a dead endpoint holds up no other."""

from __future__ import annotations

import base64
import threading
from collections import Counter
from contextlib import ExitStack

from pmo_hub import bootstrap, settings
from pmo_hub.services import subscriptions
from pmo_hub.services.drafting import Draft
from pmo_hub.services.hub import Hub
from pmo_hub.settings import Settings
from pmo_hub.store.repositories import events
from tests.receiver import Received, Reply, receiving

KEY = base64.b64encode(bytes(range(32))).decode()


def given(url: str) -> Settings:
    return settings.load(database_url=url, secret_key=KEY, delivery_allowed_networks="127.0.0.1", worker_poll_s=0.05)


def happened(hub: Hub, count: int) -> set[str]:
    with hub.work.write() as session:
        return {events.append(session, "sync.failed", "connection", f"{n % 20:032}", {"n": n}, hub.now()) for n in range(count)}


def test_workers_side_by_side_deliver_each_event_once_past_an_endpoint_that_hangs(migrated_url: str) -> None:
    told, hold = threading.Event(), threading.Event()
    wanted: set[str] = set()

    def count(_: Received) -> Reply:
        if wanted and wanted <= set(fast.ids):
            told.set()
        return Reply()

    with receiving(count) as fast, receiving(lambda _: Reply(hold=hold)) as hanging, ExitStack() as stack:
        hub = stack.enter_context(bootstrap.opened(given(migrated_url)))
        subscriptions.create(hub, Draft("Fast", fast.url), "test")
        for number in range(3):
            subscriptions.create(hub, Draft(f"Hanging {number}", hanging.url), "test")
        wanted |= happened(hub, 100)
        # SQLite bears one worker a file; PostgreSQL several.
        for _ in range(1 if hub.work.dialect == "sqlite" else 3):
            own = stack.enter_context(bootstrap.opened(given(migrated_url)))
            stack.enter_context(bootstrap.working(own, given(migrated_url)))
        assert told.wait(30), f"{len(set(fast.ids))} of {len(wanted)} came"
        assert hanging.got, "the endpoint that hangs was asked meanwhile"
        hold.set()
    assert Counter(fast.ids) == Counter(wanted)
