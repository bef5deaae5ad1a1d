"""Connections with their scopes, credentials and quarantine, read by explicit columns."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, NamedTuple

import sqlalchemy as sa
import zstandard
from sqlalchemy.orm import Session

from pmo_hub.store.models.canonical import WorkItem
from pmo_hub.store.models.hooks import Hook
from pmo_hub.store.models.source import Connection, Credential, Lease, Quarantine, Scope, SyncRun
from pmo_hub.store.repositories.syncing import CENSUSES

ACTIVE = "active"
PAUSED = "paused"  # by an admin
FAILING = "failing"  # until an admin changes something: the schedule is stopped
REAUTH_REQUIRED = "reauth_required"  # until a person signs in again: the schedule is stopped
SOURCE_RETIRED = "source_retired"  # the source is no more: the schedule is stopped, what was read stays
STOPPED = frozenset({FAILING, REAUTH_REQUIRED, SOURCE_RETIRED})
REMOVED = "removed"  # taken away; its data is kept read-only, or being purged


@dataclass(frozen=True, slots=True)
class Stored:
    """A connection; `synced_at` is when the newest success of any of its scopes began.

    Runs that read and censuses have each their own error and failures in a row: what one says, the other doesn't take back.
    """

    id: str
    name: str
    connector: str
    namespace: str
    config: Mapping[str, Any]
    secrets: bytes
    rules: Mapping[str, str]
    state: str
    account: str | None
    last_error: str | None
    last_error_at: datetime | None
    failures: int
    schedules: Mapping[str, str | None]
    time_zone: str
    quiet_hours: Sequence[Mapping[str, Any]]
    cadence_minutes: int | None
    created_at: datetime
    updated_at: datetime
    census_error: str | None = None
    census_error_at: datetime | None = None
    census_failures: int = 0
    credential_expires_at: datetime | None = None
    credential_asked_at: datetime | None = None
    credential_warned_for: datetime | None = None
    synced_at: datetime | None = None

    def __repr__(self) -> str:
        return f"Stored(id={self.id!r}, name={self.name!r})"


class AlreadyThere(Exception):
    """Another connection has the name, or reads the scope; only where two came at the same instant."""


@dataclass(frozen=True, slots=True)
class StoredScope:
    id: str
    connection_id: str
    external_id: str
    name: str
    kind: str
    url: str | None
    chosen_at: datetime
    synced_at: datetime | None
    error: str | None
    removed_at: datetime | None = None
    removal: str | None = None


@dataclass(frozen=True, slots=True)
class Counts:
    """Of one connection; items are those that its scopes hold now."""

    scopes: int = 0
    items: int = 0
    quarantined: int = 0


@dataclass(frozen=True, slots=True)
class Quarantined:
    """What could not be read; `body` is cut to what was asked for, `size_bytes` is the whole of it."""

    id: str
    kind: str | None
    external_id: str | None
    why: str
    first_seen_at: datetime
    seen_at: datetime
    attempts: int
    size_bytes: int
    body: bytes


_OWN = tuple(name for name in Stored.__slots__ if name != "synced_at")
_READ = (Scope.connection_id == Connection.id, Scope.removed_at.is_(None))
_SYNCED_AT = sa.select(sa.func.max(Scope.synced_at)).where(*_READ).scalar_subquery()
_CONNECTION = [*(getattr(Connection, name) for name in _OWN), _SYNCED_AT]
_SCOPE = [getattr(Scope, name) for name in StoredScope.__slots__]


def find(session: Session, id_or_name: str) -> Stored | None:
    """The connection of that id, or else of that name."""
    query = sa.select(*_CONNECTION).where((Connection.id == id_or_name) | (Connection.name == id_or_name))
    found = [Stored(*row) for row in session.execute(query)]
    return min(found, key=lambda c: c.id != id_or_name, default=None)


def get(session: Session, id: str) -> Stored:
    """The connection of that id, which is there: it is asked for by what refers to it."""
    return Stored(*session.execute(sa.select(*_CONNECTION).where(Connection.id == id)).one())


def page(session: Session, after: tuple[str, str] | None, limit: int) -> Sequence[Stored]:
    """Connections by name, those after (name, id)."""
    query = sa.select(*_CONNECTION).order_by(Connection.name, Connection.id).limit(limit)
    if after is not None:
        query = query.where(sa.tuple_(Connection.name, Connection.id) > after)
    return [Stored(*row) for row in session.execute(query)]


def everyone(session: Session) -> Sequence[Stored]:
    return [Stored(*row) for row in session.execute(sa.select(*_CONNECTION).order_by(Connection.id))]


def insert(session: Session, connection: Stored) -> None:
    """It is stored; raises AlreadyThere."""
    values = {name: getattr(connection, name) for name in _OWN}
    values |= {name: dict(values[name]) for name in ("config", "rules", "schedules")}
    try:
        session.execute(sa.insert(Connection).values(values | {"quiet_hours": [dict(one) for one in connection.quiet_hours]}))
    except sa.exc.IntegrityError as error:
        raise AlreadyThere from error


def update(session: Session, id: str, values: Mapping[str, Any]) -> None:
    """It has these values; raises AlreadyThere."""
    try:
        session.execute(sa.update(Connection).where(Connection.id == id).values(dict(values)))
    except sa.exc.IntegrityError as error:
        raise AlreadyThere from error


def lock(session: Session, id: str) -> Stored | None:
    """The connection, which nobody else changes or queues runs for until the transaction ends; None where it is gone."""
    held = session.execute(sa.select(Connection.id).where(Connection.id == id).with_for_update(key_share=True)).one_or_none()
    return None if held is None else get(session, id)


def succeeded(session: Session, id: str, mode: str, now: datetime) -> bool:
    """A run ended well: its kind of run fails no longer, and the source accepts us. True if one of that was otherwise."""
    row = session.execute(sa.select(Connection.state, Connection.failures, Connection.census_failures).where(Connection.id == id)).one()
    is_census = mode in CENSUSES
    failures = row.census_failures if is_census else row.failures
    if failures == 0 and row.state not in STOPPED:
        return False
    values: dict[str, Any] = {"census_failures": 0, "census_error": None, "census_error_at": None}
    if not is_census:
        values = {"failures": 0, "last_error": None, "last_error_at": None}
    update(session, id, values | {"state": ACTIVE if row.state in STOPPED else row.state})
    return True


class Failed(NamedTuple):
    """What a failure changed: whether it is the first in a row, and the state that the connection came to by it."""

    is_first: bool
    turned: str | None


def failed(session: Session, id: str, mode: str, why: str, stops: str | None, now: datetime) -> Failed:
    """A run failed; `stops`: the state that the schedule stops in, where only an admin can help.

    An admin's pause stands, whatever the failure.
    """
    row = session.execute(sa.select(Connection.state, Connection.failures, Connection.census_failures).where(Connection.id == id)).one()
    state = stops if stops and row.state in (ACTIVE, *STOPPED) else row.state
    turned = None if state == row.state else state
    if mode in CENSUSES:
        update(session, id, {"state": state, "census_failures": row.census_failures + 1, "census_error": why, "census_error_at": now})
        return Failed(row.census_failures == 0, turned)
    update(session, id, {"state": state, "failures": row.failures + 1, "last_error": why, "last_error_at": now})
    return Failed(row.failures == 0, turned)


def forget_secrets(session: Session, id: str) -> None:
    """What the source rotates is gone."""
    session.execute(sa.delete(Credential).where(Credential.connection_id == id))


def credentials_ending(session: Session, before: datetime) -> list[tuple[str, datetime]]:
    """Connections whose credential ends before then and of which nobody was told yet, with when it ends."""
    ends, told = Connection.credential_expires_at, Connection.credential_warned_for
    query = sa.select(Connection.id, ends).where(ends < before, told.is_(None) | (told != ends)).order_by(Connection.id)
    return [(id_, at) for id_, at in session.execute(query) if at is not None]


def note_warned(session: Session, id: str, expires_at: datetime) -> bool:
    """That this credential ends then was told; False where another told it first, or it ends at another time by now."""
    ends, told = Connection.credential_expires_at, Connection.credential_warned_for
    first = sa.update(Connection).where(Connection.id == id, ends == expires_at, told.is_(None) | (told != ends))
    return session.connection().execute(first.values(credential_warned_for=expires_at)).rowcount == 1


def named(session: Session, name: str) -> str | None:
    """The id of the connection of that name."""
    return session.execute(sa.select(Connection.id).where(Connection.name == name)).scalar_one_or_none()


def scopes(session: Session, connection_id: str, *, removed: bool = False) -> Sequence[StoredScope]:
    """The scopes that it reads, or those that were taken away and whose data is kept or still being purged."""
    there = Scope.removed_at.is_not(None) if removed else Scope.removed_at.is_(None)
    query = sa.select(*_SCOPE).where(Scope.connection_id == connection_id, there).order_by(Scope.name, Scope.id)
    return [StoredScope(*row) for row in session.execute(query)]


def taken(session: Session, scope_ids: Collection[str]) -> Mapping[str, tuple[str, str]]:
    """Of these scopes, those that a connection reads already, with its id and name."""
    query = sa.select(Scope.id, Connection.id, Connection.name).join(Connection, Connection.id == Scope.connection_id)
    query = query.where(Scope.id.in_(list(scope_ids)), Scope.removed_at.is_(None))
    return {row[0]: (row[1], row[2]) for row in session.execute(query)}


def kept(session: Session, scope_ids: Collection[str]) -> dict[str, str]:
    """Of these scopes, those that were taken away and are not gone yet, with what becomes of their data."""
    query = sa.select(Scope.id, Scope.removal).where(Scope.id.in_(list(scope_ids)), Scope.removed_at.is_not(None))
    return {row[0]: row[1] or "" for row in session.execute(query)}


def insert_scopes(session: Session, chosen: Sequence[StoredScope]) -> None:
    """They are chosen; raises AlreadyThere. Those whose data was kept are not among them."""
    if not chosen:
        return
    try:
        session.execute(sa.insert(Scope), [asdict(scope) for scope in chosen])
    except sa.exc.IntegrityError as error:
        raise AlreadyThere from error


def is_leased(session: Session, connection_id: str, now: datetime) -> bool:
    """Whether a worker syncs the connection now."""
    held = sa.select(Lease.fence).where(Lease.connection_id == connection_id, Lease.holder.is_not(None), Lease.expires_at > now)
    return session.execute(held).first() is not None


def counts(session: Session, connection_ids: Sequence[str]) -> Mapping[str, Counts]:
    """By connection, in three grouped queries."""
    ids = list(connection_ids)
    read = (Scope.connection_id.in_(ids), Scope.removed_at.is_(None))
    chosen = sa.select(Scope.connection_id, sa.func.count()).where(*read).group_by(Scope.connection_id)
    items = chosen.join(WorkItem, WorkItem.scope_id == Scope.id)
    held = sa.select(Quarantine.connection_id, sa.func.count()).where(Quarantine.connection_id.in_(ids)).group_by(Quarantine.connection_id)
    scope_counts, item_counts, held_counts = (_by_id(session, query) for query in (chosen, items, held))
    return {id: Counts(scope_counts.get(id, 0), item_counts.get(id, 0), held_counts.get(id, 0)) for id in ids}


def _by_id(session: Session, query: sa.Select[str, int]) -> dict[str, int]:
    return {row[0]: row[1] for row in session.execute(query)}


def last_begun(session: Session, connection_ids: Sequence[str]) -> Mapping[str, Mapping[str, datetime]]:
    """Connection → mode → when its newest run began, or was queued; an accepting census is one. One look at the index for each."""
    r = SyncRun.__table__.c
    names = ("incremental", "full", "census", "accepting_census")
    newest = [
        sa.select(sa.func.max(r.started_at)).where(r.connection_id == Connection.id, r.mode == name).scalar_subquery() for name in names
    ]
    query = sa.select(Connection.id, *newest).where(Connection.id.in_(list(connection_ids)))
    found: dict[str, Mapping[str, datetime]] = {}
    for id_, *begun in session.execute(query):
        by_mode = {name: at for name, at in zip(names, begun, strict=True) if at is not None}
        accepting = by_mode.pop("accepting_census", None)
        if accepting is not None:
            by_mode["census"] = max(accepting, by_mode.get("census", accepting))
        found[id_] = by_mode
    return found


def quarantine(
    session: Session, connection_id: str, after: tuple[datetime, str] | None, limit: int, longest_bytes: int
) -> Sequence[Quarantined]:
    """What the connection could not read, the newest first, those after (first seen, id)."""
    columns = (
        Quarantine.id, Quarantine.kind, Quarantine.external_id, Quarantine.why, Quarantine.first_seen_at, Quarantine.seen_at,
        Quarantine.attempts, Quarantine.body,
    )  # fmt: skip
    query = sa.select(*columns).where(Quarantine.connection_id == connection_id)
    if after is not None:
        query = query.where(sa.tuple_(Quarantine.first_seen_at, Quarantine.id) < after)
    query = query.order_by(Quarantine.first_seen_at.desc(), Quarantine.id.desc()).limit(limit)
    return [Quarantined(*row[:7], *_head(row[7], longest_bytes)) for row in session.execute(query)]


def _head(packed: bytes, longest_bytes: int) -> tuple[int, bytes]:
    """The whole body's size and its first bytes; no more than those is unpacked."""
    size = zstandard.frame_content_size(packed)
    with zstandard.ZstdDecompressor().stream_reader(packed) as reader:
        head = reader.read(longest_bytes)
    return max(size, len(head)), head


