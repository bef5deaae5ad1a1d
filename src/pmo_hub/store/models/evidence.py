"""The evidence log: what waits to be sealed, what is sealed, and the bodies, which alone may be deleted.

`evidence_entries` only grows: triggers of the migration refuse to change or delete a row.
"""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from pmo_hub.store.base import Base, Id, Json

Digest = sa.String(64)


class EvidencePending(Base):
    """Written in the transaction that made it true; `number` only orders."""

    __tablename__ = "evidence_pending"
    number: Mapped[int] = mapped_column(sa.BigInteger().with_variant(sa.Integer(), "sqlite"), primary_key=True)
    at: Mapped[datetime]
    kind: Mapped[str]
    action: Mapped[str]
    subject_type: Mapped[str]
    subject_id: Mapped[str]
    projects: Mapped[list[str]] = mapped_column(Json)
    salt: Mapped[str] = mapped_column(Id)
    body: Mapped[str]  # canonical JSON, as text: its bytes are what is digested


class EvidenceBacklog(Base):
    """Rows from before the log was there, noted by the migration, sealed since."""

    __tablename__ = "evidence_backlog"
    source: Mapped[str] = mapped_column(primary_key=True)  # audit_entries | evaluations
    id: Mapped[str] = mapped_column(Id, primary_key=True)
    recorded_from: Mapped[datetime] = mapped_column(primary_key=True)


class EvidenceHead(Base):
    """The newest entry, in one row: whoever seals holds it."""

    __tablename__ = "evidence_head"
    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    position: Mapped[int] = mapped_column(sa.BigInteger)
    hash: Mapped[str] = mapped_column(Digest)
    sealed_at: Mapped[datetime | None]


class EvidenceEntry(Base):
    __tablename__ = "evidence_entries"
    position: Mapped[int] = mapped_column(sa.BigInteger, primary_key=True, autoincrement=False)
    at: Mapped[datetime]
    sealed_at: Mapped[datetime]
    kind: Mapped[str]
    action: Mapped[str]
    subject_type: Mapped[str]
    subject_id: Mapped[str] = mapped_column(index=True)
    projects: Mapped[list[str]] = mapped_column(Json)
    body_digest: Mapped[str] = mapped_column(Digest)
    previous: Mapped[str] = mapped_column(Digest)
    hash: Mapped[str] = mapped_column(Digest)


class EvidenceBody(Base):
    """What an entry's digest is of; a redaction deletes it."""

    __tablename__ = "evidence_bodies"
    position: Mapped[int] = mapped_column(sa.BigInteger, primary_key=True, autoincrement=False)
    salt: Mapped[str] = mapped_column(Id)
    body: Mapped[str]
