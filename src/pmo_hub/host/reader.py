"""Partitions are read side by side into a bounded queue; one committer takes batches of consecutive pages out of it."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from queue import Empty, Full, Queue
from threading import Condition, Event, Thread

from pmo_hub.sdk.contract import Page, Partition, Source

QUEUE_PAGES = 8
BATCH_PAYLOADS = 2_000
BATCH_BYTES = 16 * 1024 * 1024
BATCH_WAIT_S = 2.0
FIRST_THREADS = 2
STARVED_S = 0.05
"""The committer has waited so long for a page: partitions are worth reading with twice as many threads."""
_POLL_S = 0.1


@dataclass(frozen=True, slots=True)
class Ended:
    """A partition was read to its end, or broke off with `error`."""

    partition: Partition
    error: BaseException | None = None


Reading = tuple[Partition, Page] | Ended


@dataclass(slots=True)
class Batch:
    """Pages in the order in which they were read; of one partition always consecutive. `ended` came after the last page."""

    pages: list[tuple[Partition, Page]] = field(default_factory=list)
    ended: list[Ended] = field(default_factory=list)
    payloads: int = 0
    bytes: int = 0

    def is_full(self) -> bool:
        return self.payloads >= BATCH_PAYLOADS or self.bytes >= BATCH_BYTES


class Reader:
    """Reads partitions with up to `concurrency` threads. Use as a context manager: leaving it stops the threads at their next page.

    It begins with few: threads that read faster than the committer writes only take the interpreter from it (measured: a first sync's
    reading costs half as much with two threads as with eight). Where the source answers slowly the committer starves, and more join.
    """

    def __init__(self, source: Source, partitions: Sequence[Partition], concurrency: int) -> None:
        self._source = source
        self._todo = deque(partitions)
        self._unfinished = len(self._todo)
        self._changed = Condition()
        self._queue: Queue[Reading] = Queue(QUEUE_PAGES)
        self._stopping = Event()
        self._concurrency = max(1, concurrency)
        self._threads: list[Thread] = []

    def __enter__(self) -> Reader:
        self._grow_to(FIRST_THREADS)
        return self

    def _grow_to(self, threads: int) -> None:
        for number in range(len(self._threads), min(threads, self._concurrency)):
            thread = Thread(target=self._work, name=f"reader-{number}", daemon=True)
            self._threads.append(thread)
            thread.start()

    def __exit__(self, *_: object) -> None:
        with self._changed:
            self._stopping.set()
            self._changed.notify_all()
        for thread in self._threads:
            while thread.is_alive():
                try:
                    self._queue.get_nowait()
                except Empty:
                    thread.join(_POLL_S)

    def add(self, partitions: Sequence[Partition]) -> None:
        """Read these too; called by the consumer before it takes the next batch."""
        with self._changed:
            self._todo.extend(partitions)
            self._unfinished += len(partitions)
            self._changed.notify_all()

    def batches(self) -> Iterator[Batch]:
        """Batches until every partition, the added ones too, has ended."""
        while True:
            with self._changed:
                if self._unfinished == 0:
                    return
            yield self._gather()

    def _gather(self) -> Batch:
        batch = Batch()
        deadline: float | None = None
        while not batch.is_full():
            try:
                reading = self._next(deadline)
            except Empty:
                return batch
            if deadline is None:
                deadline = time.monotonic() + BATCH_WAIT_S
            if isinstance(reading, Ended):
                batch.ended.append(reading)
                with self._changed:
                    self._unfinished -= 1
                    if self._unfinished == 0:
                        return batch
                if reading.error is not None:
                    return batch
                continue
            batch.pages.append(reading)
            batch.payloads += len(reading[1].payloads)
            batch.bytes += sum(len(p.body) for p in reading[1].payloads)
            if reading[1].stale:
                return batch
        return batch

    def _next(self, deadline: float | None) -> Reading:
        """The next reading, however long it takes where there is no deadline; Empty when that passes."""
        while len(self._threads) < self._concurrency and (deadline is None or deadline - time.monotonic() > STARVED_S):
            try:
                return self._queue.get(timeout=STARVED_S)
            except Empty:
                self._grow_to(2 * len(self._threads))
        return self._queue.get(timeout=None if deadline is None else max(0.0, deadline - time.monotonic()))

    def _work(self) -> None:
        while True:
            with self._changed:
                while not self._todo and not self._stopping.is_set():
                    self._changed.wait()
                if self._stopping.is_set():
                    return
                partition = self._todo.popleft()
            error: BaseException | None = None
            try:
                for page in self._source.read(partition):
                    if not self._put((partition, page)):
                        return
            except BaseException as e:  # noqa: BLE001  whatever ends a partition is the committer's to judge
                error = e
            if not self._put(Ended(partition, error)):
                return

    def _put(self, reading: Reading) -> bool:
        while not self._stopping.is_set():
            try:
                self._queue.put(reading, timeout=_POLL_S)
            except Full:
                continue
            return True
        return False
