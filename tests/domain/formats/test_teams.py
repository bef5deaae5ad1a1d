"""Teams' cards against the elements of Adaptive Cards 1.4; Markdown is read in our own words only."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import jsonschema
import pytest

from pmo_hub.domain.formats import teams
from tests.domain.formats.told import DIGEST, ENVELOPE, HOSTILE, HUB, hostile, notice, thin

# Facts of the documentation: the envelope is a message of attachments, each with its content type and an empty content URL; a card names
# its type and version; Teams draws up to 1.5 on the desktop, and takes at most 28 kB. Of elements only those that are used are spelled out.
OPEN = {
    "type": "object",
    "required": ["type", "url"],
    "additionalProperties": False,
    "properties": {"type": {"const": "Action.OpenUrl"}, "url": {"type": "string", "pattern": "^https?://"}},
}
STYLE = {
    "size": {"enum": ["Default", "Small", "Medium", "Large", "ExtraLarge"]},
    "weight": {"enum": ["Default", "Lighter", "Bolder"]},
    "isSubtle": {"type": "boolean"},
}
RUN = {
    "type": "object",
    "required": ["type", "text"],
    "additionalProperties": False,
    "properties": {"type": {"const": "TextRun"}, "text": {"type": "string"}, "selectAction": OPEN, **STYLE},
}
RUNS = {
    "type": "object",
    "required": ["type", "inlines"],
    "additionalProperties": False,
    "properties": {"type": {"const": "RichTextBlock"}, "inlines": {"type": "array", "minItems": 1, "items": RUN}},
}
BLOCK = {
    "type": "object",
    "required": ["type", "text"],
    "additionalProperties": False,
    "properties": {"type": {"const": "TextBlock"}, "text": {"type": "string"}, "wrap": {"type": "boolean"}, **STYLE},
}
CONTAINER = {
    "type": "object",
    "required": ["type", "items"],
    "additionalProperties": False,
    "properties": {
        "type": {"const": "Container"},
        "separator": {"type": "boolean"},
        "items": {"type": "array", "minItems": 1, "items": {"oneOf": [RUNS, BLOCK]}},
    },
}
CARD = {
    "type": "object",
    "required": ["type", "version", "body"],
    "additionalProperties": False,
    "properties": {
        "$schema": {"const": "http://adaptivecards.io/schemas/adaptive-card.json"},
        "type": {"const": "AdaptiveCard"},
        "version": {"enum": ["1.0", "1.1", "1.2", "1.3", "1.4", "1.5"]},
        "msteams": {"const": {"width": "Full"}},
        "body": {"type": "array", "minItems": 1, "items": {"oneOf": [BLOCK, RUNS, CONTAINER]}},
    },
}
ATTACHMENT = {
    "type": "object",
    "required": ["contentType", "contentUrl", "content"],
    "additionalProperties": False,
    "properties": {"contentType": {"const": "application/vnd.microsoft.card.adaptive"}, "contentUrl": {"type": "null"}, "content": CARD},
}
SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["type", "attachments"],
    "additionalProperties": False,
    "properties": {"type": {"const": "message"}, "attachments": {"type": "array", "minItems": 1, "maxItems": 1, "items": ATTACHMENT}},
}
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)
MOST_TAKEN_BYTES = 28 * 1024


def rendered(*arguments: Any) -> dict[str, Any]:
    body = teams.render(*arguments)
    assert len(body.content) <= MOST_TAKEN_BYTES
    found: dict[str, Any] = json.loads(body.content)
    VALIDATOR.validate(found)
    card: dict[str, Any] = found["attachments"][0]["content"]
    return card


def elements(value: Any, type: str) -> Iterator[dict[str, Any]]:
    if isinstance(value, list):
        for one in value:
            yield from elements(one, type)
    elif isinstance(value, dict):
        if value.get("type") == type:
            yield value
        for one in value.values():
            yield from elements(one, type)


def test_a_card_reads_like_this() -> None:
    card = rendered([notice()], ENVELOPE)
    assert [one["text"] for one in elements(card, "TextBlock")] == ["Violation opened"]
    runs = [one["text"] for one in elements(card, "TextRun")]
    assert runs[:2] == ["ERP", "Owner: Ada Lovelace"]
    assert runs[2:4] == ["Violation opened: No accountable sponsor", "the project is active and names no sponsor"]
    assert [one["url"] for one in elements(card, "Action.OpenUrl")] == [notice().link]


@pytest.mark.parametrize("text", HOSTILE)
def test_what_a_source_wrote_is_never_where_markdown_is_read(text: str) -> None:
    for notices in ([hostile(text)], [hostile(text, 1), hostile(text, 2)], [thin(1), hostile(text, 2)]):
        card = rendered(notices, DIGEST)
        blocks = [one["text"] for one in elements(card, "TextBlock")]
        assert blocks == [f"Digest: {'2 × ' if len(notices) == 2 else ''}Violation opened"]
        assert all("{{" not in one["text"] and "\n" not in one["text"] for one in elements(card, "TextRun"))
        assert all(one["url"].startswith(f"{HUB}/api/v1/") for one in elements(card, "Action.OpenUrl"))
