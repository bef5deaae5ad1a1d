"""What a connector's simulator stands on: answers, faults on request, a log of requests.

An author subclasses `Simulated` and answers requests; `simulated_serving` gives it an address.
"""

from __future__ import annotations

import json
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from email.utils import format_datetime
from typing import Any
from urllib.parse import parse_qsl

JSON = (("Content-Type", "application/json; odata.metadata=minimal; charset=utf-8"),)
LOGIN_PAGE = b"<!DOCTYPE html><html><head><title>Sign in</title></head><body><form action='/login'>Sign in to continue</form></body></html>"
MOST_LOGGED = 20_000


@dataclass(frozen=True, slots=True)
class Answer:
    """A response before it goes on the wire; `cut` sends half the body under the whole length, `reset` nothing at all."""

    status: int
    body: bytes
    headers: tuple[tuple[str, str], ...] = JSON
    cut: bool = False
    reset: bool = False
    delay_s: float = 0.0


def odata_error(status: int, code: str, message: str, headers: tuple[tuple[str, str], ...] = ()) -> Answer:
    """An answer in OData's error shape."""
    return Answer(status, json.dumps({"error": {"code": code, "message": message}}).encode(), (*JSON, *headers))


@dataclass(frozen=True, slots=True)
class Asked:
    """A request as it came; header names in lower case."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Logged:
    """A request without its credentials, and the status it got; 0 when the connection was reset."""

    method: str
    path: str
    query: Mapping[str, str]
    prefer: str
    status: int


@dataclass(slots=True)
class Fault:
    """One rule: strikes the requests of its method and path prefix from the nth on, `times` times (None: always).

    kind: status (with `status`, `retry_after`, `code`, `message`), html, redirect, truncated, reset, delay, unreadable.
    """

    kind: str
    method: str = "*"
    path: str = "/"
    holds: str = ""
    nth: int = 1
    times: int | None = 1
    status: int = 500
    retry_after: str | int | None = None
    code: str = "0x0"
    message: str = "The simulator was told to fail."
    delay_s: float = 0.0
    seen: int = 0
    struck: int = 0

    KINDS = frozenset({"status", "html", "redirect", "truncated", "reset", "delay", "unreadable"})

    def __post_init__(self) -> None:
        if self.kind not in self.KINDS:
            raise ValueError(f"unknown kind of fault: {self.kind}")

    def strikes(self, asked: Asked) -> bool:
        """Whether this request is struck; counts it."""
        if self.method not in ("*", asked.method) or not asked.path.startswith(self.path):
            return False
        if self.times is not None and self.struck >= self.times:
            return False
        if self.holds and self.holds not in " ".join((asked.path, *(f"{n}={v}" for n, v in asked.query.items()))):
            return False
        self.seen += 1
        if self.seen < self.nth:
            return False
        self.struck += 1
        return True

    def answer(self) -> Answer | None:
        """The answer instead of the real one; None for faults of the wire."""
        match self.kind:
            case "html":
                return Answer(200, LOGIN_PAGE, (("Content-Type", "text/html; charset=utf-8"),))
            case "redirect":
                return Answer(302, b"", (("Location", "https://login.example/signin"),))
            case "reset":
                return Answer(500, b"", reset=True)
            case "unreadable":
                return Answer(200, b'{"value": [{]}')
            case "status":
                asked = () if self.retry_after is None else (("Retry-After", str(self.retry_after)),)
                return odata_error(self.status, self.code, self.message, asked)
        return None


@dataclass
class Simulated:
    """A simulated source: `answered` is its whole wire; the rest is what tests and the demo ask for.

    Without a `clock` its time starts at `starts` and runs on; `advance` moves it.
    """

    starts: datetime
    clock: Callable[[], datetime] | None = None
    url: str = "http://simulated.invalid"
    latency_s: float = 0.0
    faults: list[Fault] = field(default_factory=list)
    stats: Counter[str] = field(default_factory=Counter)
    log: deque[Logged] = field(default_factory=lambda: deque(maxlen=MOST_LOGGED))

    def __post_init__(self) -> None:
        self._offset = timedelta()
        self._started = time.monotonic()
        self.lock = threading.RLock()

    def answered(self, asked: Asked) -> Answer:
        """The answer to one request that no fault replaces."""
        raise NotImplementedError

    def mutate(self, what: str, *arguments: Any, **named: Any) -> Any:
        """What people do to the source between two requests."""
        raise NotImplementedError

    def now(self) -> datetime:
        told = self.clock() if self.clock else self.starts + timedelta(seconds=time.monotonic() - self._started)
        return told + self._offset

    def advance(self, delta: timedelta) -> None:
        """Moves the source's clock; negative goes back."""
        self._offset += delta

    def fault(self, kind: str, **rule: Any) -> Fault:
        """Puts a rule in force and gives it back, so that a test can ask how often it struck."""
        with self.lock:
            made = Fault(kind, **rule)
            self.faults.append(made)
            return made

    def clear_faults(self) -> None:
        with self.lock:
            self.faults.clear()

    def reset_log(self) -> None:
        with self.lock:
            self.stats.clear()
            self.log.clear()

    def answer(self, method: str, path: str, query: str = "", headers: Mapping[str, str] | None = None, body: bytes = b"") -> Answer:
        """The answer to one request, struck by whatever faults are in force."""
        asked = Asked(method, path, dict(parse_qsl(query, keep_blank_values=True)), headers or {}, body)
        with self.lock:
            struck = [fault for fault in self.faults if fault.strikes(asked)]
            answer = next((made for fault in struck if (made := fault.answer()) is not None), None)
            if answer is None:
                answer = self.answered(asked)
            self.stats[f"{method} {path}"] += 1
            self.log.append(Logged(method, path, asked.query, asked.headers.get("prefer", ""), 0 if answer.reset else answer.status))
            date = format_datetime(self.now().replace(microsecond=0), usegmt=True)
            cut = answer.cut or any(fault.kind == "truncated" for fault in struck)
            delay = answer.delay_s + self.latency_s + sum(fault.delay_s for fault in struck if fault.kind == "delay")
            return replace(answer, headers=(*answer.headers, ("Date", date)), cut=cut, delay_s=delay)
