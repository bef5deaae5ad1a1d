"""What iterations promised and delivered: written when they start and when they close, and not touched again by later edits."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Mapped, mapped_column

from pmo_hub.store.base import Base, Id, Versioned, history_of
from pmo_hub.store.models.canonical import HISTORY


class IterationCommitment(Versioned, Base):
    """How far one scope's part of an iteration is written down; its id is the hash of both.

    `phase` none (it has not begun) | active (its start is frozen) | closed (its end too). A scope that is chosen later brings its own
    part, and takes nothing away from another's.
    """

    __tablename__ = "iteration_commitments"
    iteration_id: Mapped[str] = mapped_column(Id, index=True)
    scope_id: Mapped[str] = mapped_column(Id, index=True)
    phase: Mapped[str]
    started_at: Mapped[datetime | None]
    start_basis: Mapped[str | None]  # recorded | reconstructed | unknown
    ended_at: Mapped[datetime | None]
    end_basis: Mapped[str | None]


class CommittedItem(Versioned, Base):
    """An item's part in an iteration; its id is the hash of both. `scope_id` is the one that it was in when it was written down."""

    __tablename__ = "committed_items"
    iteration_id: Mapped[str] = mapped_column(Id, index=True)
    item_id: Mapped[str] = mapped_column(Id, index=True)
    scope_id: Mapped[str] = mapped_column(Id)
    at_start: Mapped[bool]
    start_points: Mapped[float | None]
    done_before: Mapped[bool]
    joined_at: Mapped[datetime | None]
    left_at: Mapped[datetime | None]
    end_points: Mapped[float | None]
    outcome: Mapped[str | None]  # completed | cancelled | done_before | not_completed | carried_over | removed


HISTORY.update({m.__tablename__: history_of(m) for m in (IterationCommitment, CommittedItem)})
