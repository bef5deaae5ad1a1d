"""Pages, field lists, bulk fetches and change logs behave as the real endpoints do."""
from __future__ import annotations

import json
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import pytest

from pmo_hub_jira import simulated_dictionary as d
from pmo_hub_jira.simulated_organisation import generate
from pmo_hub_jira.simulated_search import Limits
from pmo_hub_jira.simulated_site import Site
from pmo_hub_jira.simulator import Simulator
from tests.connectors.pmo_hub_jira.simulator_client import Client

NOW = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)
SEARCH, BULK, CHANGES = "/rest/api/3/search/jql", "/rest/api/3/issue/bulkfetch", "/rest/api/3/changelog/bulkfetch"


@pytest.fixture(scope="module")
def site() -> Site:
    return generate(4, 500, NOW, awkward=True, adf_depth=30)


@pytest.fixture
def client(site: Site) -> Client:
    return Client(Simulator(site, lambda: NOW))


def test_pages_give_every_issue_once(client: Client) -> None:
    pages = list(client.pages("created >= 0 order by created", ["summary"]))
    ids = [issue["id"] for page in pages for issue in page["issues"]]
    assert len(ids) == len(set(ids)) == len(client.simulator.world.issues)
    assert [page["isLast"] for page in pages] == [False] * (len(pages) - 1) + [True]
    assert max(len(page["issues"]) for page in pages) == 100
    assert all("total" not in page and "startAt" not in page for page in pages)


def test_max_results_is_an_upper_bound_that_depends_on_the_fields(client: Client) -> None:
    assert len(next(client.pages("created >= 0", ["*all"]))["issues"]) == 50
    assert len(next(client.pages("created >= 0", ["summary"]))["issues"]) == 100
    assert len(next(client.pages("created >= 0", ["id"]))["issues"]) == len(client.simulator.world.issues)
    assert len(next(client.pages("created >= 0", ["key"], 7))["issues"]) == 7
    assert len(client.post(SEARCH, jql="created >= 0", fields=["summary"])["issues"]) == 50


def test_without_fields_only_ids_come_back(client: Client) -> None:
    assert client.post(SEARCH, jql="key = PAY-1")["issues"] == [{"id": str(client.simulator.world.ids["PAY-1"])}]
    assert set(client.post(SEARCH, jql="key = PAY-1", fields=["key"])["issues"][0]) == {"expand", "id", "self", "key"}


def test_field_list_is_obeyed(client: Client) -> None:
    def fields(*asked: str) -> set[str]:
        return set(client.post(SEARCH, jql="key = PAY-1", fields=list(asked))["issues"][0]["fields"])
    every, navigable = fields("*all"), fields("*navigable")
    assert fields("summary", "status,duedate", "nonsense") == {"summary", "status", "duedate"}
    assert every - navigable == {"comment", "worklog", "timetracking"}
    assert fields("*all", "-comment") == every - {"comment"}
    assert fields("-description") == navigable - {"description"}
    assert d.EFFORT not in every                           # a field of another, team-managed project


def test_get_and_post_search_answer_alike(client: Client) -> None:
    jql = "project = ERP order by key"
    assert client.get(SEARCH, jql=jql, fields=["summary", "status"], maxResults=9) == \
        client.post(SEARCH, jql=jql, fields=["summary", "status"], maxResults=9)


def test_bulk_fetch_renders_the_bytes_of_search(client: Client) -> None:
    asked = ["summary", "status", "issuelinks", "comment", d.SPRINT]
    found = client.send("POST", SEARCH, None, {"jql": "project in (PAY, ODD) order by id", "fields": asked, "maxResults": 60}).body
    keys = [issue["key"] for issue in json.loads(found)["issues"]]
    fetched = client.send("POST", BULK, None, {"issueIdsOrKeys": keys[::-1], "fields": asked[::-1]}).body
    assert fetched == b'{"issues":' + found[len(b'{"issues":'):found.rindex(b"]") + 1] + b',"issueErrors":[]}'


def test_bulk_fetch_leaves_out_what_it_does_not_find_and_follows_old_keys(client: Client) -> None:
    id = client.simulator.world.ids["PAY-2"]
    client.simulator.mutate("move", "PAY-2", "ERP")
    answer = client.post(BULK, issueIdsOrKeys=["pay-2", "NONE-1", str(id), "999999"], fields=["summary"])
    assert [issue["id"] for issue in answer["issues"]] == [str(id)]
    assert answer["issues"][0]["key"].startswith("ERP-")
    assert answer["issueErrors"] == []


