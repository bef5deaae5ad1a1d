"""The check of every request sent can fail, and sees what each kind of test sends."""

from __future__ import annotations

from pathlib import Path

import pytest
import respx

from pmo_hub.sdk import http
from pmo_hub_jira.client import JiraClient
from tests.connectors.pmo_hub_jira.lending import Lent
from tests.vendor_requests import Sent

BASE = "https://acme.atlassian.net"


def jira(base: str = BASE) -> JiraClient:
    return JiraClient(Lent().http(base, http.BasicAuth("jane@acme.example", "t")), 1)


@pytest.mark.parametrize(
    ("method", "path", "query", "body", "word"),
    [
        ("GET", "/rest/api/3/search", (), None, "deprecated"),
        ("GET", "/rest/api/3/priority", (), None, "deprecated"),
        ("GET", "/rest/api/3/worklogs/updated", (), None, "not in the specification"),
        ("GET", "/rest/api/3/worklog/updated", (("from", "0"),), None, "no query parameter from"),
        ("POST", "/rest/api/3/worklog/list", (), {"ids": ["80001"]}, "ids"),
        ("POST", "/rest/api/3/worklog/list", (), {"issues": [1]}, "issues"),
        ("POST", "/rest/api/3/issue/bulkfetch", (), {"issueIdsOrKeys": ["1"], "startAt": 0}, "startAt"),
        ("GET", "/rest/agile/1.0/sprints", (), None, "not in the specification"),
        ("DELETE", "/rest/agile/1.0/board/1", (), {"force": True}, "takes no body"),
    ],
)
def test_a_request_that_is_not_specified_is_noticed(
    sent_to_jira: Sent, shared_folder: Path, method: str, path: str, query: tuple[tuple[str, str], ...], body: object, word: str
) -> None:
    """Whoever answers it, and under the gateway's address too."""
    for base in (BASE, "https://api.atlassian.com/ex/jira/5f0c1d2e"):
        sent_to_jira.shapes.clear()
        with respx.mock() as router:
            router.route().respond(json={})
            jira(base)._send(method, path, query=query, body=body)
        problems, sent_to_jira.problems = sent_to_jira.problems, set()
        assert any(word in problem for problem in problems), problems


def test_a_request_that_is_specified_passes_and_other_addresses_are_left_alone(sent_to_jira: Sent, shared_folder: Path) -> None:
    with respx.mock() as router:
        router.route().respond(json={"values": [], "lastPage": True})
        jira().changed_worklogs("updated", 5)
        jira()._send("GET", "/rest/api/2/search")
    assert sent_to_jira.problems == set()
    assert ("GET", "/rest/api/0/worklog/updated", ("since",), "NoneType") in sent_to_jira.shapes
