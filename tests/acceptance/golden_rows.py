"""What the hub holds of one site after a sync, by the source's own ids, so that it can be laid beside another tool's rows."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from pmo_hub.domain.identity import identifier
from pmo_hub.domain.vocabulary import RecordType
from pmo_hub.store.models import canonical
from pmo_hub.store.models.source import Quarantine, Scope
from pmo_hub.store.unit_of_work import Session

Held = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Rows:
    """The current rows of one site: scopes, items and dependencies by external id, people, sprints, versions and boards by row id."""

    namespace: str
    scopes: Mapping[str, Held]
    items: Mapping[str, Held]
    people: Mapping[str, Held]
    iterations: Mapping[str, Held]
    versions: Mapping[str, Held]
    boards: Mapping[str, Held]
    dependencies: Mapping[str, Held]
    transitions: Mapping[tuple[str, str], Sequence[Held]]
    """By history and the changed field's original name, in the history's order."""
    histories: Mapping[str, Held]
    """The first transition of each history."""
    comments: Mapping[str, Sequence[Held]]
    stays: Mapping[str, Sequence[Held]]
    values: Mapping[tuple[str, str], Held]
    """Custom values by item and field."""
    quarantined: Sequence[str]

    def item_id(self, external_id: str | None) -> str | None:
        """The row id that an issue has or would have."""
        return identifier(self.namespace, RecordType.WORK_ITEM)(external_id) if external_id else None

    def account(self, identity_id: str | None) -> str | None:
        """The source's id of the account; the row id itself where no such account is held."""
        held = self.people.get(identity_id or "")
        return held["external_id"] if held else identity_id

    def name(self, identity_id: str | None) -> str | None:
        held = self.people.get(identity_id or "")
        return held["name"] if held else None


def rows_of(session: Session, connection_id: str, namespace: str) -> Rows:
    """Everything of the connection; of what has no scope (people, sprints, versions), what its namespace's ids say is its own."""
    scopes = {row["id"]: row for row in _all(session, Scope) if row["connection_id"] == connection_id}
    items = {row["id"]: row for row in _all(session, canonical.WorkItem) if row["scope_id"] in scopes}
    transitions: dict[tuple[str, str], list[Held]] = defaultdict(list)
    for row in sorted(_of(_all(session, canonical.Transition), items), key=lambda row: _place(row["external_id"])):
        transitions[row["external_id"].partition(":")[0], row["original_field"]].append(row)
    histories = {history: row for (history, _), found in reversed(transitions.items()) for row in reversed(found)}
    comments: dict[str, list[Held]] = defaultdict(list)
    for row in _of(_all(session, canonical.Comment), items):
        comments[items[row["item_id"]]["external_id"]].append(row)
    stays: dict[str, list[Held]] = defaultdict(list)
    for row in _of(_all(session, canonical.IterationMembership), items):
        stays[items[row["item_id"]]["external_id"]].append(row)
    return Rows(
        namespace,
        {row["external_id"]: row for row in scopes.values()},
        {row["external_id"]: row for row in items.values()},
        _own(session, canonical.Identity, namespace, RecordType.IDENTITY),
        _own(session, canonical.Iteration, namespace, RecordType.ITERATION),
        _own(session, canonical.Version, namespace, RecordType.VERSION),
        _own(session, canonical.Board, namespace, RecordType.BOARD),
        {row["external_id"]: row for row in _own(session, canonical.Dependency, namespace, RecordType.DEPENDENCY).values()},
        transitions,
        histories,
        comments,
        stays,
        {(items[row["item_id"]]["external_id"], row["field"]): row for row in _of(_all(session, canonical.CustomValue), items)},
        [row["why"] for row in _all(session, Quarantine) if row["connection_id"] == connection_id],
    )


def _all(session: Session, model: Any) -> Sequence[Held]:
    return [dict(row) for row in session.execute(sa.select(model.__table__)).mappings()]


def _of(rows: Sequence[Held], items: Mapping[str, Held]) -> list[Held]:
    return [row for row in rows if row["item_id"] in items]


def _own(session: Session, model: Any, namespace: str, type: RecordType) -> dict[str, Held]:
    """By row id the rows whose id is the hash of this namespace and their external id."""
    id_of = identifier(namespace, type)
    return {row["id"]: row for row in _all(session, model) if id_of(row["external_id"]) == row["id"]}


def _place(external_id: str) -> tuple[str, int]:
    history, _, place = external_id.partition(":")
    return history, int(place)
