"""One run of a connection's sync: lease, references, partitions read side by side, one committer, what is derived, release.

A crash at any point loses nothing and repeats at most one batch: a page is committed together with the state that it makes true, what
a batch touched stays marked until everything is derived from it, and every commit checks the fence of the lease.
"""

from __future__ import annotations

import os
import secrets
import socket
import traceback
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from hashlib import blake2b
from typing import Any

import structlog

from pmo_hub.host import memory
from pmo_hub.host.session import open_source
from pmo_hub.sdk.contract import Mode
from pmo_hub.sdk.errors import AuthError, ConfigError, ConnectorError, ReauthError, RetiredError, TransientError
from pmo_hub.services import (
    appearing,
    census,
    commitments,
    credentials,
    derivation,
    hinted,
    people,
    queries,
    reading,
    references,
    registering,
    same_as,
)
from pmo_hub.services.brake import Braked
from pmo_hub.services.completeness import settle_read
from pmo_hub.services.errors import NotFound
from pmo_hub.services.hub import Hub
from pmo_hub.services.running import LEASE_TTL, LostLease, Suspicious, SyncProgress, SyncRun
from pmo_hub.store.bulk import json_text
from pmo_hub.store.compression import Compression
from pmo_hub.store.placing import Origin
from pmo_hub.store.repositories import connections, events, held_groups, jobs, syncing
from pmo_hub.store.unit_of_work import Session

log = structlog.get_logger(__name__)

ENDED = ("finished", "failed", "held", "interrupted")
WIDER = (("incremental", "full"), ("census", "accepting_census"))
"""Modes of which the second does all that the first does."""
ATTEMPTS = 4
CERTAIN_AFTER = 3
"""A source that is not found is taken for retired after so many failures in a row, spread over half an hour by the schedule's back-off."""
TOLD = {connections.SOURCE_RETIRED: "source.retired", connections.REAUTH_REQUIRED: "source.reauth_required"}
"""State that a connection has come to → the event that tells it."""
MANY = 10_000
"""A run that fetched so many objects holds enough free memory to be worth giving it back."""
RETRY_AFTER = timedelta(seconds=30)
"""Doubled with every attempt; a source that names a longer time gets that."""


class Busy(Exception):
    """Another worker syncs the connection now."""


def request(hub: Hub, connection_id: str, mode: str = "incremental", slot: str | None = None) -> str:
    """The id of a run that is queued; one that has not begun and does as much takes the request in."""
    with hub.work.write() as session:
        return enqueue(session, connection_id, mode, hub.now(), slot)


def enqueue(session: Session, connection_id: str, mode: str, now: datetime, slot: str | None = None, trigger: str = syncing.REQUEST) -> str:
    """As `request`, in the caller's transaction.

    Of one connection at most one run of a kind waits. A waiting full read does for a poll as well, and a waiting poll becomes the full
    read that is asked for; likewise a census and an accepting one. What somebody asks for is not held up by quiet hours.
    """
    connections.lock(session, connection_id)
    waiting = syncing.waiting_runs(session, connection_id)
    lesser, greater = next((pair for pair in WIDER if mode in pair), (mode, mode))
    joined = waiting.get(greater) or waiting.get(lesser)
    if joined is not None:
        changes = {"mode": greater} if mode == greater and greater not in waiting else {}
        if trigger == syncing.REQUEST:
            jobs.hasten(session, f"connection:{connection_id}", joined, now)
            changes["trigger"] = syncing.REQUEST
        if changes:
            syncing.update_run(session, joined, **changes)
        return joined
    run_id = secrets.token_hex(16)
    syncing.add_run(session, run_id, connection_id, mode, now, trigger)
    if slot is None or jobs.is_known(session, slot):
        slot = f"sync:{run_id}"  # a run without a job would wait for ever
    jobs.add(session, "sync", slot, f"connection:{connection_id}", {"run_id": run_id, "attempt": 1}, now)
    return run_id


