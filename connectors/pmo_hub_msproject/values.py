"""Values as a PWA site writes them: times without a zone, working hours three ways, sentinels for nothing. All of it is pure."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from zoneinfo import ZoneInfo

NO_GUID = "00000000-0000-0000-0000-000000000000"
GUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
MS_AN_HOUR = 3_600_000
MOST_MS = 2**31 - 1
"""`…Milliseconds` is an Edm.Int32: 596.5 hours. What is longer arrives as this, or wrapped around to a negative number."""

TENTHS_OF_A_MINUTE_AN_HOUR = 600
DAYS_A_WEEK_HOURS = 168.0
MOST = Decimal(10) ** 13

_SPAN = re.compile(r"(-)?P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?")
_TEXT = re.compile(r"\s*(-?\d+(?:[.,]\d+)?)\s*(e?)(mo|m|h|d|w)[a-z]*\??\s*", re.IGNORECASE)
_OLD_DATE = re.compile(r"/Date\((-?\d+)(?:[+-]\d{4})?\)/")
_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 (wall clock of the site)
_DAYS_A_MONTH = 20


@lru_cache(maxsize=65_536)
def moment(text: str | None) -> datetime | None:
    """The wall clock that the text tells, to the second; None for the sentinel, and for what is no time."""
    if not text:
        return None
    if text.startswith("/Date("):
        found = _OLD_DATE.fullmatch(text)
        if found is None:
            return None
        try:
            at = _EPOCH + timedelta(milliseconds=int(found[1]))
        except OverflowError:
            return None
    else:
        try:
            at = datetime.fromisoformat(text)
        except ValueError:
            return None
    return None if at.year == 1 else at.replace(tzinfo=None, microsecond=0)


def day(text: str | None) -> date | None:
    at = moment(text)
    return None if at is None else at.date()


@lru_cache(maxsize=16_384)
def instant(text: str | None, zone: str) -> datetime | None:
    """The same as an instant: a PWA site writes its times in the zone of its regional settings."""
    at = moment(text)
    return None if at is None else at.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)


@lru_cache(maxsize=16_384)
def span_hours(text: str | None) -> float | None:
    """The hours of an ISO 8601 duration. `P1D` is 24 hours, here of work: never one working day."""
    found = _SPAN.fullmatch(text) if text else None
    if found is None or text in ("P", "-P"):
        return None
    sign, days, hours, minutes, seconds = found.groups()
    total = int(days or 0) * 24 + int(hours or 0) + int(minutes or 0) / 60 + float(seconds or 0) / 3600
    return -total if sign else total


def hours(span: str | None, milliseconds: int | None, text: str | None = None, hours_per_day: float = 8.0) -> float | None:
    """Hours from the first of the three ways in which a value is told that can be trusted."""
    found = span_hours(span)
    if found is not None:
        return found
    if milliseconds is not None and abs(milliseconds) < MOST_MS:
        return milliseconds / MS_AN_HOUR
    return text_hours(text, hours_per_day)


def duration_hours(span: str | None, milliseconds: int | None, text: str | None = None) -> float | None:
    """As `hours`, of what can't be negative: a negative number of milliseconds is one that did not fit."""
    if milliseconds is not None and milliseconds < 0:
        milliseconds = None
    found = hours(span, milliseconds, text)
    return None if found is None or found < 0 else found


@lru_cache(maxsize=4_096)
def text_hours(text: str | None, hours_per_day: float = 8.0) -> float | None:
    """The hours of a text such as `3d`, `2.5h` or `3ed` (elapsed days of 24 hours); None where it is in another language or form."""
    found = _TEXT.fullmatch(text) if text else None
    if found is None:
        return None
    number, elapsed, unit = float(found[1].replace(",", ".")), bool(found[2]), found[3].lower()
    a_day = 24.0 if elapsed else hours_per_day
    a_week = 7 * 24.0 if elapsed else 5 * hours_per_day
    if unit.startswith("mo"):
        return number * (30 * 24.0 if elapsed else _DAYS_A_MONTH * hours_per_day)
    return number * {"m": 1 / 60, "h": 1.0, "d": a_day, "w": a_week}[unit[0]]


@lru_cache(maxsize=4_096)
def is_elapsed(text: str | None) -> bool | None:
    """Whether a duration such as `3ed` runs through nights and weekends; None where the text can't be read."""
    found = _TEXT.fullmatch(text) if text else None
    return None if found is None else bool(found[2])


def money(value: Decimal | None) -> Decimal | None:
    """An amount that can be stored."""
    return value if value is not None and value.is_finite() and abs(value) < MOST else None


def number(value: float | Decimal | None) -> float | None:
    """A finite number."""
    if value is None:
        return None
    found = float(value)
    return found if -1e12 < found < 1e12 else None


@lru_cache(maxsize=65_536)
def guid(text: str | None) -> str | None:
    """A GUID in the one spelling that is used for ids; None for the zero GUID and what is none."""
    found = (text or "").strip("{} ").lower()
    return found if found != NO_GUID and GUID.fullmatch(found) else None


def clean(text: str | None) -> str | None:
    """A text with something in it."""
    return text if text and text.strip() else None
