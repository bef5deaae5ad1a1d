"""Facts: written only when they change, read as they are or as the hub knew them then."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import msgspec
import sqlalchemy as sa

from pmo_hub.domain.evidence import Evidence, Fact, FactValue
from pmo_hub.domain.identity import row_id
from pmo_hub.store.base import Instant
from pmo_hub.store.bulk import is_in
from pmo_hub.store.merge import Merged, end_rows, merge_rows
from pmo_hub.store.models.canonical import HISTORY
from pmo_hub.store.models.governance import Fact as FactRow
from pmo_hub.store.prepared import Prepared
from pmo_hub.store.unit_of_work import Session, Snapshot

_FACTS = FactRow.__table__.c
_HISTORY = HISTORY[FactRow.__tablename__].c
_EVIDENCE = msgspec.json.Decoder(tuple[Evidence, ...])
_VALUE = msgspec.json.Decoder()

_READ_VALUE: Mapping[str, Callable[[Any], FactValue]] = {
    "bool": bool,
    "int": int,
    "float": float,
    "str": str,
    "date": date.fromisoformat,
    "datetime": datetime.fromisoformat,
}


@dataclass(frozen=True, slots=True)
class KeptFact:
    """A fact with when the hub knew it first."""

    fact: Fact
    recorded_from: datetime


def fact_id(entity_type: str, entity_id: str, name: str) -> str:
    return row_id("fact", entity_type, entity_id, name)


def replace(session: Session, entity_type: str, measured: Mapping[str, Iterable[Fact]], now: datetime) -> Merged:
    """The facts of these entities are exactly the measured ones; those that no longer exist have ended."""
    rows = [_row(entity_type, entity_id, fact) for entity_id, facts in measured.items() for fact in facts]
    merged = merge_rows(session, FactRow, rows, now)
    query = sa.select(_FACTS.id).where(is_in(session, _FACTS.entity_id, measured.keys()), _FACTS.entity_type == entity_type)
    end_rows(session, FactRow, set(session.scalars(query)) - {row["id"] for row in rows}, now)
    return merged


class KeptFacts(Mapping[str, Fact]):
    """Stored facts by name; one is decoded when it is asked for, since a reader of health wants a third of them."""

    __slots__ = ("_decoded", "_rows")

    def __init__(self, rows: Iterable[Sequence[Any]]) -> None:
        self._rows = {row[0]: row for row in rows}
        self._decoded: dict[str, Fact] = {}

    def __getitem__(self, name: str) -> Fact:
        found = self._decoded.get(name)
        if found is None:
            found = self._decoded[name] = _fact(*self._rows[name])
        return found

    def __iter__(self) -> Iterator[str]:
        return iter(self._rows)

    def __len__(self) -> int:
        return len(self._rows)


def of_entity(snapshot: Snapshot, entity_id: str) -> KeptFacts:
    """What is known of one entity."""
    return KeptFacts(_PREPARED.rows(snapshot, entity=entity_id))


def of_entity_then(session: Session, entity_id: str, as_of: datetime) -> KeptFacts:
    """What was known of one entity at an instant."""
    return KeptFacts(session.connection().execute(_THEN, {"entity": entity_id, "as_of": as_of}))


def of_entities(session: Session, entity_ids: Collection[str], as_of: datetime | None = None) -> dict[str, KeptFacts]:
    """What is known of each entity; those without facts are absent."""
    rows: dict[str, list[Sequence[Any]]] = defaultdict(list)
    if not entity_ids:
        return {}
    current = sa.select(_FACTS.entity_id, *_columns(_FACTS)).where(is_in(session, _FACTS.entity_id, entity_ids))
    query: Any = current
    if as_of is not None:
        past = sa.select(_HISTORY.entity_id, *_columns(_HISTORY)).where(
            is_in(session, _HISTORY.entity_id, entity_ids), _HISTORY.recorded_from <= as_of, _HISTORY.recorded_to > as_of
        )
        query = current.where(_FACTS.recorded_from <= as_of).union_all(past)
    for row in session.connection().execute(query):
        rows[row[0]].append(row[1:])
    return {entity_id: KeptFacts(own) for entity_id, own in rows.items()}


def values_of(session: Session, entity_type: str, entity_ids: Collection[str], names: Sequence[str]) -> dict[tuple[str, str], float]:
    """(entity, name) → number, of known facts; by primary key, so that a few of many facts are cheap."""
    ids = {fact_id(entity_type, entity, name): (entity, name) for entity in entity_ids for name in names}
    if not ids:
        return {}
    wanted = (is_in(session, _FACTS.id, ids), _FACTS.value_type.in_(("int", "float")))
    query = sa.select(_FACTS.id, sa.cast(_FACTS.value, sa.Text)).where(*wanted)
    return {ids[id_]: float(_VALUE.decode(value)) for id_, value in session.connection().execute(query)}


def listed(session: Session, entity_id: str, as_of: datetime | None = None) -> list[KeptFact]:
    """One entity's facts in the order of their names, each with when the hub knew it first."""
    current = sa.select(*_columns(_FACTS), _FACTS.recorded_from).where(_FACTS.entity_id == entity_id)
    query: Any = current
    if as_of is not None:
        past = sa.select(*_columns(_HISTORY), _HISTORY.recorded_from).where(
            _HISTORY.entity_id == entity_id, _HISTORY.recorded_from <= as_of, _HISTORY.recorded_to > as_of
        )
        query = current.where(_FACTS.recorded_from <= as_of).union_all(past)
    found = [KeptFact(_fact(*values), recorded) for *values, recorded in session.connection().execute(query)]
    return sorted(found, key=lambda kept: kept.fact.name)