def run(hub: Hub, run_id: str, progress: Callable[[SyncProgress], None] | None = None, attempt: int = ATTEMPTS) -> syncing.Run:
    """Run it to its end in this thread. Raises Busy while another worker syncs the connection; everything else is told by the run.

    A source that can't answer now makes the run wait for a further job, up to `ATTEMPTS` times in all; the default is the last one.
    """
    with hub.work.write() as session:
        stored = syncing.run_of(session, run_id)
        if stored is None:
            raise NotFound("sync-run", run_id)
        if stored.state in ENDED:
            return stored
        now = hub.now()
        lease = syncing.take_lease(session, stored.connection_id, holder_name(), is_alive, now, LEASE_TTL)
        if lease is None:
            raise Busy
        # After the lease, as whoever ends a run does it: from here on no request joins this run, and its mode is what it is.
        connection = connections.lock(session, stored.connection_id)
        stored = syncing.run_of(session, run_id)
        if connection is None or stored is None:
            raise NotFound("sync-run", run_id)
        syncing.interrupt_others(session, connection.id, run_id, now)
        syncing.drop_staged(session, connection.id)
        syncing.update_run(
            session, run_id, state="running", started_at=now, heartbeat_at=now, fence=lease.fence, error=None, waiting_until=None
        )
    try:
        _guarded(hub, run_id, stored.mode, connection, lease, progress, attempt)
    except LostLease:
        log.warning("sync.lost_lease", connection_id=connection.id, run_id=run_id)
    finally:
        with hub.work.write() as session:
            syncing.release(session, lease)
    with hub.work.read() as session:
        ended = syncing.run_of(session, run_id)
    if ended is None:
        raise NotFound("sync-run", run_id)
    return ended


def holder_name() -> str:
    """Names this process, so that a lease of a process that is dead needs no waiting for."""
    return f"{socket.gethostname()}|{os.getpid()}|{_PROCESS}"


_PROCESS = secrets.token_hex(8)


def is_alive(holder: str) -> bool:
    """False only for a process of this machine that certainly ended."""
    host, pid, token = holder.rsplit("|", 2)
    if host != socket.gethostname():
        return True
    if int(pid) == os.getpid():
        return token == _PROCESS
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _guarded(
    hub: Hub,
    run_id: str,
    mode: str,
    connection: connections.Stored,
    lease: syncing.Lease,
    progress: Callable[[SyncProgress], None] | None,
    attempt: int,
) -> None:
    """Run, and write down how it ended."""
    requests = 0
    parts: list[dict[str, Any]] = []
    fail = partial(_failed, hub, run_id, mode, connection, lease)
    try:
        with open_source(hub, connection) as opened:
            with hub.work.read() as session:
                scopes = {s.external_id: s.id for s in syncing.chosen_scopes(session, connection.id)}
                quarantined = {q[0] for q in syncing.quarantined(session, connection.id)}
                compression = Compression.of(session, connection.id)
            rules_digest = blake2b(json_text(dict(connection.rules)).encode(), digest_size=16).hexdigest()
            this = SyncRun(hub, run_id, connection, lease, opened, hub.now(), scopes, rules_digest, progress=progress)
            this.origin = Origin(
                connection.id,
                connection.namespace,
                run_id,
                scopes,
                lambda scope: references.basis_of(this, scope),
                quarantined,
                compression,
            )
            try:
                _sync(this, mode)
            finally:
                requests, parts = opened.requests(), this.tally.told()
                this.origin = None  # a circle, which would hold every scope's mapper until the collector looks
    except LostLease:
        raise
    except RetiredError as e:
        # So does a name service look that fails: it has to say so for longer than that.
        is_sure = e.is_certain or connection.failures >= CERTAIN_AFTER
        fail(requests, parts, str(e), stops=connections.SOURCE_RETIRED if is_sure else None)
    except ReauthError as e:
        fail(requests, parts, str(e), stops=connections.REAUTH_REQUIRED)
    except (ConfigError, AuthError) as e:
        fail(requests, parts, str(e), stops=connections.FAILING)
    except TransientError as e:
        # A source that refuses again and again, each time for a second, is left alone for longer than it asks, and fails in the end.
        own = RETRY_AFTER * 2 ** (attempt - 1)
        wait = max(e.retry_after or own, own)
        if attempt < ATTEMPTS or wait > own:
            _waiting(hub, run_id, connection, lease, requests, str(e), wait, attempt)
        else:
            fail(requests, parts, str(e))
    except Braked as e:
        fail(requests, parts, str(e), state="held")
    except (ConnectorError, Suspicious) as e:
        fail(requests, parts, str(e))
    except Exception as e:
        log.exception("sync.bug", connection_id=connection.id, run_id=run_id)
        sentence = f"The sync stopped on an error of the hub or its connector ({type(e).__name__}); the log has its traceback."
        fail(requests, parts, sentence, detail=traceback.format_exc())


