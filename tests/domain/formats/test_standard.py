"""The JSON of Standard Webhooks: one event, a digest, and what doesn't fit."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from pmo_hub.domain.events import Event, Notice
from pmo_hub.domain.formats import MOST_BYTES, Envelope, standard

AT = datetime(2026, 11, 23, 12, tzinfo=UTC)


def notice(number: int = 1, text: str = "", *, thin: bool = False) -> Notice:
    event = Event(f"{number:032}", "violation.opened", AT, "violation", "v", number, {"note": text}, project_id="p")
    return Notice(event, "https://hub.example/api/v1/violations/v", thin)


def envelope(*, digest: bool = False) -> Envelope:
    return Envelope("m", AT, "https://hub.example", "s", "Ops", digest)


def rendered(*notices: Notice, digest: bool = False) -> Any:
    body = standard.render(notices, envelope(digest=digest))
    assert body.content_type == "application/json"
    assert len(body.content) <= MOST_BYTES
    return json.loads(body.content)


def test_one_event_is_itself() -> None:
    told = rendered(notice(7, "Zürich 仓库"))
    assert (told["type"], told["timestamp"], told["data"]["sequence"]) == ("violation.opened", "2026-11-23T12:00:00Z", 7)
    assert told["data"]["details"] == {"note": "Zürich 仓库"}


def test_a_thin_one_tells_its_type_its_id_and_its_link() -> None:
    assert set(rendered(notice(thin=True))["data"]) == {"id", "sequence", "link"}


def test_a_digest_of_one_is_a_digest() -> None:
    told = rendered(notice(), digest=True)
    assert (told["type"], told["data"]["id"], len(told["data"]["events"])) == ("digest", "m", 1)


def test_what_is_too_large_loses_its_details_first_and_then_its_end() -> None:
    assert rendered(notice(1, "x" * 30_000))["data"]["is_cut"] is True
    some = rendered(*(notice(n, "x" * 2_000) for n in range(20)))
    assert [one["data"]["sequence"] for one in some["data"]["events"]] == list(range(20))
    assert "left_out" not in some["data"]
    many = rendered(*(notice(n) for n in range(400)))
    assert len(many["data"]["events"]) + many["data"]["left_out"] == 400
