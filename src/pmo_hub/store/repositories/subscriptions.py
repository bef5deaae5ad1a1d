"""Subscriptions: who wants to hear of what, and how each endpoint fares."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from pmo_hub.store.models.outgoing import Delivery, HeldEvent, Lane, Subscription

ACTIVE = "active"
PAUSED = "paused"
DISABLED = "disabled"

_S = Subscription.__table__.c
_L = Lane.__table__.c
_D = Delivery.__table__.c


@dataclass(frozen=True, slots=True)
class StoredSubscription:
    """A row of the table; `address` is what may be shown of it."""

    id: str
    name: str
    format: str
    state: str
    address: str
    sealed: bytes = field(repr=False)
    types: Sequence[str]
    filters: Mapping[str, Any]
    is_thin: bool
    digest: str | None
    time_zone: str
    quiet_hours: Sequence[Mapping[str, Any]]
    disabled_reason: str | None
    created_by: str
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class Faring:
    """How an endpoint fares: `failures` in a row since `failing_since`, left alone until `rest_until`; what waits and what is dead."""

    failures: int = 0
    failing_since: datetime | None = None
    rest_until: datetime | None = None
    last_delivered_at: datetime | None = None
    last_failed_at: datetime | None = None
    last_error: str | None = None
    waiting: int = 0
    dead: int = 0


_NAMES = tuple(one.name for one in fields(StoredSubscription))
_COLUMNS = [_S[name] for name in _NAMES]


def insert(session: Session, subscription: StoredSubscription) -> None:
    session.execute(sa.insert(Subscription).values({name: getattr(subscription, name) for name in _NAMES}))
    session.execute(sa.insert(Lane).values(subscription_id=subscription.id, fence=0, failures=0))


def update(session: Session, id: str, values: Mapping[str, Any]) -> None:
    session.execute(sa.update(Subscription).where(Subscription.id == id).values(dict(values)))


def delete(session: Session, id: str) -> None:
    """It is gone, with what was to be sent and what came of it."""
    session.execute(sa.delete(Subscription).where(Subscription.id == id))


def find(session: Session, id: str, *, lock: bool = False) -> StoredSubscription | None:
    query = sa.select(*_COLUMNS).where(_S.id == id)
    row = session.execute(query.with_for_update() if lock else query).one_or_none()
    return None if row is None else StoredSubscription(*row)


def page(session: Session, after: tuple[str, str] | None, limit: int) -> list[StoredSubscription]:
    """By (name, id), those after that pair."""
    query = sa.select(*_COLUMNS).order_by(_S.name, _S.id).limit(limit)
    if after is not None:
        query = query.where(sa.tuple_(_S.name, _S.id) > after)
    return [StoredSubscription(*row) for row in session.execute(query)]


def in_states(session: Session, *states: str) -> list[StoredSubscription]:
    return [StoredSubscription(*row) for row in session.execute(sa.select(*_COLUMNS).where(_S.state.in_(states)).order_by(_S.id))]


def count(session: Session) -> int:
    return session.scalar(sa.select(sa.func.count()).select_from(Subscription)) or 0


def faring(session: Session, ids: Collection[str]) -> dict[str, Faring]:
    """How the endpoints of these subscriptions fare."""
    chosen = list(ids)
    counted: dict[tuple[str, str], int] = {}
    query = sa.select(_D.subscription_id, _D.state, sa.func.count()).where(
        _D.subscription_id.in_(chosen), _D.state.in_(("waiting", "dead"))
    )
    for id_, state, number in session.execute(query.group_by(_D.subscription_id, _D.state)):
        counted[id_, state] = int(number)
    held = sa.select(HeldEvent.subscription_id, sa.func.count()).where(HeldEvent.subscription_id.in_(chosen))
    for id_, number in session.execute(held.group_by(HeldEvent.subscription_id)):
        counted[id_, "waiting"] = counted.get((id_, "waiting"), 0) + int(number)
    lanes = sa.select(
        _L.subscription_id, _L.failures, _L.failing_since, _L.rest_until, _L.last_delivered_at, _L.last_failed_at, _L.last_error
    ).where(_L.subscription_id.in_(chosen))
    return {
        row[0]: Faring(*row[1:], waiting=counted.get((row[0], "waiting"), 0), dead=counted.get((row[0], "dead"), 0))
        for row in session.execute(lanes)
    }


def sealed(session: Session) -> list[tuple[str, bytes]]:
    """Id → what is encrypted of each."""
    return [(row[0], row[1]) for row in session.execute(sa.select(_S.id, _S.sealed).order_by(_S.id))]


def replace_sealed(session: Session, id: str, before: bytes, after: bytes) -> bool:
    """False where it was replaced meanwhile."""
    result: Any = session.execute(sa.update(Subscription).where(Subscription.id == id, Subscription.sealed == before).values(sealed=after))
    return int(result.rowcount) == 1
