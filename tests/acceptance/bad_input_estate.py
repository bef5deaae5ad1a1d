"""A hub whose only connection reads a simulated Jira, both at standing clocks: what a test of bad input sets up and looks at."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from starlette.testclient import TestClient

from pmo_hub import bootstrap
from pmo_hub.api.application import application
from pmo_hub.host import session
from pmo_hub.host.registry import Registry
from pmo_hub.host.session import Throttles
from pmo_hub.sdk.http import Clockwork, LocalThrottle
from pmo_hub.services import access, connections, scheduling, sync
from pmo_hub.services.hub import Hub
from pmo_hub.store.base import Base
from pmo_hub.store.engine import create_engine
from pmo_hub.store.repositories import jobs
from pmo_hub.store.rows import MODELS
from pmo_hub.store.secrets import SecretBox
from pmo_hub.store.unit_of_work import Work
from pmo_hub_jira.connector import JiraConnector
from pmo_hub_jira.simulated_site import Site
from pmo_hub_jira.simulator import Simulator, generate, serve
from tests.crash.walk import BOOKKEEPING, LEFT_OUT
from tests.unpacked import unpacking

START = datetime(2026, 11, 20, 9, tzinfo=UTC)
LATER = START + timedelta(hours=2)
"""When the site has changed, and is read with a fault in force."""
AFTER = START + timedelta(hours=4)
"""When the fault is gone."""

SEED = 7
SIZE = 280
BIG, SMALL = "10000", "10001"
SCOPES = (BIG, SMALL)
TOKEN = "the-token-that-nobody-may-read"
INTERVAL_MINUTES = 60

_MINE = ("entity_id", "subject_id")


@cache
def site() -> Site:
    return generate(SEED, SIZE, START)


@dataclass(slots=True)
class Waits:
    """The time that requests wait by: it passes at once."""

    passed_s: float = 0.0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def now_s(self) -> float:
        return self.passed_s

    def pass_by(self, seconds: float) -> None:
        with self.lock:
            self.passed_s += seconds


class Estate:
    """The hub at `now`, and the site in the state of `Simulator`."""

    def __init__(self, url: str, simulator: Simulator, folder: Path, now: datetime, connection: str = "") -> None:
        self.simulator = simulator
        self.now = now
        self.waits = Waits()
        self.connection = connection
        self.work = Work(create_engine(url))
        connector: Any = JiraConnector()
        throttles = Throttles(lambda limit: LocalThrottle(limit, clock=self.waits.now_s, sleep=self.waits.pass_by))
        self.hub = Hub(self.work, lambda: self.now, Registry.of(connector), SecretBox([bytes(range(32))]), throttles, folder)
        self._client: TestClient | None = None

    # What happens

    def connect(self) -> None:
        """The connection is there, its first sync queued."""
        draft = connections.Draft("Site", "jira", self.simulator.config(), SCOPES, {"incremental": f"every {INTERVAL_MINUTES}m"})
        self.connection = connections.create(self.hub, draft, "test").connection.id

    def work_off(self) -> None:
        """Every job that is due now is done, as a worker does them."""
        handlers = bootstrap.handlers(self.hub)
        while True:
            with self.work.write() as opened:
                job = jobs.claim(opened, list(handlers), sync.holder_name(), self.now)
            if job is None:
                return
            handlers[job.kind](job.arguments)
            with self.work.write() as opened:
                jobs.finish(opened, job.id, None, self.now)

    def sync(self, mode: str = "incremental") -> dict[str, Any]:
        """A run that an admin asks for, as far as it comes by now."""
        run = sync.request(self.hub, self.connection, mode)
        self.work_off()
        return self.run(run)

    def poll(self, at: datetime) -> dict[str, Any]:
        """The newest run after what the schedule and the queue have to do at `at`."""
        self.now = at
        scheduling.tick(self.hub)
        self.work_off()
        return self.newest()

    def give_up(self) -> dict[str, Any]:
        """The newest run after all its attempts."""
        for _ in range(10):
            run = self.newest()
            if run["state"] != "waiting":
                return run
            self.now = instant(run["waiting_until"])
            self.work_off()
        raise AssertionError("the run waits for ever")

    # What an admin is told

    def api(self, method: str, path: str, **options: Any) -> Any:
        """The API's answer to an admin, who has read what is to be changed."""
        if self._client is None:
            key = access.create_key(self.hub, "test", ("admin",), "test").text
            self._client = TestClient(application(self.hub), headers={"Authorization": f"Bearer {key}"})
        seen = {"If-Match": self._client.get(f"/api/v1/{path}").headers["ETag"]} if method == "PATCH" else {}
        answer = self._client.request(method, f"/api/v1/{path}", headers=seen, **options)
        assert answer.status_code < 300, answer.text
        return answer.json()

    def shown(self) -> dict[str, Any]:
        """The connection."""
        found: dict[str, Any] = self.api("GET", f"connections/{self.connection}")
        return found

    def run(self, id: str) -> dict[str, Any]:
        found: dict[str, Any] = self.api("GET", f"sync-runs/{id}")
        return found

    def newest(self) -> dict[str, Any]:
        rows = self.rows("sync_runs")
        return self.run(max(rows, key=lambda r: (r.started_at, r.fence)).id)

    def quarantined(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.api("GET", f"connections/{self.connection}/quarantine")["items"]
        return found

    def violation(self) -> dict[str, Any] | None:
        """DQ-002 on the connection."""
        query = {"check": "DQ-002", "entity": self.connection}
        found: list[dict[str, Any]] = self.api("GET", "violations", params=query)["items"]
        assert len(found) <= 1
        return found[0] if found else None

    def events(self) -> Counter[str]:
        """How often the syncs' failures and recoveries were told."""
        return Counter(r.type for r in self.rows("events") if r.type in ("sync.failed", "sync.recovered"))

    # What the hub holds

    def rows(self, table: str) -> list[Any]:
        with self.work.read() as opened:
            return list(opened.execute(sa.select(Base.metadata.tables[table])).all())

    def held(self) -> dict[str, dict[str, str]]:
        """Table → id → row hash of everything that was mapped."""
        return {m.__tablename__: {r.id: r.row_hash for r in self.rows(m.__tablename__)} for m in MODELS.values()}

    def content(self, *left_out: str) -> dict[str, list[str]]:
        """Every row that two ways to the same end may not differ in: all but the bookkeeping, and what was judged of the connection."""
        tables = {}
        with self.work.read() as opened:
            unpacked = unpacking(opened)
            for table in Base.metadata.sorted_tables:
                if table.name in BOOKKEEPING or table.name in left_out:
                    continue
                # That health turned grey for want of news is told when somebody looks, which a fault may bring forward.
                seen = {"occurred_at"} if table.name == "events" else set()
                query = sa.select(*(c for c in table.columns if c.name not in LEFT_OUT | seen))
                for name in _MINE:
                    if name in table.columns:
                        query = query.where(table.columns[name] != self.connection)
                rows = (repr(unpacked(table.name, row)) for row in opened.execute(query).mappings())
                tables[table.name] = sorted(row for row in rows if not self._differs(table.name, row))
        return tables

    def _differs(self, table: str, row: str) -> bool:
        # An event names the connection that it is about in its data; boards and versions are read again by our own clock.
        ours = ("'agile/read'", "'releases/read'")
        return (table == "events" and self.connection in row) or (table == "sync_states" and any(key in row for key in ours))

    def told(self) -> str:
        """Everything readable that the hub has written down, but for what came from the source as it is."""
        names = (
            "connections",
            "scopes",
            "sync_runs",
            "quarantine",
            "events",
            "violations",
            "evaluations",
            "audit_entries",
            "jobs",
            "facts",
        )
        return " ".join(repr(row) for name in names for row in self.rows(name))


def instant(text: str) -> datetime:
    return datetime.fromisoformat(text)


def changed(simulator: Simulator) -> None:
    """Two hours pass at the site, and between them several pages of issues change: longer ago than a poll looks back for good measure."""
    simulator.advance(timedelta(hours=1))
    ids = [i.id for i in simulator.world.visible_issues() if i.project_id in SCOPES]
    for number, id in enumerate(sorted(ids)[5:55]):
        simulator.mutate("edit", id, summary=f"Changed {number}", duedate=f"2026-12-0{1 + number % 9}")
    for id in sorted(ids)[60:64]:
        simulator.mutate("transition", id, next(iter(simulator.world.statuses)))
        simulator.mutate("comment", id, "Seen again.")
    simulator.mutate("create", next(p.key for p in simulator.world.projects.values() if p.id == BIG), "Found on the way")
    simulator.advance(timedelta(hours=1))


def key_of(simulator: Simulator, project: str) -> str:
    """A project's key."""
    return next(p.key for p in simulator.world.projects.values() if p.id == project)


def titles_of(simulator: Simulator, *projects: str) -> dict[str, Any]:
    """Issue → title, as the site has them."""
    return {str(i.id): i.values["summary"] for i in simulator.world.visible_issues() if i.project_id in projects}


@contextmanager
def served(port: int) -> Iterator[Simulator]:
    """The site as it was at the start, its pages small, so that a reading takes several."""
    with serve(Simulator(site(), clock=lambda: START, token=TOKEN), port=port) as simulator:
        simulator.limits.fields, simulator.limits.histories = 20, 150
        yield simulator


def patched(monkeypatch: pytest.MonkeyPatch, estate: Estate) -> None:
    """Requests wait by the estate's own time."""
    waits = estate.waits
    monkeypatch.setattr(session, "Clockwork", lambda now: Clockwork(monotonic=waits.now_s, sleep=waits.pass_by, now=now))
