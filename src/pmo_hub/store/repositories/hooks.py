"""Incoming webhooks: what a connection takes, what came, what is still to be fetched.

Whoever changes what is pending of a connection holds the lock of its hook's row, so that a delivery and the end of a fetch can't miss
each other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from pmo_hub.store.models.hooks import Hook, HookDelivery, HookRef
from pmo_hub.store.models.source import Connection

MOST_TYPES = 50
"""So many unknown types are counted by their names, further ones together."""

OTHERS = "…"

WAITING = "waiting"
FETCHED = "fetched"
EMPTY = "empty"
UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class StoredHook:
    """A connection's hook; `unknown` counts deliveries of unknown types by type."""

    connection_id: str
    proof: str
    url: str
    secrets: bytes
    token_hash: str | None
    older_token_hash: str | None
    older_until: datetime | None
    created_at: datetime
    rotated_at: datetime
    sequence: int = 0
    accepted: int = 0
    duplicates: int = 0
    refused: int = 0
    unknown: dict[str, int] | None = None
    last_accepted_at: datetime | None = None
    last_refused_at: datetime | None = None
    registration_id: str | None = None
    registration_expires_at: datetime | None = None
    registration_error: str | None = None

    def __repr__(self) -> str:
        return f"StoredHook(connection_id={self.connection_id!r}, proof={self.proof!r})"


@dataclass(frozen=True, slots=True)
class Pending:
    """An object to be fetched; kind "" stands for the reference of the scope `external_id`."""

    kind: str
    external_id: str
    is_deleted: bool
    sequence: int


@dataclass(frozen=True, slots=True)
class Received:
    """A delivery as it is kept."""

    id: str
    type: str
    state: str
    received_at: datetime


class Outcome(StrEnum):
    """What became of a delivery."""

    ACCEPTED = "accepted"
    DUPLICATE = "duplicate"
    UNHELD = "unheld"  # the hook was taken away meanwhile


_HOOK = [getattr(Hook, name) for name in StoredHook.__slots__]


def find(session: Session, connection_id: str) -> StoredHook | None:
    row = session.execute(sa.select(*_HOOK).where(Hook.connection_id == connection_id)).one_or_none()
    return None if row is None else StoredHook(*row)


def of_connections(session: Session, connection_ids: Sequence[str]) -> dict[str, StoredHook]:
    rows = session.execute(sa.select(*_HOOK).where(Hook.connection_id.in_(list(connection_ids))))
    return {hook.connection_id: hook for hook in (StoredHook(*row) for row in rows)}


def put(session: Session, hook: StoredHook) -> None:
    """It is stored. Of one that was there, what was counted and what came stay."""
    values = {**asdict(hook), "unknown": hook.unknown or {}}
    counted = ("sequence", "accepted", "duplicates", "refused", "unknown", "last_accepted_at", "last_refused_at", "created_at")
    kept = {name: value for name, value in values.items() if name not in counted}
    result: Any = session.execute(sa.update(Hook).where(Hook.connection_id == hook.connection_id).values(kept))
    if result.rowcount == 0:
        session.execute(sa.insert(Hook).values(values))


def drop(session: Session, connection_id: str) -> bool:
    """It is gone with all that came; False where there was none."""
    for table in (HookRef, HookDelivery):
        session.execute(sa.delete(table).where(table.connection_id == connection_id))
    result: Any = session.execute(sa.delete(Hook).where(Hook.connection_id == connection_id))
    return int(result.rowcount) == 1


def take(
    session: Session, connection_id: str, id: str, type: str, state: str, refs: Sequence[tuple[str, str, bool]], now: datetime
) -> Outcome:
    """The delivery is kept and its refs (kind, external id, whether it was deleted) are pending; a repeated one changes nothing."""
    bumped = sa.update(Hook).where(Hook.connection_id == connection_id).values(sequence=Hook.sequence + 1)
    row = session.execute(bumped.returning(Hook.sequence, Hook.unknown)).one_or_none()
    if row is None:
        return Outcome.UNHELD
    sequence, unknown = row
    own = sa.update(Hook).where(Hook.connection_id == connection_id)
    there = sa.select(HookDelivery.id).where(HookDelivery.connection_id == connection_id, HookDelivery.id == id)
    if session.scalar(there) is not None:
        session.execute(own.values(duplicates=Hook.duplicates + 1))
        return Outcome.DUPLICATE
    session.execute(
        sa.insert(HookDelivery).values(connection_id=connection_id, id=id, type=type, state=state, sequence=sequence, received_at=now)
    )
    counted: dict[str, Any] = {"accepted": Hook.accepted + 1, "last_accepted_at": now}
    if state == UNKNOWN:
        name = type if type in unknown or len(unknown) < MOST_TYPES else OTHERS
        counted["unknown"] = {**unknown, name: unknown.get(name, 0) + 1}
    session.execute(own.values(**counted))
    _want(session, connection_id, refs, sequence, now)
    return Outcome.ACCEPTED


