"""The golden Jira set through the whole hub: real payloads over HTTP, the real connector and sync, each field beside DevLake's row.

Where ours differs, DIFFERENCES says why ours is right; what is not compared is named in LEFT_OUT (columns) and NOT_COMPARED (tables).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from pmo_hub.domain.vocabulary import Field, StatusCategory
from pmo_hub.host.registry import Registry
from pmo_hub.host.session import Throttles
from pmo_hub.services import connections, sync
from pmo_hub.services.hub import Hub
from pmo_hub.store.engine import create_engine
from pmo_hub.store.repositories.syncing import Run
from pmo_hub.store.secrets import SecretBox
from pmo_hub.store.unit_of_work import Work
from pmo_hub_jira.connector import JiraConnector
from tests.acceptance import golden_expectations as expect
from tests.acceptance.golden_comparison import Cell, Comparison, Difference
from tests.acceptance.golden_estate import estate
from tests.acceptance.golden_rows import Rows, rows_of
from tests.acceptance.golden_site import EMAIL, TOKEN, Served, serve
from tests.acceptance.golden_tables import OTHER_PARAMS, PARAMS, Tables
from tests.engines import ENGINES, text
from tests.migrated import migrate

CONNECTOR: Any = JiraConnector()  # a class variable of a narrower type is no Connector to mypy, and the registry looks at it anyway
CHINA = timedelta(hours=8)

LEFT_OUT = {
    **dict.fromkeys(("_raw_data_params", "_raw_data_table", "_raw_data_id", "_raw_data_remark"), "DevLake's own provenance"),
    "connection_id": "DevLake's number of the connection",
    **dict.fromkeys(("self", "icon_url", "avatar_url", "avatar_id", "boards.url", "sprints.url"), "addresses of the API and of pictures"),
    "aggregate_estimate_minutes": "sums over sub-tasks are computed from the items, never added to their own values",
    **dict.fromkeys(("creator_account_type", "assignee_account_type", "severity", "organization"), "empty in every row"),
    "worklog_total": "work logs are rows of their own, and counted there",
    "field_type": "whether a changed field is custom is told by its id",
    **dict.fromkeys(("tmp_from_account_id", "tmp_to_account_id"), "scratch columns, empty in every row"),
    **dict.fromkeys(("origin_board_id", "original_board_id"), "a sprint may stand on several boards, and belongs to none"),
    "timezone": "a person's time zone is of no use to a portfolio",
    **dict.fromkeys(("accounts.created_date", "accounts.status", "boards.created_date", "boards.description"), "not filled"),
    "_tool_jira_boards.project_id": "a board's place is its payload's scope",
    **dict.fromkeys(("_tool_jira_issue_types.id", "_tool_jira_issue_types.description"), "an item keeps the name of its type"),
    **dict.fromkeys(("_tool_jira_issue_relationships.issue_key", "inward_issue_key", "outward_issue_key"), "an issue's own to tell"),
    **dict.fromkeys(("type_id", "inward", "outward"), "a dependency's type keeps the link type's name"),
    **dict.fromkeys(("_tool_jira_issue_fields.board_id", "custom", "orderable", "navigable", "searchable", "schema_items", "schema_custom",
                     "schema_custom_id", "sche_custom_system"), "how a field is declared is the dictionary's, not a value's"),
}  # fmt: skip

_BOARDS = "which board shows an issue or a sprint: the hub reads by project, since boards hide issues (epics, sub-tasks)"
_COMMITS = "commits and remote links are not read"
_WORKLOGS = "the recorded issues embed none: test_golden_worklogs.py compares them"
NOT_COMPARED = {
    **dict.fromkeys(("_tool_jira_board_issues", "_tool_jira_board_issues_for_ConvertIssueRepoCommits", "board_issues",
                     "_tool_jira_board_issues_for_changelog", "_tool_jira_board_issues_for_external_epics",
                     "_tool_jira_board_issues_for_label", "_tool_jira_board_issues_for_worklog", "_tool_jira_board_issues_relations",
                     "_tool_jira_board_sprints", "_tool_jira_board_sprints_for_convertor", "board_sprints"), _BOARDS),
    **dict.fromkeys(("_tool_jira_issue_commits", "_tool_jira_issue_commits_dev_panel", "issue_repo_commits", "_tool_jira_remotelinks",
                     "_tool_jira_issue_commits_for_ConvertIssueRepoCommits"), _COMMITS),
    **dict.fromkeys(("_tool_jira_worklogs", "_tool_jira_worklogs_for_convertor", "worklogs"), _WORKLOGS),
    "_tool_jira_issue_labels_for_convertor": "made input of one suite, some of its rows moved to connections that do not exist",
}  # fmt: skip


def _of(*columns: str) -> frozenset[str]:
    return frozenset(columns)


_ISSUES = _of("_tool_jira_issues", "issues", "issues_with_no_mapping_subtask", "_tool_jira_issues_for_external_epics",
              "_tool_jira_issues_for_due_date", "issues_for_due_date")  # fmt: skip

# The issues whose status at the time of recording was of category "new" although they were resolved.
_RESOLVED_IN_NEW = _of("10063", "10072", "10097", "10098", "10099")
_WONT_DO = _of("10082", "10086", "10088", "10092", "10097")


def _is_dictionary_name(cell: Cell) -> bool:
    return cell.row["field_name"] == "status" and (cell.expected, cell.ours) in {
        ("待办", "To Do"), ("待开发", "Ready for Dev"), ("In Progress", "In Development"),
    }  # fmt: skip


DIFFERENCES = (
    Difference(_of("story_point"), 90, "nobody estimated the issue: unknown, where DevLake writes 0",
               lambda cell: cell.expected == 0 and cell.ours is None, _ISSUES),
    Difference(_of("remaining_estimate_minutes", "time_remaining_minutes"), 50, "no estimate of what remains: unknown, not 0",
               lambda cell: cell.expected == 0 and cell.ours is None, _ISSUES),
    Difference(_of("status_key", "std_status", "status"), 12, "resolved as won't do: cancelled, which is no delivery",
               lambda cell: (cell.expected, cell.ours) == ("done", "cancelled") and cell.key in _WONT_DO, _ISSUES),
    Difference(_of("std_status", "status"), 48, "the suite maps statuses of some types to words of its own; ours is Jira's category",
               lambda cell: cell.expected not in set(StatusCategory) and cell.ours in ("todo", "done", "cancelled"), _ISSUES),
    Difference(_of("std_type", "type"), 32, "the suite has no mapping for the type and keeps its name; ours reads it by level and name",
               lambda cell: (cell.expected, cell.ours) in {("故事", "story"), ("缺陷", "bug"), ("TEST EXECUTION", "task")}, _ISSUES),
    Difference(_of("resolution_date", "lead_time_minutes"), 66, "resolved but not done (won't do, or in a status to do): not finished",
               lambda cell: cell.ours is None and cell.key in _RESOLVED_IN_NEW | _WONT_DO),
    Difference(_of("due_date"), 2, "a bare date has no time zone; DevLake shifts it from the zone of the machine that ran the suite",
               lambda cell: (cell.expected + CHINA).date() == cell.ours, _of("_tool_jira_issues", "issues")),
    Difference(_of("due_date"), 2, "the suite takes the due date from a custom field; ours is Jira's own, the other a custom value",
               lambda cell: (cell.expected + CHINA).date() == date(2025, 3, 4) and cell.ours == date(2025, 3, 9)),
    Difference(_of("epic_key", "parent_key"), 4, "the epic is outside what was read: the item names it by id, its key comes with itself",
               lambda cell: (cell.expected, cell.ours) == ("K5-1", None), _ISSUES),
    Difference(_of("original_from_value", "original_to_value"), 86, "the history's own words, which DevLake replaces by today's name",
               _is_dictionary_name, _of("issue_changelogs")),
    Difference(_of("to_value"), 30, "the suite's dictionary has this status under another connection; the site's own says done",
               lambda cell: cell.row["original_to_value"] == "已完成" and cell.ours == "done", _of("issue_changelogs")),
    Difference(_of("issue_id", "inward_issue_id", "outward_issue_id", "type_name"), 30, "no order of work follows from such a link",
               lambda cell: cell.row["type_name"] in ("Cloners", "Duplicate", "Relates") and cell.ours is None),
    Difference(_of("source_issue_id", "target_issue_id", "original_type"), 30, "no order of work follows from such a link",
               lambda cell: not cell.row["original_type"].endswith(("blocks", "blocked by")) and cell.ours is None),
    Difference(_of("author_display_name", "author_active"), 8, "an author without an account id is nobody who could be found again",
               lambda cell: cell.row["author_account_id"] == "" and cell.ours is None),
    Difference(_of("issue_updated"), 1, "the recording has the issue at two instants; an issue has the last one",
               lambda cell: cell.key == "57278" and cell.ours > cell.expected, _of("issue_changelogs/_tool_jira_issue_changelogs")),
    Difference(_of("id", "name", "schema_type"), 3, "a field of type any holds nothing that could be measured: it is not asked for",
               lambda cell: cell.row.get("schema_type") == "any" and cell.ours is None),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Golden:
    """All sites, synced into one database."""

    tables: Tables
    rows: dict[str, Rows]
    runs: dict[str, Run]
    served: dict[str, Served]


@pytest.fixture(scope="module")
def tables(shared_folder: Path) -> Tables:
    return Tables(shared_folder / "data" / "jira" / "devlake")


@pytest.fixture(scope="module", params=ENGINES)
def golden(request: pytest.FixtureRequest, tables: Tables, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Golden]:
    """Every site is served, connected with all its projects, and synced once; on each engine."""
    folder = tmp_path_factory.mktemp("golden")
    with ExitStack() as stack:
        if request.param == "sqlite":
            url = f"sqlite:///{folder / 'hub.db'}"
        else:
            url = text(stack.enter_context(request.getfixturevalue("postgres_server").database()))
        migrate(url)
        work = Work(create_engine(url))
        stack.callback(work.dispose)
        registry = Registry.of(CONNECTOR)
        hub = Hub(work, lambda: datetime.now(UTC), registry, SecretBox([bytes(range(32))]), Throttles(), folder)
        golden = Golden(tables, {}, {}, {})
        for name, site in estate(tables).items():
            served = golden.served[name] = stack.enter_context(serve(site))
            draft = connections.Draft(name, "jira", {"url": served.url, "email": EMAIL, "token": TOKEN})
            made = connections.create(hub, draft, "golden")
            golden.runs[name] = sync.run(hub, made.run.id)
            with work.read() as session:
                golden.rows[name] = rows_of(session, made.connection.id, made.connection.namespace)
        yield golden


def compare(golden: Golden) -> Comparison:
    """Every expected table beside the site that its raw rows were served by."""
    found = Comparison(DIFFERENCES, LEFT_OUT)
    tables = golden.tables

    def beside(site: str, name: str, row_of: expect.RowOf, folder: str = "snapshot_tables", params: str = PARAMS) -> None:
        rows = golden.rows[site]
        title = name if folder == "snapshot_tables" else f"{folder}/{name}"
        found.table(title, tables.expected(name, folder, params), expect.key, lambda row: row_of(rows, row))

    beside("issues", "_tool_jira_issues", expect.tool_issue)
    beside("issues", "issues", expect.domain_issue)
    beside("issues", "issues_with_no_mapping_subtask", expect.domain_issue)
    beside("issues", "issue_assignees", expect.assignee)
    beside("issues", "_tool_jira_issue_labels", expect.label)
    beside("issues", "issue_labels", expect.label)
    beside("issues", "_tool_jira_issue_changelogs", expect.history)
    beside("issues", "_tool_jira_issue_changelog_items", expect.tool_change)
    beside("issues", "issue_changelogs", expect.domain_change)
    beside("issues", "_tool_jira_sprint_issues", expect.sprint_issue)
    beside("issues", "sprint_issues", expect.sprint_issue)
    beside("issues", "_tool_jira_sprints", expect.tool_sprint)
    beside("issues", "_tool_jira_sprints_for_convertor", expect.tool_sprint)
    beside("issues", "sprints", expect.domain_sprint)
    beside("issues", "_tool_jira_boards", expect.board)
    beside("issues", "boards", expect.board)
    beside("issues", "_tool_jira_issues_for_external_epics", expect.tool_issue, params=OTHER_PARAMS)
    beside("epics", "_tool_jira_issues_for_external_epics", expect.tool_issue, params=OTHER_PARAMS)
    beside("due", "_tool_jira_issues_for_due_date", expect.tool_issue)
    beside("due", "issues_for_due_date", expect.domain_issue)
    beside("relationships", "_tool_jira_issue_relationships", expect.tool_link)
    beside("relationships", "issue_relationships", expect.domain_link)
    beside("changelogs", "_tool_jira_issue_changelogs_extractor", expect.history)
    beside("changelogs", "_tool_jira_issue_changelog_items_extractor", expect.tool_change)
    beside("changelogs", "_tool_jira_accounts_changelog", expect.account)
    beside("user_fields", "_tool_jira_issue_changelogs", expect.history, "issue_changelogs")
    beside("user_fields", "_tool_jira_accounts", expect.changed_account, "issue_changelogs")
    beside("people", "_tool_jira_accounts", expect.account)
    beside("people", "accounts", expect.account)
    beside("words", "_tool_jira_statuses", expect.status)
    beside("words", "_tool_jira_statuses_for_changelog", expect.status)
    beside("words", "_tool_jira_issue_types", expect.issue_type)
    beside("words", "_tool_jira_projects", expect.project)
    beside("words", "_tool_jira_issue_fields", expect.custom_field)
    return found


def test_everything_that_the_sites_hold_is_read(golden: Golden) -> None:
    issues, histories = 33 + 3 + 1 + 22 + 3 + 1 + 30 + 63, 522 + 5 + 25 + 18 + 279 + 3
    assert {run.state for run in golden.runs.values()} == {"finished"}
    assert sum(run.fetched["issue"] for run in golden.runs.values()) == issues
    assert sum(run.fetched.get("history", 0) for run in golden.runs.values()) == histories
    assert [rows.quarantined for rows in golden.rows.values() if rows.quarantined] == []
    assert {name: served.strays for name, served in golden.served.items() if served.strays} == {}
    for name, served in golden.served.items():
        rows = golden.rows[name]
        assert rows.items.keys() == {issue["id"] for issue in served.site.issues}
        items = Counter(entry["id"] for entries in served.site.histories.values() for entry in entries for _ in entry["items"])
        held = Counter(change["external_id"].partition(":")[0] for found in rows.transitions.values() for change in found)
        assert held == items


def test_the_golden_set_is_as_large_as_it_should_be(golden: Golden) -> None:
    rows, expected = golden.rows["issues"], golden.tables.expected
    assert (len(expected("issues")), len(expected("issue_changelogs")), len(expected("sprints"))) == (30, 689, 29)
    assert (len(expected("accounts")), len(expected("sprint_issues")), len(expected("issue_relationships"))) == (30, 28, 16)
    of_project = {item["id"] for item in rows.items.values() if item["key"].startswith("EE-")}
    assert len(of_project) == 30
    assert sum(len(item["iteration_ids"]) for item in rows.items.values() if item["id"] in of_project) == 28
    assert sum(len(item["labels"]) for item in rows.items.values()) == 18
    assert (len(rows.iterations), len(rows.boards)) == (31, 2)
    assert len(golden.rows["people"].people) == 30
    assert len({item["original_status_id"] for item in golden.rows["words"].items.values()}) == 57
    assert len(golden.rows["relationships"].dependencies) == 4
    changes = {key: found for key, found in rows.transitions.items() if found[0]["item_id"] in of_project}
    # DevLake keys a change by history and field, so the second version of one history overwrites the first.
    assert {name for (_, name), found in changes.items() if len(found) > 1} == {"Fix Version"}
    assert (len(changes), sum(map(len, changes.values()))) == (689, 709)


def test_every_field_equals_the_expected_one_or_differs_for_a_listed_reason(
    golden: Golden, request: pytest.FixtureRequest, capsys: pytest.CaptureFixture[str]
) -> None:
    found = compare(golden)
    with capsys.disabled():
        print(f"\n{request.node.callspec.id}", *found.report(), sep="\n")
    assert [str(cell) for cell in found.unlisted] == []
    assert found.miscounted() == []
    assert found.forgotten == set()
    assert found.equal.total() > 23_000


def test_every_expected_table_is_compared_or_named(golden: Golden) -> None:
    compared = {name for name in compare(golden).rows if "/" not in name}
    assert compared.isdisjoint(NOT_COMPARED)
    assert compared | NOT_COMPARED.keys() == golden.tables.names()


def test_what_devlake_has_no_column_for_equals_the_recorded_answer(golden: Golden) -> None:
    rows = golden.rows["issues"]
    raws = [raw.data for raw in golden.tables.raw("_raw_jira_api_issues")]
    assert len(raws) == 33
    for raw in raws:
        item, fields = rows.items[raw["id"]], raw["fields"]
        assert item["resolution"] == (fields["resolution"] or {}).get("name")
        start = fields["customfield_10015"]
        assert item["planned_start"] == (date.fromisoformat(start) if start else None)
        end = rows.values.get((raw["id"], "customfield_10060"))
        assert (end["day"].isoformat() if end else None) == fields["customfield_10060"]
        bodies = {comment["id"]: "\n".join(filter(None, comment["body"].strip().splitlines())) for comment in fields["comment"]["comments"]}
        assert {comment["external_id"]: comment["body"] for comment in rows.comments.get(raw["id"], ())} == bodies
    taken = golden.rows["due"].values["10063", "customfield_10003"]
    assert taken["day"] == date(2025, 3, 4)


def test_every_change_of_status_knows_the_categories_that_the_site_tells(golden: Golden) -> None:
    categories = {status["id"]: expect.CATEGORIES[status["statusCategory"]["key"]] for status in golden.served["issues"].site.statuses}
    changes = [change for found in golden.rows["issues"].transitions.values() for change in found if change["field"] == Field.STATUS]
    assert len(changes) == 165
    for change in changes:
        known = (categories.get(change["from_id"]), categories.get(change["to_id"]))
        assert (change["from_category"], change["to_category"]) == known
