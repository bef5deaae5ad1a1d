"""E-mail: a whole message (RFC 5322) of plain text and HTML that say the same; who sends it adds the sender, if none is named.

Headers are made by the standard library, which refuses line breaks in them; everything of a third party is on one line before, and
escaped in the HTML. The Message-ID is that of the delivery, so that a duplicate is one to the reader's program too.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from hashlib import sha256
from html import escape
from urllib.parse import urlsplit

from pmo_hub.domain.events import Notice
from pmo_hub.domain.formats.body import Body, Envelope
from pmo_hub.domain.formats.wording import Message, Section, Told, fitted, worded
from pmo_hub.domain.messages import clean

CONTENT_TYPE = "message/rfc822"
MOST_SUBJECT = 150

# Not every server takes eight bits.
_POLICY = SMTP.clone(cte_type="7bit")
_STYLE = "font-family:sans-serif;font-size:14px;line-height:1.4;color:#222"


def render(notices: Sequence[Notice], envelope: Envelope) -> Body:
    """One e-mail, by project and owner."""
    content = fitted(notices, envelope, lambda message: _encoded(message, envelope))
    return Body(CONTENT_TYPE, content, {"Subject": subject(worded(notices, envelope)), "Message-ID": message_id(envelope)})


def subject(message: Message) -> str:
    """What the message is about, in a line."""
    text = clean(f"[pmo-hub] {message.subject}")
    return text if len(text) <= MOST_SUBJECT else text[: MOST_SUBJECT - 1] + "…"


def message_id(envelope: Envelope) -> str:
    """The same for the same delivery, whichever process sends it, however often."""
    host = urlsplit(envelope.hub_url).hostname or ""
    domain = host if host and all(part.isalnum() or part in "-." for part in host) and host.isascii() else "pmo-hub.invalid"
    own = envelope.message_id
    safe = own if own.isascii() and own.replace("-", "").replace("_", "").isalnum() else sha256(own.encode()).hexdigest()
    return f"<{safe}@{domain}>"


def _encoded(message: Message, envelope: Envelope) -> bytes:
    mail = EmailMessage(policy=_POLICY)
    mail["Subject"] = subject(message)
    if envelope.sender is not None:
        mail["From"] = address(envelope.sender)
    if envelope.recipients:
        mail["To"] = [address(one) for one in envelope.recipients]
    mail["Date"] = envelope.at
    mail["Message-ID"] = message_id(envelope)
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content("\n".join(_text(message)) + "\n")
    mail.add_alternative("\n".join(_html(message)) + "\n", subtype="html")
    # A boundary drawn at random would make another message of every attempt.
    mail.set_boundary(f"=_{sha256(envelope.message_id.encode()).hexdigest()[:32]}")
    return mail.as_bytes()


def address(text: str) -> Address:
    """An address, bare or as `Name <address>`; raises ValueError on anything else, a line break among it."""
    name, _, rest = text.rpartition("<")
    found = rest.rstrip().removesuffix(">") if name or text.startswith("<") else text.strip()
    # A name in which an address could hide is none either.
    if any(ord(character) < 32 for character in text) or any(character in name for character in "<>@"):
        raise ValueError(f"{clean(text)!r} is no e-mail address")
    if "@" not in found or not found.isascii() or any(ord(character) <= 32 or character in ",;<>" for character in found):
        raise ValueError(f"{clean(text)!r} is no e-mail address")
    try:
        return Address(clean(name.strip().strip('"')), addr_spec=found)
    except (ValueError, IndexError, MessageError) as error:
        raise ValueError(f"{clean(text)!r} is no e-mail address") from error


def _text(message: Message) -> Iterator[str]:
    yield message.subject
    yield ""
    for section in message.sections:
        yield from _text_section(section)
    if message.left_out:
        yield f"{message.left_out} more: {message.more}"
        yield ""
    yield "-- "
    yield message.footer


def _text_section(section: Section) -> Iterator[str]:
    if section.heading:
        yield section.heading
    if section.owner:
        yield f"Owner: {section.owner}"
    if section.heading or section.owner:
        yield ""
    for told in section.told:
        yield f"* {_title(told)}"
        if told.message:
            yield f"  {told.message}"
        for name, value in told.facts:
            yield f"  {name}: {value}"
        yield f"  {told.link}"
        yield ""


def _html(message: Message) -> Iterator[str]:
    yield f'<!DOCTYPE html><html><head><meta charset="utf-8"></head><body style="{_STYLE}">'
    yield f"<h2>{escape(message.subject)}</h2>"
    for section in message.sections:
        if section.heading:
            yield f"<h3>{escape(section.heading)}</h3>"
        if section.owner:
            yield f"<p>Owner: {escape(section.owner)}</p>"
        yield "<ul>"
        for told in section.told:
            yield f'<li><a href="{escape(_href(told.link))}">{escape(_title(told))}</a>'
            if told.message:
                yield f"<br>{escape(told.message)}"
            yield f"<br><small>{escape(' · '.join(f'{name}: {value}' for name, value in told.facts))}</small></li>"
        yield "</ul>"
    if message.left_out:
        yield f'<p><a href="{escape(_href(message.more))}">{message.left_out} more</a></p>'
    yield f"<hr><p><small>{escape(message.footer)}</small></p></body></html>"


def _title(told: Told) -> str:
    return told.title if told.about is None else f"{told.title}: {told.about}"


def _href(url: str) -> str:
    """An address that is opened by a click is one of the web."""
    return url if url.startswith(("https://", "http://")) else ""