@pytest.mark.parametrize(("path", "body"), [
    (BULK, {"issueIdsOrKeys": []}), (BULK, {"issueIdsOrKeys": [str(n) for n in range(101)]}), (BULK, {"issueIdsOrKeys": "PAY-1"}),
    (BULK, {"issueIdsOrKeys": ["PAY-1"], "expand": ["renderedFields"]}), (CHANGES, {"issueIdsOrKeys": []}),
    (CHANGES, {"issueIdsOrKeys": [str(n) for n in range(1001)]}), (CHANGES, {"issueIdsOrKeys": ["1"], "fieldIds": list("abcdefghijk")}),
    (CHANGES, {"issueIdsOrKeys": ["1"], "maxResults": 10_001}), (SEARCH, {"jql": "project = PAY", "startAt": 0}),
    (SEARCH, {"jql": "project = PAY", "maxResults": "50"}), (SEARCH, {"jql": "project = PAY", "maxResults": -1}),
    (SEARCH, {"jql": "project = PAY", "nextPageToken": "nonsense"}), (SEARCH, {"jql": "project = PAY", "fields": "summary"}),
    (SEARCH, {"jql": "project = PAY", "reconcileIssues": list(range(51))})])
def test_wrong_body_is_a_400(client: Client, path: str, body: dict[str, Any]) -> None:
    reply = client.send("POST", path, None, body)
    assert (reply.status, set(reply.json)) == (400, {"errorMessages", "errors"})


def test_token_of_another_query_or_of_last_week_is_refused(client: Client) -> None:
    token = client.post(SEARCH, jql="project = PAY", fields=["summary"], maxResults=5)["nextPageToken"]
    assert client.send("POST", SEARCH, None, {"jql": "project = ERP", "nextPageToken": token}).status == 400
    assert client.send("POST", SEARCH, None, {"jql": "project = PAY", "nextPageToken": token}).status == 200
    client.simulator.advance(timedelta(days=8))
    assert client.send("POST", SEARCH, None, {"jql": "project = PAY", "nextPageToken": token}).status == 400


def test_deletion_and_creation_between_pages_shift_nothing(client: Client) -> None:
    jql = "project = PAY order by created asc"
    before = client.keys(jql)
    pages = client.pages(jql, ["summary"], 10)
    first = next(pages)
    client.simulator.mutate("delete", first["issues"][3]["key"])
    made = client.simulator.mutate("create", "PAY", "Late")
    rest = [issue["key"] for page in pages for issue in page["issues"]]
    assert [issue["key"] for issue in first["issues"]] + rest == [*before, made.key]


def test_issue_touched_between_pages_moves_in_an_order_by_updated(client: Client) -> None:
    jql = "project = PAY order by updated asc"
    last = client.keys(jql)[-1]
    pages = client.pages(jql, ["summary"], 10)
    touched = next(pages)["issues"][0]["key"]
    client.simulator.mutate("comment", touched, "again")
    rest = [issue["key"] for page in pages for issue in page["issues"]]
    assert rest[-2:] == [last, touched]


def test_approximate_count_is_the_number_of_rows(client: Client) -> None:
    jql = "project in (ERP, REG) and statusCategory != Done"
    assert client.post("/rest/api/3/search/approximate-count", jql=jql) == {"count": len(client.keys(jql))}


def test_embedded_comments_are_cut_at_twenty_and_the_rest_can_be_paged(client: Client) -> None:
    key = client.keys("project = ODD")[0].split("-")[0] + "-14"
    shown = client.post(BULK, issueIdsOrKeys=[key], fields=["comment"])["issues"][0]["fields"]["comment"]
    assert (len(shown["comments"]), shown["maxResults"], shown["total"]) == (20, 20, 25)
    first = client.get(f"/rest/api/3/issue/{key}/comment", maxResults=20)
    rest = client.get(f"/rest/api/3/issue/{key}/comment", startAt=20, maxResults=20)
    assert first["comments"] == shown["comments"]
    assert (len(rest["comments"]), rest["startAt"], rest["total"]) == (5, 20, 25)
    assert "author" not in first["comments"][3]


