"""JQL as Jira Cloud reads it: time zones, minutes, empty fields, boundedness, errors."""
from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from pmo_hub_jira import simulated_dictionary as d
from pmo_hub_jira.simulated_jql import instant_ms
from pmo_hub_jira.simulated_organisation import generate
from pmo_hub_jira.simulated_site import Issue
from pmo_hub_jira.simulator import Simulator
from tests.connectors.pmo_hub_jira.simulator_client import Client

NOW = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)
KATHMANDU = "Asia/Kathmandu"


@pytest.fixture(scope="module")
def client() -> Client:
    return Client(Simulator(generate(11, 400, NOW), lambda: NOW, time_zone=KATHMANDU))


def expected(client: Client, keep: Any) -> set[str]:
    return {issue.key for issue in client.simulator.world.issues.values() if keep(issue)}


def category(client: Client, issue: Issue) -> str:
    return client.simulator.world.statuses[issue.values["status"]].category


@pytest.mark.parametrize(("jql", "keep"), [
    ("project = PAY", lambda c, i: i.key.startswith("PAY-")),
    ("project = 10000", lambda c, i: i.key.startswith("PAY-")),
    ("project = \"ERP Rollout\"", lambda c, i: i.key.startswith("ERP-")),
    ("project in (PAY, 10001, \"MOB\")", lambda c, i: i.key.split("-")[0] in ("PAY", "ERP", "MOB")),
    ("project not in (PAY)", lambda c, i: not i.key.startswith("PAY-")),
    ("key in (PAY-1, pay-2)", lambda c, i: i.key in ("PAY-1", "PAY-2")),
    ("issuekey > ERP-5 AND key <= ERP-7", lambda c, i: i.key in ("ERP-6", "ERP-7")),
    ("key > ERP-99999", lambda c, i: False),
    ("id >= 10110 and id < 10113", lambda c, i: i.id in (10110, 10111, 10112)),
    ("id in (10110, 10111)", lambda c, i: i.id in (10110, 10111)),
    ("labels = audit", lambda c, i: "audit" in i.values["labels"]),
    ("labels in (audit, mobile)", lambda c, i: {"audit", "mobile"} & set(i.values["labels"])),
    ("labels != audit", lambda c, i: i.values["labels"] and "audit" not in i.values["labels"]),
    ("labels is empty", lambda c, i: not i.values["labels"]),
    ("component is not empty", lambda c, i: i.values["components"]),
    ("component = 30000", lambda c, i: "30000" in i.values["components"]),
    ("fixVersion = \"PAY 1.0\"", lambda c, i: "20000" in i.values["fixVersions"]),
    ("status = \"in progress\"", lambda c, i: i.values["status"] == d.IN_PROGRESS),
    ("status = Done", lambda c, i: i.values["status"] in (d.DONE, d.LOCAL_DONE)),
    ("status = 10103", lambda c, i: i.values["status"] == d.LOCAL_DONE),
    ("statusCategory = \"To Do\"", lambda c, i: category(c, i) == "new"),
    ("statusCategory != Done", lambda c, i: category(c, i) != "done"),
    ("statusCategory in (new, 3)", lambda c, i: category(c, i) in ("new", "done")),
    ("issuetype = Epic or type in (Risk)", lambda c, i: i.values["issuetype"] in (d.EPIC, d.RISK)),
    ("issuetype = 史诗", lambda c, i: i.values["issuetype"] == d.LOCAL_EPIC),
    ("not project = PAY and not (labels = audit or labels is empty)",
     lambda c, i: not i.key.startswith("PAY-") and i.values["labels"] and "audit" not in i.values["labels"]),
    ("project = PAY or project = ERP and issuetype = Epic",
     lambda c, i: i.key.startswith("PAY-") or (i.key.startswith("ERP-") and i.values["issuetype"] == d.EPIC)),
    ("assignee is empty and resolution is empty", lambda c, i: i.values.get("assignee") is None and i.values.get("resolution") is None),
    ("due < 2026-11-23 and project = ERP",
     lambda c, i: i.key.startswith("ERP-") and i.values.get("duedate") and i.values["duedate"].isoformat() < "2026-11-23"),
    ("sprint = 1", lambda c, i: 1 in (i.values.get(d.SPRINT) or ())),
    ("project = 'PAY' && labels is not null", lambda c, i: i.key.startswith("PAY-") and i.values["labels"]),
])
def test_clause_selects_what_it_says(client: Client, jql: str, keep: Any) -> None:
    wanted = expected(client, lambda issue: keep(client, issue))
    assert set(client.keys(jql)) == wanted
    assert wanted or "99999" in jql


def test_parent_selects_children_by_key_or_id(client: Client) -> None:
    parent = next(i for i in client.simulator.world.issues.values() if len(client.simulator.world.children.get(i.id, ())) > 1)
    children = {client.simulator.world.issues[id].key for id in client.simulator.world.children[parent.id]}
    assert set(client.keys(f"parent = {parent.key}")) == set(client.keys(f"parent in ({parent.id})")) == children


