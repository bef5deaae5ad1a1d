"""Deliveries: nothing without proof leaves more than a count, and whatever has one is kept in a shape that the store can hold."""

from __future__ import annotations

import json
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from pmo_hub.sdk.contract import Ref
from pmo_hub.services import hooks, receiving
from pmo_hub.services.errors import Unavailable, Unproven
from pmo_hub.services.receiving import Refusals
from pmo_hub.store.repositories.hooks import MOST_TYPES, OTHERS, Outcome
from pmo_hub.store.unit_of_work import Work
from tests.sdk import fake_hooks
from tests.sdk.fake_hooks import HookedConnector
from tests.services.connected import CONNECTION
from tests.services.hooked import Hooked


@pytest.fixture
def hub(work: Work, tmp_path: Path) -> Hooked:
    return Hooked(work, tmp_path)


def body(type: str, object: object = "P1-T1", id: object = "1") -> bytes:
    return json.dumps({"action": {"id": id, "type": type, "object": object}}).encode()


def test_what_shows_no_proof_is_refused_and_stores_nothing(hub: Hooked) -> None:
    with pytest.raises(Unproven):
        hub.send(Ref("task", "P1-T1"), secret="a wrong one")
    with pytest.raises(Unproven):
        receiving.receive(hub.hub, hub.door(), {}, None, body("changed:task"))
    with pytest.raises(Unproven):
        receiving.receive(hub.hub, hub.door(), {}, "a token that nobody gave out", body("changed:task"))
    assert (hub.rows("hook_deliveries"), hub.rows("hook_refs"), hub.rows("sync_runs"), hub.rows("jobs")) == ([], [], [], [])


def test_a_flood_of_refusals_is_counted_whole_with_few_writes(hub: Hooked) -> None:
    seconds = 0.0
    refusals = Refusals(lambda: seconds)
    written: list[int] = []
    for _ in range(1_000):
        refusals.add(hub.hub, CONNECTION)
        if len(written) < 3:
            written.append(hub.rows("hooks")[0].refused)
    assert written == [1, 1, 1]
    seconds = 1.0
    refusals.add(hub.hub, CONNECTION)
    found = hooks.get(hub.hub, CONNECTION)
    assert (found.refused, found.last_refused_at) == (1_001, hub.now)


def test_deliveries_at_the_same_moment_make_one_run_and_lose_nothing(hub: Hooked) -> None:
    way = hub.door()

    def send(n: int) -> Outcome:
        sent = body("changed:task", f"P1-T{n % 10}", f"id {n % 30}")
        headers = {fake_hooks.SIGNATURE: fake_hooks.sign(sent, hub.hook.info.url, hub.hook.secret or "")}
        return receiving.receive(hub.hub, way, headers, None, sent)

    with ThreadPoolExecutor(8) as pool:
        outcomes = Counter(pool.map(send, range(60)))
    assert outcomes == {Outcome.ACCEPTED: 30, Outcome.DUPLICATE: 30}
    assert (len(hub.pending()), len(hub.queued())) == (10, 1)
    shown = hooks.get(hub.hub, CONNECTION)
    assert (shown.accepted, shown.duplicates) == (30, 30)


def test_unknown_types_are_counted_by_name_up_to_a_bound(hub: Hooked) -> None:
    for n in range(MOST_TYPES + 5):
        assert hub.send_body(body(f"sang:{n:02d}", id=n)) is Outcome.ACCEPTED
    hub.send_body(body("sang:00", id="again"))
    counted = hooks.get(hub.hub, CONNECTION).unknown
    assert len(counted) == MOST_TYPES + 1
    assert (counted["sang:00"], counted["sang:01"], counted[OTHERS]) == (2, 1, 5)
    assert (hub.states(), hub.pending(), hub.queued()) == (["unknown"] * (MOST_TYPES + 6), set(), [])


def test_what_can_be_no_name_is_left_out(hub: Hooked) -> None:
    for n, name in enumerate(["x" * 256, "", "P1\x00T1", "P1\ud800"]):
        assert hub.send_body(body("changed:task", name, n)) is Outcome.ACCEPTED
    assert (hub.pending(), hub.states()) == (set(), ["empty"] * 4)
    for n, odd in enumerate([7, None, ["P1-T1"], {"a": "\ud800"}]):
        assert hub.send_body(body("changed:task", odd, -n - 1)) is Outcome.ACCEPTED
    assert {("task", "7"), ("task", "None")} <= hub.pending()


def test_a_type_and_an_id_of_any_shape_can_be_kept(hub: Hooked) -> None:
    assert hub.send_body(body("\ud800\x00" + "long" * 100, id="\x00\ud800")) is Outcome.ACCEPTED
    (kept,) = hub.rows("hook_deliveries")
    assert len(kept.type) <= receiving.LONGEST_TYPE


def test_a_delivery_names_no_more_than_so_many_objects(hub: Hooked, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(receiving, "MOST_REFS", 0)
    assert hub.send(Ref("task", "P1-T1")) is Outcome.ACCEPTED
    assert hub.pending() == set()


def test_a_hook_that_went_while_the_body_was_read_takes_nothing(hub: Hooked) -> None:
    way = hub.door()
    hooks.remove(hub.hub, CONNECTION, "test")
    with pytest.raises(Unproven):
        receiving.receive(hub.hub, way, {"x-fake-webhook": "?"}, None, b"{}")


def test_without_its_connector_a_delivery_is_put_off(hub: Hooked, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(HookedConnector, "capabilities", frozenset())
    with pytest.raises(Unavailable):
        receiving.door(hub.hub, CONNECTION)
