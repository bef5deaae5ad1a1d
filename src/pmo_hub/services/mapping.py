"""How payloads become records: the connector's mapper, what the hub's own rule leaves out of measures, and what either doesn't know."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from pmo_hub.domain.counting import Exclusion, counted
from pmo_hub.domain.records import WorkItem
from pmo_hub.sdk.contract import Connector, Mapped, Mapper, Payload, Reference, Ruled, Word

COUNTS = "counts"
"""The hub's own rule, understood for every connector."""

COUNTS_SCHEMA: Mapping[str, Any] = {
    "title": "Left out of measures",
    "description": "Items of these types, or with one of these labels, count in no measure; names, in any case of letters.",
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "types": {"title": "Original types", "type": "array", "items": {"type": "string"}},
        "labels": {"title": "Labels", "type": "array", "items": {"type": "string"}},
    },
}


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """What the kept dictionaries know; a set that is empty says nothing."""

    statuses: frozenset[str] = frozenset()
    types: frozenset[str] = frozenset()

    def knows(self, item: WorkItem) -> bool:
        if self.statuses and item.original_status_id is not None and item.original_status_id not in self.statuses:
            return False
        return not self.types or item.original_type in self.types


def mapper_of(connector: Connector, references: Sequence[Reference], rules: Mapping[str, str]) -> Mapper:
    """The connector's mapper, under the admin's rules and the hub's own."""
    own = connector.mapper(references, rules)
    exclusion = exclusion_of(rules)
    if exclusion is None:
        return own

    def mapper(payload: Payload) -> Mapped:
        found = own(payload)
        return replace(found, owned=[counted(r, exclusion) if isinstance(r, WorkItem) else r for r in found.owned])

    return mapper


def exclusion_of(rules: Mapping[str, str]) -> Exclusion | None:
    """What the stored rule leaves out of measures; None where there is no such rule."""
    text = rules.get(COUNTS)
    if text is None:
        return None
    value = json.loads(text)
    return Exclusion.of(value.get("types") or (), value.get("labels") or ())


def words_of(connector: Connector, references: Sequence[Reference], rules: Mapping[str, str]) -> Sequence[Word]:
    return connector.words(references, rules) if isinstance(connector, Ruled) else ()


def vocabulary(connector: Connector, references: Sequence[Reference]) -> Vocabulary | None:
    """What the dictionaries know, whatever the rules; None where the connector doesn't tell."""
    words = words_of(connector, references, {})
    if not words:
        return None
    return Vocabulary(
        frozenset(w.id for w in words if w.dimension == "status"),
        frozenset(name for w in words if w.dimension == "type" for name in (w.name, w.id) if name),
    )


def noticing(mapper: Mapper, known: Vocabulary | None, notice: Callable[[], object]) -> Mapper:
    """The same mapper, that calls `notice` for an item with a word that the dictionaries lack."""
    if known is None:
        return mapper
    knows = known.knows

    def noticed(payload: Payload) -> Mapped:
        found = mapper(payload)
        for record in found.owned:
            if isinstance(record, WorkItem) and not knows(record):
                notice()
        return found

    return noticed
