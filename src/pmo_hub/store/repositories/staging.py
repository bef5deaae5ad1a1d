"""The bytes that a group's payloads are kept as until its last page comes: several payloads together, which compresses them better."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec
import zstandard

from pmo_hub.sdk.contract import Payload, Ref

MOST_PAYLOADS = 250
MOST_BYTES = 2 * 1024 * 1024
"""Of bodies, beyond which nothing more is packed with them."""

_ENCODE = msgspec.msgpack.Encoder().encode
_DECODE = msgspec.msgpack.Decoder(list[Payload]).decode


class _Named(msgspec.Struct):
    ref: Ref


_NAMES = msgspec.msgpack.Decoder(list[_Named]).decode


def pack(payloads: Sequence[Payload]) -> Iterator[bytes]:
    """The payloads in their order, as many together as fit."""
    compress = zstandard.ZstdCompressor(level=1).compress
    start = size = 0
    for number, payload in enumerate(payloads):
        if number > start and (number - start == MOST_PAYLOADS or size + len(payload.body) > MOST_BYTES):
            yield compress(_ENCODE(payloads[start:number]))
            start, size = number, 0
        size += len(payload.body)
    if start < len(payloads):
        yield compress(_ENCODE(payloads[start:]))


def unpack(content: bytes) -> list[Payload]:
    return _DECODE(zstandard.ZstdDecompressor().decompress(content))


def refs(content: bytes) -> list[Ref]:
    """Of what is packed only which objects they are."""
    return [one.ref for one in _NAMES(zstandard.ZstdDecompressor().decompress(content))]
