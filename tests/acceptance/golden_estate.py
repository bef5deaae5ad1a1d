"""Sites made of the golden set's raw tables, each table a site of its own; what no table holds (fields, priorities) is written here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from tests.acceptance.golden_site import Json, Site, epoch_ms
from tests.acceptance.golden_tables import PARAMS, Raw, Tables

CREATED = "2022-08-08T12:00:00.000+0800"
BOARD, OTHER_BOARD = 8, 92

_TYPES = "com.atlassian.jira.plugin.system.customfieldtypes:"
_AGILE = "com.pyxis.greenhopper.jira:"


def custom_field(id: str, name: str, type: str, custom: str, items: str | None = None) -> Json:
    schema = {"type": type, "custom": custom, "customId": int(id.removeprefix("customfield_"))} | ({"items": items} if items else {})
    return {"id": id, "key": id, "name": name, "custom": True, "orderable": True, "navigable": True, "searchable": True,
            "clauseNames": [f"cf[{schema['customId']}]", name], "schema": schema}  # fmt: skip


# The recorded answers name custom fields by id only; what these are is told by their values and by the changelogs.
FIELDS = (
    {"id": "summary", "key": "summary", "name": "Summary", "custom": False, "schema": {"type": "string", "system": "summary"}},
    {"id": "duedate", "key": "duedate", "name": "Due date", "custom": False, "schema": {"type": "date", "system": "duedate"}},
    custom_field("customfield_10003", "Planned due date", "date", f"{_TYPES}datepicker"),
    custom_field("customfield_10011", "Epic Name", "string", f"{_AGILE}gh-epic-label"),
    custom_field("customfield_10012", "Epic Status", "option", f"{_AGILE}gh-epic-status"),
    custom_field("customfield_10014", "Epic Link", "any", f"{_AGILE}gh-epic-link"),
    custom_field("customfield_10015", "Start date", "date", f"{_TYPES}datepicker"),
    custom_field("customfield_10016", "Story point estimate", "number", f"{_AGILE}jsw-story-points"),
    custom_field("customfield_10019", "Rank", "any", f"{_AGILE}gh-lexo-rank"),
    custom_field("customfield_10020", "Sprint", "array", f"{_AGILE}gh-sprint", "json"),
    custom_field("customfield_10021", "Flagged", "array", f"{_TYPES}multicheckboxes", "option"),
    custom_field("customfield_10022", "First response", "datetime", "com.atlassian.jira.ext.charting:firstresponsedate"),
    custom_field("customfield_10024", "Story Points", "number", f"{_TYPES}float"),
    custom_field("customfield_10060", "End date", "date", f"{_TYPES}datepicker"),
)
PRIORITIES = tuple({"id": str(place), "name": name} for place, name in enumerate(("Highest", "High", "Medium", "Low", "Lowest"), 1))
BLOCKS = {"id": "10000", "name": "Blocks", "inward": "is blocked by", "outward": "blocks"}

# Fields that the agile API adds to an issue, which the platform's API has not.
_AGILE_ONLY = frozenset({"epic", "sprint", "closedSprints", "flagged"})


def estate(tables: Tables) -> dict[str, Site]:
    """The sites by name."""
    return {
        "issues": issues(tables),
        "epics": epics(tables),
        "due": due_date(tables),
        "relationships": relationships(tables),
        "changelogs": changelogs(tables),
        "user_fields": user_fields(tables),
        "people": people(tables),
        "words": words(tables),
    }


def issues(tables: Tables) -> Site:
    """33 issues of two projects with their changelogs, and their boards: one with its recorded sprints, one with the issues' own."""
    raws = tables.raw("_raw_jira_api_issues")
    board = tables.expected("_tool_jira_boards")[0]
    project, other = {raw.data["fields"]["project"]["id"]: None for raw in raws}
    names = {BOARD: board["name"], OTHER_BOARD: "K5"}
    found = {sprint["id"]: sprint for raw in raws for sprint in raw.data["fields"]["customfield_10020"] or ()}
    return _site(
        "golden-issues",
        raws,
        statuses=_statuses(tables),
        types=[raw.data for raw in tables.raw("_raw_jira_api_issue_types") if raw.params == PARAMS],
        boards=[
            {"id": id, "name": name, "type": board["type"], "location": {"projectId": int(project if id == BOARD else other)}}
            for id, name in names.items()
        ],
        configurations={id: _configuration(id, name) for id, name in names.items()},
        sprints={
            BOARD: [raw.data for raw in tables.raw("_raw_jira_api_sprints")],
            OTHER_BOARD: [sprint for sprint in found.values() if sprint["boardId"] == OTHER_BOARD],
        },
    )


