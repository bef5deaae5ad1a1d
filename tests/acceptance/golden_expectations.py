"""How each expected table reads in the hub's model: column by column, its value in our spelling beside what the hub holds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from pmo_hub.domain.identity import identifier
from pmo_hub.domain.vocabulary import Field, Kind, RecordType, StatusCategory
from pmo_hub_jira.reference import scale
from tests.acceptance.golden_comparison import Values
from tests.acceptance.golden_estate import PRIORITIES
from tests.acceptance.golden_rows import Held, Rows
from tests.acceptance.golden_tables import Row, external_id, instant, number, text

CATEGORIES = {"new": StatusCategory.TODO, "indeterminate": StatusCategory.IN_PROGRESS, "done": StatusCategory.DONE,
              "TODO": StatusCategory.TODO, "IN_PROGRESS": StatusCategory.IN_PROGRESS, "DONE": StatusCategory.DONE}  # fmt: skip
"""By Jira's key and by DevLake's standard word; its suites map some statuses to words of their own, which stay."""

KINDS = {"STORY": Kind.STORY, "EPIC": Kind.EPIC, "TASK": Kind.TASK, "BUG": Kind.BUG, "SUB-TASK": Kind.SUB_ITEM, "SUBTASK": Kind.SUB_ITEM}
LEVELS = {Kind.SUB_ITEM: -1, Kind.EPIC: 1, Kind.INITIATIVE: 2}

RowOf = Callable[[Rows, Row], Values | None]

URGENCY = {id: float(rank) for id, rank in scale([priority["id"] for priority in PRIORITIES]).items()}

FIELDS = {
    "assignee": Field.ASSIGNEE, "description": Field.DESCRIPTION, "fixVersions": Field.VERSIONS, "issuetype": Field.TYPE,
    "priority": Field.PRIORITY, "resolution": Field.RESOLUTION, "status": Field.STATUS, "timeestimate": Field.REMAINING,
    "timeoriginalestimate": Field.WORK, "customfield_10014": Field.PARENT, "customfield_10015": Field.PLANNED_START,
    "customfield_10020": Field.ITERATION, "Link": Field.DEPENDENCY, "Parent": Field.PARENT,
}  # fmt: skip
"""By the changed field's id, or by its name where it has none; the rest (rank, workflow, end date, work logged, remote links) is OTHER."""


def key(row: Row) -> str:
    """A name for a row in a list of differences: the id of the issue where it is one, or of whatever else it is about."""
    for column in ("changelog_id", "issue_id", "sprint_id", "account_id", "id", "source_issue_id", "board_id"):
        if row.get(column):
            found = row[column] if not row[column].startswith("jira:") else external_id(row[column]) or ""
            return f"{found}:{row['field']}" if "field" in row else found
    return "?"


