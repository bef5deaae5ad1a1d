"""Faults on request: which requests they strike and what they do to the answer.

A rule strikes the requests of its method and path prefix from the nth on, `times` times. Faults of the answer as a whole replace it;
faults of a page are handed to the search, so that nothing is lost by them that real Jira would not lose.
"""
from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email.utils import format_datetime
from random import Random
from typing import Any

import msgspec

from pmo_hub.sdk.simulating import Answer

JSON = (("Content-Type", "application/json;charset=UTF-8"),)
LOGIN_PAGE = b"<!DOCTYPE html><html><head><title>Log in</title></head><body><form action='/login'>Sign in to continue</form></body></html>"
GONE = "The requested API has been removed. Please migrate to the /rest/api/3/search/jql API"
PAGE_KINDS = frozenset({"repeated_token", "empty_page", "short_page", "field_value", "no_is_last", "half_listing", "zero_results"})
KINDS = PAGE_KINDS | {"status", "truncated", "html", "reset", "delay", "invalid_token", "project_vanished"}
RANDOM_KINDS = ("429", "500", "truncated", "reset", "502", "503")


def error(status: int, *messages: str, headers: tuple[tuple[str, str], ...] = (), errors: Mapping[str, str] | None = None) -> Answer:
    """An answer in Jira's error shape."""
    body = msgspec.json.encode({"errorMessages": list(messages), "errors": errors or {}})
    return Answer(status, body, (*JSON, *headers))


@dataclass(slots=True)
class Fault:
    """One rule.

    kind is one of KINDS; status faults take `status`, `retry_after` (seconds, "date:<seconds>" or None) and `reason`
    (RateLimit-Reason). `field_value` sets `field` to `value` in the issue numbered `issue` on the page, or with that id or key
    wherever it is shown. `short_page` keeps `rows`, `delay` waits `delay_s`. A `project` narrows any rule to requests that name it.
    """
    kind: str
    method: str = "*"
    path: str = "/"
    nth: int = 1
    times: int | None = 1
    status: int = 500
    retry_after: str | int | None = None
    reason: str | None = None
    delay_s: float = 0.0
    rows: int = 1
    issue: int | str = 0
    field: str = "summary"
    value: Any = None
    project: str = ""
    seen: int = 0
    struck: int = 0

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"unknown kind of fault: {self.kind}")

    def strikes(self, method: str, path: str, arguments: Mapping[str, Any]) -> bool:
        """Whether this request is struck; counts it."""
        if self.method not in ("*", method) or not path.startswith(self.path) or (self.times is not None and self.struck >= self.times):
            return False
        if self.kind in ("invalid_token", "repeated_token") and not arguments.get("nextPageToken"):
            return False
        if self.project and self.project not in f"{path} {arguments.get('jql', '')}":
            return False
        self.seen += 1
        if self.seen < self.nth:
            return False
        self.struck += 1
        return True

    def answer(self, path: str, now: datetime) -> Answer | None:
        """The answer instead of the real one; None for faults of a page, of the wire, and delays."""
        if self.kind == "html":
            return Answer(200, LOGIN_PAGE, (("Content-Type", "text/html;charset=UTF-8"),))
        if self.kind == "reset":
            return Answer(500, b"", reset=True)
        if self.kind == "invalid_token":
            return error(400, "The provided nextPageToken is invalid or has expired.")
        if self.kind == "project_vanished":
            if "/search/" in path:
                return error(400, f"The value '{self.project}' does not exist for the field 'project'.")
            return error(404, f"No project could be found with key '{self.project}'.")
        return status_answer(self.status, self.retry_after, self.reason, now) if self.kind == "status" else None


def status_answer(status: int, retry_after: str | int | None, reason: str | None, now: datetime) -> Answer:
    headers = []
    if retry_after is not None:
        text = str(retry_after)
        if text.startswith("date:"):
            text = format_datetime((now + timedelta(seconds=int(text[5:]))).replace(microsecond=0), usegmt=True)
        headers.append(("Retry-After", text))
    if reason is not None:
        headers.append(("RateLimit-Reason", reason))
    if status == 429:
        headers += [("X-RateLimit-Limit", "350"), ("X-RateLimit-Remaining", "0")]
    messages = {410: GONE, 429: "Rate limit exceeded.", 503: "The service is temporarily unavailable."}
    return error(status, messages.get(status, "Internal server error"), headers=tuple(headers))


@dataclass(slots=True)
class Faults:
    """The rules in force and, beside them, a seeded rate of random faults."""
    rules: deque[Fault] = field(default_factory=deque)
    rate: float = 0.0
    random: Random = field(default_factory=lambda: Random(1))

    def struck(self, method: str, path: str, arguments: Mapping[str, Any]) -> list[Fault]:
        """The faults that strike this request."""
        out = [rule for rule in self.rules if rule.strikes(method, path, arguments)]
        if self.rate and self.random.random() < self.rate:
            kind = self.random.choice(RANDOM_KINDS)
            if kind.isdigit():
                out.append(Fault("status", status=int(kind), retry_after=1 if kind in ("429", "503") else None))
            else:
                out.append(Fault(kind))
        return out
