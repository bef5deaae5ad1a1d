"""Microsoft Teams: an Adaptive Card in the envelope that incoming webhooks and workflows take.

A third party's words stand in text runs, in which Teams reads no Markdown; text blocks, in which it does, hold our own words only. Braces
are kept apart: `{{DATE(…)}}` is a function. Version 1.4 is the newest that all of Teams' clients draw; its limit of 28 kB is above ours.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any

from pmo_hub.domain.events import Notice
from pmo_hub.domain.formats.body import Body, Envelope
from pmo_hub.domain.formats.wording import Message, Section, Told, fitted

CONTENT_TYPE = "application/json; charset=utf-8"
CARD = "application/vnd.microsoft.card.adaptive"
SCHEMA = "http://adaptivecards.io/schemas/adaptive-card.json"
VERSION = "1.4"

_BRACES = re.compile(r"\{(?=\{)")


def render(notices: Sequence[Notice], envelope: Envelope) -> Body:
    """One card, by project and owner."""
    return Body(CONTENT_TYPE, fitted(notices, envelope, _encoded))


def _encoded(message: Message) -> bytes:
    body: list[dict[str, Any]] = [{"type": "TextBlock", "text": _ours(message.title), "size": "Large", "weight": "Bolder", "wrap": True}]
    if message.place is not None:
        body.append(_runs([_run(message.place, weight="Bolder")]))
    for section in message.sections:
        body += _section(section)
    if message.left_out:
        body.append(_runs([_run(f"{message.left_out} more: "), _link(message.more, message.more)]))
    body.append(_runs([_run(message.footer, isSubtle=True, size="Small")]))
    card = {"$schema": SCHEMA, "type": "AdaptiveCard", "version": VERSION, "msteams": {"width": "Full"}, "body": body}
    envelope = {"type": "message", "attachments": [{"contentType": CARD, "contentUrl": None, "content": card}]}
    return json.dumps(envelope, ensure_ascii=False, separators=(",", ":")).encode()


def _section(section: Section) -> Iterator[dict[str, Any]]:
    if section.heading:
        yield _runs([_run(section.heading, weight="Bolder")])
    if section.owner:
        yield _runs([_run(f"Owner: {section.owner}", isSubtle=True)])
    for told in section.told:
        yield {"type": "Container", "separator": True, "items": list(_event(told))}


def _event(told: Told) -> Iterator[dict[str, Any]]:
    yield _runs([_link(told.link, told.title if told.about is None else f"{told.title}: {told.about}", weight="Bolder")])
    if told.message:
        yield _runs([_run(told.message)])
    yield _runs([_run(" · ".join(f"{name}: {value}" for name, value in told.facts), isSubtle=True)])


def _runs(runs: list[dict[str, Any]]) -> dict[str, Any]:
    return {"type": "RichTextBlock", "inlines": runs}


def _run(text: str, **style: Any) -> dict[str, Any]:
    return {"type": "TextRun", "text": _apart(text), **style}


def _link(url: str, label: str, **style: Any) -> dict[str, Any]:
    return _run(label, selectAction={"type": "Action.OpenUrl", "url": url}, **style)


def _ours(text: str) -> str:
    """A title in a block that reads Markdown: ours but for an event type that no catalogue knows."""
    return _apart("".join(character for character in text if character not in "[]()*_`#<>\\"))


def _apart(text: str) -> str:
    return _BRACES.sub("{ ", text)
