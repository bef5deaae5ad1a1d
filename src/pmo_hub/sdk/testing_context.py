"""What a host lends to an open source, in memory: no waiting, no database, no folder."""

from __future__ import annotations

import io
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import IO

import httpx

from pmo_hub.sdk.contract import RateLimit
from pmo_hub.sdk.errors import ConfigError
from pmo_hub.sdk.files import FileInfo
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

    def __init__(self, files: Mapping[str, bytes], at: datetime = datetime(2026, 1, 1, tzinfo=UTC)) -> None:
        self._files = dict(files)
        self._at = at
        self.asked = False

    def names(self) -> Iterator[str]:
        self.asked = True
        yield from sorted(self._files)

    def about(self, name: str) -> FileInfo:
        """Files whose names come later were uploaded later."""
        self.asked = True
        if name not in self._files:
            raise FileNotFoundError(name)
        at = self._at + timedelta(minutes=sorted(self._files).index(name))
        return FileInfo(name, len(self._files[name]), sha256(self._files[name]).hexdigest(), at)

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
        folders: Mapping[str, Mapping[str, bytes]] | None = None,
    ) -> None:
        self.rules = dict(rules or {})
        self._folders = dict(folders or {})
        self._scratch: tempfile.TemporaryDirectory[str] | None = None
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

    @property
    def scratch(self) -> Path:
        """A folder on disk after all, for as long as the object."""
        if self._scratch is None:
            self._scratch = tempfile.TemporaryDirectory()
        return Path(self._scratch.name)

    def folder(self, path: str) -> MemoryFiles:
        if path not in self._folders:
            raise ConfigError(f"The folder {path} may not be watched.")
        return MemoryFiles(self._folders[path])

    @contextmanager
    def _lent(self) -> Iterator[None]:
        self._throttle.acquire()
        try:
            yield
        finally:
            self._throttle.release()
