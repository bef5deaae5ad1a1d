"""Coverage: what of each connection is mapped by guess or not at all, as work for an admin."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pmo_hub.domain import coverage
from pmo_hub.domain.coverage import Dimension, Gap, Known
from pmo_hub.services.errors import NotFound
from pmo_hub.services.hub import Hub
from pmo_hub.services.mapping import words_of
from pmo_hub.services.rules import kept_references
from pmo_hub.store.repositories import connections
from pmo_hub.store.repositories import coverage as met
from pmo_hub.store.repositories.connections import Stored
from pmo_hub.store.repositories.coverage import Named
from pmo_hub.store.unit_of_work import Session

MOST = 200
"""Words of one dimension of one connection that are looked at, the most frequent first."""

_NOUNS = {met.PARENTS: "Parents", met.DEPENDENCIES: "Dependencies"}


@dataclass(frozen=True, slots=True)
class Entry:
    """A gap of a connection, with items that show it."""

    connection_id: str
    connection: str
    gap: Gap
    evidence: Sequence[Named]


def work_list(hub: Hub, connection_id: str | None = None, dimension: Dimension | None = None) -> list[Entry]:
    """Every gap of these connections, those with the most items first; raises NotFound."""
    found: list[tuple[Stored, Gap]] = []
    with hub.work.read() as session:
        if connection_id is None:
            wanted = [c for c in connections.everyone(session) if c.state != connections.REMOVED]
        else:
            one = connections.find(session, connection_id)
            if one is None:
                raise NotFound("connection", connection_id)
            wanted = [one]
        for connection in wanted:
            found += [(connection, gap) for gap in _gaps(hub, session, connection, dimension)]
        named = met.named(session, {i for _, gap in found for i in gap.samples})
    found.sort(key=lambda pair: (-pair[1].items, pair[1].dimension, pair[0].name, pair[1].name or ""))
    return [Entry(c.id, c.name, gap, [named[i] for i in gap.samples if i in named]) for c, gap in found]


def _gaps(hub: Hub, session: Session, connection: Stored, only: Dimension | None) -> list[Gap]:
    connector = hub.registry.get(connection.connector)
    words = [] if connector is None else words_of(connector, kept_references(session, connection.id), connection.rules)
    known: dict[str, list[Known]] = {}
    for word in words:
        known.setdefault(word.dimension, []).append(Known(word.id, word.name, word.value, word.grade, word.rule))
    found: list[Gap] = []
    # A connector that tells nothing of its words can't be said to lack any.
    if only in (None, Dimension.STATUS) and "status" in known:
        found += coverage.statuses(met.statuses(session, connection.id, MOST), known["status"])
    if only in (None, Dimension.TYPE) and "type" in known:
        found += coverage.types(met.types(session, connection.id, MOST), known["type"])
    if only in (None, Dimension.PRIORITY) and known:
        found += coverage.priorities(met.priorities(session, connection.id, MOST), known.get("priority", []))
    if only in (None, Dimension.FIELD) and "field" in known:
        found += coverage.fields(met.fields(session, connection.id, MOST), known["field"])
    if only in (None, Dimension.PERSON):
        found += coverage.people(met.unnamed_people(session, connection.id, MOST))
    if only in (None, Dimension.REFERENCE):
        found += coverage.references(met.lost_references(session, connection.id), _NOUNS)
    return found