def _sync(this: SyncRun, mode: str) -> None:
    if mode == syncing.HOOK:
        hinted.fetch(this)
        _finish(this, mode)
        return
    if mode == syncing.REMAP:
        references.use_kept(this)
        reading.remap(this, counting=True)
        _finish(this, mode)
        return
    this.opened.source.check()
    credentials.ask(this)
    if mode in syncing.CENSUSES:
        references.refresh_references(this)  # what it finds is mapped like anything else
        census.take(this, accepting=mode == "accepting_census")
    else:
        appearing.choose(this)
        # Pages are asked for while dictionaries are read: of a source that answers slowly, that is a good part of a first sync.
        with reading.reader_of(this, Mode(mode)) as reader:
            references.refresh_references(this)
            reading.remap(this)
            reading.retry_quarantine(this)
            reading.read(this, reader, Mode(mode))
        reading.look_up(this)
        queries.answer(this)
    _finish(this, mode)


def _finish(this: SyncRun, mode: str) -> None:
    """Derive from everything that is pending, then write how the run ended."""
    if this.taken.fetched.total() >= MANY:
        memory.give_back()
    recounted = _relate(this)
    derivation.catch_up(this.commit, this.connection.namespace, list(this.scopes.values()), this.hub.now)
    derivation.measure_again(this.commit, recounted, this.hub.now)
    if mode not in syncing.READING_NOTHING:
        commitments.freeze(this.commit, [this.scopes[e] for e in this.readable()], this.started_at, this.hub.now)
    now = this.hub.now()
    lost = {this.scopes[e]: why for e, why in this.lost_scopes.items() if e in this.scopes}
    with this.commit() as session:
        read = [i for i in this.scopes.values() if i not in lost]
        if mode not in syncing.READING_NOTHING:
            syncing.mark_scopes(session, read, this.started_at, None)
            if mode not in syncing.CENSUSES and not lost:
                held_groups.forget_others(session, this.connection.id, this.held_groups)  # the source went back to what was read
        for scope_id, why in lost.items():
            syncing.mark_scopes(session, [scope_id], None, why)
        if mode not in syncing.READING_NOTHING:
            short = settle_read(session, this.tally, this.connection.id, this.id, this.scopes, this.lost_scopes, now)
            this.wants_census = this.wants_census or short
        syncing.update_run(
            session, this.id, state="held" if this.braked else "finished", finished_at=now, fetched=dict(this.taken.fetched),
            expected=dict(this.totals()), changed=dict(this.taken.changed), gone=dict(this.taken.gone),
            quarantined=this.taken.quarantined, requests=this.opened.requests(), parts=this.tally.told(),
            error=" ".join([*this.braked, *lost.values(), *this.complaints]) or None,
        )  # fmt: skip
        tell = _verdict(session, this.lease, this.id, mode, " ".join(this.braked) or None, now)
        told = {"run_id": this.id, "mode": mode, "changed": dict(this.taken.changed)}
        events.append(session, "sync.finished", "connection", this.connection.id, told, now)
        if mode not in syncing.READING_NOTHING:
            registering.enqueue_soon(session, this.connection.id, this.id, now)
        if this.wants_census:
            enqueue(session, this.connection.id, "census", now, trigger=syncing.SCHEDULE)
        if this.wants_full:
            enqueue(session, this.connection.id, "full", now, trigger=syncing.SCHEDULE)
        derivation.judge_connection(session, this.connection.id, now)
    tell()


