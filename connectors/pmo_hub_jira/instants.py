"""Jira's spellings of time as values.

`2020-06-12T00:38:51.882+0000` on the platform, `…Z` on the agile API, epoch milliseconds in bulk changelogs.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from functools import lru_cache

FIRST_YEAR, LAST_YEAR = 1900, 2200
"""Years outside are typing errors of the source (51502 has been seen), so unknown."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SECONDS_BELOW = 10**11
_parsed = datetime.fromisoformat


def instant(text: str | None) -> datetime | None:
    """Aware UTC, or None for what is no time of our centuries."""
    if not text:
        return None
    try:
        value = _parsed(text)
        if value.tzinfo is not UTC:
            value = value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return value if FIRST_YEAR <= value.year <= LAST_YEAR else None


def instant_of(value: int | str | None) -> datetime | None:
    """As `instant`; a number is epoch milliseconds, or seconds (as the vendor's example has it) where ms would lie before 1974."""
    if isinstance(value, int):
        try:
            found = _EPOCH + (timedelta(seconds=value) if abs(value) < _SECONDS_BELOW else timedelta(milliseconds=value))
        except OverflowError:
            return None
        return found if FIRST_YEAR <= found.year <= LAST_YEAR else None
    return instant(value)


@lru_cache(maxsize=16_384)
def day(text: str | None) -> date | None:
    """A bare date as it stands: no time zone moves it."""
    if not text:
        return None
    try:
        value = date.fromisoformat(text[:10])
    except ValueError:
        return None
    return value if FIRST_YEAR <= value.year <= LAST_YEAR and text[10:11] in ("", "T", " ") else None


def epoch_ms(text: str | None) -> int | None:
    value = instant(text)
    return None if value is None else (value - _EPOCH) // timedelta(milliseconds=1)


def epoch_of(moment: datetime) -> int:
    """Epoch ms of an aware instant."""
    return (moment - _EPOCH) // timedelta(milliseconds=1)


def iso_ms(value: datetime) -> str:
    """UTC with milliseconds and Z: comparable as text."""
    return value.strftime("%Y-%m-%dT%H:%M:%S.") + f"{value.microsecond // 1000:03d}Z"


def version_of(updated: str) -> str | None:
    """`updated` comparable as text, or None where it is no time of our centuries."""
    if len(updated) == 28 and updated.endswith("+0000") and updated[:2] in ("19", "20", "21"):
        return updated[:23] + "Z"
    value = instant(updated)
    return None if value is None else iso_ms(value)
