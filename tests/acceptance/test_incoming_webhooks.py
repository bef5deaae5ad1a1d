"""Webhooks end to end over HTTP: recorded bodies of both editions, bodies that nobody has seen yet, and a simulated site's own."""

from __future__ import annotations

import hmac
import json
import threading
from collections.abc import Iterator, Mapping
from copy import deepcopy
from datetime import datetime, timedelta
from functools import partial
from hashlib import sha256
from pathlib import Path
from random import Random
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pmo_hub import bootstrap
from pmo_hub.jobs.local import LocalWorker
from pmo_hub.services import hinted, hooks, sync
from pmo_hub.store.engine import create_engine
from pmo_hub.store.unit_of_work import Work
from pmo_hub_jira.simulator import Simulator, generate, serve
from tests.acceptance.hooked_site import SCOPES, START, Site, connected, served
from tests.migrated import migrate

WORLD = generate(7, 90, START)

RECORDED: Mapping[str, set[str]] = {
    "webhook-cloud-comment-created-mention-user": {"10040"},
    "webhook-cloud-comment-deleted": {"10357"},
    "webhook-cloud-issue-created-many-fields": {"10509"},
    "webhook-issue-assigned-empty-changelog": {"10001"},
    "webhook-issue-created": {"10040"},
    "webhook-issue-created-no-description-nor-relevant-fields": {"10040"},
    "webhook-issue-created-no-relevant-fields": {"10040"},
    "webhook-issue-updated-assigned": {"10040"},
    "webhook-issue-updated-assigned-nobody": {"10040"},
    "webhook-issue-updated-components": {"10360"},
    "webhook-issue-updated-fix-version": {"10040"},
    "webhook-issue-updated-labels": {"10040"},
    "webhook-issue-updated-multiple-custom-fields": {"10040"},
    "webhook-issue-updated-raised-priority": {"10040"},
    "webhook-issue-updated-renamed": {"10040"},
    "webhook-issue-updated-reopened": {"10040"},
    "webhook-issue-updated-resolved": {"10040"},
    "webhook-issue-updated-started-working": {"10040"},
    # A comment alone: its issue is told by its address only.
    "webhook-server-comment-deleted": {"10013"},
    "webhook-server-issue-updated-closed": {"10300"},
    "webhook-server-issue-updated-comment-edited": {"10013"},
    "webhook-server-issue-updated-commented-2": {"10231"},
    "webhook-server-issue-updated-commented-mention-user": {"10013"},
    "webhook-server-issue-updated-many-fields": {"10400"},
    "webhook-server-issue-updated-resolved": {"10300"},
    "webhook-server-old-issue-updated-no-event-type-comment-deleted": {"10013"},
    "webhook-server-old-issue-updated-no-event-type-commented": {"10013"},
    "webhook-server-updated-custom-field": {"10106"},
}
"""Body → the issues that it leads to."""


class Clock:
    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def simulator(clock: Clock) -> Iterator[Simulator]:
    with serve(WORLD, clock=clock) as simulator:
        yield simulator


@pytest.fixture
def site(work: Work, tmp_path: Path, simulator: Simulator, clock: Clock) -> Iterator[Site]:
    with served(work, tmp_path, simulator, clock) as site:
        yield site


@pytest.fixture
def http(site: Site) -> Iterator[httpx.Client]:
    with httpx.Client() as client:
        yield client


@pytest.fixture(scope="module")
def recorded(shared_folder: Path) -> Mapping[str, bytes]:
    files = sorted((shared_folder / "data" / "jira" / "webhooks-mattermost").glob("*.json"))
    return {file.stem: file.read_bytes() for file in files}


def post(http: httpx.Client, site: Site, body: bytes, identifier: str | None = None, **headers: str) -> httpx.Response:
    """Signed as Atlassian's documentation says."""
    signature = "sha256=" + hmac.new(site.secret.encode(), body, sha256).hexdigest()
    named = {} if identifier is None else {"X-Atlassian-Webhook-Identifier": identifier}
    return http.post(site.hook.url, content=body, headers={"X-Hub-Signature": signature, **named, **headers})


# 2. The recorded bodies.


