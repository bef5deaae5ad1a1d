"""Groups that wait for an admin because their newest generation lacks too much."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from pmo_hub.store.bulk import is_in
from pmo_hub.store.models.source import HeldGroup

_GROUPS: Any = HeldGroup.__table__


@dataclass(frozen=True, slots=True)
class Held:
    """`missing` of `held` objects are not in the newest generation; `digest` names exactly which."""

    id: str
    connection_id: str
    kind: str
    external_id: str
    missing: int
    held: int
    digest: str
    run_id: str
    held_at: datetime
    accepted_at: datetime | None = None
    accepted_by: str | None = None


_COLUMNS = [getattr(HeldGroup, name) for name in Held.__slots__]


def digest_of(missing: Collection[str]) -> str:
    """A name for exactly these payloads."""
    return sha256("\n".join(sorted(missing)).encode()).hexdigest()


def find(session: Session, id: str) -> Held | None:
    row = session.execute(sa.select(*_COLUMNS).where(HeldGroup.id == id)).one_or_none()
    return None if row is None else Held(*row)


def of_connection(session: Session, connection_id: str) -> Sequence[Held]:
    rows = session.execute(sa.select(*_COLUMNS).where(HeldGroup.connection_id == connection_id).order_by(HeldGroup.external_id))
    return [Held(*row) for row in rows]


def note(session: Session, held: Held) -> None:
    """The group waits with this generation; what was accepted of an earlier one counts no more."""
    forget(session, held.id)
    session.execute(sa.insert(_GROUPS).values({name: getattr(held, name) for name in Held.__slots__}))


def accept(session: Session, ids: Collection[str], at: datetime, by: str) -> None:
    session.execute(sa.update(_GROUPS).where(is_in(session, _GROUPS.c.id, ids)).values(accepted_at=at, accepted_by=by))


def forget(session: Session, id: str) -> None:
    session.execute(sa.delete(_GROUPS).where(_GROUPS.c.id == id))


def forget_others(session: Session, connection_id: str, ids: Collection[str]) -> None:
    """Of the connection only these wait still."""
    others = _GROUPS.c.id.notin_(list(ids)) if ids else sa.true()
    session.execute(sa.delete(_GROUPS).where(_GROUPS.c.connection_id == connection_id, others))
