"""What leaves the house: who wants to hear of what, what is to be sent, and what came of it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from pmo_hub.store.base import Base, Id, Json


class OutboxHead(Base):
    """One row: the position that was given last. Whoever gives positions holds its lock until they are committed."""

    __tablename__ = "outbox_head"
    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    position: Mapped[int] = mapped_column(sa.BigInteger)


class Subscription(Base):
    """Who is told of what. `sealed` is ciphertext bound to this row: the address whole, and the secrets; `address` is what may be shown."""

    __tablename__ = "subscriptions"
    id: Mapped[str] = mapped_column(Id, primary_key=True)
    name: Mapped[str]
    format: Mapped[str]
    state: Mapped[str] = mapped_column(index=True)  # active | paused (what is to be sent waits) | disabled (nothing is sent any more)
    address: Mapped[str]
    sealed: Mapped[bytes] = mapped_column(sa.LargeBinary)
    types: Mapped[list[str]] = mapped_column(Json)
    filters: Mapped[dict[str, Any]] = mapped_column(Json)
    is_thin: Mapped[bool]
    digest: Mapped[str | None]  # a rhythm; None: told at once
    time_zone: Mapped[str]
    quiet_hours: Mapped[list[dict[str, Any]]] = mapped_column(Json)
    disabled_reason: Mapped[str | None]
    created_by: Mapped[str]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]


class Lane(Base):
    """The way to one endpoint: who walks it now, how it fares, and until when it is left alone."""

    __tablename__ = "lanes"
    subscription_id: Mapped[str] = mapped_column(Id, sa.ForeignKey("subscriptions.id", ondelete="CASCADE"), primary_key=True)
    holder: Mapped[str | None]
    fence: Mapped[int]
    expires_at: Mapped[datetime | None]
    rest_until: Mapped[datetime | None]
    failures: Mapped[int]  # in a row
    failing_since: Mapped[datetime | None]
    last_delivered_at: Mapped[datetime | None]
    last_failed_at: Mapped[datetime | None]
    last_error: Mapped[str | None]


class HeldEvent(Base):
    """An event that waits for a digest, or for the end of quiet hours, to be told with others."""

    __tablename__ = "held_events"
    subscription_id: Mapped[str] = mapped_column(Id, sa.ForeignKey("subscriptions.id", ondelete="CASCADE"), primary_key=True)
    event_id: Mapped[str] = mapped_column(Id, primary_key=True)
    position: Mapped[int] = mapped_column(sa.BigInteger)
    project_id: Mapped[str | None] = mapped_column(Id)
    owner_id: Mapped[str | None] = mapped_column(Id)
    due_at: Mapped[datetime] = mapped_column(index=True)


class Delivery(Base):
    """One message to one subscription. Of an `order_key` (an entity, or of a group its project) the earliest position goes first."""

    __tablename__ = "deliveries"
    id: Mapped[str] = mapped_column(Id, primary_key=True)
    subscription_id: Mapped[str] = mapped_column(Id, sa.ForeignKey("subscriptions.id", ondelete="CASCADE"))
    message_id: Mapped[str] = mapped_column(Id)
    event_ids: Mapped[list[str]] = mapped_column(Json)
    is_digest: Mapped[bool]
    order_key: Mapped[str] = mapped_column(Id)
    position: Mapped[int] = mapped_column(sa.BigInteger)
    state: Mapped[str]  # waiting | delivered | dead
    attempts: Mapped[int]  # since it was made or replayed
    due_at: Mapped[datetime]
    created_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    last_status: Mapped[int | None]
    last_error: Mapped[str | None]
    replays: Mapped[int]
    __table_args__ = (
        sa.Index("ix_deliveries_due", "subscription_id", "state", "due_at", "position"),
        sa.Index(
            "ix_deliveries_order", "subscription_id", "order_key", "position",
            sqlite_where=sa.text("state = 'waiting'"), postgresql_where=sa.text("state = 'waiting'"),
        ),
        sa.Index("ix_deliveries_made", "subscription_id", "created_at", "id"),
        sa.Index("ix_deliveries_ended", "ended_at"),
    )  # fmt: skip


class Attempt(Base):
    """One try at a delivery, with the beginning of what was answered; numbered through all replays."""

    __tablename__ = "delivery_attempts"
    delivery_id: Mapped[str] = mapped_column(Id, sa.ForeignKey("deliveries.id", ondelete="CASCADE"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    at: Mapped[datetime]
    duration_ms: Mapped[int]
    status: Mapped[int | None]
    error: Mapped[str | None]
    excerpt: Mapped[str | None]
