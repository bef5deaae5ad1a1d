"""A hub connected to a simulated source of any connector: the real host, its database, and what a test looks at after a run."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from pmo_hub.host import configuration
from pmo_hub.host.registry import Registry
from pmo_hub.host.session import Throttles, sealed_secrets
from pmo_hub.sdk.contract import Connector, Mode
from pmo_hub.sdk.http import Policy
from pmo_hub.sdk.testing import MemoryContext, MemoryHost
from pmo_hub.services import connections, sync
from pmo_hub.services.hub import Hub
from pmo_hub.store.base import Base
from pmo_hub.store.repositories import connections as stored_connections
from pmo_hub.store.repositories.connections import ACTIVE, Stored
from pmo_hub.store.repositories.syncing import Run
from pmo_hub.store.rows import MODELS
from pmo_hub.store.secrets import SecretBox
from pmo_hub.store.unit_of_work import Work
from pmo_hub_dataverse.simulator import DataverseSimulator
from pmo_hub_planner.simulator import PlannerSimulator
from tests.stored import Clock

START = datetime(2026, 11, 23, 9, tzinfo=UTC)
CONNECTION = "c0" * 16
SCHEDULES: dict[str, str | None] = {"incremental": "every 15m", "full": None, "census": "every 1d"}


class ConnectedHub:
    """Reads the simulated tenant's first two plans. The clock, which is the source's too, goes on by a minute with every run."""

    def __init__(
        self, work: Work, folder: Path, connector: Connector, simulator: DataverseSimulator | PlannerSimulator, clock: Clock, **config: Any
    ) -> None:
        self.work, self.connector, self.simulator, self.clock = work, connector, simulator, clock
        self.scopes = simulator.projects[:2]
        self._folder = folder
        self.forget_throttles()
        checked = configuration.checked(connector, {**simulator.config(), **config})
        self._config = connector.Config.model_validate({**simulator.config(), **config})
        with self.opened() as source:
            namespace, offered = source.namespace(), [scope for scope in source.scopes() if scope.external_id in self.scopes]
        self.connection = Stored(
            CONNECTION, connector.title, connector.name, namespace, checked.plain, sealed_secrets(self.hub, checked, CONNECTION), {},
            ACTIVE, None, None, None, 0, SCHEDULES, "UTC", [], 15, START, START,
        )  # fmt: skip
        with work.write() as session:
            stored_connections.insert(session, self.connection)
            connections.add_scopes(session, self.connection, offered, clock.now)

    def forget_throttles(self) -> None:
        """As in a process of its own: nothing is known of what the source asked for."""
        self.hub = Hub(self.work, self.clock, Registry.of(self.connector), SecretBox([bytes(range(32))]), Throttles(), self._folder)

    def opened(self) -> Any:
        return self.connector.open(self._config, MemoryContext(clock=self.clock, policy=Policy(attempts=2)))

    def sync(self, mode: str = "incremental") -> Run:
        """A run from its request to its end."""
        self.clock.forward(minutes=1)
        return sync.run(self.hub, sync.request(self.hub, CONNECTION, mode))

    def census(self) -> Any:
        self.clock.forward(minutes=1)
        return self.sync("census")

    def stored(self) -> Stored:
        with self.work.read() as session:
            return stored_connections.get(session, CONNECTION)

    def rows(self, table: str) -> list[Any]:
        with self.work.read() as session:
            return list(session.execute(sa.select(Base.metadata.tables[table])).all())

    def by_id(self, table: str) -> dict[str, Any]:
        """Current rows by external id."""
        return {row.external_id: row for row in self.rows(table)}

    def model(self) -> MemoryHost:
        """What the contract says that a host holds which reads the source as it is now."""
        host = MemoryHost(self.connector, self.scopes)
        with self.opened() as source:
            host.sync(source, Mode.FULL)
        return host

    def assert_as_read_anew(self) -> None:
        """The hub holds exactly the records that a first reading of the source brings, but for those that are only mentioned."""
        model = self.model()
        wanted = {(kind.value if hasattr(kind, "value") else kind, id) for kind, id in model.owned()}
        claimed = {row.record_id for row in self.rows("claims")}
        kept = {(k.value, row.external_id) for k, m in MODELS.items() for row in self.rows(m.__tablename__) if row.id in claimed}
        assert kept == wanted, f"lacking {sorted(wanted - kept)[:3]}, too much {sorted(kept - wanted)[:3]}"
        titles = {row.external_id: (row.title, row.original_status, row.percent_complete) for row in self.rows("work_items")}
        read = {
            r.external_id: (r.title, r.original_status, r.percent_complete)  # type: ignore[union-attr]
            for (kind, _), r in model.owned().items()
            if kind == "work_item"
        }
        assert titles == read

    # What every connector shows end to end

    def assert_first_sync_brings(self, *tables: str) -> None:
        """A first sync reads all of both plans: rows of these tables, and everybody who works on them."""
        run = self.sync()
        assert (run.state, run.error) == ("finished", None)
        self.assert_as_read_anew()
        assert len(self.rows("plans")) == 2
        for table in tables:
            assert self.rows(table), f"{table} is empty"
        assigned = {row.assignee_id for row in self.rows("work_items")} - {None}
        assert assigned
        assert assigned <= {row.id for row in self.rows("identities")}

    def assert_poll_is_quiet(self, requests: int) -> None:
        """Where nothing has changed a poll writes nothing, and sends no more than so many requests."""
        self.sync()
        self.sync()
        before = {name: len(self.rows(name)) for name in ("work_items_history", "schedules_history", "payloads_history")}
        self.simulator.reset_log()
        run = self.sync()
        assert run.state == "finished"
        assert not any(run.changed.values())
        assert {name: len(self.rows(name)) for name in before} == before
        assert sum(self.simulator.stats.values()) <= requests

    def assert_throttling_is_waited_out(self, **rule: Any) -> None:
        """A run that is told to wait ends as waiting, and the next one brings everything."""
        self.simulator.fault("status", status=429, retry_after=1_800, times=None, **rule)
        run = self.sync()
        assert run.state == "waiting", (run.state, run.error)
        self.simulator.clear_faults()
        self.forget_throttles()
        assert self.sync().state == "finished"
        self.assert_as_read_anew()

    def assert_refused_sign_in_pauses(self, code: str, told: str) -> None:
        """A connection that Entra refuses with that code is no longer active; its error says so without the secret."""
        self.sync()
        self.simulator.entra.refuses = code
        run = self.sync()
        assert run.state == "failed"
        assert told in str(run.error)
        assert self.simulator.secret not in str(run.error)
        assert self.stored().state != "active"
