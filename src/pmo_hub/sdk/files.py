"""Files of a connection, and what a connector may do besides with sources that are made of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import IO, TYPE_CHECKING, Any, Protocol, runtime_checkable

if TYPE_CHECKING:
    from pmo_hub.sdk.contract import Context, Scope


@dataclass(frozen=True, slots=True)
class FileInfo:
    """A file as it is now: `digest` is the SHA-256 of its content in hex, `at` when it was uploaded or changed last."""

    name: str
    size_bytes: int
    digest: str
    at: datetime


class Files(Protocol):
    """Uploads and archives of the connection, or what lies in a watched folder. Files come and go: both may raise FileNotFoundError."""

    def names(self) -> Iterator[str]: ...
    def about(self, name: str) -> FileInfo: ...
    def open(self, name: str) -> AbstractContextManager[IO[bytes]]: ...


@runtime_checkable
class Uploading(Protocol):
    """What a connector with Capability.UPLOAD does besides: it looks at a file before that is kept."""

    def examine(self, config: Any, name: str, file: IO[bytes], context: Context) -> Sequence[Scope]:
        """The scopes that the file brings. ConfigError, in one sentence, for a file that the source could do nothing with."""
        ...


@runtime_checkable
class Appearing(Protocol):
    """What a source may do besides whose scopes come by themselves."""

    def appeared(self) -> Iterator[Scope]:
        """Scopes that are to be read although nobody chose them; not those that somebody chose to give up."""
        ...
