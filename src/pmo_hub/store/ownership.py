"""What payloads own, and what ends with them."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from pmo_hub.domain.vocabulary import RecordType
from pmo_hub.sdk.contract import Reason
from pmo_hub.store.bulk import is_in, upsert
from pmo_hub.store.merge import end_rows
from pmo_hub.store.models import source as tables
from pmo_hub.store.repositories.derivation import end_derived
from pmo_hub.store.rows import LAYOUTS, MODELS

WHOLE_SCOPE_FROM = 100
"""A batch that touches so many items of a scope marks the scope for derivation, not each item."""

_PAYLOADS: Any = tables.Payload.__table__
_CLAIMS: Any = tables.Claim.__table__
_TOMBSTONES: Any = tables.Tombstone.__table__
_PENDING: Any = tables.PendingDerivation.__table__


@dataclass(slots=True)
class Taken:
    """What a batch did, by payload kind."""

    fetched: Counter[str] = field(default_factory=Counter)
    changed: Counter[str] = field(default_factory=Counter)
    gone: Counter[str] = field(default_factory=Counter)
    quarantined: int = 0

    def add(self, other: Taken) -> None:
        self.fetched += other.fetched
        self.changed += other.changed
        self.gone += other.gone
        self.quarantined += other.quarantined


def end_payloads(session: Session, ending: Mapping[str, Reason], taken: Taken, now: datetime) -> None:
    """End these payloads, everything that is part of them, and the records that nothing claims any more."""
    reasons = dict(ending)
    layer: Collection[str] = list(reasons)
    while layer:
        children = session.execute(
            sa.select(_PAYLOADS.c.id, _PAYLOADS.c.part_of_id).where(
                is_in(session, _PAYLOADS.c.part_of_id, layer), _PAYLOADS.c.gone_at.is_(None)
            )
        ).all()
        layer = [c.id for c in children if c.id not in reasons]
        reasons.update((c.id, reasons[c.part_of_id]) for c in children if c.id not in reasons)
    if not reasons:
        return
    live = session.execute(
        sa.select(_PAYLOADS.c.id, _PAYLOADS.c.kind, _PAYLOADS.c.scope_id).where(
            is_in(session, _PAYLOADS.c.id, reasons), _PAYLOADS.c.gone_at.is_(None)
        )
    ).all()
    by_reason: dict[Reason, list[str]] = defaultdict(list)
    for row in live:
        by_reason[reasons[row.id]].append(row.id)
        taken.gone[row.kind] += 1
    for reason, ids in by_reason.items():
        session.execute(sa.update(_PAYLOADS).where(is_in(session, _PAYLOADS.c.id, ids)).values(gone_at=now, gone_reason=reason.value))
        claims = session.execute(
            sa.select(_CLAIMS.c.payload_id, _CLAIMS.c.record_id, _CLAIMS.c.record_type).where(is_in(session, _CLAIMS.c.payload_id, ids))
        ).all()
        release(session, [(c.payload_id, c.record_id, c.record_type) for c in claims], reason.value, now)
    mark(session, {(row.scope_id, "") for row in live if row.scope_id is not None})


def release(session: Session, claims: Sequence[tuple[str, str, str]], reason: str, now: datetime) -> None:
    """Drop (payload, record, type) claims; a record that no payload claims any more ends, with a tombstone."""
    if not claims:
        return
    by_payload: dict[str, list[str]] = defaultdict(list)
    for payload_id, record_id, _ in claims:
        by_payload[payload_id].append(record_id)
    wanted = {record_id for _, record_id, _ in claims}
    dropped = {(p, r) for p, r, _ in claims}
    c = _CLAIMS.c
    alive = {
        row[1]
        for row in session.execute(sa.select(c.payload_id, c.record_id).where(is_in(session, c.record_id, wanted)))
        if (row[0], row[1]) not in dropped
    }
    pairs = [f"{p}{r}" for p, r in dropped]
    session.execute(sa.delete(_CLAIMS).where(is_in(session, c.payload_id, by_payload), is_in(session, c.payload_id + c.record_id, pairs)))
    ending: dict[str, set[str]] = defaultdict(set)
    for _, record_id, kind in claims:
        if record_id not in alive:
            ending[kind].add(record_id)
    for kind, ids in ending.items():
        table = LAYOUTS[RecordType(kind)].table
        external = session.execute(sa.select(table.c.id, table.c.external_id).where(is_in(session, table.c.id, ids))).all()
        columns = ("id", "record_type", "external_id", "reason", "ended_at")
        upsert(session, _TOMBSTONES, columns, [(r[0], kind, r[1], reason, now) for r in external], update=columns[1:])
        end_rows(session, MODELS[RecordType(kind)], ids, now)
        if kind == RecordType.WORK_ITEM:
            end_derived(session, ids, now)


def mark_items(session: Session, items: Collection[str], scope_of: Mapping[str, str | None]) -> None:
    by_scope: dict[str, list[str]] = defaultdict(list)
    for item in items:
        scope_id = scope_of[item]
        if scope_id is not None:
            by_scope[scope_id].append(item)
    marks: set[tuple[str, str]] = set()
    for scope_id, members in by_scope.items():
        if len(members) >= WHOLE_SCOPE_FROM:
            marks.add((scope_id, ""))
        else:
            marks.update((scope_id, item) for item in members)
    mark(session, marks)


def mark(session: Session, marks: Collection[tuple[str, str]]) -> None:
    upsert(session, _PENDING, ("scope_id", "item_id"), list(marks))
