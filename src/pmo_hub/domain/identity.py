"""Ids of rows that are born of a source: 128-bit hashes, so that a reference can be written before its target arrives."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import blake2b


def _prefixed(part: str) -> bytes:
    encoded = part.encode()
    return len(encoded).to_bytes(4, "big") + encoded


def row_id(*parts: str) -> str:
    """32 hex characters of blake2b-128 over the length-prefixed parts (namespace, record type, external id).

    Frozen by a test vector: a change would give every stored row another identity.
    """
    return blake2b(b"".join(map(_prefixed, parts)), digest_size=16).hexdigest()


def identifier(namespace: str, record_type: str) -> Callable[[str], str]:
    """A function external id → `row_id(namespace, record_type, external id)`, its prefix hashed once."""
    base = blake2b(_prefixed(namespace) + _prefixed(record_type), digest_size=16)

    def of(external_id: str) -> str:
        encoded = external_id.encode()
        digest = base.copy()
        digest.update(len(encoded).to_bytes(4, "big") + encoded)
        return digest.hexdigest()

    return of
