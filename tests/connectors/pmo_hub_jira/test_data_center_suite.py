"""Data Center by the suite that every connector's author gets, against a server in a few lines."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest

from pmo_hub.sdk.contract import Ref
from pmo_hub.sdk.http import Policy
from pmo_hub.sdk.testing import ConnectorSuite, Fault, MemoryContext
from pmo_hub_jira.connector import JiraConnector
from pmo_hub_jira.hooks import IDENTIFIER, SIGNATURE, sign
from tests.connectors.pmo_hub_jira.keyed_server import URL, KeyedServer, entry, issue, user, worklog

ANSWERS: dict[Fault, Callable[[], httpx.Response]] = {
    Fault.UNAUTHORIZED: lambda: httpx.Response(401, json={}),
    Fault.RATE_LIMITED: lambda: httpx.Response(429, json={}, headers={"Retry-After": "1800"}),
    Fault.UNAVAILABLE: lambda: httpx.Response(503, json={}),
    Fault.CUT: lambda: httpx.Response(200, content=b'{"issues": [', headers={"Content-Type": "application/json"}),
    Fault.WEB_PAGE: lambda: httpx.Response(200, html="<html>Log in</html>"),
}


class TestDataCenter(ConnectorSuite):
    connector = JiraConnector()
    fetched_kinds = ("issue",)
    # There are no page tokens that could expire.
    test_an_expired_state_is_told_and_read_in_full = None  # type: ignore[assignment]

    server: KeyedServer
    projects: dict[str, str]

    @pytest.fixture(autouse=True)
    def served(self) -> Iterator[None]:
        keys = [f"{project}-{number}" for project, count in (("ERP", 70), ("PAY", 55), ("ZED", 3)) for number in range(1, count + 1)]
        self.server = KeyedServer(*(issue(20_000 + n, key) for n, key in enumerate(keys)))
        for one in self.server.issues:
            self.server.histories[one["id"]] = [entry(int(one["id"]) * 10, {"field": "status", "from": "1", "to": "3"})]
        self.projects = {key: self.server.project(key) for key in ("ERP", "PAY", "ZED")}
        self.server.issues[5]["fields"]["customfield_10008"] = "PAY-3"
        self.server.worklogs = [worklog(50_000 + n, 20_000 + n, 900 * n) for n in range(1, 9)]
        # More than an issue embeds.
        self.server.worklogs += [worklog(51_000 + n, 20_080, 60 * n) for n in range(1, 24)]
        erp = self.projects["ERP"]
        self.server.versions[erp] = [{"id": "700", "name": "1.0", "released": True, "archived": False, "releaseDate": "2026-10-01"}]
        self.server.components[erp] = [{"id": "800", "name": "Core", "lead": user("u9", "kim")}]
        with self.server.served():
            yield

    def config(self) -> dict[str, Any]:
        return {"url": URL, "sign_in": "personal_access_token", "token": "p4t-secret-value"}

    def context(self) -> MemoryContext:
        return MemoryContext(clock=lambda: self.server.now, policy=Policy(attempts=3))

    def scopes(self) -> list[str]:
        return list(self.projects.values())

    def edit(self) -> Ref:
        self.server.touch("20003", summary="Renamed")
        return Ref("issue", "20003")

    def add(self) -> Ref:
        self.server.issues.append(issue(30_000, "PAY-900"))
        self.server.touch("30000")
        return Ref("issue", "30000")

    def remove(self) -> Ref:
        self.server.remove("ERP-7")
        return Ref("issue", "20006")

    def move(self) -> Ref:
        self.server.move("ERP-9", "PAY-901")
        self.server.touch("20008")
        return Ref("issue", "20008")

    def lose(self) -> str:
        self.server.lost.add(self.projects["PAY"])
        return self.projects["PAY"]

    def hook_body(self, ref: Ref, deleted: bool) -> bytes:
        type = "jira:issue_deleted" if deleted else "jira:issue_updated"
        about = {"id": ref.external_id, "self": f"{URL}/rest/api/2/issue/{ref.external_id}"}
        return json.dumps({"timestamp": 1, "webhookEvent": type, "issue": about}).encode()

    def hook_headers(self, body: bytes, url: str, secret: str) -> dict[str, str]:
        return {SIGNATURE: sign(body, secret), IDENTIFIER: "17"}

    @contextmanager
    def fault(self, kind: Fault) -> Iterator[None]:
        self.server.failing = ANSWERS[kind]
        try:
            yield
        finally:
            self.server.failing = None
