"""How Graph answers, without Graph: lists that no count ends, buckets in an order of their own, what is asked for of tasks."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import httpx
import msgspec
import pytest

from pmo_hub.domain.records import BoardColumn
from pmo_hub.sdk.contract import Mode
from pmo_hub.sdk.errors import ScopeError
from pmo_hub.sdk.testing import MemoryHost
from pmo_hub_planner.client import GraphClient, Part
from pmo_hub_planner.connector import PlannerConnector
from pmo_hub_planner.mapping import mapper
from pmo_hub_planner.reading import Reader
from pmo_hub_planner.simulator import serve
from tests.connectors.pmo_hub_planner.test_traps import opened

START = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
GRAPH = "https://graph.microsoft.com"


class Told(httpx.Client):
    """Answers each address with what it was told to, by itself and in batches."""

    def __init__(self, answers: dict[str, Any]) -> None:
        super().__init__(base_url=GRAPH, transport=httpx.MockTransport(self._answered))
        self.answers = answers

    def _answered(self, request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/$batch"):
            asked = msgspec.json.decode(request.content)["requests"]
            parts = [{"id": one["id"], "status": 200, "body": self.answers[f"/v1.0{one['url']}"]} for one in asked]
            return httpx.Response(200, json={"responses": parts})
        return httpx.Response(200, json=self.answers[request.url.raw_path.decode()])


def test_only_a_missing_link_ends_a_list_and_no_count_does() -> None:
    told = Told({
        "/v1.0/groups": {"value": [{"id": "a"}], "@odata.nextLink": f"{GRAPH}/v1.0/groups?page=2"},
        "/v1.0/groups?page=2": {"value": [], "@odata.nextLink": f"{GRAPH}/v1.0/groups?page=3"},
        "/v1.0/groups?page=3": {"value": [{"id": str(n)} for n in range(100)]},
    })  # fmt: skip
    assert [len(page) for page in GraphClient(told).pages("/v1.0/groups")] == [1, 0, 100]


def test_buckets_stand_in_the_order_of_their_hints_letter_by_letter() -> None:
    """A hint is no number, and a capital letter comes before a small one."""
    hints = {"b1": "85", "b2": "8585a", "b3": "8585", "b4": "8585B", "b5": " !", "b6": None}
    told = Told({
        "/v1.0/planner/plans/P": {"id": "P", "title": "P"},
        "/v1.0/planner/plans/P/details": {"id": "P"},
        "/v1.0/planner/plans/P/buckets": {"value": [{"id": id, "name": id, "orderHint": hint} for id, hint in hints.items()]},
    })  # fmt: skip
    (board,) = Reader(GraphClient(told), START).boards(["P"])
    owned = mapper([], {})(board.payload).owned
    assert [one.external_id for one in owned if isinstance(one, BoardColumn)] == ["b6", "b5", "b1", "b3", "b4", "b2"]


def test_tasks_are_asked_for_as_they_are_since_most_options_are_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    batch = GraphClient.batch

    def noted(self: GraphClient, addresses: Sequence[str]) -> list[Part]:
        asked.extend(addresses)
        return batch(self, addresses)

    monkeypatch.setattr(GraphClient, "batch", noted)
    with serve(5, 20, START) as simulator:
        host = MemoryHost(PlannerConnector(), simulator.projects[:1])
        with opened(simulator) as source:
            host.sync(source, Mode.FULL)
    tasks = [address for address in asked if "/tasks" in address]
    assert tasks
    assert {address.partition("?")[2] for address in tasks} <= {"$expand=details", ""}


@pytest.mark.parametrize("status", [403, 404])
def test_a_plan_that_is_not_shown_is_no_plan_without_tasks(status: int) -> None:
    """Whoever took the refusal for an empty listing would delete all of its tasks."""

    def refused(request: httpx.Request) -> httpx.Response:
        asked = msgspec.json.decode(request.content)["requests"]
        return httpx.Response(200, json={"responses": [{"id": one["id"], "status": status, "body": {"error": {}}} for one in asked]})

    client = httpx.Client(base_url=GRAPH, transport=httpx.MockTransport(refused))
    with pytest.raises(ScopeError):
        Reader(GraphClient(client), START).tasks(["P"])
