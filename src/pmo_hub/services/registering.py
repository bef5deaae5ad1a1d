"""Webhooks that a source takes by its API: it is told where to send, asked to go on before it stops, and told to stop."""

from __future__ import annotations

from datetime import datetime, timedelta

import structlog

from pmo_hub.sdk.hooks import Registering, Registration
from pmo_hub.services import sources
from pmo_hub.services.errors import ServiceError
from pmo_hub.services.hub import Hub
from pmo_hub.store.repositories import connections, jobs
from pmo_hub.store.repositories import hooks as rows
from pmo_hub.store.repositories.connections import Stored
from pmo_hub.store.repositories.hooks import StoredHook
from pmo_hub.store.unit_of_work import Session

log = structlog.get_logger(__name__)

RENEWAL = "renew_hook"
RENEW_BEFORE = timedelta(days=5)
RENEW_EVERY_S = 6 * 3600
SOON = timedelta(days=1)
"""A registration that ends so soon is looked at after each run: a source that names no end has it looked after so."""


def register(hub: Hub, connection: Stored, url: str, secret: str | None) -> None:
    """The source sends to `url`; raises Invalid or Unavailable where it does not."""
    with hub.work.read() as session:
        chosen = [scope.external_id for scope in connections.scopes(session, connection.id)]
    with sources.opening(hub, connection) as opened:
        if not isinstance(opened.source, Registering):
            return
        held = opened.source.register(url, secret, chosen)
    with hub.work.write() as session:
        rows.note_registration(session, connection.id, held.id, held.expires_at, None)


def unregister(hub: Hub, connection: Stored, hook: StoredHook) -> None:
    """The source sends no more, where it held the webhook and can be told so."""
    if hook.registration_id is None:
        return
    try:
        with sources.opening(hub, connection) as opened:
            if isinstance(opened.source, Registering):
                opened.source.unregister(Registration(hook.registration_id, hook.registration_expires_at))
    except ServiceError as error:
        # What it still sends is refused; the source drops such an address by itself.
        log.warning("hook.not_unregistered", connection_id=connection.id, error=str(error))


def renew(hub: Hub, connection_id: str) -> None:
    """The source holds the connection's webhook for longer, or its hook says why not."""
    with hub.work.read() as session:
        connection = connections.find(session, connection_id)
        hook = rows.find(session, connection_id)
        chosen = [scope.external_id for scope in connections.scopes(session, connection_id)]
    if connection is None or hook is None or hook.registration_id is None:
        return
    held = Registration(hook.registration_id, hook.registration_expires_at)
    error: str | None = None
    try:
        with sources.opening(hub, connection) as opened:
            if isinstance(opened.source, Registering):
                held = opened.source.renew(held, chosen)
    except ServiceError as refusal:
        error = str(refusal)
        log.warning("hook.not_renewed", connection_id=connection_id, error=error)
    with hub.work.write() as session:
        rows.note_registration(session, connection_id, held.id, held.expires_at, error)


def enqueue_due(session: Session, now: datetime) -> None:
    """Registrations that end soon are renewed by a job, tried again some hours later where that fails."""
    for hook in rows.expiring(session, now + RENEW_BEFORE):
        _enqueue(session, hook.connection_id, str(int(now.timestamp() // RENEW_EVERY_S)), now)


def enqueue_soon(session: Session, connection_id: str, run_id: str, now: datetime) -> None:
    """A run has read the source: a registration that ends soon is renewed by a job."""
    hook = rows.find(session, connection_id)
    ends_at = None if hook is None or hook.registration_id is None else hook.registration_expires_at
    if ends_at is not None and ends_at <= now + SOON:
        _enqueue(session, connection_id, run_id, now)


def enqueue_changed(session: Session, connection_id: str, now: datetime) -> None:
    """The source learns by a job that other scopes were chosen, where it holds the connection's webhook."""
    hook = rows.find(session, connection_id)
    if hook is not None and hook.registration_id is not None:
        _enqueue(session, connection_id, now.isoformat(), now)


def _enqueue(session: Session, connection_id: str, slot: str, now: datetime) -> None:
    jobs.add(session, RENEWAL, f"{RENEWAL}:{connection_id}:{slot}", f"connection:{connection_id}", {"connection_id": connection_id}, now)
