"""Faults strike where and as often as asked, look as the real ones do, and lose nothing that real Jira would not lose."""
from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import pytest

from pmo_hub_jira.simulated_organisation import generate
from pmo_hub_jira.simulated_site import Site
from pmo_hub_jira.simulator import Simulator
from tests.connectors.pmo_hub_jira.simulator_client import Client

NOW = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)
SEARCH, BULK, CHANGES = "/rest/api/3/search/jql", "/rest/api/3/issue/bulkfetch", "/rest/api/3/changelog/bulkfetch"
FIELD = "/rest/api/3/field"


@pytest.fixture(scope="module")
def site() -> Site:
    return generate(4, 200, NOW)


@pytest.fixture
def client(site: Site) -> Client:
    return Client(Simulator(site, lambda: NOW))


@pytest.mark.parametrize(("retry_after", "header"), [
    (0, "0"), (7, "7"), (1800, "1800"), (None, None), ("date:90", "Mon, 23 Nov 2026 09:31:30 GMT")])
def test_rate_limit_tells_when_to_come_back(client: Client, retry_after: Any, header: str | None) -> None:
    client.simulator.fault("status", status=429, retry_after=retry_after, reason="jira-burst-based")
    reply = client.send("GET", FIELD)
    assert (reply.status, reply.headers.get("Retry-After"), reply.headers["RateLimit-Reason"]) == (429, header, "jira-burst-based")
    assert client.send("GET", FIELD).status == 200


def test_date_of_retry_after_is_the_sites_time(client: Client) -> None:
    client.simulator.advance(timedelta(days=2))
    client.simulator.fault("status", status=503, retry_after="date:60")
    reply = client.send("GET", FIELD)
    ahead = parsedate_to_datetime(reply.headers["Retry-After"]) - parsedate_to_datetime(reply.headers["Date"])
    assert ahead == timedelta(seconds=60)


@pytest.mark.parametrize("status", [410, 500, 502, 503])
def test_status_fault_has_jiras_error_shape(client: Client, status: int) -> None:
    client.simulator.fault("status", status=status)
    reply = client.send("GET", FIELD)
    assert (reply.status, set(reply.json)) == (status, {"errorMessages", "errors"})
    assert "Retry-After" not in reply.headers


def test_rule_strikes_its_method_and_path_from_the_nth_on_and_no_longer(client: Client) -> None:
    rule = client.simulator.fault("status", method="POST", path=SEARCH, nth=2, times=2)
    seen = [client.send("POST", SEARCH, None, {"jql": "project = PAY"}).status for _ in range(5)]
    assert seen == [200, 500, 500, 200, 200]
    assert client.send("GET", FIELD).status == 200
    assert (rule.seen, rule.struck) == (3, 2)


def test_endless_rule_strikes_until_it_is_cleared(client: Client) -> None:
    client.simulator.fault("status", path=FIELD, times=None)
    assert [client.send("GET", FIELD).status for _ in range(3)] == [500, 500, 500]
    client.simulator.clear_faults()
    assert client.send("GET", FIELD).status == 200


def test_unknown_kind_of_fault_is_refused(client: Client) -> None:
    with pytest.raises(ValueError, match="earthquake"):
        client.simulator.fault("earthquake")


def test_login_page_comes_as_html_with_status_200(client: Client) -> None:
    client.simulator.fault("html")
    reply = client.send("GET", "/rest/api/3/myself")
    assert reply.status == 200
    assert reply.headers["Content-Type"].startswith("text/html")
    assert reply.body.startswith(b"<!DOCTYPE html>")


def test_delay_and_latency_add_up(client: Client) -> None:
    client.simulator.latency_s = 0.25
    client.simulator.fault("delay", delay_s=2.0)
    assert client.simulator.answer("GET", FIELD).delay_s == 2.25
    assert client.simulator.answer("GET", FIELD).delay_s == 0.25


def test_repeated_token_leads_back_to_the_same_page(client: Client) -> None:
    client.simulator.fault("repeated_token", path=SEARCH, times=None)
    ask = {"jql": "project = PAY order by created", "fields": ["summary"], "maxResults": 5}
    first = client.post(SEARCH, **ask)
    second = client.post(SEARCH, nextPageToken=first["nextPageToken"], **ask)
    third = client.post(SEARCH, nextPageToken=second["nextPageToken"], **ask)
    assert second["nextPageToken"] == first["nextPageToken"]
    assert third == second
    assert second["isLast"] is False


def test_token_declared_invalid_is_a_400_and_a_fresh_start_is_not(client: Client) -> None:
    client.simulator.fault("invalid_token", path=SEARCH)
    ask = {"jql": "project = PAY", "fields": ["summary"], "maxResults": 5}
    token = client.post(SEARCH, **ask)["nextPageToken"]
    assert client.send("POST", SEARCH, None, ask | {"nextPageToken": token}).status == 400
    assert client.send("POST", SEARCH, None, ask | {"nextPageToken": token}).status == 200


@pytest.mark.parametrize("rule", [
    {"kind": "empty_page", "nth": 1}, {"kind": "empty_page", "nth": 3}, {"kind": "short_page", "nth": 2, "rows": 3}])
