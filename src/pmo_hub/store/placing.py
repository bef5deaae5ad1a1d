"""Which payloads of a batch are new: placed in a scope, hashed, compared with what is held."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import blake2b
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.orm import Session

from pmo_hub.domain.identity import identifier, row_id
from pmo_hub.sdk.contract import Mapper, Payload, Ref
from pmo_hub.store.bulk import is_in, json_text
from pmo_hub.store.compression import Compression
from pmo_hub.store.models import source as tables

DEEPEST = 20
"""So deep parts may have parts; deeper ones would be a circle."""

_PAYLOADS: Any = tables.Payload.__table__


@dataclass(frozen=True, slots=True)
class Basis:
    """How payloads of one scope are mapped; `id` names the references and rules that the mapper was built with."""

    id: str
    mapper: Mapper


@dataclass(frozen=True, slots=True)
class Origin:
    """Whose pages these are. `scopes` maps the chosen scopes' external ids to row ids."""

    connection_id: str
    namespace: str
    run_id: str
    scopes: Mapping[str, str]
    basis: Callable[[str | None], Basis]
    quarantined: set[str] = field(default_factory=set)
    """Ids in quarantine, kept up to date by the intake."""
    compression: Compression = field(default_factory=Compression)

    def payload_id(self, ref: Ref) -> str:
        return row_id(self.namespace, f"payload:{ref.kind}", ref.external_id)


class PayloadIds(dict[Ref, str]):
    """Ref → row id, each hashed once."""

    def __init__(self, namespace: str) -> None:
        super().__init__()
        self._namespace = namespace
        self._kinds: dict[str, Callable[[str], str]] = {}

    def __missing__(self, ref: Ref) -> str:
        of = self._kinds.get(ref.kind)
        if of is None:
            of = self._kinds[ref.kind] = identifier(self._namespace, f"payload:{ref.kind}")
        found = self[ref] = of(ref.external_id)
        return found


class Incoming(NamedTuple):
    """A payload that is new, or another version of one that is held."""

    id: str
    payload: Payload
    scope_id: str | None
    part_of_id: str | None
    body_hash: str
    context: str | None
    group_id: str | None


class Held(NamedTuple):
    body_hash: str
    version: str | None
    scope_id: str | None
    basis_id: str
    first_seen_at: datetime
    group_id: str | None
    is_gone: bool


@dataclass(frozen=True, slots=True)
class Placed:
    """`incoming` is to be mapped; `moved` was held and left the chosen scopes."""

    incoming: list[Incoming]
    moved: list[str]
    unchanged: list[str]
    held: dict[str, Held]


def held_payloads(session: Session, ids: Collection[str]) -> dict[str, Held]:
    if not ids:
        return {}
    c = _PAYLOADS.c
    rows = session.execute(
        sa.select(c.id, c.body_hash, c.version, c.scope_id, c.basis_id, c.first_seen_at, c.group_id, c.gone_at.is_not(None)).where(
            is_in(session, c.id, ids)
        )
    )
    return {r[0]: Held(*r[1:]) for r in rows}


def place(
    session: Session,
    origin: Origin,
    newest: Mapping[str, Payload],
    payload_ids: PayloadIds,
    group_id: str | None,
) -> Placed:
    """Leave out what is unchanged, older than what is held, or of a scope that nobody chose."""
    held = held_payloads(session, newest)
    outside = {payload_ids[p.part_of] for p in newest.values() if p.part_of is not None} - newest.keys()
    parents = {id_: h.scope_id for id_, h in held_payloads(session, outside).items() if not h.is_gone}
    placed = Placed([], [], [], held)

    def scope_of(id_: str) -> tuple[bool, str | None]:
        """Whether the payload belongs to what is chosen, and its scope: its own, or that of what it is part of, however deep."""
        for _ in range(DEEPEST):
            payload = newest.get(id_)
            if payload is None:
                return id_ in parents, parents.get(id_)
            if payload.scope is not None:
                return payload.scope in origin.scopes, origin.scopes.get(payload.scope)
            if payload.part_of is None:
                return True, None
            id_ = payload_ids[payload.part_of]
        return False, None

    for id_, payload in newest.items():
        known = held.get(id_)
        belongs, scope_id = scope_of(id_)
        if not belongs:
            if payload.scope is not None and known is not None and not known.is_gone:
                placed.moved.append(id_)
            continue
        part_of_id = None if payload.part_of is None else payload_ids[payload.part_of]
        context = json_text(payload.context) if payload.context else None
        digest = blake2b(payload.body, digest_size=16)
        if context is not None:
            digest.update(context.encode())
        body_hash = digest.hexdigest()
        if known is not None and not known.is_gone:
            if known.body_hash == body_hash and known.scope_id == scope_id:
                placed.unchanged.append(id_)
                continue
            if known.version is not None and payload.version is not None and payload.version < known.version:
                continue
        placed.incoming.append(Incoming(id_, payload, scope_id, part_of_id, body_hash, context, group_id))
    return placed
