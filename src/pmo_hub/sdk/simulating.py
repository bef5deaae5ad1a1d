"""What a connector's simulator stands on: answers, faults on request, a log of requests.

An author subclasses `Simulated` and answers requests, or `Steered` where faults look otherwise than OData's; `simulated_serving` gives it
an address.
"""

from __future__ import annotations

import json
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from email.utils import format_datetime
from typing import Any, ClassVar, Generic, TypeVar
from urllib.parse import parse_qsl

JSON = (("Content-Type", "application/json; odata.metadata=minimal; charset=utf-8"),)
HTML = (("Content-Type", "text/html; charset=utf-8"),)
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
    status: int
    prefer: str = ""


@dataclass
class Rule:
    """A fault on request: strikes the requests of its method and path prefix from the nth on, `times` times (None: always).

    `retry_after` of a refusal is in seconds, or "date:<seconds>" for a date so far ahead.
    """

    kind: str
    method: str = "*"
    path: str = "/"
    nth: int = 1
    times: int | None = 1
    status: int = 500
    retry_after: str | int | None = None
    delay_s: float = 0.0
    seen: int = 0
    struck: int = 0

    KINDS: ClassVar[frozenset[str]] = frozenset({"status", "html", "truncated", "reset", "delay"})

    def __post_init__(self) -> None:
        if self.kind not in self.KINDS:
            raise ValueError(f"unknown kind of fault: {self.kind}")

    def strikes(self, asked: Asked) -> bool:
        """Whether this request is struck; counts it."""
        if not self.meets(asked) or (self.times is not None and self.struck >= self.times):
            return False
        self.seen += 1
        if self.seen < self.nth:
            return False
        self.struck += 1
        return True

    def meets(self, asked: Asked) -> bool:
        """Whether it is a request of those that the rule is about."""
        return self.method in ("*", asked.method) and asked.path.startswith(self.path)

    def answer(self, asked: Asked, now: datetime) -> Answer | None:
        """The answer instead of the real one; None for faults of a page, of the wire, and delays."""
        if self.kind == "html":
            return Answer(200, LOGIN_PAGE, HTML)
        if self.kind == "reset":
            return Answer(500, b"", reset=True)
        made = self.refusal(asked)
        if made is None or self.retry_after is None:
            return made
        wait = str(self.retry_after)
        if wait.startswith("date:"):
            wait = _dated(now + timedelta(seconds=int(wait[5:])))
        return replace(made, headers=(*made.headers, ("Retry-After", wait)))

    def refusal(self, asked: Asked) -> Answer | None:
        """The answer of a status, and of kinds that only this source has, in its own error shape; None for others."""
        raise NotImplementedError


@dataclass
class Fault(Rule):
    """kind: status (with `code`, `message`), html, redirect, truncated, reset, delay, unreadable. `holds` has to be in path or query."""

    holds: str = ""
    code: str = "0x0"
    message: str = "The simulator was told to fail."

    KINDS = Rule.KINDS | {"redirect", "unreadable"}

    def meets(self, asked: Asked) -> bool:
        return super().meets(asked) and self.holds in " ".join((asked.path, *(f"{n}={v}" for n, v in asked.query.items())))

    def refusal(self, asked: Asked) -> Answer | None:
        match self.kind:
            case "redirect":
                return Answer(302, b"", (("Location", "https://login.example/signin"),))
            case "unreadable":
                return Answer(200, b'{"value": [{]}')
            case "status":
                return odata_error(self.status, self.code, self.message)
        return None


_R = TypeVar("_R", bound=Rule)


class Steered(Generic[_R]):
    """What tests and the demo ask of a simulated source: its time, its faults, and what was asked of it.

    Without a `clock` its time starts at `starts` and runs on; `advance` moves it. `rule` makes the faults.
    """

    log: deque[Any]

    def __init__(
        self, rule: Callable[..., _R], starts: datetime, clock: Callable[[], datetime] | None = None, url: str = "http://simulated.invalid"
    ) -> None:
        started = time.monotonic()
        self.url = url
        self.latency_s = 0.0
        self.faults: list[_R] = []
        self.stats: Counter[str] = Counter()
        self.log = deque(maxlen=MOST_LOGGED)
        self.lock = threading.RLock()
        self._rule = rule
        self._clock = clock or (lambda: starts + timedelta(seconds=time.monotonic() - started))
        self._offset = timedelta()

    def now(self) -> datetime:
        """The source's own time: its Date header and every mutation read it."""
        return self._clock() + self._offset

    def advance(self, delta: timedelta) -> None:
        """Moves the source's clock; negative goes back."""
        self._offset += delta

    def fault(self, kind: str, **rule: Any) -> _R:
        """Puts a rule in force and gives it back, so that a test can ask how often it struck."""
        with self.lock:
            made = self._rule(kind, **rule)
            self.faults.append(made)
            return made

    def clear_faults(self) -> None:
        with self.lock:
            self.faults.clear()

    def reset_log(self) -> None:
        with self.lock:
            self.stats.clear()
            self.log.clear()

    def struck(self, asked: Asked) -> list[_R]:
        """The faults that strike this request."""
        return [rule for rule in self.faults if rule.strikes(asked)]

    def faulted(self, asked: Asked, real: Callable[[Sequence[_R]], Answer]) -> Answer:
        """The answer as the faults that strike the request leave it; where none replaces it, the `real` one, which may ask for them."""
        struck, now = self.struck(asked), self.now()
        answer = next((made for rule in struck if (made := rule.answer(asked, now)) is not None), None)
        if answer is None:
            answer = real(struck)
        cut = answer.cut or any(rule.kind == "truncated" for rule in struck)
        return replace(answer, cut=cut, delay_s=answer.delay_s + sum(rule.delay_s for rule in struck if rule.kind == "delay"))

    def noted(self, label: str, logged: Any, answer: Answer) -> Answer:
        """The answer as it is sent, once it is counted and in the log."""
        self.stats[label] += 1
        self.log.append(logged)
        return replace(answer, headers=(*answer.headers, ("Date", _dated(self.now()))), delay_s=answer.delay_s + self.latency_s)


class Simulated(Steered[Fault]):
    """A simulated source: `answered` is its whole wire; the rest is what tests and the demo ask for."""

    log: deque[Logged]

    def __init__(self, starts: datetime, clock: Callable[[], datetime] | None = None) -> None:
        super().__init__(Fault, starts, clock)

    def answered(self, asked: Asked) -> Answer:
        """The answer to one request that no fault replaces."""
        raise NotImplementedError

    def mutate(self, what: str, *arguments: Any, **named: Any) -> Any:
        """What people do to the source between two requests."""
        raise NotImplementedError

    def answer(self, method: str, path: str, query: str = "", headers: Mapping[str, str] | None = None, body: bytes = b"") -> Answer:
        """The answer to one request, struck by whatever faults are in force."""
        asked = Asked(method, path, dict(parse_qsl(query, keep_blank_values=True)), headers or {}, body)
        with self.lock:
            answer = self.faulted(asked, lambda _: self.answered(asked))
            logged = Logged(method, path, asked.query, 0 if answer.reset else answer.status, asked.headers.get("prefer", ""))
            return self.noted(f"{method} {path}", logged, answer)


def mutation(of: object, what: str) -> Callable[..., Any]:
    """The public method of that name; ValueError where there is none."""
    if what.startswith("_") or not callable(getattr(type(of), what, None)):
        raise ValueError(f"unknown mutation: {what}")
    found: Callable[..., Any] = getattr(of, what)
    return found


def _dated(at: datetime) -> str:
    return format_datetime(at.replace(microsecond=0), usegmt=True)
