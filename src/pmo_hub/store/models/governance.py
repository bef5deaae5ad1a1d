"""Facts, evaluations, violations, and the events that leave the house."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from pmo_hub.store.base import UNHASHED, Base, Id, Json, Versioned, history_of
from pmo_hub.store.models.canonical import HISTORY, look_up_history


class Fact(Versioned, Base):
    """A measured value about an entity; id: hash of entity and name. Written only when it changes."""

    __tablename__ = "facts"
    entity_type: Mapped[str]
    entity_id: Mapped[str] = mapped_column(Id, index=True)
    name: Mapped[str]
    value: Mapped[Any] = mapped_column(Json, nullable=True)  # NULL: unknown
    value_type: Mapped[str]  # bool | int | float | str | date | datetime | unknown
    unit: Mapped[str | None]
    confidence: Mapped[int]
    reason: Mapped[str | None]
    evidence: Mapped[list[dict[str, Any]]] = mapped_column(Json)
    holds_until: Mapped[datetime | None] = mapped_column(index=True, sort_order=99, info=UNHASHED)


class Binding(Base):
    """Where a built-in check deviates from its default parameters or mode."""

    __tablename__ = "bindings"
    id: Mapped[str] = mapped_column(Id, primary_key=True)
    check_id: Mapped[str] = mapped_column(unique=True)
    mode: Mapped[str]  # disabled | evaluate | active
    parameters: Mapped[dict[str, Any]] = mapped_column(Json)
    updated_at: Mapped[datetime]


class Evaluation(Versioned, Base):
    """The newest result of a check on an entity; id: hash of check, entity and sub-key."""

    __tablename__ = "evaluations"
    check_id: Mapped[str]
    entity_type: Mapped[str]
    entity_id: Mapped[str] = mapped_column(Id, index=True)
    sub_key: Mapped[str]
    result: Mapped[str]  # pass | fail | unknown | not_applicable | error
    message: Mapped[str | None]
    missing: Mapped[list[str]] = mapped_column(Json)
    observed: Mapped[dict[str, Any]] = mapped_column(Json)
    evidence: Mapped[list[dict[str, Any]]] = mapped_column(Json)
    severity: Mapped[str]
    parameters_digest: Mapped[str] = mapped_column(Id)


class Violation(Base):
    """A broken check with a life; `id` is the hash of its fingerprint and its generation."""

    __tablename__ = "violations"
    id: Mapped[str] = mapped_column(Id, primary_key=True)
    fingerprint: Mapped[str] = mapped_column(sa.String(64), index=True)
    generation: Mapped[int]
    previous_id: Mapped[str | None] = mapped_column(Id)
    check_id: Mapped[str]
    entity_type: Mapped[str]
    entity_id: Mapped[str] = mapped_column(Id, index=True)
    project_id: Mapped[str | None] = mapped_column(Id, index=True)
    sub_key: Mapped[str]
    severity: Mapped[str]
    mode: Mapped[str]
    state: Mapped[str]  # open | acknowledged | waived | resolved | closed
    message: Mapped[str]
    remediation: Mapped[str | None]
    evidence: Mapped[list[dict[str, Any]]] = mapped_column(Json)
    opened_at: Mapped[datetime]
    changed_at: Mapped[datetime]
    resolved_at: Mapped[datetime | None]
    occurrences: Mapped[int]
    cause: Mapped[str]
    acknowledge_by: Mapped[datetime | None]
    resolve_by: Mapped[datetime | None]
    breach_at: Mapped[datetime | None]  # the next of the two that runs out; None when no clock runs
    __table_args__ = (
        sa.Index("ix_violations_state_opened_at", "state", "opened_at", "id"),
        sa.Index(
            "ix_violations_breach_at", "breach_at", sqlite_where=sa.text("breach_at IS NOT NULL"),
            postgresql_where=sa.text("breach_at IS NOT NULL"),
        ),
    )  # fmt: skip


class Waiver(Base):
    """A violation is accepted until an instant. `look_at` is when the clock looks: at a reminder, or at the end; None once it is over."""

    __tablename__ = "waivers"
    id: Mapped[str] = mapped_column(Id, primary_key=True)
    violation_id: Mapped[str] = mapped_column(Id, index=True)
    reason: Mapped[str]
    until: Mapped[datetime]
    granted_by: Mapped[str]
    granted_at: Mapped[datetime]
    look_at: Mapped[datetime | None] = mapped_column(index=True)
    ended_at: Mapped[datetime | None]
    ended_as: Mapped[str | None]  # expired | revoked | over (the violation ended before it)
    ended_by: Mapped[str | None]


class ProjectState(Base):
    """What was last told of a project: its ratings and its risk signals' exposures. `is_complete` NULL: no run has ended yet."""

    __tablename__ = "project_states"
    project_id: Mapped[str] = mapped_column(Id, primary_key=True)
    rating: Mapped[str | None]
    ratings: Mapped[dict[str, str]] = mapped_column(Json)
    exposures: Mapped[dict[str, int] | None] = mapped_column(Json)
    is_stale: Mapped[bool]
    is_complete: Mapped[bool | None]
    changed_at: Mapped[datetime]


class Event(Base):
    """The outbox: written in the transaction that caused it; its id is the hash of what happened, so it is there once."""

    __tablename__ = "events"
    id: Mapped[str] = mapped_column(Id, primary_key=True)
    type: Mapped[str]
    subject_type: Mapped[str]
    subject_id: Mapped[str] = mapped_column(Id, index=True)
    sequence: Mapped[int]
    data: Mapped[dict[str, Any]] = mapped_column(Json)
    occurred_at: Mapped[datetime]
    position: Mapped[int | None] = mapped_column(sa.BigInteger, unique=True)  # given by one dispatcher after commit
    # What filters ask for, as it was when the position was given.
    project_id: Mapped[str | None] = mapped_column(Id)
    portfolio_ids: Mapped[list[str] | None] = mapped_column(Json)
    severity: Mapped[str | None]
    check_id: Mapped[str | None]
    owner_id: Mapped[str | None] = mapped_column(Id)
    classification: Mapped[str | None]  # "?": of a project that was gone by then
    __table_args__ = (
        sa.Index(
            "ix_events_unplaced", "occurred_at", "id", sqlite_where=sa.text("position IS NULL"),
            postgresql_where=sa.text("position IS NULL"),
        ),
        sa.Index("ix_events_type_position", "type", "position"),
        sa.Index("ix_events_project_id_position", "project_id", "position"),
    )  # fmt: skip


HISTORY.update({m.__tablename__: history_of(m) for m in (Fact, Evaluation)})
look_up_history("facts", "entity_id")
