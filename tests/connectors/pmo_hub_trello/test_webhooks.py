"""Webhooks from end to end: registered at the simulator by the hub, tried with HEAD, delivered, fetched, looked after with each run."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from starlette.testclient import TestClient

from pmo_hub.api.application import application
from pmo_hub.host.registry import Registry
from pmo_hub.host.session import Throttles
from pmo_hub.sdk.contract import RateLimit
from pmo_hub.sdk.errors import HookError
from pmo_hub.sdk.throttle import LocalThrottle
from pmo_hub.services import connections, hooks, registering, sync
from pmo_hub.services.errors import Invalid
from pmo_hub.services.hooks import Wanted
from pmo_hub.services.hub import Hub
from pmo_hub.store.base import Base
from pmo_hub.store.models.source import SyncRun
from pmo_hub.store.secrets import SecretBox
from pmo_hub.store.unit_of_work import Work
from pmo_hub_trello.connector import TrelloConnector
from pmo_hub_trello.hooks import SIGNATURE, TrelloHooks, sign
from pmo_hub_trello.simulated_hooks import Event
from pmo_hub_trello.simulator import serve
from tests.connectors.pmo_hub_trello.boards import Estate, estate

PUBLIC = "http://hub.example"


class Connected:
    """A hub that reads the estate's first two boards, and its API."""

    def __init__(self, work: Work, folder: Path, made: Estate) -> None:
        self.made = made
        self.work = work
        connector: Any = TrelloConnector()
        throttles = Throttles(lambda limit: LocalThrottle(RateLimit(10_000, 1.0, limit.concurrency)))
        self.hub = Hub(work, lambda: made.time.at, Registry.of(connector), SecretBox([bytes(range(32))]), throttles, folder, PUBLIC)
        draft = connections.Draft("Boards", "trello", made.simulator.config(), tuple(made.boards[:2]))
        self.id = connections.create(self.hub, draft, "test").connection.id
        self.api = TestClient(application(self.hub), base_url=PUBLIC)

    def run(self) -> None:
        """Whatever is queued, to its end."""
        with self.work.read() as session:
            ids = list(session.scalars(sa.select(SyncRun.id).where(SyncRun.state == "queued").order_by(SyncRun.started_at, SyncRun.id)))
        for id in ids:
            run = sync.run(self.hub, id)
            assert run.state == "finished", run.error

    def poll(self) -> None:
        self.made.time.pass_by(minutes=20)
        sync.request(self.hub, self.id, "incremental")
        self.run()

    def title(self, card: str) -> str | None:
        table = Base.metadata.tables["work_items"]
        with self.work.read() as session:
            found: str | None = session.execute(sa.select(table.c.title).where(table.c.external_id == card)).scalar()
            return found

    def jobs(self) -> list[str]:
        table = Base.metadata.tables["jobs"]
        with self.work.read() as session:
            return list(session.scalars(sa.select(table.c.slot).where(table.c.kind == registering.RENEWAL)))

    def deliver(self, event: Event, **wrong: str) -> int:
        headers = self.made.simulator.hooks.headers(event) | wrong
        return self.api.post(event.url, content=event.body, headers=headers).status_code


@pytest.fixture
def connected(work: Work, tmp_path: Path) -> Iterator[Connected]:
    made = estate()
    with serve(made.simulator):
        found = Connected(work, tmp_path, made)
        found.run()
        yield found


def set_up(connected: Connected) -> hooks.NewHook:
    return hooks.set_up(connected.hub, connected.id, Wanted(secret=connected.made.simulator.hooks.secret), "test")


def test_each_chosen_board_sends_to_the_hub_and_the_address_answers_head(connected: Connected) -> None:
    made = set_up(connected)
    held = connected.made.simulator.hooks
    assert {hook["idModel"] for hook in held.held.values()} == set(connected.made.boards[:2])
    assert held.tried == [made.url, made.url]
    assert connected.api.head(made.url).status_code == 200
    assert connected.api.get(made.url).status_code == 405


