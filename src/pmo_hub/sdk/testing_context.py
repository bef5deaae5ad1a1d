"""What a host lends to an open source, in memory: no waiting, no database, no folder."""

from __future__ import annotations

import io
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime
from typing import IO

import httpx

from pmo_hub.sdk.contract import RateLimit
from pmo_hub.sdk.http import Clockwork, LocalThrottle, Policy, client


class MemoryCredentials:
    """Credentials that a source rotates, kept as long as the object."""

    def __init__(self, value: bytes = b"") -> None:
        self._lock = threading.Lock()
        self._held = (value, 0)

    def load(self) -> tuple[bytes, int]:
        return self._held

    def save(self, value: bytes, version: int) -> bool:
        with self._lock:
            if self._held[1] != version:
                return False
            self._held = (value, version + 1)
            return True


class MemoryFiles:
    """Uploads by name; `asked` tells whether anybody looked."""

    def __init__(self, files: Mapping[str, bytes]) -> None:
        self._files = dict(files)
        self.asked = False

    def names(self) -> Iterator[str]:
        self.asked = True
        yield from sorted(self._files)

    @contextmanager
    def open(self, name: str) -> Iterator[IO[bytes]]:
        self.asked = True
        if name not in self._files:
            raise FileNotFoundError(name)
        yield io.BytesIO(self._files[name])


class SkippedTime:
    """A clock whose waits take no time: what is slept is added to what it tells."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._slept_s = 0.0

    def monotonic(self) -> float:
        with self._lock:
            return self._slept_s

    def sleep(self, seconds: float) -> None:
        with self._lock:
            self._slept_s += seconds


class MemoryContext:
    """The contract's Context for tests: real HTTP by the sdk's client and its policy of retries, whose waits take no time."""

    def __init__(
        self,
        files: Mapping[str, bytes] | None = None,
        credentials: MemoryCredentials | None = None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        policy: Policy | None = None,
        rules: Mapping[str, str] | None = None,
    ) -> None:
        self.rules = dict(rules or {})
        self.files = MemoryFiles(files or {})
        self.credentials = credentials or MemoryCredentials()
        self._clock = clock
        self._policy = policy
        self._time = SkippedTime()
        generous = RateLimit(requests=1_000_000, per_s=1.0, concurrency=64)
        self._throttle = LocalThrottle(generous, clock=self._time.monotonic, sleep=self._time.sleep)

    def http(self, base: str, auth: httpx.Auth | None = None, verify: bool | str = True) -> httpx.Client:
        clockwork = Clockwork(monotonic=self._time.monotonic, sleep=self._time.sleep, now=self._clock)
        return client(base, auth, verify, throttle=self._throttle, policy=self._policy, clockwork=clockwork)

    def throttle(self) -> AbstractContextManager[None]:
        return self._lent()

    def now(self) -> datetime:
        return self._clock()

    @contextmanager
    def _lent(self) -> Iterator[None]:
        self._throttle.acquire()
        try:
            yield
        finally:
            self._throttle.release()
