"""How long a run will still take."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import pytest

from pmo_hub.services import runs
from pmo_hub.services.errors import NotFound
from pmo_hub.services.hub import Hub
from pmo_hub.services.runs import seconds_left
from pmo_hub.store.repositories.sync_runs import StoredRun
from tests.serving import clock, shelf_hub

__all__ = ["clock", "shelf_hub"]

START = datetime(2026, 11, 23, 8, tzinfo=UTC)


def run(state: str, fetched: Mapping[str, int], expected: Mapping[str, int], estimate: int | None = None, wait_s: int = 0) -> StoredRun:
    until = START + timedelta(seconds=wait_s) if wait_s else None
    return StoredRun("r", "c", "full", "request", state, START, None, None, until, fetched, expected, {}, {}, 0, 0, estimate, None)


@pytest.mark.parametrize(
    ("found", "elapsed_s", "left"),
    [
        # 100 of 400 in 10 s: 10 a second, 300 are left.
        (run("running", {"issue": 100}, {"issue": 400}), 10, 30),
        # What the source does not count says nothing about how far it is.
        (run("running", {"issue": 100, "history": 9_000}, {"issue": 400}), 10, 30),
        (run("running", {"issue": 400}, {"issue": 400}), 10, 0),
        (run("running", {"issue": 500}, {"issue": 400}), 10, 0),
        (run("running", {}, {"issue": 400}), 10, None),
        (run("running", {"issue": 100}, {}), 10, None),
        (run("running", {"issue": 100}, {"issue": 400}), 0, None),
        (run("queued", {}, {}, estimate=500), 10, 10),
        (run("queued", {}, {}), 10, None),
        (run("waiting", {}, {}, wait_s=100), 10, 90),
        (run("waiting", {}, {}, wait_s=100), 200, 0),
        (run("finished", {"issue": 100}, {"issue": 400}), 10, None),
        (run("failed", {"issue": 100}, {"issue": 400}), 10, None),
    ],
)
def test_the_time_left_follows_from_the_speed_so_far(found: StoredRun, elapsed_s: int, left: int | None) -> None:
    assert seconds_left(found, START + timedelta(seconds=elapsed_s)) == left


def test_a_run_that_is_not_there_is_not_found(shelf_hub: Hub) -> None:
    with pytest.raises(NotFound):
        runs.get(shelf_hub, "nothing")
