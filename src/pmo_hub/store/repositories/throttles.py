"""The budgets that several worker processes share: a row each, a short transaction a slice, by the database's own clock."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from pmo_hub.sdk.contract import RateLimit
from pmo_hub.sdk.quota import Quota
from pmo_hub.sdk.throttle import CLEAN_S, SLICE_S, WAVE_S, Slice, Standing
from pmo_hub.store.bulk import upsert
from pmo_hub.store.models.operation import Throttle, ThrottleHolder
from pmo_hub.store.unit_of_work import Session, Work

HOLDER_S = 5.0
"""A process that has not leased for so long leaves its places to the others."""

_THROTTLES: Any = Throttle.__table__
_HOLDERS: Any = ThrottleHolder.__table__


def database_time(session: Session) -> datetime:
    """The instant by the database's clock: one for all processes, however theirs differ."""
    if session.get_bind().dialect.name == "postgresql":
        at: datetime = session.execute(sa.select(sa.func.clock_timestamp())).scalar_one()
        return at.astimezone(UTC)
    return datetime.fromisoformat(session.execute(sa.select(sa.func.strftime("%Y-%m-%dT%H:%M:%f", "now"))).scalar_one() + "+00:00")


@dataclass(frozen=True, slots=True)
class Ledgers:
    """The ledgers of one process, which is called `holder`."""

    work: Work
    holder: str
    now: Callable[[Session], datetime] = database_time

    def of(self, key: str) -> StoredLedger:
        return StoredLedger(self.work, self.holder, key, self.now)

    def standings(self, keys: Collection[str]) -> Mapping[str, Standing]:
        """Where these budgets stand; one that nobody has asked under yet is left out."""
        if not keys:
            return {}
        with self.work.read() as session:
            rows = session.scalars(sa.select(Throttle).where(Throttle.key.in_(list(keys)))).all()
            now = self.now(session)
            return {row.key: _standing(row, now) for row in rows}


@dataclass(frozen=True, slots=True)
class StoredLedger:
    """One account's budget, as one process sees it."""

    work: Work
    holder: str
    key: str
    now: Callable[[Session], datetime]

    def lease(self, limit: RateLimit, wanted: float, unspent: float, quota: Quota | None) -> Slice:
        with self.work.write() as session:
            row, now = self._row(session, limit)
            _refill(row, limit, unspent, now)
            granted = min(wanted, row.tokens)
            # Less than one can't be spent: it stays until it is one.
            granted = granted if granted >= 1.0 else 0.0
            row.tokens -= granted
            if quota is not None:
                row.quota, row.remaining = quota.limit, quota.remaining
                row.resets_at = None if quota.resets_in_s is None else now + timedelta(seconds=quota.resets_in_s)
                if quota.is_binding and quota.remaining == 0 and row.resets_at is not None:
                    row.closed_until = max(row.closed_until or now, row.resets_at)
            places = self._places(session, row.concurrency, now)
            closed_s = 0.0 if row.closed_until is None else max(0.0, (row.closed_until - now).total_seconds())
            return Slice(granted, places, closed_s)

    def refuse(self, limit: RateLimit, closed_s: float, reason: str | None) -> None:
        with self.work.write() as session:
            row, now = self._row(session, limit)
            if row.halved_at is None or now - row.halved_at >= timedelta(seconds=WAVE_S):
                row.concurrency = max(1, row.concurrency // 2)
                row.halved_at = now
            row.changed_at = row.refused_at = now
            row.reason = reason
            if closed_s > 0:
                row.closed_until = max(row.closed_until or now, now + timedelta(seconds=closed_s))

    def _row(self, session: Session, limit: RateLimit) -> tuple[Throttle, datetime]:
        """The budget, which is this transaction's alone until it ends; a new one is full."""
        row = session.get(Throttle, self.key, with_for_update=True)
        if row is None:
            now = self.now(session)
            columns = ("key", "tokens", "filled_at", "concurrency", "changed_at")
            upsert(session, _THROTTLES, columns, [(self.key, float(limit.requests), now, limit.concurrency, now)])
            row = session.get(Throttle, self.key, with_for_update=True)
        assert row is not None
        # After the lock: who waited for it must not count back.
        return row, max(self.now(session), row.filled_at)

    def _places(self, session: Session, concurrency: int, now: datetime) -> int:
        """This process's share. What can't be divided goes round, so that of more processes than places each has its turn."""
        c = _HOLDERS.c
        mine = (self.key, self.holder, now + timedelta(seconds=HOLDER_S))
        upsert(session, _HOLDERS, ("key", "holder", "expires_at"), [mine], ("expires_at",))
        session.execute(sa.delete(_HOLDERS).where(c.key == self.key, c.expires_at < now))
        holders = list(session.scalars(sa.select(c.holder).where(c.key == self.key).order_by(c.holder)))
        each, left = divmod(concurrency, len(holders))
        turn = (holders.index(self.holder) + int(now.timestamp() / SLICE_S / 2)) % len(holders)
        return each + (1 if turn < left else 0)


def _refill(row: Throttle, limit: RateLimit, unspent: float, now: datetime) -> None:
    elapsed_s = (now - row.filled_at).total_seconds()
    row.tokens = min(float(limit.requests), row.tokens + unspent + elapsed_s * limit.requests / limit.per_s)
    row.filled_at = now
    # The connector may have learnt another limit since.
    row.concurrency = min(row.concurrency, limit.concurrency)
    if row.concurrency < limit.concurrency and now - row.changed_at >= timedelta(seconds=CLEAN_S):
        row.concurrency += 1
        row.changed_at = now


def _standing(row: Throttle, now: datetime) -> Standing:
    left = None if row.resets_at is None else (row.resets_at - now).total_seconds()
    is_over = left is not None and left <= 0
    return Standing(
        row.concurrency,
        row.quota,
        None if is_over else row.remaining,
        None if is_over else left,
        0.0 if row.closed_until is None else max(0.0, (row.closed_until - now).total_seconds()),
        None if row.refused_at is None else (now - row.refused_at).total_seconds(),
        row.reason,
    )
