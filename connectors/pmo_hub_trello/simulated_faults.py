"""Faults on request: which requests they strike and what they do to the answer.

A rule strikes the requests of its method and path prefix from the nth on, `times` times.
"""
from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email.utils import format_datetime
from random import Random

import msgspec

from pmo_hub.sdk.simulating import Answer

JSON = (("Content-Type", "application/json; charset=utf-8"),)
TEXT = (("Content-Type", "text/plain; charset=utf-8"),)
LOGIN_PAGE = b"<!DOCTYPE html><html><head><title>Log in to Trello</title></head><body><form></form></body></html>"
KINDS = frozenset({"status", "truncated", "html", "reset", "delay", "too_many", "repeated_page", "odd_card"})
WORDS = {401: "invalid token", 404: "The requested resource was not found.", 403: "forbidden", 400: "invalid id"}
RANDOM_KINDS = ("429", "500", "truncated", "reset", "502", "503")


def text(status: int, words: str) -> Answer:
    """Refusals come in plain text."""
    return Answer(status, words.encode(), TEXT)


def too_often(words: str = "API_TOKEN_LIMIT_EXCEEDED") -> Answer:
    return Answer(429, msgspec.json.encode({"error": words, "message": "Rate limit exceeded"}), JSON)


@dataclass(slots=True)
class Fault:
    """One rule. A status may have `retry_after` (seconds, or "date:<seconds>") and `words` of its own; `too_many` refuses pages of more
    than `rows`, `repeated_page` forgets `before`, `odd_card` takes the board's id from the first card of a page."""
    kind: str
    method: str = "*"
    path: str = "/"
    nth: int = 1
    times: int | None = 1
    status: int = 500
    retry_after: str | int | None = None
    words: str | None = None
    delay_s: float = 0.0
    rows: int = 100
    seen: int = 0
    struck: int = 0

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"unknown kind of fault: {self.kind}")

    def strikes(self, method: str, path: str) -> bool:
        """Whether this request is struck; counts it."""
        if self.method not in ("*", method) or not path.startswith(self.path) or (self.times is not None and self.struck >= self.times):
            return False
        self.seen += 1
        if self.seen < self.nth:
            return False
        self.struck += 1
        return True

    def answer(self, now: datetime) -> Answer | None:
        """The answer instead of the real one; None for faults of a page, of the wire, and delays."""
        if self.kind == "html":
            return Answer(200, LOGIN_PAGE, (("Content-Type", "text/html; charset=utf-8"),))
        if self.kind == "reset":
            return Answer(500, b"", reset=True)
        if self.kind != "status":
            return None
        words = self.words or WORDS.get(self.status, "error")
        made = too_often() if self.status == 429 and self.words is None else text(self.status, words)
        if self.retry_after is None:
            return made
        wait = str(self.retry_after)
        if wait.startswith("date:"):
            wait = format_datetime((now + timedelta(seconds=int(wait[5:]))).replace(microsecond=0), usegmt=True)
        return Answer(made.status, made.body, (*made.headers, ("Retry-After", wait)))


@dataclass(slots=True)
class Faults:
    """The rules in force and, beside them, a seeded rate of random faults."""
    rules: deque[Fault] = field(default_factory=deque)
    rate: float = 0.0
    random: Random = field(default_factory=lambda: Random(1))

    def struck(self, method: str, path: str) -> list[Fault]:
        out = [rule for rule in self.rules if rule.strikes(method, path)]
        if self.rate and self.random.random() < self.rate:
            kind = self.random.choice(RANDOM_KINDS)
            out.append(Fault("status", status=int(kind)) if kind.isdigit() else Fault(kind))
        return out
