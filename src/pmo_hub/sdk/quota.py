"""What a source's answers say is left of its budget. Read leniently: names, prefixes and units differ between sources and over time.

Understood are `X-RateLimit-Limit/-Remaining/-Reset/-NearLimit`, the same without `X-`, and the IETF's `RateLimit` and `RateLimit-Policy`
in both of its spellings (`"name";r=10;t=30` with `q=`, and `limit=100, remaining=10, reset=30`). What comes with the prefix `Beta-` is
announced, not yet enforced. Trello has windows of a key, a token and a member: `X-Rate-Limit-Api-Token-Remaining`, `-Max`, `-Interval-Ms`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from math import isfinite

NEAR_SHARE = 0.1
LONGEST_RESET_S = 86_400.0

_ITEM = re.compile(r"\b(limit|remaining|reset|r|t|q)\s*=\s*(\d+)", re.IGNORECASE)
_WINDOW = re.compile(r"x-rate-limit-(?P<whose>api-key|api-token|member)-(?P<part>interval-ms|max|remaining)")
_LONG = {"r": "remaining", "t": "reset", "q": "limit"}
# Numbers from here on are seconds since 1970, or milliseconds; below it a span.
_EPOCH_FROM = 1_000_000_000.0


@dataclass(frozen=True, slots=True)
class Quota:
    """What a source says is left: `remaining` of `limit` until it is filled up again; None where it doesn't say.

    `is_binding` False: only announced.
    """

    limit: int | None = None
    remaining: int | None = None
    resets_in_s: float | None = None
    is_near: bool = False
    is_binding: bool = True


@dataclass(slots=True)
class _Found:
    limit: int | None = None
    remaining: int | None = None
    resets_in_s: float | None = None
    is_near: bool = False
    seen: set[str] = field(default_factory=set)


def quota_of(headers: Sequence[tuple[bytes, bytes]], now: Callable[[], datetime]) -> Quota | None:
    """What the headers of an answer say of the budget; None where they say nothing."""
    # One look at all names together: most answers say nothing, and this is asked of every one.
    names = b" ".join([name for name, _ in headers]).lower()
    if b"ratelimit" not in names:
        return _of_windows(headers) if b"x-rate-limit-" in names else None
    own = [(name, value) for name, value in headers if b"ratelimit" in name.lower()]
    binding, announced = _Found(), _Found()
    for raw_name, raw_value in own:
        name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1").strip()
        found = announced if "beta-" in name else binding
        _take(found, name.removeprefix("x-").removeprefix("beta-").removeprefix("ratelimit").removeprefix("-"), value, now)
    told = binding if binding.seen else announced
    if not told.seen:
        return None
    near = told.is_near or (told.remaining is not None and bool(told.limit) and told.remaining < NEAR_SHARE * (told.limit or 0))
    return Quota(told.limit, told.remaining, told.resets_in_s, near, told is binding)


def _of_windows(headers: Sequence[tuple[bytes, bytes]]) -> Quota | None:
    """Of the budgets of a key, a token and a member, each for a window of some milliseconds, the scarcest."""
    told: dict[str, dict[str, int]] = {}
    for raw_name, raw_value in headers:
        found = _WINDOW.fullmatch(raw_name.decode("latin-1").lower())
        value = raw_value.decode("latin-1").strip()
        if found is not None and value.isdigit():
            told.setdefault(found["whose"], {})[found["part"]] = int(value)
    whole = [one for one in told.values() if {"max", "remaining", "interval-ms"} <= one.keys() and one["max"] > 0]
    if not whole:
        return None
    one = min(whole, key=lambda one: one["remaining"] / one["max"])
    resets_in_s = min(LONGEST_RESET_S, one["interval-ms"] / 1_000)
    return Quota(one["max"], one["remaining"], resets_in_s, one["remaining"] < NEAR_SHARE * one["max"])


def _take(found: _Found, part: str, value: str, now: Callable[[], datetime]) -> None:
    match part:
        case "limit" if value.isdigit():
            found.limit = int(value)
        case "remaining" if value.isdigit():
            found.remaining = int(value)
        case "nearlimit":
            found.is_near = value.lower() == "true"
        case "reset":
            found.resets_in_s = _seconds(value, now)
            if found.resets_in_s is None:
                return
        case "" | "policy":
            _take_items(found, value)
        case _:
            return
    found.seen.add(part)


def _take_items(found: _Found, value: str) -> None:
    """Of several named budgets the scarcest counts."""
    budgets = value.split(",") if '"' in value else [value]
    read = [{_LONG.get(key.lower(), key.lower()): int(number) for key, number in _ITEM.findall(budget)} for budget in budgets]
    scarcest = min(read, key=lambda one: one.get("remaining", 1 << 62))
    found.limit = scarcest.get("limit", found.limit)
    found.remaining = scarcest.get("remaining", found.remaining)
    if "reset" in scarcest:
        found.resets_in_s = min(LONGEST_RESET_S, float(scarcest["reset"]))


def _seconds(value: str, now: Callable[[], datetime]) -> float | None:
    """How long until a reset that is told as a span, as an epoch in s or ms, as ISO 8601, or as an HTTP date."""
    try:
        number = float(value)
    except ValueError:
        try:
            at = datetime.fromisoformat(value)
        except ValueError:
            try:
                at = parsedate_to_datetime(value)
            except (TypeError, ValueError):
                return None
        span = ((at if at.tzinfo else at.replace(tzinfo=UTC)) - now()).total_seconds()
    else:
        span = number
        if number >= _EPOCH_FROM:
            span = (number / 1_000 if number >= _EPOCH_FROM * 1_000 else number) - now().timestamp()
    return min(LONGEST_RESET_S, max(0.0, span)) if isfinite(span) else None
