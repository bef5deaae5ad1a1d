"""What people call an issue leads to it: its key in any case, its id, and the key that it had before it moved."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
import respx

from pmo_hub.sdk import http
from pmo_hub.sdk.contract import Naming, RateLimit, Ref
from pmo_hub_jira.client import JiraClient
from pmo_hub_jira.connector import JiraSource
from pmo_hub_jira.naming import named_issue

URL = "https://demo.atlassian.net"
ISSUE = {"id": "10042", "key": "NEW-7", "fields": {"project": {"id": "20001", "key": "NEW"}}}


def named(text: str, *issues: Any, errors: Any = ()) -> Any:
    with respx.mock(base_url=URL) as router:
        route = router.post("/rest/api/3/issue/bulkfetch").respond(json={"issues": list(issues), "issueErrors": list(errors)})
        throttle = http.LocalThrottle(RateLimit(1000, 1.0, 4))
        with http.client(URL, throttle=throttle) as client:
            found = named_issue(JiraClient(client, 2), text)
        return found, [httpx.Response(200, content=call.request.content).json() for call in route.calls]


@pytest.mark.parametrize("text", ["NEW-7", "new-7", "OLD-3", "10042"])
def test_an_issue_is_found_by_whatever_it_is_or_was_called(text: str) -> None:
    found, (body,) = named(text, ISSUE)
    assert (found.ref, found.scope, found.key) == (Ref("issue", "10042"), "20001", "NEW-7")
    assert body == {"issueIdsOrKeys": [text.upper()], "fields": ["project"]}


def test_an_issue_that_jira_does_not_show_is_not_there() -> None:
    assert named("NEW-8", errors=[{"id": "10043", "errorMessage": "gone"}])[0] is None
    assert named("NEW-8", {"id": "10042", "fields": None})[0] is None


@pytest.mark.parametrize("text", ["", "NEW", "NEW-", "NEW-7; DROP", "../NEW-7", "NEW-7 OR 1=1"])
def test_what_is_no_key_is_not_asked_for(text: str) -> None:
    with respx.mock(base_url=URL, assert_all_called=False) as router:
        throttle = http.LocalThrottle(RateLimit(1000, 1.0, 4))
        with http.client(URL, throttle=throttle) as client:
            assert named_issue(JiraClient(client, 2), text) is None
        assert not router.calls


def test_the_source_says_that_it_knows_names() -> None:
    assert issubclass(JiraSource, Naming)