def tool_issue(rows: Rows, row: Row) -> Values | None:
    """A row of DevLake's copy of an issue."""
    item = rows.items.get(row["issue_id"])
    if item is None:
        return None
    scope, parent = _scope(rows, item), _parent(rows, item)
    active = [rows.iterations[id] for id in item["iteration_ids"] if id in rows.iterations and rows.iterations[id]["state"] == "active"]
    histories = {t["external_id"].partition(":")[0] for t in rows.histories.values() if t["item_id"] == item["id"]}
    return _shared(rows, row, item) | {
        "issue_id": (row["issue_id"], item["external_id"]),
        "project_id": (row["project_id"], scope["external_id"]),
        "project_name": (row["project_name"], scope["name"]),
        "summary": (row["summary"], item["title"]),
        "type": (row["type"], item["original_type"]),
        "status_name": (row["status_name"], item["original_status"]),
        "status_key": (CATEGORIES[row["status_key"]], item["status_category"]),
        "std_type": (KINDS.get(row["std_type"], row["std_type"]), item["kind"]),
        "std_status": (CATEGORIES.get(row["std_status"], row["std_status"]), item["status_category"]),
        "remaining_estimate_minutes": (number(row["remaining_estimate_minutes"]), _minutes(item["remaining_hours"])),
        "spent_minutes": (number(row["spent_minutes"]), _minutes(item["spent_hours"])),
        "creator_account_id": (text(row["creator_account_id"]), rows.account(item["reporter_id"])),
        "creator_display_name": (text(row["creator_display_name"]), rows.name(item["reporter_id"])),
        "assignee_account_id": (text(row["assignee_account_id"]), rows.account(item["assignee_id"])),
        "assignee_display_name": (text(row["assignee_display_name"]), rows.name(item["assignee_id"])),
        "priority_id": (URGENCY[row["priority_id"]], float(item["priority"])),
        "priority_name": (row["priority_name"], item["original_priority"]),
        "parent_id": (rows.item_id(_id(row["parent_id"])), item["parent_id"]),
        "parent_key": (text(row["parent_key"]), parent["key"] if parent else None),
        "sprint_id": (_id(row["sprint_id"]), active[0]["external_id"] if active else None),
        "sprint_name": (text(row["sprint_name"]), active[0]["name"] if active else None),
        "created": (instant(row["created"]), item["created_at"]),
        "updated": (instant(row["updated"]), item["updated_at"]),
        "changelog_total": (int(row["changelog_total"]), len(histories)),
        "comment_total": (int(row["comment_total"]), len(rows.comments.get(row["issue_id"], ()))),
        "components": (text(row.get("components", "")), _none(item["component_ids"])),
        "subtask": (row.get("subtask") == "1", item["kind"] == Kind.SUB_ITEM),
    }


def domain_issue(rows: Rows, row: Row) -> Values | None:
    """A row of DevLake's tool-independent issues."""
    id = external_id(row["id"])
    item = rows.items.get(id or "")
    if item is None:
        return None
    names = ",".join(rows.versions[version]["name"] for version in item["version_ids"])
    return _shared(rows, row, item) | {
        "id": (id, item["external_id"]),
        "url": (row["url"], item["url"]),
        "title": (row["title"], item["title"]),
        "original_type": (row["original_type"], item["original_type"]),
        "type": (KINDS.get(row["type"], row["type"]), item["kind"]),
        "original_status": (row["original_status"], item["original_status"]),
        "status": (CATEGORIES.get(row["status"], row["status"]), item["status_category"]),
        "parent_issue_id": (rows.item_id(external_id(row["parent_issue_id"])), item["parent_id"]),
        "priority": (row["priority"], item["original_priority"]),
        "time_spent_minutes": (number(row["time_spent_minutes"]), _minutes(item["spent_hours"])),
        "time_remaining_minutes": (number(row["time_remaining_minutes"]), _minutes(item["remaining_hours"])),
        "creator_id": (external_id(row["creator_id"]), rows.account(item["reporter_id"])),
        "creator_name": (text(row["creator_name"]), rows.name(item["reporter_id"])),
        "assignee_id": (external_id(row["assignee_id"]), rows.account(item["assignee_id"])),
        "assignee_name": (text(row["assignee_name"]), rows.name(item["assignee_id"])),
        "component": (text(row["component"]), _none(item["component_ids"])),
        "fix_versions": (text(row["fix_versions"]), names or None),
        "original_project": (row["original_project"], _scope(rows, item)["name"]),
        "created_date": (instant(row["created_date"]), item["created_at"]),
        "updated_date": (instant(row["updated_date"]), item["updated_at"]),
    }


def _shared(rows: Rows, row: Row, item: Held) -> dict[str, tuple[Any, Any]]:
    """The columns that both tables of issues have. Whoever created an issue of the set reported it too, which is what the hub keeps."""
    parent = _parent(rows, item)
    finish, created = item["actual_finish"], item["created_at"]
    lead = None if finish is None else (finish - created) // timedelta(minutes=1)
    return {
        "issue_key": (row["issue_key"], item["key"]),
        "description": (text(row["description"]), item["description"]),
        "epic_key": (text(row["epic_key"]), parent["key"] if parent and parent["kind"] == Kind.EPIC else None),
        "story_point": (number(row["story_point"]), item["points"]),
        "original_estimate_minutes": (number(row["original_estimate_minutes"]), _minutes(item["work_hours"])),
        "resolution_date": (instant(row["resolution_date"]), finish),
        "lead_time_minutes": (number(row["lead_time_minutes"]), lead),
        "due_date": (instant(row.get("due_date", "")), item["due"]),
    }


