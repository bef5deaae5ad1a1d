"""Waivers: until when a violation is accepted, by whom and why; and the deadlines that the clock watches."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from pmo_hub.store.bulk import is_in
from pmo_hub.store.models.governance import Violation, Waiver
from pmo_hub.store.unit_of_work import Session

EXPIRED = "expired"
REVOKED = "revoked"
OVER = "over"

_W = Waiver.__table__.c
_V = Violation.__table__.c


@dataclass(frozen=True, slots=True)
class KeptWaiver:
    """A row of the table; in force as long as `ended_at` is None."""

    id: str
    violation_id: str
    reason: str
    until: datetime
    granted_by: str
    granted_at: datetime
    look_at: datetime | None = None
    ended_at: datetime | None = None
    ended_as: str | None = None
    ended_by: str | None = None


_NAMES = tuple(one.name for one in fields(KeptWaiver))


def insert(session: Session, waiver: KeptWaiver) -> None:
    session.execute(sa.insert(Waiver).values({name: getattr(waiver, name) for name in _NAMES}))


def of_violation(session: Session, violation_id: str) -> list[KeptWaiver]:
    """All that there ever were, the newest first."""
    query = sa.select(*(_W[name] for name in _NAMES)).where(_W.violation_id == violation_id)
    return [KeptWaiver(*row) for row in session.execute(query.order_by(_W.granted_at.desc(), _W.id))]


def end(session: Session, violation_ids: Collection[str], ended_as: str, by: str | None, now: datetime) -> None:
    """The waivers of these violations that are in force are over."""
    if violation_ids:
        standing = sa.update(Waiver).where(is_in(session, _W.violation_id, violation_ids), _W.ended_at.is_(None))
        session.execute(standing.values(ended_at=now, ended_as=ended_as, ended_by=by, look_at=None))


def look_again(session: Session, id: str, at: datetime) -> None:
    session.execute(sa.update(Waiver).where(Waiver.id == id).values(look_at=at))


def due(session: Session, now: datetime, limit: int) -> list[KeptWaiver]:
    """Waivers that the clock looks at now, the longest overdue first."""
    query = sa.select(*(_W[name] for name in _NAMES)).where(_W.look_at <= now, _W.ended_at.is_(None))
    return [KeptWaiver(*row) for row in session.execute(query.order_by(_W.look_at, _W.id).limit(limit))]


def breached(session: Session, now: datetime, limit: int) -> list[str]:
    """Violations of which a deadline has run out, the longest overdue first."""
    query = sa.select(_V.id).where(_V.breach_at <= now).order_by(_V.breach_at, _V.id).limit(limit)
    return list(session.scalars(query))


def of_violations(session: Session, violation_ids: Collection[str]) -> dict[str, KeptWaiver]:
    """Violation → its waiver that is in force."""
    query: Any = sa.select(*(_W[name] for name in _NAMES)).where(is_in(session, _W.violation_id, violation_ids), _W.ended_at.is_(None))
    return {one.violation_id: one for one in (KeptWaiver(*row) for row in session.execute(query))} if violation_ids else {}
