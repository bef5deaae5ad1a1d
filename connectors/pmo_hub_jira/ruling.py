"""What the hub tells an admin of Jira's mapping rules: their form, what is wrong with them, and what each word of a site means."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pmo_hub.domain.vocabulary import Kind, StatusCategory
from pmo_hub.sdk.contract import Grade, Reference, RuleFault, Word
from pmo_hub.sdk.errors import ConfigError
from pmo_hub_jira import wire
from pmo_hub_jira.dictionary import Dictionary, dictionary
from pmo_hub_jira.reference import EPIC_LINK, SITE, SPRINT, TARGET_END, TARGET_START, TEAM_POINTS, SiteReference
from pmo_hub_jira.rules import ISSUES, KINDS, RISKS, parse

_NAMES = {"type": "array", "items": {"type": "string"}}

SCHEMA: Mapping[str, Any] = {
    "title": "How Jira is mapped",
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "status_category": {
            "title": "Status categories",
            "description": "Status id → what it means here; what is left out follows Jira's own category.",
            "type": "object",
            "additionalProperties": {"type": "string", "enum": [one.value for one in StatusCategory]},
        },
        "kind": {
            "title": "Kinds of work",
            "description": "Issue type id → kind; what is left out follows the type's level and name.",
            "type": "object",
            "additionalProperties": {"type": "string", "enum": [one.value for one in Kind]},
        },
        "priority": {
            "title": "Scale of priorities",
            "description": "Priority id → 0 to 100, 100 the most urgent; what is left out follows the order of the site's scheme.",
            "type": "object",
            "additionalProperties": {"type": "integer", "minimum": 0, "maximum": 100},
        },
        "points_field": {
            "title": "Field of story points", "description": "Id of a number field; the board's own by default.", "type": "string",
        },
        "start_field": {"title": "Field of the planned start", "description": "Id of a date field.", "type": "string"},
        "extra_fields": {
            "title": "Further text fields to keep",
            "description": "Ids of custom text fields, whose values are read and kept: such as the key of an item in another tool.",
            **_NAMES,
        },
        "dependency_types": {"title": "Link types that block", "description": "Ids or names.", **_NAMES},
        "risk_types": {"title": "Issue types that are risks", "description": "Ids or names.", **_NAMES},
        "cancelled": {"title": "Cancelled", "description": "Statuses and resolutions (ids or names) that end undone.", **_NAMES},
    },
}  # fmt: skip

_TASKS = frozenset({"task", "aufgabe", "任务"})
_WHOLE = _TASKS | RISKS | ISSUES | frozenset(word for _, words in KINDS for word in words)
_CATEGORIES = {"new": StatusCategory.TODO, "indeterminate": StatusCategory.IN_PROGRESS, "done": StatusCategory.DONE}


def check(references: Sequence[Reference], rules: Mapping[str, str]) -> list[RuleFault]:
    """Each rule that can't be read, and each id in it that the site doesn't have; without a reference only the former."""
    faults = [fault for key, text in rules.items() for fault in _unreadable(key, text)]
    site = _site(references)
    if faults or site is None:
        return faults
    wanted = parse(rules)
    for key, ids, known, noun in (
        ("status_category", wanted.status_category, site.statuses, "status"),
        ("kind", wanted.kind, site.types, "issue type"),
        ("priority", wanted.priority, site.priorities, "priority"),
    ):
        if known:
            faults += [RuleFault(f"/{key}/{_escaped(id)}", _absent(noun, id, known), True) for id in ids if id not in known]
    shapes = {field.id: field.shape for field in site.fields}
    for key, named, shape in (("points_field", wanted.points_field, "number"), ("start_field", wanted.start_field, "date")):
        if named is not None and shapes.get(named) != shape:
            there = [f"{field.id} ({field.name})" for field in site.fields if field.shape == shape]
            why = f"Jira has no {shape} field {named!r}; there are {', '.join(there) or 'none'}."
            faults.append(RuleFault(f"/{key}", why, named not in shapes))
    for place, named in enumerate(sorted(wanted.extra_fields)):
        if named not in shapes:
            faults.append(RuleFault(f"/extra_fields/{place}", f"Jira has no custom text field {named!r} that could be kept.", True))
    return faults


def words(references: Sequence[Reference], rules: Mapping[str, str]) -> list[Word]:
    """Every status, issue type, priority and kept custom field of the site."""
    known = dictionary([r for r in references if r.scope is None], rules)
    return [*_statuses(known), *_types(known), *_priorities(known), *_fields(known)]


def unread_fields(references: Sequence[Reference], rules: Mapping[str, str]) -> list[str]:
    """Fields that the rules name and that the newest dictionary didn't ask for."""
    site = _site(references)
    if site is None:
        return []
    wanted = parse(rules)
    named = {*wanted.extra_fields, *(id for id in (wanted.points_field, wanted.start_field) if id)}
    return sorted(named - set(site.asked))


