"""Several processes under one budget: what they are lent together is what the source allows, on both engines."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

import pytest

from pmo_hub.sdk.contract import RateLimit
from pmo_hub.sdk.quota import Quota
from pmo_hub.sdk.throttle import SharedThrottle
from pmo_hub.store.repositories.throttles import HOLDER_S, Ledgers, StoredLedger, database_time
from pmo_hub.store.unit_of_work import Session, Work

LIMIT = RateLimit(100, 10.0, 8)
KEY = "a" * 32


class Clock:
    def __init__(self) -> None:
        self.now = datetime(2026, 11, 23, 8, tzinfo=UTC)

    def __call__(self, _: Session) -> datetime:
        return self.now

    def forward(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


@pytest.fixture
def clock() -> Clock:
    return Clock()


def ledger(work: Work, clock: Clock, holder: str = "one", key: str = KEY) -> StoredLedger:
    return Ledgers(work, holder, clock).of(key)


def test_all_processes_together_are_lent_what_there_is(work: Work, clock: Clock) -> None:
    mine, theirs = ledger(work, clock), ledger(work, clock, "two")
    lent = [one.lease(LIMIT, 40.0, 0.0, None).tokens for one in (mine, theirs, mine, theirs)]
    assert lent == [40.0, 40.0, 20.0, 0.0]
    clock.forward(1)
    assert theirs.lease(LIMIT, 40.0, 0.0, None).tokens == 10.0
    assert mine.lease(LIMIT, 40.0, 7.5, None).tokens == 7.5


def test_less_than_one_token_stays_where_it_is(work: Work, clock: Clock) -> None:
    mine = ledger(work, clock)
    mine.lease(LIMIT, 100.0, 0.0, None)
    for _ in range(3):
        clock.forward(0.06)
        lent = mine.lease(LIMIT, 40.0, 0.0, None).tokens
    assert lent == pytest.approx(1.2) or lent == 0.0
    clock.forward(0.1)
    assert mine.lease(LIMIT, 40.0, 0.0, None).tokens >= 1.0


def test_places_are_shared_and_what_can_not_be_divided_goes_round(work: Work, clock: Clock) -> None:
    holders = [ledger(work, clock, name) for name in ("one", "two", "three")]
    for one in holders:
        one.lease(LIMIT, 1.0, 0.0, None)
    seen = set()
    for _ in range(6):
        places = tuple(one.lease(LIMIT, 1.0, 0.0, None).places for one in holders)
        assert sum(places) == LIMIT.concurrency
        seen.add(places)
        clock.forward(2)
    assert len(seen) == 3


def test_of_more_processes_than_places_each_has_its_turn(work: Work, clock: Clock) -> None:
    one_place = RateLimit(100, 10.0, 1)
    holders = [ledger(work, clock, name) for name in ("one", "two")]
    for one in holders:
        one.lease(one_place, 1.0, 0.0, None)
    turns = []
    for _ in range(4):
        turns.append([one.lease(one_place, 1.0, 0.0, None).places for one in holders])
        clock.forward(2)
    assert turns[0] != turns[1]
    assert all(sum(turn) == 1 for turn in turns)


def test_a_process_that_went_leaves_its_places(work: Work, clock: Clock) -> None:
    mine, theirs = ledger(work, clock), ledger(work, clock, "two")
    theirs.lease(LIMIT, 1.0, 0.0, None)
    assert mine.lease(LIMIT, 1.0, 0.0, None).places == 4
    clock.forward(HOLDER_S + 1)
    assert mine.lease(LIMIT, 1.0, 0.0, None).places == 8


def test_a_refusal_of_one_halves_the_places_of_all_and_closes_the_source_to_all(work: Work, clock: Clock) -> None:
    mine, theirs = ledger(work, clock), ledger(work, clock, "two")
    mine.lease(LIMIT, 1.0, 0.0, None)
    mine.refuse(LIMIT, 30.0, "jira-quota-tenant-based")
    theirs.refuse(LIMIT, 0.0, "jira-burst-based")  # of the same wave: not halved again
    lent = theirs.lease(LIMIT, 1.0, 0.0, None)
    assert (lent.places, lent.closed_s) == (2, 30.0)
    standing = Ledgers(work, "three", clock).standings([KEY, "b" * 32])[KEY]
    assert (standing.concurrency, standing.closed_s, standing.reason) == (4, 30.0, "jira-burst-based")


def test_each_clean_minute_gives_one_place_back(work: Work, clock: Clock) -> None:
    mine = ledger(work, clock)
    mine.refuse(LIMIT, 0.0, "jira-burst-based")
    places = []
    for _ in range(6):
        clock.forward(61)
        places.append(mine.lease(LIMIT, 1.0, 0.0, None).places)
    assert places == [5, 6, 7, 8, 8, 8]


def test_what_the_source_says_is_left_is_there_for_all_to_see_until_it_is_out_of_date(work: Work, clock: Clock) -> None:
    ledger(work, clock).lease(LIMIT, 1.0, 0.0, Quota(65_000, 0, 20.0))
    assert ledger(work, clock, "two").lease(LIMIT, 1.0, 0.0, None).closed_s == 20.0
    ledgers = Ledgers(work, "three", clock)
    seen = ledgers.standings([KEY])[KEY]
    assert (seen.limit, seen.remaining, seen.resets_in_s) == (65_000, 0, 20.0)
    clock.forward(21)
    later = ledgers.standings([KEY])[KEY]
    assert (later.remaining, later.resets_in_s, later.closed_s) == (None, None, 0.0)


def test_accounts_have_budgets_of_their_own(work: Work, clock: Clock) -> None:
    ledger(work, clock).refuse(LIMIT, 30.0, None)
    assert ledger(work, clock, key="b" * 32).lease(LIMIT, 1.0, 0.0, None).closed_s == 0.0


def test_the_databases_clock_tells_an_aware_time(work: Work) -> None:
    with work.read() as session:
        at = database_time(session)
    assert at.tzinfo is not None
    assert abs(at - datetime.now(UTC)) < timedelta(minutes=5)


def test_threads_of_two_processes_never_get_more_than_the_budget(work: Work) -> None:
    """In real time: 60 requests are in the bucket, 20 a second come after."""
    limit = RateLimit(60, 3.0, 4)
    throttles = [SharedThrottle(limit, Ledgers(work, name).of(KEY)) for name in ("one", "two")]
    lock, running, most, taken = threading.Lock(), 0, 0, 0

    def ask(throttle: SharedThrottle, times: int) -> None:
        nonlocal running, most, taken
        for _ in range(times):
            throttle.acquire("GET /x")
            with lock:
                running += 1
                taken += 1
                most = max(most, running)
            with lock:
                running -= 1
            throttle.release()

    threads = [threading.Thread(target=ask, args=(throttle, 10)) for throttle in throttles for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert taken == 60
    # While the second process was not there yet the first had all places; then they share them.
    assert most <= 4 + 2
    with work.read() as session:
        spent = Ledgers(work, "three").standings([KEY])
        assert session is not None
        assert KEY in spent
