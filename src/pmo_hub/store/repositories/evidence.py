"""The evidence log's rows: added by whoever causes them, sealed by one, read in the order of their positions."""

from __future__ import annotations

import secrets
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from pmo_hub.domain.chain import GENESIS, REDACTABLE, Entry, canonical
from pmo_hub.store.bulk import insert_new, is_in, json_text
from pmo_hub.store.models.canonical import HISTORY
from pmo_hub.store.models.evidence import EvidenceBacklog, EvidenceBody, EvidenceEntry, EvidenceHead, EvidencePending
from pmo_hub.store.models.governance import Evaluation, Violation
from pmo_hub.store.models.operation import AuditEntry
from pmo_hub.store.models.portfolio import ProjectMembership
from pmo_hub.store.unit_of_work import Session

_PENDING: Any = EvidencePending.__table__
_BACKLOG: Any = EvidenceBacklog.__table__
_HEAD: Any = EvidenceHead.__table__
_ENTRIES: Any = EvidenceEntry.__table__
_BODIES: Any = EvidenceBody.__table__

_ADDED = ("at", "kind", "action", "subject_type", "subject_id", "projects", "salt", "body")
_SEALED = (
    "position", "at", "sealed_at", "kind", "action", "subject_type", "subject_id", "projects", "body_digest", "previous", "hash",
)  # fmt: skip
_ONLY = 1  # the head's one row


@dataclass(frozen=True, slots=True)
class NewEntry:
    """Something to be sealed. `projects` are those that it is about; none: the hub as a whole."""

    at: datetime
    kind: str
    action: str
    subject_type: str
    subject_id: str
    projects: tuple[str, ...]
    body: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Waiting:
    """An entry that has no position yet; `body` is canonical JSON."""

    number: int
    at: datetime
    kind: str
    action: str
    subject_type: str
    subject_id: str
    projects: tuple[str, ...]
    salt: str
    body: str


@dataclass(frozen=True, slots=True)
class Head:
    """The newest entry: as many entries as its position says, each sealed by its hash."""

    position: int = 0
    hash: str = GENESIS
    sealed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Kept:
    """An entry as it is stored, with the hash that was stored beside it."""

    entry: Entry
    hash: str


def add(session: Session, entries: Iterable[NewEntry]) -> None:
    """The entries wait to be sealed, in their order, if the transaction is committed."""
    rows = [
        (
            one.at, one.kind, one.action, one.subject_type, one.subject_id, json_text(sorted(one.projects)), secrets.token_hex(16),
            canonical(one.body),
        )
        for one in entries
    ]  # fmt: skip
    if rows:
        insert_new(session, _PENDING, _ADDED, rows)


def projects_of(session: Session, subjects: Collection[tuple[str, str]]) -> dict[tuple[str, str], tuple[str, ...]]:
    """Of subjects of the audit log (type and id): the projects that they belong to, as far as they belong to some."""
    found: dict[tuple[str, str], tuple[str, ...]] = {one: (one[1],) for one in subjects if one[0] == "project"}
    v, m = Violation.__table__.c, ProjectMembership.__table__.c
    for type, own, project in (("violation", v.id, v.project_id), ("work_item", m.item_id, m.project_id)):
        ids = [id for kind, id in subjects if kind == type]
        if ids:
            query = sa.select(own, project).where(is_in(session, own, ids), project.is_not(None)).distinct().order_by(own, project)
            for id, of in session.execute(query):
                found[type, id] = (*found.get((type, id), ()), of)
    return found


def anything_waits(session: Session) -> bool:
    """Whether there is something to seal."""
    here = sa.select(sa.exists(sa.select(_PENDING.c.number)), sa.exists(sa.select(_BACKLOG.c.id)))
    return any(session.execute(here).one())


def head(session: Session) -> Head:
    """The newest entry; position 0 before there is one."""
    found = session.execute(sa.select(_HEAD.c.position, _HEAD.c.hash, _HEAD.c.sealed_at).where(_HEAD.c.id == _ONLY)).one_or_none()
    return Head() if found is None else Head(*found)


def take_head(session: Session) -> Head | None:
    """The newest entry, held until the transaction ends: nobody else seals meanwhile. None where somebody else does already."""
    insert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    session.execute(insert(_HEAD).values(id=_ONLY, position=0, hash=GENESIS).on_conflict_do_nothing())
    query = sa.select(_HEAD.c.position, _HEAD.c.hash, _HEAD.c.sealed_at).where(_HEAD.c.id == _ONLY).with_for_update(skip_locked=True)
    found = session.execute(query).one_or_none()
    return None if found is None else Head(*found)


def waiting(session: Session, limit: int) -> list[Waiting]:
    """What waits to be sealed, the oldest first."""
    c = _PENDING.c
    query = sa.select(c.number, *(c[name] for name in _ADDED)).order_by(c.number).limit(limit)
    return [
        Waiting(number, at, kind, action, type, id, tuple(projects), salt, body)
        for number, at, kind, action, type, id, projects, salt, body in session.execute(query)
    ]


