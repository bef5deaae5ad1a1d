"""The JSON of Standard Webhooks 1.0: type, timestamp, data; one event a message, or a digest of several."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from pmo_hub.domain.events import Notice
from pmo_hub.domain.formats.body import MOST_BYTES, Body, Envelope

CONTENT_TYPE = "application/json"
DIGEST = "digest"


def render(notices: Sequence[Notice], envelope: Envelope) -> Body:
    """One event as itself, several (or one of a digest) as `digest`. What would make it too large is cut, and said to be."""
    whole = [message(notice) for notice in notices]
    content = _encoded(_enveloped(whole, envelope))
    if len(content) > MOST_BYTES:
        whole = [_cut(one) for one in whole]
        content = _encoded(_enveloped(whole, envelope))
    while len(content) > MOST_BYTES and len(whole) > 1:
        whole = whole[: len(whole) // 2]
        content = _encoded(_enveloped(whole, envelope, left_out=len(notices) - len(whole)))
    return Body(CONTENT_TYPE, content)


def message(notice: Notice) -> dict[str, Any]:
    """An event as JSON; a thin one says its type, its id, where it stands and where more is told."""
    event = notice.event
    head: dict[str, Any] = {"id": event.id, "sequence": event.sequence, "link": notice.link}
    return {"type": event.type, "timestamp": instant(event.at), "data": head if notice.is_thin else head | details(notice)}


def details(notice: Notice) -> dict[str, Any]:
    """What a thin message leaves out."""
    event = notice.event
    return {
        "entity": {"type": event.entity_type, "id": event.entity_id},
        "project_id": event.project_id,
        "portfolio_ids": list(event.portfolio_ids),
        "severity": event.severity,
        "check_id": event.check_id,
        "owner_id": event.owner_id,
        "subject": notice.subject,
        "message": notice.message,
        "project_name": notice.project_name,
        "details": dict(event.data),
    }


def instant(at: datetime) -> str:
    """RFC 3339 in UTC."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _enveloped(messages: list[dict[str, Any]], envelope: Envelope, left_out: int = 0) -> Mapping[str, Any]:
    if len(messages) == 1 and not envelope.is_digest:
        return messages[0]
    data: dict[str, Any] = {"id": envelope.message_id, "events": messages}
    if left_out:
        data["left_out"] = left_out
    return {"type": DIGEST, "timestamp": instant(envelope.at), "data": data}


def _cut(one: dict[str, Any]) -> dict[str, Any]:
    data = {name: value for name, value in one["data"].items() if name != "details"}
    return {**one, "data": data | {"is_cut": True}}


def _encoded(value: Mapping[str, Any]) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
