"""What a source says is left is understood in the spellings that sources use, and nothing is made up of what is not."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pmo_hub.sdk.quota import Quota, quota_of

NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)


def read(**headers: str) -> Quota | None:
    return quota_of([(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()], lambda: NOW)


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({}, None),
        ({"Content_Type": "application/json", "Retry_After": "5"}, None),
        ({"X_RateLimit_Limit": "350", "X_RateLimit_Remaining": "349", "X_RateLimit_Reset": "2026-11-23T08:00:30Z"},
         Quota(350, 349, 30.0)),
        ({"X_RateLimit_Limit": "350", "X_RateLimit_Remaining": "34"}, Quota(350, 34, None, is_near=True)),
        ({"X_RateLimit_NearLimit": "true"}, Quota(is_near=True)),
        ({"X_RateLimit_NearLimit": "false", "X_RateLimit_Remaining": "5"}, Quota(None, 5)),
        ({"X_RateLimit_Reset": "1795420860", "X_RateLimit_Remaining": "9"}, Quota(None, 9, 60.0)),
        ({"X_RateLimit_Reset": "1795420860000"}, Quota(None, None, 60.0)),
        ({"X_RateLimit_Reset": "Mon, 23 Nov 2026 08:01:00 GMT"}, Quota(None, None, 60.0)),
        ({"X_RateLimit_Reset": "soon"}, None),
        ({"X_RateLimit_Reset": "2026-11-23T07:00:00Z"}, Quota(None, None, 0.0)),
        ({"RateLimit": '"tenant-app-quota";r=50000;t=1800', "RateLimit_Policy": '"tenant-app-quota";q=100100;w=3600'},
         Quota(100_100, 50_000, 1_800.0)),
        # Of two budgets the scarcer, however they are ordered.
        ({"RateLimit": '"global";r=500;t=10, "tenant";r=3;t=60'}, Quota(None, 3, 60.0)),
        ({"RateLimit": "limit=100, remaining=4, reset=30"}, Quota(100, 4, 30.0, is_near=True)),
        ({"RateLimit_Limit": "100", "RateLimit_Remaining": "0", "RateLimit_Reset": "7"}, Quota(100, 0, 7.0, is_near=True)),
        # The policy goes away when nothing is left.
        ({"RateLimit": '"tenant-app-quota";r=0;t=12'}, Quota(None, 0, 12.0)),
        # Announced, not yet enforced; what is enforced goes before it.
        ({"Beta_RateLimit": '"tenant-app-quota";r=0;t=12'}, Quota(None, 0, 12.0, is_binding=False)),
        ({"X_Beta_RateLimit_Remaining": "0", "X_RateLimit_Remaining": "8"}, Quota(None, 8)),
        ({"X_RateLimit_Remaining": "many", "RateLimit_Reason": "jira-burst-based"}, None),
        ({"X_RateLimit_Reset": "nan"}, None),
        ({"X_RateLimit_Reset": "999999999"}, Quota(None, None, 86_400.0)),
    ],
)  # fmt: skip
def test_headers_are_read_leniently(headers: dict[str, str], expected: Quota | None) -> None:
    assert read(**headers) == expected


@given(st.dictionaries(st.sampled_from(["X-RateLimit-Reset", "RateLimit", "RateLimit-Policy", "X-RateLimit-Limit"]), st.text(max_size=40)))
def test_no_header_is_so_odd_that_it_breaks_a_request(headers: dict[str, str]) -> None:
    quota_of([(name.encode(), value.encode("utf-8", "replace")) for name, value in headers.items()], lambda: NOW)


def test_of_budgets_in_windows_the_scarcest_counts() -> None:
    """Trello's: a window of a key, of a token and of a member; how long database queries took is another matter."""
    headers = [
        (b"X-Rate-Limit-Api-Key-Interval-Ms", b"10000"), (b"X-Rate-Limit-Api-Key-Max", b"300"), (b"X-Rate-Limit-Api-Key-Remaining", b"299"),
        (b"X-Rate-Limit-Api-Token-Interval-Ms", b"10000"), (b"X-Rate-Limit-Api-Token-Max", b"100"),
        (b"X-Rate-Limit-Api-Token-Remaining", b"9"), (b"X-Rate-Limit-Db-Query-Time-Remaining", b"0"),
    ]  # fmt: skip
    assert quota_of(headers, lambda: datetime(2026, 11, 23, tzinfo=UTC)) == Quota(100, 9, 10.0, True)
    assert quota_of(headers[:2], lambda: datetime(2026, 11, 23, tzinfo=UTC)) is None
