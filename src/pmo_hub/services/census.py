"""The census: what the source still has. The only flow that ends objects which no source said were deleted.

Ids are streamed into a table, compared in SQL with what was there before the census began, the missing ones asked for one by one; who
is missing in two censuses in a row ends. A listing without its last page compares nothing, and a listing that would end too much stops
for an admin. What is listed though the hub does not hold it is asked for: it may have been out of sight, and tell no time of change now.
"""

from __future__ import annotations

from collections import Counter

import structlog

from pmo_hub.sdk.contract import Reason, Ref
from pmo_hub.sdk.errors import ScopeError
from pmo_hub.services import finding
from pmo_hub.services.brake import Braked, brake
from pmo_hub.services.committing import take_fetched
from pmo_hub.services.completeness import settle_census
from pmo_hub.services.finding import Heard
from pmo_hub.services.references import origin_of
from pmo_hub.services.running import SyncRun
from pmo_hub.store.ownership import end_payloads
from pmo_hub.store.repositories import censuses, syncing

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
            heard = _listen(run, census_id)
            break
        except ScopeError as e:
            run.lose(e, run.readable())
    listed, complete = heard.listed, heard.complete
    run.taken.fetched.update(listed)
    lost: list[censuses.Unlisted] = []
    held: Counter[str] = Counter()
    with run.hub.work.read() as session:
        for kind, scopes in complete.items():
            scope_ids = [run.scopes[s] for s in sorted(scopes) if s in run.scopes]
            unlisted = censuses.unlisted(session, census_id, (kind,), scope_ids, started_at)
            own = syncing.live_payloads(session, scope_ids, (kind,))
            lost += unlisted
            held.update(own)
            finding.tell_missing(run, kind, sorted(scopes), own, Counter(u.scope_id for u in unlisted))
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
    found = finding.bring(run, heard)
    # So many are a full read's work.
    run.wants_full = sum(heard.strangers.values()) > finding.MOST_ASKED
    with run.hub.work.read() as session:
        before = censuses.missing_before(session, run.connection.id)
        agreed = {i: Reason(reason) for i, reason in reasons.items() if accepting or i in before}
        # Whoever shows what ends (its children, the other ends of its links) was changed by that too, and tells no time of change.
        referring = censuses.referring(session, agreed.keys())
    if referring:
        for page in run.opened.source.fetch([Ref(*r) for r in referring]):
            take_fetched(run, page)
    with run.commit() as session:
        now = run.hub.now()
        settle_census(session, found, run.connection.id, run.id, list(run.scopes.values()), now)
        end_payloads(session, agreed, run.taken, now)
        censuses.note_missing(session, run.connection.id, census_id, {i: r for i, r in reasons.items() if i not in agreed}, now)
        censuses.end(session, census_id, "finished", sum(listed.values()), len(reasons), None, now)
    log.info("census.finished", connection_id=run.connection.id, listed=sum(listed.values()), missing=len(reasons), ended=len(agreed))


def _listen(run: SyncRun, census_id: str) -> Heard:
    """What the source listed, and of which scopes it listed a kind to its end."""
    origin = origin_of(run)
    heard = Heard()
    with run.hub.work.read() as session:
        read_before = {s.external_id for s in syncing.chosen_scopes(session, run.connection.id) if s.synced_at is not None}
    for listing in run.opened.source.census(run.readable()):
        ids = {origin.payload_id(Ref(listing.kind, i)): i for i in listing.ids}
        with run.commit() as session:
            censuses.list_ids(session, census_id, ids)
            lacking = censuses.not_held(session, ids)
        scopes = listing.scopes or tuple(run.readable())
        strange = [ids[i] for i in lacking if i not in origin.quarantined] if read_before.issuperset(scopes) else None
        heard.note(listing.kind, scopes, len(listing.ids), strange)
        if listing.last and listing.kind in run.opened.connector.census_kinds:
            heard.complete[listing.kind].update(scopes)
    return heard


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
