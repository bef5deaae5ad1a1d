"""Which scopes a connection reads: offered by the source, chosen by an admin."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from pmo_hub.sdk.contract import Scope
from pmo_hub.services import audit, connections, registering, removal, runs, sources, sync
from pmo_hub.services.connections import Chosen
from pmo_hub.services.errors import Conflict, Invalid, NotFound
from pmo_hub.services.hub import Hub
from pmo_hub.services.removal import Data
from pmo_hub.services.runs import RunInfo
from pmo_hub.store.repositories import connections as rows
from pmo_hub.store.repositories import syncing
from pmo_hub.store.repositories.connections import REMOVED, AlreadyThere, Stored, StoredScope
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
    read_only_since: datetime | None = None


@dataclass(frozen=True, slots=True)
class Choice:
    """What was chosen; `run` reads what is new, `removal_id` does away with what was dropped; None where there is none."""

    scopes: Sequence[ScopeInfo]
    run: RunInfo | None
    removal_id: str | None = None


def offered(hub: Hub, connection_id: str) -> list[ScopeInfo]:
    """Every scope that the source offers, and every one that is chosen or whose data was kept, by name."""
    with hub.work.read() as session:
        connection = _connection(session, connection_id)
        kept = {scope.external_id: scope for scope in rows.scopes(session, connection.id, removed=True)}
        chosen = {**kept, **{scope.external_id: scope for scope in rows.scopes(session, connection.id)}}
    with sources.opening(hub, connection) as opened:
        now_offered = list(opened.source.scopes())
    infos = []
    for scope in now_offered:
        held = chosen.pop(scope.external_id, None)
        info = ScopeInfo(scope.external_id, scope.name, scope.kind, scope.url, scope.estimate, True)
        infos.append(info if held is None else replace(_held(held, is_offered=True), name=info.name, url=info.url, estimate=info.estimate))
    infos += [_held(scope, is_offered=False) for scope in chosen.values()]
    return sorted(infos, key=lambda info: (info.name.casefold(), info.external_id))


def choose(hub: Hub, connection_id: str, wanted: Chosen, actor: str, dropped_data: Data | None = None) -> Choice:
    """The connection reads exactly these scopes. What is new is synced; what becomes of the data of dropped ones is `dropped_data`.

    "all" adds whatever is offered now and drops nothing: what is offered no longer may be a permission that was lost by mistake.

    Raises Invalid for a scope that is neither offered nor chosen, and for a drop that says nothing of the data; Conflict for a scope that
    another connection reads.
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
    if dropped and dropped_data is None:
        names = ", ".join(scope.name for scope in dropped[:5])
        why = f'Say what becomes of the data of {names}: "keep" or "purge"; the connection\'s removal forecast tells what there is.'
        raise Invalid("/dropped_data", why, code="required")
    now = hub.now()
    run_id: str | None = None
    removal_id: str | None = None
    try:
        with hub.work.write() as session:
            if dropped and dropped_data is not None:
                removal_id = removal.take_away(session, connection, dropped, False, dropped_data, actor, now)
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
    return Choice(after, None if run_id is None else runs.get(hub, run_id), removal_id)


def _connection(session: Session, id: str) -> Stored:
    found = rows.find(session, id)
    if found is None:
        raise NotFound("connection", id)
    if found.state == REMOVED:
        raise Conflict("The connection was taken away: make a new one, which may choose the same scopes again.")
    return found


def _held(scope: StoredScope, *, is_offered: bool) -> ScopeInfo:
    return ScopeInfo(
        scope.external_id, scope.name, scope.kind, scope.url, None, is_offered,
        None if scope.removed_at is not None else scope.chosen_at, scope.synced_at, scope.error, scope.removed_at,
    )  # fmt: skip
