"""The hub beside `jira820`, a third party's stateful Jira Data Center, end to end on both engines.

The stand-in runs as a process of its own. The real `jira` library edits it and tells what it holds; the real connector reads it with a
personal access token; after every step each issue of the one equals that of the other, field by field. What the stand-in does otherwise
than Jira, and how that is mended on the connector's way to it only, is told in `jira820_server`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import jira
import pytest

from pmo_hub.domain.vocabulary import Kind, StatusCategory
from pmo_hub.host.registry import Registry
from pmo_hub.host.session import Throttles
from pmo_hub.services import connections, runs, sync
from pmo_hub.services.connections import Created, Draft
from pmo_hub.services.hub import Hub
from pmo_hub.store.repositories.syncing import Run
from pmo_hub.store.secrets import SecretBox
from pmo_hub.store.unit_of_work import Work
from pmo_hub_jira.connector import JiraConnector
from tests.acceptance.golden_rows import Rows, rows_of
from tests.acceptance.jira820_server import CAP, Gate, gated, jira820, tomorrow

POINTS, EPIC_LINK, SPRINT = "customfield_10004", "customfield_10008", "customfield_10007"
CATEGORIES = {"new": StatusCategory.TODO, "indeterminate": StatusCategory.IN_PROGRESS, "done": StatusCategory.DONE}
KINDS = {"Bug": Kind.BUG, "Epic": Kind.EPIC, "Story": Kind.STORY, "Sub-task": Kind.SUB_ITEM}
URGENCY = {"Highest": 100, "High": 75, "Medium": 50, "Low": 25, "Lowest": 0}


@pytest.fixture
def server(tmp_path: Path) -> Iterator[str]:
    with jira820(tmp_path, tomorrow(datetime.now(UTC))) as address:
        yield address


@pytest.fixture
def gate(server: str) -> Iterator[tuple[Gate, str]]:
    with gated(server) as served:
        yield served


@pytest.fixture
def editor(server: str) -> Iterator[jira.JIRA]:
    """The library, at the stand-in itself."""
    client = jira.JIRA(server, token_auth="anything", options={"check_update": False}, max_retries=0)
    yield client
    client.close()  # type: ignore[no-untyped-call]


@pytest.fixture
def hub(work: Work, tmp_path: Path) -> Hub:
    return Hub(work, lambda: datetime.now(UTC), Registry.of(JiraConnector()), SecretBox([bytes(range(32))]), Throttles(), tmp_path)


class Beside:
    """The hub, with a connection to the stand-in, and the library."""

    def __init__(self, hub: Hub, editor: jira.JIRA, gate: Gate, made: Created) -> None:
        self.hub, self.editor, self.gate, self.made = hub, editor, gate, made

    def sync(self, mode: str) -> Run:
        self.gate.forget()
        run = connections.request_sync(self.hub, self.made.connection.id, mode, "test")
        ended = sync.run(self.hub, run.id)
        assert ended.state == "finished", ended.error
        return ended

    def rows(self) -> Rows:
        with self.hub.work.read() as session:
            return rows_of(session, self.made.connection.id, self.made.connection.namespace)

    def told(self) -> dict[str, dict[str, Any]]:
        """What the server holds, by issue id, in the hub's words."""
        found = self.editor.search_issues("project = JIRA820", maxResults=False, fields="*all", json_result=False)
        ids = {issue.key: issue.id for issue in found}
        return {issue.id: expected(issue.raw, ids) for issue in found}

    def held(self) -> dict[str, dict[str, Any]]:
        """The same of the hub."""
        rows = self.rows()
        assert rows.quarantined == []
        return {id: held(item, rows) for id, item in rows.items.items()}

    def assert_equal(self, count: int) -> None:
        told, kept = self.told(), self.held()
        assert len(told) == count
        assert kept.keys() == told.keys()
        assert [
            (told[id]["key"], name, told[id][name], kept[id][name]) for id in told for name in told[id] if told[id][name] != kept[id][name]
        ] == []
        assert self.links_told() == self.links_held()

    def links_told(self) -> set[tuple[str, str]]:
        """The links that block, as (before, after)."""
        found = set()
        for issue in self.editor.search_issues("project = JIRA820", maxResults=False, fields="issuelinks"):
            for link in issue.raw["fields"]["issuelinks"]:
                if link["type"]["name"] == "Blocks":
                    after = link.get("outwardIssue")
                    found.add((issue.id, after["id"]) if after else (link["inwardIssue"]["id"], issue.id))
        return found

    def links_held(self) -> set[tuple[str | None, str | None]]:
        rows = self.rows()
        ids = {item["id"]: external for external, item in rows.items.items()}
        return {(ids.get(row["predecessor_id"]), ids.get(row["successor_id"])) for row in rows.dependencies.values()}


