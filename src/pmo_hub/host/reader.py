"""Partitions are read side by side into a bounded buffer; one committer takes batches of consecutive pages out of it."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from threading import Condition, Thread

from pmo_hub.sdk.contract import Page, Partition, Source

BATCH_PAYLOADS = 2_000
BATCH_BYTES = 16 * 1024 * 1024
BUFFER_PAGES = 8
BUFFER_BYTES = 4 * 1024 * 1024
"""Of bodies that wait for the committer. Of a source that answers in large pages fewer wait, one at least."""
BATCH_WAIT_S = 2.0
FIRST_THREADS = 2
STARVED_S = 0.05
"""The committer has waited so long for a page: partitions are worth reading with twice as many threads."""


@dataclass(frozen=True, slots=True)
class Ended:
    """A partition was read to its end, or broke off with `error`."""

    partition: Partition
    error: BaseException | None = None


Reading = tuple[Partition, Page] | Ended


def size_of(page: Page) -> int:
    """Bytes of the page's bodies."""
    return sum(len(payload.body) for payload in page.payloads)


@dataclass(slots=True)
class Batch:
    """Pages in the order in which they were read; of one partition always consecutive. `ended` came after the last page."""

    pages: list[tuple[Partition, Page]] = field(default_factory=list)
    ended: list[Ended] = field(default_factory=list)
    payloads: int = 0
    bytes: int = 0

    def is_full(self) -> bool:
        return self.payloads >= BATCH_PAYLOADS or self.bytes >= BATCH_BYTES


class Buffer:
    """Readings between the threads that read and the committer, in the order in which they came.

    Who wants to read a page reserves room for it first: what is being read and what waits are together at most `BUFFER_PAGES`. There is
    none while what waits is as much as a batch, or `BUFFER_BYTES`. Once the buffer is closed it takes nothing in, and holds nothing.
    """

    def __init__(self) -> None:
        self._held: deque[Reading] = deque()
        self._reserved = 0
        self._payloads = 0
        self._bytes = 0
        self._is_closed = False
        self._changed = Condition()

    def reserve(self) -> bool:
        """Waits for room for a page; False where it is closed. To be followed by a `put`."""
        with self._changed:
            self._changed.wait_for(lambda: self._is_closed or self.has_room())
            self._reserved += 1
            return not self._is_closed

    def put(self, reading: Reading) -> None:
        """What room was reserved for; never waits."""
        with self._changed:
            self._reserved -= 1
            if not self._is_closed:
                self._held.append(reading)
                self._weigh(reading, 1)

    def take(self, wait_s: float | None) -> Reading | None:
        """The next reading, waited for so long (None: however long it takes); None where there is none by then."""
        with self._changed:
            if not self._changed.wait_for(lambda: bool(self._held), wait_s):
                return None
            reading = self._held.popleft()
            self._weigh(reading, -1)
            return reading

    def close(self) -> None:
        with self._changed:
            self._is_closed = True
            self._held.clear()
            self._changed.notify_all()

    def has_room(self) -> bool:
        return self._reserved + len(self._held) < BUFFER_PAGES and self._payloads < BATCH_PAYLOADS and self._bytes < BUFFER_BYTES

    def _weigh(self, reading: Reading, sign: int) -> None:
        if not isinstance(reading, Ended):
            self._payloads += sign * len(reading[1].payloads)
            self._bytes += sign * size_of(reading[1])
        self._changed.notify_all()


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
        self._buffer = Buffer()
        self._is_stopping = False
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
            self._is_stopping = True
            self._changed.notify_all()
        self._buffer.close()
        for thread in self._threads:
            thread.join()

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
            reading = self._next(deadline)
            if reading is None:
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
            batch.bytes += size_of(reading[1])
            if reading[1].stale:
                return batch
        return batch

    def _next(self, deadline: float | None) -> Reading | None:
        """The next reading, however long it takes where there is no deadline; None when that passes."""
        while len(self._threads) < self._concurrency and (deadline is None or deadline - time.monotonic() > STARVED_S):
            reading = self._buffer.take(STARVED_S)
            if reading is not None:
                return reading
            self._grow_to(2 * len(self._threads))
        return self._buffer.take(None if deadline is None else max(0.0, deadline - time.monotonic()))

    def _work(self) -> None:
        while True:
            with self._changed:
                while not self._todo and not self._is_stopping:
                    self._changed.wait()
                if self._is_stopping:
                    return
                partition = self._todo.popleft()
            if not self._buffer.reserve():
                return
            try:
                pages = self._source.read(partition)
                while (page := next(pages, None)) is not None:
                    self._buffer.put((partition, page))
                    del page  # not held while this thread waits for room
                    if not self._buffer.reserve():
                        return
                ended = Ended(partition)
            except BaseException as error:  # noqa: BLE001  whatever ends a partition is the committer's to judge
                ended = Ended(partition, error)
            self._buffer.put(ended)
