"""Re-mapping: stored payloads mapped again, with other references or rules or in another scope, without a fetch."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.orm import Session

from pmo_hub.sdk.contract import Payload, Ref
from pmo_hub.store.bulk import is_in
from pmo_hub.store.compression import Compression
from pmo_hub.store.models import source as tables
from pmo_hub.store.ownership import Taken
from pmo_hub.store.placing import Held, Incoming, Origin, PayloadIds, Placed
from pmo_hub.store.preparing import mapped
from pmo_hub.store.writing import merge_prepared

_PAYLOADS: Any = tables.Payload.__table__
NO_BASIS = "0" * 32
"""Of a payload that has to be mapped again, whatever it was mapped with."""


def remap(session: Session, origin: Origin, scope_id: str | None, limit: int, now: datetime) -> Taken | None:
    """Map up to `limit` stored payloads of a scope that were mapped with another basis; None when there is none left."""
    basis = origin.basis(next((e for e, i in origin.scopes.items() if i == scope_id), None))
    c = _PAYLOADS.c
    in_scope = c.scope_id.is_(None) if scope_id is None else c.scope_id == scope_id
    stale = (in_scope, c.connection_id == origin.connection_id, c.basis_id != basis.id, c.gone_at.is_(None))
    ids = list(session.scalars(sa.select(c.id).where(*stale).order_by(c.id).limit(limit)))
    if not ids:
        return None
    taken = Taken()
    _map_again(session, origin, ids, taken, now)
    # A payload that the new mapper refuses keeps its rows, and is not asked again before the next change.
    session.execute(sa.update(_PAYLOADS).where(is_in(session, c.id, ids)).values(basis_id=basis.id))
    return taken


def forget_mentioning(session: Session, namespace: str) -> None:
    """Payloads that own nothing are mapped again by the next run of their connection.

    What only they mention may be gone: a purge can't tell it from what nobody mentions any more, since mentions are not written down.
    """
    connections: Any = tables.Connection.__table__
    scopes: Any = tables.Scope.__table__
    claims: Any = tables.Claim.__table__
    c = _PAYLOADS.c
    own = sa.select(connections.c.id).where(connections.c.namespace == namespace)
    bare = sa.and_(c.connection_id.in_(own), c.gone_at.is_(None), ~sa.exists().where(claims.c.payload_id == c.id))
    where = set(session.execute(sa.select(c.connection_id, c.scope_id).where(bare).distinct()).all())
    session.execute(sa.update(_PAYLOADS).where(bare).values(basis_id=NO_BASIS))
    of_sites, of_scopes = {r[0] for r in where if r[1] is None}, {r[1] for r in where if r[1] is not None}
    session.execute(sa.update(connections).where(is_in(session, connections.c.id, of_sites)).values(basis_id=None))
    session.execute(sa.update(scopes).where(is_in(session, scopes.c.id, of_scopes)).values(basis_id=None))


def waiting(session: Session, connection_id: str, bases: Mapping[str | None, str]) -> Counter[str]:
    """How many payloads of these scopes are mapped with another basis than the one named, by kind."""
    c = _PAYLOADS.c
    found: Counter[str] = Counter()
    live = (c.connection_id == connection_id, c.gone_at.is_(None))
    for scope_id, basis in bases.items():
        in_scope = c.scope_id.is_(None) if scope_id is None else c.scope_id == scope_id
        query = sa.select(c.kind, sa.func.count()).where(in_scope, *live, c.basis_id != basis).group_by(c.kind)
        found.update({kind: int(count) for kind, count in session.execute(query)})
    return found


def live_count(session: Session, connection_id: str) -> int:
    """How many payloads of the connection are there."""
    c = _PAYLOADS.c
    return session.scalar(sa.select(sa.func.count()).where(c.connection_id == connection_id, c.gone_at.is_(None))) or 0


@dataclass(frozen=True, slots=True)
class StoredPayload:
    """A payload as the source handed it over, with where it is kept."""

    id: str
    scope_id: str | None
    payload: Payload


def stored(session: Session, connection_id: str, scope_id: str | None, after: str, limit: int) -> list[StoredPayload]:
    """Up to `limit` live payloads of a scope (None: the site's own) by id, those after `after`."""
    c = _PAYLOADS.c
    in_scope = c.scope_id.is_(None) if scope_id is None else c.scope_id == scope_id
    query = sa.select(_PAYLOADS).where(in_scope, c.connection_id == connection_id, c.gone_at.is_(None), c.id > after)
    rows = session.execute(query.order_by(c.id).limit(limit)).all()
    return [StoredPayload(r.id, r.scope_id, payload) for r, payload in _rebuilt(session, rows, {})]


def follow(session: Session, origin: Origin, moved: Mapping[str, str], taken: Taken, now: datetime) -> None:
    """What is part of payloads that moved to another scope, however deep, moves with them."""
    c = _PAYLOADS.c
    layer: Mapping[str, str] = moved
    while layer:
        parts = session.execute(
            sa.select(c.id, c.part_of_id, c.scope_id).where(is_in(session, c.part_of_id, layer), c.gone_at.is_(None))
        ).all()
        layer = {r.id: layer[r.part_of_id] for r in parts if r.scope_id != layer[r.part_of_id]}
        by_scope: dict[str, list[str]] = defaultdict(list)
        for id_, scope_id in layer.items():
            by_scope[scope_id].append(id_)
        for scope_id, ids in by_scope.items():
            session.execute(sa.update(_PAYLOADS).where(is_in(session, c.id, ids)).values(scope_id=scope_id))
        _map_again(session, origin, list(layer), taken, now)


def _map_again(session: Session, origin: Origin, ids: Collection[str], taken: Taken, now: datetime) -> None:
    if not ids:
        return
    rows = session.execute(sa.select(_PAYLOADS).where(is_in(session, _PAYLOADS.c.id, ids))).all()
    placed = Placed([], [], [], {})
    names = {scope_id: external_id for external_id, scope_id in origin.scopes.items()}
    for r, payload in _rebuilt(session, rows, names):
        placed.held[r.id] = Held(r.body_hash, r.version, r.scope_id, r.basis_id, r.first_seen_at, r.group_id, False)
        placed.incoming.append(Incoming(r.id, payload, r.scope_id, r.part_of_id, r.body_hash, r.context, r.group_id))
    prepared = mapped(origin, placed, PayloadIds(origin.namespace))
    merge_prepared(session, origin, prepared, taken, now)


def _rebuilt(session: Session, rows: Sequence[Any], names: Mapping[str, str]) -> Iterator[tuple[Any, Payload]]:
    """Each row with the payload that it was made of; `names` are the scopes' external ids."""
    unpack = Compression.of(session, rows[0].connection_id).unpacker() if rows else bytes
    part_of = _refs(session, {r.part_of_id for r in rows if r.part_of_id is not None})
    for r in rows:
        context = msgspec.json.decode(r.context, type=dict[str, str]) if r.context else {}
        scope = None if r.scope_id is None or r.part_of_id is not None else names.get(r.scope_id)
        ref = Ref(r.kind, r.external_id)
        yield r, Payload(ref, scope, unpack(r.body), r.media_type, part_of.get(r.part_of_id), context, r.version)


def _refs(session: Session, ids: Collection[str]) -> dict[str | None, Ref]:
    if not ids:
        return {}
    c = _PAYLOADS.c
    return {r[0]: Ref(r[1], r[2]) for r in session.execute(sa.select(c.id, c.kind, c.external_id).where(is_in(session, c.id, ids)))}