def test_epoch_milliseconds_are_floored_to_the_minute(client: Client) -> None:
    moved = max(client.simulator.world.issues.values(), key=lambda i: i.updated)
    millis = round(moved.updated.timestamp() * 1000)
    late_in_minute = millis // 60_000 * 60_000 + 59_999
    assert moved.key in client.keys(f"updated >= {late_in_minute}")
    assert moved.key not in client.keys(f"updated >= {late_in_minute + 1}")
    assert moved.key not in client.keys(f"updated < {millis // 60_000 * 60_000}")


def test_bare_date_time_is_read_in_the_callers_zone(client: Client) -> None:
    moved = max(client.simulator.world.issues.values(), key=lambda i: i.updated)
    local = moved.updated.astimezone(ZoneInfo(KATHMANDU))
    assert moved.key in client.keys(f'updated >= "{local:%Y-%m-%d %H:%M}"')
    assert moved.key not in client.keys(f'updated >= "{local + timedelta(minutes=1):%Y/%m/%d %H:%M}"')
    # A client that writes UTC where the site reads +05:45 asks for more than it wanted.
    assert moved.key in client.keys(f'updated >= "{moved.updated:%Y-%m-%d %H:%M}"')


@pytest.mark.parametrize(("text", "zone", "instant"), [
    ("2026-11-01", "UTC", "2026-11-01T00:00+00:00"), ("2026/11/01 10:05", KATHMANDU, "2026-11-01T04:20+00:00"),
    ("-2d", "UTC", "2026-11-21T09:30+00:00"), ("-90m", "UTC", "2026-11-23T08:00+00:00"), ("1w", "UTC", "2026-11-30T09:30+00:00"),
    ("2026-10-25 02:30", "Europe/Oslo", "2026-10-25T00:30+00:00"), ("1764000059999", "UTC", "2025-11-24T16:00+00:00")])
def test_date_words_mean_an_instant(text: str, zone: str, instant: str) -> None:
    assert instant_ms(text, NOW, ZoneInfo(zone)) == round(datetime.fromisoformat(instant).timestamp() * 1000)


def test_relative_dates_count_from_the_sites_clock(client: Client) -> None:
    wanted = expected(client, lambda i: i.created >= NOW - timedelta(days=30))
    assert wanted
    assert set(client.keys("created >= -30d")) == wanted


@pytest.mark.parametrize(("order", "key"), [
    ("created", lambda i: (i.created, i.id)), ("created asc", lambda i: (i.created, i.id)), ("id desc", lambda i: -i.id),
    ("updated DESC", lambda i: (-i.updated.timestamp(), i.id)), ("key", lambda i: i.number),
    ("updated asc, key desc", lambda i: (i.updated, -i.number))])
def test_order_is_obeyed(client: Client, order: str, key: Any) -> None:
    rows = [i for i in client.simulator.world.issues.values() if i.key.startswith("ERP-")]
    assert client.keys(f"project = ERP order by {order}") == [i.key for i in sorted(rows, key=key)]


def test_order_across_projects_follows_the_project_key(client: Client) -> None:
    keys = client.keys("project in (ERP, DWH) order by key")
    assert [key.split("-")[0] for key in keys] == sorted(key.split("-")[0] for key in keys)


@pytest.mark.parametrize(("jql", "sentence"), [
    ("order by key", "Unbounded"), ("", "Unbounded"), ("project = NONE", "The value 'NONE' does not exist for the field 'project'."),
    ("colour = red", "Field 'colour' does not exist"), ("project > PAY", "not supported by the 'project' field"),
    ("status = Nowhere", "The value 'Nowhere' does not exist for the field 'status'."),
    ("key = PAY-99999", "does not exist for field 'key'"),
    ("id in (1)", "does not exist for field 'id'"), ("updated >= yesterday", "Date value 'yesterday'"),
    ("updated in (1, 2)", "not supported by the 'updated' field"),
    ("assignee = currentUser()", "JQL function 'currentUser()'"),
    ("project = PAY labels = x", "Expecting either 'OR' or 'AND'"), ("project = PAY and", "Expecting a field name"),
    ("project in PAY", "Expecting '('"), ("(project = PAY", "Expecting ')'"), ("project = PAY order by rank", "Not able to sort"),
    ("project ~ PAY", "not an operator"), ("project = PAY order by key, id, key, id, key, id, key, id", "at most 7"),
    ("project = )", "Expecting a value"), ("project = \"PAY", "not expected here")])
def test_what_is_not_understood_is_a_400_that_says_why(client: Client, jql: str, sentence: str) -> None:
    for path, extra in (("/rest/api/3/search/jql", {"fields": ["id"]}), ("/rest/api/3/search/approximate-count", {})):
        reply = client.send("POST", path, None, {"jql": jql} | extra)
        assert reply.status == 400
        assert sentence in reply.json["errorMessages"][0]
