"""Which scopes a connection reads: offered by the source, chosen by an admin."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from pmo_hub.sdk.contract import Reason, Scope
from pmo_hub.services import audit, connections, derivation, registering, runs, sources, sync
from pmo_hub.services.connections import Chosen
from pmo_hub.services.errors import Conflict, NotFound
from pmo_hub.services.hub import Hub
from pmo_hub.services.runs import RunInfo
from pmo_hub.store import ownership
from pmo_hub.store.repositories import connections as rows
from pmo_hub.store.repositories import syncing
from pmo_hub.store.repositories.connections import AlreadyThere, Stored, StoredScope
from pmo_hub.store.unit_of_work import Session


@dataclass(frozen=True, slots=True)
class ScopeInfo:
    """A scope that the source offers, or that is read though it is offered no longer."""

    external_id: str
    name: str
    kind: str
    url: str | None
    estimate: int | None
    is_offered: bool
    chosen_at: datetime | None = None
    synced_at: datetime | None = None
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Choice:
    """What was chosen; `run` reads what is new, None where nothing is."""

    scopes: Sequence[ScopeInfo]
    run: RunInfo | None


def offered(hub: Hub, connection_id: str) -> list[ScopeInfo]:
    """Every scope that the source offers, and every one that is chosen, by name."""
    with hub.work.read() as session:
        connection = _connection(session, connection_id)
        chosen = {scope.external_id: scope for scope in rows.scopes(session, connection.id)}
    with sources.opening(hub, connection) as opened:
        now_offered = list(opened.source.scopes())
    infos = []
    for scope in now_offered:
        held = chosen.pop(scope.external_id, None)
        fate = (held.chosen_at, held.synced_at, held.error) if held else (None, None, None)
        infos.append(ScopeInfo(scope.external_id, scope.name, scope.kind, scope.url, scope.estimate, True, *fate))
    infos += [_held(scope, is_offered=False) for scope in chosen.values()]
    return sorted(infos, key=lambda info: (info.name.casefold(), info.external_id))


def choose(hub: Hub, connection_id: str, wanted: Chosen, actor: str) -> Choice:
    """The connection reads exactly these scopes. What is new is synced; what is dropped ends, its history is kept.

    "all" adds whatever is offered now and drops nothing: what is offered no longer may be a permission that was lost by mistake.

    Raises Invalid for a scope that is neither offered nor chosen, Conflict for one that another connection reads, and for a drop while
    the connection is being synced.
    """
    with hub.work.read() as session:
        connection = _connection(session, connection_id)
        before = {scope.external_id: scope for scope in rows.scopes(session, connection.id)}
    held = [Scope(scope.external_id, scope.name, scope.kind, None, scope.url) for scope in before.values()]
    if wanted != "all" and set(wanted) <= before.keys():
        known = held  # only fewer: the source need not be asked
    else:
        with sources.opening(hub, connection) as opened:
            now_offered = list(opened.source.scopes())
        known = [*now_offered, *(scope for scope in held if scope.external_id not in {one.external_id for one in now_offered})]
    found = connections.chosen_of(known, wanted)
    new = [scope for scope in found if scope.external_id not in before]
    kept = {scope.external_id for scope in found}
    dropped = [scope for external_id, scope in before.items() if external_id not in kept]
    now = hub.now()
    run_id: str | None = None
    try:
        with hub.work.write() as session:
            if dropped:
                _drop(session, connection, dropped, now)
            if new:
                connections.add_scopes(session, connection, new, now)
                run_id = sync.enqueue(session, connection.id, "incremental", now)
                estimates = [scope.estimate for scope in new if scope.estimate is not None]
                if estimates:
                    syncing.update_run(session, run_id, estimate=sum(estimates))
            if new or dropped:
                registering.enqueue_changed(session, connection.id, now)
                detail = {"added": [scope.external_id for scope in new], "dropped": [scope.external_id for scope in dropped]}
                audit.record(session, actor, "connection.scopes_chosen", "connection", connection.id, detail, now)
            after = [_held(scope, is_offered=True) for scope in rows.scopes(session, connection.id)]
    except AlreadyThere as error:
        raise Conflict("Another connection took a scope at the same moment: look again and decide anew.") from error
    return Choice(after, None if run_id is None else runs.get(hub, run_id))


def _drop(session: Session, connection: Stored, dropped: Sequence[StoredScope], now: datetime) -> None:
    """What these scopes brought ends as moved out of sight, and whatever was derived from it follows."""
    if rows.is_leased(session, connection.id, now):
        raise Conflict("The connection is being synced: drop scopes when the run has ended.")
    ids = [scope.id for scope in dropped]
    ownership.end_payloads(session, dict.fromkeys(rows.payload_ids(session, ids), Reason.MOVED), ownership.Taken(), now)
    derivation.refresh(session, connection.namespace, ids, now)
    rows.forget_scopes(session, connection.id, dropped)


def _connection(session: Session, id: str) -> Stored:
    found = rows.find(session, id)
    if found is None:
        raise NotFound("connection", id)
    return found


def _held(scope: StoredScope, *, is_offered: bool) -> ScopeInfo:
    return ScopeInfo(
        scope.external_id, scope.name, scope.kind, scope.url, None, is_offered, scope.chosen_at, scope.synced_at, scope.error
    )
