"""The outbox: what happened, written in the transaction that made it happen; given a position once that is committed."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from pmo_hub.domain import events as values
from pmo_hub.domain.identity import row_id
from pmo_hub.store.bulk import is_in, json_text, upsert
from pmo_hub.store.models.governance import Event
from pmo_hub.store.models.outgoing import OutboxHead
from pmo_hub.store.unit_of_work import Session

_TABLE: Any = Event.__table__
_COLUMNS = ("id", "type", "subject_type", "subject_id", "sequence", "data", "occurred_at")
_E = Event.__table__.c

GONE = "?"
"""The classification of a project that was gone when its event was placed."""


@dataclass(frozen=True, slots=True)
class NewEvent:
    """`sequence` counts what happened to the subject, so that the same event has the same id however often it is written."""

    type: str
    subject_type: str
    subject_id: str
    sequence: int
    data: Mapping[str, Any]

    @property
    def id(self) -> str:
        return row_id("event", self.type, self.subject_id, str(self.sequence))


@dataclass(frozen=True, slots=True)
class KeptEvent:
    id: str
    type: str
    sequence: int
    data: Mapping[str, Any]
    occurred_at: datetime


@dataclass(frozen=True, slots=True)
class Placed:
    """An event with its position, and the classification of its project by then (None: it has none, or no project)."""

    event: values.Event
    classification: str | None


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which events a list shows; an empty one leaves its column free, `project_ids` None too. Positions later than `after`."""

    types: Collection[str] = ()
    families: Collection[str] = ()
    project_ids: Collection[str] | None = None
    severities: Collection[str] = ()
    check_ids: Collection[str] = ()
    owner_ids: Collection[str] = ()
    entity_id: str | None = None
    since: datetime | None = None
    until: datetime | None = None


def record(session: Session, type: str, subject_type: str, subject_id: str, sequence: int, data: Mapping[str, Any], now: datetime) -> str:
    """The event is in the outbox, once; returns its id. For whoever counts by itself; others `append`."""
    event = NewEvent(type, subject_type, subject_id, sequence, data)
    record_all(session, (event,), now)
    return event.id


def append(session: Session, type: str, subject_type: str, subject_id: str, data: Mapping[str, Any], now: datetime) -> str:
    """The next thing that happened to the subject is in the outbox; returns the event's id."""
    lock_subjects(session, [subject_id])
    sequence = last_sequences(session, [subject_id]).get(subject_id, 0) + 1
    event = NewEvent(type, subject_type, subject_id, sequence, data)
    record_all(session, (event,), now)
    return event.id


def lock_subjects(session: Session, subject_ids: Iterable[str]) -> None:
    """Nobody else counts on for these subjects until the transaction ends; SQLite has one writer anyway. For a few subjects only."""
    if session.get_bind().dialect.name == "postgresql":
        for subject in sorted(subject_ids):
            session.execute(sa.select(sa.func.pg_advisory_xact_lock(int(row_id("event", subject)[:15], 16))))


def record_all(session: Session, events: Collection[NewEvent], now: datetime) -> None:
    """Each event is in the outbox, once; one that was there already stays as it was."""
    rows = {e.id: (e.id, e.type, e.subject_type, e.subject_id, e.sequence, json_text(dict(e.data)), now) for e in events}
    upsert(session, _TABLE, _COLUMNS, rows.values())


def last_sequences(session: Session, subject_ids: Collection[str]) -> dict[str, int]:
    """The highest sequence of each subject that has events."""
    if not subject_ids:
        return {}
    query = (
        sa.select(Event.subject_id, sa.func.max(Event.sequence))
        .where(is_in(session, _TABLE.c.subject_id, subject_ids))
        .group_by(Event.subject_id)
    )
    return {subject: int(highest) for subject, highest in session.execute(query)}


def of_subject(session: Session, subject_id: str, limit: int = 200) -> list[KeptEvent]:
    """What happened to a subject, newest first."""
    query = (
        sa.select(Event.id, Event.type, Event.sequence, Event.data, Event.occurred_at)
        .where(Event.subject_id == subject_id)
        .order_by(Event.sequence.desc(), Event.occurred_at.desc(), Event.id)
        .limit(limit)
    )
    return [KeptEvent(*row) for row in session.execute(query)]


# -- positions


def lock_head(session: Session) -> int:
    """The position that was given last; nobody else gives one until the transaction ends."""
    row = session.get(OutboxHead, 1, with_for_update=True)
    if row is None:
        row = OutboxHead(id=1, position=0)
        session.add(row)
        session.flush()
    return row.position


def has_unplaced(session: Session) -> bool:
    return session.scalar(sa.select(_E.id).where(_E.position.is_(None)).limit(1)) is not None


