"""Taking scopes or a connection away: what that means is said first, the admin chooses, and just that is done.

Kept data stays answerable and is read by nobody; purged data is deleted in bounded batches under the connection's lease, so that a
killed purge goes on where it stopped.
"""

from __future__ import annotations

import secrets
import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Literal

import structlog

from pmo_hub.services import audit, governance
from pmo_hub.services.errors import Conflict, Fault, Invalid, NotFound
from pmo_hub.services.evidence import recording
from pmo_hub.services.hub import Hub
from pmo_hub.services.running import LEASE_TTL, LostLease
from pmo_hub.services.sync import Busy, holder_name, is_alive
from pmo_hub.store import purging, remapping
from pmo_hub.store.repositories import connections as rows
from pmo_hub.store.repositories import jobs, removals, syncing
from pmo_hub.store.repositories.connections import REMOVED, Stored, StoredScope
from pmo_hub.store.repositories.removals import FedProject, StoredRemoval
from pmo_hub.store.unit_of_work import Session

log = structlog.get_logger(__name__)

Data = Literal["keep", "purge"]

BATCH = 500
PROJECTS = 25
MOST_LISTED = 200


@dataclass(frozen=True, slots=True)
class Forecast:
    """What the scopes hold, and what would become of it. `facts` and `violations` are those of projects that would go with a purge."""

    connection_id: str
    whole: bool
    scopes: Sequence[StoredScope]
    items: int
    item_versions: int
    payloads: int
    quarantined: int
    facts: int
    violations: int
    projects: Sequence[FedProject]
    if_kept: str
    if_purged: str


def forecast(hub: Hub, connection_id: str, external_ids: Sequence[str] | None = None) -> Forecast:
    """What removing these scopes (None: the connection with all of them) would mean; raises NotFound or Invalid."""
    with hub.work.read() as session:
        connection = _connection(session, connection_id)
        return _forecast(session, connection, _named(session, connection, external_ids), external_ids is None)


def request(hub: Hub, connection_id: str, external_ids: Sequence[str] | None, data: Data, actor: str) -> StoredRemoval:
    """They are taken away: no run reads them from now on, and a job does the rest. Raises Invalid or Conflict."""
    now = hub.now()
    with hub.work.write() as session:
        connection = _connection(session, connection_id)
        taken = _named(session, connection, external_ids)
        id = take_away(session, connection, taken, external_ids is None, data, actor, now)
    return get(hub, id)


def take_away(
    session: Session, connection: Stored, taken: Sequence[StoredScope], whole: bool, data: Data, actor: str, now: datetime
) -> str:
    """As `request`, in the caller's transaction; returns the removal's id."""
    if data == "keep" and (connection.state == REMOVED or any(scope.removal == "purge" for scope in taken)):
        raise Conflict("That was taken away already.")
    seen = _forecast(session, connection, taken, whole)
    id = secrets.token_hex(16)
    told = {name: value for name, value in asdict(seen).items() if isinstance(value, int) and not isinstance(value, bool)}
    removals.mark(session, [scope.id for scope in taken], data, now)
    removals.forget_state(session, connection.id, {scope.id: scope.external_id for scope in taken})
    if whole:
        # The name is free again, and what could sign in is forgotten at once, whatever becomes of the data.
        name = connection.name if connection.state == REMOVED else f"{connection.name} (removed {now:%Y-%m-%d} {id[:6]})"
        rows.forget_secrets(session, connection.id)
        rows.update(session, connection.id, {"state": REMOVED, "name": name, "secrets": b"", "last_error": None, "updated_at": now})
    removal = StoredRemoval(
        id, connection.id, connection.name, whole, [scope.id for scope in taken], data, "queued", told, {},
        [project.id for project in seen.projects], actor, now, None,
    )  # fmt: skip
    removals.insert(session, removal)
    jobs.add(session, "removal", f"removal:{id}", f"connection:{connection.id}", {"removal_id": id}, now)
    detail = {"scopes": [scope.external_id for scope in taken], "data": data, "removal_id": id, **told}
    action = "connection.removed" if whole else "connection.scopes_removed"
    audit.record(session, actor, action, "connection", connection.id, detail, now)
    return id


def get(hub: Hub, id: str) -> StoredRemoval:
    """The removal; raises NotFound."""
    with hub.work.read() as session:
        found = removals.get(session, id)
    if found is None:
        raise NotFound("removal", id)
    return found


def listed(hub: Hub, connection_id: str) -> Sequence[StoredRemoval]:
    """A connection's removals, the newest first, also of one that was purged."""
    with hub.work.read() as session:
        return removals.of_connection(session, connection_id, MOST_LISTED)


def run(hub: Hub, removal_id: str) -> StoredRemoval:
    """Do what was chosen, to its end; what an earlier run did isn't done again. Raises Busy while a worker syncs the connection."""
    with hub.work.write() as session:
        removal = removals.get(session, removal_id)
        if removal is None:
            raise NotFound("removal", removal_id)
        if removal.state == "finished":
            return removal
        lease = syncing.take_lease(session, removal.connection_id, holder_name(), is_alive, hub.now(), LEASE_TTL)
        if lease is None:
            raise Busy
        connection = rows.get(session, removal.connection_id)
        # A scope that was chosen again since isn't this removal's any more.
        held = {s.id: s.external_id for s in rows.scopes(session, connection.id, removed=True) if s.id in set(removal.scope_ids)}
        removals.update(session, removal_id, state="running")

    @contextmanager
    def commit() -> Iterator[Session]:
        with hub.work.write() as session:
            if not syncing.renew(session, lease, hub.now(), LEASE_TTL):
                raise LostLease
            yield session

    try:
        if removal.data == "purge":
            _purge(hub, commit, removal, connection, held)
        _settle(hub, commit, removal)
    finally:
        with hub.work.write() as session:
            syncing.release(session, lease)
    log.info("removal.finished", connection_id=removal.connection_id, removal_id=removal_id, data=removal.data)
    return get(hub, removal_id)