def credential(session: Session, connection_id: str) -> tuple[int, bytes] | None:
    """Version and ciphertext of what the source rotates."""
    query = sa.select(Credential.version, Credential.secret).where(Credential.connection_id == connection_id)
    row = session.execute(query).one_or_none()
    return (row[0], row[1]) if row else None


def swap_credential(session: Session, connection_id: str, sealed: bytes, version: int) -> bool:
    """True when `version` was the stored one (0: none yet) and the next one is saved."""
    if version == 0:
        try:
            with session.begin_nested():
                session.execute(sa.insert(Credential).values(connection_id=connection_id, version=1, secret=sealed))
        except sa.exc.IntegrityError:
            return False
        return True
    newer = sa.update(Credential).where(Credential.connection_id == connection_id, Credential.version == version)
    return session.connection().execute(newer.values(version=version + 1, secret=sealed)).rowcount == 1


def sealed_secrets(session: Session) -> list[tuple[str, str, str, bytes]]:
    """(table, connection, column, ciphertext) of every secret that is stored."""
    held: Any = sa.select(Connection.id, Connection.secrets).order_by(Connection.id)
    delivering: Any = sa.select(Hook.connection_id, Hook.secrets).order_by(Hook.connection_id)
    rotating: Any = sa.select(Credential.connection_id, Credential.secret).order_by(Credential.connection_id)
    return [
        *(("connections", id, "secrets", sealed) for id, sealed in session.execute(held) if sealed),
        *(("credentials", id, "secret", sealed) for id, sealed in session.execute(rotating) if sealed),
        *(("hooks", id, "secrets", sealed) for id, sealed in session.execute(delivering) if sealed),
    ]


def replace_sealed(session: Session, table: str, connection_id: str, before: bytes, after: bytes) -> bool:
    """The same secret stands in another ciphertext; False where it was replaced meanwhile. A credential keeps its version."""
    if table == "hooks":
        own = sa.update(Hook).where(Hook.connection_id == connection_id, Hook.secrets == before)
        return session.connection().execute(own.values(secrets=after)).rowcount == 1
    change: Any = (
        sa.update(Connection).where(Connection.id == connection_id, Connection.secrets == before).values(secrets=after)
        if table == "connections"
        else sa.update(Credential).where(Credential.connection_id == connection_id, Credential.secret == before).values(secret=after)
    )
    return session.connection().execute(change).rowcount == 1
