"""The simulated site tells what is done to it, as Jira would, in bodies that are signed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import httpx
import msgspec
import pytest

from pmo_hub_jira.hooks import JiraHooks
from pmo_hub_jira.simulator import Simulator, generate, serve

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
SITE = generate(7, 60, NOW)
SECRET = "a secret that both sides know"


@pytest.fixture
def simulator() -> Simulator:
    made = Simulator(SITE, clock=lambda: NOW)
    made.hooks.subscribe("http://127.0.0.1:9/hooks/1", SECRET)
    return made


def first(simulator: Simulator) -> int:
    return next(iter(simulator.world.issues))


def sprint(simulator: Simulator, state: str) -> int:
    return next(s.id for s in simulator.world.sprints.values() if s.state == state)


@pytest.mark.parametrize(
    ("do", "events"),
    [
        (lambda s: s.mutate("edit", first(s), summary="Renamed"), ["jira:issue_updated"]),
        (lambda s: s.mutate("create", SITE.projects[0].key, "New"), ["jira:issue_created"]),
        (lambda s: s.mutate("delete", first(s)), ["jira:issue_deleted"]),
        (lambda s: s.mutate("comment", first(s), "Well"), ["jira:issue_updated", "comment_created"]),
        (lambda s: s.mutate("move", first(s), SITE.projects[1].key), ["jira:issue_updated"]),
        (lambda s: s.mutate("rename_sprint", sprint(s, "future"), "Later"), ["sprint_updated"]),
        (lambda s: s.mutate("start_sprint", sprint(s, "future")), ["sprint_started"]),
        (lambda s: s.mutate("close_sprint", sprint(s, "active")), ["sprint_closed"]),
        (lambda s: s.mutate("revoke_project", SITE.projects[0].key), []),
    ],
)
def test_what_is_done_is_told(simulator: Simulator, do: Callable[[Simulator], Any], events: list[str]) -> None:
    done = do(simulator)
    told = [event.type for event in simulator.hooks.outbox]
    # A deletion takes the parent from its sub-tasks, which Jira tells too.
    assert [type for type in told if type != "jira:issue_updated" or type in events][: len(events)] == events
    for event in simulator.hooks.outbox:
        read = JiraHooks().verify(simulator_headers(simulator, event), event.body, "", SECRET)
        assert read.is_known
        assert read.refs
        assert read.id == f"simulated-{event.number}"
        if hasattr(done, "key") and event.type.startswith("jira:"):
            assert read.refs[0].external_id == str(done.id)
    assert len({event.number for event in simulator.hooks.outbox}) == len(told)


def simulator_headers(simulator: Simulator, event: Any) -> dict[str, str]:
    return {name.lower(): value for name, value in simulator.hooks.headers(event).items()}


def test_a_move_tells_the_new_project(simulator: Simulator) -> None:
    simulator.mutate("move", first(simulator), SITE.projects[1].key)
    body = msgspec.json.decode(simulator.hooks.outbox[0].body)
    assert body["issue"]["fields"]["project"]["id"] == SITE.projects[1].id
    assert {item["field"] for item in body["changelog"]["items"]} == {"project", "Key"}


def test_without_an_address_nothing_is_noted() -> None:
    simulator = Simulator(SITE, clock=lambda: NOW)
    simulator.mutate("edit", first(simulator), summary="Renamed")
    assert simulator.hooks.outbox == []


def test_what_nobody_takes_stays_in_the_outbox(simulator: Simulator, monkeypatch: pytest.MonkeyPatch) -> None:
    for id in list(simulator.world.issues)[:4]:
        simulator.mutate("edit", id, summary="Renamed")
    answers = iter([202, 0, 503, 401])
    monkeypatch.setattr(type(simulator.hooks), "post", lambda _, event: next(answers))
    assert simulator.hooks.deliver() == [202, 0, 503, 401]
    assert [event.number for event in simulator.hooks.outbox] == [2, 3]


def test_a_program_can_subscribe_over_the_wire() -> None:
    with serve(SITE) as simulator, serve(SITE) as listening, httpx.Client(base_url=simulator.url) as http:
        assert http.post("/_sim/webhooks", json={"url": f"{listening.url}/hooks/1", "secret": SECRET}).status_code == 200
        done = http.post("/_sim/mutations", json={"do": "edit", "arguments": [first(simulator)], "summary": "Renamed"})
        assert done.status_code == 200
        assert [(entry.method, entry.path) for entry in listening.log] == [("POST", "/hooks/1")]
        assert simulator.hooks.outbox == []