Commit = Callable[[], AbstractContextManager[Session]]


def _purge(hub: Hub, commit: Commit, removal: StoredRemoval, connection: Stored, scopes: Mapping[str, str]) -> None:
    removed: Counter[str] = Counter(removal.removed)

    def note(session: Session, deleted: Counter[str]) -> None:
        removed.update(deleted)
        removals.update(session, removal.id, removed={name: count for name, count in sorted(removed.items()) if count})

    parts = [purging.Part(scopes)] if scopes else []
    if removal.whole:
        parts.append(purging.Part(connection_id=connection.id))
    for part in parts:
        while True:
            with commit() as session:
                deleted = purging.purge_payloads(session, removal.id, connection.namespace, part, BATCH)
                if not deleted:
                    break
                note(session, deleted)
    while scopes:
        with commit() as session:
            left = purging.leftover_items(session, scopes, BATCH)
            if not left:
                break
            note(session, purging.purge_items(session, removal.id, connection.namespace, left))
    while scopes:
        with commit() as session:
            count = purging.purge_versions(session, scopes, BATCH)
            if not count:
                break
            note(session, Counter({"work_items_history": count}))
    while scopes:
        with commit() as session:
            deleted = purging.purge_plans(session, removal.id, scopes, BATCH)
            if not deleted:
                break
            note(session, deleted)
    for project in removal.project_ids:
        with commit() as session:
            theirs = {fed.id for fed in removals.fed_projects(session, scopes) if fed.is_theirs}
            if project in theirs:
                note(session, purging.purge_projects(session, [project]))
                recording.redacted(session, [project], "purged", {"removal_id": removal.id}, hub.now())
    while True:
        with commit() as session:
            swept = purging.sweep(session, removal.id, BATCH)
            if swept is None:
                break
            note(session, swept)
    with commit() as session:
        removals.end_rules(session, scopes, hub.now())
        removals.forget_state(session, connection.id, scopes)
        removals.delete_scopes(session, connection.id, scopes)
        remapping.forget_mentioning(session, connection.namespace)


def _settle(hub: Hub, commit: Commit, removal: StoredRemoval) -> None:
    """Who took items from what was taken away is measured and judged anew, and the removal is over."""
    for start in range(0, len(removal.project_ids), PROJECTS):
        with commit() as session:
            governance.refresh(session, removal.project_ids[start : start + PROJECTS], hub.now(), "policy_change")
    with commit() as session:
        now = hub.now()
        governance.refresh_connection(session, removal.connection_id, now, "policy_change")
        removals.update(session, removal.id, state="finished", finished_at=now)
        if removal.whole and removal.data == "purge":
            purging.purge_entity(session, [removal.connection_id])
            recording.redacted(session, [removal.connection_id], "purged", {"removal_id": removal.id}, now)
            removals.delete_connection(session, removal.connection_id)
    if removal.whole and removal.data == "purge":
        for kind in ("files", "scratch"):
            shutil.rmtree(hub.data_dir / kind / removal.connection_id, ignore_errors=True)


def _connection(session: Session, id: str) -> Stored:
    found = rows.find(session, id)
    if found is None:
        raise NotFound("connection", id)
    return found


def _named(session: Session, connection: Stored, external_ids: Sequence[str] | None) -> list[StoredScope]:
    """The scopes that are meant, those whose data was kept among them; raises Invalid."""
    held = [*rows.scopes(session, connection.id), *rows.scopes(session, connection.id, removed=True)]
    if external_ids is None:
        return held
    by_id = {scope.external_id: scope for scope in held}
    faults = [
        Fault("/scopes", f"The connection holds no scope {one!r}; it holds {', '.join(sorted(by_id)[:20]) or 'none'}.", "scope")
        for one in external_ids
        if one not in by_id
    ]
    if faults or not external_ids:
        raise Invalid.of(faults or [Fault("/scopes", "Name at least one scope.", "scope")])
    return [by_id[one] for one in dict.fromkeys(external_ids)]


def _forecast(session: Session, connection: Stored, taken: Sequence[StoredScope], whole: bool) -> Forecast:
    ids = [scope.id for scope in taken]
    counts = removals.counts(session, ids)
    projects = removals.fed_projects(session, ids)
    theirs = [project.id for project in projects if project.is_theirs]
    judged = removals.entity_counts(session, [*theirs, *([connection.id] if whole else [])])
    others = [project.name for project in projects if not project.is_theirs]
    what = "The connection" if whole else f"{len(taken)} scope{'s' if len(taken) != 1 else ''} of the connection"
    kept = (
        f"{what} is read no more; {counts['items']} items and everything known of them stay answerable, read-only and without alarms for "
        f"their age{', and its credentials are forgotten' if whole else ''}."
    )
    gone = (
        f"{what} is deleted for good: {counts['items']} items, {counts['item_versions']} earlier versions, {counts['payloads']} payloads, "
        f"{len(theirs)} projects of the scopes' own with {judged['facts']} facts and {judged['violations']} violations, and people whom "
        f"nothing else names."
    )
    if others:
        gone += f" {', '.join(others[:5])}{f' and {len(others) - 5} more' if len(others) > 5 else ''} lose items."
    return Forecast(
        connection.id, whole, taken, counts["items"], counts["item_versions"], counts["payloads"], counts["quarantined"],
        judged["facts"], judged["violations"], projects, kept, gone,
    )  # fmt: skip
