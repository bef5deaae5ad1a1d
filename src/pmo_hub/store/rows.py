"""Records → rows: one tuple a record in its table's column order, ids hashed, JSON as canonical text, the row hash last."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from hashlib import blake2b
from typing import Any

import msgspec

from pmo_hub.domain import records
from pmo_hub.domain.identity import identifier
from pmo_hub.domain.vocabulary import RecordType
from pmo_hub.store import plan_rows
from pmo_hub.store.base import Base
from pmo_hub.store.bulk import json_text
from pmo_hub.store.merge import Layout, layout
from pmo_hub.store.models import canonical

Row = tuple[Any, ...]

MODELS: dict[RecordType, type[Base]] = {
    RecordType.WORK_ITEM: canonical.WorkItem,
    RecordType.DEPENDENCY: canonical.Dependency,
    RecordType.TRANSITION: canonical.Transition,
    RecordType.COMMENT: canonical.Comment,
    RecordType.WORKLOG: canonical.Worklog,
    RecordType.CUSTOM_VALUE: canonical.CustomValue,
    RecordType.ITERATION: canonical.Iteration,
    RecordType.BOARD: canonical.Board,
    RecordType.BOARD_COLUMN: canonical.BoardColumn,
    RecordType.LABEL: canonical.Label,
    RecordType.COMPONENT: canonical.Component,
    RecordType.VERSION: canonical.Version,
    RecordType.IDENTITY: canonical.Identity,
    **plan_rows.MODELS,
}

LAYOUTS: dict[RecordType, Layout] = {kind: layout(model) for kind, model in MODELS.items()}

_pack = msgspec.msgpack.Encoder().encode


class _Ids(dict[str, str]):
    """external id → row id, each hashed once."""

    def __init__(self, of: Callable[[str], str]) -> None:
        super().__init__()
        self._of = of

    def __missing__(self, external_id: str) -> str:
        found = self[external_id] = self._of(external_id)
        return found


class RowMaker(plan_rows.PlanRows):
    """Makes rows of the records of one namespace. Not thread-safe; keep one a batch, its memory grows with the ids it has seen.

    It must not be part of a circle, a table of its own bound methods for one: its ids would outlive the batch until the collector looks.
    """

    def __init__(self, namespace: str) -> None:
        super().__init__({kind: _Ids(identifier(namespace, kind)) for kind in RecordType})

    def make(self, record: records.Record, scope_id: str | None, version: str | None, clean: bool = True) -> Row:
        """The row of `record`. Raises UnicodeEncodeError or ValueError where a text can't be stored, RecordError where a number can't.

        With `clean` False NUL characters, which PostgreSQL can't store, are taken out of its texts.
        """
        kind = record.type
        values = MAKERS[kind](self, record, scope_id, version)
        if not clean:
            values = tuple(v.replace("\x00", "").replace("\\u0000", "") if isinstance(v, str) else v for v in values)
        shape = LAYOUTS[kind]
        digest = blake2b(_pack(values[: shape.hashed]), digest_size=16).hexdigest()
        return (*values, digest)

    def item_id(self, record: records.Record) -> str | None:
        """The work item that the record is or belongs to."""
        if record.type is RecordType.WORK_ITEM:
            return self._ids[RecordType.WORK_ITEM][record.external_id]
        item = getattr(record, "item", None)
        return None if item is None else self._ids[RecordType.WORK_ITEM][item]

    def _list(self, kind: RecordType, external_ids: Sequence[str]) -> str:
        if not external_ids:
            return "[]"
        ids = self._ids[kind]
        return json_text([ids[x] for x in external_ids])

    def _work_item(self, r: records.WorkItem, scope_id: str | None, version: str | None) -> Row:
        if scope_id is None:
            raise ValueError("a work item needs a scope")
        ids = self._ids
        people = ids[RecordType.IDENTITY]
        return (
            ids[RecordType.WORK_ITEM][r.external_id],
            scope_id,
            r.external_id,
            r.key,
            r.url,
            r.title,
            r.description,
            r.kind._value_,
            r.original_type,
            r.status_category._value_,
            r.original_status,
            r.original_status_id,
            r.resolution,
            None if r.parent is None else ids[RecordType.WORK_ITEM][r.parent],
            r.priority,
            r.original_priority,
            None if r.assignee is None else people[r.assignee],
            None if r.reporter is None else people[r.reporter],
            r.created_at,
            r.planned_start,
            r.planned_finish,
            r.actual_start,
            r.actual_finish,
            r.due,
            r.points,
            r.work_hours,
            r.spent_hours,
            r.remaining_hours,
            r.percent_complete,
            r.flagged,
            json_text(r.labels) if r.labels else "[]",
            self._list(RecordType.COMPONENT, r.components),
            self._list(RecordType.VERSION, r.versions),
            self._list(RecordType.ITERATION, r.iterations),
            r.is_active,
            r.counts,
            None if r.uncounted is None else r.uncounted._value_,
            r.updated_at,
        )

    def _dependency(self, r: records.Dependency, scope_id: str | None, version: str | None) -> Row:
        items = self._ids[RecordType.WORK_ITEM]
        return (
            self._ids[RecordType.DEPENDENCY][r.external_id],
            r.external_id,
            items[r.predecessor],
            items[r.successor],
            r.dependency_type._value_,
            r.lag_hours,
            r.original_type,
        )

    def _transition(self, r: records.Transition, scope_id: str | None, version: str | None) -> Row:
        return (
            self._ids[RecordType.TRANSITION][r.external_id],
            r.external_id,
            self._ids[RecordType.WORK_ITEM][r.item],
            r.field._value_,
            r.original_field,
            r.from_id,
            r.from_text,
            r.to_id,
            r.to_text,
            r.at,
            self._optional(RecordType.IDENTITY, r.actor),
            None if r.from_category is None else r.from_category._value_,
            None if r.to_category is None else r.to_category._value_,
        )

    def _comment(self, r: records.Comment, scope_id: str | None, version: str | None) -> Row:
        return (
            self._ids[RecordType.COMMENT][r.external_id],
            r.external_id,
            self._ids[RecordType.WORK_ITEM][r.item],
            self._optional(RecordType.IDENTITY, r.author),
            r.created_at,
            r.body,
            r.updated_at,
        )

    def _worklog(self, r: records.Worklog, scope_id: str | None, version: str | None) -> Row:
        return (
            self._ids[RecordType.WORKLOG][r.external_id],
            r.external_id,
            self._ids[RecordType.WORK_ITEM][r.item],
            self._optional(RecordType.IDENTITY, r.author),
            r.started_at,
            r.hours,
            r.body,
            r.created_at,
            r.updated_at,
        )

    def _custom_value(self, r: records.CustomValue, scope_id: str | None, version: str | None) -> Row:
        return (
            self._ids[RecordType.CUSTOM_VALUE][r.external_id],
            r.external_id,
            self._ids[RecordType.WORK_ITEM][r.item],
            r.field,
            r.name,
            r.text,
            r.number,
            r.day,
            self._optional(RecordType.IDENTITY, r.identity),
        )

    def _iteration(self, r: records.Iteration, scope_id: str | None, version: str | None) -> Row:
        state = None if r.state is None else r.state._value_
        return (
            self._ids[RecordType.ITERATION][r.external_id],
            r.external_id,
            r.name,
            state,
            r.goal,
            r.starts_at,
            r.ends_at,
            r.completed_at,
            version,
        )

    def _board(self, r: records.Board, scope_id: str | None, version: str | None) -> Row:
        return (self._ids[RecordType.BOARD][r.external_id], r.external_id, r.name, r.original_type, r.estimation_field, version)

    def _board_column(self, r: records.BoardColumn, scope_id: str | None, version: str | None) -> Row:
        return (
            self._ids[RecordType.BOARD_COLUMN][r.external_id],
            r.external_id,
            self._ids[RecordType.BOARD][r.board],
            r.name,
            r.position,
            json_text(r.statuses),
            r.minimum,
            r.maximum,
        )

    def _label(self, r: records.Label, scope_id: str | None, version: str | None) -> Row:
        return (self._ids[RecordType.LABEL][r.external_id], r.external_id, r.name, version)

    def _component(self, r: records.Component, scope_id: str | None, version: str | None) -> Row:
        lead = self._optional(RecordType.IDENTITY, r.lead)
        return (self._ids[RecordType.COMPONENT][r.external_id], r.external_id, r.name, lead, version)

    def _version(self, r: records.Version, scope_id: str | None, version: str | None) -> Row:
        return (
            self._ids[RecordType.VERSION][r.external_id],
            r.external_id,
            r.name,
            r.released,
            r.archived,
            r.starts_on,
            r.released_on,
            version,
        )

    def _identity(self, r: records.Identity, scope_id: str | None, version: str | None) -> Row:
        return (
            self._ids[RecordType.IDENTITY][r.external_id],
            r.external_id,
            r.name,
            r.email,
            r.is_active,
            r.account_type,
            version,
        )


MAKERS: dict[RecordType, plan_rows.Maker] = {
    RecordType.WORK_ITEM: RowMaker._work_item,
    RecordType.DEPENDENCY: RowMaker._dependency,
    RecordType.TRANSITION: RowMaker._transition,
    RecordType.COMMENT: RowMaker._comment,
    RecordType.WORKLOG: RowMaker._worklog,
    RecordType.CUSTOM_VALUE: RowMaker._custom_value,
    RecordType.ITERATION: RowMaker._iteration,
    RecordType.BOARD: RowMaker._board,
    RecordType.BOARD_COLUMN: RowMaker._board_column,
    RecordType.LABEL: RowMaker._label,
    RecordType.COMPONENT: RowMaker._component,
    RecordType.VERSION: RowMaker._version,
    RecordType.IDENTITY: RowMaker._identity,
    **plan_rows.MAKERS,
}