def expired(session: Session, entity_type: str, now: datetime, limit: int, after: str = "") -> list[str]:
    """Entities with a fact that may have changed by the passing of time alone, in the order of their ids, from `after` on."""
    query = (
        sa.select(_FACTS.entity_id)
        .where(_FACTS.holds_until <= now, _FACTS.entity_type == entity_type, _FACTS.entity_id > after)
        .distinct()
        .order_by(_FACTS.entity_id)
        .limit(limit)
    )
    return list(session.scalars(query))


def _columns(table: Any) -> Sequence[sa.ColumnElement[Any]]:
    # JSON as text: one typed decoder is much faster than a parse into dictionaries.
    return (
        table.name,
        sa.cast(table.value, sa.Text).label("value"),
        table.value_type,
        table.unit,
        table.confidence,
        table.reason,
        sa.cast(table.evidence, sa.Text).label("evidence"),
        table.holds_until,
    )


# Built once: composing a statement costs more than running it.
_CURRENT = sa.select(*_columns(_FACTS)).where(_FACTS.entity_id == sa.bindparam("entity"))
_PREPARED = Prepared(lambda _: _CURRENT)
_THEN = sa.union_all(
    _CURRENT.where(_FACTS.recorded_from <= sa.bindparam("as_of", type_=Instant())),
    sa.select(*_columns(_HISTORY)).where(
        _HISTORY.entity_id == sa.bindparam("entity"),
        _HISTORY.recorded_from <= sa.bindparam("as_of", type_=Instant()),
        _HISTORY.recorded_to > sa.bindparam("as_of", type_=Instant()),
    ),
)


def _row(entity_type: str, entity_id: str, fact: Fact) -> dict[str, Any]:
    value = fact.value
    return {
        "id": fact_id(entity_type, entity_id, fact.name),
        "entity_type": entity_type,
        "entity_id": entity_id,
        "name": fact.name,
        "value": value.isoformat() if isinstance(value, date) else value,
        "value_type": "unknown" if value is None else type(value).__name__,
        "unit": fact.unit,
        "confidence": fact.confidence,
        "reason": fact.reason,
        "evidence": fact.evidence,
        "holds_until": fact.holds_until,
    }


def _fact(
    name: str,
    value: str | None,
    value_type: str,
    unit: str | None,
    confidence: int,
    reason: str | None,
    evidence: str,
    holds_until: datetime | None,
) -> Fact:
    known: FactValue = None if value is None or value_type == "unknown" else _READ_VALUE[value_type](_VALUE.decode(value))
    links = () if evidence == "[]" else _EVIDENCE.decode(evidence)
    return Fact(name, known, unit, confidence, links, reason, holds_until)
