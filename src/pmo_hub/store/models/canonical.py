"""The canonical model of what sources hold; current rows, each with its history table.

No foreign keys between rows that are born of a source: a reference may be written before its target arrives.
"""

from __future__ import annotations

from datetime import date, datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from pmo_hub.store.base import UNHASHED, Base, Id, Json, Versioned, history_of


class WorkItem(Versioned, Base):
    __tablename__ = "work_items"
    scope_id: Mapped[str] = mapped_column(Id)
    external_id: Mapped[str]
    key: Mapped[str] = mapped_column(index=True)
    url: Mapped[str | None]
    title: Mapped[str]
    description: Mapped[str | None]
    kind: Mapped[str]
    original_type: Mapped[str]
    status_category: Mapped[str]
    original_status: Mapped[str]
    original_status_id: Mapped[str | None]
    resolution: Mapped[str | None]
    parent_id: Mapped[str | None] = mapped_column(Id)
    priority: Mapped[int | None]
    original_priority: Mapped[str | None]
    assignee_id: Mapped[str | None] = mapped_column(Id)
    reporter_id: Mapped[str | None] = mapped_column(Id)
    created_at: Mapped[datetime | None]
    planned_start: Mapped[date | None]
    planned_finish: Mapped[date | None]
    actual_start: Mapped[datetime | None]
    actual_finish: Mapped[datetime | None]
    due: Mapped[date | None]
    points: Mapped[float | None]
    work_hours: Mapped[float | None]
    spent_hours: Mapped[float | None]
    remaining_hours: Mapped[float | None]
    percent_complete: Mapped[float | None]
    flagged: Mapped[bool | None]
    labels: Mapped[list[str]] = mapped_column(Json)
    component_ids: Mapped[list[str]] = mapped_column(Json)
    version_ids: Mapped[list[str]] = mapped_column(Json)
    iteration_ids: Mapped[list[str]] = mapped_column(Json)
    is_active: Mapped[bool]
    counts: Mapped[bool]
    uncounted: Mapped[str | None]
    updated_at: Mapped[datetime | None] = mapped_column(sort_order=99, info=UNHASHED)  # outside the row hash
    __table_args__ = (
        sa.Index("ix_work_items_scope_id", "scope_id"),
        # The order of the lists by default, what has no value last: without it each page sorts every item. 2 µs an item that is written.
        sa.Index("ix_work_items_newest", sa.text("(updated_at IS NULL)"), sa.text("updated_at DESC"), "id"),
    )


class Dependency(Versioned, Base):
    __tablename__ = "dependencies"
    external_id: Mapped[str]
    predecessor_id: Mapped[str] = mapped_column(Id, index=True)
    successor_id: Mapped[str] = mapped_column(Id, index=True)
    dependency_type: Mapped[str]
    lag_hours: Mapped[float]
    original_type: Mapped[str | None]


class Transition(Versioned, Base):
    __tablename__ = "transitions"
    external_id: Mapped[str]
    item_id: Mapped[str] = mapped_column(Id, index=True)
    field: Mapped[str]
    original_field: Mapped[str]
    from_id: Mapped[str | None]
    from_text: Mapped[str | None]
    to_id: Mapped[str | None]
    to_text: Mapped[str | None]
    at: Mapped[datetime]
    actor_id: Mapped[str | None] = mapped_column(Id)
    from_category: Mapped[str | None]
    to_category: Mapped[str | None]


class Comment(Versioned, Base):
    __tablename__ = "comments"
    external_id: Mapped[str]
    item_id: Mapped[str] = mapped_column(Id, index=True)
    author_id: Mapped[str | None] = mapped_column(Id)
    created_at: Mapped[datetime | None]
    body: Mapped[str | None]
    updated_at: Mapped[datetime | None] = mapped_column(sort_order=99, info=UNHASHED)


class Worklog(Versioned, Base):
    __tablename__ = "worklogs"
    external_id: Mapped[str]
    item_id: Mapped[str] = mapped_column(Id, index=True)
    author_id: Mapped[str | None] = mapped_column(Id)
    started_at: Mapped[datetime | None]
    hours: Mapped[float | None]
    body: Mapped[str | None]
    created_at: Mapped[datetime | None]
    updated_at: Mapped[datetime | None] = mapped_column(sort_order=99, info=UNHASHED)


