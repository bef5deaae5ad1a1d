"""One piece of work in several tools: which items are the same, by whom or which rule, and whose values a project believes."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from pmo_hub.store.base import Base, Id, Json, Versioned, history_of
from pmo_hub.store.models.canonical import HISTORY


class SameAs(Versioned, Base):
    """`duplicate_id` is the same piece of work as `item_id`, which is the one that counts; id: hash of the duplicate's."""

    __tablename__ = "same_as"
    item_id: Mapped[str] = mapped_column(Id, index=True)
    duplicate_id: Mapped[str] = mapped_column(Id)
    how: Mapped[str]  # hand | rule
    rule_id: Mapped[str | None] = mapped_column(Id)
    __table_args__ = (sa.Index("ix_same_as_duplicate_id", "duplicate_id", unique=True),)


class SameAsRule(Base):
    """Items of a connection are the same as those of another whose key their field holds; without a field, those of equal keys."""

    __tablename__ = "same_as_rules"
    id: Mapped[str] = mapped_column(Id, primary_key=True)
    connection_id: Mapped[str] = mapped_column(Id)
    field: Mapped[str | None]
    other_connection_id: Mapped[str] = mapped_column(Id)
    counted: Mapped[str]  # own | other: whose item counts
    created_by: Mapped[str]
    created_at: Mapped[datetime]


class SameAsRefusal(Base):
    """Two items that a rule takes for one piece of work, and that somebody told apart."""

    __tablename__ = "same_as_refusals"
    item_id: Mapped[str] = mapped_column(Id, primary_key=True)
    duplicate_id: Mapped[str] = mapped_column(Id, primary_key=True)
    decided_by: Mapped[str]
    decided_at: Mapped[datetime]


class ProjectPrecedence(Versioned, Base):
    """Field → roles or scope ids in the order in which they are believed; id: the project's."""

    __tablename__ = "project_precedences"
    fields: Mapped[dict[str, list[str]]] = mapped_column(Json)


HISTORY.update({m.__tablename__: history_of(m) for m in (SameAs, ProjectPrecedence)})
