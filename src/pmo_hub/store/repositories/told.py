"""What a reader of an event is told beside it: names as they are today, and how confidential the project is."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import sqlalchemy as sa

from pmo_hub.store.bulk import is_in
from pmo_hub.store.models.canonical import Identity
from pmo_hub.store.models.governance import Violation
from pmo_hub.store.models.outgoing import Subscription
from pmo_hub.store.models.portfolio import Project
from pmo_hub.store.models.source import Connection
from pmo_hub.store.unit_of_work import Session

_P = Project.__table__.c
_V = Violation.__table__.c
_I = Identity.__table__.c


@dataclass(frozen=True, slots=True)
class ProjectLabel:
    """`owner_id` is the manager, or else the sponsor."""

    name: str
    classification: str | None
    owner_id: str | None


def projects(session: Session, ids: Collection[str]) -> dict[str, ProjectLabel]:
    query = sa.select(_P.id, _P.name, _P.classification, sa.func.coalesce(_P.manager_id, _P.sponsor_id))
    return {row[0]: ProjectLabel(row[1], row[2], row[3]) for row in session.execute(query.where(is_in(session, _P.id, ids)))} if ids else {}


def messages(session: Session, violation_ids: Collection[str]) -> dict[str, str]:
    """Violation → what is wrong, in a sentence."""
    query = sa.select(_V.id, _V.message).where(is_in(session, _V.id, violation_ids))
    return {row[0]: row[1] for row in session.execute(query)} if violation_ids else {}


def people(session: Session, ids: Collection[str]) -> dict[str, str]:
    """Account → the name that it shows."""
    query = sa.select(_I.id, _I.name).where(is_in(session, _I.id, ids))
    return {row[0]: row[1] for row in session.execute(query) if row[1]} if ids else {}


def others(session: Session, ids: Collection[str]) -> dict[str, str]:
    """Connection or subscription → its name."""
    found: dict[str, str] = {}
    for model in (Connection, Subscription):
        c = model.__table__.c
        found |= {row[0]: row[1] for row in session.execute(sa.select(c.id, c.name).where(is_in(session, c.id, ids)))} if ids else {}
    return found