def histories(client: Client, ids: list[str], size: int, **extra: Any) -> tuple[dict[str, list[Any]], list[Any]]:
    found: dict[str, list[Any]] = defaultdict(list)
    pages: list[Any] = []
    token: dict[str, str] = {}
    while True:
        page = client.post(CHANGES, issueIdsOrKeys=ids, maxResults=size, **extra, **token)
        pages.append(page)
        for entry in page["issueChangeLogs"]:
            found[entry["issueId"]] += entry["changeHistories"]
        if "nextPageToken" not in page:
            return found, pages
        token = {"nextPageToken": page["nextPageToken"]}


def test_change_log_pages_are_by_date_and_split_an_issue(client: Client) -> None:
    world = client.simulator.world
    ids = [str(world.ids[key]) for key in ("ODD-13", "PAY-1", "PAY-5", "ODD-4")]
    whole, _ = histories(client, ids, 1000)
    parts, pages = histories(client, ids, 40)
    assert parts == whole
    lengths = {id: len(world.issues[int(id)].histories) for id in ids}
    assert {id: len(rows) for id, rows in whole.items()} == {id: length for id, length in lengths.items() if length}
    assert sum(1 for page in pages if any(e["issueId"] == ids[0] for e in page["issueChangeLogs"])) > 1
    dates = [row["created"] for page in pages for e in page["issueChangeLogs"] for row in e["changeHistories"]]
    assert max(dates[:40]) <= min(dates[-10:])
    assert all(isinstance(moment, int) and moment > 10**12 for moment in dates)


def test_change_log_filter_keeps_only_the_items_asked_for(client: Client) -> None:
    ids = [str(i.id) for i in client.simulator.world.issues.values() if i.key.startswith("PAY-")][:1000]
    found, _ = histories(client, ids, 5000, fieldIds=["status", d.SPRINT])
    kinds = {item["fieldId"] for rows in found.values() for row in rows for item in row["items"]}
    assert kinds == {"status", d.SPRINT}


def test_expanded_change_log_is_cut_and_newest_first(client: Client) -> None:
    log = client.post(BULK, issueIdsOrKeys=["ODD-13"], fields=["summary"], expand=["changelog"])["issues"][0]["changelog"]
    assert (len(log["histories"]), log["total"]) == (40, 130)
    assert log["histories"][0]["items"][0]["toString"] == "130"


def test_platform_times_carry_the_callers_offset_and_agile_times_end_in_z(site: Site) -> None:
    client = Client(Simulator(site, lambda: NOW, time_zone="Asia/Kathmandu"))
    assert client.get("/rest/api/3/serverInfo")["serverTime"] == "2026-11-23T15:15:00.000+0545"
    assert client.get("/rest/api/3/myself")["timeZone"] == "Asia/Kathmandu"
    created = client.post(BULK, issueIdsOrKeys=["PAY-1"], fields=["created"])["issues"][0]["fields"]["created"]
    world = client.simulator.world
    assert datetime.strptime(created, "%Y-%m-%dT%H:%M:%S.%f%z") == world.issues[world.ids["PAY-1"]].created
    assert created.endswith("+0545")
    assert client.get("/rest/agile/1.0/sprint/1")["startDate"].endswith("Z")


def test_date_header_is_the_sites_clock(client: Client) -> None:
    client.simulator.advance(timedelta(hours=-3))
    assert parsedate_to_datetime(client.send("GET", "/rest/api/3/serverInfo").headers["Date"]) == NOW - timedelta(hours=3)


def test_sprint_pages_stop_at_fifty_and_a_kanban_board_has_none(client: Client) -> None:
    answer = client.get("/rest/agile/1.0/board/1/sprint", maxResults=100)
    assert answer["maxResults"] == 50
    kanban = client.send("GET", "/rest/agile/1.0/board/9002/sprint")
    assert (kanban.status, kanban.json["errorMessages"]) == (400, ["The board does not support sprints"])
    two = [board["id"] for board in client.get("/rest/agile/1.0/board", projectKeyOrId="POR")["values"]]
    shown = [[s["id"] for s in client.get(f"/rest/agile/1.0/board/{id}/sprint")["values"]] for id in two]
    assert len(two) == 2
    assert shown[0] == shown[1] != []


