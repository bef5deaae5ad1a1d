"""Issues, dictionaries and payloads in the shapes that Jira's documentation gives them."""

from __future__ import annotations

import json
from typing import Any

import msgspec

from pmo_hub.domain.records import Record
from pmo_hub.sdk.contract import Mapped, Payload, Ref, Reference
from pmo_hub_jira.mapping import mapper
from pmo_hub_jira.reference import SiteReference, TypeEntry, custom_fields, default_fields, scale

SYSTEM = "com.atlassian.jira.plugin.system.customfieldtypes:"
GREENHOPPER = "com.pyxis.greenhopper.jira:"


def field(number: int, name: str, type: str, custom: str, items: str | None = None) -> dict[str, Any]:
    schema = {"type": type, "custom": custom, "customId": number} | ({"items": items} if items else {})
    return {"id": f"customfield_{number}", "name": name, "custom": True, "schema": schema}


FIELDS = [
    {"id": "summary", "name": "Summary", "custom": False, "schema": {"type": "string", "system": "summary"}},
    {"id": "thumbnail", "name": "Images", "custom": False},
    field(10014, "Epic Link", "any", GREENHOPPER + "gh-epic-link"),
    field(10015, "Start date", "date", SYSTEM + "datepicker"),
    field(10016, "Story point estimate", "number", GREENHOPPER + "jsw-story-points"),
    field(10019, "Rank", "any", GREENHOPPER + "gh-lexo-rank"),
    field(10020, "Sprint", "array", GREENHOPPER + "gh-sprint", "json"),
    field(10021, "Flagged", "array", SYSTEM + "multicheckboxes", "option"),
    field(10022, "Target start", "date", "com.atlassian.jpo:jpo-custom-field-baseline-start"),
    field(10023, "Target end", "date", "com.atlassian.jpo:jpo-custom-field-baseline-end"),
    field(10026, "Story Points", "number", SYSTEM + "float"),
    field(10040, "Budget", "number", SYSTEM + "float"),
    field(10041, "Stream", "option", SYSTEM + "select"),
    field(10042, "Approver", "user", SYSTEM + "userpicker"),
    field(10043, "Reviewers", "array", SYSTEM + "multiuserpicker", "user"),
    field(10044, "Regions", "array", SYSTEM + "multiselect", "option"),
    field(10045, "Site", "option-with-child", SYSTEM + "cascadingselect"),
    field(10046, "Go-live", "datetime", SYSTEM + "datetime"),
    field(10047, "Review", "date", SYSTEM + "datepicker"),
    field(10048, "Notes", "string", SYSTEM + "textfield"),
    field(10049, "Tags", "array", SYSTEM + "labels", "string"),
]

CUSTOM = custom_fields(FIELDS)


def site(**changes: Any) -> Reference:
    values: dict[str, Any] = {
        "base_url": "https://acme.atlassian.net",
        "fields": CUSTOM,
        "statuses": {"1": "new", "3": "indeterminate", "6": "done"},
        "types": {"10009": TypeEntry("Theme", 2, False)},
        "priorities": scale(["1", "2", "3", "4", "5"]),
        "blocking": ("10000",),
        "asked": default_fields(CUSTOM),
    }
    return Reference(None, msgspec.json.encode(SiteReference(**values | changes)))


def scope(estimation: str | None = None) -> Reference:
    return Reference("10001", json.dumps({"estimation": estimation}).encode())


def user(name: str, **changes: Any) -> dict[str, Any]:
    base = {"accountId": f"id-{name.lower()}", "displayName": name, "active": True, "accountType": "atlassian", "timeZone": "UTC"}
    return base | {"emailAddress": f"{name.lower()}@acme.example", "avatarUrls": {"48x48": "https://avatar.example/x"}} | changes


def status(id: str = "1", name: str = "To Do", category: str | None = "new") -> dict[str, Any]:
    return {"id": id, "name": name, "statusCategory": {"id": 2, "key": category, "name": "To Do"}}


def issue(id: str = "20001", key: str = "ERP-1", **fields: Any) -> dict[str, Any]:
    base: dict[str, Any] = {
        "summary": "Post invoices",
        "status": status(),
        "issuetype": {"id": "10001", "name": "Task", "subtask": False, "hierarchyLevel": 0},
        "project": {"id": "10001", "key": "ERP"},
        "created": "2026-01-02T03:04:05.678+0000",
        "updated": "2026-02-03T04:05:06.789+0000",
    }
    return {"id": id, "key": key, "self": f"https://acme.atlassian.net/rest/api/3/issue/{id}", "fields": base | fields}


def payload(body: Any, kind: str = "issue", id: str = "20001") -> Payload:
    part_of = None if kind == "issue" else Ref("issue", "20001")
    return Payload(Ref(kind, id), "10001" if kind == "issue" else None, json.dumps(body).encode(), part_of=part_of)


def mapped(body: Any, *, references: list[Reference] | None = None, rules: dict[str, str] | None = None) -> Mapped:
    return mapper(references or [site(), scope()], rules or {})(payload(body))


def owned(result: Mapped, type: str) -> list[Any]:
    return [record for record in result.owned if record.type == type]


def mentioned(result: Mapped, type: str) -> list[Record]:
    return [record for record in result.mentioned if record.type == type]
