"""The Dataverse connector by the suite that every connector's author gets, against the simulator over real sockets."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from pmo_hub.sdk.contract import Ref
from pmo_hub.sdk.http import Policy
from pmo_hub.sdk.testing import ConnectorSuite, Fault, MemoryContext
from pmo_hub_dataverse.connector import DataverseConnector
from pmo_hub_dataverse.simulator import DataverseSimulator, serve

START = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
API = "/api/data"

FAULTS: dict[Fault, dict[str, Any]] = {
    Fault.UNAUTHORIZED: {"kind": "status", "status": 401, "path": API},
    Fault.RATE_LIMITED: {"kind": "status", "status": 429, "retry_after": 1800, "code": "0x80072322"},
    Fault.UNAVAILABLE: {"kind": "status", "status": 503},
    Fault.CUT: {"kind": "truncated"},
    Fault.WEB_PAGE: {"kind": "html"},
}


class TestDataverse(ConnectorSuite):
    connector = DataverseConnector()
    unknown_id = "00000000-0000-4000-8000-000000000000"

    simulator: DataverseSimulator

    @pytest.fixture(autouse=True)
    def served(self) -> Iterator[None]:
        self.at = START
        with serve(7, 45, START, clock=lambda: self.at) as self.simulator:
            self.simulator.page = 15
            self.chosen = self.simulator.projects[:3]
            yield

    def config(self) -> dict[str, Any]:
        return dict(self.simulator.config())

    def context(self) -> MemoryContext:
        return MemoryContext(clock=lambda: self.at, policy=Policy(attempts=3))

    def scopes(self) -> list[str]:
        return self.chosen

    def edit(self) -> Ref:
        return Ref("task", self._done("rename", self._task(0), "Renamed"))

    def add(self) -> Ref:
        return Ref("task", self._done("add_task", self.scopes()[1], "A new one"))

    def remove(self) -> Ref:
        return Ref("task", self._done("delete_task", self._task(0)))

    def move(self) -> Ref:
        return Ref("task", self._done("move_task", self._task(0), self.scopes()[1]))

    def expire(self) -> None:
        self.simulator.expire_tokens()

    def lose(self) -> str:
        return str(self._done("delete_project", self.scopes()[1]))

    @contextmanager
    def fault(self, kind: Fault) -> Iterator[None]:
        self.simulator.fault(times=None, **FAULTS[kind])
        try:
            yield
        finally:
            self.simulator.clear_faults()

    def _done(self, what: str, *arguments: Any) -> Any:
        self.at += timedelta(minutes=1)
        return self.simulator.mutate(what, *arguments)

    def _task(self, scope: int) -> str:
        world = self.simulator.world
        tasks = world.ids("msdyn_projecttasks", _msdyn_project_value=self.scopes()[scope])
        return next(t for t in tasks if world.ids("msdyn_resourceassignments", _msdyn_taskid_value=t))
