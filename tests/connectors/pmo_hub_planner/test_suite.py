"""The Planner connector by the suite that every connector's author gets, against the simulator over real sockets."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from pmo_hub.sdk.contract import Ref
from pmo_hub.sdk.http import Policy
from pmo_hub.sdk.testing import ConnectorSuite, Fault, MemoryContext
from pmo_hub_planner.connector import PlannerConnector
from pmo_hub_planner.simulator import PlannerSimulator, serve

START = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
GRAPH = "/v1.0"

FAULTS: dict[Fault, dict[str, Any]] = {
    Fault.UNAUTHORIZED: {"kind": "status", "status": 401, "path": GRAPH},
    Fault.RATE_LIMITED: {"kind": "status", "status": 429, "retry_after": 1800},
    Fault.UNAVAILABLE: {"kind": "status", "status": 503},
    Fault.CUT: {"kind": "truncated"},
    Fault.WEB_PAGE: {"kind": "html"},
}


class TestPlanner(ConnectorSuite):
    connector = PlannerConnector()
    unknown_id = "AAAAAAAAAAAAAAAAAAAAAAAAAAAA"
    fetched_kinds = ("task", "board")
    # v1.0 has nothing to resume from that could expire.
    test_an_expired_state_is_told_and_read_in_full = None  # type: ignore[assignment]

    simulator: PlannerSimulator

    @pytest.fixture(autouse=True)
    def served(self) -> Iterator[None]:
        self.at = START
        with serve(7, 60, START, clock=lambda: self.at) as self.simulator:
            self.simulator.page = 12
            self.chosen = self.simulator.projects[:3]
            yield

    def config(self) -> dict[str, Any]:
        return dict(self.simulator.config())

    def context(self) -> MemoryContext:
        return MemoryContext(clock=lambda: self.at, policy=Policy(attempts=3))

    def scopes(self) -> list[str]:
        return self.chosen

    def edit(self) -> Ref:
        return Ref("task", self._done("edit", self._task(0), title="Renamed"))

    def add(self) -> Ref:
        return Ref("task", self._done("add", self.chosen[1], "A new one"))

    def remove(self) -> Ref:
        return Ref("task", self._done("delete", self._task(0)))

    def move(self) -> Ref:
        return Ref("task", self._done("move", self._task(0), self.chosen[1]))

    def lose(self) -> str:
        return str(self._done("delete_plan", self.chosen[1]))

    @contextmanager
    def fault(self, kind: Fault) -> Iterator[None]:
        self.simulator.fault(times=None, **FAULTS[kind])
        try:
            yield
        finally:
            self.simulator.clear_faults()

    def _done(self, what: str, *arguments: Any, **named: Any) -> Any:
        self.at += timedelta(minutes=1)
        return self.simulator.mutate(what, *arguments, **named)

    def _task(self, plan: int) -> str:
        return next(iter(self.simulator.tenant.plans[self.chosen[plan]].tasks))