def append(session: Session, entries: Sequence[tuple[Entry, str, Waiting]], head: Head) -> None:
    """Entries with their hashes follow the newest one, and wait no more."""
    rows = [
        (
            e.position, e.at, e.sealed_at, e.kind, e.action, e.subject_type, e.subject_id, json_text(e.projects), e.body_digest, e.previous,
            hash,
        )
        for e, hash, _ in entries
    ]  # fmt: skip
    bodies = [(e.position, from_.salt, from_.body) for e, _, from_ in entries]
    if not insert_new(session, _ENTRIES, _SEALED, rows) or not insert_new(session, _BODIES, ("position", "salt", "body"), bodies):
        raise RuntimeError(f"the evidence log has entries after its head, {entries[0][0].position - 1}")
    numbers = [from_.number for _, _, from_ in entries]
    # A range would take along what a slower transaction committed in its midst meanwhile.
    for start in range(0, len(numbers), 500):
        session.execute(sa.delete(_PENDING).where(_PENDING.c.number.in_(numbers[start : start + 500])))
    values = {"position": head.position, "hash": head.hash, "sealed_at": head.sealed_at}
    session.execute(sa.update(_HEAD).where(_HEAD.c.id == _ONLY).values(values))


def entries_after(session: Session, after: int, upto: int, limit: int) -> list[Kept]:
    """Sealed entries by position: those after the one, up to and with the other."""
    c = _ENTRIES.c
    query = sa.select(*(c[name] for name in _SEALED)).where(c.position > after, c.position <= upto).order_by(c.position).limit(limit)
    return [
        Kept(Entry(position, at, sealed_at, kind, action, type, id, tuple(projects), digest, previous), hash)
        for position, at, sealed_at, kind, action, type, id, projects, digest, previous, hash in session.execute(query)
    ]


def hash_at(session: Session, position: int) -> str | None:
    """The hash of the entry there; that before the first for position 0."""
    if position == 0:
        return GENESIS
    found: str | None = session.scalar(sa.select(_ENTRIES.c.hash).where(_ENTRIES.c.position == position))
    return found


def tells_of(session: Session, subject_id: str) -> bool:
    """Whether an entry is about that subject."""
    return bool(session.scalar(sa.select(sa.exists(sa.select(_ENTRIES.c.position).where(_ENTRIES.c.subject_id == subject_id)))))


def bodies(session: Session, positions: Collection[int]) -> dict[int, tuple[str, str]]:
    """Position → salt and body, of those that have one still."""
    if not positions:
        return {}
    c = _BODIES.c
    within = c.position.between(min(positions), max(positions))
    wanted = set(positions)
    found = session.execute(sa.select(c.position, c.salt, c.body).where(within))
    return {position: (salt, body) for position, salt, body in found if position in wanted}


def drop_bodies(session: Session, subject_ids: Collection[str], before: int) -> int:
    """What the entries before that one quote of these subjects is deleted; their digests stay. Returns how many there were."""
    c = _ENTRIES.c
    quoting = sa.select(c.position).where(
        is_in(session, c.subject_id, subject_ids), c.kind.in_([kind.value for kind in REDACTABLE]), c.position < before
    )
    result: Any = session.execute(sa.delete(_BODIES).where(_BODIES.c.position.in_(quoting)))
    return int(result.rowcount)


@dataclass(frozen=True, slots=True)
class Audited:
    """An entry of the audit log."""

    id: str
    at: datetime
    actor: str
    action: str
    subject_type: str
    subject_id: str
    detail: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Evaluated:
    """A version of a result as it is stored."""

    id: str
    check_id: str
    entity_type: str
    entity_id: str
    sub_key: str
    result: str
    message: str | None
    missing: Sequence[str]
    observed: Mapping[str, Any]
    evidence: Sequence[Mapping[str, Any]]
    severity: str
    parameters_digest: str
    recorded_from: datetime


_EVALUATIONS: Any = Evaluation.__table__


def take_backlog(session: Session, limit: int) -> list[Audited | Evaluated] | None:
    """The rows of up to so many ids from before the log was there, noted no more; without those that are gone. None: nothing is noted."""
    b = _BACKLOG.c
    source = session.scalar(sa.select(sa.func.min(b.source)))
    if source is None:
        return None
    ids = list(session.scalars(sa.select(b.id).where(b.source == source).distinct().order_by(b.id).limit(limit)))
    noted = (b.source == source, is_in(session, b.id, ids))
    found = _audited(session, noted) if source == AuditEntry.__tablename__ else _evaluated(session, noted)
    session.execute(sa.delete(_BACKLOG).where(*noted))
    return found


def _audited(session: Session, noted: Sequence[sa.ColumnElement[bool]]) -> list[Audited | Evaluated]:
    a: Any = AuditEntry.__table__
    columns = [a.c[name] for name in Audited.__slots__]
    query = sa.select(*columns).join(_BACKLOG, _BACKLOG.c.id == a.c.id).where(*noted).order_by(a.c.at, a.c.id)
    return [Audited(*row) for row in session.execute(query)]


def _evaluated(session: Session, noted: Sequence[sa.ColumnElement[bool]]) -> list[Audited | Evaluated]:
    found: list[Audited | Evaluated] = []
    for table in (_EVALUATIONS, HISTORY[_EVALUATIONS.name]):
        same = sa.and_(_BACKLOG.c.id == table.c.id, _BACKLOG.c.recorded_from == table.c.recorded_from)
        query = sa.select(*(table.c[name] for name in Evaluated.__slots__)).join(_BACKLOG, same).where(*noted)
        found += [Evaluated(*row) for row in session.execute(query)]
    return sorted(found, key=lambda one: (one.recorded_from, one.id) if isinstance(one, Evaluated) else (one.at, one.id))
