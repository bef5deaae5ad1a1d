"""The couriers of one process: a thread that gives positions, and a loop on which the lanes are walked side by side."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Sequence

import structlog

log = structlog.get_logger(__name__)

MOST_LANES = 32


class Courier:
    """Calls `dispatch` until it returns False, again every `poll_s`; walks each lane that `due` names, one walk of a lane at a time.

    `due(without, limit)` names lanes, without those that are walked already; `drive(lane, is_stopping)` walks one and returns how much it
    sent. A lane that waits for its endpoint costs no thread.
    """

    def __init__(
        self,
        dispatch: Callable[[], bool],
        due: Callable[[Sequence[str], int], Sequence[str]],
        drive: Callable[[str, Callable[[], bool]], Awaitable[int]],
        poll_s: float = 1.0,
        most_lanes: int = MOST_LANES,
    ) -> None:
        self._dispatch = dispatch
        self._due = due
        self._drive = drive
        self._poll_s = poll_s
        self._most = most_lanes
        self._stopping = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._news: asyncio.Event | None = None
        self._threads = [
            threading.Thread(target=self._dispatch_on, name="dispatcher", daemon=True),
            threading.Thread(target=lambda: asyncio.run(self._walk_on()), name="courier", daemon=True),
        ]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self, wait_s: float = 20.0) -> None:
        """No further round is begun; those that are under way get `wait_s` to be written down. What isn't is sent again."""
        self._stopping.set()
        self._wake()
        for thread in self._threads:
            thread.join(wait_s)

    def _wake(self) -> None:
        loop, news = self._loop, self._news
        if loop is not None and news is not None and not loop.is_closed():
            try:
                loop.call_soon_threadsafe(news.set)
            except RuntimeError:
                return  # the loop ended meanwhile

    def _dispatch_on(self) -> None:
        while not self._stopping.is_set():
            try:
                if self._dispatch():
                    self._wake()
                    continue
            except Exception:
                log.exception("courier.dispatch_failed")
            self._stopping.wait(self._poll_s)

    async def _walk_on(self) -> None:
        self._loop, self._news = asyncio.get_running_loop(), asyncio.Event()
        walks: dict[str, asyncio.Task[None]] = {}
        while not self._stopping.is_set():
            walks = {lane: walk for lane, walk in walks.items() if not walk.done()}
            try:
                free = self._most - len(walks)
                named = await asyncio.to_thread(self._due, list(walks), free) if free > 0 else ()
            except Exception:
                log.exception("courier.look_failed")
                named = ()
            for lane in named:
                walks[lane] = asyncio.create_task(self._walk(lane))
            await self._rest()
        if walks:
            await asyncio.wait(walks.values())

    async def _rest(self) -> None:
        news = self._news
        if news is None:
            return
        try:
            async with asyncio.timeout(self._poll_s):
                await news.wait()
        except TimeoutError:
            return
        news.clear()

    async def _walk(self, lane: str) -> None:
        try:
            sent = await self._drive(lane, self._stopping.is_set)
        except Exception:
            log.exception("courier.walk_failed", lane=lane)
            return
        if sent and self._news is not None:
            self._news.set()
