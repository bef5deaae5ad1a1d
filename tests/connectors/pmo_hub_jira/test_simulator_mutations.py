"""What happens on the site while somebody syncs it shows as it does in Jira: in `updated`, in history, in both or in neither."""
from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from pmo_hub_jira import simulated_dictionary as d
from pmo_hub_jira.simulated_organisation import generate
from pmo_hub_jira.simulated_site import Issue, Site
from pmo_hub_jira.simulator import Simulator
from tests.connectors.pmo_hub_jira.simulator_client import Client

NOW = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)
BULK = "/rest/api/3/issue/bulkfetch"


@pytest.fixture(scope="module")
def site() -> Site:
    return generate(4, 400, NOW)


@pytest.fixture
def client(site: Site) -> Client:
    return Client(Simulator(site, lambda: LATER))


def issue(client: Client, key: str) -> Issue:
    return client.simulator.world.issues[client.simulator.world.ids[key]]


def shown(client: Client, key: str, *fields: str) -> Any:
    return client.post(BULK, issueIdsOrKeys=[key], fields=list(fields) or ["*all"])["issues"][0]


def last_items(client: Client, key: str) -> list[dict[str, Any]]:
    log = client.post("/rest/api/3/changelog/bulkfetch", issueIdsOrKeys=[key])["issueChangeLogs"]
    items: list[dict[str, Any]] = log[0]["changeHistories"][-1]["items"]
    return items


def open_issue(client: Client, project: str = "PAY") -> str:
    return client.keys(f"project = {project} and status = 'To Do' and issuetype = Story order by id")[0]


def test_edit_moves_updated_and_writes_history(client: Client) -> None:
    before = issue(client, "ERP-20")
    client.simulator.mutate("edit", "ERP-20", duedate=date(2027, 1, 31), assignee=None)
    now = shown(client, "ERP-20", "duedate", "updated")
    assert now["fields"] == {"duedate": "2027-01-31", "updated": client.simulator.renderer.instant(LATER)}
    items = {item["field"]: item for item in last_items(client, "ERP-20")}
    assert (items["duedate"]["to"], items["duedate"]["toString"]) == ("2027-01-31", "2027-01-31 00:00:00.0")
    assert before.values.get("assignee") is None or items["assignee"]["to"] is None
    assert client.keys(f"updated >= {round(LATER.timestamp() * 1000)}") == ["ERP-20"]


def test_edit_without_a_difference_leaves_everything_as_it_was(client: Client) -> None:
    before = issue(client, "ERP-20")
    client.simulator.mutate("edit", "ERP-20", summary=before.values["summary"])
    assert issue(client, "ERP-20") is before


def test_updated_grows_even_when_the_clock_stands_still(client: Client) -> None:
    stamps = [client.simulator.mutate("add_history", "PAY-1").updated for _ in range(3)]
    assert stamps == sorted(set(stamps))


def test_transition_to_done_resolves_and_back_again_reopens(client: Client) -> None:
    key = open_issue(client)
    client.simulator.mutate("transition", key, "Done")
    done = shown(client, key, "status", "resolution", "resolutiondate", "statuscategorychangedate")["fields"]
    assert (done["status"]["statusCategory"]["key"], done["resolution"]["name"]) == ("done", "Done")
    assert done["resolutiondate"] == done["statuscategorychangedate"] == client.simulator.renderer.instant(LATER)
    assert [item["field"] for item in last_items(client, key)] == ["status", "resolution"]
    client.simulator.mutate("transition", key, "In Progress")
    again = shown(client, key, "resolution", "resolutiondate")["fields"]
    assert again == {"resolution": None, "resolutiondate": None}


def test_comment_moves_updated_but_writes_no_history(client: Client) -> None:
    before = issue(client, "PAY-3")
    client.simulator.mutate("comment", "PAY-3", "Any news?")
    after = issue(client, "PAY-3")
    assert after.updated == LATER
    assert after.histories == before.histories
    assert shown(client, "PAY-3", "comment")["fields"]["comment"]["total"] == len(before.comments) + 1


def test_created_issue_gets_the_next_key_and_is_found(client: Client) -> None:
    last = client.keys("project = PAY order by id desc")[0]
    made = client.simulator.mutate("create", "PAY", "New work", priority=d.HIGH)
    assert int(made.key.removeprefix("PAY-")) > int(last.removeprefix("PAY-"))
    assert client.keys("project = PAY order by id desc")[0] == made.key
    assert shown(client, made.key, "priority")["fields"]["priority"]["name"] == "High"


def test_deleted_issue_is_gone_without_a_trace(client: Client) -> None:
    link = next(link for link in client.simulator.site.links if link.type_id == d.BLOCKS)
    source, target = (client.simulator.world.issues[id].key for id in (link.source, link.target))
    updated = issue(client, target).updated
    assert str(link.id) in {found["id"] for found in shown(client, target, "issuelinks")["fields"]["issuelinks"]}
    client.simulator.mutate("delete", source)
    assert client.post(BULK, issueIdsOrKeys=[source, str(link.source)])["issues"] == []
    assert client.send("POST", "/rest/api/3/search/jql", None, {"jql": f"key = {source}"}).status == 400
    assert str(link.id) not in {found["id"] for found in shown(client, target, "issuelinks")["fields"]["issuelinks"]}
    assert issue(client, target).updated == updated


