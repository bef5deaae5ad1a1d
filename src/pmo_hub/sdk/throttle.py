"""The throttle: permission to send, shared by all that ask one source with one account, in this process or in several.

A take costs no more than a lock in memory. Where several processes share the budget, each leases a slice of it from a ledger about once
a second, tokens and places side by side, and takes from that.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from pmo_hub.sdk.contract import RateLimit
from pmo_hub.sdk.errors import TransientError
from pmo_hub.sdk.quota import Quota

LONGEST_WAIT_S = 60.0
"""A longer wait belongs to the host, which ends the run as waiting instead of holding a thread."""
SLICE_S = 1.0
CLEAN_S = 60.0
WAVE_S = 1.0
LONGEST_PACE_S = 5.0

_VARIABLE = re.compile(r"[^/]*\d[^/]*")


class Throttle(Protocol):
    """Permission to send. An `endpoint` is a request's method and path; "" is none in particular."""

    def acquire(self, endpoint: str = "") -> None:
        """Return when one more request may run; TransientError where that is more than `LONGEST_WAIT_S` away."""
        ...

    def release(self) -> None: ...

    def penalise(self, retry_after_s: float, reason: str | None, endpoint: str = "") -> None:
        """The source said that this was too much; `reason` is its own word for which limit was hit."""
        ...

    def note(self, quota: Quota) -> None:
        """The source said how much is left."""
        ...


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a throttle stands; spans are from now on, `refused_ago_s` is since the last refusal. None: the source never said."""

    concurrency: int
    limit: int | None = None
    remaining: int | None = None
    resets_in_s: float | None = None
    closed_s: float = 0.0
    refused_ago_s: float | None = None
    reason: str | None = None


class LocalThrottle:
    """A throttle for one process: a token bucket, and a concurrency that halves when refused and grows by one in a clean minute."""

    def __init__(
        self, limit: RateLimit, *, clock: Callable[[], float] = time.monotonic, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self._limit = limit
        self._rate = limit.requests / limit.per_s
        self._clock = clock
        self._sleep = sleep
        self._free = threading.Condition()
        self._tokens = float(limit.requests)
        self._filled_at = self._changed_at = clock()
        self._closed_until = self._halved_at = self._paced_until = float("-inf")
        self._endpoints: dict[str, float] = {}
        self._running = 0
        self._concurrency = limit.concurrency
        self._quota: tuple[float, Quota] | None = None
        self._refused: tuple[float, str | None] | None = None

    @property
    def concurrency(self) -> int:
        """How many requests may run at once now."""
        return self._concurrency

    def standing(self) -> Standing:
        """Where it stands now."""
        with self._free:
            now = self._clock()
            told = None if self._quota is None else self._left(*self._quota, now)
            return Standing(
                self._concurrency,
                None if told is None else told.limit,
                None if told is None else told.remaining,
                None if told is None else told.resets_in_s,
                max(0.0, self._closed_until - now),
                None if self._refused is None else now - self._refused[0],
                None if self._refused is None else self._refused[1],
            )

    def acquire(self, endpoint: str = "") -> None:
        while True:
            with self._free:
                now = self._clock()
                self._refill(now)
                if self._running >= self._concurrency:
                    self._free.wait(self._patience(now))
                    continue
                delay = self._delay(now, endpoint)
                if delay <= 0:
                    self._tokens -= 1
                    self._running += 1
                    if self._quota is not None:
                        self._pace(now)
                    return
            if delay > LONGEST_WAIT_S:
                raise TransientError(f"the source asked to be left alone for another {delay:.0f} s", timedelta(seconds=delay))
            self._sleep(delay)

    def release(self) -> None:
        with self._free:
            self._running -= 1
            self._free.notify()

    def penalise(self, retry_after_s: float, reason: str | None, endpoint: str = "") -> None:
        """Halve the concurrency; a burst limit closes its endpoint only, any other the source, until `retry_after_s` is over."""
        with self._free:
            now = self._clock()
            if now - self._halved_at >= WAVE_S:  # refusals of one wave count once
                self._concurrency = max(1, self._concurrency // 2)
                self._halved_at = now
            self._changed_at = now
            self._refused = (now, reason)
            if is_burst(reason):
                if endpoint:
                    self._endpoints[_template(endpoint)] = now + retry_after_s
            else:
                self._closed_until = max(self._closed_until, now + retry_after_s)

    def note(self, quota: Quota) -> None:
        with self._free:
            self._quota = (self._clock(), quota)

    def _refill(self, now: float) -> None:
        """Tokens and places are those of now; the lock is held."""
        if self._concurrency < self._limit.concurrency and now - self._changed_at >= CLEAN_S:
            self._concurrency += 1
            self._changed_at = now
            self._free.notify()
        self._tokens = min(float(self._limit.requests), self._tokens + (now - self._filled_at) * self._rate)
        self._filled_at = now

    def _patience(self, now: float) -> float | None:
        """How long to wait for a place before looking again; None: until one is given back."""
        return None

    def _delay(self, now: float, endpoint: str) -> float:
        # The margin keeps a rounded clock from asking for a delay of zero for ever.
        empty_s = 0.0 if self._tokens >= 1.0 else (1.0 - self._tokens) / self._rate + 1e-6
        delay = max(empty_s, self._closed_until - now, self._paced_until - now)
        if self._endpoints and endpoint:
            name = _template(endpoint)
            until = self._endpoints.get(name)
            if until is not None and until <= now:
                del self._endpoints[name]
            elif until is not None:
                delay = max(delay, until - now)
        return delay

    def _pace(self, now: float) -> None:
        """Spread what is left of a budget that nears its end over the time until it is filled up; spent, nothing is sent till then."""
        assert self._quota is not None
        told_at, quota = self._quota
        left = self._left(told_at, quota, now)
        if left is None or not left.is_binding or left.remaining is None or left.resets_in_s is None:
            return
        if left.remaining <= 0:
            self._closed_until = max(self._closed_until, now + left.resets_in_s)
        elif left.is_near:
            self._paced_until = now + min(LONGEST_PACE_S, left.resets_in_s / left.remaining)

    @staticmethod
    def _left(told_at: float, quota: Quota, now: float) -> Quota | None:
        """What the source said, as of now; None once it is out of date."""
        if quota.resets_in_s is None:
            return quota
        resets_in_s = quota.resets_in_s - (now - told_at)
        return None if resets_in_s <= 0 else Quota(quota.limit, quota.remaining, resets_in_s, quota.is_near, quota.is_binding)


@dataclass(frozen=True, slots=True)
class Slice:
    """What one process may use for a while: `tokens` to spend, `places` side by side, after being left alone for `closed_s`."""

    tokens: float
    places: int
    closed_s: float


class Ledger(Protocol):
    """The budget of one account, kept where every process can get at it. Its own clock counts, so only spans pass to and fro."""

    def lease(self, limit: RateLimit, wanted: float, unspent: float, quota: Quota | None) -> Slice:
        """Up to `wanted` tokens, `unspent` ones given back, and this process's share of the places; others hear of the `quota`."""
        ...

    def refuse(self, limit: RateLimit, closed_s: float, reason: str | None) -> None:
        """The source refused one: fewer at once for all, and nobody sends for `closed_s`."""
        ...


