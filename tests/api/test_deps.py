"""What endpoints ask for."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from pmo_hub.api.deps import allow, instant
from pmo_hub.api.errors import BadRequest


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("2026-11-23T08:00:00Z", datetime(2026, 11, 23, 8, tzinfo=UTC)),
        ("2026-11-23T10:00:00+02:00", datetime(2026, 11, 23, 8, tzinfo=UTC)),
        # What a client sends that does not percent-encode the plus sign.
        ("2026-11-23T10:00:00 02:00", datetime(2026, 11, 23, 8, tzinfo=UTC)),
        ("2026-11-23T03:00:00.5-05:00", datetime(2026, 11, 23, 8, 0, 0, 500_000, UTC)),
    ],
)
def test_an_instant_is_read_in_utc(text: str, at: datetime) -> None:
    assert instant(text, "as_of") == at


@pytest.mark.parametrize("text", ["2026-11-23T08:00:00", "2026-11-23", "yesterday", "", "0001-01-01T00:00:00+23:59", "9" * 64])
def test_what_is_no_instant_or_has_no_zone_is_refused_by_name(text: str) -> None:
    with pytest.raises(BadRequest, match="as_of") as raised:
        instant(text, "as_of")
    assert raised.value.status == 400
    assert raised.value.errors[0].parameter == "as_of"


def test_a_scope_that_does_not_exist_is_noticed_when_the_endpoint_is_made() -> None:
    with pytest.raises(ValueError, match="projects:erase"):
        allow("projects:erase")
