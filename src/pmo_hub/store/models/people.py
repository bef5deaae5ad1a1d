"""Persons: one human with many accounts. Names and e-mails are nowhere but in `identities`."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Mapped, mapped_column

from pmo_hub.store.base import Base, Id


class Person(Base):
    __tablename__ = "persons"
    id: Mapped[str] = mapped_column(Id, primary_key=True)
    created_at: Mapped[datetime]


class PersonLink(Base):
    """An account that shares its person with others; derived from addresses and decisions."""

    __tablename__ = "person_links"
    identity_id: Mapped[str] = mapped_column(Id, primary_key=True)
    person_id: Mapped[str] = mapped_column(Id, index=True)
    linked_at: Mapped[datetime]


class PersonDecision(Base):
    """What somebody said of two accounts; `first_id` < `second_id`."""

    __tablename__ = "person_decisions"
    first_id: Mapped[str] = mapped_column(Id, primary_key=True)
    second_id: Mapped[str] = mapped_column(Id, primary_key=True)
    decision: Mapped[str]  # same | different
    decided_by: Mapped[str]
    decided_at: Mapped[datetime]
