"""Re-mapping: stored payloads mapped again, with other references or rules or in another scope, without a fetch."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.orm import Session

from pmo_hub.sdk.contract import Payload, Ref
from pmo_hub.store.bulk import is_in
from pmo_hub.store.models import source as tables
from pmo_hub.store.ownership import Taken
from pmo_hub.store.placing import Held, Incoming, Origin, PayloadIds, Placed
from pmo_hub.store.preparing import mapped
from pmo_hub.store.writing import merge_prepared

_PAYLOADS: Any = tables.Payload.__table__


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
    placed = Placed([], [], [], {}, {})
    unpack = origin.compression.unpacker()
    part_of = _refs(session, {r.part_of_id for r in rows if r.part_of_id is not None})
    names = {scope_id: external_id for external_id, scope_id in origin.scopes.items()}
    for r in rows:
        placed.held[r.id] = Held(r.body_hash, r.version, r.scope_id, r.basis_id, r.first_seen_at, r.group_id, False)
        context = msgspec.json.decode(r.context, type=dict[str, str]) if r.context else {}
        scope = None if r.scope_id is None or r.part_of_id is not None else names.get(r.scope_id)
        payload = Payload(Ref(r.kind, r.external_id), scope, unpack(r.body), r.media_type, part_of.get(r.part_of_id), context, r.version)
        placed.incoming.append(Incoming(r.id, payload, r.scope_id, r.part_of_id, r.body_hash, r.context, r.group_id))
    prepared = mapped(origin, placed, PayloadIds(origin.namespace))
    merge_prepared(session, origin, prepared, taken, now)


def _refs(session: Session, ids: Collection[str]) -> dict[str | None, Ref]:
    if not ids:
        return {}
    c = _PAYLOADS.c
    return {r[0]: Ref(r[1], r[2]) for r in session.execute(sa.select(c.id, c.kind, c.external_id).where(is_in(session, c.id, ids)))}
