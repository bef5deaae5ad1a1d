"""Texts of an MSPDI file as values; what can't be read, or stands for nothing, is None: unknown."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal, InvalidOperation
from math import isfinite
from typing import Any

Element = Mapping[str, Any]
"""An element with children: name → text, element, or a list of either where a name is repeated."""

HUNDREDTHS = Decimal(100)
MOST_MONEY = Decimal(10) ** 13
MOST_HOURS = 1e9

_DURATION = re.compile(
    r"(?P<sign>-)?P(?:(?P<years>\d+)Y)?(?:(?P<months>\d+)M)?(?:(?P<days>\d+(?:\.\d+)?)D)?"
    r"(?:T(?:(?P<hours>\d+(?:\.\d+)?)H)?(?:(?P<minutes>\d+(?:\.\d+)?)M)?(?:(?P<seconds>\d+(?:\.\d+)?)S)?)?"
)
_EMPTY = frozenset({"", "NA", "N/A"})
_YEARS_WITHOUT_MEANING = frozenset({1970, 1984})
"""OpenProj writes the epoch for a date that it lacks, Microsoft Project the first day that it knows."""


def text(element: Element, name: str) -> str | None:
    """The child's text without the space around it; None where it is empty or has children of its own."""
    value = element.get(name)
    if isinstance(value, list):
        value = value[0] if value else None
    if not isinstance(value, str):
        return None
    return value.strip() or None


def many(element: Element, name: str) -> Sequence[Element]:
    """The children of that name that have children themselves."""
    value = element.get(name)
    found = value if isinstance(value, list) else [value]
    return [one for one in found if isinstance(one, dict)]


def inside(element: Element, *names: str) -> Sequence[Element]:
    """The children at the end of that path, such as WeekDays, WeekDay."""
    found: Sequence[Element] = [element]
    for name in names:
        found = [child for one in found for child in many(one, name)]
    return found


def flag(element: Element, name: str) -> bool | None:
    value = text(element, name)
    return None if value is None else value in ("1", "true", "True", "-1")


def integer(element: Element, name: str) -> int | None:
    number = real(element, name)
    return None if number is None else round(number)


def real(element: Element, name: str) -> float | None:
    return number_of(text(element, name))


def number_of(value: str | None) -> float | None:
    try:
        number = float(value) if value is not None and len(value) <= 64 else None
    except ValueError:
        return None
    return number if number is not None and isfinite(number) else None


def money(element: Element, name: str) -> Decimal | None:
    """Amounts are written in hundredths of the plan's currency, whatever its own digits."""
    return money_of(text(element, name))


def money_of(value: str | None) -> Decimal | None:
    try:
        amount = Decimal(value) / HUNDREDTHS if value is not None and len(value) <= 64 else None
    except InvalidOperation:
        return None
    return amount if amount is not None and amount.is_finite() and abs(amount) < MOST_MONEY else None


def hours(element: Element, name: str) -> float | None:
    """A duration such as PT824H30M0S: its hours have no upper bound, and a day (P1D) is 24 of them, never a working day."""
    return hours_of(text(element, name))


def hours_of(value: str | None) -> float | None:
    found = _DURATION.fullmatch(value) if value is not None and len(value) <= 64 else None
    if found is None or value in ("P", "PT", "-P", "-PT") or found["years"] or found["months"]:
        return None  # a year of work has no length
    parts = [float(found[name] or 0) for name in ("days", "hours", "minutes", "seconds")]
    total = parts[0] * 24 + parts[1] + parts[2] / 60 + parts[3] / 3600
    if total > MOST_HOURS:
        return None
    return -total if found["sign"] else total


def tenths(element: Element, name: str) -> float | None:
    """Slack and lag are counted in tenths of a minute; told in hours."""
    number = real(element, name)
    return None if number is None or abs(number) > MOST_HOURS * 600 else number / 600


def moment(element: Element, name: str) -> datetime | None:
    """A wall-clock time, to the second; None for what exporters write where they have no date."""
    return moment_of(text(element, name))


def moment_of(value: str | None) -> datetime | None:
    if value is None or value in _EMPTY or len(value) > 40:
        return None
    try:
        found = datetime.fromisoformat(value)
    except ValueError:
        return None
    found = found.replace(tzinfo=None, microsecond=0)
    if found.year in _YEARS_WITHOUT_MEANING and (found.month, found.day) == (1, 1):
        return None
    return found if 1900 <= found.year < 2200 else None