def test_a_secret_that_trello_did_not_make_is_refused(connected: Connected) -> None:
    with pytest.raises(Invalid, match="secret that stands beside the key"):
        hooks.set_up(connected.hub, connected.id, Wanted(), "test")
    assert not connected.made.simulator.hooks.held


def test_what_is_delivered_is_fetched(connected: Connected) -> None:
    set_up(connected)
    card = connected.made.cards()[0]
    connected.made.do("edit", card, name="Renamed")
    (event,) = connected.made.simulator.hooks.outbox
    assert connected.deliver(event) == 202
    connected.made.time.pass_by(seconds=5)
    connected.run()
    assert connected.title(card) == "Renamed"
    assert connected.deliver(event, **{SIGNATURE: sign(event.body + b" ", event.url, connected.made.simulator.hooks.secret)}) != 202


def test_a_deletion_that_is_delivered_acts_at_once(connected: Connected) -> None:
    set_up(connected)
    card = connected.made.cards()[0]
    connected.made.do("delete", card)
    for event in connected.made.simulator.hooks.outbox:
        connected.deliver(event)
    connected.made.time.pass_by(seconds=5)
    connected.run()
    assert connected.title(card) is None


def test_each_run_has_the_webhooks_looked_after(connected: Connected) -> None:
    """One that Trello lost is made again, one that it gave up on revived, one of a board that nobody chose taken away."""
    set_up(connected)
    held = connected.made.simulator.hooks.held
    before = set(connected.jobs())
    connected.poll()
    assert set(connected.jobs()) - before
    first, second = held
    held[first]["active"] = False
    del held[second]
    connected.made.simulator.hooks.add(hooks.get(connected.hub, connected.id).url, connected.made.boards[2], "left over")
    connected.made.simulator.hooks.add("https://somebody.example/else", connected.made.boards[2], "not ours")
    registering.renew(connected.hub, connected.id)
    assert sorted((hook["idModel"], hook["active"]) for hook in held.values()) == sorted(
        (board, True) for board in (*connected.made.boards[:2], connected.made.boards[2])
    )
    assert sum(hook["callbackURL"] == "https://somebody.example/else" for hook in held.values()) == 1


def test_nothing_is_left_at_trello_when_the_hook_is_taken_away(connected: Connected) -> None:
    set_up(connected)
    hooks.remove(connected.hub, connected.id, "test")
    assert not connected.made.simulator.hooks.held


def test_the_signature_is_over_body_and_address() -> None:
    """HMAC-SHA1 in Base64, by hand: echo -n '{}https://a.example/h' | openssl dgst -sha1 -hmac s -binary | base64."""
    assert sign(b"{}", "https://a.example/h", "s") == "dZ+XALXDvd7qu2uZn7oZH91PSw0="
    made = TrelloHooks()
    with pytest.raises(HookError):
        made.verify({SIGNATURE: sign(b"{}", "https://proxy.example/h", "s")}, b"{}", "https://a.example/h", "s")


def test_an_edited_comment_and_a_changed_list_name_what_changed() -> None:
    made = TrelloHooks()

    def read(kind: str, **data: object) -> Any:

        body = json.dumps({"action": {"id": "1" * 24, "type": kind, "data": {"board": {"id": "b" * 24}, **data}}}).encode()
        return made.verify({SIGNATURE: sign(body, "u", "s")}, body, "u", "s")

    edited = read("updateComment", action={"id": "2" * 24}, card={"id": "3" * 24})
    assert [(ref.kind, ref.external_id) for ref in edited.refs] == [("comment", "2" * 24), ("card", "3" * 24)]
    gone = read("deleteComment", action={"id": "2" * 24}, card={"id": "3" * 24})
    assert [ref.kind for ref in gone.deleted] == ["comment"]
    renamed = read("updateList", list={"id": "4" * 24})
    assert list(renamed.stale) == ["b" * 24]
    assert not read("somethingNew").is_known
    assert edited.id == "1" * 24