def test_every_recorded_body_is_accepted_once_and_leads_to_its_issue(http: httpx.Client, site: Site, recorded: Mapping[str, bytes]) -> None:
    assert recorded.keys() == RECORDED.keys()
    for sequence, (name, body) in enumerate(recorded.items(), 1):
        answer = post(http, site, body, name)
        assert (answer.status_code, answer.json()) == (202, {"status": "accepted"}), name
        assert site.named(sequence) == {("issue", id) for id in RECORDED[name]}, name
    for name, body in recorded.items():
        assert post(http, site, body, name).json() == {"status": "duplicate"}, name
    issues = set().union(*RECORDED.values())
    assert site.named() == {("issue", id) for id in issues}
    assert hooks.get(site.hub, site.connection_id).unknown == {}
    site.simulator.reset_log()
    run = site.fetch()
    assert (run.mode, run.state, run.error) == ("hook", "finished", None)
    (asked,) = [entry.body for entry in site.simulator.log if entry.path.endswith("/issue/bulkfetch")]
    assert set(asked["issueIdsOrKeys"]) == issues
    assert site.named() == set()
    # In another order, once more: the same.
    for name, body in reversed(list(recorded.items())):
        assert post(http, site, body, f"again {name}").status_code == 202
    assert site.named() == {("issue", id) for id in issues}


def test_a_recorded_body_with_a_wrong_signature_is_refused(http: httpx.Client, site: Site, recorded: Mapping[str, bytes]) -> None:
    for name, body in recorded.items():
        right = "sha256=" + hmac.new(site.secret.encode(), body, sha256).hexdigest()
        wrong = "sha256=" + hmac.new(b"another secret", body, sha256).hexdigest()
        answers = [
            http.post(site.hook.url, content=body),
            post(http, site, body, **{"X-Hub-Signature": wrong}),
            http.post(site.hook.url, content=body + b" ", headers={"X-Hub-Signature": right}),
        ]
        assert {answer.status_code for answer in answers} == {401}, name
        assert all("signature" not in answer.text for answer in answers), name
    assert site.named() == set()
    assert hooks.get(site.hub, site.connection_id).refused >= 1


def test_without_jiras_own_name_a_body_is_recognised_by_itself(http: httpx.Client, site: Site, recorded: Mapping[str, bytes]) -> None:
    for name, body in recorded.items():
        assert [post(http, site, body).json()["status"] for _ in range(2)] == ["accepted", "duplicate"], name


