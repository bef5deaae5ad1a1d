"""The Project Server connector by the suite that every connector's author gets, against the simulator over real sockets."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import pytest

from pmo_hub.sdk.contract import Ref
from pmo_hub.sdk.http import Policy
from pmo_hub.sdk.testing import ConnectorSuite, Fault, MemoryContext
from pmo_hub_msproject.connector import MsProjectConnector
from pmo_hub_msproject.simulated_organisation import generate
from pmo_hub_msproject.simulator import Simulator, serve

START = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
FAULTS: dict[Fault, dict[str, Any]] = {
    Fault.UNAUTHORIZED: {"kind": "status", "status": 401},
    Fault.RATE_LIMITED: {"kind": "status", "status": 429, "retry_after": 1800},
    Fault.UNAVAILABLE: {"kind": "status", "status": 503},
    Fault.CUT: {"kind": "truncated"},
    Fault.WEB_PAGE: {"kind": "html"},
}
NOWHERE = "00000000-0000-4000-8000-000000000001"


class TestProjectServer(ConnectorSuite):
    connector = MsProjectConnector()
    most_resumes = 4
    unknown_id = f"{NOWHERE}/{NOWHERE}"
    # A task belongs to its project for good, and no token is resumed from.
    test_a_move_between_scopes_arrives = None  # type: ignore[assignment]
    test_an_expired_state_is_told_and_read_in_full = None  # type: ignore[assignment]

    simulator: Simulator
    verbose = False
    reporting = "there"

    @pytest.fixture(autouse=True)
    def served(self) -> Iterator[None]:
        with serve(generate(7, 3, START, tasks=14), verbose=self.verbose, page_size=5) as self.simulator:
            self.simulator.reporting = self.reporting
            yield

    def config(self) -> dict[str, Any]:
        return self.simulator.config() | {"time_phased": True}

    def context(self) -> MemoryContext:
        return MemoryContext(clock=lambda: START, policy=Policy(attempts=3))

    def scopes(self) -> list[str]:
        return self.simulator.projects[:3]

    def edit(self) -> Ref:
        project = self.scopes()[0]
        return Ref("task", f"{project}/{self.simulator.mutate('edit', project, Name='Renamed')}")

    def add(self) -> Ref:
        project = self.scopes()[1]
        return Ref("task", f"{project}/{self.simulator.mutate('add', project)}")

    def remove(self) -> Ref:
        project = self.scopes()[0]
        return Ref("task", f"{project}/{self.simulator.mutate('remove', project)}")

    def lose(self) -> str:
        lost = self.scopes()[1]
        self._scopes = self.scopes()
        self.simulator.mutate("delete", lost)
        self.scopes = lambda: self._scopes  # type: ignore[method-assign]
        return lost

    @contextmanager
    def fault(self, kind: Fault) -> Iterator[None]:
        self.simulator.fault(times=None, **FAULTS[kind])
        try:
            yield
        finally:
            self.simulator.clear_faults()


class TestVerboseWithoutReports(TestProjectServer):
    """The older shape of JSON, and Subscription Edition, which has no ProjectData."""

    verbose = True
    reporting = "absent"
