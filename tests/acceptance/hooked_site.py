"""A hub that is served over HTTP and reads a simulated Jira, which sends it webhooks."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa
import uvicorn

from pmo_hub.api.application import application
from pmo_hub.host.registry import Registry
from pmo_hub.host.session import Throttles
from pmo_hub.sdk.hooks import Proof
from pmo_hub.services import connections, hooks, sync
from pmo_hub.services.hooks import NewHook, Wanted
from pmo_hub.services.hub import Hub
from pmo_hub.store.base import Base
from pmo_hub.store.repositories.syncing import Run
from pmo_hub.store.rows import MODELS
from pmo_hub.store.secrets import SecretBox
from pmo_hub.store.unit_of_work import Work
from pmo_hub_jira.connector import JiraConnector
from pmo_hub_jira.simulator import Simulator

START = datetime(2026, 11, 23, 9, tzinfo=UTC)
SCOPES = ("10000", "10001", "10002")


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listening = threading.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.listening.set()


@dataclass(slots=True)
class Site:
    """`hub` is synced once and takes webhooks at `hook.url`."""

    hub: Hub
    simulator: Simulator
    connection_id: str
    hook: NewHook

    @property
    def secret(self) -> str:
        assert self.hook.secret is not None
        return self.hook.secret

    def rows(self, table: str) -> list[Any]:
        with self.hub.work.read() as session:
            return list(session.execute(sa.select(Base.metadata.tables[table])).all())

    def named(self, sequence: int | None = None) -> set[tuple[str, str]]:
        """What is to be fetched, all of it or what that delivery named last."""
        return {(r.kind, r.external_id) for r in self.rows("hook_refs") if sequence in (None, r.sequence)}

    def fetch(self) -> Run:
        """The run that deliveries have queued."""
        (queued,) = [r for r in self.rows("sync_runs") if r.mode == "hook" and r.state == "queued"]
        return sync.run(self.hub, queued.id)

    def records(self) -> tuple[dict[str, str], dict[str, str]]:
        """Hashes of the records that payloads claim, and of those that are only mentioned, by id."""
        claimed = {r.record_id for r in self.rows("claims")}
        found = {r.id: r.row_hash for model in MODELS.values() for r in self.rows(model.__tablename__)}
        owned = {id: digest for id, digest in found.items() if id in claimed}
        return owned, {id: digest for id, digest in found.items() if id not in claimed}


@contextmanager
def connected(work: Work, folder: Path, simulator: Simulator, now: Callable[[], datetime], public_url: str) -> Iterator[Site]:
    """A hub on that database, connected and synced once; nobody serves it."""
    hub = Hub(work, now, Registry.of(JiraConnector()), SecretBox([bytes(range(32))]), Throttles(), folder, public_url)
    draft = connections.Draft("Jira", "jira", dict(simulator.config()), list(SCOPES))
    made = connections.create(hub, draft, "test")
    assert sync.run(hub, made.run.id).error is None
    yield Site(hub, simulator, made.connection.id, hooks.set_up(hub, made.connection.id, Wanted(Proof.SIGNATURE), "test"))


@contextmanager
def served(work: Work, folder: Path, simulator: Simulator, now: Callable[[], datetime]) -> Iterator[Site]:
    """As `connected`, and served on a free port of loopback, where the simulated Jira sends."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        with connected(work, folder, simulator, now, url) as site:
            config = uvicorn.Config(application(site.hub), log_config=None, access_log=False, lifespan="off", timeout_graceful_shutdown=1)
            server = _Server(config)
            thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, name="served-hub", daemon=True)
            thread.start()
            try:
                if not server.listening.wait(timeout=30):
                    raise RuntimeError("the hub did not start")
                simulator.hooks.subscribe(site.hook.url, site.hook.secret)
                yield site
            finally:
                server.should_exit = True
                thread.join(timeout=10)
