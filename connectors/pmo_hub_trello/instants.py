"""Trello's spellings of time: `2026-11-23T08:15:00.000Z` everywhere, with null for none."""

from __future__ import annotations

from datetime import UTC, date, datetime, tzinfo

FIRST_YEAR, LAST_YEAR = 1900, 2200


def instant(text: str | None) -> datetime | None:
    """Aware UTC, or None for what is no time of our centuries."""
    if not text:
        return None
    try:
        value = datetime.fromisoformat(text)
        value = value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return value if FIRST_YEAR <= value.year <= LAST_YEAR else None


def day(text: str | None, zone: tzinfo) -> date | None:
    """The day of that instant where the board's people are: Trello keeps a due date as an instant, and shows it as their day."""
    value = instant(text)
    return None if value is None else value.astimezone(zone).date()