ODD: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where a body can be changed, to a depth at which ids still stand."""
    steps = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, inner in steps:
        yield (*path, step)
        if len(path) < 3:
            yield from places(inner, (*path, step))


def change(body: Any, path: tuple[Any, ...], how: str, odd: Any) -> None:
    holder = body
    for step in path[:-1]:
        if not isinstance(holder, dict | list):
            return
        try:
            holder = holder[step]
        except (KeyError, IndexError, TypeError):
            return
    try:
        if how == "drop":
            del holder[path[-1]]
        elif how == "replace":
            holder[path[-1]] = odd
        else:
            holder[path[-1]] = [{"nested": holder[path[-1]]}]
    except (KeyError, IndexError, TypeError):
        return


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_bodies_that_nobody_has_seen_are_accepted_too(
    http: httpx.Client, site: Site, recorded: Mapping[str, bytes], data: st.DataObject
) -> None:
    body = deepcopy(json.loads(recorded[data.draw(st.sampled_from(sorted(recorded)))]))
    found = list(places(body))
    for _ in range(data.draw(st.integers(1, 6))):
        change(body, data.draw(st.sampled_from(found)), data.draw(st.sampled_from(["drop", "replace", "nest"])), data.draw(ODD))
    if data.draw(st.booleans()):
        body["webhookEvent"] = data.draw(ODD | st.sampled_from(["jira:issue_invented", "invented", "user_deleted"]))
    answer = post(http, site, json.dumps(body).encode())
    assert answer.status_code == 202, answer.text
    assert http.post(site.hook.url, content=json.dumps(body).encode()).status_code == 401


# End to end: what is done at the site is in the hub after the run that its webhooks cause.


def do_all(simulator: Simulator, clock: Clock) -> None:
    """One of everything that a person does, a second apart."""
    world = simulator.world
    key = {project.id: project.key for project in world.projects.values()}
    outside = next(id for id in key if id not in SCOPES)
    mine = [issue for issue in world.issues.values() if issue.project_id == SCOPES[0]]
    linked = next(issue for issue in world.issues.values() if issue.project_id in SCOPES and world.links.get(issue.id))
    picked = [issue.id for issue in mine if issue is not linked]
    foreign = next(s.id for s in world.sprints.values() if world.boards[s.board_id].project_id not in SCOPES)
    sprints = {s.state: s.id for s in world.sprints.values() if world.boards[s.board_id].project_id in SCOPES}
    for step in (
        partial(simulator.mutate, "edit", picked[0], summary="Renamed", duedate="2027-01-31"),
        partial(simulator.mutate, "edit", picked[1], status="10002" if "10002" in world.statuses else next(iter(world.statuses))),
        partial(simulator.mutate, "comment", picked[2], "A word"),
        partial(simulator.mutate, "create", key[SCOPES[1]], "A new one"),
        partial(simulator.mutate, "create", key[outside], "Nobody's"),
        partial(simulator.mutate, "delete", picked[3]),
        partial(simulator.mutate, "delete", linked.id),
        partial(simulator.mutate, "move", picked[4], key[SCOPES[1]]),
        partial(simulator.mutate, "move", picked[5], key[outside]),
        partial(simulator.mutate, "edit", picked[0], summary="Renamed again"),
        partial(simulator.mutate, "rename_sprint", sprints["active"], "Now"),
        partial(simulator.mutate, "rename_sprint", foreign, "Nobody's"),
        partial(simulator.mutate, "close_sprint", sprints["active"], sprints.get("future")),
    ):
        clock.now += timedelta(seconds=1)
        step()


@pytest.mark.parametrize("seed", [1, 2])
def test_the_hub_equals_the_site_after_a_run_in_whatever_order_deliveries_come(
    site: Site, simulator: Simulator, clock: Clock, tmp_path: Path, seed: int
) -> None:
    do_all(simulator, clock)
    random = Random(seed)
    box = simulator.hooks.outbox
    assert {event.type.partition("_")[0] for event in box} == {"jira:issue", "comment", "sprint", "issuelink"}
    box += random.sample(box, len(box) // 3)
    random.shuffle(box)
    assert set(simulator.hooks.deliver()) == {202}
    clock.now += timedelta(seconds=2)
    run = site.fetch()
    assert (run.state, run.error, site.named()) == ("finished", None, set())
    assert run.gone["issue"] == 3
    owned, mentioned = site.records()
    url = f"sqlite:///{tmp_path / 'anew.db'}"
    migrate(url)
    anew = Work(create_engine(url))
    try:
        with connected(anew, tmp_path, simulator, clock, "http://127.0.0.1:9") as fresh:
            expected_owned, expected_mentioned = fresh.records()
    finally:
        anew.dispose()
    assert owned == expected_owned
    assert {id: mentioned.get(id) for id in expected_mentioned} == expected_mentioned


def test_a_change_arrives_by_itself(site: Site, simulator: Simulator, monkeypatch: pytest.MonkeyPatch) -> None:
    """From the mutation over the delivery and the queue to the row, with a worker that runs."""
    monkeypatch.setattr(hinted, "DEBOUNCE", timedelta(0))
    arrived = threading.Event()
    handlers = dict(bootstrap.handlers(site.hub))
    run_sync = handlers["sync"]

    def watched(arguments: Mapping[str, Any]) -> None:
        run_sync(arguments)
        arrived.set()

    worker = LocalWorker(
        site.hub.work, site.hub.now, {**handlers, "sync": watched}, lambda: None, sync.holder_name(), sync.is_alive, 1, 0.02, 3600.0
    )
    worker.start()
    try:
        simulator.hooks.subscribe(site.hook.url, site.hook.secret, at_once=True)
        id = next(issue.id for issue in simulator.world.issues.values() if issue.project_id == SCOPES[0])
        simulator.mutate("edit", id, summary="By itself")
        assert arrived.wait(30)
    finally:
        worker.stop()
    assert {r.external_id: r.title for r in site.rows("work_items")}[str(id)] == "By itself"
