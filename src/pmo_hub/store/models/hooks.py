"""Incoming webhooks: which connections take them, what came, what is still to be fetched."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from pmo_hub.store.base import Base, Id, Json


class Hook(Base):
    """A connection takes deliveries. `secrets` is ciphertext bound to this row (empty with proof "token", whose hash is kept)."""

    __tablename__ = "hooks"
    connection_id: Mapped[str] = mapped_column(Id, sa.ForeignKey("connections.id", ondelete="CASCADE"), primary_key=True)
    proof: Mapped[str]  # signature | token
    url: Mapped[str]  # without the token
    secrets: Mapped[bytes] = mapped_column(sa.LargeBinary)
    token_hash: Mapped[str | None] = mapped_column(sa.String(64))
    older_token_hash: Mapped[str | None] = mapped_column(sa.String(64))
    older_until: Mapped[datetime | None]  # until then the former secret or token is taken too
    created_at: Mapped[datetime]
    rotated_at: Mapped[datetime]
    sequence: Mapped[int]  # of the newest delivery; only grows
    accepted: Mapped[int]
    duplicates: Mapped[int]
    refused: Mapped[int]
    unknown: Mapped[dict[str, int]] = mapped_column(Json)  # how often, by type
    last_accepted_at: Mapped[datetime | None]
    last_refused_at: Mapped[datetime | None]
    registration_id: Mapped[str | None]
    registration_expires_at: Mapped[datetime | None]
    registration_error: Mapped[str | None]


class HookDelivery(Base):
    """A delivery that showed who sent it; kept for days, so that it is recognised when it is sent again."""

    __tablename__ = "hook_deliveries"
    connection_id: Mapped[str] = mapped_column(Id, sa.ForeignKey("hooks.connection_id", ondelete="CASCADE"), primary_key=True)
    id: Mapped[str] = mapped_column(Id, primary_key=True)
    type: Mapped[str]
    state: Mapped[str]  # waiting | fetched | empty (it named nothing) | unknown (nobody knows its type)
    sequence: Mapped[int]
    received_at: Mapped[datetime] = mapped_column(index=True)


class HookRef(Base):
    """An object that deliveries named and no run has fetched since the newest of them; kind "" stands for a scope's reference."""

    __tablename__ = "hook_refs"
    connection_id: Mapped[str] = mapped_column(Id, sa.ForeignKey("hooks.connection_id", ondelete="CASCADE"), primary_key=True)
    kind: Mapped[str] = mapped_column(primary_key=True)
    external_id: Mapped[str] = mapped_column(primary_key=True)
    is_deleted: Mapped[bool]  # a sender said so
    sequence: Mapped[int]
    since: Mapped[datetime]
