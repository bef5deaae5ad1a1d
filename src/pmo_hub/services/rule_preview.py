"""What other rules would change: stored payloads mapped both ways, a batch at a time; nothing is written and the source isn't asked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum
from typing import Any

from pmo_hub.domain.identity import identifier
from pmo_hub.domain.mapped_changes import RecordChange, changes
from pmo_hub.domain.vocabulary import RecordType
from pmo_hub.sdk.contract import Mapped, Mapper, Payload, Reference
from pmo_hub.sdk.errors import RecordError
from pmo_hub.services import rules, sources
from pmo_hub.services.hub import Hub
from pmo_hub.services.mapping import mapper_of
from pmo_hub.store import remapping
from pmo_hub.store.repositories import memberships, projects, syncing

BATCH = 1_000
MOST_SAMPLES = 40
SAMPLES_A_FIELD = 5
LONGEST = timedelta(seconds=25)
"""After so long the preview answers with what it has seen."""


@dataclass(frozen=True, slots=True)
class Sample:
    """A row that would change. `field` None: the whole record would be new (no before) or end (no after)."""

    record_type: str
    external_id: str
    item_id: str | None
    key: str | None
    url: str | None
    field: str | None
    before: Any
    after: Any


@dataclass(frozen=True, slots=True)
class ProjectRows:
    """Rows of a project's items that would change; `project_id` None: of items that are in no project."""

    project_id: str | None
    name: str | None
    rows: int


@dataclass(frozen=True, slots=True)
class Preview:
    """`rows` that would change, be new or end, out of `payloads` looked at; `is_whole` False: time ran out before all were seen.

    `by_field` counts by record type and field, like work_item.kind; records that would be new or end stand under their type alone.
    """

    payloads: int
    total: int
    is_whole: bool
    rows: int
    by_field: Mapping[str, int]
    by_project: Sequence[ProjectRows]
    samples: Sequence[Sample]
    unread_fields: Sequence[str]
    warnings: Sequence[str]


class _Tally:
    def __init__(self, namespace: str) -> None:
        self._item_id = identifier(namespace, RecordType.WORK_ITEM)
        self.rows = 0
        self.by_field: Counter[str] = Counter()
        self.samples: list[Sample] = []
        self.by_project: Counter[str | None] = Counter()
        self.refused = 0
        self.touched: Counter[str | None] = Counter()

    def add(self, change: RecordChange) -> None:
        kind = change.record.type.value
        item = None if change.item is None else self._item_id(change.item)
        self.rows += 1
        self.touched[item] += 1
        if not change.fields:
            self._sample(change, kind, item, kind, None, None if change.before is None else True, None if change.after is None else True)
        for one in change.fields:
            self._sample(change, kind, item, f"{kind}.{one.field}", one.field, _plain(one.before), _plain(one.after))

    def _sample(self, change: RecordChange, kind: str, item: str | None, name: str, field: str | None, before: Any, after: Any) -> None:
        self.by_field[name] += 1
        if self.by_field[name] <= SAMPLES_A_FIELD and len(self.samples) < MOST_SAMPLES:
            record = change.record
            key, url = getattr(record, "key", None), getattr(record, "url", None)
            self.samples.append(Sample(kind, record.external_id, item, key, url, field, before, after))

    def settle(self, projects_of: Mapping[str, Sequence[str]]) -> None:
        """What was touched since the last time, by project."""
        for item, count in self.touched.items():
            for project in projects_of.get(item or "") or (None,):
                self.by_project[project] += count
        self.touched.clear()


def preview(hub: Hub, connection_id: str, wanted: Mapping[str, Any]) -> Preview:
    """The rows that these rules would change, by project and field; raises NotFound or Invalid."""
    connection = rules.stored(hub, connection_id)
    connector = sources.connector_named(hub, connection.connector)
    found = rules.checked(hub, connection, wanted)
    begun = hub.now()
    with hub.work.read() as session:
        kept = syncing.newest_references(session, connection.id)
        scopes = {s.id: s.external_id for s in syncing.chosen_scopes(session, connection.id)}
        total = remapping.live_count(session, connection.id)
    tally = _Tally(connection.namespace)
    looked = 0
    is_whole = True
    site = [Reference(None, kept[""].body)] if "" in kept else []
    for scope_id, external_id in [(None, None), *scopes.items()]:
        own = kept.get(external_id) if external_id else None
        references = [*site, *([Reference(external_id, own.body)] if own is not None else ())]
        old, new = mapper_of(connector, references, connection.rules), mapper_of(connector, references, found.texts)
        after = ""
        while is_whole:
            with hub.work.read() as session:
                batch = remapping.stored(session, connection.id, scope_id, after, BATCH)
                for one in batch:
                    _compare(one.payload, old, new, tally)
                tally.settle(memberships.projects_by_item(session, [i for i in tally.touched if i is not None]))
            looked += len(batch)
            if len(batch) < BATCH:
                break
            after = batch[-1].id
            is_whole = hub.now() - begun < LONGEST
    with hub.work.read() as session:
        names = projects.names(session, [p for p in tally.by_project if p is not None])
    by_project = [ProjectRows(project, names.get(project or ""), count) for project, count in tally.by_project.most_common()]
    warnings = []
    if found.unread_fields:
        listed = ", ".join(found.unread_fields)
        warnings.append(f"{listed} was never fetched: this preview can't see its values, and accepting the rules reads all scopes in full.")
    if tally.refused:
        warnings.append(f"{tally.refused} payloads can't be mapped either way and are left as they are.")
    return Preview(
        looked, total, is_whole, tally.rows, dict(tally.by_field.most_common()), by_project, tally.samples, found.unread_fields, warnings
    )


def _compare(payload: Payload, old: Mapper, new: Mapper, tally: _Tally) -> None:
    before, after = _mapped(payload, old), _mapped(payload, new)
    if before is None or after is None:
        tally.refused += 1
        return
    for change in changes(before.owned, after.owned):
        tally.add(change)


def _mapped(payload: Payload, mapper: Mapper) -> Mapped | None:
    try:
        return mapper(payload)
    except RecordError:
        return None


def _plain(value: Any) -> Any:
    """The value as JSON knows it."""
    if isinstance(value, Enum):
        return value.value
    if value is None or isinstance(value, bool | int | float | str):
        return value
    return [_plain(one) for one in value] if isinstance(value, tuple) else str(value)