def epics(tables: Tables) -> Site:
    """3 issues whose epic may lie outside what is read; the account may not see boards here."""
    return _site("golden-epics", tables.raw("_raw_jira_external_epics"), statuses=_statuses(tables), sprints=None)


def due_date(tables: Tables) -> Site:
    return _site("golden-due", tables.raw("_raw_jira_api_issues_for_due_date"), statuses=_statuses(tables))


def relationships(tables: Tables) -> Site:
    """22 issues with links, recorded from a server: its users have no account ids, its types no level, its statuses other ids."""
    return _site("golden-links", tables.raw("_raw_jira_api_issue_relationships"), fields=FIELDS[:2], link_types=[BLOCKS])


def changelogs(tables: Tables) -> Site:
    """279 histories of three issues, which the recording does not hold themselves."""
    return _site_of_histories("golden-changelogs", tables.raw("_raw_jira_api_issue_changelogs"), FIELDS)


def user_fields(tables: Tables) -> Site:
    """Histories of fields that hold people; the suite split one history in two rows, which a site never does."""
    fields = [
        custom_field(row["id"], row["name"], row["schema_type"], row["schema_custom"])
        for row in tables.expected("_tool_jira_issue_fields", "issue_changelogs")
    ]
    return _site_of_histories("golden-user-fields", tables.raw("_raw_jira_api_issue_changelogs", "issue_changelogs"), fields)


def people(tables: Tables) -> Site:
    """30 accounts, each the assignee of an issue: accounts reach the hub where issues show them."""
    project = _project("10003", "EE", "Enterprise Edition")
    users = [raw.data for raw in tables.raw("_raw_jira_api_users")]
    found = [shell(str(place), project, assignee=user) for place, user in enumerate(users, 1)]
    return Site("golden-people", _base(users[0]), [project], found, fields=FIELDS, priorities=PRIORITIES)


def words(tables: Tables) -> Site:
    """12 projects, 57 statuses and 5 types, each status and type in use; issues name them by id alone, as old answers do."""
    projects = [raw.data for raw in tables.raw("_raw_jira_api_projects")]
    statuses = _statuses(tables)
    types = [raw.data for raw in tables.raw("_raw_jira_api_issue_types") if raw.params == PARAMS]
    fields = [raw.data for raw in tables.raw("_raw_jira_api_issue_fields")]
    user = tables.raw("_raw_jira_api_users")[-1].data
    values = {"customfield_10315": user, "customfield_10400": {"branches": 1}}
    found = [
        *(shell(f"1{place:03d}", projects[0], status=_named(status)) for place, status in enumerate(statuses)),
        *(shell(f"2{place:03d}", projects[1], issuetype=_named(type)) for place, type in enumerate(types)),
        shell("3000", projects[2], **values),
    ]
    base = _base(projects[0])
    return Site("golden-words", base, projects, found, fields=fields, statuses=statuses, types=types, priorities=PRIORITIES)


def shell(id: str, project: Mapping[str, Any], **fields: Any) -> Json:
    """An issue that only carries what a recording shows of something else."""
    whole: Json = {
        "summary": f"Issue {id}",
        "project": dict(project),
        "issuetype": {"id": "10031", "name": "任务", "subtask": False, "hierarchyLevel": 0},
        "status": {"id": "10033", "name": "To Do", "statusCategory": {"key": "new"}},
        "created": CREATED,
        "updated": CREATED,
        "comment": {"comments": [], "maxResults": 0, "total": 0, "startAt": 0},
    }
    return {"id": id, "key": f"{project['key']}-{id}", "fields": whole | fields}


