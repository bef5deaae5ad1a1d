"""What the hub holds less of than its source counts."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import astuple, dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from pmo_hub.store.bulk import upsert
from pmo_hub.store.models.source import Quarantine, Scope
from pmo_hub.store.models.source import Shortfall as Row
from pmo_hub.store.unit_of_work import Session

_ROWS: Any = Row.__table__


@dataclass(frozen=True, slots=True)
class Shortfall:
    """`scope_id` "" where nobody knows which of several scopes lacks it."""

    connection_id: str
    scope_id: str
    kind: str
    expected: int
    lacking: int
    mode: str
    run_id: str
    since: datetime


def put(session: Session, found: Sequence[Shortfall]) -> None:
    """They stand; one that stood before keeps its beginning."""
    columns = tuple(Shortfall.__slots__)
    rows = {(one.connection_id, one.scope_id, one.kind): astuple(one) for one in found}
    upsert(session, _ROWS, columns, list(rows.values()), update=("expected", "lacking", "mode", "run_id"))


def clear(session: Session, connection_id: str, over: Collection[tuple[str, str]]) -> None:
    """Of these (scope, kind) nothing is lacking any more."""
    c = _ROWS.c
    for scope_id, kind in session.execute(sa.select(c.scope_id, c.kind).where(c.connection_id == connection_id)).all():
        if (scope_id, kind) in over:
            session.execute(sa.delete(_ROWS).where(c.connection_id == connection_id, c.scope_id == scope_id, c.kind == kind))


def of_connection(session: Session, connection_id: str) -> list[tuple[Shortfall, str | None]]:
    """Each with the name of its scope, where one is known."""
    c = _ROWS.c
    query = (
        sa.select(*(c[name] for name in Shortfall.__slots__), Scope.name)
        .outerjoin(Scope, Scope.id == c.scope_id)
        .where(c.connection_id == connection_id)
        .order_by(c.lacking.desc(), c.scope_id, c.kind)
    )
    return [(Shortfall(*row[:-1]), row[-1]) for row in session.execute(query)]


def sentence(found: Sequence[tuple[Shortfall, str | None]]) -> str | None:
    """What is lacking, in words; None where nothing is."""
    told = [f"{one.lacking} of {one.expected} {one.kind} objects of {name or 'several scopes'}" for one, name in found[:5]]
    more = f" and more in {len(found) - 5} other places" if len(found) > 5 else ""
    return f"The source counts more than the hub holds: {', '.join(told)}{more}; request a full sync." if told else None


def quarantined(session: Session, scope_id: str, kind: str) -> int:
    """How many of the scope could not be read and are kept as they came."""
    c = Quarantine.__table__.c
    return int(session.scalar(sa.select(sa.func.count()).where(c.scope_id == scope_id, c.kind == kind)) or 0)
