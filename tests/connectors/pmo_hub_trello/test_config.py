"""The form of a connection, and where the credential goes."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
import respx
from pydantic import ValidationError

from pmo_hub.sdk.testing import MemoryContext
from pmo_hub_trello.config import API, TrelloConfig
from pmo_hub_trello.connector import TrelloConnector

KEY, TOKEN = "k" * 32, "ATTA" + "t" * 60


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"api_key": KEY}, "go together"),
        ({"token": TOKEN}, "go together"),
        ({"api_key": 'k"', "token": TOKEN}, "letters and digits"),
        ({"api_key": KEY, "token": "a\r\nb"}, "letters and digits"),
        ({"url": "http://api.trello.com/1"}, "in the clear"),
        ({"url": "api.trello.com"}, "whole address"),
        ({"url": "https://u:p@api.trello.com/1"}, "besides host and path"),
        ({"url": "https://api.trello.com/1?key=x"}, "besides host and path"),
    ],
)
def test_what_is_wrong_is_said(values: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        TrelloConfig.model_validate(values)


def test_empty_fields_of_a_form_are_no_credential() -> None:
    config = TrelloConfig.model_validate({"api_key": " ", "token": ""})
    assert (config.api_key, config.token, config.has_account) == (None, None, False)


def test_the_credential_goes_in_the_header_and_in_no_address() -> None:
    config = TrelloConfig.model_validate({"api_key": KEY, "token": TOKEN, "expires_on": "2027-01-31"})
    with respx.mock() as router:
        router.route().respond(json={"id": "1" * 24, "fullName": "Ada"})
        with TrelloConnector().open(config, MemoryContext()) as source:
            assert source.check() == "Signed in to Trello as Ada, whose boards are what is seen."
            assert source.credential_expires_at() == datetime(2027, 1, 31, tzinfo=UTC)
        request = router.calls.last.request
    assert request.headers["authorization"] == f'OAuth oauth_consumer_key="{KEY}", oauth_token="{TOKEN}"'
    assert str(request.url).startswith(f"{API}/members/me")
    assert KEY not in str(request.url)
    assert TOKEN not in str(request.url)
    assert TOKEN not in repr(config)
