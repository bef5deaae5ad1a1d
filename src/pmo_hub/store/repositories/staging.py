"""The bytes that a staged payload is kept as."""

from __future__ import annotations

import msgspec
import zstandard

from pmo_hub.sdk.contract import Payload

_ENCODER = msgspec.msgpack.Encoder()
_DECODER = msgspec.msgpack.Decoder(Payload)


def pack(payload: Payload) -> bytes:
    return zstandard.ZstdCompressor(level=1).compress(_ENCODER.encode(payload))


def unpack(content: bytes) -> Payload:
    return _DECODER.decode(zstandard.ZstdDecompressor().decompress(content))
