"""The Jira connector by the suite that every connector's author gets, against the simulator over real sockets."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest

from pmo_hub.sdk.contract import Ref
from pmo_hub.sdk.http import Policy
from pmo_hub.sdk.testing import ConnectorSuite, Fault, MemoryContext
from pmo_hub_jira.connector import JiraConnector
from pmo_hub_jira.hooks import IDENTIFIER, SIGNATURE, sign
from pmo_hub_jira.simulator import Simulator, generate, serve
from tests.connectors.pmo_hub_jira.lending import START

SITE = generate(7, 150, START, awkward=True)

FAULTS: dict[Fault, dict[str, Any]] = {
    Fault.UNAUTHORIZED: {"kind": "status", "status": 401},
    Fault.RATE_LIMITED: {"kind": "status", "status": 429, "retry_after": "1800"},
    Fault.UNAVAILABLE: {"kind": "status", "status": 503},
    Fault.CUT: {"kind": "truncated"},
    Fault.WEB_PAGE: {"kind": "html"},
}


class TestJira(ConnectorSuite):
    connector = JiraConnector()
    fetched_kinds = ("issue",)
    # Refused page tokens are healed inside: nothing of the state ever expires.
    test_an_expired_state_is_told_and_read_in_full = None  # type: ignore[assignment]

    simulator: Simulator

    @pytest.fixture(autouse=True)
    def served(self) -> Iterator[None]:
        self.at = START
        with serve(SITE, clock=lambda: self.at) as self.simulator:
            self.simulator.limits.fields, self.simulator.limits.histories = 20, 100
            yield

    def config(self) -> dict[str, Any]:
        return dict(self.simulator.config())

    def context(self) -> MemoryContext:
        return MemoryContext(clock=lambda: self.at, policy=Policy(attempts=3))

    def scopes(self) -> list[str]:
        return ["10000", "10001", "10002"]

    def edit(self) -> Ref:
        return self._ref(self.simulator.mutate("edit", self._issue("10000"), summary="Renamed"))

    def add(self) -> Ref:
        self.at += timedelta(minutes=1)
        return self._ref(self.simulator.mutate("create", self._key("10001"), "A new one"))

    def remove(self) -> Ref:
        id = self._issue("10000")
        self.simulator.mutate("delete", id)
        return Ref("issue", str(id))

    @contextmanager
    def fault(self, kind: Fault) -> Iterator[None]:
        self.simulator.fault(times=None, **FAULTS[kind])
        try:
            yield
        finally:
            self.simulator.clear_faults()

    def move(self) -> Ref:
        return self._ref(self.simulator.mutate("move", self._issue("10000"), self._key("10001")))

    def lose(self) -> str:
        self.simulator.mutate("revoke_project", self._key("10001"))
        return "10001"

    def hook_body(self, ref: Ref, deleted: bool) -> bytes:
        type = "jira:issue_deleted" if deleted else "jira:issue_updated"
        return json.dumps({"timestamp": 1, "webhookEvent": type, "issue": {"id": ref.external_id}}).encode()

    def hook_headers(self, body: bytes, url: str, secret: str) -> dict[str, str]:
        return {SIGNATURE: sign(body, secret), IDENTIFIER: "17"}

    def _key(self, project: str) -> str:
        return next(p.key for p in self.simulator.world.projects.values() if p.id == project)

    def _issue(self, project: str) -> int:
        self.at += timedelta(minutes=1)
        return next(i.id for i in self.simulator.world.visible_issues() if i.project_id == project)

    @staticmethod
    def _ref(issue: Any) -> Ref:
        return Ref("issue", str(issue.id))
