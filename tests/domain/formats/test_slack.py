"""Slack's messages against the limits of the Block Kit reference; nobody is called, nothing is linked but what the hub links."""

from __future__ import annotations

import json
import re
from typing import Any

import jsonschema
import pytest

from pmo_hub.domain.formats import slack
from tests.domain.formats.told import DIGEST, ENVELOPE, HOSTILE, HUB, hostile, notice, thin

# Facts of the reference: at most 50 blocks; a text object holds 1 to 3,000 characters, `emoji` is plain text's and `verbatim` mrkdwn's; a
# header is plain text of at most 150; a context holds 1 to 10 elements; the text beside the blocks is cut above 40,000.
WORDS = {"type": "string", "minLength": 1, "maxLength": 3000}
PLAIN = {
    "type": "object",
    "required": ["type", "text"],
    "additionalProperties": False,
    "properties": {"type": {"const": "plain_text"}, "text": WORDS, "emoji": {"type": "boolean"}},
}
MRKDWN = {
    "type": "object",
    "required": ["type", "text"],
    "additionalProperties": False,
    "properties": {"type": {"const": "mrkdwn"}, "text": WORDS, "verbatim": {"type": "boolean"}},
}
HEADER = {
    "type": "object",
    "required": ["type", "text"],
    "additionalProperties": False,
    "properties": {"type": {"const": "header"}, "text": {"allOf": [PLAIN, {"properties": {"text": {"maxLength": 150}}}]}},
}
SECTION = {
    "type": "object",
    "required": ["type", "text"],
    "additionalProperties": False,
    "properties": {"type": {"const": "section"}, "text": {"oneOf": [PLAIN, MRKDWN]}},
}
CONTEXT = {
    "type": "object",
    "required": ["type", "elements"],
    "additionalProperties": False,
    "properties": {
        "type": {"const": "context"},
        "elements": {"type": "array", "minItems": 1, "maxItems": 10, "items": {"oneOf": [PLAIN, MRKDWN]}},
    },
}
SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["text", "blocks"],
    "additionalProperties": False,
    "properties": {
        "text": {"type": "string", "minLength": 1, "maxLength": 40_000},
        "blocks": {"type": "array", "minItems": 1, "maxItems": 50, "items": {"oneOf": [HEADER, SECTION, CONTEXT]}},
    },
}
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)
MARKUP = re.compile(r"<([^>]*)>")


def rendered(*arguments: Any) -> dict[str, Any]:
    body = slack.render(*arguments)
    assert body.content_type == "application/json; charset=utf-8"
    found: dict[str, Any] = json.loads(body.content)
    VALIDATOR.validate(found)
    return found


def texts(message: dict[str, Any]) -> list[str]:
    """Every text in which Slack looks for markup."""
    found = [message["text"]]
    for block in message["blocks"]:
        found += [one["text"] for one in block.get("elements", [block.get("text")])]
    return found


def test_a_message_reads_like_this() -> None:
    found = rendered([notice()], ENVELOPE)
    assert found["text"] == "Violation opened: ERP"
    assert [block["type"] for block in found["blocks"]] == ["header", "section", "context"]
    assert found["blocks"][1]["text"]["text"].splitlines()[:4] == [
        "*ERP*", "Owner: Ada Lovelace", f"<{notice().link}|Violation opened: No accountable sponsor>",
        "the project is active and names no sponsor",
    ]  # fmt: skip
    assert all(block["text"]["verbatim"] for block in found["blocks"] if block["type"] == "section")


def test_a_digest_has_its_projects_in_turn() -> None:
    found = rendered([notice(1), notice(2, project="CRM"), notice(3)], DIGEST)
    sections = [block["text"]["text"] for block in found["blocks"] if block["type"] == "section"]
    assert [one.splitlines()[0] for one in sections][::2] == ["*ERP*", "*CRM*"]
    assert len(sections) == 3


def test_thirty_groups_fit_into_the_blocks() -> None:
    assert len(rendered([notice(n, project=f"P{n}") for n in range(60)], DIGEST)["blocks"]) <= 50


@pytest.mark.parametrize("text", HOSTILE)
def test_what_a_source_wrote_calls_nobody_and_links_nowhere(text: str) -> None:
    for notices in ([hostile(text)], [hostile(text, 1), hostile(text, 2)], [thin(1), hostile(text, 2)]):
        for one in texts(rendered(notices, DIGEST)):
            for markup in MARKUP.findall(one):
                assert markup.startswith(f"{HUB}/api/v1/"), markup
            assert "<" not in MARKUP.sub("", one)
            assert re.search(r"@(channel|here|everyone)", one) is None
            assert re.fullmatch(r"([^&]|&(amp|lt|gt);)*", one, re.DOTALL)
            assert "\r" not in one


def test_an_address_that_could_end_its_link_is_text() -> None:
    assert slack.link("https://x.example/a|b>c", "label") == "label"
    assert slack.link("https://x.example/?a=1&b=2", "a<b") == "<https://x.example/?a=1&amp;b=2|a&lt;b>"