def _site(references: Sequence[Reference]) -> SiteReference | None:
    return next((SITE.decode(r.body) for r in references if r.scope is None), None)


def _unreadable(key: str, text: str) -> Iterator[RuleFault]:
    """The entries of a rule that have no usable value; the rule itself where it has no entries."""
    try:
        parse({key: text})
    except ConfigError as error:
        why = str(error).partition(": ")[2] or str(error)
        value = json.loads(text)
        entries = value.items() if isinstance(value, dict) else ()
        bad = [(entry, fault) for entry, one in entries if (fault := _fault(key, {entry: one}))]
        if not bad:
            yield RuleFault(f"/{key}", f"This can't be used: {why}.")
        for entry, fault in bad:
            yield RuleFault(f"/{key}/{_escaped(entry)}", f"This can't be used: {fault}.")


def _fault(key: str, value: Mapping[str, object]) -> str | None:
    try:
        parse({key: json.dumps(value)})
    except ConfigError as error:
        return str(error).partition(": ")[2].partition(" - at")[0]
    return None


def _absent(noun: str, id: str, known: Mapping[str, object]) -> str:
    listed = ", ".join(sorted(known, key=lambda one: (len(one), one))[:30])
    return f"Jira has no {noun} {id!r} (an id, not a name); there are {listed}."


def _escaped(key: str) -> str:
    return key.replace("~", "~0").replace("/", "~1")


def _statuses(known: Dictionary) -> Iterator[Word]:
    for id, key in sorted(known.site.statuses.items()):
        ruled = known.rules.status_category.get(id)
        told = _CATEGORIES.get(key)
        grade = Grade.RULED if ruled else Grade.TOLD if told else Grade.UNMAPPED
        yield Word("status", id, None, (ruled or told or StatusCategory.TODO).value, grade, "status_category")


def _types(known: Dictionary) -> Iterator[Word]:
    for id, entry in sorted(known.site.types.items()):
        kind, _ = known.kind(wire.IssueType(id=id, name=entry.name, subtask=entry.subtask, hierarchy_level=entry.level))
        name = (entry.name or "").casefold()
        if id in known.rules.kind or id in known.rules.risk_types:
            grade = Grade.RULED
        elif entry.subtask or (entry.level is not None and entry.level != 0) or name in _WHOLE:
            grade = Grade.TOLD
        else:
            grade = Grade.GUESSED if kind is not Kind.TASK else Grade.UNMAPPED
        yield Word("type", id, entry.name, kind.value, grade, "kind")


def _priorities(known: Dictionary) -> Iterator[Word]:
    ruled = known.rules.priority
    for id, value in sorted({**known.site.priorities, **ruled}.items()):
        yield Word("priority", id, None, str(value), Grade.RULED if id in ruled else Grade.TOLD, "priority")


def _fields(known: Dictionary) -> Iterator[Word]:
    used: dict[str | None, str] = {known.flagged: "flagged", known.sprint: "iterations", known.epic_link: "parent", known.target_end: "due"}
    used.update(dict.fromkeys(known.starts, "planned_start"))
    used.update(dict.fromkeys(known.points, "points"))
    by_type = {SPRINT, EPIC_LINK, TARGET_START, TARGET_END, TEAM_POINTS}
    ruled = {known.rules.points_field, known.rules.start_field}
    for field in known.site.fields:
        value = used.get(field.id)
        rule = "start_field" if field.shape == "date" else "points_field" if field.shape == "number" else "extra_fields"
        if field.id in ruled or field.id in known.rules.extra_fields:
            grade = Grade.RULED
        elif field.custom in by_type:
            grade = Grade.TOLD
        else:
            grade = Grade.GUESSED if value else Grade.UNMAPPED
        yield Word("field", field.id, field.name, value, grade, rule)