class SharedThrottle(LocalThrottle):
    """A throttle whose budget is kept by a ledger. Between leases it answers from memory."""

    def __init__(
        self,
        limit: RateLimit,
        ledger: Ledger,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        super().__init__(limit, clock=clock, sleep=sleep)
        self._ledger = ledger
        self._tokens = 0.0
        self._until = self._again_at = float("-inf")
        self._untold: Quota | None = None

    def penalise(self, retry_after_s: float, reason: str | None, endpoint: str = "") -> None:
        super().penalise(retry_after_s, reason, endpoint)
        self._ledger.refuse(self._limit, 0.0 if is_burst(reason) else retry_after_s, reason)
        with self._free:
            self._until = float("-inf")  # how many places are left, the ledger says

    def note(self, quota: Quota) -> None:
        super().note(quota)
        self._untold = quota

    def _refill(self, now: float) -> None:
        if now < self._until and (self._tokens >= 1.0 or now < self._again_at):
            return
        quota, self._untold = self._untold, None
        lent = self._ledger.lease(self._limit, max(1.0, self._rate * SLICE_S), max(0.0, self._tokens), quota)
        self._tokens, self._concurrency = lent.tokens, lent.places
        self._closed_until = max(self._closed_until, now + lent.closed_s) if lent.closed_s > 0 else self._closed_until
        self._until = now + SLICE_S
        self._again_at = now + max(0.0, (1.0 - self._tokens) / self._rate)
        self._free.notify_all()

    def _patience(self, now: float) -> float | None:
        return max(0.01, self._until - now)


def is_burst(reason: str | None) -> bool:
    """Whether the source's word for a limit means one endpoint for a moment, not all of it."""
    return reason is not None and "burst" in reason


def _template(endpoint: str) -> str:
    """The endpoint without what differs from object to object."""
    return _VARIABLE.sub("*", endpoint)
