"""Jira's own dictionaries: what of them mapping reads, and which fields of an issue are asked for.

A snapshot holds nothing that mapping does not read (no avatar, no description), in one order: when it changes, rows are mapped anew.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import msgspec
from msgspec import Struct

from pmo_hub.sdk.contract import Reference
from pmo_hub.sdk.errors import AuthError
from pmo_hub_jira import wire
from pmo_hub_jira.client import JiraClient, Refused

SYSTEM_FIELDS = (
    "assignee", "comment", "components", "created", "description", "duedate", "fixVersions", "issuelinks", "issuetype", "labels", "parent",
    "priority", "project", "reporter", "resolution", "resolutiondate", "status", "summary", "timetracking", "updated", "worklog",
)  # fmt: skip

SIDE_BY_SIDE = 4
"""Dictionaries asked for at once; the connection's own limits still hold."""

_GREENHOPPER = "com.pyxis.greenhopper.jira:"
SPRINT = _GREENHOPPER + "gh-sprint"
EPIC_LINK = _GREENHOPPER + "gh-epic-link"
TEAM_POINTS = _GREENHOPPER + "jsw-story-points"
TARGET_START = "com.atlassian.jpo:jpo-custom-field-baseline-start"
TARGET_END = "com.atlassian.jpo:jpo-custom-field-baseline-end"

_SHAPES = {
    "number": "number",
    "date": "date",
    "datetime": "datetime",
    "option": "option",
    "option-with-child": "option",
    "user": "user",
}
_LIST_SHAPES = {"option": "options", "user": "users"}


class CustomField(Struct, frozen=True, array_like=True):
    """`shape` is one of number, date, datetime, option, options, user, users, sprints, key; `custom` is the vendor's name of its type."""

    id: str
    name: str
    shape: str
    custom: str | None


class TypeEntry(Struct, frozen=True, array_like=True):
    name: str | None
    level: int | None
    subtask: bool


class SiteReference(Struct, frozen=True):
    """`statuses`: id → category key; `priorities`: id → 0..100; `blocking`: ids of the link types that say one issue blocks another."""

    base_url: str | None = None
    agile: bool = True
    fields: tuple[CustomField, ...] = ()
    statuses: dict[str, str] = {}
    types: dict[str, TypeEntry] = {}
    priorities: dict[str, int] = {}
    blocking: tuple[str, ...] = ()
    asked: tuple[str, ...] = SYSTEM_FIELDS


class ScopeReference(Struct, frozen=True):
    """`estimation`: id of the field that the project's board estimates by."""

    estimation: str | None = None


_ENCODER = msgspec.json.Encoder(order="deterministic")
SITE = msgspec.json.Decoder(SiteReference)
SCOPE = msgspec.json.Decoder(ScopeReference)


def custom_fields(fields: Iterable[dict[str, Any]], extra: Collection[str] = ()) -> tuple[CustomField, ...]:
    """Of Jira's list of fields, the custom ones of a type that carries data for measuring, and those of `extra` with plain text, by id."""
    found = []
    for entry in fields:
        schema = entry.get("schema") or {}
        custom = schema.get("custom")
        if not custom:
            continue
        if custom == SPRINT:
            shape: str | None = "sprints"
        elif custom == EPIC_LINK:
            shape = "key"
        elif schema.get("type") == "array":
            shape = _LIST_SHAPES.get(schema.get("items") or "")
        else:
            shape = _SHAPES.get(schema.get("type") or "")
            if shape is None and entry.get("id") in extra and schema.get("type") == "string" and not custom.endswith(":textarea"):
                shape = "key"
        if shape and isinstance(entry.get("id"), str):
            found.append(CustomField(entry["id"], str(entry.get("name") or entry["id"]), shape, custom))
    return tuple(sorted(found, key=lambda field: field.id))


def default_fields(fields: Sequence[CustomField]) -> tuple[str, ...]:
    """The one list of fields that every request for issues names: sorted, so that it is stable."""
    return tuple(sorted({*SYSTEM_FIELDS, *(field.id for field in fields)}))


def read_site(client: JiraClient, *, agile: bool, extra: Collection[str] = ()) -> Reference:
    """One snapshot of the site's dictionaries; `agile`: whether the account may read boards; `extra`: fields that a rule names."""
    with ThreadPoolExecutor(SIDE_BY_SIDE, "jira-reference") as pool:
        # A client of the library is for one thread.
        server = pool.submit(lambda: client.library().server_info())
        statuses = pool.submit(lambda: client.library().statuses())
        types = pool.submit(lambda: client.library().issue_types())
        priorities = pool.submit(_priorities, client)
        blocking = pool.submit(lambda: _blocking(client.library()))
        fields = custom_fields(client.library().fields(), extra)
    site = SiteReference(
        base_url=(str(server.result().get("baseUrl") or "").rstrip("/") or None),
        agile=agile,
        fields=fields,
        statuses={s.raw["id"]: (s.raw.get("statusCategory") or {}).get("key") or "undefined" for s in statuses.result()},
        types={t.raw["id"]: TypeEntry(t.raw.get("name"), t.raw.get("hierarchyLevel"), bool(t.raw.get("subtask"))) for t in types.result()},
        priorities=priorities.result(),
        blocking=blocking.result(),
        asked=default_fields(fields),
    )
    return Reference(None, _ENCODER.encode(site))


def scope_reference(project: str, estimation: str | None) -> Reference:
    return Reference(project, _ENCODER.encode(ScopeReference(estimation)))


def scale(ids: Sequence[str]) -> dict[str, int]:
    """Priorities in their order, the most urgent first, as 100 down to 0 in even steps."""
    if len(ids) == 1:
        return {ids[0]: 50}
    return {id: round(100 - 100 * place / (len(ids) - 1)) for place, id in enumerate(ids)}


def _priorities(client: JiraClient) -> dict[str, int]:
    """By the scheme that a priority stands in, the default one first; empty where schemes may not be read."""
    try:
        schemes = client.priority_schemes().values or []
    except (Refused, AuthError):
        return {}
    found: dict[str, int] = {}
    for scheme in sorted(schemes, key=lambda scheme: not (scheme.default or scheme.is_default)):
        entries = list((scheme.priorities.values if scheme.priorities else None) or ())
        if all(entry.sequence is not None and str(entry.sequence).isdigit() for entry in entries):
            entries.sort(key=lambda entry: int(entry.sequence or 0))
        found = {**scale([entry.id for entry in entries]), **found}
    return found


def _blocking(library: Any) -> tuple[str, ...]:
    """Ids of link types whose name or outward text says that they block; none where linking is switched off."""
    try:
        types = library.issue_link_types()
    except Refused as refusal:
        if refusal.status == 404:
            return ()
        raise
    texts = ((t.raw["id"], f"{t.raw.get('name')} {t.raw.get('outward')}".casefold()) for t in types)
    return tuple(sorted(id for id, text in texts if "block" in text))


def estimation_of(configuration: bytes) -> str | None:
    try:
        estimation = wire.CONFIGURATION.decode(configuration).estimation
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    return estimation.field.field_id if estimation and estimation.field else None