def _want(session: Session, connection_id: str, refs: Sequence[tuple[str, str, bool]], sequence: int, now: datetime) -> None:
    mine = HookRef.connection_id == connection_id
    for kind, external_id, is_deleted in refs:
        one = sa.update(HookRef).where(mine, HookRef.kind == kind, HookRef.external_id == external_id)
        told = {"is_deleted": True} if is_deleted else {}
        result: Any = session.execute(one.values(sequence=sequence, **told))
        if result.rowcount == 0:
            session.execute(
                sa.insert(HookRef).values(
                    connection_id=connection_id, kind=kind, external_id=external_id, is_deleted=is_deleted, sequence=sequence, since=now
                )
            )


def count_refused(session: Session, connection_id: str, count: int, at: datetime) -> None:
    """So many more deliveries did not show who sent them, the last of them then."""
    session.execute(sa.update(Hook).where(Hook.connection_id == connection_id).values(refused=Hook.refused + count, last_refused_at=at))


def pending(session: Session, connection_id: str, up_to: int, limit: int) -> list[Pending]:
    """The objects named longest ago by deliveries up to that one, and by none since."""
    query = (
        sa.select(HookRef.kind, HookRef.external_id, HookRef.is_deleted, HookRef.sequence)
        .where(HookRef.connection_id == connection_id, HookRef.sequence <= up_to)
        .order_by(HookRef.sequence, HookRef.kind, HookRef.external_id)
        .limit(limit)
    )
    return [Pending(*row) for row in session.execute(query)]


def stale(session: Session, connection_id: str, up_to: int) -> list[Pending]:
    """Of what is pending, the scopes whose reference must be read again."""
    query = sa.select(HookRef.kind, HookRef.external_id, HookRef.is_deleted, HookRef.sequence)
    mine = query.where(HookRef.connection_id == connection_id, HookRef.kind == "", HookRef.sequence <= up_to)
    return [Pending(*row) for row in session.execute(mine.order_by(HookRef.external_id))]


def newest(session: Session, connection_id: str) -> int:
    """The number of the newest delivery; 0 for none."""
    return session.scalar(sa.select(Hook.sequence).where(Hook.connection_id == connection_id)) or 0


def settle(session: Session, connection_id: str, fetched: Sequence[Pending]) -> None:
    """These are fetched, but for those that another delivery has named since."""
    session.execute(sa.select(Hook.connection_id).where(Hook.connection_id == connection_id).with_for_update())
    for one in fetched:
        session.execute(
            sa.delete(HookRef).where(
                HookRef.connection_id == connection_id, HookRef.kind == one.kind, HookRef.external_id == one.external_id,
                HookRef.sequence == one.sequence,
            )
        )  # fmt: skip


def settle_deliveries(session: Session, connection_id: str, up_to: int) -> None:
    """What deliveries up to that one named is fetched."""
    d = HookDelivery
    waiting = sa.update(d).where(d.connection_id == connection_id, d.state == WAITING, d.sequence <= up_to)
    session.execute(waiting.values(state=FETCHED))


def deliveries(session: Session, connection_id: str, after: tuple[datetime, str] | None, limit: int) -> list[Received]:
    """What came, the newest first, those after (received, id)."""
    d = HookDelivery
    query = sa.select(d.id, d.type, d.state, d.received_at).where(d.connection_id == connection_id)
    if after is not None:
        query = query.where(sa.tuple_(d.received_at, d.id) < after)
    return [Received(*row) for row in session.execute(query.order_by(d.received_at.desc(), d.id.desc()).limit(limit))]


def count_pending(session: Session, connection_ids: Sequence[str]) -> dict[str, int]:
    """Connection → how many objects are to be fetched."""
    query = sa.select(HookRef.connection_id, sa.func.count()).where(HookRef.connection_id.in_(list(connection_ids)))
    return {row[0]: row[1] for row in session.execute(query.group_by(HookRef.connection_id))}


def with_pending(session: Session) -> list[tuple[str, int]]:
    """Active connections of which something is to be fetched, with their interval in minutes."""
    some = sa.exists().where(HookRef.connection_id == Connection.id)
    query = sa.select(Connection.id, Connection.interval_minutes).where(Connection.state == "active", some).order_by(Connection.id)
    return [(row[0], row[1]) for row in session.execute(query)]


def expiring(session: Session, before: datetime) -> list[StoredHook]:
    """Hooks whose registration ends before then, of active connections."""
    query = sa.select(*_HOOK).join(Connection, Connection.id == Hook.connection_id)
    query = query.where(Connection.state == "active", Hook.registration_id.is_not(None), Hook.registration_expires_at < before)
    return [StoredHook(*row) for row in session.execute(query.order_by(Hook.connection_id))]


def note_registration(session: Session, connection_id: str, id: str | None, expires_at: datetime | None, error: str | None) -> None:
    values = {"registration_id": id, "registration_expires_at": expires_at, "registration_error": error}
    session.execute(sa.update(Hook).where(Hook.connection_id == connection_id).values(values))


def forget(session: Session, before: datetime, pending_before: datetime) -> None:
    """Deliveries from `before` are no longer recognised; what nobody could fetch since `pending_before` is left to the polls."""
    session.execute(sa.delete(HookDelivery).where(HookDelivery.received_at < before))
    session.execute(sa.delete(HookRef).where(HookRef.since < pending_before))
