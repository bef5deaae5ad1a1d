"""The document's part about what the hub itself sends: a webhook for each type of the catalogue."""

from __future__ import annotations

from typing import Any

from pmo_hub.domain.events import CATALOGUE, EventType

_HEADERS = (
    ("webhook-id", "the same in every attempt: whoever has seen it has nothing to do"),
    ("webhook-timestamp", "seconds since 1970, of this attempt; older than five minutes it is somebody else's"),
    ("webhook-signature", "v1, and the HMAC-SHA256 of id.timestamp.body in base64; several, separated by spaces, while secrets overlap"),
)


def described() -> dict[str, Any]:
    """Type → what is posted, as OpenAPI 3.1 spells it."""
    return {one.name: {"post": _operation(one)} for one in CATALOGUE.values()}


def _operation(type: EventType) -> dict[str, Any]:
    example = {
        "type": type.name,
        "timestamp": "2026-11-23T09:00:00Z",
        "data": {
            "id": "5d41402abc4b2a76b9719d911017c592", "sequence": 1, "link": "https://hub.example/api/v1/…",
            "entity": {"type": type.entity, "id": "7d793037a0760186574b0282f2f435e7"}, "details": dict(type.example),
        },
    }  # fmt: skip
    return {
        "operationId": f"told_{type.name.replace('.', '_')}",
        "summary": type.title,
        "description": f"{type.meaning[0].upper()}{type.meaning[1:]}.",
        "tags": ["webhooks"],
        "parameters": [
            {"name": name, "in": "header", "required": True, "description": text, "schema": {"type": "string"}} for name, text in _HEADERS
        ],
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Message"}, "example": example}},
        },
        "responses": {
            "2XX": {"description": "Taken; answer within 15 seconds"},
            "410": {"description": "Never again: the subscription is disabled"},
        },
    }
