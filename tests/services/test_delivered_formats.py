"""Each format through the whole way of a delivery: from a violation to a receiver or a mail server on loopback, on both engines."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from email import message_from_bytes, policy
from pathlib import Path

import pytest

from pmo_hub.domain.formats import Format
from pmo_hub.host.mailing import Server, SmtpMailer
from pmo_hub.services.errors import Invalid
from pmo_hub.store.unit_of_work import Work
from tests.domain.formats import test_cloudevents, test_slack, test_teams
from tests.host.test_mailing import Postbox, serving
from tests.receiver import receiving
from tests.services.governed import CADENCE
from tests.services.told import Told

HOSTILE = "<!channel> [x](https://evil.example) {{DATE(2026)}} \r\nBcc: victim@example.com <b>"


@pytest.fixture
def told(work: Work, tmp_path: Path) -> Told:
    return Told(work, tmp_path)


@pytest.mark.parametrize(
    ("format", "valid"),
    [
        (Format.CLOUDEVENTS, test_cloudevents.VALIDATOR.validate),
        (Format.SLACK, test_slack.VALIDATOR.validate),
        (Format.TEAMS, test_teams.VALIDATOR.validate),
    ],
)
def test_a_body_is_delivered_as_its_format_is_documented(told: Told, format: Format, valid: Callable[[object], None]) -> None:
    with receiving() as receiver:
        made = told.subscribe(receiver.url, format=format, types=("violation.*",))
        told.refresh(told.project(HOSTILE), told.project("secret", classification="confidential"))
        told.send(made.info.stored.id)
    assert receiver.got
    for one in receiver.got:
        valid(json.loads(one.body))
        if format is Format.CLOUDEVENTS:
            assert one.headers["content-type"] == "application/cloudevents+json; charset=utf-8"


def test_an_e_mail_is_handed_in_and_one_that_was_refused_comes_again_as_the_same(told: Told) -> None:
    postbox = Postbox()
    postbox.answer = "451 later"
    with serving(postbox) as port:
        told.hub = replace(told.hub, mailer=SmtpMailer(Server("smtp+plain", "127.0.0.1", port, None, None), "hub@example.com"))
        made = told.subscribe("mailto:ops@example.com,pmo@example.com", format=Format.EMAIL, types=("violation.opened",))
        told.refresh(told.project(HOSTILE))
        told.send(made.info.stored.id)
        first = list(postbox.taken)
        assert first
        assert {row["state"] for row in told.deliveries()} == {"waiting"}
        postbox.answer = "250 taken"
        told.now += CADENCE
        told.drive(made.info.stored.id)
    assert {row["state"] for row in told.deliveries()} == {"delivered"}
    again = postbox.taken[len(first) :]
    assert {recipient for _, recipients, _ in again for recipient in recipients} == {"ops@example.com", "pmo@example.com"}
    mails = [message_from_bytes(content, policy=policy.SMTP) for _, _, content in postbox.taken]
    ids = [mail["Message-ID"] for mail in mails]
    assert set(ids[len(first) :]) >= set(ids[: len(first)])
    assert all("Bcc" not in mail for mail in mails)


def test_a_hub_without_a_mail_server_says_what_to_set(told: Told) -> None:
    with pytest.raises(Invalid, match="set PMO_HUB_SMTP_URL"):
        told.subscribe("mailto:ops@example.com", format=Format.EMAIL, types=("violation.opened",))