def tool_change(rows: Rows, row: Row) -> Values | None:
    """One changed field of a history, as the source recorded it."""
    found = rows.transitions.get((row["changelog_id"], row["field"]))
    if not found:
        return None
    change = found[-1]
    return {
        "changelog_id": (row["changelog_id"], change["external_id"].partition(":")[0]),
        "field": (row["field"], change["original_field"]),
        "field_id": (FIELDS.get(row["field_id"] or row["field"], Field.OTHER), change["field"]),
        "from_value": (text(row["from_value"]), text(change["from_id"] or "")),
        "from_string": (text(row["from_string"]), text(change["from_text"] or "")),
        "to_value": (text(row["to_value"]), text(change["to_id"] or "")),
        "to_string": (text(row["to_string"]), text(change["to_text"] or "")),
    }


def domain_change(rows: Rows, row: Row) -> Values | None:
    """One changed field in DevLake's words: ids of its own for people and sprints, a status by today's name and by its category."""
    history, _, name = (external_id(row["id"]) or "").partition(":")
    found = rows.transitions.get((history, name))
    if not found:
        return None
    change = found[-1]
    refers = row["field_id"] in ("assignee", "customfield_10020")
    values: dict[str, tuple[Any, Any]] = {
        "id": (history, change["external_id"].partition(":")[0]),
        "issue_id": (rows.item_id(external_id(row["issue_id"])), change["item_id"]),
        "author_id": (external_id(row["author_id"]), rows.account(change["actor_id"])),
        "author_name": (text(row["author_name"]), rows.name(change["actor_id"])),
        "field_name": (row["field_name"], change["original_field"]),
        "field_id": (FIELDS.get(row["field_id"] or row["field_name"], Field.OTHER), change["field"]),
        "created_date": (instant(row["created_date"]), change["at"]),
    }
    for end in ("from", "to"):
        original, held = row[f"original_{end}_value"], change[f"{end}_id"] if refers else change[f"{end}_text"]
        values[f"original_{end}_value"] = (external_id(original) if refers else text(original), text(held or ""))
        values[f"{end}_value"] = (CATEGORIES.get(row[f"{end}_value"]), change[f"{end}_category"])
    return values


def history(rows: Rows, row: Row) -> Values | None:
    """An entry of a changelog: who changed an issue, and when."""
    change = rows.histories.get(row["changelog_id"])
    if change is None:
        return None
    item = rows.items[row["issue_id"]]
    actor = rows.people.get(change["actor_id"])
    return {
        "changelog_id": (row["changelog_id"], change["external_id"].partition(":")[0]),
        "issue_id": (item["id"], change["item_id"]),
        "author_account_id": (text(row["author_account_id"]), rows.account(change["actor_id"])),
        "author_display_name": (text(row["author_display_name"]), rows.name(change["actor_id"])),
        "author_active": (row["author_active"] == "1", actor["is_active"] if actor else None),
        "created": (instant(row["created"]), change["at"]),
        "issue_updated": (instant(row["issue_updated"]), item["updated_at"]),
    }


def sprint_issue(rows: Rows, row: Row) -> Values | None:
    """An issue in a sprint: among its current iterations, and among the stays derived from its history."""
    issue = row["issue_id"] if "connection_id" in row else external_id(row["issue_id"])
    sprint = row["sprint_id"] if "connection_id" in row else external_id(row["sprint_id"])
    item = rows.items.get(issue or "")
    if item is None:
        return None
    iteration = identifier(rows.namespace, RecordType.ITERATION)(sprint or "")
    stayed = {stay["iteration_id"] for stay in rows.stays.get(issue or "", ()) if stay["left_at"] is None}
    return {
        "issue_id": (issue, item["external_id"]),
        "sprint_id": (iteration, iteration if iteration in item["iteration_ids"] and iteration in stayed else None),
        "resolution_date": (instant(row.get("resolution_date", "")), item["actual_finish"]),
        "issue_created_date": (instant(row.get("issue_created_date", "")), item["created_at"]),
    }