def expected(raw: Mapping[str, Any], ids: Mapping[str, str]) -> dict[str, Any]:
    fields = raw["fields"]
    parent = fields.get("parent")
    epic = fields[EPIC_LINK]
    return {
        "key": raw["key"],
        "title": fields["summary"],
        "description": (fields["description"] or "").strip() or None,
        "original_type": fields["issuetype"]["name"],
        "kind": KINDS.get(fields["issuetype"]["name"], Kind.TASK),
        "original_status": fields["status"]["name"],
        "original_status_id": fields["status"]["id"],
        "status_category": CATEGORIES[fields["status"]["statusCategory"]["key"]],
        "resolution": fields["resolution"]["name"] if fields["resolution"] else None,
        "original_priority": fields["priority"]["name"],
        "priority": URGENCY[fields["priority"]["name"]],
        "assignee": fields["assignee"]["key"] if fields["assignee"] else None,
        "reporter": fields["reporter"]["key"] if fields["reporter"] else None,
        "parent": parent["id"] if parent else ids.get(epic) if epic else None,
        "sprints": sorted(str(sprint["id"]) for sprint in fields[SPRINT] or ()),
        "labels": sorted(fields["labels"]),
        "points": fields[POINTS],
        "due": date.fromisoformat(fields["duedate"]) if fields["duedate"] else None,
        "created_at": datetime.fromisoformat(fields["created"]),
        "updated_at": datetime.fromisoformat(fields["updated"]),
        "actual_finish": datetime.fromisoformat(fields["resolutiondate"]) if fields["resolutiondate"] else None,
        "versions": sorted(version["name"] for version in fields["fixVersions"]),
    }


def held(item: Mapping[str, Any], rows: Rows) -> dict[str, Any]:
    ids = {row["id"]: external for external, row in rows.items.items()}
    same = ("key", "title", "description", "original_type", "kind", "original_status", "original_status_id", "status_category",
            "resolution", "original_priority", "priority", "points", "due", "created_at", "updated_at", "actual_finish")  # fmt: skip
    return {name: item[name] for name in same} | {
        "assignee": rows.account(item["assignee_id"]),
        "reporter": rows.account(item["reporter_id"]),
        "parent": ids.get(item["parent_id"]) if item["parent_id"] else None,
        "sprints": sorted(rows.iterations[id]["external_id"] for id in item["iteration_ids"]),
        "labels": sorted(item["labels"]),
        "versions": sorted(rows.versions[id]["name"] for id in item["version_ids"]),
    }


