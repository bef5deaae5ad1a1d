"""Listings of what exists at the source, compared in SQL with what the hub holds."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from pmo_hub.domain.vocabulary import RecordType
from pmo_hub.store.bulk import is_in, upsert
from pmo_hub.store.models import source as tables
from pmo_hub.store.models.canonical import Dependency, WorkItem

_LISTED: Any = tables.CensusListing.__table__
_MISSING: Any = tables.Missing.__table__
_PAYLOADS: Any = tables.Payload.__table__
_CLAIMS: Any = tables.Claim.__table__
_ITEMS: Any = WorkItem.__table__
_DEPENDENCIES: Any = Dependency.__table__


@dataclass(frozen=True, slots=True)
class Unlisted:
    """A live payload that the listing does not hold."""

    id: str
    scope_id: str
    kind: str
    external_id: str


def begin(session: Session, census_id: str, connection_id: str, now: datetime) -> bool:
    """False when this census was finished before. One that was cut off starts again from nothing."""
    finished = session.get(tables.Census, census_id)
    if finished is not None and finished.state == "finished":
        return False
    old = list(
        session.scalars(sa.select(tables.Census.id).where(tables.Census.connection_id == connection_id, tables.Census.state == "listing"))
    )
    session.execute(sa.delete(_LISTED).where(is_in(session, _LISTED.c.census_id, old)))
    session.execute(sa.delete(tables.Census).where(is_in(session, tables.Census.__table__.c.id, old)))
    session.add(
        tables.Census(
            id=census_id, connection_id=connection_id, state="listing", started_at=now, finished_at=None, listed=0, missing=0, reason=None
        )
    )
    session.flush()
    return True


def list_ids(session: Session, census_id: str, payload_ids: Collection[str]) -> None:
    upsert(session, _LISTED, ("census_id", "payload_id"), [(census_id, i) for i in dict.fromkeys(payload_ids)])


def not_held(session: Session, payload_ids: Collection[str]) -> list[str]:
    """Those of the payloads that the hub does not hold."""
    held = set(session.scalars(sa.select(_PAYLOADS.c.id).where(is_in(session, _PAYLOADS.c.id, payload_ids), _PAYLOADS.c.gone_at.is_(None))))
    return [i for i in payload_ids if i not in held]


def unlisted(session: Session, census_id: str, kinds: Sequence[str], scope_ids: Collection[str], before: datetime) -> list[Unlisted]:
    """Live payloads of these kinds and scopes, first seen before the census began, that it did not list."""
    p, n = _PAYLOADS.c, _LISTED.c
    there = sa.exists().where(n.census_id == census_id, n.payload_id == p.id)
    rows = session.execute(
        sa.select(p.id, p.scope_id, p.kind, p.external_id)
        .where(is_in(session, p.scope_id, scope_ids), p.kind.in_(kinds), p.gone_at.is_(None), p.first_seen_at < before, ~there)
        .order_by(p.id)
    )
    return [Unlisted(*r) for r in rows]


def referring(session: Session, payload_ids: Collection[str]) -> list[tuple[str, str]]:
    """(kind, external id) of the other live payloads whose records name a work item of these: as its parent, or as the end of a link."""
    if not payload_ids:
        return []
    c, i, d, p = _CLAIMS.c, _ITEMS.c, _DEPENDENCIES.c, _PAYLOADS.c
    of = sa.select(c.record_id).where(is_in(session, c.payload_id, payload_ids), c.record_type == RecordType.WORK_ITEM.value)
    items = set(session.scalars(of))
    records = set(session.scalars(sa.select(i.id).where(is_in(session, i.parent_id, items))))
    for end in (d.predecessor_id, d.successor_id):
        records.update(session.scalars(sa.select(d.id).where(is_in(session, end, items))))
    rows = session.execute(
        sa.select(p.id, p.kind, p.external_id)
        .join(_CLAIMS, c.payload_id == p.id)
        .where(is_in(session, c.record_id, records), p.gone_at.is_(None))
        .order_by(p.id)
    )
    return list(dict.fromkeys((r[1], r[2]) for r in rows if r[0] not in payload_ids))


def missing_before(session: Session, connection_id: str) -> dict[str, str]:
    """Payload → the reason that the census before this one found."""
    rows = session.execute(sa.select(_MISSING.c.payload_id, _MISSING.c.reason).where(_MISSING.c.connection_id == connection_id))
    return {r[0]: r[1] for r in rows}


def note_missing(session: Session, connection_id: str, census_id: str, missing: dict[str, str], now: datetime) -> None:
    """Just these are missing now; who was missing before and isn't any more was found again."""
    c = _MISSING.c
    held = list(session.scalars(sa.select(c.payload_id).where(c.connection_id == connection_id)))
    session.execute(sa.delete(_MISSING).where(is_in(session, c.payload_id, [h for h in held if h not in missing])))
    columns = ("payload_id", "connection_id", "census_id", "reason", "since")
    rows = [(p, connection_id, census_id, reason, now) for p, reason in missing.items()]
    upsert(session, _MISSING, columns, rows, update=("census_id", "reason"))


def end(session: Session, census_id: str, state: str, listed: int, missing: int, reason: str | None, now: datetime) -> None:
    session.execute(
        sa.update(tables.Census)
        .where(tables.Census.id == census_id)
        .values(state=state, finished_at=now, listed=listed, missing=missing, reason=reason)
    )
    session.execute(sa.delete(_LISTED).where(_LISTED.c.census_id == census_id))


def last_begun(session: Session, connection_id: str) -> datetime | None:
    c = tables.Census
    return session.scalar(sa.select(sa.func.max(c.started_at)).where(c.connection_id == connection_id))
