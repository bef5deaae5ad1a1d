"""The job table and the worker over it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from pmo_hub.jobs.local import LocalWorker, PutBack
from pmo_hub.store.models.operation import Job
from pmo_hub.store.repositories import jobs
from pmo_hub.store.unit_of_work import Work

NOW = datetime(2026, 11, 2, 8, tzinfo=UTC)


def add(work: Work, slot: str, lock: str = "l", run_at: datetime = NOW, **arguments: Any) -> None:
    with work.write() as session:
        jobs.add(session, "k", slot, lock, arguments, run_at)


def claim(work: Work, now: datetime = NOW, holder: str = "me") -> jobs.Claimed | None:
    with work.write() as session:
        return jobs.claim(session, ["k"], holder, now)


def states(work: Work) -> dict[str, str]:
    with work.read() as session:
        return {r[0]: r[1] for r in session.execute(sa.select(Job.slot, Job.state))}


def test_a_slot_is_one_job(work: Work) -> None:
    add(work, "a", n=1)
    add(work, "a", n=2)
    claimed = claim(work)
    assert claimed is not None
    assert claimed.arguments == {"n": 1}
    assert claim(work) is None


def test_two_jobs_of_one_lock_do_not_run_together(work: Work) -> None:
    add(work, "a")
    add(work, "b")
    add(work, "c", lock="other")
    first, second = claim(work), claim(work)
    assert first is not None
    assert second is not None
    assert claim(work) is None
    with work.write() as session:
        jobs.finish(session, first.id, None, NOW)
        jobs.finish(session, second.id, None, NOW)
    assert claim(work) is not None


def test_a_job_waits_for_its_time(work: Work) -> None:
    add(work, "a", run_at=NOW + timedelta(hours=1))
    assert claim(work) is None
    assert claim(work, NOW + timedelta(hours=1)) is not None


@pytest.mark.parametrize(("alive", "silent_s", "again"), [(True, 30, False), (False, 0, True), (True, 90, True)])
def test_a_job_of_a_dead_or_silent_process_runs_again(work: Work, alive: bool, silent_s: int, again: bool) -> None:
    add(work, "a")
    assert claim(work) is not None
    with work.write() as session:
        jobs.reap(session, lambda holder: alive, NOW + timedelta(seconds=silent_s - 60))
    assert (states(work)["a"] == "waiting") is again


def test_ended_jobs_are_forgotten_after_a_while(work: Work) -> None:
    add(work, "a")
    job = claim(work)
    assert job is not None
    with work.write() as session:
        jobs.finish(session, job.id, None, NOW)
        jobs.forget(session, NOW)
    assert states(work) == {"a": "finished"}
    with work.write() as session:
        jobs.forget(session, NOW + timedelta(seconds=1))
    assert states(work) == {}


def run(work: Work, handler: Callable[[Mapping[str, Any]], None], wanted: int) -> list[Mapping[str, Any]]:
    """What a worker did until `wanted` calls were made."""
    done: list[Mapping[str, Any]] = []
    enough = threading.Event()

    def handle(arguments: Mapping[str, Any]) -> None:
        done.append(arguments)
        try:
            handler(arguments)
        finally:
            if len(done) >= wanted:
                enough.set()

    def tick() -> None:
        pass

    worker = LocalWorker(work, lambda: datetime.now(UTC), {"k": handle}, tick, "me", lambda holder: True, concurrency=2, poll_s=0.01)
    worker.start()
    try:
        assert enough.wait(20)
    finally:
        worker.stop()
    return done


def test_a_worker_runs_every_job_once(work: Work) -> None:
    for i in range(10):
        add(work, f"s{i}", f"l{i % 3}", n=i)
    done = run(work, lambda arguments: None, 10)
    assert sorted(a["n"] for a in done) == list(range(10))
    assert set(states(work).values()) == {"finished"}


def test_a_job_that_fails_is_marked_and_the_worker_goes_on(work: Work) -> None:
    add(work, "bad", n=1)
    add(work, "good", n=2)

    def handle(arguments: Mapping[str, Any]) -> None:
        if arguments["n"] == 1:
            raise ValueError

    run(work, handle, 2)
    assert states(work) == {"bad": "failed", "good": "finished"}


def test_a_job_that_is_put_back_runs_again(work: Work) -> None:
    add(work, "a")
    calls = []

    def handle(arguments: Mapping[str, Any]) -> None:
        calls.append(1)
        if len(calls) == 1:
            raise PutBack(timedelta(0))

    run(work, handle, 2)
    assert states(work) == {"a": "finished"}
