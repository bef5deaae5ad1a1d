"""Rows as payloads: bytes that do not depend on how a row was asked for, whose it is, and which of two is newer."""

from __future__ import annotations

from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from pmo_hub.sdk.contract import Gone, Payload, Reason, Ref, Rejected
from pmo_hub_dataverse.client import Row, is_guid
from pmo_hub_dataverse.schema import Schema
from pmo_hub_dataverse.tables import ASSIGNMENTS, TASKS, Table

ASSIGNEES = "assignees"
"""Context of a task: ids of the resources that work on it, whoever has most to do first. The task's own row lacks them."""


@dataclass(slots=True)
class Split:
    """What the rows of a page became. `projects` are those that chosen rows name."""

    payloads: list[Payload] = field(default_factory=list)
    rejected: list[Rejected] = field(default_factory=list)
    projects: set[str] = field(default_factory=set)


def split(
    schema: Schema,
    table: Table,
    rows: Iterable[Row],
    chosen: Container[str],
    *,
    assignees: Assignees | None = None,
    keeps_others: bool = False,
) -> Split:
    """Rows of projects that are not `chosen` are left out, unless `keeps_others`: a row may have moved there."""
    found = Split()
    present = schema.of(table)
    for row in rows:
        id = lowered(row.get(table.key))
        body = msgspec.json.encode({c: row.get(c) for c in present.select if c != "versionnumber"})
        if id is None:
            found.rejected.append(Rejected(None, None, body, f"a row of {table.set} arrived without its id"))
            continue
        ref, scope, part_of = Ref(table.kind, id), None, None
        if present.parent is not None:
            parent = lowered(row.get(present.parent))
            if parent is None:
                continue  # booked on a project as a whole, without a task
            part_of = Ref(TASKS.kind, parent)
        elif present.project is not None:
            scope = lowered(row.get(present.project))
            if scope is None:
                found.rejected.append(Rejected(ref, None, body, f"the row {id} of {table.set} names no project"))
                continue
            if scope in chosen:
                found.projects.add(scope)
            elif not keeps_others:
                continue
        working = None if assignees is None else assignees.of(id)
        context = {} if working is None else {ASSIGNEES: working}
        found.payloads.append(Payload(ref, scope, body, part_of=part_of, context=context, version=_version(row)))
    return found


def gone(table: Table, ids: Sequence[str]) -> list[Gone]:
    return [Gone(Ref(table.kind, id), Reason.DELETED) for id in ids if id]


class Assignees:
    """Task → the resources that work on it. Of a whole site there may be a million: ids are numbers, and what is equal is held once."""

    def __init__(self) -> None:
        self._held: dict[int, tuple[tuple[float, str], ...]] = {}
        self._once: dict[Any, Any] = {}

    def add(self, task: str, resource: str, effort: object) -> None:
        work = self._same((-float(effort) if isinstance(effort, (int, float)) else 0.0, resource))
        key = packed(task)
        self._held[key] = self._same((*self._held.get(key, ()), work))

    def of(self, task: str) -> str | None:
        """Ids with spaces between them, whoever has most to do first; None where nobody is assigned."""
        found = self._held.get(packed(task))
        return None if found is None else " ".join(dict.fromkeys(resource for _, resource in sorted(found)))

    def _same(self, value: Any) -> Any:
        return self._once.setdefault(value, value)


def by_task(schema: Schema, rows: Iterable[Row]) -> Assignees:
    """Who is assigned, from rows of assignments."""
    found = Assignees()
    parent = schema.of(ASSIGNMENTS).parent or ""
    for row in rows:
        task, resource = lowered(row.get(parent)), lowered(row.get("_msdyn_bookableresourceid_value"))
        if task is not None and resource is not None:
            found.add(task, resource, row.get("msdyn_effort"))
    return found


def packed(id: str) -> int:
    """An id as a number, which takes less than its bytes would, for sets and keys of a whole site's."""
    return int(id.replace("-", ""), 16)


def lowered(value: object) -> str | None:
    """An id as it is written everywhere; None for what is none."""
    return str(value).lower() if is_guid(value) else None


def _version(row: Row) -> str | None:
    number = row.get("versionnumber")
    return f"{number:020d}" if isinstance(number, int) else None
