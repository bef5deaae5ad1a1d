"""Writing mapped payloads: their records, their claims, what they mention, and the payloads themselves."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from pmo_hub.domain.vocabulary import RecordType
from pmo_hub.store import compression
from pmo_hub.store.bulk import insert, is_in, stamp, upsert
from pmo_hub.store.mentions import merge_mentions
from pmo_hub.store.merge import merge_tuples
from pmo_hub.store.models import source as tables
from pmo_hub.store.ownership import Taken, mark, mark_items, release
from pmo_hub.store.placing import Held, Origin
from pmo_hub.store.plan_rows import OF_A_PLAN
from pmo_hub.store.preparing import MappedPayload, Prepared
from pmo_hub.store.rows import LAYOUTS, Row

_PAYLOADS: Any = tables.Payload.__table__
_PAYLOADS_HISTORY: Any = tables.PayloadHistory.__table__
_CLAIMS: Any = tables.Claim.__table__
_TOMBSTONES: Any = tables.Tombstone.__table__

_PAYLOAD_COLUMNS = tuple(c.name for c in _PAYLOADS.columns)
SHARED = frozenset({RecordType.DEPENDENCY, RecordType.RESOURCE, RecordType.CALENDAR, RecordType.CALENDAR_EXCEPTION})
"""Records that are seen from several sides, so that a new payload often brings a known one."""
_REPLACED = tuple(c for c in _PAYLOAD_COLUMNS if c not in ("id", "first_seen_at"))


def merge_prepared(session: Session, origin: Origin, prepared: Prepared, taken: Taken, now: datetime) -> dict[str, str]:
    """Write the records of a prepared batch and the payloads that own them.

    Returns the payloads that are now in another scope than they were, with it: what is part of them has to follow.
    """
    mapped = prepared.mapped
    if not mapped:
        return {}
    compression.save(session, origin.connection_id, prepared.dictionaries, now)
    owned: dict[RecordType, dict[str, Row]] = defaultdict(dict)
    item_of: dict[str, str] = {}
    scope_of: dict[str, str | None] = {}
    claims: dict[tuple[str, str], str] = {}
    for m in mapped:
        payload_id = m.incoming.id
        taken.changed[m.incoming.payload.ref.kind] += 1
        for kind, row, item_id in m.owned:
            id_ = row[0]
            owned[kind][id_] = row
            claims[payload_id, id_] = kind._value_
            if item_id is not None:
                item_of[id_] = item_id
                scope_of[item_id] = m.incoming.scope_id
    touched: set[str] = set()
    whole: set[tuple[str, str]] = set()
    first = not any(m.incoming.id in prepared.placed.held for m in mapped)
    buried = session.scalar(sa.select(sa.exists().select_from(_TOMBSTONES)))
    for kind, rows in owned.items():
        # Records of payloads that nobody held are new as well, but for those that several payloads claim.
        merged = merge_tuples(session, LAYOUTS[kind], rows, now, probably_new=first and kind not in SHARED)
        touched |= merged.touched
        if kind in OF_A_PLAN and (of_the_plan := merged.touched - item_of.keys()):
            whole |= _scopes_of(mapped, of_the_plan)
        if merged.new and buried:
            session.execute(sa.delete(_TOMBSTONES).where(is_in(session, _TOMBSTONES.c.id, merged.new)))
    for kind, rows in prepared.mentions.rows().items():
        merge_mentions(session, kind, {i: r for i, r in rows.items() if i not in owned[kind]}, now)
    released = _claim(session, mapped, prepared.placed.held, claims, now)
    moved = _store_payloads(session, origin, mapped, prepared.placed.held, now)
    mark_items(session, {item_of[i] for i in touched if i in item_of} | _items_of(mapped, released), scope_of)
    mark(session, whole)
    return moved


def _scopes_of(mapped: Sequence[MappedPayload], records: Collection[str]) -> set[tuple[str, str]]:
    """The marks of the scopes whose payloads own any of these records."""
    owners = (m.incoming.scope_id for m in mapped if any(one.row[0] in records for one in m.owned))
    return {(scope_id, "") for scope_id in owners if scope_id is not None}


def _items_of(mapped: Sequence[MappedPayload], payload_ids: Collection[str]) -> set[str]:
    """The items that these payloads tell of."""
    if not payload_ids:
        return set()
    return {one.item_id for m in mapped if m.incoming.id in payload_ids for one in m.owned if one.item_id is not None}


def _claim(
    session: Session, mapped: Sequence[MappedPayload], held: Mapping[str, Held], claims: Mapping[tuple[str, str], str], now: datetime
) -> set[str]:
    """Returns the payloads that no longer claim something which they did."""
    replaced = [m.incoming.id for m in mapped if m.incoming.id in held]
    before: dict[tuple[str, str], str] = {}
    if replaced:
        c = _CLAIMS.c
        rows = session.execute(sa.select(c.payload_id, c.record_id, c.record_type).where(is_in(session, c.payload_id, replaced)))
        before = {(r[0], r[1]): r[2] for r in rows}
    new = [(*pair, kind) for pair, kind in claims.items() if pair not in before]
    insert(session, _CLAIMS, ("payload_id", "record_id", "record_type"), new)
    dropped = [(*pair, kind) for pair, kind in before.items() if pair not in claims]
    release(session, dropped, "replaced", now)
    return {payload_id for payload_id, _, _ in dropped}


def _store_payloads(
    session: Session, origin: Origin, mapped: Sequence[MappedPayload], held: Mapping[str, Held], now: datetime
) -> dict[str, str]:
    changed = [m.incoming.id for m in mapped if m.incoming.id in held and held[m.incoming.id].body_hash != m.incoming.body_hash]
    if changed:
        names = [c.name for c in _PAYLOADS_HISTORY.columns if c.name != "recorded_to"]
        superseded = sa.select(*(_PAYLOADS.c[n] for n in names), sa.literal(now, _PAYLOADS_HISTORY.c.recorded_to.type)).where(
            is_in(session, _PAYLOADS.c.id, changed), _PAYLOADS.c.seen_at < now
        )
        session.execute(sa.insert(_PAYLOADS_HISTORY).from_select([*names, "recorded_to"], superseded))
    rows = []
    at = stamp(session, now)
    moved: dict[str, str] = {}
    left: set[tuple[str, str]] = set()
    for m in mapped:
        one = m.incoming
        known = held.get(one.id)
        p = one.payload
        if known is not None and known.scope_id != one.scope_id and one.scope_id is not None:
            moved[one.id] = one.scope_id
            if known.scope_id is not None:
                left.add((known.scope_id, ""))
        group_id = one.group_id or (known.group_id if known is not None else None)
        first_seen_at: Any = at if known is None else known.first_seen_at
        rows.append((
            one.id, origin.connection_id, one.scope_id, p.ref.kind, p.ref.external_id, one.part_of_id, group_id, p.media_type, m.body,
            one.context, one.body_hash, p.version, m.basis_id, first_seen_at, at, origin.run_id, None, None,
        ))  # fmt: skip
    insert(session, _PAYLOADS, _PAYLOAD_COLUMNS, [r for r in rows if r[0] not in held], update=_REPLACED)
    upsert(session, _PAYLOADS, _PAYLOAD_COLUMNS, [r for r in rows if r[0] in held], update=_REPLACED)
    mark(session, left)
    return moved
