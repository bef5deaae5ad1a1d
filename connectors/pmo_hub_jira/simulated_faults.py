"""Faults on request: what they do to Jira's answers.

Faults of the answer as a whole replace it; faults of a page are handed to the search, so that nothing is lost by them that real Jira would
not lose.
"""
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from random import Random
from typing import Any

import msgspec

from pmo_hub.sdk.simulating import Answer, Asked, Rule

JSON = (("Content-Type", "application/json;charset=UTF-8"),)
GONE = "The requested API has been removed. Please migrate to the /rest/api/3/search/jql API"
PAGE_KINDS = frozenset({"repeated_token", "empty_page", "short_page", "field_value", "no_is_last", "half_listing", "zero_results"})
MESSAGES = {410: GONE, 429: "Rate limit exceeded.", 503: "The service is temporarily unavailable."}
RANDOM_KINDS = ("429", "500", "truncated", "reset", "502", "503")


def error(status: int, *messages: str, headers: tuple[tuple[str, str], ...] = (), errors: Mapping[str, str] | None = None) -> Answer:
    """An answer in Jira's error shape."""
    body = msgspec.json.encode({"errorMessages": list(messages), "errors": errors or {}})
    return Answer(status, body, (*JSON, *headers))


@dataclass
class Fault(Rule):
    """One rule.

    A status may have a `reason` (RateLimit-Reason). `field_value` sets `field` to `value` in the issue numbered `issue` on the page, or
    with that id or key wherever it is shown. `short_page` keeps `rows`. A `project` narrows any rule to requests that name it.
    """
    reason: str | None = None
    rows: int = 1
    issue: int | str = 0
    field: str = "summary"
    value: Any = None
    project: str = ""

    KINDS = Rule.KINDS | PAGE_KINDS | {"invalid_token", "project_vanished"}

    def meets(self, asked: Asked) -> bool:
        if self.kind in ("invalid_token", "repeated_token") and not asked.query.get("nextPageToken"):
            return False
        return super().meets(asked) and self.project in f"{asked.path} {asked.query.get('jql', '')}"

    def refusal(self, asked: Asked) -> Answer | None:
        match self.kind:
            case "invalid_token":
                return error(400, "The provided nextPageToken is invalid or has expired.")
            case "project_vanished" if "/search/" in asked.path:
                return error(400, f"The value '{self.project}' does not exist for the field 'project'.")
            case "project_vanished":
                return error(404, f"No project could be found with key '{self.project}'.")
            case "status":
                headers = (("RateLimit-Reason", self.reason),) if self.reason is not None else ()
                limits = (("X-RateLimit-Limit", "350"), ("X-RateLimit-Remaining", "0")) if self.status == 429 else ()
                return error(self.status, MESSAGES.get(self.status, "Internal server error"), headers=(*headers, *limits))
        return None


def at_random(random: Random) -> Fault:
    """A fault of one of RANDOM_KINDS."""
    kind = random.choice(RANDOM_KINDS)
    if kind.isdigit():
        return Fault("status", status=int(kind), retry_after=1 if kind in ("429", "503") else None)
    return Fault(kind)
