"""A hub with a connection to files, and whoever uploads to it."""

from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from pmo_hub.host.registry import Registry
from pmo_hub.host.session import Throttles
from pmo_hub.services import connections, sync, uploads
from pmo_hub.services.connections import Draft
from pmo_hub.services.hub import Hub
from pmo_hub.store.base import Base
from pmo_hub.store.repositories.syncing import Run
from pmo_hub.store.secrets import SecretBox
from pmo_hub.store.unit_of_work import Work
from pmo_hub_mspdi.connector import MspdiConnector
from pmo_hub_mspdi.simulated_plans import PlanSpec, plan_xml

WATCHED = ("work_items", "schedules", "dependencies", "assignments", "baselines", "resources", "calendars", "payloads", "tombstones")


class Desk:
    """A hub with a connection to files, and whoever uploads to it."""

    def __init__(self, work: Work, folder: Path, config: dict[str, Any] | None = None, **hub: Any) -> None:
        self.folder = folder
        self.later = timedelta(0)
        self.hub = Hub(work, self.clock, Registry.of(MspdiConnector()), SecretBox([bytes(range(32))]), Throttles(), folder / "data", **hub)
        self.id = connections.create(self.hub, Draft("Files", "mspdi", config or {}), "admin").connection.id

    def clock(self) -> datetime:
        """Real time, since files have theirs, and later."""
        return datetime.now(UTC) + self.later

    def upload(self, spec: PlanSpec | bytes, name: str = "erp.xml") -> Run:
        content = plan_xml(spec) if isinstance(spec, PlanSpec) else spec
        kept = uploads.keep(self.hub, self.id, name, io.BytesIO(content), "admin")
        return self.run(kept.run.id)

    def run(self, run_id: str) -> Run:
        return sync.run(self.hub, run_id)

    def sync(self, mode: str = "incremental") -> Run:
        return self.run(sync.request(self.hub, self.id, mode))

    def rows(self, table: str) -> list[Any]:
        with self.hub.work.read() as session:
            return list(session.execute(sa.select(Base.metadata.tables[table])).all())

    def written(self) -> dict[str, list[str]]:
        return {table: sorted(map(str, self.rows(table))) for table in WATCHED}

    def titles(self) -> set[str]:
        return {row.title for row in self.rows("work_items")}