class CustomValue(Versioned, Base):
    __tablename__ = "custom_values"
    external_id: Mapped[str]
    item_id: Mapped[str] = mapped_column(Id, index=True)
    field: Mapped[str]
    name: Mapped[str]
    text: Mapped[str | None]
    number: Mapped[float | None]
    day: Mapped[date | None]
    identity_id: Mapped[str | None] = mapped_column(Id)


class Iteration(Versioned, Base):
    __tablename__ = "iterations"
    external_id: Mapped[str]
    name: Mapped[str]
    state: Mapped[str | None]
    goal: Mapped[str | None]
    starts_at: Mapped[datetime | None]
    ends_at: Mapped[datetime | None]
    completed_at: Mapped[datetime | None]
    mention_version: Mapped[str | None] = mapped_column(sort_order=99, info=UNHASHED)


class Board(Versioned, Base):
    __tablename__ = "boards"
    external_id: Mapped[str]
    name: Mapped[str]
    original_type: Mapped[str | None]
    estimation_field: Mapped[str | None]
    mention_version: Mapped[str | None] = mapped_column(sort_order=99, info=UNHASHED)


class BoardColumn(Versioned, Base):
    __tablename__ = "board_columns"
    external_id: Mapped[str]
    board_id: Mapped[str] = mapped_column(Id, index=True)
    name: Mapped[str]
    position: Mapped[int]
    statuses: Mapped[list[str]] = mapped_column(Json)
    minimum: Mapped[int | None]
    maximum: Mapped[int | None]


class Label(Versioned, Base):
    __tablename__ = "labels"
    external_id: Mapped[str]
    name: Mapped[str]
    mention_version: Mapped[str | None] = mapped_column(sort_order=99, info=UNHASHED)


class Component(Versioned, Base):
    __tablename__ = "components"
    external_id: Mapped[str]
    name: Mapped[str]
    lead_id: Mapped[str | None] = mapped_column(Id)
    mention_version: Mapped[str | None] = mapped_column(sort_order=99, info=UNHASHED)


class Version(Versioned, Base):
    __tablename__ = "versions"
    external_id: Mapped[str]
    name: Mapped[str]
    released: Mapped[bool | None]
    archived: Mapped[bool | None]
    starts_on: Mapped[date | None]
    released_on: Mapped[date | None]
    mention_version: Mapped[str | None] = mapped_column(sort_order=99, info=UNHASHED)


class Identity(Versioned, Base):
    """An account. It has no history table: a name or an e-mail that was forgotten is nowhere."""

    __tablename__ = "identities"
    external_id: Mapped[str]
    name: Mapped[str | None]
    email: Mapped[str | None]
    is_active: Mapped[bool | None]
    account_type: Mapped[str | None]
    mention_version: Mapped[str | None] = mapped_column(sort_order=99, info=UNHASHED)


class IterationMembership(Versioned, Base):
    """Derived from an item's creation, its current iterations and its transitions. Id: hash of item, iteration and joined_at."""

    __tablename__ = "iteration_memberships"
    item_id: Mapped[str] = mapped_column(Id, index=True)
    iteration_id: Mapped[str] = mapped_column(Id, index=True)
    joined_at: Mapped[datetime | None]
    left_at: Mapped[datetime | None]


class ItemTiming(Versioned, Base):
    """Derived: when work on an item began and ended. Its id is the item's."""

    __tablename__ = "item_timings"
    started_at: Mapped[datetime | None]
    done_at: Mapped[datetime | None]
    status_since: Mapped[datetime | None]
    reopened: Mapped[int]
    due_moves: Mapped[int]


HISTORY: dict[str, sa.Table] = {
    model.__tablename__: history_of(model)
    for model in (
        WorkItem,
        Dependency,
        Transition,
        Comment,
        Worklog,
        CustomValue,
        Iteration,
        Board,
        BoardColumn,
        Label,
        Component,
        Version,
        IterationMembership,
        ItemTiming,
    )
}
"""Table name → its history table; filled by every module of models that has versioned tables."""


def look_up_history(table: str, *columns: str) -> None:
    """Superseded rows are found by each of these columns too: what is asked `as_of` would else read the whole past."""
    for column in columns:
        sa.Index(f"ix_{table}_history_{column}", HISTORY[table].c[column])


look_up_history("work_items", "scope_id", "key")
look_up_history("dependencies", "predecessor_id", "successor_id")
