"""A simulated site behind one address, and hubs that read it: clocks, a cable that can be pulled, the runs that an admin asks for."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any, ClassVar, Protocol

import pytest
import sqlalchemy as sa

from pmo_hub.host import reader, session
from pmo_hub.host.registry import Registry
from pmo_hub.host.session import Throttles
from pmo_hub.sdk import http, simulated_serving, simulating
from pmo_hub.sdk.hooks import Proof
from pmo_hub.sdk.http import Clockwork, LocalThrottle
from pmo_hub.sdk.simulated_serving import Served
from pmo_hub.sdk.simulating import Answer
from pmo_hub.services import connections, hooks, receiving, removal, scopes, sync
from pmo_hub.services.hooks import Wanted
from pmo_hub.services.hub import Hub
from pmo_hub.store.base import Base
from pmo_hub.store.models.source import SyncRun
from pmo_hub.store.repositories import syncing
from pmo_hub.store.secrets import SecretBox
from pmo_hub.store.unit_of_work import Session, Work
from pmo_hub_jira.connector import JiraConnector
from pmo_hub_jira.simulated_hooks import Event
from pmo_hub_jira.simulated_site import Site
from pmo_hub_jira.simulator import Simulator, generate

SEED = 11
SIZE = 80
PROJECTS = ("10000", "10001", "10007", "10008")
"""A scrum project, a waterfall one, a team-managed one with its own statuses, and a kanban one."""

FIRST = PROJECTS[:2]
"""Chosen from the start; the others may be chosen later."""

STARTS = (
    datetime(2026, 11, 20, 9, tzinfo=UTC),
    datetime(2026, 10, 24, 23, 50, tzinfo=UTC),  # 70 minutes before Central European clocks go back
    datetime(2026, 3, 29, 0, 30, tzinfo=UTC),  # 30 minutes before they go forward
)
SMALL_BATCH = 12
TIMEOUT_S = 0.6


@cache
def small_site(start: datetime) -> Site:
    """Some forty issues in four projects, with their boards and sprints."""
    whole = generate(SEED, SIZE, start)
    kept = {issue.id for issue in whole.issues if issue.project_id in PROJECTS}
    links = tuple(link for link in whole.links if {link.source, link.target} <= kept)
    boards = tuple(board for board in whole.boards if board.project_id in PROJECTS)
    shown = {sprint for board in boards for sprint in board.sprint_ids}
    return replace(
        whole,
        projects=tuple(project for project in whole.projects if project.id in PROJECTS),
        issues=tuple(issue for issue in whole.issues if issue.id in kept),
        links=links,
        boards=boards,
        sprints=tuple(sprint for sprint in whole.sprints if sprint.id in shown),
    )


class Switch(simulating.Simulated):
    """Stands at one address for whichever simulator is current, so that a test starts one server only.

    `during` is done after that many further requests: something that happens to the source in the middle of a run.
    """

    def __init__(self) -> None:
        super().__init__(STARTS[0])
        self.current: Served = self
        self.during: tuple[int, Callable[[], None]] | None = None

    def answer(self, method: str, path: str, query: str = "", headers: Mapping[str, str] | None = None, body: bytes = b"") -> Answer:
        if self.during is not None:
            left, act = self.during
            self.during = (left - 1, act) if left > 1 else None
            if left <= 1:
                act()
        return self.current.answer(method, path, query, headers, body)


class Killed(BaseException):
    """The process is dead: nothing handles this."""


class Cable:
    """Lets commits through until the one at which it is pulled; after that nothing is written any more."""

    def __init__(self) -> None:
        self._left: int | None = None
        self._before = True
        self._lock = threading.Lock()
        self.is_pulled = False

    def pull_at(self, commit: int, before: bool) -> None:
        self._left, self._before = commit, before

    def mend(self) -> None:
        self._left, self.is_pulled = None, False

    def check(self) -> None:
        if self.is_pulled:
            raise Killed

    def passing(self, before: bool) -> None:
        with self._lock:
            self.check()
            if self._left is None or before is not self._before:
                return
            self._left -= 1
            if self._left <= 0:
                self.is_pulled = True
                raise Killed


class CutWork(Work):
    """Transactions of a process whose cable may be pulled before or after a commit."""

    cable: Cable

    @contextmanager
    def write(self) -> Iterator[Session]:
        self.cable.check()
        with super().write() as opened:
            yield opened
            self.cable.passing(before=True)
        self.cable.passing(before=False)


class Waits:
    """The time that requests wait by: it passes at once."""

    def __init__(self) -> None:
        self._passed_s = 0.0
        self._lock = threading.Lock()

    def now_s(self) -> float:
        return self._passed_s

    def pass_by(self, seconds: float) -> None:
        with self._lock:
            self._passed_s += seconds


class Simulated(Protocol):
    """A site that a connection leads to."""

    def config(self) -> dict[str, str]: ...


class ReadingHub:
    """One database with one connection to the site, and the process that syncs it."""

    connector: ClassVar[Callable[[], Any]] = JiraConnector

    def __init__(self, engine: sa.Engine, now: Callable[[], datetime], folder: Path, waits: Waits) -> None:
        self.cable = Cable()
        self.work = CutWork(engine)
        self.work.cable = self.cable
        self._now, self._folder, self._waits = now, folder, waits
        self.hub = self._process()
        self.connection = ""

    def made(self) -> Any:
        """A connector for one process."""
        return type(self).connector()

    def _process(self) -> Hub:
        connector = self.made()
        throttles = Throttles(lambda limit: LocalThrottle(limit, clock=self._waits.now_s, sleep=self._waits.pass_by))
        return Hub(
            self.work, self._now, Registry.of(connector), SecretBox([bytes(range(32))]), throttles, self._folder, "http://hub.invalid"
        )

    def connect(self, simulator: Simulated, url: str, chosen: tuple[str, ...]) -> None:
        """The connection is there; its first sync waits to be run."""
        draft = connections.Draft("Site", self.made().name, simulator.config() | {"url": url}, chosen)
        self.connection = connections.create(self.hub, draft, "test").connection.id

    def listen(self, simulator: Simulator) -> None:
        """The site tells the connection of what is done there, into its outbox."""
        made = hooks.set_up(self.hub, self.connection, Wanted(Proof.SIGNATURE), "test")
        simulator.hooks.subscribe(made.url, made.secret)

    def hear(self, simulator: Simulator, event: Event) -> None:
        """One delivery, as it would come over HTTP."""
        way = receiving.door(self.hub, self.connection)
        assert way is not None
        receiving.receive(self.hub, way, {k.lower(): v for k, v in simulator.hooks.headers(event).items()}, None, event.body)

    def choose(self, wanted: tuple[str, ...]) -> None:
        """What is dropped is purged, by the job that the worker would run."""
        scopes.choose(self.hub, self.connection, wanted, "test", "purge")
        for one in removal.listed(self.hub, self.connection):
            removal.run(self.hub, one.id)

    def run(self, mode: str) -> syncing.Run:
        """A run of that mode to its end; it is its own last attempt, so that it waits only where the source asks for long."""
        return self.resume(sync.request(self.hub, self.connection, mode))

    def resume(self, run_id: str) -> syncing.Run:
        """A run that was queued, waits or was cut off, to its end."""
        return sync.run(self.hub, run_id)

    def unfinished(self) -> list[str]:
        """Runs that the job table would still hand out."""
        with self.work.read() as opened:
            query = sa.select(SyncRun.id).where(SyncRun.state.in_(syncing.UNFINISHED), SyncRun.connection_id == self.connection)
            return list(opened.scalars(query.order_by(SyncRun.started_at, SyncRun.id)))

    def restart(self) -> None:
        """A new process on the same database."""
        self.cable.mend()
        module: Any = sync
        module._PROCESS = secrets.token_hex(8)
        self.hub = self._process()

    def rows(self, table: str, *left_out: str) -> dict[str, dict[str, Any]]:
        """Id → row."""
        known = Base.metadata.tables[table]
        with self.work.read() as opened:
            found = opened.execute(sa.select(*(c for c in known.columns if c.name not in left_out))).mappings()
            return {row["id"]: dict(row) for row in found}


@contextmanager
def address(base: str = "") -> Iterator[Switch]:
    """A server that whichever simulator is current answers from; its address ends with `base`."""
    with simulated_serving.serve(Switch(), base=base) as switch:
        yield switch


@contextmanager
def patched(waits: Waits, readers: int) -> Iterator[None]:
    """Requests wait by `waits`, commits are small, and `readers` partitions are read side by side (1: always in the same order)."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(session, "Clockwork", lambda now: Clockwork(monotonic=waits.now_s, sleep=waits.pass_by, now=now))
        patch.setattr(session, "MOST_AT_ONCE", readers)
        patch.setattr(reader, "BATCH_PAYLOADS", SMALL_BATCH)
        patch.setattr(http, "READ_TIMEOUT_S", TIMEOUT_S)
        patch.setattr(sync, "_PROCESS", sync._PROCESS)
        yield


def minutes(count: float) -> timedelta:
    return timedelta(minutes=count)
