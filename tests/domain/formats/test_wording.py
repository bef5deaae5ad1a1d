"""What a person reads, before any markup."""

from __future__ import annotations

import pytest

from pmo_hub.domain.events import CATALOGUE, TEST, Event, Notice
from pmo_hub.domain.formats import MOST_BYTES, RENDERERS, Envelope, Format
from pmo_hub.domain.formats.wording import MOST_TOLD, worded
from tests.domain.formats.told import DIGEST, ENVELOPE, HOSTILE, HUB, NOON, hostile, notice, thin


def test_a_message_is_titled_by_what_it_tells() -> None:
    assert worded([notice()], ENVELOPE).subject == "Violation opened: ERP"
    assert worded([notice(1), notice(2)], ENVELOPE).subject == "2 × Violation opened: ERP"
    assert worded([notice(1), notice(2, "violation.resolved")], ENVELOPE).subject == "2 events: ERP"
    assert worded([notice(1), notice(2, project="CRM")], DIGEST).subject == "Digest: 2 × Violation opened"
    assert worded([notice()], ENVELOPE, left_out=4).subject == "5 × Violation opened: ERP"


def test_a_digest_is_grouped_by_project_and_owner() -> None:
    found = worded([notice(1), notice(2, project="CRM"), notice(3)], DIGEST)
    assert [(one.heading, one.owner, len(one.told)) for one in found.sections] == [("ERP", "Ada Lovelace", 2), ("CRM", "Ada Lovelace", 1)]


def test_a_ping_has_words_too() -> None:
    ping = Notice(Event("1", TEST, NOON, "subscription", "2", 1), HUB)
    assert worded([ping], ENVELOPE).subject == "Test"


@pytest.mark.parametrize("format", list(Format))
def test_a_thin_message_names_nothing(format: Format) -> None:
    together = ([thin(1), thin(2, "health.changed")], [thin(), notice(2, project="CRM")])
    for notices, envelope in (([thin()], ENVELOPE), *((one, DIGEST) for one in together)):
        text = read(format, notices, envelope)
        first = notices[0]
        assert first.link in text
        assert "SECRET" not in text
        assert "ERP" not in text
        assert ("sponsor" in text) == (not notices[-1].is_thin)
        assert str(first.event.project_id) not in text


@pytest.mark.parametrize("format", list(Format))
@pytest.mark.parametrize("text", HOSTILE)
def test_whatever_a_source_wrote_no_message_exceeds_the_bound(format: Format, text: str) -> None:
    for number in (1, 2, 60):
        for envelope in (ENVELOPE, DIGEST):
            body = RENDERERS[format]([hostile(text[:500], n) for n in range(1, number + 1)], envelope)
            assert 0 < len(body.content) <= MOST_BYTES


@pytest.mark.parametrize("format", [Format.SLACK, Format.TEAMS, Format.EMAIL])
def test_what_does_not_fit_is_counted(format: Format) -> None:
    notices = [notice(n) for n in range(1, 101)]
    text = read(format, notices, ENVELOPE)
    told = sum(one.link in text for one in notices)
    assert 5 < told <= MOST_TOLD
    assert f"{100 - told} more" in text
    assert "100 × Violation opened" in text


@pytest.mark.parametrize("format", list(Format))
def test_the_same_notices_make_the_same_bytes(format: Format) -> None:
    notices = [notice(1), hostile(HOSTILE[2], 2)]
    render = RENDERERS[format]
    assert render(notices, ENVELOPE) == render(notices, ENVELOPE)


@pytest.mark.parametrize("format", list(Format))
@pytest.mark.parametrize("type", sorted(CATALOGUE))
def test_every_type_of_the_catalogue_is_told(format: Format, type: str) -> None:
    text = read(format, [notice(1, type)], ENVELOPE)
    assert (CATALOGUE[type].title if format.groups else type) in text


def read(format: Format, notices: list[Notice], envelope: Envelope) -> str:
    """The message as its reader's program gets at it."""
    content = RENDERERS[format](notices, envelope).content
    if format is not Format.EMAIL:
        return content.decode()
    from email import message_from_bytes, policy

    mail = message_from_bytes(content, policy=policy.SMTP)
    return str(mail["Subject"]) + "".join(part.get_content() for part in mail.walk() if not part.is_multipart())
