"""Entries of a changelog as transitions: one for each field that the entry changed, with the source's own ids and texts."""

from __future__ import annotations

from typing import Any

import msgspec

from pmo_hub.domain.records import Identity, Record, Transition
from pmo_hub.domain.vocabulary import Field
from pmo_hub.sdk.contract import Mapped, Payload
from pmo_hub.sdk.errors import RecordError
from pmo_hub_jira import wire
from pmo_hub_jira.construction import constructor
from pmo_hub_jira.dictionary import Dictionary
from pmo_hub_jira.instants import instant_of
from pmo_hub_jira.nesting import decode
from pmo_hub_jira.people import mention

_transition = constructor(Transition)
_mapped = constructor(Mapped)

LONGEST_TEXT = 1_000
"""Characters kept of a value: a description's every version would otherwise be stored twice in each change."""

_FIELDS = {
    "status": Field.STATUS,
    "assignee": Field.ASSIGNEE,
    "sprint": Field.ITERATION,
    "parent": Field.PARENT,
    "issueparentassociation": Field.PARENT,
    "epic link": Field.PARENT,
    "duedate": Field.DUE,
    "priority": Field.PRIORITY,
    "summary": Field.TITLE,
    "description": Field.DESCRIPTION,
    "issuetype": Field.TYPE,
    "key": Field.KEY,
    "project": Field.SCOPE,
    "resolution": Field.RESOLUTION,
    "flagged": Field.FLAGGED,
    "labels": Field.LABELS,
    "component": Field.COMPONENTS,
    "components": Field.COMPONENTS,
    "fix version": Field.VERSIONS,
    "fixversions": Field.VERSIONS,
    "timeoriginalestimate": Field.WORK,
    "timeestimate": Field.REMAINING,
    "link": Field.DEPENDENCY,
    "issuelinks": Field.DEPENDENCY,
}
"""By the field's id, or by its name where old entries have no id; custom fields come by their id from the site's dictionary."""


class HistoryMapping:
    """Maps `history` payloads."""

    def __init__(self, dictionary: Dictionary) -> None:
        self._dictionary = dictionary
        self._custom: dict[str, Field] = dict.fromkeys(dictionary.points, Field.POINTS)
        self._custom |= dict.fromkeys(dictionary.starts, Field.PLANNED_START)
        for id, field in (
            (dictionary.sprint, Field.ITERATION),
            (dictionary.epic_link, Field.PARENT),
            (dictionary.flagged, Field.FLAGGED),
        ):
            if id:
                self._custom[id] = field
        # Data Center's entries name a custom field and lack its id.
        self._named = {dictionary.fields[id].name.casefold(): field for id, field in self._custom.items() if id in dictionary.fields}

    def __call__(self, payload: Payload) -> Mapped:
        if payload.part_of is None:
            raise RecordError(f"history {payload.ref.external_id} does not say which issue it belongs to")
        try:
            entry = decode(wire.HISTORY, payload.body)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise RecordError(f"history {payload.ref.external_id} can't be read: {error}") from None
        at = instant_of(entry.created)
        if at is None:
            raise RecordError(f"history {payload.ref.external_id} has no usable time in its field created")
        item = payload.part_of.external_id
        mentioned: dict[str, Identity] = {}
        actor = mention(entry.author, mentioned)
        owned: list[Record] = []
        for place, change in enumerate(entry.items or ()):
            field = self.field(change.field_id, change.field)
            before, after = _text(change.before), _text(change.after)
            is_status = field is Field.STATUS
            owned.append(
                _transition(
                    f"{entry.id}:{place}",
                    item,
                    field,
                    change.field or change.field_id or "",
                    before,
                    _cut(change.before_text),
                    after,
                    _cut(change.after_text),
                    at,
                    actor,
                    self._dictionary.past_category(before, change.before_text) if is_status else None,
                    self._dictionary.past_category(after, change.after_text) if is_status else None,
                )
            )
        return _mapped(owned, list(mentioned.values()))

    def field(self, id: str | None, name: str | None) -> Field:
        """The canonical field that an entry changed."""
        if id is not None:
            found = self._custom.get(id) or _FIELDS.get(id.casefold())
            if found:
                return found
            return _FIELDS.get((name or "").casefold(), Field.OTHER)
        known = (name or "").casefold()
        return self._named.get(known) or _FIELDS.get(known, Field.OTHER)


def _cut(text: str | None) -> str | None:
    return text if text is None or len(text) <= LONGEST_TEXT else text[:LONGEST_TEXT]


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return _cut(value)
    return _cut(msgspec.json.encode(value).decode())