def test_projects_come_in_offset_pages(client: Client) -> None:
    keys, start = [], 0
    while True:
        page = client.get("/rest/api/3/project/search", startAt=start, maxResults=4)
        keys += [project["key"] for project in page["values"]]
        start += len(page["values"])
        if page["isLast"]:
            break
    assert keys == sorted(client.simulator.site.profiles)
    assert page["total"] == len(keys)


@pytest.mark.parametrize(("method", "path", "query", "status"), [
    ("GET", "/rest/api/3/search", {"jql": "x"}, 410), ("POST", "/rest/api/3/search", {}, 410), ("GET", "/rest/api/3/priority", {}, 410),
    ("GET", "/rest/api/3/nowhere", {}, 404), ("DELETE", "/rest/api/3/field", {}, 405), ("GET", "/rest/api/3/field", {"page": "1"}, 400),
    ("GET", SEARCH, {"jql": "project = PAY", "startAt": "0"}, 400)])
def test_operation_that_is_gone_unknown_or_misnamed_is_refused(
        client: Client, method: str, path: str, query: dict[str, str], status: int) -> None:
    reply = client.send(method, path, query, {} if method == "POST" else None)
    assert (reply.status, set(reply.json)) == (status, {"errorMessages", "errors"})


def test_removed_search_names_its_successor(client: Client) -> None:
    assert "/rest/api/3/search/jql" in client.send("GET", "/rest/api/3/search", {"jql": "x"}).json["errorMessages"][0]


def test_body_of_another_media_type_or_no_json_is_refused(client: Client) -> None:
    answer = client.simulator.answer("POST", SEARCH, "", {"content-type": "text/plain"}, b"{}")
    assert answer.status == 415
    assert client.simulator.answer("POST", SEARCH, "", {"content-type": "application/json"}, b"{").status == 400


def test_wrong_token_is_a_401_at_myself_and_empty_elsewhere(client: Client) -> None:
    stranger = Client(client.simulator, "guess")
    reply = stranger.send("GET", "/rest/api/3/myself")
    assert reply.status == 401
    assert reply.headers["X-Seraph-LoginReason"] == "AUTHENTICATED_FAILED"
    assert stranger.get("/rest/api/3/project/search")["values"] == []
    assert stranger.post(SEARCH, jql="project = PAY") == {"issues": [], "isLast": True}
    assert stranger.send("GET", "/rest/agile/1.0/board").status == 401


def test_expired_token_is_a_401_everywhere_that_says_so(client: Client) -> None:
    late = Client(client.simulator, client.simulator.expired_token)
    for path in ("/rest/api/3/myself", "/rest/api/3/project/search", "/rest/agile/1.0/board"):
        reply = late.send("GET", path)
        assert reply.status == 401
        assert "expired" in reply.json["errorMessages"][0]


def test_strict_site_refuses_wrong_tokens_everywhere(site: Site) -> None:
    stranger = Client(Simulator(site, lambda: NOW, wrong_token="401"), "guess")
    assert stranger.send("GET", "/rest/api/3/project/search").status == 401
    assert stranger.send("GET", "/rest/api/3/serverInfo").status == 200


def test_smaller_limits_make_more_pages(site: Site) -> None:
    client = Client(Simulator(site, lambda: NOW, limits=Limits(ids=50, fields=20, histories=10)))
    assert len(list(client.pages("project = ERP", ["id"]))) > 1
    assert max(len(page["issues"]) for page in client.pages("project = ERP", ["summary"])) == 20


def test_log_and_stats_tell_what_was_asked(client: Client) -> None:
    client.keys("project = PAY")
    client.send("GET", "/rest/api/3/project/PAY", {"expand": "lead"})
    entry, other = client.simulator.log
    assert (entry.method, entry.path, entry.status, set(entry.body_names)) == ("POST", SEARCH, 200, {"jql", "fields", "maxResults"})
    assert (other.path, dict(other.query)) == ("/rest/api/3/project/PAY", {"expand": ["lead"]})
    assert client.simulator.stats == {f"POST {SEARCH}": 1, "GET /rest/api/3/project/{project}": 1}
    client.simulator.reset_log()
    assert not client.simulator.log
