"""When a connection's credential ends: asked of its source now and then, and told beforehand."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import structlog

from pmo_hub.sdk.contract import Expiring, Source
from pmo_hub.services import derivation
from pmo_hub.services.hub import Hub
from pmo_hub.store.repositories import connections, events

if TYPE_CHECKING:
    from pmo_hub.services.running import SyncRun

log = structlog.get_logger(__name__)

WARNED_BEFORE = timedelta(days=14)
ASKED_EVERY = timedelta(hours=6)


def expiry(source: Source) -> datetime | None:
    """When the source stops accepting the credential; None where nobody says."""
    at = source.credential_expires_at() if isinstance(source, Expiring) else None
    return None if at is None else at.astimezone(UTC)


def ask(run: SyncRun) -> None:
    """The connection knows when its credential ends; asked every few hours, as the answer may cost a request."""
    now = run.hub.now()
    asked = run.connection.credential_asked_at
    if not isinstance(run.opened.source, Expiring) or (asked is not None and now - asked < ASKED_EVERY):
        return
    found = expiry(run.opened.source)
    with run.commit() as session:
        connections.update(session, run.connection.id, {"credential_expires_at": found, "credential_asked_at": now})


def warn(hub: Hub) -> int:
    """Each credential that ends within two weeks is told once: an event, a line in the log, and the check that watches it."""
    now = hub.now()
    with hub.work.read() as session:
        ending = connections.credentials_ending(session, now + WARNED_BEFORE)
    for id_, expires_at in ending:
        with hub.work.write() as session:
            if not connections.note_warned(session, id_, expires_at):
                continue
            events.append(session, "credential.expiring", "connection", id_, {"expires_at": expires_at.isoformat()}, now)
            derivation.judge_connection(session, id_, now)
        log.warning("connection.credential_expiring", connection_id=id_, expires_at=expires_at.isoformat())
    return len(ending)