def test_moved_issue_keeps_its_id_and_answers_to_its_old_key(client: Client) -> None:
    id = issue(client, "PAY-4").id
    made = client.simulator.mutate("move", "PAY-4", "ERP")
    assert (made.id, made.project_id, made.updated) == (id, "10001", LATER)
    assert shown(client, "PAY-4", "project")["key"] == made.key
    assert {item["field"]: (item["fromString"], item["toString"]) for item in last_items(client, made.key)} == {
        "project": ("Payments Platform", "ERP Rollout"), "Key": ("PAY-4", made.key)}
    assert "PAY-4" not in client.keys("project = PAY")


def test_renamed_sprint_shows_in_its_issues_without_moving_them(client: Client) -> None:
    inside = next(i for i in client.simulator.world.issues.values() if 1 in (i.values.get(d.SPRINT) or ()))
    shown(client, inside.key, d.SPRINT)
    client.simulator.mutate("rename_sprint", 1, "First steps")
    assert shown(client, inside.key, d.SPRINT)["fields"][d.SPRINT][0]["name"] == "First steps"
    assert client.get("/rest/agile/1.0/sprint/1")["name"] == "First steps"
    assert issue(client, inside.key).updated == inside.updated


def test_sprint_starts_and_closes_and_takes_its_open_issues_along(client: Client) -> None:
    board = client.simulator.site.boards[0]
    active = next(id for id in board.sprint_ids if client.simulator.world.sprints[id].state == "active")
    client.simulator.mutate("start_sprint", active + 1)
    moving = [i.key for i in client.simulator.world.issues.values() if active in (i.values.get(d.SPRINT) or ())
              and client.simulator.world.statuses[i.values["status"]].category != "done"]
    client.simulator.mutate("close_sprint", active, active + 1)
    assert client.get(f"/rest/agile/1.0/sprint/{active}")["state"] == "closed"
    assert client.get(f"/rest/agile/1.0/sprint/{active + 1}")["state"] == "active"
    assert moving
    for key in moving:
        assert issue(client, key).values[d.SPRINT][-1] == active + 1
        assert last_items(client, key)[0]["to"].endswith(f", {active + 1}")


def test_change_of_a_neighbour_is_rendered_but_does_not_move_updated(client: Client) -> None:
    child = next(i for i in client.simulator.world.issues.values() if i.values.get("parent"))
    parent = client.simulator.world.issues[child.values["parent"]]
    shown(client, child.key, "parent")
    client.simulator.mutate("edit", parent.key, summary="A new name")
    assert shown(client, child.key, "parent")["fields"]["parent"]["fields"]["summary"] == "A new name"
    assert issue(client, child.key).updated == child.updated


def test_revoked_project_vanishes_and_comes_back(client: Client) -> None:
    client.simulator.mutate("revoke_project", "ERP")
    assert "ERP" not in {p["key"] for p in client.get("/rest/api/3/project/search")["values"]}
    assert client.send("GET", "/rest/api/3/project/ERP").status == 404
    assert client.send("POST", "/rest/api/3/search/jql", None, {"jql": "project = 10001"}).status == 400
    assert client.post(BULK, issueIdsOrKeys=["ERP-1"])["issues"] == []
    assert all(b["location"]["projectKey"] != "ERP" for b in client.get("/rest/agile/1.0/board")["values"])
    client.simulator.mutate("revoke_project", "ERP", revoked=False)
    assert client.post(BULK, issueIdsOrKeys=["ERP-1"])["issues"]


def test_revoked_issue_vanishes_from_search_fetch_and_its_neighbours(client: Client) -> None:
    child = next(i for i in client.simulator.world.issues.values() if i.values.get("parent"))
    parent = client.simulator.world.issues[child.values["parent"]].key
    shown(client, child.key, "parent")
    client.simulator.mutate("revoke_issue", parent)
    assert parent not in client.keys("created >= 1970-01-01")
    assert client.post(BULK, issueIdsOrKeys=[parent])["issues"] == []
    assert shown(client, child.key, "parent")["fields"]["parent"] is None


def test_labels_and_versions_are_written_as_jira_writes_them(client: Client) -> None:
    before = issue(client, "ERP-5")
    client.simulator.mutate("edit_fields", "ERP-5", {"labels": ["zebra"], "fixVersions": ["20010"], d.FLAGGED: [d.IMPEDIMENT]})
    items = last_items(client, "ERP-5")
    labels = next(item for item in items if item["field"] == "labels")
    assert (labels["fromString"], labels["toString"]) == (" ".join(before.values["labels"]), "zebra")
    added = [item["to"] for item in items if item["field"] == "Fix Version" and item["to"]]
    assert added == ([] if before.values["fixVersions"] == ("20010",) else ["20010"])
    assert next(i for i in items if i["field"] == "Flagged")["toString"] == "Impediment"
    assert shown(client, "ERP-5", d.FLAGGED)["fields"][d.FLAGGED][0]["value"] == "Impediment"


def test_site_that_was_generated_is_not_changed(site: Site, client: Client) -> None:
    client.simulator.mutate("delete", "PAY-1")
    client.simulator.mutate("edit", "PAY-2", summary="Other")
    fresh = Client(Simulator(site, lambda: LATER))
    assert fresh.keys("key = PAY-1") == ["PAY-1"]
    assert issue(fresh, "PAY-2").values["summary"] != "Other"


def test_unknown_mutation_or_issue_is_refused(client: Client) -> None:
    with pytest.raises(ValueError, match="explode"):
        client.simulator.mutate("explode")
    with pytest.raises(KeyError):
        client.simulator.mutate("delete", "PAY-99999")
    with pytest.raises(KeyError):
        client.simulator.mutate("transition", "PAY-1", "Nowhere")