def test_the_hub_equals_the_server_after_every_step(hub: Hub, editor: jira.JIRA, gate: tuple[Gate, str]) -> None:
    asked, url = gate
    config = {"url": url, "sign_in": "personal_access_token", "token": "a-personal-access-token"}
    beside = Beside(hub, editor, asked, connections.create(hub, Draft("Stand-in", "jira", config), "test"))
    count = len(beside.told())
    assert count > 300

    # Everything, more pages than one.
    first = sync.run(hub, beside.made.run.id)
    assert (first.state, first.fetched["issue"], first.expected["issue"]) == ("finished", count, count), first.error
    assert asked.asked["POST /rest/api/2/search"] > count / CAP
    beside.assert_equal(count)
    kept = beside.held()
    assert sum(item["parent"] is not None for item in kept.values()) > 100
    assert sum(item["sprints"] != [] for item in kept.values()) > 20
    assert {item["kind"] for item in kept.values()} >= {Kind.EPIC, Kind.BUG, Kind.STORY, Kind.SUB_ITEM, Kind.TASK}
    # After the first answer every request goes to the node that gave it.
    assert asked.cookies == {None, "node-1"}

    # Edits of every kind.
    story, other = pick(kept, Kind.STORY), pick(kept, Kind.BUG)
    epic, new_epic, *_ = [item for id, item in kept.items() if item["kind"] == Kind.EPIC and id != story["parent"]]
    sprint = next(s for s in editor.sprints(1) if s.state in ("active", "future") and str(s.id) not in story["sprints"])
    issue = editor.issue(story["key"])
    issue.update(fields={"summary": 'Renamed: ü, "quoted" and 中文', "duedate": "2027-02-28", "labels": ["alpha", "beta"], POINTS: 13.0})
    issue.update(fields={"priority": {"name": "Highest"}, EPIC_LINK: new_epic["key"], "description": "h2. Wiki *markup*\n\n{code}x{code}"})
    editor.issue(other["key"]).update(fields={"assignee": {"name": "u05"}})
    editor.add_issues_to_sprint(sprint.id, [story["key"]])
    done = next(t for t in editor.transitions(other["key"]) if t["to"]["statusCategory"]["key"] == "done")
    editor.transition_issue(other["key"], done["id"])
    added = editor.create_issue(project="JIRA820", issuetype={"name": "Story"}, summary="A new story", **{EPIC_LINK: epic["key"]})
    child = editor.create_issue(project="JIRA820", issuetype={"name": "Sub-task"}, summary="Its part", parent={"key": added.key})
    editor.create_issue_link("Blocks", added.key, other["key"])
    second = beside.sync("incremental")
    assert second.changed["issue"] == 4
    beside.assert_equal(count + 2)
    now = beside.held()
    assert (now[issue.id]["sprints"], now[issue.id]["parent"]) == ([str(sprint.id)], ids_of(now)[new_epic["key"]])
    assert (now[child.id]["parent"], now[added.id]["parent"]) == (added.id, ids_of(now)[epic["key"]])
    assert now[other_id := ids_of(now)[other["key"]]]["status_category"] == StatusCategory.DONE
    assert (added.id, other_id) in beside.links_held()
    # A quiet poll changes nothing.
    assert sum(beside.sync("incremental").changed.values()) == 0

    # Deleted: an issue with its sub-task, and another one. Polls can't see that.
    for key in (added.key, story["key"]):
        editor.issue(key).delete(deleteSubtasks=True)  # type: ignore[no-untyped-call]
    beside.sync("incremental")
    assert beside.held().keys() - beside.told().keys() == {added.id, child.id, issue.id}
    beside.sync("census")
    assert beside.held().keys() - beside.told().keys() == {added.id, child.id, issue.id}, "one census is no proof"
    confirmed = beside.sync("census")
    assert confirmed.gone["issue"] == 3
    beside.assert_equal(count - 1)

    # The next one agrees, and everything read anew is what is there.
    for mode in ("census", "full"):
        ended = beside.sync(mode)
        assert sum(ended.gone.values()) == 0
        assert sum(ended.changed.values()) == 0
    beside.assert_equal(count - 1)
    assert {run.state for run in (runs.get(hub, second.id), runs.get(hub, confirmed.id))} == {"finished"}


def pick(kept: Mapping[str, dict[str, Any]], kind: Kind) -> dict[str, Any]:
    """An issue of that kind that is not done, and was last changed before the stand-in's day: it dates an edit nine o'clock of that."""
    newest = max(item["updated_at"] for item in kept.values()).date()
    return next(
        item
        for item in kept.values()
        if item["kind"] == kind and item["status_category"] != StatusCategory.DONE and item["updated_at"].date() < newest
    )


def ids_of(kept: Mapping[str, dict[str, Any]]) -> dict[str, str]:
    return {item["key"]: id for id, item in kept.items()}
