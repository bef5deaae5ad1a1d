"""What one batch of a source's pages does to the store, in the caller's transaction.

Payloads whose hash is new are stored with what was mapped from them; what their old versions claimed and the new ones do not is ended;
what they mention is kept at its newest version. Objects that are gone end with everything that is part of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from hashlib import blake2b
from typing import Any

import sqlalchemy as sa
import zstandard
from sqlalchemy.orm import Session

from pmo_hub.domain.identity import row_id
from pmo_hub.sdk.contract import Gone, Payload, Reason, Ref, Rejected
from pmo_hub.store import remapping
from pmo_hub.store.bulk import is_in
from pmo_hub.store.models import source as tables
from pmo_hub.store.ownership import Taken, end_payloads
from pmo_hub.store.placing import Origin
from pmo_hub.store.preparing import Prepared, prepare
from pmo_hub.store.writing import merge_prepared

_PAYLOADS: Any = tables.Payload.__table__
_QUARANTINE: Any = tables.Quarantine.__table__


def take_in(
    session: Session,
    origin: Origin,
    payloads: Sequence[Payload],
    rejected: Sequence[Rejected],
    now: datetime,
    group_id: str | None = None,
) -> Taken:
    """Prepare and write one batch."""
    return write(session, origin, prepare(session, origin, payloads, group_id=group_id), (), rejected, now)


def write(
    session: Session,
    origin: Origin,
    prepared: Prepared,
    gone: Sequence[tuple[Gone, Sequence[str]]],
    rejected: Sequence[Rejected],
    now: datetime,
) -> Taken:
    """Write a prepared batch; what is gone comes with the scopes that it is gone from (none: the whole site)."""
    taken = Taken()
    taken.fetched.update(prepared.fetched)
    remapping.follow(session, origin, merge_prepared(session, origin, prepared, taken, now), taken, now)
    for payload, why in prepared.refused:
        _quarantine(session, origin, payload.ref, payload.scope, payload.body, why, now)
    for refusal in rejected:
        _quarantine(session, origin, refusal.ref, refusal.scope, refusal.body, refusal.why, now)
    taken.quarantined += len(prepared.refused) + len(rejected)
    release_quarantined(session, origin, prepared.healed)
    ending = still_there(session, origin, {prepared.payload_ids[g.ref]: (g.reason, scopes) for g, scopes in gone})
    ending.update(dict.fromkeys(prepared.placed.moved, Reason.MOVED))
    end_payloads(session, ending, taken, now)
    return taken


def still_there(session: Session, origin: Origin, gone: Mapping[str, tuple[Reason, Sequence[str]]]) -> dict[str, Reason]:
    """Of what is gone from some scopes, the payloads that are held there: another scope may have brought them meanwhile."""
    if not gone:
        return {}
    c = _PAYLOADS.c
    held = session.execute(sa.select(c.id, c.scope_id).where(is_in(session, c.id, gone), c.gone_at.is_(None)))
    ending = {}
    for id_, scope_id in held:
        reason, scopes = gone[id_]
        if scope_id is None or not scopes or scope_id in {origin.scopes.get(s) for s in scopes}:
            ending[id_] = reason
    return ending


def release_quarantined(session: Session, origin: Origin, ids: Sequence[str]) -> None:
    """These are well, or not there any more."""
    if ids:
        session.execute(sa.delete(_QUARANTINE).where(is_in(session, _QUARANTINE.c.id, ids)))
        origin.quarantined.difference_update(ids)


def _quarantine(session: Session, origin: Origin, ref: Ref | None, scope: str | None, body: bytes, why: str, now: datetime) -> None:
    id_ = origin.payload_id(ref) if ref is not None else row_id(origin.namespace, "rejected", blake2b(body, digest_size=16).hexdigest())
    compressed = zstandard.ZstdCompressor(level=1).compress(body)
    stored = session.get(tables.Quarantine, id_)
    if stored is None:
        session.add(
            tables.Quarantine(
                id=id_,
                connection_id=origin.connection_id,
                scope_id=None if scope is None else origin.scopes.get(scope),
                kind=None if ref is None else ref.kind,
                external_id=None if ref is None else ref.external_id,
                body=compressed,
                why=why,
                first_seen_at=now,
                seen_at=now,
                attempts=1,
                run_id=origin.run_id,
            )
        )
    else:
        stored.body, stored.why, stored.seen_at, stored.run_id = compressed, why, now, origin.run_id
        stored.attempts += 1
    session.flush()
    origin.quarantined.add(id_)
