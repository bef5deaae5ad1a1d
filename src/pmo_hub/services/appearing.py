"""Scopes that a source wants read without anybody choosing them, such as plans that are laid into a watched folder."""

from __future__ import annotations

from pmo_hub.domain.identity import row_id
from pmo_hub.sdk.files import Appearing
from pmo_hub.services import audit
from pmo_hub.services.errors import Conflict
from pmo_hub.services.running import SyncRun
from pmo_hub.store.repositories import connections as rows
from pmo_hub.store.repositories import removals

ACTOR = "sync"


def choose(this: SyncRun) -> None:
    """What has appeared, and was never chosen nor given up, is read by this run and from now on."""
    from pmo_hub.services import connections  # which queues runs, and so knows of them before they know of it

    source = this.opened.source
    if not isinstance(source, Appearing):
        return
    offered = list(source.appeared())
    with this.hub.work.read() as session:
        known = {s.id for removed in (False, True) for s in rows.scopes(session, this.connection.id, removed=removed)}
        known |= removals.given_up(session, this.connection.id)
    for scope in offered:
        if row_id(this.connection.namespace, "scope", scope.external_id) in known:
            continue
        try:
            with this.commit() as session:
                now = this.hub.now()
                connections.add_scopes(session, this.connection, [scope], now)
                detail = {"added": [scope.external_id], "dropped": []}
                audit.record(session, ACTOR, "connection.scopes_chosen", "connection", this.connection.id, detail, now)
                added = {s.external_id: s.id for s in rows.scopes(session, this.connection.id)}
        except Conflict as error:
            this.complaints.append(str(error))
            continue
        this.scopes.update(added)
