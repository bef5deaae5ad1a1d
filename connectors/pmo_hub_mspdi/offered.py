"""A file that somebody offers and that is not kept yet, as files of a connection look."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from hashlib import sha256
from typing import IO

from pmo_hub.sdk.files import FileInfo


class OneFile:
    """Files with one of them, which is read again from its beginning each time."""

    def __init__(self, name: str, file: IO[bytes], at: datetime) -> None:
        self._name = name
        self._file = file
        self._at = at

    def names(self) -> Iterator[str]:
        yield self._name

    def about(self, name: str) -> FileInfo:
        self._file.seek(0)
        digest = sha256()
        while chunk := self._file.read(1024 * 1024):
            digest.update(chunk)
        return FileInfo(name, self._file.seek(0, io.SEEK_END), digest.hexdigest(), self._at)

    @contextmanager
    def open(self, name: str) -> Iterator[IO[bytes]]:
        self._file.seek(0)
        yield self._file
