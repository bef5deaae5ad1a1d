"""Trello's ids: 24 hex digits, of which the first eight are the second at which the object was made.

So they order as time does, and an id can be made up that lies before everything of a given instant.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TypeGuard

_ID = re.compile(r"[0-9a-f]{24}")


def is_id(value: object) -> TypeGuard[str]:
    return isinstance(value, str) and _ID.fullmatch(value) is not None


def made_at(id: str) -> datetime | None:
    """When the object was made; None for what is no id. A copied card has the time of the copy."""
    return datetime.fromtimestamp(int(id[:8], 16), UTC) if is_id(id) else None


def earlier(id: str, seconds: int) -> str:
    """An id before everything that was made from so many seconds before `id` on."""
    return f"{max(0, int(id[:8], 16) - seconds):08x}" + "0" * 16


def at(moment: datetime) -> str:
    """An id before everything that was made from that second on."""
    return f"{max(0, int(moment.timestamp())):08x}" + "0" * 16
