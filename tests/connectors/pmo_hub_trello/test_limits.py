"""What Trello allows a token, and what a poll costs: counted where the requests arrive."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime, timedelta

import pytest

from pmo_hub.sdk.contract import Mode
from pmo_hub.sdk.http import Clockwork, client
from pmo_hub.sdk.testing import MemoryContext, MemoryHost
from pmo_hub.sdk.throttle import LocalThrottle, SharedThrottle, Throttle
from pmo_hub.store.repositories.throttles import Ledgers
from pmo_hub.store.unit_of_work import Work
from pmo_hub_trello.client import HeaderAuth, TrelloClient
from pmo_hub_trello.config import TrelloConfig
from pmo_hub_trello.connector import TrelloConnector
from pmo_hub_trello.simulated_masses import huge_board, quiet_boards
from pmo_hub_trello.simulator import Simulator, serve

NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)
FAST = 14.0
"""So much faster than elsewhere time passes for the throttles, for the ledger and at Trello: ten seconds are less than one."""

CONNECTOR = TrelloConnector()
ALLOWED = 100
EACH = 20
"""Requests of a thread: those of two workers with four are more than are allowed in ten seconds."""


class FastTime:
    def __init__(self) -> None:
        self._begun = time.monotonic()
        self._never = threading.Event()

    def __call__(self) -> float:
        return (time.monotonic() - self._begun) * FAST

    def sleep(self, seconds: float) -> None:
        self._never.wait(seconds / FAST)

    def at(self, _: object) -> datetime:
        return NOW + timedelta(seconds=self())


def ask(simulator: Simulator, throttle: Throttle, clock: FastTime, board: str) -> None:
    """As fast as the throttle lets requests through, from four threads."""
    clockwork = Clockwork(monotonic=clock, sleep=clock.sleep)
    with client(simulator.url, HeaderAuth(simulator.key, simulator.token), throttle=throttle, clockwork=clockwork) as http:
        wire = TrelloClient(http, 4)

        def send() -> None:
            for _ in range(EACH):
                wire.newest_action(board)

        threads = [threading.Thread(target=send) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)


def test_two_workers_together_keep_to_what_a_token_is_allowed(work: Work) -> None:
    """Trello counts itself, over any ten seconds, and refuses nobody."""
    clock = FastTime()
    world = quiet_boards(1, 1, NOW)
    board = next(iter(world.boards))
    with serve(Simulator(world, NOW, monotonic=clock)) as simulator:
        simulator.limits.requests = ALLOWED
        throttles = [SharedThrottle(CONNECTOR.rate_limit, Ledgers(work, name, clock.at).of("a" * 32), clock=clock, sleep=clock.sleep)
                     for name in ("one", "two")]  # fmt: skip
        workers = [threading.Thread(target=ask, args=(simulator, throttle, clock, board)) for throttle in throttles]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join(60)
        assert simulator.limits.most <= ALLOWED
        assert {entry.status for entry in simulator.log} == {200}
        assert len(simulator.log) == 2 * 4 * EACH


def test_what_trello_says_is_left_is_obeyed_where_a_batch_counts_as_all_that_is_in_it() -> None:
    clock = FastTime()
    world = quiet_boards(1, 300, NOW)
    with serve(Simulator(world, NOW, monotonic=clock)) as simulator:
        simulator.limits.requests, simulator.limits.batch = ALLOWED, 1
        throttle = LocalThrottle(CONNECTOR.rate_limit, clock=clock, sleep=clock.sleep)
        clockwork = Clockwork(monotonic=clock, sleep=clock.sleep)
        with client(simulator.url, HeaderAuth(simulator.key, simulator.token), throttle=throttle, clockwork=clockwork) as http:
            found = TrelloClient(http, 4).activity(list(world.boards))
        assert [status for status, _ in found] == [200] * 300
        assert simulator.limits.most <= ALLOWED
        assert sum(entry.status == 429 for entry in simulator.log) <= 2


def test_a_quiet_poll_of_a_hundred_boards_costs_at_most_twelve_requests() -> None:
    world = quiet_boards(1, 100, NOW)
    with serve(Simulator(world, NOW)) as simulator:
        host = MemoryHost(CONNECTOR, list(world.boards))
        config = TrelloConfig.model_validate(simulator.config())
        with CONNECTOR.open(config, MemoryContext(clock=lambda: NOW)) as source:
            host.sync(source)
        simulator.reset_log()
        with CONNECTOR.open(config, MemoryContext(clock=lambda: NOW + timedelta(minutes=15))) as source:
            source.check()
            assert source.partitions(tuple(host.scopes), dict(host.state), Mode.INCREMENTAL) == []
        assert sum(simulator.stats.values()) <= 12, dict(simulator.stats)


@pytest.mark.parametrize(("cards", "actions"), [(700, 2_500)])
def test_a_large_board_is_read_page_by_page(cards: int, actions: int) -> None:
    """Nothing grows with the board but the number of pages, and each card and action comes once."""
    world = huge_board(1, cards, actions, NOW)
    (board,) = world.boards
    with serve(Simulator(world, NOW)) as simulator:
        config = TrelloConfig.model_validate(simulator.config())
        with CONNECTOR.open(config, MemoryContext(clock=lambda: NOW)) as source:
            (partition,) = source.partitions((board,), {}, Mode.INCREMENTAL)
            pages = list(source.read(partition))
        assert max(len(page.payloads) for page in pages) <= 1_000
        refs = [payload.ref for page in pages for payload in page.payloads]
        assert len(refs) == len(set(refs))
        assert sum(ref.kind == "card" for ref in refs) == cards
        assert sum(ref.kind != "card" for ref in refs) == actions - cards + 1  # besides the board, all but the creations
        requests = dict(simulator.stats)
        assert requests["GET /boards/{id}/cards/all"] == -(-cards // 300) + 1
        assert requests["GET /boards/{id}/actions"] == -(-actions // 1_000) + 2
