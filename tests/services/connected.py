"""A hub with a connection to the made-up planning tool, and what a test looks at after its syncs."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from pmo_hub.domain.records import WorkItem
from pmo_hub.host import configuration
from pmo_hub.host.registry import Registry
from pmo_hub.host.session import Throttles, sealed_secrets
from pmo_hub.sdk.contract import Mode, Ref
from pmo_hub.sdk.testing import MemoryContext, MemoryHost
from pmo_hub.services import connections, sync
from pmo_hub.services.hub import Hub
from pmo_hub.store.base import Base
from pmo_hub.store.repositories import connections as stored_connections
from pmo_hub.store.repositories import syncing
from pmo_hub.store.repositories.connections import ACTIVE, Stored
from pmo_hub.store.repositories.syncing import Run
from pmo_hub.store.rows import MODELS
from pmo_hub.store.secrets import SecretBox
from pmo_hub.store.unit_of_work import Work
from tests.sdk.fake_site import TOKEN, FakeSite
from tests.sdk.fake_source import FakeConfig, FakeConnector

START = datetime(2026, 11, 23, 8, tzinfo=UTC)
CONNECTION = "c0" * 16

SCHEDULES = {"incremental": "every 15m", "full": None, "census": "every 1d"}

WRITTEN = (
    *(t for t in sorted(m.__tablename__ for m in MODELS.values())), "iteration_memberships", "item_timings", "payloads", "claims",
    "tombstones", "quarantine", "project_memberships", "facts", "evaluations", "violations",
)  # fmt: skip
"""Tables that a sync without news leaves alone, with their histories."""


class Connected:
    """`now` goes on by a minute with every run; `namespace` is the tool's own."""

    def __init__(
        self,
        work: Work,
        folder: Path,
        connector: FakeConnector,
        scopes: Sequence[str] = ("P1", "P2", "P3"),
        namespace: str = "fake.example",
    ) -> None:
        self.work = work
        self.now = START
        self.connector = connector
        self.folder = folder
        self.hub = Hub(work, lambda: self.now, Registry.of(connector), SecretBox([bytes(range(32))]), Throttles(), folder)
        config = configuration.checked(connector, {"address": "https://fake.example", "token": TOKEN})
        self.connection = Stored(
            CONNECTION, "Tool", connector.name, namespace, config.plain, sealed_secrets(self.hub, config, CONNECTION), {}, ACTIVE, None,
            None, None, 0, SCHEDULES, "UTC", [], 15, START, START,
        )  # fmt: skip
        with work.write() as session:
            stored_connections.insert(session, self.connection)
        self.scopes: list[str] = []
        self.choose(*scopes)

    @property
    def site(self) -> FakeSite:
        return self.connector.site

    def choose(self, *scopes: str) -> None:
        """These are read too from now on."""
        with MemoryFolder(self.connector, self.uploads).open() as source, self.work.write() as session:
            offered = [s for s in source.scopes() if s.external_id in scopes]
            connections.add_scopes(session, self.connection, offered, self.now)
        self.scopes += scopes

    @property
    def uploads(self) -> Path:
        return self.folder / "files" / CONNECTION

    def upload(self, name: str, content: bytes) -> None:
        self.uploads.mkdir(parents=True, exist_ok=True)
        (self.uploads / name).write_bytes(content)

    def sync(self, mode: str = "incremental", **options: Any) -> Run:
        """A run from its request to its end."""
        self.now += timedelta(minutes=1)
        return sync.run(self.hub, sync.request(self.hub, CONNECTION, mode), **options)

    def rows(self, table: str) -> list[Any]:
        with self.work.read() as session:
            return list(session.execute(sa.select(Base.metadata.tables[table])).all())

    def items(self) -> dict[str, Any]:
        """Current work items by external id."""
        return {r.external_id: r for r in self.rows("work_items")}

    def payloads(self) -> dict[Ref, Any]:
        """Payloads that are there."""
        return {Ref(r.kind, r.external_id): r for r in self.rows("payloads") if r.gone_at is None}

    def tombstones(self) -> dict[str, str]:
        return {r.external_id: r.reason for r in self.rows("tombstones")}

    def quarantined(self) -> dict[str | None, str]:
        return {r.external_id: r.why for r in self.rows("quarantine")}

    def state(self) -> dict[str, str]:
        with self.work.read() as session:
            return syncing.state_of(session, CONNECTION)

    def stored(self) -> Stored:
        with self.work.read() as session:
            return stored_connections.get(session, CONNECTION)

    def canonical(self) -> dict[str, dict[str, str]]:
        """Table → id → row hash of everything that was mapped."""
        return {m.__tablename__: {r.id: r.row_hash for r in self.rows(m.__tablename__)} for m in MODELS.values()}

    def written(self) -> dict[str, list[Any]]:
        """Every row of the tables that a sync without news leaves alone."""
        names = [n for t in WRITTEN for n in (t, f"{t}_history") if n in Base.metadata.tables]
        # Until when a fact holds, moves on with every success and makes no version.
        return {n: sorted(f"{r.id} {r.row_hash}" if n == "facts" else str(r) for r in self.rows(n)) for n in names}

    def scope_of(self, external_id: str) -> str:
        """The external id of the scope that the work item lies in."""
        names: dict[str, str] = {r.id: r.external_id for r in self.rows("scopes")}
        return names[self.items()[external_id].scope_id]

    def model(self, *modes: Mode) -> MemoryHost:
        """What the contract says that a host holds which reads the source as it is now."""
        host = MemoryHost(self.connector, self.scopes)
        with MemoryFolder(self.connector, self.uploads).open() as source:
            for mode in modes or (Mode.INCREMENTAL,):
                host.sync(source, mode)
        return host

    def assert_as(self, model: MemoryHost) -> None:
        """The hub owns the same records as the model, in the same scopes, and mentions at least what the model mentions."""
        there = {(kind.value, r.external_id) for kind, m in MODELS.items() for r in self.rows(m.__tablename__)}
        wanted = {(kind, external_id) for kind, external_id in model.owned()}
        owned = {r.record_id for r in self.rows("claims")}
        kept = {(k.value, r.external_id) for k, m in MODELS.items() for r in self.rows(m.__tablename__) if r.id in owned}
        assert kept == wanted
        assert set(model.mentioned()) <= there
        names = {r.id: r.external_id for r in self.rows("scopes")}
        items = {i: (names[r.scope_id], r.title, r.original_status) for i, r in self.items().items()}
        modelled = {}
        for held in model.held.values():
            for record in held.mapped.owned:
                if isinstance(record, WorkItem):
                    modelled[record.external_id] = (held.scope, record.title, record.original_status)
        assert items == modelled
        assert {ref: names[r.scope_id] for ref, r in self.payloads().items()} == {ref: h.scope for ref, h in model.held.items()}


class MemoryFolder:
    """Opens the source beside the hub, with the hub's uploads."""

    def __init__(self, connector: FakeConnector, folder: Path) -> None:
        self._connector = connector
        self._files = {p.name: p.read_bytes() for p in folder.iterdir()} if folder.is_dir() else {}

    def open(self) -> Any:
        config = FakeConfig.model_validate({"address": "https://fake.example", "token": TOKEN})
        return self._connector.open(config, MemoryContext(files=self._files))
