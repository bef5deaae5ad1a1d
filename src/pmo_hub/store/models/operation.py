"""Access, audit and jobs."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from pmo_hub.store.base import Base, Id, Json


class ApiKey(Base):
    """A key is shown once; only its SHA-256 is kept."""

    __tablename__ = "api_keys"
    id: Mapped[str] = mapped_column(Id, primary_key=True)
    name: Mapped[str]
    prefix: Mapped[str]
    key_hash: Mapped[str] = mapped_column(sa.String(64), unique=True)
    scopes: Mapped[list[str]] = mapped_column(Json)
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]


class AuditEntry(Base):
    __tablename__ = "audit_entries"
    id: Mapped[str] = mapped_column(Id, primary_key=True)
    at: Mapped[datetime] = mapped_column(index=True)
    actor: Mapped[str]
    action: Mapped[str]
    subject_type: Mapped[str]
    subject_id: Mapped[str]
    detail: Mapped[dict[str, Any]] = mapped_column(Json)


class Job(Base):
    """A unit of queued work; `slot` is unique, so that a fire inserts one job; at most one job of a `lock` runs."""

    __tablename__ = "jobs"
    id: Mapped[str] = mapped_column(Id, primary_key=True)
    kind: Mapped[str]
    slot: Mapped[str] = mapped_column(unique=True)
    lock: Mapped[str] = mapped_column(index=True)
    arguments: Mapped[dict[str, Any]] = mapped_column(Json)
    state: Mapped[str]  # waiting | running | finished | failed
    run_at: Mapped[datetime] = mapped_column(index=True)
    attempts: Mapped[int]
    holder: Mapped[str | None]
    heartbeat_at: Mapped[datetime | None]
    error: Mapped[str | None]
    created_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]


class Throttle(Base):
    """What one account's workers may still ask of a source, whichever process they are in; the database's clock tells the time."""

    __tablename__ = "throttles"
    key: Mapped[str] = mapped_column(Id, primary_key=True)
    tokens: Mapped[float]
    filled_at: Mapped[datetime]
    concurrency: Mapped[int]
    changed_at: Mapped[datetime]
    halved_at: Mapped[datetime | None]
    closed_until: Mapped[datetime | None]
    refused_at: Mapped[datetime | None]
    reason: Mapped[str | None]
    quota: Mapped[int | None]
    remaining: Mapped[int | None]
    resets_at: Mapped[datetime | None]


class ThrottleHolder(Base):
    """A process that asks under a throttle now, so that the others leave it its share."""

    __tablename__ = "throttle_holders"
    key: Mapped[str] = mapped_column(Id, primary_key=True)
    holder: Mapped[str] = mapped_column(primary_key=True)
    expires_at: Mapped[datetime]