def tool_sprint(rows: Rows, row: Row) -> Values | None:
    return _sprint(rows, row, row["sprint_id"], ("sprint_id", "state", "start_date", "end_date", "complete_date"))


def domain_sprint(rows: Rows, row: Row) -> Values | None:
    return _sprint(rows, row, external_id(row["id"]) or "", ("id", "status", "started_date", "ended_date", "completed_date"))


def _sprint(rows: Rows, row: Row, id: str, columns: tuple[str, str, str, str, str]) -> Values | None:
    held = rows.iterations.get(identifier(rows.namespace, RecordType.ITERATION)(id))
    if held is None:
        return None
    own, state, start, end, complete = columns
    return {
        own: (id, held["external_id"]),
        "name": (row["name"], held["name"]),
        state: (row[state].lower(), held["state"]),
        start: (instant(row[start]), held["starts_at"]),
        end: (instant(row[end]), held["ends_at"]),
        complete: (instant(row[complete]), held["completed_at"]),
    }


def board(rows: Rows, row: Row) -> Values | None:
    id = row.get("board_id") or external_id(row.get("id", "")) or ""
    held = rows.boards.get(identifier(rows.namespace, RecordType.BOARD)(id))
    if held is None:
        return None
    values = {"name": (row["name"], held["name"]), "type": (row["type"], held["original_type"])}
    return values | {"board_id": (id, held["external_id"]), "id": (id, held["external_id"])}


def account(rows: Rows, row: Row) -> Values | None:
    """A person's account, in either table."""
    id = row.get("account_id") or external_id(row.get("id", "")) or ""
    held = rows.people.get(identifier(rows.namespace, RecordType.IDENTITY)(id))
    if held is None:
        return None
    values = {column: (text(row.get(column, "")), held["name"]) for column in ("name", "full_name", "user_name")}
    values |= dict.fromkeys(("account_id", "id"), (id, held["external_id"]))
    return values | {"email": (text(row["email"]), held["email"]), "account_type": (row.get("account_type"), held["account_type"])}


def changed_account(rows: Rows, row: Row) -> Values | None:
    """An account that only a changed field names: the hub keeps the id in the transition, and knows nobody by it."""
    ids = {change["to_id"] for found in rows.transitions.values() for change in found}
    held = rows.people.get(identifier(rows.namespace, RecordType.IDENTITY)(row["account_id"]))
    name = held["name"] if held else None
    return {
        "account_id": (row["account_id"], row["account_id"] if row["account_id"] in ids else None),
        "name": (text(row["name"]), name),
        "account_type": (text(row["account_type"]), held["account_type"] if held else None),
        "email": (text(row["email"]), held["email"] if held else None),
    }


def status(rows: Rows, row: Row) -> Values | None:
    """A status in use: by its id, since several bear one name."""
    item = next((item for item in rows.items.values() if item["original_status_id"] == row["id"]), None)
    if item is None:
        return None
    return {
        "id": (row["id"], item["original_status_id"]),
        "name": (row["name"], item["original_status"]),
        "status_category": (CATEGORIES[row["status_category"]], item["status_category"]),
    }


def issue_type(rows: Rows, row: Row) -> Values | None:
    item = next((item for item in rows.items.values() if item["original_type"] == row["name"]), None)
    if item is None:
        return None
    return {
        "name": (row["name"], item["original_type"]),
        "untranslated_name": (KINDS.get(row["untranslated_name"].upper(), Kind.TASK), item["kind"]),
        "subtask": (row["subtask"] == "1", item["kind"] == Kind.SUB_ITEM),
        "hierarchy_level": (int(row["hierarchy_level"]), LEVELS.get(item["kind"], 0)),
    }


