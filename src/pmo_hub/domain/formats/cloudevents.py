"""CloudEvents 1.0 in the structured mode of JSON: what a bus routes by stands beside `data`, which is that of the standard format.

Attributes after the CloudEvents specification 1.0.2 and its documented extension `sequence`. Source and id together name an event once.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from pmo_hub.domain.events import Notice
from pmo_hub.domain.formats import standard
from pmo_hub.domain.formats.body import MOST_BYTES, Body, Envelope

CONTENT_TYPE = "application/cloudevents+json; charset=utf-8"
SPEC_VERSION = "1.0"


def render(notices: Sequence[Notice], envelope: Envelope) -> Body:
    """One event as itself; several, or one of a digest, as one of type `digest`."""
    if len(notices) == 1 and not envelope.is_digest:
        event = notices[0].event
        attributes = {
            "id": event.id,
            "type": event.type,
            "subject": f"{event.entity_type}/{event.entity_id}",
            "time": standard.instant(event.at),
            "sequence": str(event.sequence),
            "sequencetype": "Integer",
        }
    else:
        attributes = {
            "id": envelope.message_id,
            "type": standard.DIGEST,
            "subject": f"subscription/{envelope.subscription_id}",
            "time": standard.instant(envelope.at),
        }
    head = {"specversion": SPEC_VERSION, "source": envelope.hub_url, "datacontenttype": "application/json", **attributes}
    data = json.loads(standard.render(notices, envelope).content)["data"]
    content = _encoded({**head, "data": data})
    while len(content) > MOST_BYTES and len(data.get("events", ())) > 1:
        data["left_out"] = data.get("left_out", 0) + 1
        del data["events"][-1]
        content = _encoded({**head, "data": data})
    if len(content) > MOST_BYTES and "events" not in data:
        data = {name: value for name, value in data.items() if name != "details"} | {"is_cut": True}
        content = _encoded({**head, "data": data})
    return Body(CONTENT_TYPE, content)


def _encoded(value: dict[str, Any]) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
