"""What another way of mapping would change: two mappings of one payload compared, record by record and field by field."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from typing import Any

from pmo_hub.domain.records import Record


@dataclass(frozen=True, slots=True)
class FieldChange:
    field: str
    before: Any
    after: Any


@dataclass(frozen=True, slots=True)
class RecordChange:
    """`before` None: the record is new; `after` None: it ends. `fields` are those that differ, of a record on both sides."""

    before: Record | None
    after: Record | None
    fields: Sequence[FieldChange] = ()

    @property
    def record(self) -> Record:
        found = self.after if self.after is not None else self.before
        if found is None:
            raise ValueError("a change without a record")
        return found

    @property
    def item(self) -> str | None:
        """External id of the work item that the record is or belongs to."""
        record: Any = self.record
        return record.external_id if record.type == "work_item" else getattr(record, "item", None)


def changes(before: Sequence[Record], after: Sequence[Record]) -> Iterator[RecordChange]:
    """The records that differ, by type and external id; of two with one id on a side the last counts."""
    if before == after:
        return
    old = {(r.type, r.external_id): r for r in before}
    new = {(r.type, r.external_id): r for r in after}
    for key, was in old.items():
        becomes = new.get(key)
        if becomes is None:
            yield RecordChange(was, None)
        elif becomes != was:
            yield RecordChange(was, becomes, tuple(_differing(was, becomes)))
    for key, becomes in new.items():
        if key not in old:
            yield RecordChange(None, becomes)


def _differing(was: Record, becomes: Record) -> Iterator[FieldChange]:
    for field in fields(was):
        left, right = getattr(was, field.name), getattr(becomes, field.name)
        if left != right:
            yield FieldChange(field.name, left, right)
