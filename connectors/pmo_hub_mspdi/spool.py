"""Records of one file set aside on disk: all that stays in memory of one is where it ends."""

from __future__ import annotations

import tempfile
from array import array
from types import TracebackType
from typing import Any

import msgspec

_ENCODE = msgspec.json.Encoder().encode
_DECODE = msgspec.json.Decoder().decode
HELD = 1024 * 1024
"""So many bytes stay in memory before there is a file at all."""


Place = int
"""The number of a record in its spool."""


class Spool:
    """A temporary file of records; it is gone with its block."""

    def __init__(self) -> None:
        self._file = tempfile.SpooledTemporaryFile(max_size=HELD)  # noqa: SIM115  closed with the block
        self._ends = array("q", [0])

    def __enter__(self) -> Spool:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._file.close()

    def put(self, record: Any) -> Place:
        """Records are written first, and read when all of them are there."""
        content = _ENCODE(record)
        self._file.write(content)
        self._ends.append(self._ends[-1] + len(content))
        return len(self._ends) - 2

    def content(self, place: Place) -> bytes:
        begin = self._ends[place]
        self._file.seek(begin)
        return self._file.read(self._ends[place + 1] - begin)

    def get(self, place: Place) -> Any:
        return _DECODE(self.content(place))