def unplaced(session: Session, limit: int) -> list[values.Event]:
    """Committed events without a position, in the order in which they get one: those of an entity by their sequence."""
    columns = (_E.id, _E.type, _E.occurred_at, _E.subject_type, _E.subject_id, _E.sequence, _E.data)
    query = sa.select(*columns).where(_E.position.is_(None))
    found = session.execute(query.order_by(_E.occurred_at, _E.id).limit(limit)).all()
    # Two processes' clocks differ: what happened before to one of these entities goes before, whatever its time says.
    subjects = {row.subject_id for row in found}
    if len(found) == limit:
        highest: dict[str, int] = {}
        for row in found:
            highest[row.subject_id] = max(row.sequence, highest.get(row.subject_id, 0))
        known = {row.id for row in found}
        others = session.execute(query.where(is_in(session, _E.subject_id, subjects))).all()
        found = [*found, *(row for row in others if row.id not in known and row.sequence < highest[row.subject_id])]
    queues: dict[str, list[Any]] = {}
    for row in sorted(found, key=lambda row: (row.sequence, row.occurred_at, row.id), reverse=True):
        queues.setdefault(row.subject_id, []).append(row)
    ordered = [queues[row.subject_id].pop() for row in sorted(found, key=lambda row: (row.occurred_at, row.id))]
    return [values.Event(*row) for row in ordered]


def place(session: Session, placed: Sequence[Placed]) -> None:
    """The events have these positions, and what filters ask for."""
    if not placed:
        return
    rows = [
        {
            "of": one.event.id, "position": one.event.position, "project_id": one.event.project_id,
            "portfolio_ids": list(one.event.portfolio_ids), "severity": one.event.severity, "check_id": one.event.check_id,
            "owner_id": one.event.owner_id, "classification": one.classification,
        }
        for one in placed
    ]  # fmt: skip
    names = [name for name in rows[0] if name != "of"]
    statement = sa.update(_TABLE).where(_E.id == sa.bindparam("of")).values({name: sa.bindparam(name) for name in names})
    session.connection().execute(statement, rows)
    session.execute(sa.update(OutboxHead).where(OutboxHead.id == 1).values(position=placed[-1].event.position))


# -- reading


def newest_position(session: Session) -> int:
    return session.scalar(sa.select(OutboxHead.position).where(OutboxHead.id == 1)) or 0


def by_ids(session: Session, ids: Collection[str]) -> dict[str, Placed]:
    """The placed ones among these events."""
    return {one.event.id: one for one in _read(session, _placed().where(is_in(session, _E.id, ids)))} if ids else {}


def page(session: Session, wanted: Wanted, after: int | None, limit: int, *, newest_first: bool = False) -> list[Placed]:
    """Events by position, those beyond that one; later ones, or with `newest_first` earlier ones."""
    query = _placed().where(*_conditions(session, wanted))
    if newest_first:
        query = query.order_by(_E.position.desc())
        if after is not None:
            query = query.where(_E.position < after)
    else:
        query = query.order_by(_E.position).where(_E.position > (after or 0))
    return _read(session, query.limit(limit))


def _placed() -> sa.Select[Any]:
    return sa.select(
        _E.id, _E.type, _E.occurred_at, _E.subject_type, _E.subject_id, _E.sequence, _E.data, _E.position, _E.project_id,
        _E.portfolio_ids, _E.severity, _E.check_id, _E.owner_id, _E.classification,
    ).where(_E.position.is_not(None))  # fmt: skip


def _read(session: Session, query: sa.Select[Any]) -> list[Placed]:
    found = []
    for row in session.execute(query):
        *own, portfolios, severity, check, owner, classification = row
        id_, type_, at, kind, entity, sequence, data, position, project = own
        event = values.Event(
            id_, type_, at, kind, entity, sequence, data, position, project, tuple(portfolios or ()), severity, check, owner
        )
        found.append(Placed(event, classification))
    return found


def _conditions(session: Session, wanted: Wanted) -> list[sa.ColumnElement[bool]]:
    conditions: list[sa.ColumnElement[bool]] = []
    kinds: list[sa.ColumnElement[bool]] = [_E.type.in_(sorted(wanted.types))] if wanted.types else []
    kinds += [_E.type.startswith(family, autoescape=True) for family in wanted.families]
    if kinds:
        conditions.append(sa.or_(*kinds))
    if wanted.project_ids is not None:
        conditions.append(is_in(session, _E.project_id, wanted.project_ids))
    for column, chosen in ((_E.severity, wanted.severities), (_E.check_id, wanted.check_ids), (_E.owner_id, wanted.owner_ids)):
        if chosen:
            conditions.append(column.in_(sorted(chosen)))
    if wanted.entity_id is not None:
        conditions.append(_E.subject_id == wanted.entity_id)
    if wanted.since is not None:
        conditions.append(_E.occurred_at >= wanted.since)
    if wanted.until is not None:
        conditions.append(_E.occurred_at < wanted.until)
    return conditions
