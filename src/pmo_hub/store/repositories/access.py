"""API keys: found by their public prefix, compared by hash elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from pmo_hub.store.models.operation import ApiKey


@dataclass(frozen=True, slots=True)
class StoredKey:
    id: str
    name: str
    prefix: str
    key_hash: str
    scopes: tuple[str, ...]
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None


_COLUMNS = sa.select(*(getattr(ApiKey, name) for name in StoredKey.__slots__))


def _stored(row: sa.Row[Any]) -> StoredKey:
    values = row._asdict()
    return StoredKey(**values | {"scopes": tuple(values["scopes"])})


def insert(session: Session, key: StoredKey) -> None:
    session.execute(
        sa.insert(ApiKey).values(
            id=key.id, name=key.name, prefix=key.prefix, key_hash=key.key_hash, scopes=list(key.scopes),
            created_at=key.created_at, expires_at=key.expires_at, revoked_at=key.revoked_at,
        )
    )  # fmt: skip


def with_prefix(session: Session, prefix: str) -> Sequence[StoredKey]:
    return [_stored(row) for row in session.execute(_COLUMNS.where(ApiKey.prefix == prefix).order_by(ApiKey.id))]


def all_keys(session: Session) -> Sequence[StoredKey]:
    """Every key, the newest first."""
    return [_stored(row) for row in session.execute(_COLUMNS.order_by(ApiKey.created_at.desc(), ApiKey.id))]


def revoke(session: Session, id: str, now: datetime) -> None:
    session.execute(sa.update(ApiKey).where(ApiKey.id == id).values(revoked_at=now))
