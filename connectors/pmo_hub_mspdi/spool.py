"""Records of one file set aside on disk: all that stays in memory of one is where it lies."""

from __future__ import annotations

import tempfile
from types import TracebackType
from typing import Any, NamedTuple

import msgspec

_ENCODE = msgspec.json.Encoder().encode
_DECODE = msgspec.json.Decoder().decode
HELD = 8 * 1024 * 1024
"""So many bytes stay in memory before there is a file at all."""


class Place(NamedTuple):
    at: int
    size: int


class Spool:
    """A temporary file of records; it is gone with its block."""

    def __init__(self) -> None:
        self._file = tempfile.SpooledTemporaryFile(max_size=HELD)  # noqa: SIM115  closed with the block
        self._end = 0

    def __enter__(self) -> Spool:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._file.close()

    def put(self, record: Any) -> Place:
        """Records are written first, and read when all of them are there."""
        content = _ENCODE(record)
        self._file.write(content)
        place = Place(self._end, len(content))
        self._end += place.size
        return place

    def content(self, place: Place) -> bytes:
        self._file.seek(place.at)
        return self._file.read(place.size)

    def get(self, place: Place) -> Any:
        return _DECODE(self.content(place))
