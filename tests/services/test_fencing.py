"""One committer, fenced: who lost the lease writes nothing, wherever in a run it notices; requests of one kind wait as one run."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from pmo_hub.sdk.contract import Page, Partition
from pmo_hub.sdk.errors import AuthError, TransientError
from pmo_hub.services import committing, derivation, sync
from pmo_hub.services.running import LEASE_TTL
from pmo_hub.store import preparing
from pmo_hub.store.repositories import syncing
from pmo_hub.store.unit_of_work import Work
from tests.sdk.fake_source import DeltaConnector, DeltaSource
from tests.services.connected import CONNECTION, Connected

ELSEWHERE = "elsewhere|1|other"
"""A worker of another machine: nobody here can know whether it lives."""


@pytest.fixture
def hub(work: Work, tmp_path: Path) -> Connected:
    return Connected(work, tmp_path, DeltaConnector())


def take_over(hub: Connected, *, after: timedelta = LEASE_TTL + timedelta(seconds=1), dead: bool = False) -> syncing.Lease:
    """Another worker has the lease, which had expired, or whose holder is known to be dead."""
    hub.now += after
    with hub.work.write() as session:
        lease = syncing.take_lease(session, CONNECTION, ELSEWHERE, lambda _: not dead, hub.now, LEASE_TTL)
    assert lease is not None
    return lease


def everything(hub: Connected) -> dict[str, Any]:
    tables = {"scopes": hub.rows("scopes"), "events": hub.rows("events"), "pending": hub.rows("pending_derivations")}
    return {**hub.written(), **tables, "state": hub.state()}


def test_a_worker_that_lost_its_lease_in_the_middle_of_a_batch_commits_nothing_of_it(
    hub: Connected, monkeypatch: pytest.MonkeyPatch
) -> None:
    original, seen = preparing.prepare, dict[str, Any]()

    def lost(*args: Any, **options: Any) -> Any:
        if not seen:
            seen.update(everything(hub))
            take_over(hub)
        return original(*args, **options)

    monkeypatch.setattr(committing, "prepare", lost)
    run = sync.run(hub.hub, sync.request(hub.hub, CONNECTION))
    assert everything(hub) == seen
    # Its own row says "running" until whoever has the connection now finds it cut off.
    assert (run.state, hub.rows("leases")[0].holder, hub.rows("leases")[0].fence) == ("running", ELSEWHERE, 2)


@pytest.mark.parametrize("derives", [False, True])
def test_a_worker_that_lost_its_lease_after_its_last_batch_neither_derives_nor_ends_its_run(
    hub: Connected, monkeypatch: pytest.MonkeyPatch, derives: bool
) -> None:
    original, seen = derivation.catch_up, dict[str, Any]()

    def lost(*args: Any) -> None:
        if derives:
            original(*args)
        seen.update(everything(hub))
        take_over(hub)
        original(*args)

    monkeypatch.setattr(derivation, "catch_up", lost)
    run = sync.run(hub.hub, sync.request(hub.hub, CONNECTION))
    assert bool(seen["pending"]) is not derives
    assert everything(hub) == seen
    assert (run.state, hub.rows("leases")[0].holder) == ("running", ELSEWHERE)


@pytest.mark.parametrize(
    "error", [AuthError("The token has expired."), TransientError("Not now.", timedelta(minutes=5)), RuntimeError("a bug")]
)
def test_a_worker_that_lost_its_lease_does_not_tell_how_its_run_ended(
    hub: Connected, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    class Broken(DeltaSource):
        def read(self, partition: Partition) -> Iterator[Page]:
            yield Page()
            if hub.rows("leases")[0].holder != ELSEWHERE:
                take_over(hub)
            raise error

    monkeypatch.setattr(hub.connector, "source", Broken)
    run = sync.run(hub.hub, sync.request(hub.hub, CONNECTION), attempt=1)
    assert (run.state, run.error, run.waiting_until) == ("running", None, None)
    stored = hub.stored()
    assert (stored.state, stored.failures, stored.last_error) == ("active", 0, None)
    assert hub.rows("leases")[0].holder == ELSEWHERE
    assert hub.rows("events") == []
    assert len(hub.rows("jobs")) == 1


def test_who_takes_over_goes_on_where_the_other_had_committed(hub: Connected, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pmo_hub.host.reader.BATCH_PAYLOADS", 1)
    original, calls = preparing.prepare, list[int]()

    def then(*args: Any, **options: Any) -> Any:
        calls.append(1)
        if len(calls) == 4:
            # On PostgreSQL the batch before may be renewing the lease just now: it never expires, but its holder may die.
            take_over(hub, dead=True)
        return original(*args, **options)

    monkeypatch.setattr(committing, "prepare", then)
    first = sync.run(hub.hub, sync.request(hub.hub, CONNECTION))
    assert first.state == "running"
    hub.now += LEASE_TTL + timedelta(seconds=1)
    second = hub.sync()
    assert second.state == "finished"
    hub.assert_as(hub.model())
    states = {row.id: row.state for row in hub.rows("sync_runs")}
    assert states == {first.id: "interrupted", second.id: "finished"}


def test_a_lease_that_has_not_expired_keeps_others_out(hub: Connected) -> None:
    take_over(hub, after=timedelta(0))
    run_id = sync.request(hub.hub, CONNECTION)
    with pytest.raises(sync.Busy):
        sync.run(hub.hub, run_id)
    hub.now += LEASE_TTL + timedelta(seconds=1)
    assert sync.run(hub.hub, run_id).state == "finished"
    assert hub.rows("leases")[0].fence == 2


def test_two_workers_at_once_are_one_sync_and_one_that_waits_its_turn(hub: Connected, monkeypatch: pytest.MonkeyPatch) -> None:
    inside, go_on, outcomes = threading.Event(), threading.Event(), []

    class Slow(DeltaSource):
        def check(self) -> str:
            inside.set()
            go_on.wait(30)
            return super().check()

    monkeypatch.setattr(hub.connector, "source", Slow)
    first = sync.request(hub.hub, CONNECTION)
    worker = threading.Thread(target=lambda: outcomes.append(sync.run(hub.hub, first).state))
    worker.start()
    assert inside.wait(30)
    # Asked for while one runs: a further one, and only one, waits.
    second = sync.request(hub.hub, CONNECTION)
    assert second != first
    assert sync.request(hub.hub, CONNECTION) == second
    with pytest.raises(sync.Busy):
        sync.run(hub.hub, second)
    go_on.set()
    worker.join(30)
    assert outcomes == ["finished"]
    assert sync.run(hub.hub, second).state == "finished"


@pytest.mark.parametrize(
    ("asked", "left"),
    [
        (("incremental", "incremental"), ["incremental"]),
        (("incremental", "full", "incremental"), ["full"]),
        (("full", "incremental"), ["full"]),
        (("census", "accepting_census", "census"), ["accepting_census"]),
        (("census", "incremental", "full", "census"), ["census", "full"]),
    ],
)
def test_requests_that_wait_are_one_run_of_each_kind_and_the_wider_does_for_the_narrower(
    hub: Connected, asked: tuple[str, ...], left: list[str]
) -> None:
    ids = [sync.request(hub.hub, CONNECTION, mode) for mode in asked]
    assert sorted(run.mode for run in hub.rows("sync_runs")) == left
    assert len(hub.rows("jobs")) == len(set(ids)) == len(left)


def test_requests_from_many_threads_at_once_are_one_run(hub: Connected) -> None:
    barrier, ids = threading.Barrier(6), []

    def ask() -> None:
        barrier.wait(30)
        ids.append(sync.request(hub.hub, CONNECTION))

    threads = [threading.Thread(target=ask) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(ids) == 6
    assert len(set(ids)) == len(hub.rows("jobs")) == 1


def test_a_connector_without_news_still_has_its_lease_renewed_by_what_it_commits(hub: Connected) -> None:
    hub.sync()
    lease = hub.rows("leases")[0]
    assert (lease.holder, lease.expires_at, lease.fence) == (None, None, 1)
