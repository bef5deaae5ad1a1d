"""Notices to render: plain ones, thin ones, and such as somebody wrote who means harm."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from pmo_hub.domain.events import CATALOGUE, Event, Notice
from pmo_hub.domain.formats import Envelope

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
HUB = "https://hub.example"
ENVELOPE = Envelope("msg-" + "1" * 32, NOON, HUB, "2" * 32, "Operations", recipients=("ops@example.com",))
DIGEST = replace(ENVELOPE, is_digest=True)

HOSTILE = (
    "<!channel> <!here> <@U024BE7LH> <https://evil.example|click>",
    "@channel @here @everyone #general",
    "[click me](https://evil.example) **bold** _it_ `code` # Head",
    "<script>alert(1)</script><img src=x onerror=alert(1)>",
    "line\r\nBcc: victim@example.com\r\n\r\nbody\u2028more\x00\x1b[31m",
    "{{DATE(2026-11-23T00:00:00Z,SHORT)}} {{{{x}}}} <at>everyone</at>",
    "</li></ul></body> & &amp; &lt; \" ' \u202egnp.exe",
    "=?utf-8?q?Subject?= \u0000 encoded",
    "&" * 10_000,
    "😀" * 10_000,
    "x" * 10_000,
    "   ",
    "",
)


def notice(n: int = 1, type: str = "violation.opened", project: str | None = "ERP", **more: Any) -> Notice:
    """An event of the catalogue with its example for data, a minute after the one before."""
    kind = CATALOGUE[type]
    fields: dict[str, Any] = {
        "subject": "No accountable sponsor", "message": "the project is active and names no sponsor", "project_name": project,
        "owner_name": "Ada Lovelace",
    } | more  # fmt: skip
    event = Event(
        f"{n:032x}", type, NOON + timedelta(minutes=n), kind.entity, f"{n:032x}", n, kind.example, n,
        None if project is None else f"{hash(project) & 0xFFFF:032x}", ("7" * 32,), "high", "GOV-001", "8" * 32,
    )  # fmt: skip
    return Notice(event, f"{HUB}/api/v1/violations/{n:032x}", **fields)


def thin(n: int = 1, type: str = "violation.opened") -> Notice:
    """As a confidential project's is told; what must not be told is in its event all the same."""
    whole = notice(n, type)
    return Notice(replace(whole.event, data={**whole.event.data, "note": "SECRET"}), whole.link, is_thin=True)


def hostile(text: str, n: int = 1) -> Notice:
    """A notice in which everything that a third party may write is this."""
    found = notice(n, subject=text, message=text, project_name=text, owner_name=text)
    data = {"note": text, "reason": text, "error": text, "until": text, "rating": text, "was": text}
    return replace(found, event=replace(found.event, data=data))
