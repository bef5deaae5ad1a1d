"""Payloads' bytes, compressed.

The payloads of one kind are alike, so each connection has one dictionary a kind, trained on the first of them that came in number. Of
issues of 5 kB that takes 5 µs instead of 12 each and a twelfth of the bytes instead of a quarter (decision 0008).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b
from typing import Any

import sqlalchemy as sa
import zstandard
from sqlalchemy.orm import Session

from pmo_hub.store.bulk import upsert
from pmo_hub.store.models.source import PayloadDictionary

LEVEL = 1
DICTIONARY_BYTES = 16 * 1024
SAMPLES = 100
"""A dictionary is trained on so many payloads of one batch or more; fewer don't tell what a kind has in common."""
SAMPLE_BYTES = 512 * 1024
"""About so many bytes are trained on: training takes 15 ms a megabyte or two."""
_FIRST_ID, _IDS = 2**15, 2**31 - 2**15
"""The ids that zstd's format leaves to private use."""

_DICTIONARIES: Any = PayloadDictionary.__table__
_COLUMNS = ("connection_id", "id", "kind", "body", "trained_at")


@dataclass(frozen=True, slots=True)
class Trained:
    id: int
    kind: str
    body: bytes


class Compression:
    """Packs and unpacks the payloads of one connection; safe to call from several threads."""

    def __init__(self, dictionaries: Sequence[Trained] = ()) -> None:
        self._by_kind: dict[str, zstandard.ZstdCompressionDict] = {}
        self._by_id: dict[int, zstandard.ZstdCompressionDict] = {}
        for trained in dictionaries:
            self._keep(trained)

    @classmethod
    def of(cls, session: Session, connection_id: str) -> Compression:
        c = _DICTIONARIES.c
        rows = session.execute(sa.select(c.id, c.kind, c.body).where(c.connection_id == connection_id).order_by(c.trained_at, c.id))
        return cls([Trained(*row) for row in rows])

    def _keep(self, trained: Trained) -> None:
        dictionary = zstandard.ZstdCompressionDict(trained.body)
        dictionary.precompute_compress(level=LEVEL)
        self._by_kind[trained.kind] = self._by_id[trained.id] = dictionary

    def trained(self, bodies: Mapping[str, Sequence[bytes]]) -> list[Trained]:
        """Dictionaries for the kinds of `bodies` that have none and came in number; used from now on, and the caller's to `save`."""
        new = []
        for kind, members in bodies.items():
            if kind in self._by_kind or len(members) < SAMPLES:
                continue
            trained = _train(kind, members)
            if trained is not None:
                self._keep(trained)
                new.append(trained)
        return new

    def packer(self) -> Callable[[str, bytes], bytes]:
        """kind, bytes → compressed bytes; for one thread."""
        dictionaries = self._by_kind
        plain = zstandard.ZstdCompressor(level=LEVEL).compress
        packers: dict[str, Callable[[bytes], bytes]] = {}

        def pack(kind: str, body: bytes) -> bytes:
            of = packers.get(kind)
            if of is None:
                dictionary = dictionaries.get(kind)
                of = plain if dictionary is None else zstandard.ZstdCompressor(level=LEVEL, dict_data=dictionary).compress
                packers[kind] = of
            return of(body)

        return pack

    def unpacker(self) -> Callable[[bytes], bytes]:
        """Compressed bytes → bytes, whatever dictionary they were compressed with; for one thread."""
        plain = zstandard.ZstdDecompressor().decompress
        unpackers: dict[int, Callable[[bytes], bytes]] = {0: plain}

        def unpack(packed: bytes) -> bytes:
            id_ = zstandard.get_frame_parameters(packed).dict_id
            of = unpackers.get(id_)
            if of is None:
                of = unpackers[id_] = zstandard.ZstdDecompressor(dict_data=self._by_id[id_]).decompress
            return of(packed)

        return unpack


def save(session: Session, connection_id: str, trained: Sequence[Trained], now: datetime) -> None:
    """In the transaction that stores the first payloads packed with them."""
    upsert(session, _DICTIONARIES, _COLUMNS, [(connection_id, t.id, t.kind, t.body, now) for t in trained])


def adopt(session: Session, connection_id: str, others: Sequence[str]) -> None:
    """Payloads that come from these connections to that one stay readable."""
    c = _DICTIONARIES.c
    rows = session.execute(sa.select(c.id, c.kind, c.body, c.trained_at).where(c.connection_id.in_(others))).all()
    upsert(session, _DICTIONARIES, _COLUMNS, list({row.id: (connection_id, *row) for row in rows}.values()))


def _train(kind: str, bodies: Sequence[bytes]) -> Trained | None:
    """None where the payloads have too little in common, or are too small, to be worth one."""
    step = max(1, min(len(bodies) // SAMPLES, sum(map(len, bodies)) // SAMPLE_BYTES))
    samples = bodies[::step]
    # Named by what it was trained on, so that the same payloads make the same bytes.
    digest = blake2b(kind.encode(), digest_size=8)
    for sample in samples:
        digest.update(sample)
    id_ = _FIRST_ID + int.from_bytes(digest.digest(), "big") % _IDS
    try:
        dictionary = zstandard.train_dictionary(DICTIONARY_BYTES, list(samples), dict_id=id_)
    except zstandard.ZstdError:
        return None
    return Trained(id_, kind, dictionary.as_bytes())
