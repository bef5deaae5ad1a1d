"""What was last told of projects: ratings and exposures, so that a change is told once."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from pmo_hub.store.bulk import is_in, json_text, upsert
from pmo_hub.store.models.governance import ProjectState
from pmo_hub.store.unit_of_work import Session

_TABLE: Any = ProjectState.__table__
_P = ProjectState.__table__.c


@dataclass(frozen=True, slots=True)
class KeptState:
    """`ratings` by dimension, `exposures` by kind of signal; `is_stale` and `is_complete` say how the data was when that was told.

    `rating` None: it was never synced. `exposures` None: its risks were never told.
    """

    project_id: str
    rating: str | None
    ratings: Mapping[str, str]
    exposures: Mapping[str, int] | None
    is_stale: bool
    is_complete: bool | None
    changed_at: datetime


_NAMES = tuple(one.name for one in fields(KeptState))


def of(session: Session, project_ids: Collection[str]) -> dict[str, KeptState]:
    """Project → what was last told, of those of which anything was."""
    query = sa.select(*(_P[name] for name in _NAMES)).where(is_in(session, _P.project_id, project_ids))
    return {row[0]: KeptState(*row) for row in session.execute(query)} if project_ids else {}


def save(session: Session, states: Collection[KeptState]) -> None:
    """Each is stored as it is given."""
    rows = [
        tuple(json_text(value) if name in ("ratings", "exposures") else value for name, value in zip(_NAMES, values, strict=True))
        for values in ([getattr(one, name) for name in _NAMES] for one in states)
    ]
    upsert(session, _TABLE, _NAMES, rows, update=_NAMES[1:])


def drop(session: Session, project_ids: Collection[str]) -> None:
    if project_ids:
        session.execute(sa.delete(ProjectState).where(is_in(session, _P.project_id, project_ids)))
