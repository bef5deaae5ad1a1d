"""Delivery as rules: what is signed and how, what an answer means, when it is tried again (Standard Webhooks 1.0). Pure."""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from hashlib import sha256

SECRET_PREFIX = "whsec_"
SECRET_BYTES = (24, 64)
"""The fewest and the most that the specification allows."""

_MINUTE, _HOUR = timedelta(minutes=1), timedelta(hours=1)
SCHEDULE = (
    timedelta(0), timedelta(seconds=5), 5 * _MINUTE, 30 * _MINUTE, 2 * _HOUR, 5 * _HOUR, 10 * _HOUR, 14 * _HOUR, 20 * _HOUR, 24 * _HOUR,
)  # fmt: skip
"""How long after the attempt before each attempt is made; after the last one the delivery is dead."""

JITTER_SHARE = 0.2
LONGEST_RETRY_AFTER = timedelta(hours=24)

RESTS_AFTER = 5
"""So many failures in a row, and the endpoint is left alone for a while but for a probe."""

FIRST_REST = timedelta(seconds=10)
LONGEST_REST = timedelta(minutes=5)

DISABLED_AFTER = timedelta(days=5)
DISABLED_FAILURES = len(SCHEDULE)
"""Without any success for so long, and at least so many failures: nobody is there any more."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of one attempt. `status` None: no whole answer came, and `error` says why. `excerpt` is the beginning of the answer."""

    status: int | None
    duration_ms: int
    error: str | None = None
    excerpt: str | None = None
    retry_after: timedelta | None = None

    @property
    def is_delivered(self) -> bool:
        return self.error is None and self.status is not None and 200 <= self.status < 300

    @property
    def is_gone(self) -> bool:
        """The endpoint says that it never wants anything again."""
        return self.error is None and self.status == 410

    @property
    def why(self) -> str | None:
        """Why it is not delivered, in a sentence; None when it is."""
        if self.is_delivered:
            return None
        if self.error is not None:
            return self.error
        if self.status is not None and 300 <= self.status < 400:
            return f"The endpoint answered {self.status}; redirects are not followed."
        return f"The endpoint answered {self.status}."


class Outcome(StrEnum):
    """What becomes of a delivery after an attempt."""

    DELIVERED = "delivered"
    WAITING = "waiting"
    DEAD = "dead"


def next_attempt(attempts: int, now: datetime, answer: Answer, draw: float) -> datetime | None:
    """When the delivery is tried again after so many attempts; None when that was the last. `draw` of 0..1 is the jitter.

    An endpoint that names a longer time gets it, up to a day.
    """
    if attempts >= len(SCHEDULE):
        return None
    wait = SCHEDULE[attempts] * (1 + JITTER_SHARE * draw)
    return now + max(wait, min(answer.retry_after or timedelta(0), LONGEST_RETRY_AFTER))


def rest_until(failures: int, now: datetime, answer: Answer) -> datetime | None:
    """Until when an endpoint is left alone after so many failures in a row; None: it isn't."""
    waits = []
    if answer.retry_after is not None:
        waits.append(min(answer.retry_after, LONGEST_RETRY_AFTER))
    if failures >= RESTS_AFTER:
        waits.append(min(LONGEST_REST, FIRST_REST * (1 << min(failures - RESTS_AFTER, 10))))
    return now + max(waits) if waits else None


def is_abandoned(failures: int, failing_since: datetime, now: datetime) -> bool:
    """Whether an endpoint has failed so long and so often that it is disabled."""
    return failures >= DISABLED_FAILURES and now - failing_since >= DISABLED_AFTER


def encode_secret(key: bytes) -> str:
    return SECRET_PREFIX + base64.b64encode(key).decode()


def decode_secret(text: str) -> bytes:
    """The key of a `whsec_` text; raises ValueError where it is none."""
    fewest, most = SECRET_BYTES
    try:
        key = base64.b64decode(text.removeprefix(SECRET_PREFIX), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if not text.startswith(SECRET_PREFIX) or not fewest <= len(key) <= most:
        raise ValueError(f"A secret is {SECRET_PREFIX} and {fewest} to {most} random bytes in base64.")
    return key


def signed_headers(secrets: Sequence[str], message_id: str, at: datetime, content: bytes) -> dict[str, str]:
    """The headers by which a receiver knows who sent it: one signature for each secret that is in force."""
    stamp = str(int(at.timestamp()))
    text = f"{message_id}.{stamp}.".encode() + content
    signatures = [base64.b64encode(hmac.new(decode_secret(secret), text, sha256).digest()).decode() for secret in secrets]
    return {"webhook-id": message_id, "webhook-timestamp": stamp, "webhook-signature": " ".join(f"v1,{one}" for one in signatures)}