def test_empty_or_short_page_in_the_middle_loses_nothing(client: Client, rule: dict[str, Any]) -> None:
    whole = client.keys("project = PAY order by created")
    client.simulator.fault(path=SEARCH, **rule)
    pages = list(client.pages("project = PAY order by created", ["summary"], 8))
    sizes = [len(page["issues"]) for page in pages]
    assert sizes[rule["nth"] - 1] == rule.get("rows", 0)
    assert [issue["key"] for page in pages for issue in page["issues"]] == whole


def test_missing_is_last_leaves_the_token_alone(client: Client) -> None:
    client.simulator.fault("no_is_last", path=SEARCH, times=None)
    pages = list(client.pages("project = PAY", ["summary"], 10))
    assert len(pages) > 1
    assert all("isLast" not in page for page in pages)


def test_half_listing_ends_early_and_says_it_is_the_last(client: Client) -> None:
    whole = client.keys("project = PAY")
    client.simulator.fault("half_listing", path=SEARCH)
    page = client.post(SEARCH, jql="project = PAY", fields=["id"], maxResults=5000)
    assert (len(page["issues"]), page["isLast"]) == (len(whole) // 2, True)
    assert "nextPageToken" not in page


def test_zero_results_where_there_were_many(client: Client) -> None:
    client.simulator.fault("zero_results", times=None)
    assert client.post(SEARCH, jql="project = PAY") == {"issues": [], "isLast": True}
    assert client.post("/rest/api/3/search/approximate-count", jql="project = PAY") == {"count": 0}
    assert client.get("/rest/api/3/project/search")["values"] == []
    assert client.post(BULK, issueIdsOrKeys=["PAY-1"])["issues"] == []
    assert client.post(CHANGES, issueIdsOrKeys=["PAY-1"])["issueChangeLogs"] == []


@pytest.mark.parametrize(("field", "value"), [("summary", None), ("status", "not an object"), ("duedate", 17), ("fields", None)])
def test_spoilt_field_is_spoilt_wherever_the_issue_is_shown(client: Client, field: str, value: Any) -> None:
    client.simulator.fault("field_value", issue="PAY-2", field=field, value=value, times=None)
    found = {i["key"]: i for i in client.issues("project = PAY", ["summary", "status", "duedate"])}
    fetched = client.post(BULK, issueIdsOrKeys=["PAY-2"], fields=["summary", "status", "duedate"])["issues"][0]
    shown = found["PAY-2"][field] if field == "fields" else found["PAY-2"]["fields"][field]
    assert shown == value
    assert fetched == found["PAY-2"]
    assert found["PAY-1"]["fields"]["summary"]
    client.simulator.clear_faults()
    assert client.post(BULK, issueIdsOrKeys=["PAY-2"], fields=["summary"])["issues"][0]["fields"]["summary"]


def test_spoilt_field_can_be_named_by_its_place_on_the_page(client: Client) -> None:
    client.simulator.fault("field_value", issue=3, field="summary", value=[])
    issues = client.post(SEARCH, jql="project = PAY", fields=["summary"], maxResults=10)["issues"]
    assert [n for n, issue in enumerate(issues) if issue["fields"]["summary"] == []] == [3]


def test_vanished_project_is_unknown_to_jql_and_a_404(client: Client) -> None:
    client.simulator.fault("project_vanished", project="ERP", times=None)
    reply = client.send("POST", SEARCH, None, {"jql": "project = ERP"})
    assert (reply.status, reply.json["errorMessages"]) == (400, ["The value 'ERP' does not exist for the field 'project'."])
    assert client.send("GET", "/rest/api/3/project/ERP").status == 404
    assert client.send("POST", SEARCH, None, {"jql": "project = PAY"}).status == 200


def test_truncated_and_reset_answers_are_marked_for_the_wire(client: Client) -> None:
    client.simulator.fault("truncated")
    assert client.send("GET", FIELD).cut
    client.simulator.fault("reset")
    assert client.send("GET", FIELD).reset
    assert [entry.status for entry in client.simulator.log] == [200, 0]


def test_random_faults_repeat_with_their_seed(site: Site) -> None:
    def run(seed: int) -> list[tuple[int, bool, bool]]:
        client = Client(Simulator(site, lambda: NOW))
        client.simulator.fault_at_random(0.3, seed)
        return [(r.status, r.cut, r.reset) for r in (client.send("GET", FIELD) for _ in range(200))]
    first = run(1)
    assert first == run(1)
    assert first != run(2)
    struck = sum(1 for outcome in first if outcome != (200, False, False))
    assert 30 < struck < 90
    assert {status for status, _, _ in first} >= {200, 429, 500, 502, 503}


def test_offset_listing_can_be_halved_and_shortened(client: Client) -> None:
    client.simulator.fault("half_listing", path="/rest/api/3/project/search")
    half = client.get("/rest/api/3/project/search")
    assert (len(half["values"]), half["isLast"]) == (5, True)
    client.simulator.fault("short_page", path="/rest/agile/1.0/board", rows=2)
    short = client.get("/rest/agile/1.0/board")
    assert (len(short["values"]), short["isLast"]) == (2, False)
