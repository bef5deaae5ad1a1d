"""Deliveries: what is to be sent, what came of each attempt, what is dead and sent once more."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import aliased

from pmo_hub.store.bulk import is_in, json_text, upsert
from pmo_hub.store.models.outgoing import Attempt, Delivery, HeldEvent
from pmo_hub.store.unit_of_work import Session

WAITING = "waiting"
DELIVERED = "delivered"
DEAD = "dead"

# A partial index serves a query that says its condition in so many words, not one that binds it.
_WAITING: sa.ColumnElement[str] = sa.literal_column(f"'{WAITING}'", sa.Text)

_TABLE: Any = Delivery.__table__
_ATTEMPTS: Any = Attempt.__table__
_D = Delivery.__table__.c
_A = Attempt.__table__.c
_H = HeldEvent.__table__.c


@dataclass(frozen=True, slots=True)
class StoredDelivery:
    """A row of the table. `attempts` counts since it was made or replayed."""

    id: str
    subscription_id: str
    message_id: str
    event_ids: Sequence[str]
    is_digest: bool
    order_key: str
    position: int
    state: str
    attempts: int
    due_at: datetime
    created_at: datetime
    ended_at: datetime | None = None
    last_status: int | None = None
    last_error: str | None = None
    replays: int = 0


@dataclass(frozen=True, slots=True)
class Tried:
    """What an attempt made of a delivery."""

    delivery: StoredDelivery
    state: str
    due_at: datetime
    at: datetime
    duration_ms: int
    status: int | None
    error: str | None
    excerpt: str | None


@dataclass(frozen=True, slots=True)
class KeptAttempt:
    number: int
    at: datetime
    duration_ms: int
    status: int | None
    error: str | None
    excerpt: str | None


@dataclass(frozen=True, slots=True)
class HeldBack:
    """An event that waits to be told with others."""

    subscription_id: str
    event_id: str
    position: int
    project_id: str | None
    owner_id: str | None
    due_at: datetime


_NAMES = tuple(one.name for one in fields(StoredDelivery))
_COLUMNS = [_D[name] for name in _NAMES]


def add(session: Session, deliveries: Collection[StoredDelivery]) -> None:
    """Each is there, once."""
    rows = {}
    for one in deliveries:
        values = [getattr(one, name) for name in _NAMES]
        values[_NAMES.index("event_ids")] = json_text(list(one.event_ids))
        rows[one.id] = tuple(values)
    upsert(session, _TABLE, _NAMES, rows.values())


def due(session: Session, subscription_id: str, now: datetime, limit: int) -> list[StoredDelivery]:
    """What is to be sent now, the earliest first: of each order key what comes first of it, and nothing while that waits."""
    earlier = aliased(Delivery.__table__)
    before = sa.exists().where(
        earlier.c.subscription_id == subscription_id,
        earlier.c.order_key == _D.order_key,
        earlier.c.state == _WAITING,
        earlier.c.position < _D.position,
    )
    query = (
        sa.select(*_COLUMNS)
        .where(_D.subscription_id == subscription_id, _D.state == WAITING, _D.due_at <= now, ~before)
        .order_by(_D.due_at, _D.position)
        .limit(limit)
    )
    return [StoredDelivery(*row) for row in session.execute(query)]


def record(session: Session, tried: Sequence[Tried]) -> None:
    """The attempts are in the log, and each delivery is what they made of it. Whoever follows one that waits, waits as long."""
    if not tried:
        return
    ids = [one.delivery.id for one in tried]
    counted = sa.select(_A.delivery_id, sa.func.max(_A.number)).where(is_in(session, _A.delivery_id, ids)).group_by(_A.delivery_id)
    made = {row[0]: int(row[1]) for row in session.execute(counted)}
    attempts = [
        {"delivery_id": one.delivery.id, "number": made.get(one.delivery.id, 0) + 1, "at": one.at, "duration_ms": one.duration_ms,
         "status": one.status, "error": one.error, "excerpt": one.excerpt}
        for one in tried
    ]  # fmt: skip
    session.connection().execute(sa.insert(_ATTEMPTS), attempts)
    statement = (
        sa.update(_TABLE)
        .where(_D.id == sa.bindparam("of"), _D.state == WAITING)
        .values(
            state=sa.bindparam("to"), attempts=sa.bindparam("count"), due_at=sa.bindparam("due"), ended_at=sa.bindparam("end"),
            last_status=sa.bindparam("status"), last_error=sa.bindparam("why"),
        )
    )  # fmt: skip
    rows = [
        {"of": one.delivery.id, "to": one.state, "count": one.delivery.attempts + 1, "due": one.due_at,
         "end": None if one.state == WAITING else one.at, "status": one.status, "why": one.error}
        for one in tried
    ]  # fmt: skip
    session.connection().execute(statement, rows)
    for one in tried:
        if one.state == WAITING:
            following = sa.and_(
                _D.subscription_id == one.delivery.subscription_id, _D.order_key == one.delivery.order_key, _D.state == _WAITING,
                _D.position > one.delivery.position, _D.due_at < one.due_at,
            )  # fmt: skip
            session.execute(sa.update(_TABLE).where(following).values(due_at=one.due_at))


def free_followers(session: Session, tried: Sequence[Tried], now: datetime) -> None:
    """Who waited behind a delivery that has ended waits no longer."""
    for one in tried:
        if one.state != WAITING and one.delivery.attempts:
            following = sa.and_(
                _D.subscription_id == one.delivery.subscription_id, _D.order_key == one.delivery.order_key, _D.state == _WAITING,
                _D.position > one.delivery.position, _D.attempts == 0, _D.due_at > now,
            )  # fmt: skip
            session.execute(sa.update(_TABLE).where(following).values(due_at=now))


def bury(session: Session, subscription_id: str, why: str, now: datetime) -> int:
    """Everything that waits for this endpoint is dead; returns how much that was."""
    waiting = sa.update(_TABLE).where(_D.subscription_id == subscription_id, _D.state == WAITING)
    result: Any = session.execute(waiting.values(state=DEAD, ended_at=now, last_error=why))
    session.execute(sa.delete(HeldEvent).where(HeldEvent.subscription_id == subscription_id))
    return int(result.rowcount)


def revive(session: Session, ids: Collection[str], now: datetime) -> int:
    """These are sent once more, whatever became of them; returns how many were not waiting already."""
    ended = sa.update(_TABLE).where(is_in(session, _D.id, ids), _D.state != WAITING)
    values = {"state": WAITING, "attempts": 0, "due_at": now, "ended_at": None, "replays": _D.replays + 1}
    result: Any = session.execute(ended.values(values))
    return int(result.rowcount)


def made_between(
    session: Session, subscription_id: str, since: datetime, until: datetime, states: Collection[str], limit: int
) -> list[str]:
    """Deliveries that were made in that time and are in one of the states, the earliest first."""
    query = sa.select(_D.id).where(_D.subscription_id == subscription_id, _D.created_at >= since, _D.created_at < until)
    return list(session.scalars(query.where(_D.state.in_(states)).order_by(_D.created_at, _D.id).limit(limit)))


def events_since(session: Session, subscription_id: str, since: datetime) -> set[str]:
    """The events of deliveries that were made since then, and of what is held back."""
    made = session.scalars(sa.select(_D.event_ids).where(_D.subscription_id == subscription_id, _D.created_at >= since))
    found = {id for ids in made for id in ids}
    return found | set(session.scalars(sa.select(_H.event_id).where(_H.subscription_id == subscription_id)))


def find(session: Session, id: str) -> StoredDelivery | None:
    row = session.execute(sa.select(*_COLUMNS).where(_D.id == id)).one_or_none()
    return None if row is None else StoredDelivery(*row)


def attempts(session: Session, delivery_id: str, limit: int) -> list[KeptAttempt]:
    """The newest first."""
    query = sa.select(_A.number, _A.at, _A.duration_ms, _A.status, _A.error, _A.excerpt).where(_A.delivery_id == delivery_id)
    return [KeptAttempt(*row) for row in session.execute(query.order_by(_A.number.desc()).limit(limit))]


def page(session: Session, filters: Mapping[str, str | None], after: tuple[datetime, str] | None, limit: int) -> list[StoredDelivery]:
    """Deliveries, the newest first, those after (made, id); `filters` are columns that shall have that value."""
    query = sa.select(*_COLUMNS).order_by(_D.created_at.desc(), _D.id.desc()).limit(limit)
    query = query.where(*(_D[name] == value for name, value in filters.items() if value is not None))
    if after is not None:
        query = query.where(sa.tuple_(_D.created_at, _D.id) < after)
    return [StoredDelivery(*row) for row in session.execute(query)]


def forget(session: Session, before: datetime, limit: int) -> int:
    """Up to so many deliveries that ended by then are deleted, with their attempts; returns how many that was."""
    old = list(session.scalars(sa.select(_D.id).where(_D.ended_at < before).order_by(_D.ended_at).limit(limit)))
    if old:
        session.execute(sa.delete(Attempt).where(is_in(session, _A.delivery_id, old)))
        session.execute(sa.delete(Delivery).where(is_in(session, _D.id, old)))
    return len(old)


# -- held back


def hold(session: Session, held: Iterable[HeldBack]) -> None:
    """Each waits, once."""
    names = tuple(one.name for one in fields(HeldBack))
    table: Any = HeldEvent.__table__
    upsert(session, table, names, [tuple(getattr(one, name) for name in names) for one in held])


def has_ripe(session: Session, now: datetime) -> bool:
    return session.scalar(sa.select(_H.event_id).where(_H.due_at <= now).limit(1)) is not None


def ripe(session: Session, now: datetime, limit: int) -> list[HeldBack]:
    """What waited until now, with all that waits for the same subscription, by position; it is taken out."""
    names = [_H[one.name] for one in fields(HeldBack)]
    due = aliased(HeldEvent.__table__)
    query = sa.select(*names).where(_H.subscription_id.in_(sa.select(due.c.subscription_id).where(due.c.due_at <= now)))
    query = query.order_by(_H.subscription_id, _H.position).limit(limit)
    found = [HeldBack(*row) for row in session.execute(query.with_for_update(skip_locked=True))]
    for subscription_id in {one.subscription_id for one in found}:
        ids = [one.event_id for one in found if one.subscription_id == subscription_id]
        session.execute(sa.delete(HeldEvent).where(HeldEvent.subscription_id == subscription_id, is_in(session, _H.event_id, ids)))
    return found
