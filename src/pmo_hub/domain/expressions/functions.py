"""The functions of the rule language, each with the types it takes and gives.

Dates are days in the project's zone; `working_days` counts Monday to Friday; `percentile` is nearest rank; `pct_change` is in percent.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from math import isfinite
from typing import Any

from pmo_hub.domain import flow, local_time
from pmo_hub.domain.expressions.types import ListOf, Scalar, Type

_DURATION = re.compile(r"(-?)((?:\d+(?:\.\d+)?(?:ms|h|m|s))+)\Z")
_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|h|m|s)")
_SECONDS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}


class Refused(Exception):
    """The function has no answer for these values; the message says why."""


@dataclass(frozen=True, slots=True)
class Overload:
    """One way to call a function. `variadic` lets the last parameter repeat."""

    parameters: tuple[Type, ...]
    result: Type
    call: Callable[..., Any]
    variadic: bool = False


def parse_duration(text: str) -> timedelta:
    """The length of "72h", "1h30m", "-10s" or "250ms"."""
    match = _DURATION.match(text)
    if match is None:
        raise Refused(f'{text[:40]!r} is no duration: write "72h", "1h30m" or days(3)')
    seconds = sum(float(number) * _SECONDS[unit] for number, unit in _PART.findall(match.group(2)))
    return timedelta(seconds=-seconds if match.group(1) else seconds)


def parse_timestamp(text: str) -> datetime:
    """The instant of an RFC 3339 text; one without an offset is refused, since nobody can tell when it was."""
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        raise Refused(f"{text[:40]!r} is no RFC 3339 instant") from None
    if instant.tzinfo is None:
        raise Refused(f"{text[:40]!r} names no offset from UTC")
    return instant.astimezone(UTC)


def parse_date(text: str) -> date:
    """The day of a text such as 2026-11-03."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise Refused(f"{text[:40]!r} is no date such as 2026-11-03") from None


def _round(number: float) -> int:
    """The nearest whole number, halves away from zero, as CEL's math extension has it."""
    if not isfinite(number):
        raise Refused(f"{number} has no nearest whole number")
    whole = int(abs(number) + 0.5)
    return whole if number >= 0 else -whole


def _percentile(values: tuple[Any, ...], p: float) -> Any:
    if not 0 <= p <= 1:
        raise Refused(f"percentile's second argument lies in 0..1, not {p}")
    if (found := flow.percentile(values, p)) is None:
        raise Refused("no values have no percentile")
    return found


def _pct_change(before: float, after: float) -> float:
    if before == 0:
        raise Refused("a change from 0 has no percentage")
    return (after - before) / abs(before) * 100


_INT, _DOUBLE, _STRING = Scalar.INT, Scalar.DOUBLE, Scalar.STRING
_DATE, _TIMESTAMP, _DURATION_TYPE, _BOOL = Scalar.DATE, Scalar.TIMESTAMP, Scalar.DURATION, Scalar.BOOL
_TEXTS = (_STRING, _STRING)


def _span(unit: str) -> tuple[Overload, ...]:
    return (Overload((_DOUBLE,), _DURATION_TYPE, lambda number: timedelta(**{unit: number})),)


FUNCTIONS: Mapping[str, tuple[Overload, ...]] = {
    "days": _span("days"),
    "hours": _span("hours"),
    "minutes": _span("minutes"),
    "duration": (Overload((_STRING,), _DURATION_TYPE, parse_duration),),
    "timestamp": (Overload((_STRING,), _TIMESTAMP, parse_timestamp),),
    # An instant given to a date's place is turned into its day, so date(now) is the identity after that.
    "date": (Overload((_STRING,), _DATE, parse_date), Overload((_DATE,), _DATE, lambda day: day)),
    "days_between": (Overload((_DATE, _DATE), _INT, lambda start, end: (end - start).days),),
    "working_days": (Overload((_DATE, _DATE), _INT, local_time.working_days),),
    "abs": (Overload((_INT,), _INT, abs), Overload((_DOUBLE,), _DOUBLE, abs)),
    "round": (Overload((_DOUBLE,), _INT, _round),),
    "min": (Overload((_INT, _INT), _INT, min, variadic=True), Overload((_DOUBLE, _DOUBLE), _DOUBLE, min, variadic=True)),
    "max": (Overload((_INT, _INT), _INT, max, variadic=True), Overload((_DOUBLE, _DOUBLE), _DOUBLE, max, variadic=True)),
    "percentile": (
        Overload((ListOf(_INT), _DOUBLE), _INT, _percentile),
        Overload((ListOf(_DOUBLE), _DOUBLE), _DOUBLE, _percentile),
    ),
    "pct_change": (Overload((_DOUBLE, _DOUBLE), _DOUBLE, _pct_change),),
    "lower": (Overload((_STRING,), _STRING, str.lower),),
    "contains": (Overload(_TEXTS, _BOOL, str.__contains__),),
    "startsWith": (Overload(_TEXTS, _BOOL, str.startswith),),
    "endsWith": (Overload(_TEXTS, _BOOL, str.endswith),),
}
"""`size` is apart: it takes a list of any type."""