def platform_issue(agile: Json) -> Json:
    """An issue of the agile API as the platform's API v3 gives it: without its sprint fields and changelog, texts as documents."""
    fields = {name: value for name, value in agile["fields"].items() if name not in _AGILE_ONLY}
    for name in ("description", "environment"):
        fields[name] = _document(fields.get(name))
    if fields.get("comment"):
        comments = [{**comment, "body": _document(comment["body"])} for comment in fields["comment"]["comments"]]
        fields["comment"] = {**fields["comment"], "comments": comments}
    return {"id": agile["id"], "key": agile["key"], "expand": "operations,editmeta,renderedFields", "fields": fields}


def bulk_history(entry: Json) -> Json:
    """An entry of an issue's changelog as the bulk answer has it: its time is a number there."""
    return {**entry, "created": epoch_ms(entry["created"])}


def _configuration(id: int, name: str) -> Json:
    estimation = {"type": "field", "field": {"fieldId": "customfield_10024", "displayName": "Story Points"}}
    columns = [{"name": "Done", "statuses": [{"id": "10068"}]}]
    return {"id": id, "name": name, "columnConfig": {"columns": columns}, "estimation": estimation}


def _site(cloud_id: str, raws: Sequence[Raw], **rest: Any) -> Site:
    recorded = [raw.data for raw in raws]
    projects = {issue["fields"]["project"]["id"]: issue["fields"]["project"] for issue in recorded}
    histories = {issue["id"]: [bulk_history(h) for h in (issue.get("changelog") or {}).get("histories") or ()] for issue in recorded}
    rest = {"fields": FIELDS, "priorities": PRIORITIES} | rest
    return Site(cloud_id, _base(recorded[0]), list(projects.values()), [platform_issue(i) for i in recorded], histories, **rest)


def _site_of_histories(cloud_id: str, raws: Sequence[Raw], fields: Sequence[Json]) -> Site:
    project = _project("10003", "EE", "Enterprise Edition")
    updated = {str(raw.input["issue_id"]): raw.input["update_time"] for raw in raws}
    histories: dict[str, dict[str, Json]] = {}
    for raw in raws:
        known = histories.setdefault(str(raw.input["issue_id"]), {})
        entry = known.setdefault(raw.data["id"], {**bulk_history(raw.data), "items": []})
        entry["items"] = [*entry["items"], *raw.data["items"]]
    found = [shell(id, project, updated=updated[id], created="2020-06-12T08:00:00.000+0800") for id in histories]
    merged = {id: list(entries.values()) for id, entries in histories.items()}
    base = _base(raws[0].data["author"])
    return Site(cloud_id, base, [project], found, merged, fields=fields, priorities=PRIORITIES)


def _statuses(tables: Tables) -> list[Json]:
    """The recorded statuses, and those that only changelogs still name: the suite's own dictionary knows what they were."""
    recorded = [raw.data for raw in tables.raw("_raw_jira_api_status")]
    known = {status["id"] for status in recorded}
    return recorded + [
        {"id": row["id"], "name": row["name"], "statusCategory": {"key": row["status_category"]}}
        for row in tables.expected("_tool_jira_statuses_for_changelog")
        if row["id"] not in known
    ]


def _named(entry: Mapping[str, Any]) -> Json:
    return {"id": entry["id"], "name": entry["name"]}


def _project(id: str, key: str, name: str) -> Json:
    return {"id": id, "key": key, "name": name, "projectTypeKey": "software", "simplified": False}


def _base(recorded: Mapping[str, Any]) -> str:
    """The address of the site that the recording came from."""
    parts = urlsplit(recorded["self"])
    return f"{parts.scheme}://{parts.netloc}"


def _document(text: str | None) -> Json | None:
    """Plain text in the Atlassian Document Format, a paragraph a line; a blank line is what stands between two of them."""
    if text is None:
        return None
    lines = [line for line in text.splitlines() if line]
    return {"type": "doc", "version": 1, "content": [{"type": "paragraph", "content": [{"type": "text", "text": line}]} for line in lines]}
