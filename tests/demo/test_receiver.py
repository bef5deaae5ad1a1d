"""The demo's receiver believes what the hub signs, and the specification's own library agrees with it."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from pmo_hub.demo.receiver import is_genuine, line, listening
from pmo_hub.domain.delivery import encode_secret, signed_headers

SECRETS = [encode_secret(bytes(range(32))), encode_secret(bytes(range(32, 64)))]
BODY = b'{"type":"violation.opened","data":{"link":"https://hub.example/x"}}'


@pytest.mark.parametrize("secret", SECRETS)
def test_receiver_and_library_believe_the_same(secret: str) -> None:
    headers = signed_headers(SECRETS, "m1", datetime.now(UTC), BODY)
    assert is_genuine(secret, headers, BODY, time.time())
    assert Webhook(secret).verify(BODY, headers)["type"] == "violation.opened"
    for wrong_headers, wrong_body in (
        (headers, BODY + b" "),
        (headers | {"webhook-id": "m2"}, BODY),
        (signed_headers(SECRETS, "m1", datetime.now(UTC) - timedelta(minutes=6), BODY), BODY),
        (signed_headers([encode_secret(bytes(32))], "m1", datetime.now(UTC), BODY), BODY),
    ):
        assert not is_genuine(secret, wrong_headers, wrong_body, time.time())
        with pytest.raises(WebhookVerificationError):
            Webhook(secret).verify(wrong_body, wrong_headers)


def test_a_message_that_comes_twice_is_there_once_and_a_forged_one_is_refused() -> None:
    with listening() as inbox:
        inbox.secret = SECRETS[0]
        headers = signed_headers(SECRETS[:1], "m1", datetime.now(UTC), BODY)
        statuses = [httpx.post(inbox.url, content=BODY, headers=headers).status_code for _ in range(2)]
        statuses.append(httpx.post(inbox.url, content=BODY + b" ", headers=headers).status_code)
    assert statuses == [204, 204, 401]
    assert list(inbox.got) == ["m1"]
    assert inbox.refused == 1
    assert line(inbox.got["m1"]) == "violation.opened: confidential, https://hub.example/x"
