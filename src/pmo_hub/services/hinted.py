"""Runs in mode "hook": what webhooks named is fetched and committed; what is named stays named until that is done.

Many deliveries make one run: the first waits a moment for the others, and what comes while a run reads is read by the next.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from pmo_hub.sdk.contract import Gone, Page, Reason, Ref
from pmo_hub.services import reading, references
from pmo_hub.services.committing import take_fetched
from pmo_hub.services.hub import Hub
from pmo_hub.services.running import SyncRun
from pmo_hub.store.placing import held_payloads
from pmo_hub.store.repositories import hooks, jobs, sync_runs, syncing
from pmo_hub.store.repositories.hooks import Pending
from pmo_hub.store.unit_of_work import Session

DEBOUNCE = timedelta(seconds=2)
REFS_A_FETCH = 500
UNPOLLED = timedelta(hours=1)
"""How long a failed fetch rests where no poll says how often the connection is read."""


def enqueue(session: Session, connection_id: str, now: datetime) -> str:
    """A run that has not begun will fetch what is pending; not before the source wants to be asked again."""
    waiting = sync_runs.joinable_run(session, connection_id, syncing.HOOK)
    if waiting is not None:
        return waiting
    run_id = secrets.token_hex(16)
    run_at = max(now + DEBOUNCE, sync_runs.waiting_until(session, connection_id) or now)
    syncing.add_run(session, run_id, connection_id, syncing.HOOK, now, syncing.SCHEDULE)
    jobs.add(session, "sync", f"sync:{run_id}", f"connection:{connection_id}", {"run_id": run_id, "attempt": 1}, run_at, now)
    return run_id


def tick(hub: Hub) -> list[str]:
    """Queue a run where something is pending and nothing is going to fetch it; after a failure not before the next poll would be."""
    now = hub.now()
    ids = []
    with hub.work.read() as session:
        found = hooks.with_pending(session)
    for connection_id, cadence_minutes in found:
        with hub.work.write() as session:
            failed_at = sync_runs.failed_at(session, connection_id, syncing.HOOK)
            if failed_at is not None and now < failed_at + (UNPOLLED if cadence_minutes is None else timedelta(minutes=cadence_minutes)):
                continue
            if not syncing.has_unfinished(session, connection_id, (syncing.HOOK,)):
                ids.append(enqueue(session, connection_id, now))
    return ids


def fetch(this: SyncRun) -> None:
    """What was pending when the run began is fetched and committed; the references that it calls stale are read again."""
    connection_id = this.connection.id
    with this.hub.work.read() as session:
        up_to = hooks.newest(session, connection_id)
        some = hooks.pending(session, connection_id, up_to, REFS_A_FETCH)
    if not some:
        return
    # Signed in first: much of a source answers a bad credential with nothing, which here would look like a deletion.
    this.opened.source.check()
    with this.hub.work.read() as session:
        stale = [one.external_id for one in hooks.stale(session, connection_id, up_to)]
    references.refresh_references(this, [scope for scope in stale if scope in this.scopes])
    reading.remap(this)
    while some:
        _fetch(this, some)
        with this.commit() as session:
            hooks.settle(session, connection_id, some)
            some = hooks.pending(session, connection_id, up_to, REFS_A_FETCH)
            if not some:
                hooks.settle_deliveries(session, connection_id, up_to)


def _fetch(this: SyncRun, some: Sequence[Pending]) -> None:
    asked = {Ref(one.kind, one.external_id): one.is_deleted for one in some if one.kind}
    if not asked:
        return
    for page in this.opened.source.fetch(list(asked)):
        if page.stale:
            references.refresh_references(this, [scope for scope in page.stale if scope in this.scopes])
        this.taken.add(take_fetched(this, _of_ours(this, page), _ending(page, asked)))
        with this.commit() as session:
            syncing.update_run(session, this.id, heartbeat_at=this.hub.now(), fetched=dict(this.taken.fetched))


def _of_ours(this: SyncRun, page: Page) -> Page:
    """The page without strangers: what lies in no scope was read because a chosen one led to it, and a delivery may name any.

    So of those only what is held is taken in, and it stays the site's own.
    """
    origin = references.origin_of(this)
    roots = {p.ref: origin.payload_id(p.ref) for p in page.payloads if p.part_of is None and p.scope not in this.scopes}
    if page.group is not None or not roots:
        return page
    with this.hub.work.read() as session:
        held = held_payloads(session, list(roots.values()))
    sites = {ref for ref, id in roots.items() if id in held and not held[id].is_gone and held[id].scope_id is None}
    strangers = {p.ref for p in page.payloads if p.ref in roots and p.scope is None} - sites
    kept = [replace(p, scope=None) if p.ref in sites else p for p in page.payloads if p.ref not in strangers]
    return replace(page, payloads=kept)


def _ending(page: Page, asked: dict[Ref, bool]) -> list[Gone]:
    """What ends at once: what a sender says was deleted and the source no longer has, and parts that the source says are gone.

    What nobody said was deleted and the source does not show may only be hidden from us: a census will tell.
    """
    ending = []
    for gone in page.gone:
        if gone.ref not in asked:
            ending.append(gone)
        elif asked[gone.ref]:
            ending.append(Gone(gone.ref, Reason.DELETED) if gone.reason is Reason.ABSENT else gone)
    return ending
