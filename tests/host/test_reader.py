"""Partitions read side by side: order, bounds, errors, and an end without leftovers."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from typing import Any, cast

import pytest

from pmo_hub.host import reader as module
from pmo_hub.host.reader import FIRST_THREADS, Buffer, Ended, Reader
from pmo_hub.sdk.contract import Mode, Page, Partition, Payload, Ref, Source


class Pages:
    """A source whose partitions have so many pages of so many payloads; a negative count breaks off after that many."""

    def __init__(self, sizes: dict[str, int], payloads: int = 10) -> None:
        self.sizes = sizes
        self.payloads = payloads
        self.read_pages = 0
        self.lock = threading.Lock()

    def read(self, partition: Partition) -> Iterator[Page]:
        size = self.sizes[partition.name]
        for number in range(abs(size)):
            with self.lock:
                self.read_pages += 1
            refs = [Ref("x", f"{partition.name}-{number}-{i}") for i in range(self.payloads)]
            yield Page([Payload(ref, partition.name, b"{}") for ref in refs], {f"{partition.name}/at": str(number)})
        if size < 0:
            raise ValueError(partition.name)


def partition(name: str) -> Partition:
    return Partition(name, (name,), {}, Mode.FULL)


def source(pages: Pages) -> Source:
    return cast(Source, cast(Any, pages))


def drain(reader: Reader) -> tuple[dict[str, list[str]], dict[str, BaseException | None], list[int]]:
    """States by partition in their order of arrival, how each partition ended, and the batches' sizes."""
    states: dict[str, list[str]] = {}
    ended: dict[str, BaseException | None] = {}
    sizes = []
    for batch in reader.batches():
        for part, page in batch.pages:
            assert part.name not in ended
            states.setdefault(part.name, []).append(page.state[f"{part.name}/at"] or "")
        for end in batch.ended:
            ended[end.partition.name] = end.error
        sizes.append(batch.payloads)
    return states, ended, sizes


def test_every_page_comes_once_in_its_partition_s_order() -> None:
    sizes = {f"p{i}": i * 3 for i in range(8)}
    with Reader(source(Pages(sizes)), [partition(n) for n in sizes], 4) as reader:
        states, ended, _ = drain(reader)
    assert states == {n: [str(i) for i in range(s)] for n, s in sizes.items() if s}
    assert ended == dict.fromkeys(sizes)


def test_a_batch_is_bounded() -> None:
    with Reader(source(Pages({"p": 100}, payloads=100)), [partition("p")], 1) as reader:
        _, _, sizes = drain(reader)
    assert sum(sizes) == 10_000
    assert max(sizes) == module.BATCH_PAYLOADS


def test_what_was_read_before_an_error_arrives_before_it() -> None:
    with Reader(source(Pages({"good": 5, "bad": -3})), [partition("good"), partition("bad")], 2) as reader:
        states, ended, _ = drain(reader)
    assert states["bad"] == ["0", "1", "2"]
    assert isinstance(ended["bad"], ValueError)
    assert ended["good"] is None


def test_partitions_may_be_added_while_others_are_read() -> None:
    pages = Pages({"bad": -1, "again": 2})
    seen: list[str] = []
    with Reader(source(pages), [partition("bad")], 2) as reader:
        for batch in reader.batches():
            seen += [p.name for p, _ in batch.pages]
            if any(e.error for e in batch.ended):
                reader.add([partition("again")])
    assert seen == ["bad", "again", "again"]


def test_leaving_early_stops_the_threads() -> None:
    pages = Pages({"p": 10_000})
    before = threading.active_count()
    with Reader(source(pages), [partition("p")], 3) as reader:
        next(reader.batches())
    assert threading.active_count() == before
    assert pages.read_pages < 10_000


def test_nothing_to_read_is_no_batch() -> None:
    empty: Sequence[Partition] = ()
    with Reader(source(Pages({})), empty, 2) as reader:
        assert list(reader.batches()) == []


def test_threads_join_only_while_the_committer_starves() -> None:
    release = threading.Event()
    waiting = threading.Semaphore(0)

    class Slow(Pages):
        def read(self, partition: Partition) -> Iterator[Page]:
            waiting.release()
            release.wait()
            yield from super().read(partition)

    sizes = {f"p{i}": 1 for i in range(12)}
    with Reader(source(Slow(sizes)), [partition(n) for n in sizes], 8) as reader:
        assert threads() == FIRST_THREADS
        batches = reader.batches()
        first = threading.Thread(target=lambda: next(batches))
        first.start()
        for _ in range(8):
            waiting.acquire()
        assert threads() == 8
        release.set()
        first.join()
        drain(reader)


def test_a_fast_source_is_read_with_few_threads() -> None:
    sizes = {f"p{i}": 3 for i in range(12)}
    with Reader(source(Pages(sizes)), [partition(n) for n in sizes], 8) as reader:
        drain(reader)
        assert len(reader._threads) == FIRST_THREADS


def threads() -> int:
    return sum(thread.name.startswith("reader-") for thread in threading.enumerate())


@pytest.mark.parametrize(
    ("pages", "payloads", "body"), [(module.BUFFER_PAGES, 1, b"{}"), (1, module.BATCH_PAYLOADS, b"{}"), (1, 1, b" " * 2**22)]
)
def test_what_waits_for_the_committer_is_bounded_by_pages_payloads_and_bytes(pages: int, payloads: int, body: bytes) -> None:
    buffer = Buffer()
    page = Page([Payload(Ref("x", str(i)), "p", body) for i in range(payloads)])
    for _ in range(pages):
        assert buffer.has_room()
        assert buffer.reserve()
        buffer.put((partition("p"), page))
    assert not buffer.has_room()
    assert buffer.take(None) == (partition("p"), page)
    assert buffer.has_room()


def test_pages_that_are_being_read_count_as_if_they_waited() -> None:
    buffer = Buffer()
    for _ in range(module.BUFFER_PAGES):
        assert buffer.has_room()
        buffer.reserve()
    assert not buffer.has_room()


def test_a_buffer_that_is_closed_takes_nothing_in_and_holds_nothing() -> None:
    buffer = Buffer()
    for number in range(module.BUFFER_PAGES):
        buffer.reserve()
        buffer.put((partition("p"), Page(state={"p/at": str(number)})))
    answers: list[bool] = []
    waits = threading.Thread(target=lambda: answers.append(buffer.reserve()))
    waits.start()
    buffer.close()
    waits.join()
    buffer.put(Ended(partition("p")))
    assert answers == [False]
    assert buffer.take(0) is None
