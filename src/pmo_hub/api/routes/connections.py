"""Connections: tried, made, changed, paused, synced."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Response

from pmo_hub.api.conditional import IfMatch, etag, require_match
from pmo_hub.api.deps import HubDep, allow
from pmo_hub.api.pagination import Cursor, Limit, Page, page_of, position
from pmo_hub.api.schemas.connections import (
    ChosenScopes,
    ConnectionCheck,
    ConnectionPatch,
    ConnectionView,
    CreatedConnection,
    NewConnection,
    QuarantinedView,
    ScopeChoice,
    ScopeList,
    ScopesChosen,
    SyncWanted,
    TryConnection,
)
from pmo_hub.api.schemas.sync_runs import SyncRunView
from pmo_hub.services import connections, scopes
from pmo_hub.services.access import Caller
from pmo_hub.services.connections import Change, ConnectionInfo, Draft
from pmo_hub.services.scopes import ScopeInfo

router = APIRouter(prefix="/connections", tags=["connections"])

Reader = Annotated[Caller, Depends(allow("connections:read"))]
Writer = Annotated[Caller, Depends(allow("connections:write"))]

LONGEST_TEXT_BYTES = 4_096
# Of a connection, what the clock and a sync move: an ETag with these would be out of date before an admin has read the form.
MOVING = frozenset({"counts", "next_due_at", "synced_at", "last_error", "last_error_at", "state", "account", "hook"})


def _tag(view: ConnectionView) -> str:
    """The ETag of what a change is decided on: name, config, rules, intervals, and when they were last changed."""
    return etag(view.model_dump_json(exclude=set(MOVING)).encode())


def _shown(found: ConnectionInfo, response: Response) -> ConnectionView:
    view = ConnectionView.model_validate(found)
    response.headers["ETag"] = _tag(view)
    return view


@router.get("")
def list_connections(hub: HubDep, _: Reader, limit: Limit = 50, cursor: Cursor = None) -> Page[ConnectionView]:
    """Connections by name, with their state, their last error and when they are due."""
    at = position({}, cursor)
    found = connections.page(hub, None if at is None else (str(at.sort), at.id), limit + 1)
    kept, following = page_of(found, limit, {}, lambda connection: (connection.name, connection.id))
    return Page(items=[ConnectionView.model_validate(connection) for connection in kept], next_cursor=following)


@router.post("", status_code=201)
def create_connection(hub: HubDep, caller: Writer, body: NewConnection, response: Response) -> CreatedConnection:
    """Try the source; then, in one transaction, store the connection, a project for each scope, and a first sync that is queued."""
    draft = Draft(
        body.name, body.connector, body.config, body.scopes, body.interval_minutes, body.census_interval_minutes, body.rules
    )
    made = connections.create(hub, draft, caller.actor)
    response.headers["Location"] = f"/api/v1/connections/{made.connection.id}"
    return CreatedConnection(connection=_shown(made.connection, response), run=SyncRunView.model_validate(made.run))


@router.post("/check")
def check_connection(hub: HubDep, _: Writer, body: TryConnection) -> ConnectionCheck:
    """Try a config without keeping anything: who we are at the source and what may be chosen."""
    return ConnectionCheck.model_validate(connections.check(hub, body.connector, body.config))


@router.get("/{connection_id}")
def get_connection(hub: HubDep, _: Reader, connection_id: str, response: Response) -> ConnectionView:
    """A connection. Its ETag covers what can be changed, not what a sync moves."""
    return _shown(connections.get(hub, connection_id), response)


@router.patch("/{connection_id}")
def change_connection(
    hub: HubDep, caller: Writer, connection_id: str, body: ConnectionPatch, response: Response, if_match: IfMatch = None
) -> ConnectionView:
    """Change what the body names; a new config is tried first, and a secret that is left out stays."""
    held = connections.get(hub, connection_id)
    require_match(if_match, _tag(ConnectionView.model_validate(held)))
    wanted = Change(body.name, body.config, body.interval_minutes, body.census_interval_minutes, body.rules)
    return _shown(connections.change(hub, held.id, wanted, caller.actor, held.updated_at), response)


@router.post("/{connection_id}/check")
def check_stored_connection(hub: HubDep, _: Writer, connection_id: str) -> ConnectionCheck:
    """Try the connection as it is stored."""
    return ConnectionCheck.model_validate(connections.check_again(hub, connection_id))


@router.post("/{connection_id}/sync", status_code=202)
def sync_connection(hub: HubDep, caller: Writer, connection_id: str, response: Response, body: SyncWanted | None = None) -> SyncRunView:
    """Queue a run; one that waits already is told instead of a second."""
    run = connections.request_sync(hub, connection_id, (body or SyncWanted()).mode, caller.actor)
    response.headers["Location"] = f"/api/v1/sync-runs/{run.id}"
    return SyncRunView.model_validate(run)


@router.post("/{connection_id}/pause")
def pause_connection(hub: HubDep, caller: Writer, connection_id: str, response: Response) -> ConnectionView:
    """Stop its schedule; a run under way ends by itself."""
    return _shown(connections.pause(hub, connection_id, caller.actor), response)


@router.post("/{connection_id}/resume")
def resume_connection(hub: HubDep, caller: Writer, connection_id: str, response: Response) -> ConnectionView:
    """Let its schedule run again, also after a failure that had stopped it."""
    return _shown(connections.resume(hub, connection_id, caller.actor), response)


@router.get("/{connection_id}/scopes")
def list_scopes(hub: HubDep, _: Writer, connection_id: str) -> ScopeList:
    """Every scope that the source offers now, and every one that is chosen. Asks the source, hence the scope for writing."""
    return ScopeList(items=[_choice(scope) for scope in scopes.offered(hub, connection_id)])


@router.put("/{connection_id}/scopes")
def choose_scopes(hub: HubDep, caller: Writer, connection_id: str, body: ChosenScopes) -> ScopesChosen:
    """Read exactly these scopes: what is new is synced, what is missing ends with its history kept."""
    made = scopes.choose(hub, connection_id, body.scopes, caller.actor)
    run = None if made.run is None else SyncRunView.model_validate(made.run)
    return ScopesChosen(items=[_choice(scope) for scope in made.scopes], run=run)


@router.get("/{connection_id}/quarantine")
def list_quarantine(hub: HubDep, _: Reader, connection_id: str, limit: Limit = 50, cursor: Cursor = None) -> Page[QuarantinedView]:
    """What could not be read, the newest first, with the beginning of what the source sent."""
    filters = {"connection_id": connection_id}
    at = position(filters, cursor)
    after = None if at is None else (at.instant, at.id)
    found = connections.quarantine(hub, connection_id, after, limit + 1, LONGEST_TEXT_BYTES)
    kept, following = page_of(found, limit, filters, lambda one: (one.first_seen_at, one.id))
    items = [
        QuarantinedView(
            id=one.id, kind=one.kind, external_id=one.external_id, why=one.why, first_seen_at=one.first_seen_at, seen_at=one.seen_at,
            attempts=one.attempts, size_bytes=one.size_bytes, text=one.body.decode("utf-8", "replace").replace("\x00", "�"),
            is_cut=len(one.body) < one.size_bytes,
        )
        for one in kept
    ]  # fmt: skip
    return Page(items=items, next_cursor=following)


def _choice(scope: ScopeInfo) -> ScopeChoice:
    return ScopeChoice(
        external_id=scope.external_id, name=scope.name, kind=scope.kind, url=scope.url, estimate=scope.estimate,
        is_offered=scope.is_offered, is_chosen=scope.chosen_at is not None, chosen_at=scope.chosen_at, synced_at=scope.synced_at,
        error=scope.error,
    )  # fmt: skip
