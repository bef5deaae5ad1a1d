"""The outbox: what happened, written in the transaction that made it happen."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from pmo_hub.domain.identity import row_id
from pmo_hub.store.bulk import is_in, json_text, upsert
from pmo_hub.store.models.governance import Event
from pmo_hub.store.unit_of_work import Session

_TABLE: Any = Event.__table__
_COLUMNS = ("id", "type", "subject_type", "subject_id", "sequence", "data", "occurred_at")


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


def record(session: Session, type: str, subject_type: str, subject_id: str, sequence: int, data: Mapping[str, Any], now: datetime) -> str:
    """The event is in the outbox, once; returns its id."""
    event = NewEvent(type, subject_type, subject_id, sequence, data)
    record_all(session, (event,), now)
    return event.id


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
