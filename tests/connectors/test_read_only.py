"""No connector writes to its source: whatever it sends while it reads, follows, fetches and counts is a question."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from pmo_hub.sdk.contract import Connector, Mode
from pmo_hub.sdk.testing import MemoryContext, MemoryHost
from pmo_hub_dataverse import simulator as dataverse
from pmo_hub_dataverse.connector import DataverseConnector
from pmo_hub_jira import simulator as jira
from pmo_hub_jira.connector import JiraConnector
from pmo_hub_msproject import simulator as msproject
from pmo_hub_msproject.connector import MsProjectConnector
from pmo_hub_msproject.simulated_organisation import generate
from pmo_hub_planner import simulator as planner
from pmo_hub_planner.connector import PlannerConnector
from pmo_hub_trello import simulator as trello
from pmo_hub_trello.connector import TrelloConnector

START = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
SIMULATED: dict[str, tuple[Connector, Callable[[], AbstractContextManager[Any]]]] = {
    "dataverse": (DataverseConnector(), lambda: dataverse.serve(7, 60, START)),
    "jira": (JiraConnector(), lambda: jira.simulate(7, "40", START)),
    "msproject": (MsProjectConnector(), lambda: msproject.serve(generate(7, 2, START, tasks=12))),
    "planner": (PlannerConnector(), lambda: planner.serve(7, 60, START)),
    "trello": (TrelloConnector(), lambda: trello.simulate(7, "60", START)),
}
QUESTIONS = {
    "dataverse": {"token"},
    "jira": {"jql", "approximate-count", "bulkfetch", "list", "match"},
    "msproject": {"token"},
    "planner": {"token", "$batch"},
    "trello": set[str](),
}
"""Last parts of the paths that are asked by POST; a batch is looked into."""


class Watched(MemoryContext):
    """Every request that goes out, the signing in included."""

    def __init__(self) -> None:
        super().__init__(clock=lambda: START)
        self.sent: list[httpx.Request] = []

    def http(self, base: str, auth: httpx.Auth | None = None, verify: bool | str = True) -> httpx.Client:
        client = super().http(base, auth, verify)
        send = client.send

        def recorded(request: httpx.Request, **options: Any) -> httpx.Response:
            self.sent.append(request)
            return send(request, **options)

        client.send = recorded  # type: ignore[method-assign]  # some clients pass hooks and transports by
        return client


@pytest.fixture(params=sorted(SIMULATED))
def sent(request: pytest.FixtureRequest) -> Iterator[tuple[str, list[httpx.Request]]]:
    """What a connector sends in a first read, a poll, a fetch of everything and a census."""
    connector, serve = SIMULATED[request.param]
    context = Watched()
    with serve() as simulator, connector.open(connector.Config.model_validate(dict(simulator.config())), context) as source:
        source.check()
        scopes = [scope.external_id for scope in source.scopes()][:2]
        host = MemoryHost(connector, scopes)
        host.sync(source, Mode.FULL)
        host.sync(source)
        list(source.fetch(list(host.held)[:40]))
        list(source.census(scopes))
        yield request.param, context.sent


def test_a_connector_asks_and_never_writes(sent: tuple[str, list[httpx.Request]]) -> None:
    name, requests = sent
    assert len(requests) > 5
    for request in requests:
        assert request.method in ("GET", "POST"), request.url
        if request.method == "POST":
            assert request.url.path.rpartition("/")[2] in QUESTIONS[name], request.url
            if request.url.path.endswith("$batch"):
                assert {one["method"] for one in json.loads(request.content)["requests"]} == {"GET"}