def _relate(this: SyncRun) -> list[str]:
    """Who is one person, and what is one piece of work, follows the data; returns the projects that count otherwise by it.

    Done before anything is derived: what a run that was cut off left pending says that it has to be done still.
    """
    with this.hub.work.read() as session:
        pending = syncing.pending_scopes(session, list(this.scopes.values()), 1)
    if not (pending or this.taken.changed or this.taken.gone):
        return []
    with this.commit() as session:
        now = this.hub.now()
        return sorted(people.follow(session, now) | same_as.follow(session, now))


def _failed(
    hub: Hub,
    run_id: str,
    mode: str,
    connection: connections.Stored,
    lease: syncing.Lease,
    requests: int,
    parts: list[dict[str, Any]],
    why: str,
    stops: str | None = None,
    detail: str | None = None,
    state: str = "failed",
) -> None:
    now = hub.now()
    with hub.work.write() as session:
        if not syncing.renew(session, lease, now, LEASE_TTL):
            raise LostLease
        syncing.update_run(session, run_id, state=state, finished_at=now, error=why, detail=detail, requests=requests, parts=parts)
        tell = _verdict(session, lease, run_id, mode, why, now, stops)
        derivation.judge_connection(session, connection.id, now)
    tell()


def _verdict(
    session: Session, lease: syncing.Lease, run_id: str, mode: str, why: str | None, now: datetime, stops: str | None = None
) -> Callable[[], None]:
    """The connection has this run's verdict (`why` it failed, None: it didn't), an event the first failure in a row and the recovery.

    What comes back says it in the log, one line each; to be called once all of it is committed.
    """
    id_ = lease.connection_id
    if why is not None:
        data = {"run_id": run_id, "mode": mode, "error": why}
        is_first, turned = connections.failed(session, id_, mode, why, stops, now)
        if turned in TOLD:
            events.append(session, TOLD[turned], "connection", id_, data, now)
        if not is_first:
            return lambda: None
        events.append(session, "sync.failed", "connection", id_, data, now)
        return lambda: log.warning("connection.failed", connection_id=id_, run_id=run_id, mode=mode, error=why)
    # A few objects that were fetched don't make up for what a failed run has not read; who asked for nothing knows of no recovery.
    if mode in (syncing.HOOK, syncing.REMAP) or not connections.succeeded(session, id_, mode, now):
        return lambda: None
    events.append(session, "sync.recovered", "connection", id_, {"run_id": run_id, "mode": mode}, now)
    return lambda: log.info("connection.recovered", connection_id=id_, run_id=run_id, mode=mode)


def _waiting(
    hub: Hub,
    run_id: str,
    connection: connections.Stored,
    lease: syncing.Lease,
    requests: int,
    why: str,
    retry_after: timedelta,
    attempt: int,
) -> None:
    now = hub.now()
    until = now + retry_after
    with hub.work.write() as session:
        if not syncing.renew(session, lease, now, LEASE_TTL):
            raise LostLease
        syncing.update_run(session, run_id, state="waiting", waiting_until=until, error=why, requests=requests)
        arguments = {"run_id": run_id, "attempt": min(attempt + 1, ATTEMPTS)}
        jobs.add(session, "sync", f"sync:{run_id}:{lease.fence}", f"connection:{connection.id}", arguments, until)
