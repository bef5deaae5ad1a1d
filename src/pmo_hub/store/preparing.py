"""A batch made ready to be written: mapped, hashed, compressed. Reads the store, writes nothing."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from sqlalchemy.orm import Session

from pmo_hub.domain.vocabulary import RecordType
from pmo_hub.sdk.contract import Payload
from pmo_hub.sdk.errors import RecordError
from pmo_hub.store.compression import Trained
from pmo_hub.store.mentions import Mentions
from pmo_hub.store.placing import Incoming, Origin, PayloadIds, Placed, place
from pmo_hub.store.rows import Row, RowMaker

PAYLOAD_BYTES = 16 * 1024 * 1024


class Owned(NamedTuple):
    type: RecordType
    row: Row
    item_id: str | None


class MappedPayload(NamedTuple):
    """`body` is compressed."""

    incoming: Incoming
    basis_id: str
    owned: Sequence[Owned]
    body: bytes


@dataclass(frozen=True, slots=True)
class Prepared:
    """What a batch will write. `refused` could not be mapped, `healed` were in quarantine and are well."""

    placed: Placed
    mapped: list[MappedPayload]
    mentions: Mentions
    refused: list[tuple[Payload, str]]
    healed: list[str]
    payload_ids: PayloadIds
    dictionaries: Sequence[Trained] = ()
    """That bodies of this batch are the first to be compressed with."""
    fetched: Counter[str] = field(default_factory=Counter)


def prepare(session: Session, origin: Origin, payloads: Sequence[Payload], group_id: str | None = None) -> Prepared:
    """Map what is new of a batch."""
    newest: dict[str, Payload] = {}
    payload_ids = PayloadIds(origin.namespace)
    fetched: Counter[str] = Counter()
    for payload in payloads:
        fetched[payload.ref.kind] += 1
        id_ = payload_ids[payload.ref]
        known = newest.get(id_)
        if known is None or (payload.version or "") >= (known.version or ""):
            newest[id_] = payload
    placed = place(session, origin, newest, payload_ids, group_id)
    prepared = mapped(origin, placed, payload_ids)
    prepared.fetched.update(fetched)
    prepared.healed.extend(id_ for id_ in placed.unchanged if id_ in origin.quarantined)
    return prepared


def mapped(origin: Origin, placed: Placed, payload_ids: PayloadIds) -> Prepared:
    """Map the incoming payloads; one that the mapper refuses is set aside, the others go on.

    What is part of a refused one that is not held from before is left out: it comes again with its parent, when that is well.
    """
    names = {scope_id: external_id for external_id, scope_id in origin.scopes.items()}
    maker = RowMaker(origin.namespace)
    make, item_id = maker.make, maker.item_id
    bodies: dict[str, list[bytes]] = defaultdict(list)
    for one in placed.incoming:
        bodies[one.payload.ref.kind].append(one.payload.body)
    prepared = Prepared(placed, [], Mentions(maker), [], [], payload_ids, origin.compression.trained(bodies))
    pack = origin.compression.packer()
    absent: set[str] = set()
    for one in sorted(placed.incoming, key=lambda one: one.part_of_id is not None):
        payload = one.payload
        version = payload.version
        if one.part_of_id in absent:
            absent.add(one.id)
            continue
        try:
            if len(payload.body) > PAYLOAD_BYTES:
                raise RecordError(f"{payload.ref.kind} {payload.ref.external_id} is larger than {PAYLOAD_BYTES // 1024 // 1024} MiB.")
            basis = origin.basis(None if one.scope_id is None else names.get(one.scope_id))
            result = basis.mapper(payload)
            clean = b"\\u0000" not in payload.body and b"\x00" not in payload.body
            owned = [Owned(r.type, make(r, one.scope_id, version, clean), item_id(r)) for r in result.owned]
        except (RecordError, UnicodeError) as e:
            why = str(e) if isinstance(e, RecordError) else "A text holds characters that are no valid Unicode."
            prepared.refused.append((payload, why))
            if one.id not in placed.held or placed.held[one.id].is_gone:
                absent.add(one.id)
            continue
        prepared.mentions.add(result.mentioned, version, clean)
        if one.id in origin.quarantined:
            prepared.healed.append(one.id)
        prepared.mapped.append(MappedPayload(one, basis.id, owned, pack(payload.ref.kind, payload.body)))
    return prepared
