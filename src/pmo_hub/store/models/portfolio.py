"""The governed things, the hub's own: portfolio ⊃ program ⊃ project, and which work items are a project's."""

from __future__ import annotations

from datetime import date, datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from pmo_hub.store.base import UNHASHED, Base, Id, Json, Versioned, history_of
from pmo_hub.store.models.canonical import HISTORY, look_up_history


class Project(Versioned, Base):
    """Id of an automatic project: the hash of ("pmo-hub", "project", scope id)."""

    __tablename__ = "projects"
    name: Mapped[str]
    description: Mapped[str | None]
    state: Mapped[str]  # active | on_hold | closed
    sponsor_id: Mapped[str | None] = mapped_column(Id)
    manager_id: Mapped[str | None] = mapped_column(Id)
    methodology: Mapped[str | None]
    phase: Mapped[str | None]
    classification: Mapped[str | None]
    start: Mapped[date | None]
    finish: Mapped[date | None]
    currency: Mapped[str | None]
    time_zone: Mapped[str]
    tags: Mapped[list[str]] = mapped_column(Json)
    is_automatic: Mapped[bool]
    created_at: Mapped[datetime] = mapped_column(sort_order=99, info=UNHASHED)


class Program(Versioned, Base):
    __tablename__ = "programs"
    name: Mapped[str]
    description: Mapped[str | None]
    owner_id: Mapped[str | None] = mapped_column(Id)
    created_at: Mapped[datetime] = mapped_column(sort_order=99, info=UNHASHED)


class Portfolio(Versioned, Base):
    __tablename__ = "portfolios"
    name: Mapped[str]
    description: Mapped[str | None]
    owner_id: Mapped[str | None] = mapped_column(Id)
    created_at: Mapped[datetime] = mapped_column(sort_order=99, info=UNHASHED)


class Placement(Versioned, Base):
    """A program or project in a portfolio or program: optional, many-to-many, dated by its recorded times."""

    __tablename__ = "placements"
    parent_type: Mapped[str]
    parent_id: Mapped[str] = mapped_column(Id, index=True)
    child_type: Mapped[str]
    child_id: Mapped[str] = mapped_column(Id, index=True)


class ProjectRule(Versioned, Base):
    """Which items of a scope are a project's: `narrowing` all | subtree | label | component | version | list | query, with its `value`."""

    __tablename__ = "project_rules"
    project_id: Mapped[str] = mapped_column(Id, index=True)
    scope_id: Mapped[str] = mapped_column(Id, index=True)
    narrowing: Mapped[str]
    value: Mapped[str | None]
    role: Mapped[str]  # schedule | execution | money | history
    history_until: Mapped[date | None]  # of a history: until when it counts


class ProjectMembership(Versioned, Base):
    """Materialised; id: hash of project and item."""

    __tablename__ = "project_memberships"
    project_id: Mapped[str] = mapped_column(Id)
    item_id: Mapped[str] = mapped_column(Id, index=True)
    rule_id: Mapped[str] = mapped_column(Id)
    role: Mapped[str]
    __table_args__ = (sa.Index("ix_project_memberships_project_id_item_id", "project_id", "item_id"),)


HISTORY.update({m.__tablename__: history_of(m) for m in (Project, Program, Portfolio, Placement, ProjectRule, ProjectMembership)})
look_up_history("project_memberships", "item_id")
