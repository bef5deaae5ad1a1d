"""The made-up planning tool with mapping rules: what a state means, and which column of a row is kept."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from pmo_hub.domain.records import CustomValue, WorkItem
from pmo_hub.domain.vocabulary import StatusCategory
from pmo_hub.sdk.contract import Grade, Mapped, Mapper, Payload, Reference, Rejected, RuleFault, Source, Word
from tests.sdk.fake_site import Row, encode
from tests.sdk.fake_source import DeltaConnector, DeltaSource, Wire

EXTRA = "ticket"
"""A column that the site sends only when it is asked for it."""


class RuledSource(DeltaSource):
    def reference(self, scopes: Sequence[str]) -> Iterator[Reference]:
        for reference in super().reference(scopes):
            body = json.loads(reference.body)
            yield reference if reference.scope else Reference(None, encode({**body, "asked": self._asked()}))

    def split(self, table: str, rows: Iterable[Row]) -> tuple[list[Payload], list[Rejected]]:
        return super().split(table, [{k: v for k, v in row.items() if k != EXTRA or k in self._asked()} for row in rows])

    def _asked(self) -> list[str]:
        asked: list[str] = json.loads(self.wire.context.rules.get("keep", "[]"))
        return asked


class RuledConnector(DeltaConnector):
    """Rules: `category` by state id, `keep`: names of columns that are kept as custom values and have to be asked for."""

    def source(self, wire: Wire) -> Source:
        return RuledSource(wire)

    def mapper(self, references: Sequence[Reference], rules: Mapping[str, str]) -> Mapper:
        own = super().mapper(references, rules)
        states = {"1"} | (_states(references) or {}).keys()
        categories = json.loads(rules.get("category", "{}"))
        kept = json.loads(rules.get("keep", "[]"))

        def mapper(payload: Payload) -> Mapped:
            row = json.loads(payload.body)
            found = own(payload) if row.get("state", "1") in states else _guessed(own, payload, row)
            records = [
                replace(r, status_category=StatusCategory(categories[r.original_status_id]))
                if isinstance(r, WorkItem) and r.original_status_id in categories
                else r
                for r in found.owned
            ]
            values = [
                CustomValue(f"{r.external_id}:{name}", r.external_id, name, name, text=str(row[name]))
                for r in found.owned
                if isinstance(r, WorkItem)
                for name in kept
                if row.get(name) is not None
            ]
            return Mapped([*records, *values], found.mentioned)

        return mapper

    def rules_schema(self) -> Mapping[str, Any]:
        return {"type": "object", "properties": {"category": {"type": "object"}, "keep": {"type": "array"}}}

    def check_rules(self, references: Sequence[Reference], rules: Mapping[str, str]) -> Sequence[RuleFault]:
        states = _states(references)
        if states is None:
            return []
        wanted = json.loads(rules.get("category", "{}"))
        return [RuleFault(f"/category/{id}", f"There is no state {id!r}.", True) for id in wanted if id not in states]

    def words(self, references: Sequence[Reference], rules: Mapping[str, str]) -> Sequence[Word]:
        ruled = json.loads(rules.get("category", "{}"))
        return [
            Word("status", id, name, ruled.get(id, category), Grade.RULED if id in ruled else Grade.TOLD, "category")
            for id, (name, category) in (_states(references) or {}).items()
        ]

    def unread_fields(self, references: Sequence[Reference], rules: Mapping[str, str]) -> Sequence[str]:
        asked: list[str] = next((json.loads(r.body)["asked"] for r in references if r.scope is None), [])
        return [name for name in json.loads(rules.get("keep", "[]")) if name not in asked]


def _guessed(mapper: Mapper, payload: Payload, row: Row) -> Mapped:
    """A task in a state that nobody told the meaning of is taken for open, like a source's that says no more than a name."""
    found = mapper(replace(payload, body=encode({**row, "state": "1"})))
    state = row["state"]
    return Mapped([replace(r, original_status=state, original_status_id=state) if isinstance(r, WorkItem) else r for r in found.owned])


def _states(references: Sequence[Reference]) -> dict[str, list[str]] | None:
    found: dict[str, list[str]] | None = next((json.loads(r.body) for r in references if r.scope is None), None)
    return None if found is None else {id: state for id, state in found.items() if id != "asked"}
