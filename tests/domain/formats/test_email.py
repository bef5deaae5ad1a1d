"""E-mails as a reader's program parses them."""

from __future__ import annotations

from dataclasses import replace
from email import message_from_bytes, policy
from email.message import EmailMessage
from html.parser import HTMLParser
from typing import Any

import pytest

from pmo_hub.domain.formats import email
from tests.domain.formats.told import DIGEST, ENVELOPE, HOSTILE, HUB, hostile, notice, thin


def rendered(*arguments: Any) -> EmailMessage:
    body = email.render(*arguments)
    assert body.content_type == "message/rfc822"
    assert body.content.isascii()
    assert all(len(line) <= 998 for line in body.content.split(b"\r\n"))
    assert b"\n" not in body.content.replace(b"\r\n", b"")
    found = message_from_bytes(body.content, policy=policy.SMTP)
    assert isinstance(found, EmailMessage)
    assert found.defects == []
    return found


def parts(mail: EmailMessage) -> dict[str, str]:
    return {part.get_content_type(): part.get_content() for part in mail.iter_parts()}


class Tags(HTMLParser):
    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: list[tuple[str, str | None]] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes += attrs

    def handle_data(self, data: str) -> None:
        self.text += data


OURS = {"html", "head", "meta", "body", "h2", "h3", "p", "ul", "li", "a", "br", "small", "hr"}
HEADERS = ["Subject", "To", "Date", "Message-ID", "Auto-Submitted", "MIME-Version", "Content-Type"]


def test_an_e_mail_says_the_same_in_text_and_html() -> None:
    mail = rendered([notice()], ENVELOPE)
    assert mail.keys() == HEADERS
    assert mail["Subject"] == "[pmo-hub] Violation opened: ERP"
    assert mail["To"] == "ops@example.com"
    assert mail["Message-ID"] == f"<{ENVELOPE.message_id}@hub.example>"
    found = parts(mail)
    assert list(found) == ["text/plain", "text/html"]
    told = Tags(found["text/html"])
    for words in ("No accountable sponsor", "the project is active and names no sponsor", "Ada Lovelace", "Severity: high"):
        assert words in found["text/plain"]
        assert words in told.text
    assert notice().link in found["text/plain"]
    assert ("href", notice().link) in told.attributes


def test_a_second_attempt_is_the_same_message_to_its_reader() -> None:
    assert email.render([notice()], ENVELOPE) == email.render([notice()], ENVELOPE)
    other = replace(ENVELOPE, message_id="another")
    assert rendered([notice()], other)["Message-ID"] != rendered([notice()], ENVELOPE)["Message-ID"]


@pytest.mark.parametrize(
    ("id", "url", "expected"),
    [
        ("abc", "https://hub.example:8443", "<abc@hub.example>"),
        ("abc", "http://[::1]:8000", "<abc@pmo-hub.invalid>"),
        ("abc", "http://bücher.example", "<abc@pmo-hub.invalid>"),
    ],
)
def test_the_message_id_is_made_of_what_may_stand_in_one(id: str, url: str, expected: str) -> None:
    assert email.message_id(replace(ENVELOPE, message_id=id, hub_url=url)) == expected
    assert "\n" not in email.message_id(replace(ENVELOPE, message_id="a\nBcc: x@y.example", hub_url=url))


@pytest.mark.parametrize("text", HOSTILE)
def test_what_a_source_wrote_adds_no_header_and_no_tag(text: str) -> None:
    for notices in ([hostile(text)], [hostile(text, 1), hostile(text, 2)], [thin(1), hostile(text, 2)]):
        mail = rendered(notices, replace(DIGEST, subscription_name=text))
        assert mail.keys() == HEADERS
        assert len(mail["Subject"]) <= email.MOST_SUBJECT
        found = Tags(parts(mail)["text/html"])
        assert found.tags <= OURS
        assert {name for name, _ in found.attributes} <= {"charset", "style", "href"}
        assert all(str(value).startswith(HUB) for name, value in found.attributes if name == "href")
        assert not any(line.lower().startswith("bcc:") for line in parts(mail)["text/plain"].splitlines())


def test_a_digest_has_a_heading_a_project() -> None:
    mail = rendered([notice(1), notice(2, project="CRM")], DIGEST)
    assert mail["Subject"] == "[pmo-hub] Digest: 2 × Violation opened"
    assert "<h3>ERP</h3>" in parts(mail)["text/html"]
    assert "CRM" in parts(mail)["text/plain"].splitlines()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ops@example.com", "ops@example.com"),
        ("PMO Hub <hub@example.com>", "PMO Hub <hub@example.com>"),
        ('"A, B" <b@x.example>', '"A, B" <b@x.example>'),
    ],
)
def test_an_address_is_bare_or_has_a_name(text: str, expected: str) -> None:
    assert str(email.address(text)) == expected


@pytest.mark.parametrize(
    "text",
    ["", "nobody", "a@b.example\r\nBcc: c@d.example", "a@b.example, c@d.example", "a b@c.example", "@", "<>", "ü@x.example", "a@"],
)
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no e-mail address"):
        email.address(text)
