"""Secrets at rest: AES-256-GCM, bound to the row and column that hold them, under one of several keys.

SecretError
├── UnknownKey   encrypted with a key that the hub was not given
└── Tampered     altered, cut, or moved here from another row

A sealed secret is: format (1 byte) · key id (8) · nonce (12) · ciphertext with its tag. Format and key id are authenticated too.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from hashlib import sha256

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

FORMAT = b"\x01"
KEY_BYTES = 32
KEY_ID_BYTES = 8
# 96 bits, as NIST SP 800-38D recommends; drawn at random, which is safe for 2^32 secrets a key.
NONCE_BYTES = 12
HEAD_BYTES = len(FORMAT) + KEY_ID_BYTES


class SecretError(Exception):
    """A stored secret can't be read; the text says what to do and holds nothing of it."""


class UnknownKey(SecretError):
    """The secret needs a key that is not among those given."""


class Tampered(SecretError):
    """The secret is not what was sealed for this row and column."""


def _key_id(key: bytes) -> bytes:
    return sha256(b"pmo-hub key id" + key).digest()[:KEY_ID_BYTES]


def _binding(head: bytes, place: tuple[str, str, str]) -> bytes:
    parts = [head, *(part.encode() for part in place)]
    return b"".join(len(part).to_bytes(4, "big") + part for part in parts)


class SecretBox:
    """Seals with the first key and opens with any of them; a key in first place that others follow is a rotation."""

    def __init__(self, keys: Sequence[bytes]) -> None:
        if not keys or any(len(key) != KEY_BYTES for key in keys):
            raise ValueError(f"a secret box needs keys of {KEY_BYTES} bytes")
        self._ciphers = {_key_id(key): AESGCM(key) for key in keys}
        self._newest = _key_id(keys[0])

    def __repr__(self) -> str:
        return f"<SecretBox, {len(self._ciphers)} keys, newest {self._newest.hex()}>"

    def seal(self, plain: bytes, table: str, row: str, column: str) -> bytes:
        """The secret, readable by `open` with the same table, row and column only."""
        head = FORMAT + self._newest
        nonce = secrets.token_bytes(NONCE_BYTES)
        return head + nonce + self._ciphers[self._newest].encrypt(nonce, plain, _binding(head, (table, row, column)))

    def open(self, sealed: bytes, table: str, row: str, column: str) -> bytes:
        """What was sealed for this place; raises UnknownKey or Tampered."""
        place = f"{table}.{column} of {row}"
        head, nonce, body = sealed[:HEAD_BYTES], sealed[HEAD_BYTES : HEAD_BYTES + NONCE_BYTES], sealed[HEAD_BYTES + NONCE_BYTES :]
        if len(nonce) < NONCE_BYTES or head[:1] != FORMAT:
            raise Tampered(f"The secret in {place} is damaged: enter it again.")
        cipher = self._ciphers.get(head[1:])
        if cipher is None:
            raise UnknownKey(
                f"The secret in {place} was encrypted with key {head[1:].hex()}, which the hub was not given "
                f"(it has {', '.join(sorted(known.hex() for known in self._ciphers))}): start it with that key, or enter the secret again."
            )
        try:
            return cipher.decrypt(nonce, body, _binding(head, (table, row, column)))
        except InvalidTag:
            raise Tampered(f"The secret in {place} was altered or belongs to another row: enter it again.") from None

    def is_outdated(self, sealed: bytes) -> bool:
        """Whether another key than the newest sealed it."""
        return sealed[1:HEAD_BYTES] != self._newest
