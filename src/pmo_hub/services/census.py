"""The census: what the source still has. The only flow that ends objects which no source said were deleted.

Ids are streamed into a table, compared in SQL with what was there before the census began, the missing ones asked for one by one; who
is missing in two censuses in a row ends. A listing without its last page compares nothing, and a listing that would end too much stops
for an admin. What is listed though the hub does not hold it is asked for: it may have been out of sight, and tell no time of change now.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence

import structlog

from pmo_hub.sdk.contract import Reason, Ref
from pmo_hub.sdk.errors import ScopeError
from pmo_hub.services.brake import Braked, brake
from pmo_hub.services.committing import take_fetched
from pmo_hub.services.references import origin_of
from pmo_hub.services.running import SyncRun
from pmo_hub.store.ownership import end_payloads
from pmo_hub.store.repositories import censuses, syncing

MOST_FOUND = 1_000
"""So many that the hub does not hold are asked for one by one; of more, all scopes are read in full."""

WAY_OUT = "request a sync in mode accepting_census"

log = structlog.get_logger(__name__)


def take(run: SyncRun, accepting: bool = False) -> None:
    """Take a census of the run's scopes; raises Braked, with nothing ended, where the listing is not to be trusted.

    `accepting`: an admin has looked at what is missing and wants it ended; what `fetch` does not find ends at once.
    """
    # The run's own id names its census: a run that is repeated after its census was committed must not count as a second one.
    census_id = run.id
    started_at = run.hub.now()
    while True:
        with run.commit() as session:
            if not censuses.begin(session, census_id, run.connection.id, started_at):
                return
        try:
            listed, complete, unheld = _listen(run, census_id)
            break
        except ScopeError as e:
            run.lose(e, run.readable())
    run.taken.fetched.update(listed)
    lost: list[censuses.Unlisted] = []
    held: Counter[str] = Counter()
    with run.hub.work.read() as session:
        for kind, scopes in complete.items():
            scope_ids = [run.scopes[s] for s in sorted(scopes) if s in run.scopes]
            lost += censuses.unlisted(session, census_id, (kind,), scope_ids, started_at)
            held.update(syncing.live_payloads(session, scope_ids, (kind,)))
        names = {s.id: s.name for s in syncing.chosen_scopes(session, run.connection.id)}
    by_scope = Counter(u.scope_id for u in lost)
    try:
        if accepting:
            by_scope.clear()
        elif lost and not sum(listed.values()):
            raise Braked(
                f"The source listed nothing at all, where the hub holds {sum(held.values())} items; nothing was changed: "
                f"check that the account still may see them; if all of it is really gone, {WAY_OUT}."
            )
        for scope_id, count in sorted(by_scope.items()):
            brake(count, held[scope_id], names[scope_id], WAY_OUT)
    except Braked as e:
        with run.commit() as session:
            censuses.end(session, census_id, "held", sum(listed.values()), len(lost), str(e), run.hub.now())
        raise
    reasons = _confirm(run, lost)
    with run.hub.work.read() as session:
        before = censuses.missing_before(session, run.connection.id)
        agreed = {i: Reason(reason) for i, reason in reasons.items() if accepting or i in before}
        # Whoever shows what ends (its children, the other ends of its links) was changed by that too, and tells no time of change.
        referring = censuses.referring(session, agreed.keys())
    _fetch(run, [Ref(*r) for r in referring])
    if len(unheld) > MOST_FOUND:
        run.wants_full = True
    else:
        _fetch(run, unheld)
    with run.commit() as session:
        now = run.hub.now()
        end_payloads(session, agreed, run.taken, now)
        censuses.note_missing(session, run.connection.id, census_id, {i: r for i, r in reasons.items() if i not in agreed}, now)
        censuses.end(session, census_id, "finished", sum(listed.values()), len(reasons), None, now)
    log.info("census.finished", connection_id=run.connection.id, listed=sum(listed.values()), missing=len(reasons), ended=len(agreed))


def _fetch(run: SyncRun, refs: Sequence[Ref]) -> None:
    for page in run.opened.source.fetch(refs) if refs else ():
        take_fetched(run, page)


def _listen(run: SyncRun, census_id: str) -> tuple[Counter[str], dict[str, set[str]], list[Ref]]:
    """How many ids of each kind the source listed, of which scopes it listed a kind to its end, and the listed that the hub does not hold.

    Of scopes that were never read nothing is held yet, and of what is in quarantine the next sync asks again.
    """
    origin = origin_of(run)
    with run.hub.work.read() as session:
        unread = {s.external_id for s in syncing.chosen_scopes(session, run.connection.id) if s.synced_at is None}
    unheld: list[Ref] = []
    listed: Counter[str] = Counter()
    complete: dict[str, set[str]] = defaultdict(set)
    for listing in run.opened.source.census(run.readable()):
        ids = {origin.payload_id(ref): ref for ref in (Ref(listing.kind, i) for i in listing.ids)}
        with run.commit() as session:
            censuses.list_ids(session, census_id, ids)
            if unread.isdisjoint(listing.scopes or run.readable()) and len(unheld) <= MOST_FOUND:
                missing = censuses.unheld(session, ids) - origin.quarantined
                unheld += [ref for id_, ref in ids.items() if id_ in missing]
        listed[listing.kind] += len(listing.ids)
        if listing.last and listing.kind in run.opened.connector.census_kinds:
            complete[listing.kind].update(listing.scopes or run.readable())
    return listed, complete, unheld


def _confirm(run: SyncRun, lost: list[censuses.Unlisted]) -> dict[str, str]:
    """Ask for each of the unlisted: who is found after all is merged (it moved, or the listing missed it), the others have a reason."""
    if not lost:
        return {}
    refs = {Ref(u.kind, u.external_id): u.id for u in lost}
    reasons: dict[str, str] = {}
    found: set[str] = set()
    for page in run.opened.source.fetch(list(refs)):
        take_fetched(run, page)
        found.update(refs[p.ref] for p in page.payloads if p.ref in refs)
        reasons.update((refs[g.ref], g.reason.value) for g in page.gone if g.ref in refs)
    return {i: reason for i, reason in reasons.items() if i not in found}
