"""Interactive sign-ins that somebody has begun and nobody finished yet."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from pmo_hub.store.models.source import PendingAuthorization


@dataclass(frozen=True, slots=True)
class Pending:
    """`secret` is ciphertext."""

    state_hash: str
    expires_at: datetime
    secret: bytes = field(repr=False)


def put(session: Session, connection_id: str, pending: Pending) -> None:
    """It is the one that the connection waits for; one that was begun before no longer counts."""
    drop(session, connection_id)
    session.execute(
        sa.insert(PendingAuthorization).values(
            connection_id=connection_id, state_hash=pending.state_hash, secret=pending.secret, expires_at=pending.expires_at
        )
    )


def find(session: Session, connection_id: str) -> Pending | None:
    """The one that the connection waits for, held against others until the transaction ends."""
    p = PendingAuthorization
    query = sa.select(p.state_hash, p.expires_at, p.secret).where(p.connection_id == connection_id).with_for_update()
    row = session.execute(query).one_or_none()
    return None if row is None else Pending(*row)


def drop(session: Session, connection_id: str) -> None:
    """The connection waits for none."""
    session.execute(sa.delete(PendingAuthorization).where(PendingAuthorization.connection_id == connection_id))
