"""Connections: tried before they exist, made in one transaction, changed, paused, asked to sync. A secret is never read back."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal

from pmo_hub.domain.identity import row_id
from pmo_hub.host import configuration
from pmo_hub.host.session import sealed_secrets, stored_config
from pmo_hub.sdk.contract import Scope
from pmo_hub.sdk.errors import ConfigError
from pmo_hub.services import audit, hooks, projects, runs, sources, sync
from pmo_hub.services.errors import Conflict, Fault, Invalid, NotFound
from pmo_hub.services.hooks import HookInfo
from pmo_hub.services.hub import Hub
from pmo_hub.services.runs import RunInfo
from pmo_hub.services.sources import Checked
from pmo_hub.store.repositories import connections as rows
from pmo_hub.store.repositories import syncing
from pmo_hub.store.repositories.connections import ACTIVE, FAILING, PAUSED, AlreadyThere, Counts, Quarantined, Stored, StoredScope
from pmo_hub.store.unit_of_work import Session

Chosen = Sequence[str] | Literal["all"]

INTERVAL_MINUTES = 15
CENSUS_INTERVAL_MINUTES = 24 * 60
LONGEST_INTERVAL_MINUTES = 31 * 24 * 60


@dataclass(frozen=True, slots=True)
class Draft:
    """A connection to be: `config` with its secrets, `scopes` by external id, or all that the source offers."""

    name: str
    connector: str
    config: Mapping[str, Any] = field(repr=False)
    scopes: Chosen = "all"
    interval_minutes: int = INTERVAL_MINUTES
    census_interval_minutes: int = CENSUS_INTERVAL_MINUTES
    rules: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Change:
    """What to change; None leaves it. `config` is a JSON Merge Patch: a secret that is left out stays."""

    name: str | None = None
    config: Mapping[str, Any] | None = field(default=None, repr=False)
    interval_minutes: int | None = None
    census_interval_minutes: int | None = None
    rules: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class ConnectionInfo:
    """What may be told about a connection. `next_due_at` None: its schedule is stopped."""

    id: str
    name: str
    connector: str
    namespace: str
    config: Mapping[str, Any]
    rules: Mapping[str, str]
    state: str
    account: str | None
    last_error: str | None
    last_error_at: datetime | None
    interval_minutes: int
    census_interval_minutes: int
    created_at: datetime
    updated_at: datetime
    synced_at: datetime | None
    next_due_at: datetime | None
    counts: Counts
    hook: HookInfo | None = None


@dataclass(frozen=True, slots=True)
class Created:
    connection: ConnectionInfo
    run: RunInfo


def check(hub: Hub, connector_name: str, config: Mapping[str, Any]) -> Checked:
    """What the source answers to this config, of which nothing is kept; raises Invalid or Unavailable."""
    connector = sources.connector_named(hub, connector_name)
    with sources.trying(hub, connector, sources.checked_config(connector, config)) as opened:
        return sources.look(opened)


def check_again(hub: Hub, id: str) -> Checked:
    """What the source answers to the connection as it is stored."""
    with sources.opening(hub, _stored(hub, id)) as opened:
        return sources.look(opened)


def create(hub: Hub, draft: Draft, actor: str) -> Created:
    """The connection exists with its scopes, a project for each, and a first sync that is queued; or nothing does."""
    _check_fields(draft.name, draft.interval_minutes, draft.census_interval_minutes, draft.rules)
    connector = sources.connector_named(hub, draft.connector)
    config = sources.checked_config(connector, draft.config)
    with hub.work.read() as session:
        _refuse_name(session, draft.name, None)
    with sources.trying(hub, connector, config) as opened:
        seen = sources.look(opened)
    chosen = chosen_of(seen.scopes, draft.scopes)
    now = hub.now()
    id = secrets.token_hex(16)
    connection = Stored(
        id, draft.name, draft.connector, seen.namespace, config.plain, sealed_secrets(hub, config, id), draft.rules, ACTIVE, seen.account,
        None, None, 0, draft.interval_minutes, draft.census_interval_minutes, now, now,
    )  # fmt: skip
    estimates = [scope.estimate for scope in chosen if scope.estimate is not None]
    try:
        with hub.work.write() as session:
            _refuse_name(session, draft.name, None)
            rows.insert(session, connection)
            add_scopes(session, connection, chosen, now)
            run_id = sync.enqueue(session, id, "incremental", now)
            if estimates:
                syncing.update_run(session, run_id, estimate=sum(estimates))
            detail = {"name": draft.name, "connector": draft.connector, "scopes": len(chosen), "secrets": sorted(config.secrets)}
            audit.record(session, actor, "connection.created", "connection", id, detail, now)
    except AlreadyThere as error:
        raise Conflict("Another connection took the name or a scope at the same moment: look at the list and try again.") from error
    return Created(get(hub, id), runs.get(hub, run_id))


def change(hub: Hub, id: str, wanted: Change, actor: str, seen: datetime | None = None) -> ConnectionInfo:
    """The connection is changed; a new config was tried first. `seen`: its updated_at that the change was decided on."""
    before = _stored(hub, id)
    values = {name: value for name in ("name", "interval_minutes", "census_interval_minutes", "rules")
              if (value := getattr(wanted, name)) is not None}  # fmt: skip
    _check_fields(
        values.get("name", before.name), values.get("interval_minutes", before.interval_minutes),
        values.get("census_interval_minutes", before.census_interval_minutes), values.get("rules", before.rules),
    )  # fmt: skip
    changed = sorted(values)
    if wanted.config is not None:
        values |= _tried_anew(hub, before, wanted.config)
        changed += [f"config.{name}" for name in sorted(wanted.config)]
    now = hub.now()
    try:
        with hub.work.write() as session:
            held = rows.find(session, id)
            if held is None or held.updated_at != (seen or before.updated_at):
                raise Conflict("Somebody changed the connection meanwhile: read it again and decide anew.")
            _refuse_name(session, values.get("name", before.name), id)
            rows.update(session, id, values | {"updated_at": now})
            audit.record(session, actor, "connection.changed", "connection", id, {"changed": changed}, now)
    except AlreadyThere as error:
        raise Conflict(f"There is a connection called {values.get('name')!r} already.") from error
    return get(hub, id)


def _tried_anew(hub: Hub, before: Stored, change: Mapping[str, Any]) -> dict[str, Any]:
    """What the row holds with the changed config, which the source accepted."""
    connector = sources.connector_named(hub, before.connector)
    try:
        whole: Mapping[str, Any] = stored_config(hub, connector, before).whole
    except ConfigError:
        whole = before.config  # its secrets can't be read or no longer suit: the change has to bring them
    config = sources.checked_config(connector, configuration.patched(whole, change))
    with sources.trying(hub, connector, config) as opened:
        found = sources.look(opened, scopes=False)
    if found.namespace != before.namespace:
        why = f"That is another source ({found.namespace}) than the one that this connection reads ({before.namespace})"
        raise Invalid("/config", f"{why}: make a new connection for it.", code="namespace")
    values = {"config": dict(config.plain), "secrets": sealed_secrets(hub, config, before.id), "account": found.account}
    if before.state == FAILING:
        values |= {"state": ACTIVE}
    # Failures are counted until a run ends well: only then is the data complete again, and the recovery told.
    return values | {"last_error": None, "last_error_at": None}


def get(hub: Hub, id: str) -> ConnectionInfo:
    """The connection of that id; raises NotFound."""
    with hub.work.read() as session:
        stored = rows.find(session, id)
        if stored is None:
            raise NotFound("connection", id)
        return _infos(session, [stored], hub.now())[0]


def page(hub: Hub, after: tuple[str, str] | None, limit: int) -> Sequence[ConnectionInfo]:
    """Connections by name, those after (name, id)."""
    with hub.work.read() as session:
        return _infos(session, rows.page(session, after, limit), hub.now())


def pause(hub: Hub, id: str, actor: str) -> ConnectionInfo:
    """Its schedule is stopped until it is resumed; a run under way ends by itself."""
    return _switch(hub, id, PAUSED, "connection.paused", actor)


def resume(hub: Hub, id: str, actor: str) -> ConnectionInfo:
    """Its schedule runs again, also after a failure that had stopped it."""
    return _switch(hub, id, ACTIVE, "connection.resumed", actor)


def _switch(hub: Hub, id: str, state: str, action: str, actor: str) -> ConnectionInfo:
    stored = _stored(hub, id)
    now = hub.now()
    if stored.state != state:
        with hub.work.write() as session:
            rows.update(session, stored.id, {"state": state, "updated_at": now})
            audit.record(session, actor, action, "connection", stored.id, {}, now)
    return get(hub, stored.id)


def request_sync(hub: Hub, id: str, mode: str, actor: str) -> RunInfo:
    """A run is queued, or the one that was waiting already is told."""
    if mode not in runs.MODES:
        raise Invalid("/mode", f"There is no mode {mode!r}; there are {', '.join(runs.MODES)}.")
    stored = _stored(hub, id)
    now = hub.now()
    with hub.work.write() as session:
        run_id = sync.enqueue(session, stored.id, mode, now)
        audit.record(session, actor, "connection.sync_requested", "connection", stored.id, {"mode": mode, "run_id": run_id}, now)
    return runs.get(hub, run_id)


def quarantine(hub: Hub, id: str, after: tuple[datetime, str] | None, limit: int, longest_bytes: int) -> Sequence[Quarantined]:
    """What the connection could not read, the newest first."""
    stored = _stored(hub, id)
    with hub.work.read() as session:
        return rows.quarantine(session, stored.id, after, limit, longest_bytes)


def chosen_of(offered: Sequence[Scope], wanted: Chosen) -> list[Scope]:
    """The offered scopes that are wanted; raises Invalid for one that is not offered, and where nothing is left."""
    if wanted == "all":
        if not offered:
            raise Invalid("/scopes", "The source offers nothing to read: check the permissions of the account.", code="scope")
        return list(offered)
    by_id = {scope.external_id: scope for scope in offered}
    faults = [Fault(f"/scopes/{i}", f"The source does not offer {one!r}.", "scope") for i, one in enumerate(wanted) if one not in by_id]
    if faults:
        raise Invalid.of(faults)
    if not wanted:
        raise Invalid("/scopes", 'Choose at least one scope, or "all".', code="scope")
    return [by_id[one] for one in dict.fromkeys(wanted)]


def add_scopes(session: Session, connection: Stored, chosen: Sequence[Scope], now: datetime) -> None:
    """The connection reads these scopes too, each in a project of its own; raises Conflict naming the connection that reads one already."""
    scopes = [
        StoredScope(
            row_id(connection.namespace, "scope", scope.external_id), connection.id, scope.external_id, scope.name, scope.kind, scope.url,
            now, None, None,
        )
        for scope in chosen
    ]  # fmt: skip
    taken = rows.taken(session, [scope.id for scope in scopes])
    for scope in scopes:
        if scope.id in taken:
            _, name = taken[scope.id]
            raise Conflict(f"The connection {name!r} reads {scope.name!r} already; a scope is read by one connection.")
    rows.insert_scopes(session, scopes)
    projects.create_for_scopes(session, scopes, now)


def _stored(hub: Hub, id: str) -> Stored:
    with hub.work.read() as session:
        stored = rows.find(session, id)
    if stored is None:
        raise NotFound("connection", id)
    return stored


def _infos(session: Session, found: Sequence[Stored], now: datetime) -> list[ConnectionInfo]:
    ids = [connection.id for connection in found]
    counts = rows.counts(session, ids)
    started = rows.last_started(session, ids)
    hooked = hooks.infos(session, ids)
    return [
        ConnectionInfo(
            c.id, c.name, c.connector, c.namespace, c.config, c.rules, c.state, c.account, c.last_error, c.last_error_at,
            c.interval_minutes, c.census_interval_minutes, c.created_at, c.updated_at, c.synced_at, _next_due(c, started.get(c.id), now),
            counts[c.id], hooked.get(c.id),
        )
        for c in found
    ]  # fmt: skip


def _next_due(connection: Stored, last_started: datetime | None, now: datetime) -> datetime | None:
    if connection.state != ACTIVE:
        return None
    return now if last_started is None else max(now, last_started + timedelta(minutes=connection.interval_minutes))


def _refuse_name(session: Session, name: str, own_id: str | None) -> None:
    holder = rows.named(session, name)
    if holder is not None and holder != own_id:
        raise Conflict(f"There is a connection called {name!r} already.")


def _check_fields(name: str, interval_minutes: int, census_interval_minutes: int, rules: Mapping[str, str]) -> None:
    if not name.strip() or len(name) > 200:
        raise Invalid("/name", "A connection needs a name of 1 to 200 characters.")
    for field_name, minutes in (("interval_minutes", interval_minutes), ("census_interval_minutes", census_interval_minutes)):
        if not 1 <= minutes <= LONGEST_INTERVAL_MINUTES:
            raise Invalid(f"/{field_name}", f"The interval must be 1 to {LONGEST_INTERVAL_MINUTES} minutes.")
    for rule, text in rules.items():
        try:
            json.loads(text)
        except ValueError:
            raise Invalid(f"/rules/{rule}", "A rule's value is JSON text.") from None