def project(rows: Rows, row: Row) -> Values | None:
    held = rows.scopes.get(row["id"])
    if held is None:
        return None
    key = (held["url"] or "").rpartition("/")[2]
    return {"id": (row["id"], held["external_id"]), "project_key": (row["project_key"], key), "name": (row["name"], held["name"])}


def tool_link(rows: Rows, row: Row) -> Values | None:
    """A link as one of its ends has it: what blocks is the predecessor of what waits."""
    own, inward, outward = row["issue_id"], _id(row["inward_issue_id"]), _id(row["outward_issue_id"])
    before, after = (inward, own) if inward else (own, outward)
    held = _dependency(rows, before, after)
    ends = {held["predecessor_id"], held["successor_id"]} if held else set()
    return {
        "issue_id": (rows.item_id(own), _among(rows.item_id(own), ends)),
        "inward_issue_id": (rows.item_id(inward), held["predecessor_id"] if held and inward else None),
        "outward_issue_id": (rows.item_id(outward), held["successor_id"] if held and outward else None),
        "type_name": (row["type_name"], held["original_type"] if held else None),
    }


def domain_link(rows: Rows, row: Row) -> Values | None:
    source, target = external_id(row["source_issue_id"]), external_id(row["target_issue_id"])
    waits = row["original_type"] == "is blocked by"
    held = _dependency(rows, *((target, source) if waits else (source, target)))
    first, second = ("successor_id", "predecessor_id") if waits else ("predecessor_id", "successor_id")
    return {
        "source_issue_id": (rows.item_id(source), held[first] if held else None),
        "target_issue_id": (rows.item_id(target), held[second] if held else None),
        "original_type": (row["original_type"], None if held is None else "is blocked by" if waits else held["original_type"].lower()),
    }


def label(rows: Rows, row: Row) -> Values | None:
    issue = row["issue_id"] if "connection_id" in row else external_id(row["issue_id"])
    item = rows.items.get(issue or "")
    if item is None:
        return None
    return {"issue_id": (issue, item["external_id"]), "label_name": (row["label_name"], _among(row["label_name"], item["labels"]))}


def assignee(rows: Rows, row: Row) -> Values | None:
    item = rows.items.get(external_id(row["issue_id"]) or "")
    if item is None:
        return None
    return {
        "issue_id": (external_id(row["issue_id"]), item["external_id"]),
        "assignee_id": (external_id(row["assignee_id"]), rows.account(item["assignee_id"])),
        "assignee_name": (text(row["assignee_name"]), rows.name(item["assignee_id"])),
    }


def custom_field(rows: Rows, row: Row) -> Values | None:
    """A custom field, known by a value that an issue has in it."""
    held = next((value for (_, field), value in rows.values.items() if field == row["id"]), None)
    return {
        "id": (row["id"], held["field"] if held else None),
        "name": (row["name"], held["name"] if held else None),
        "schema_type": (row["schema_type"], "user" if held and held["identity_id"] else None),
    }


def _scope(rows: Rows, item: Held) -> Held:
    return next(scope for scope in rows.scopes.values() if scope["id"] == item["scope_id"])


def _parent(rows: Rows, item: Held) -> Held | None:
    return next((other for other in rows.items.values() if other["id"] == item["parent_id"]), None)


def _dependency(rows: Rows, before: str | None, after: str | None) -> Mapping[str, Any] | None:
    wanted = (rows.item_id(before), rows.item_id(after))
    return next((held for held in rows.dependencies.values() if (held["predecessor_id"], held["successor_id"]) == wanted), None)


def _among(value: Any, held: Any) -> Any:
    return value if value in held else None


def _id(value: str) -> str | None:
    return None if value in ("", "0") else value


def _minutes(hours: float | None) -> float | None:
    return None if hours is None else hours * 60


def _none(values: Any) -> Any:
    return values or None
