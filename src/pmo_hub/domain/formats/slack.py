"""Slack: a message of Block Kit blocks with its plain text beside them, as an incoming webhook takes it.

Of a third party's words `&`, `<` and `>` are escaped, which takes every link, mention and command out of them; `verbatim` keeps Slack from
finding names of channels in the rest. Headers, which no markup reaches, hold our own words only. Limits are those of the Block Kit
reference: 50 blocks (a message tells of at most 30 events), 150 characters a header, 3,000 a section.
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
MOST_HEADER = 150
MOST_SECTION = 3_000
MOST_URL = 1_000
MOST_NAME = 100

_CALLS = re.compile(r"@(?=(?:channel|here|everyone)\b)", re.IGNORECASE)
_SEPARATED = "@\u200b"


def render(notices: Sequence[Notice], envelope: Envelope) -> Body:
    """One message, by project and owner."""
    return Body(CONTENT_TYPE, fitted(notices, envelope, _encoded))


def escaped(text: str) -> str:
    """A third party's words as text and nothing else."""
    plain = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    # Nobody is called, whatever the workspace makes of words that look like a call.
    return _CALLS.sub(_SEPARATED, plain)


def link(url: str, label: str) -> str:
    """A link of our own; an address that could end it is shown as text."""
    if len(url) > MOST_URL or any(character in url for character in "<>| \n"):
        return escaped(label)
    return f"<{url.replace('&', '&amp;')}|{escaped(label)}>"


def _encoded(message: Message) -> bytes:
    blocks: list[dict[str, Any]] = [{"type": "header", "text": {"type": "plain_text", "text": _header(message.title), "emoji": False}}]
    blocks += [block for section in message.sections for block in _section(section, message.place)]
    if message.left_out:
        blocks.append(_text([f"{message.left_out} more: {link(message.more, message.more)}"]))
    blocks.append({"type": "context", "elements": [_words(escaped(message.footer))]})
    body = {"text": escaped(message.subject), "blocks": blocks}
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()


def _header(title: str) -> str:
    # Ours but for an event type that no catalogue knows.
    kept = title.replace("<", "").replace(">", "").replace("&", "+")
    return kept if len(kept) <= MOST_HEADER else kept[: MOST_HEADER - 1] + "…"


def _section(section: Section, place: str | None) -> Iterator[dict[str, Any]]:
    above = [f"*{escaped(text[:MOST_NAME])}*" for text in (section.heading or place,) if text]
    above += [f"Owner: {escaped(section.owner[:MOST_NAME])}"] if section.owner else []
    for told in section.told:
        # A block each, headings in the first: however many groups there are, they fit.
        yield _text([*above, *_event(told)])
        above = []


def _event(told: Told) -> list[str]:
    title = told.title if told.about is None else f"{told.title}: {told.about}"
    lines = [link(told.link, title), *([escaped(told.message)] if told.message else [])]
    return [*lines, *(f"{name}: {escaped(value)}" for name, value in told.facts)]


def _text(lines: Sequence[str]) -> dict[str, Any]:
    """A section of these lines; one that is too much is left out whole, or markup would be cut in its midst."""
    kept: list[str] = []
    for line in lines:
        if sum(len(one) + 1 for one in kept) + len(line) <= MOST_SECTION:
            kept.append(line)
    return {"type": "section", "text": _words("\n".join(kept))}


def _words(text: str) -> dict[str, Any]:
    return {"type": "mrkdwn", "text": text, "verbatim": True}
