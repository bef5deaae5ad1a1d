"""What the hub tells an admin of Trello's mapping rules: their form, what is wrong with them, and what each word of a board means."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from pmo_hub.domain.vocabulary import Kind, StatusCategory
from pmo_hub.sdk.contract import Grade, Reference, RuleFault, Word
from pmo_hub.sdk.errors import ConfigError
from pmo_hub_trello.dictionary import ARCHIVED, CARD_TYPE, COMPLETE, INCOMPLETE, ITEM_TYPE, ROLES, TEMPLATE_TYPE, Dictionary, dictionary
from pmo_hub_trello.reference import BOARD_REFERENCE, SITE_REFERENCE, BoardReference
from pmo_hub_trello.rules import Archived, Attached, parse

SCHEMA: Mapping[str, Any] = {
    "title": "How Trello is mapped",
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "lists": {
            "title": "Meaning of lists",
            "description": "List id or name → status. What is left out follows the name, as suggested below; else it is to do.",
            "type": "object",
            "additionalProperties": {"type": "string", "enum": [one.value for one in StatusCategory]},
        },
        "kind": {
            "title": "Kinds of work",
            "description": "Label id or name → kind; what is left out follows the label's name, and a card without such a label is a task.",
            "type": "object",
            "additionalProperties": {"type": "string", "enum": [one.value for one in Kind]},
        },
        "priority": {
            "title": "Scale of priorities",
            "description": "Label id or name → 0 to 100, 100 the most urgent; what is left out follows the label's name.",
            "type": "object",
            "additionalProperties": {"type": "integer", "minimum": 0, "maximum": 100},
        },
        "points_field": {"title": "Field of story points", "description": "Id or name of a custom field of type number.", "type": "string"},
        "due_complete": {
            "title": "Marked complete is done",
            "description": "A card whose date is ticked off is done in whichever list it lies; on by default.",
            "type": "boolean",
        },
        "archived": {
            "title": "Archived cards",
            "description": "What an archived card is that was not done: inactive (in no measure, the default), done or cancelled.",
            "type": "string",
            "enum": [one.value for one in Archived],
        },
        "dependency_attachments": {
            "title": "Attached cards",
            "description": "What a card is to the card that it is attached to: its predecessor, its successor, or none (the default).",
            "type": "string",
            "enum": [one.value for one in Attached],
        },
        "time_zone": {
            "title": "Time zone of dates",
            "description": "Trello keeps dates as instants: the zone says which day they are, such as Europe/Oslo; UTC by default.",
            "type": "string",
        },
    },
}  # fmt: skip


def check(references: Sequence[Reference], rules: Mapping[str, str]) -> list[RuleFault]:
    """Each rule that can't be read, and each list, label or field in it that no board has; without boards only the former."""
    faults = [fault for key, text in rules.items() for fault in _unreadable(key, text)]
    boards = _boards(references)
    if faults or not boards:
        return faults
    wanted = parse(rules)
    scopes = tuple(boards)
    lists = {word for board in boards.values() for id, entry in board.lists.items() for word in (id, entry.name.strip().casefold())}
    labels = {word for board in boards.values() for id, name in board.labels.items() for word in (id, name.strip().casefold())}
    for key, given, known, noun in (
        ("lists", wanted.lists, lists, "list"),
        ("kind", wanted.kind, labels, "label"),
        ("priority", wanted.priority, labels, "label"),
    ):
        written = msgspec.json.decode(rules[key]) if key in rules else {}
        for name in written:
            if name.strip().casefold() in given and name.strip().casefold() not in known:
                faults.append(RuleFault(f"/{key}/{_escaped(name)}", f"No chosen board has a {noun} {name!r}.", True, scopes))
    numbers = {
        word for board in boards.values() for id, f in board.fields.items() if f.type == "number" for word in (id, f.name.casefold())
    }
    if wanted.points_field is not None and wanted.points_field.casefold() not in numbers:
        faults.append(RuleFault("/points_field", f"No chosen board has a number field {wanted.points_field!r}.", True, scopes))
    return faults


