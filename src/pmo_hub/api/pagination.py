"""Keyset paging: a cursor is where the last page ended, bound to the filters that it was read with."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b
from typing import Annotated, Generic, TypeVar

from fastapi import Query
from pydantic import BaseModel, Field

from pmo_hub.api.errors import BadRequest

T = TypeVar("T")
Row = TypeVar("Row")

DEFAULT_LIMIT = 50
MOST = 200

Limit = Annotated[int, Query(ge=1, le=MOST, description="at most so many items")]
Cursor = Annotated[str | None, Query(max_length=2_000, description="`next_cursor` of the page before, with the same filters")]


class Page(BaseModel, Generic[T]):
    """Items in a stable order; `next_cursor` is null on the last page."""

    items: list[T]
    next_cursor: str | None = Field(None, description="asks for the next page; null on the last one")


@dataclass(frozen=True, slots=True)
class Position:
    """The last row of a page: the value that the order goes by, and the id that breaks ties."""

    sort: str | int | float | None
    id: str

    @property
    def instant(self) -> datetime:
        """The sort value as the instant that it was written from; raises BadRequest."""
        try:
            value = datetime.fromisoformat(str(self.sort))
        except ValueError:
            raise _unusable() from None
        if value.tzinfo is None:
            raise _unusable()
        return value


def cursor(filters: Mapping[str, object], sort: str | int | float | datetime | None, id: str) -> str:
    """An opaque cursor for the rows after (sort, id) under these filters."""
    value = sort.isoformat() if isinstance(sort, datetime) else sort
    text = json.dumps([_digest(filters), value, id], separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).rstrip(b"=").decode()


def position(filters: Mapping[str, object], cursor: str | None) -> Position | None:
    """Where the page before ended; None for the first page. Raises BadRequest for a cursor of other filters or of somebody's making."""
    if cursor is None:
        return None
    try:
        text = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        digest, sort, id = json.loads(text)
    except (binascii.Error, ValueError, TypeError, RecursionError):
        raise _unusable() from None
    if not isinstance(id, str) or not (sort is None or isinstance(sort, str | int | float)):
        raise _unusable()
    if digest != _digest(filters):
        raise BadRequest("cursor", "The cursor was made with other filters: start again without it.")
    return Position(sort, id)


def page_of(
    rows: Sequence[Row], limit: int, filters: Mapping[str, object], key: Callable[[Row], tuple[str | int | float | datetime | None, str]]
) -> tuple[list[Row], str | None]:
    """The first `limit` of rows that were read with limit + 1, and the cursor of the next page; `key` gives (sort, id)."""
    kept = list(rows[:limit])
    return kept, cursor(filters, *key(kept[-1])) if len(rows) > limit else None


def _digest(filters: Mapping[str, object]) -> str:
    text = json.dumps({name: value for name, value in filters.items() if value is not None}, sort_keys=True, default=str)
    return blake2b(text.encode(), digest_size=8).hexdigest()


def _unusable() -> BadRequest:
    return BadRequest("cursor", "The cursor is not one that this endpoint made: start again without it.")
