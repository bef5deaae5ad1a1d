"""The ways to the endpoints: who walks one now (a lease with a fence), and how it fares."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from pmo_hub.store.models.outgoing import Delivery, Lane, Subscription
from pmo_hub.store.repositories.subscriptions import ACTIVE

_L = Lane.__table__.c
_D = Delivery.__table__.c


@dataclass(frozen=True, slots=True)
class Held:
    """A lane that this holder walks; whoever has another fence must not write."""

    subscription_id: str
    fence: int
    failures: int
    failing_since: datetime | None


@dataclass(frozen=True, slots=True)
class Fared:
    """How the endpoint fares after some attempts; None of a time leaves it as it was, but for `failing_since` and `rest_until`."""

    failures: int
    failing_since: datetime | None
    rest_until: datetime | None
    last_delivered_at: datetime | None = None
    last_failed_at: datetime | None = None
    last_error: str | None = None


def due(session: Session, now: datetime, without: Collection[str], is_alive: Callable[[str], bool], limit: int) -> list[str]:
    """Subscriptions with something to send now, whose endpoint is not left alone and whose lane nobody else walks."""
    some = sa.exists().where(_D.subscription_id == _L.subscription_id, _D.state == "waiting", _D.due_at <= now)
    query = (
        sa.select(_L.subscription_id, _L.holder, _L.expires_at)
        .join(Subscription.__table__, Subscription.__table__.c.id == _L.subscription_id)
        .where(Subscription.__table__.c.state == ACTIVE, sa.or_(_L.rest_until.is_(None), _L.rest_until <= now), some)
        # Whoever has waited longest for a walker goes first.
        .order_by(_L.expires_at.nulls_first(), _L.subscription_id)
    )
    free = [row[0] for row in session.execute(query) if not _is_walked(row[1], row[2], now, is_alive)]
    return [id for id in free if id not in without][:limit]


def _is_walked(holder: str | None, expires_at: datetime | None, now: datetime, is_alive: Callable[[str], bool]) -> bool:
    return holder is not None and expires_at is not None and expires_at > now and is_alive(holder)


def take(
    session: Session, subscription_id: str, holder: str, is_alive: Callable[[str], bool], now: datetime, ttl: timedelta
) -> Held | None:
    """The lane is this holder's; None while another that is alive has it, while it rests, and where nothing is to be sent there."""
    row = session.get(Lane, subscription_id, with_for_update={"skip_locked": True})
    if row is None or (row.rest_until is not None and row.rest_until > now):
        return None
    if _is_walked(row.holder, row.expires_at, now, is_alive):
        return None
    if session.scalar(sa.select(Subscription.state).where(Subscription.id == subscription_id)) != ACTIVE:
        return None
    row.fence += 1
    row.holder, row.expires_at = holder, now + ttl
    session.flush()
    return Held(subscription_id, row.fence, row.failures, row.failing_since)


def keep(session: Session, held: Held, fared: Fared | None, now: datetime, ttl: timedelta) -> bool:
    """The lane is held for longer and fares like this; False when another took it: whoever asks must not write."""
    values: dict[str, Any] = {"expires_at": now + ttl}
    if fared is not None:
        values |= {"failures": fared.failures, "failing_since": fared.failing_since, "rest_until": fared.rest_until}
        if fared.last_delivered_at is not None:
            values["last_delivered_at"] = fared.last_delivered_at
        if fared.last_failed_at is not None:
            values |= {"last_failed_at": fared.last_failed_at, "last_error": fared.last_error}
    own = sa.update(Lane).where(Lane.subscription_id == held.subscription_id, Lane.fence == held.fence)
    result: Any = session.execute(own.values(values))
    return int(result.rowcount) == 1


def release(session: Session, held: Held, now: datetime) -> None:
    """Nobody walks it; `expires_at` says since when."""
    own = sa.update(Lane).where(Lane.subscription_id == held.subscription_id, Lane.fence == held.fence)
    session.execute(own.values(holder=None, expires_at=now))


def reset(session: Session, subscription_id: str) -> None:
    """What the endpoint did wrong before counts no longer."""
    own = sa.update(Lane).where(Lane.subscription_id == subscription_id)
    session.execute(own.values(failures=0, failing_since=None, rest_until=None))
