"""The couriers of a process: lanes side by side, none twice, and an end that waits for what is under way."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Sequence

from pmo_hub.jobs.courier import Courier


class Lanes:
    """Lanes that are due until they were walked so often; one that is held is walked until the test lets it go."""

    def __init__(self, walks: dict[str, int], held: str | None = None) -> None:
        self.left = dict(walks)
        self.held = held
        self.go_on = threading.Event()
        self.walked: list[str] = []
        self.ended: list[str] = []
        self.over = threading.Event()
        self.side_by_side = 0

    def due(self, without: Sequence[str], limit: int) -> list[str]:
        return [lane for lane, left in self.left.items() if left and lane not in without][:limit]

    async def drive(self, lane: str, is_stopping: Callable[[], bool]) -> int:
        self.walked.append(lane)
        self.left[lane] -= 1
        self.side_by_side = max(self.side_by_side, len(self.walked) - len(self.ended))
        if lane == self.held:
            await asyncio.to_thread(self.go_on.wait, 20)
        if not any(left for one, left in self.left.items() if one != self.held):
            self.over.set()
        self.ended.append(lane)
        return 1


def test_a_lane_that_hangs_holds_up_no_other() -> None:
    lanes = Lanes({"slow": 1, "a": 5, "b": 5}, held="slow")
    courier = Courier(lambda: False, lanes.due, lanes.drive, poll_s=30.0)
    courier.start()
    assert lanes.over.wait(10), "what was sent is followed by another look at once, long before the next poll"
    assert "slow" not in lanes.ended
    lanes.go_on.set()
    courier.stop()
    assert sorted(lanes.ended) == ["a"] * 5 + ["b"] * 5 + ["slow"]


def test_what_is_dispatched_is_looked_at_at_once() -> None:
    lanes = Lanes({"a": 0})
    told = threading.Event()

    def dispatch() -> bool:
        if told.is_set():
            return False
        lanes.left["a"] = 1
        told.set()
        return True

    courier = Courier(dispatch, lanes.due, lanes.drive, poll_s=30.0)
    courier.start()
    assert lanes.over.wait(10)
    courier.stop()
    assert lanes.walked == ["a"]


def test_an_error_ends_neither_thread() -> None:
    lanes = Lanes({"a": 1})
    failed = threading.Event()

    def dispatch() -> bool:
        if not failed.is_set():
            failed.set()
            raise RuntimeError("the database is away")
        return False

    async def drive(lane: str, is_stopping: Callable[[], bool]) -> int:
        if lane not in lanes.walked:
            lanes.walked.append(lane)
            raise RuntimeError("a bug")
        return await lanes.drive(lane, is_stopping)

    courier = Courier(dispatch, lanes.due, drive, poll_s=0.02)
    courier.start()
    assert lanes.over.wait(10)
    courier.stop()
    assert lanes.walked == ["a", "a"]


def test_no_more_lanes_than_allowed_are_walked_side_by_side() -> None:
    lanes = Lanes({str(number): 3 for number in range(10)})
    courier = Courier(lambda: False, lanes.due, lanes.drive, poll_s=0.02, most_lanes=2)
    courier.start()
    assert lanes.over.wait(10)
    courier.stop()
    assert len(lanes.walked) == 30
    assert lanes.side_by_side <= 2
