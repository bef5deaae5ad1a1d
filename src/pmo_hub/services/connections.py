"""Connections: tried before they exist, made in one transaction, changed, paused, asked to sync. A secret is never read back."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Literal

from pmo_hub.domain.identity import row_id
from pmo_hub.host import configuration
from pmo_hub.host.session import sealed_secrets, stored_config
from pmo_hub.sdk.contract import Capability, Scope
from pmo_hub.sdk.errors import AuthError, ConfigError
from pmo_hub.services import audit, authorizations, budgets, hooks, projects, rules, runs, scheduling, sources, sync, timetable
from pmo_hub.services.budgets import Budget
from pmo_hub.services.errors import Conflict, Fault, Invalid, NotFound
from pmo_hub.services.hooks import HookInfo
from pmo_hub.services.hub import Hub
from pmo_hub.services.runs import RunInfo
from pmo_hub.services.sources import Checked
from pmo_hub.store.repositories import connections as rows
from pmo_hub.store.repositories import removals, syncing
from pmo_hub.store.repositories.connections import (
    ACTIVE,
    FAILING,
    PAUSED,
    REMOVED,
    STOPPED,
    AlreadyThere,
    Counts,
    Quarantined,
    Stored,
    StoredScope,
)
from pmo_hub.store.unit_of_work import Session

Chosen = Sequence[str] | Literal["all"]


@dataclass(frozen=True, slots=True)
class Draft:
    """A connection to be: `config` with its secrets, `scopes` by external id, or all that the source offers.

    `schedules` says which of `timetable.DEFAULTS` are otherwise, None for never; local times are those of `time_zone`.
    """

    name: str
    connector: str
    config: Mapping[str, Any] = field(repr=False)
    scopes: Chosen = "all"
    schedules: Mapping[str, str | None] = field(default_factory=dict)
    rules: Mapping[str, str] = field(default_factory=dict)
    time_zone: str = "UTC"
    quiet_hours: Sequence[Mapping[str, Any]] = ()


@dataclass(frozen=True, slots=True)
class Change:
    """What to change; None leaves it. `config` is a JSON Merge Patch: a secret that is left out stays."""

    name: str | None = None
    config: Mapping[str, Any] | None = field(default=None, repr=False)
    schedules: Mapping[str, str | None] | None = None
    rules: Mapping[str, str] | None = None
    time_zone: str | None = None
    quiet_hours: Sequence[Mapping[str, Any]] | None = None


@dataclass(frozen=True, slots=True)
class ConnectionInfo:
    """What may be told about a connection. `next_due`: mode → when it fires; `next_due_at` is the first of them, None: none will."""

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
    schedules: Mapping[str, str | None]
    time_zone: str
    quiet_hours: Sequence[Mapping[str, Any]]
    created_at: datetime
    updated_at: datetime
    synced_at: datetime | None
    next_due_at: datetime | None
    next_due: Mapping[str, datetime | None]
    credential_expires_at: datetime | None
    budget: Budget
    counts: Counts
    hook: HookInfo | None = None


@dataclass(frozen=True, slots=True)
class Created:
    """`first_run` None: somebody has to sign in and choose scopes before there is anything to read."""

    connection: ConnectionInfo
    first_run: RunInfo | None

    @property
    def run(self) -> RunInfo:
        """The first run of a connection that signs in by what its config holds."""
        if self.first_run is None:
            raise Conflict(authorizations.UNAUTHORIZED)
        return self.first_run


def check(hub: Hub, connector_name: str, config: Mapping[str, Any]) -> Checked:
    """What the source answers to this config, of which nothing is kept; raises Invalid or Unavailable."""
    connector = sources.connector_named(hub, connector_name)
    checked = sources.checked_config(connector, config)
    with sources.trying(hub, connector, checked) as opened:
        if authorizations.of(connector, checked) is not None:
            return Checked(authorizations.UNAUTHORIZED, opened.source.namespace(), ())
        return sources.look(opened)


def check_again(hub: Hub, id: str) -> Checked:
    """What the source answers to the connection as it is stored."""
    with sources.opening(hub, living(hub, id)) as opened:
        return sources.look(opened)


def create(hub: Hub, draft: Draft, actor: str) -> Created:
    """The connection exists with its scopes, a project for each, and a first sync that is queued; or nothing does."""
    _check_fields(draft.name, draft.rules)
    times = timetable.checked(draft.schedules, draft.time_zone, draft.quiet_hours, timetable.DEFAULTS)
    connector = sources.connector_named(hub, draft.connector)
    draft = replace(draft, rules=rules.checked_shape(connector, rules.values(draft.rules)))
    config = sources.checked_config(connector, draft.config)
    with hub.work.read() as session:
        _refuse_name(session, draft.name, None)
    unauthorized = authorizations.of(connector, config) is not None
    with sources.trying(hub, connector, config) as opened:
        seen = Checked("", opened.source.namespace(), ()) if unauthorized else sources.look(opened)
    if unauthorized and draft.scopes != "all":
        raise Invalid("/scopes", "Leave the scopes out: what there is to choose is known when somebody has signed in.", code="scope")
    # Files come later, to a connection that is there.
    nothing_yet = unauthorized or (Capability.UPLOAD in connector.capabilities and draft.scopes == "all" and not seen.scopes)
    chosen = [] if nothing_yet else chosen_of(seen.scopes, draft.scopes)
    now = hub.now()
    id = secrets.token_hex(16)
    connection = Stored(
        id, draft.name, draft.connector, seen.namespace, config.plain, sealed_secrets(hub, config, id), draft.rules,
        FAILING if unauthorized else ACTIVE, seen.account or None, authorizations.UNAUTHORIZED if unauthorized else None,
        now if unauthorized else None, 0, **times, created_at=now, updated_at=now, credential_expires_at=seen.expires_at,
        credential_asked_at=now,
    )  # fmt: skip
    estimates = [scope.estimate for scope in chosen if scope.estimate is not None]
    try:
        with hub.work.write() as session:
            _refuse_name(session, draft.name, None)
            rows.insert(session, connection)
            add_scopes(session, connection, chosen, now)
            run_id = None if unauthorized else sync.enqueue(session, id, "incremental", now)
            if run_id is not None and estimates:
                syncing.update_run(session, run_id, estimate=sum(estimates))
            detail = {"name": draft.name, "connector": draft.connector, "scopes": len(chosen), "secrets": sorted(config.secrets)}
            audit.record(session, actor, "connection.created", "connection", id, detail, now)
    except AlreadyThere as error:
        raise Conflict("Another connection took the name or a scope at the same moment: look at the list and try again.") from error
    return Created(get(hub, id), None if run_id is None else runs.get(hub, run_id))


def change(hub: Hub, id: str, wanted: Change, actor: str, seen: datetime | None = None) -> ConnectionInfo:
    """The connection is changed; a new config was tried first. `seen`: its updated_at that the change was decided on."""
    before = living(hub, id)
    ruled: rules.Checked | None = None
    values = {name: value for name in ("name", "rules") if (value := getattr(wanted, name)) is not None}
    _check_fields(values.get("name", before.name), values.get("rules", before.rules))
    times = [name for name in ("schedules", "time_zone", "quiet_hours") if getattr(wanted, name) is not None]
    changed = sorted([*values, *times])
    if times:
        values |= timetable.checked(
            wanted.schedules or {}, before.time_zone if wanted.time_zone is None else wanted.time_zone,
            before.quiet_hours if wanted.quiet_hours is None else wanted.quiet_hours, before.schedules,
        )  # fmt: skip
    if wanted.rules is not None:
        ruled = rules.checked(hub, before, rules.values(wanted.rules))
        values["rules"] = dict(ruled.texts)
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
            if ruled is not None and ruled.texts != held.rules:
                rules.follow(session, id, ruled, now)
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
    why: str | None = None
    if authorizations.of(connector, config) is None:
        with sources.trying(hub, connector, config) as opened:
            found = sources.look(opened, scopes=False)
    else:
        # What a person consented to stays with the connection; where it no longer serves, the config stands and waits for a new consent.
        with sources.trying(hub, connector, config, before.id) as opened:
            found = Checked(before.account or "", opened.source.namespace(), ())
            try:
                found = sources.look(opened, scopes=False)
            except AuthError as error:
                why = str(error)
    if found.namespace != before.namespace:
        other = f"That is another source ({found.namespace}) than the one that this connection reads ({before.namespace})"
        raise Invalid("/config", f"{other}: make a new connection for it.", code="namespace")
    values: dict[str, Any] = {"config": dict(config.plain), "secrets": sealed_secrets(hub, config, before.id), "account": found.account}
    values |= {"credential_expires_at": found.expires_at, "credential_asked_at": hub.now()}
    if why is not None:
        return values | {"state": FAILING, "last_error": why, "last_error_at": hub.now()}
    if before.state in STOPPED:
        values |= {"state": ACTIVE}
    # Failures are counted until a run ends well: only then is the data complete again, and the recovery told.
    return values | {"last_error": None, "last_error_at": None, "census_error": None, "census_error_at": None}


def get(hub: Hub, id: str) -> ConnectionInfo:
    """The connection of that id; raises NotFound."""
    with hub.work.read() as session:
        stored = rows.find(session, id)
        if stored is None:
            raise NotFound("connection", id)
        return _infos(hub, session, [stored])[0]


def page(hub: Hub, after: tuple[str, str] | None, limit: int) -> Sequence[ConnectionInfo]:
    """Connections by name, those after (name, id)."""
    with hub.work.read() as session:
        return _infos(hub, session, rows.page(session, after, limit))


def pause(hub: Hub, id: str, actor: str) -> ConnectionInfo:
    """Its schedule is stopped until it is resumed; a run under way ends by itself."""
    return _switch(hub, id, PAUSED, "connection.paused", actor)


def resume(hub: Hub, id: str, actor: str) -> ConnectionInfo:
    """Its schedule runs again, also after a failure that had stopped it."""
    return _switch(hub, id, ACTIVE, "connection.resumed", actor)


def _switch(hub: Hub, id: str, state: str, action: str, actor: str) -> ConnectionInfo:
    stored = living(hub, id)
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
    stored = living(hub, id)
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
    """The connection reads these scopes too, each in a project of its own; raises Conflict naming the connection that reads one already.

    A scope whose data was kept is read from its start, and a census ends what the source has lost since.
    """
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
    kept = rows.kept(session, [scope.id for scope in scopes])
    for scope in scopes:
        if kept.get(scope.id) == "purge":
            raise Conflict(f"What {scope.name!r} had brought is being purged: choose it again when that has ended.")
    rows.insert_scopes(session, [scope for scope in scopes if scope.id not in kept])
    if kept:
        removals.revive(session, kept, connection.id, now)
        sync.enqueue(session, connection.id, "census", now)
    projects.create_for_scopes(session, scopes, now)


def _stored(hub: Hub, id: str) -> Stored:
    with hub.work.read() as session:
        stored = rows.find(session, id)
    if stored is None:
        raise NotFound("connection", id)
    return stored


def living(hub: Hub, id: str) -> Stored:
    """The connection, which nobody has taken away; raises NotFound or Conflict."""
    stored = _stored(hub, id)
    if stored.state == REMOVED:
        raise Conflict("The connection was taken away and its data is read-only: make a new one, which may choose the same scopes again.")
    return stored


def _infos(hub: Hub, session: Session, found: Sequence[Stored]) -> list[ConnectionInfo]:
    ids = [connection.id for connection in found]
    counts = rows.counts(session, ids)
    begun = rows.last_begun(session, ids)
    left = budgets.of_connections(hub, found)
    hooked = hooks.infos(session, ids)
    return [_info(hub, c, counts[c.id], begun[c.id], left[c.id], hooked.get(c.id)) for c in found]


def _info(hub: Hub, c: Stored, counts: Counts, begun: Mapping[str, datetime], budget: Budget, hook: HookInfo | None) -> ConnectionInfo:
    now = hub.now()
    due = {one.mode: scheduling.next_due(one, now) for one in scheduling.schedules_of(c, begun)}
    # What stands against reading goes before what a census found.
    error, error_at = (c.last_error, c.last_error_at) if c.last_error is not None else (c.census_error, c.census_error_at)
    return ConnectionInfo(
        c.id, c.name, c.connector, c.namespace, c.config, c.rules, c.state, c.account, error, error_at, c.schedules, c.time_zone,
        c.quiet_hours, c.created_at, c.updated_at, c.synced_at, min((at for at in due.values() if at is not None), default=None),
        {mode: due.get(mode) for mode in timetable.MODES}, c.credential_expires_at, budget, counts, hook,
    )  # fmt: skip


def _refuse_name(session: Session, name: str, own_id: str | None) -> None:
    holder = rows.named(session, name)
    if holder is not None and holder != own_id:
        raise Conflict(f"There is a connection called {name!r} already.")


def _check_fields(name: str, rules: Mapping[str, str]) -> None:
    if not name.strip() or len(name) > 200:
        raise Invalid("/name", "A connection needs a name of 1 to 200 characters.")
    for rule, text in rules.items():
        try:
            json.loads(text)
        except ValueError:
            raise Invalid(f"/rules/{rule}", "A rule's value is JSON text.") from None
