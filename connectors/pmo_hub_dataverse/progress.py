"""What a partition keeps between pages and runs: how far it has come, and where each table's changes go on."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from hashlib import blake2b

import msgspec
from msgspec import Struct


class Progress(Struct, omit_defaults=True):
    """A reading under way. `tables` are still to be read, the first of them from `next` on.

    With `late` scopes only their rows are read, else whole tables. `chosen` names the scopes that were chosen when it began, and `covers`
    says whether all of these are read to the end with it.
    """

    tables: list[str]
    next: str | None = None
    late: list[str] = []
    chosen: str = ""
    covers: bool = True
    began: datetime | None = None


class Mark(Struct, omit_defaults=True):
    """Where a table's changes go on: a `link` of change tracking, or since an instant where it is off. `at` is when that was told."""

    at: datetime
    link: str | None = None
    since: datetime | None = None


_PROGRESS = msgspec.json.Decoder(Progress)
_MARK = msgspec.json.Decoder(Mark)


def progress_of(value: str | None) -> Progress | None:
    """None for none, and for one of another version of this module."""
    try:
        return _PROGRESS.decode(value) if value else None
    except msgspec.DecodeError:
        return None


def mark_of(value: str | None) -> Mark | None:
    try:
        return _MARK.decode(value) if value else None
    except msgspec.DecodeError:
        return None


def encoded(value: Progress | Mark) -> str:
    return msgspec.json.encode(value).decode()


def digest(scopes: Iterable[str]) -> str:
    return blake2b("\n".join(sorted(scopes)).encode(), digest_size=8).hexdigest()
