"""The throttle obeys what the source says of its budget; shared by several processes it stays one budget."""

from __future__ import annotations

from dataclasses import dataclass, field

import httpx
import pytest
import respx

from pmo_hub.sdk import http
from pmo_hub.sdk.contract import RateLimit
from pmo_hub.sdk.errors import TransientError
from pmo_hub.sdk.quota import Quota
from pmo_hub.sdk.throttle import LocalThrottle, SharedThrottle, Slice

URL = "https://jira.example"


@dataclass(slots=True)
class Clock:
    """Time that passes by sleeping."""

    at: float = 1000.0
    waits: list[float] = field(default_factory=list)

    def __call__(self) -> float:
        return self.at

    def wait(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.at += seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def throttle(clock: Clock) -> LocalThrottle:
    return LocalThrottle(RateLimit(1000, 1.0, 8), clock=clock, sleep=clock.wait)


def take(throttle: LocalThrottle, endpoint: str = "") -> None:
    throttle.acquire(endpoint)
    throttle.release()


def test_a_burst_limit_closes_its_endpoint_and_no_other(throttle: LocalThrottle, clock: Clock) -> None:
    throttle.penalise(20.0, "jira-burst-based", "GET /rest/api/3/issue/10001/comment")
    take(throttle, "POST /rest/api/3/search/jql")
    assert clock.waits == []
    # Another issue's comments are the same endpoint.
    take(throttle, "GET /rest/api/3/issue/10002/comment")
    assert clock.waits == [pytest.approx(20.0)]


@pytest.mark.parametrize("reason", ["jira-quota-tenant-based", "jira-quota-global-based", None])
def test_any_other_limit_closes_the_source(throttle: LocalThrottle, clock: Clock, reason: str | None) -> None:
    throttle.penalise(20.0, reason, "GET /rest/api/3/issue/10001/comment")
    take(throttle, "POST /rest/api/3/search/jql")
    assert clock.waits == [pytest.approx(20.0)]


def test_a_spent_budget_is_left_alone_until_it_is_filled_up(throttle: LocalThrottle, clock: Clock) -> None:
    throttle.note(Quota(100, 0, 30.0, is_near=True))
    take(throttle)  # who was told so last may still be let through; the next waits
    take(throttle)
    assert clock.at - 1000.0 == pytest.approx(30.0)
    take(throttle)
    assert clock.at - 1000.0 == pytest.approx(30.0)


def test_a_long_wait_for_a_budget_is_the_hosts(throttle: LocalThrottle) -> None:
    throttle.note(Quota(100, 0, 1_800.0, is_near=True))
    take(throttle)
    with pytest.raises(TransientError) as raised:
        take(throttle)
    assert raised.value.retry_after is not None
    assert raised.value.retry_after.total_seconds() == pytest.approx(1_800.0)


def test_a_budget_that_nears_its_end_is_spread_over_the_time_that_is_left(throttle: LocalThrottle, clock: Clock) -> None:
    throttle.note(Quota(1_000, 20, 40.0, is_near=True))
    for _ in range(5):
        take(throttle)
    assert clock.waits == [pytest.approx(w, rel=0.2) for w in (2.0, 2.0, 2.0, 2.0)]


@pytest.mark.parametrize("quota", [Quota(1_000, 900, 40.0), Quota(100, 0, 30.0, is_near=True, is_binding=False), Quota(100, 0)])
def test_a_budget_that_is_ample_announced_or_endless_slows_nothing(throttle: LocalThrottle, clock: Clock, quota: Quota) -> None:
    throttle.note(quota)
    for _ in range(20):
        take(throttle)
    assert clock.waits == []


def test_what_it_stands_at_is_told(throttle: LocalThrottle, clock: Clock) -> None:
    throttle.note(Quota(100, 40, 30.0))
    throttle.penalise(12.0, "jira-quota-tenant-based")
    clock.at += 2
    standing = throttle.standing()
    assert (standing.concurrency, standing.limit, standing.remaining) == (4, 100, 40)
    assert standing.resets_in_s == pytest.approx(28.0)
    assert standing.closed_s == pytest.approx(10.0)
    assert (standing.refused_ago_s, standing.reason) == (2.0, "jira-quota-tenant-based")
    clock.at += 30
    later = throttle.standing()
    assert (later.remaining, later.closed_s) == (None, 0.0)


@respx.mock(base_url=URL)
def test_a_refusal_without_retry_after_waits_for_the_budget_to_be_filled_up(clock: Clock, respx_mock: respx.MockRouter) -> None:
    refused = {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "17", "RateLimit-Reason": "jira-quota-tenant-based"}
    respx_mock.get("/x").mock(side_effect=[httpx.Response(429, headers=refused), httpx.Response(200, json=[])])
    throttle = LocalThrottle(RateLimit(1000, 1.0, 8), clock=clock, sleep=clock.wait)
    with http.client(URL, throttle=throttle, clockwork=http.Clockwork(clock, clock.wait, draw=lambda: 0.5)) as client:
        assert client.get("/x").status_code == 200
    assert clock.at - 1000.0 == pytest.approx(17.5)
    assert throttle.standing().reason == "jira-quota-tenant-based"


# Shared.


@dataclass(slots=True)
class Book:
    """A ledger that lends what a test says."""

    tokens: float = 5.0
    places: int = 2
    closed_s: float = 0.0
    leases: list[tuple[float, float, Quota | None]] = field(default_factory=list)
    refusals: list[tuple[float, str | None]] = field(default_factory=list)

    def lease(self, limit: RateLimit, wanted: float, unspent: float, quota: Quota | None) -> Slice:
        self.leases.append((wanted, unspent, quota))
        closed_s, self.closed_s = self.closed_s, 0.0
        return Slice(min(wanted, self.tokens), self.places, closed_s)

    def refuse(self, limit: RateLimit, closed_s: float, reason: str | None) -> None:
        self.refusals.append((closed_s, reason))


@pytest.fixture
def book() -> Book:
    return Book()


@pytest.fixture
def shared(book: Book, clock: Clock) -> SharedThrottle:
    return SharedThrottle(RateLimit(10, 1.0, 8), book, clock=clock, sleep=clock.wait)


def test_a_slice_serves_many_requests(shared: SharedThrottle, book: Book) -> None:
    for _ in range(5):
        take(shared)
    assert len(book.leases) == 1
    take(shared)
    assert len(book.leases) == 2


def test_what_was_not_spent_is_given_back_after_a_while(shared: SharedThrottle, book: Book, clock: Clock) -> None:
    take(shared)
    clock.at += 2
    take(shared)
    assert [unspent for _, unspent, _ in book.leases] == [0.0, 4.0]


def test_an_empty_ledger_is_asked_again_only_when_there_may_be_something(shared: SharedThrottle, book: Book, clock: Clock) -> None:
    book.tokens = 0.0

    def wait(seconds: float) -> None:
        clock.wait(seconds)
        book.tokens = 5.0

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(shared, "_sleep", wait)
        take(shared)
    assert len(book.leases) == 2
    assert clock.waits == [pytest.approx(0.1, abs=0.01)]


def test_a_refusal_reaches_the_ledger_with_what_it_closes(shared: SharedThrottle, book: Book) -> None:
    take(shared)
    shared.penalise(9.0, "jira-burst-based", "GET /x")
    shared.penalise(9.0, "jira-quota-tenant-based", "GET /x")
    assert book.refusals == [(0.0, "jira-burst-based"), (9.0, "jira-quota-tenant-based")]


def test_what_the_source_says_is_left_is_passed_on_once(shared: SharedThrottle, book: Book, clock: Clock) -> None:
    shared.note(Quota(100, 40, 30.0))
    take(shared)
    clock.at += 2
    take(shared)
    assert [quota for *_, quota in book.leases] == [Quota(100, 40, 30.0), None]


def test_whoever_another_process_closed_waits(shared: SharedThrottle, book: Book, clock: Clock) -> None:
    book.closed_s = 12.0
    take(shared)
    assert clock.at - 1000.0 == pytest.approx(12.0, abs=1.1)