def words(references: Sequence[Reference], rules: Mapping[str, str]) -> list[Word]:
    """Every list, kind of card and number field of the boards; labels where they say something."""
    boards = _boards(references)
    if not boards:
        return []
    known = [
        dictionary([Reference(None, _site(references)), Reference(id, msgspec.json.encode(board))], rules) for id, board in boards.items()
    ]
    found: dict[tuple[str, str], Word] = {}
    for one in known:
        for word in (*_statuses(one), *_types(one), *_priorities(one), *_fields(one)):
            found.setdefault((word.dimension, word.id), word)
    return list(found.values())


def unread_fields(references: Sequence[Reference], rules: Mapping[str, str]) -> list[str]:
    """Attachments are followed to their cards only where a rule needs it."""
    site = next((SITE_REFERENCE.decode(r.body) for r in references if r.scope is None), None)
    wanted = parse(rules).dependency_attachments is not Attached.NONE
    return ["attachments"] if site is not None and wanted and not site.links else []


def _boards(references: Sequence[Reference]) -> dict[str, BoardReference]:
    return {r.scope: BOARD_REFERENCE.decode(r.body) for r in references if r.scope is not None}


def _site(references: Sequence[Reference]) -> bytes:
    return next((r.body for r in references if r.scope is None), b"{}")


def _unreadable(key: str, text: str) -> Iterator[RuleFault]:
    try:
        parse({key: text})
    except ConfigError as error:
        why = str(error).partition(": ")[2] or str(error)
        value = _decoded(text)
        bad = [entry for entry in value if _is_bad(key, {entry: value[entry]})] if isinstance(value, dict) else []
        for entry in bad:
            yield RuleFault(f"/{key}/{_escaped(entry)}", f"This can't be used: {why}.")
        if not bad:
            yield RuleFault(f"/{key}", f"This can't be used: {why}.")


def _decoded(text: str) -> Any:
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def _is_bad(key: str, value: Mapping[str, object]) -> bool:
    try:
        parse({key: msgspec.json.encode(value).decode()})
    except ConfigError:
        return True
    return False


def _escaped(key: str) -> str:
    return key.replace("~", "~0").replace("/", "~1")


def _statuses(known: Dictionary) -> Iterator[Word]:
    for id, entry in sorted(known.board.lists.items()):
        category, grade = known.graded(id, None)
        yield Word("status", id, entry.name, category.value, grade, "lists")
    yield Word("status", COMPLETE, COMPLETE, StatusCategory.DONE.value, Grade.TOLD, "due_complete")
    yield Word("status", INCOMPLETE, INCOMPLETE, StatusCategory.TODO.value, Grade.TOLD, "due_complete")
    if known.rules.archived is not Archived.INACTIVE:
        yield Word("status", ARCHIVED, ARCHIVED, known.rules.archived.value, Grade.RULED, "archived")


def _types(known: Dictionary) -> Iterator[Word]:
    for name in (CARD_TYPE, TEMPLATE_TYPE, *ROLES):
        kind = Kind.TASK if name in (CARD_TYPE, "link") else Kind.OTHER
        yield Word("type", name, name, kind.value, Grade.TOLD, "kind")
    yield Word("type", ITEM_TYPE, ITEM_TYPE, Kind.SUB_ITEM.value, Grade.TOLD, "kind")
    for id, name in sorted(known.board.labels.items()):
        found = known.kind([(id, name)])
        if found is not None:
            is_ruled = id in known.rules.kind or name.casefold() in known.rules.kind
            yield Word("type", id, name, found[0].value, Grade.RULED if is_ruled else Grade.GUESSED, "kind")


def _priorities(known: Dictionary) -> Iterator[Word]:
    for id, name in sorted(known.board.labels.items()):
        found = known.priority([(id, name)])
        if found is not None:
            is_ruled = id in known.rules.priority or name.casefold() in known.rules.priority
            yield Word("priority", id, name, str(found[0]), Grade.RULED if is_ruled else Grade.GUESSED, "priority")


def _fields(known: Dictionary) -> Iterator[Word]:
    for id, entry in sorted(known.board.fields.items()):
        is_points = id == known.points
        grade = Grade.UNMAPPED if not is_points else Grade.RULED if known.rules.points_field else Grade.GUESSED
        yield Word("field", id, entry.name, "points" if is_points else None, grade, "points_field")
