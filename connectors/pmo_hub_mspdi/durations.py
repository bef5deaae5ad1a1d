"""The units in which Microsoft Project shows durations and lags, and what a lag comes to in working hours."""

from __future__ import annotations

from dataclasses import dataclass

PERCENT = frozenset({19, 20})
ELAPSED = frozenset({4, 6, 8, 10, 12, 20})
ESTIMATED = 32
"""Added to a format: the duration has a question mark."""

_UNITS = {3: "min", 4: "emin", 5: "h", 6: "eh", 7: "d", 8: "ed", 9: "w", 10: "ew", 11: "mo", 12: "emo", 19: "%", 20: "e%"}
HOURS_A_WEEK = 7 * 24.0


@dataclass(frozen=True, slots=True)
class Clock:
    """How long the plan's days, weeks and months of work are."""

    minutes_per_day: float = 480.0
    minutes_per_week: float = 2400.0
    days_per_month: float = 20.0

    def hours_in(self, unit: str) -> float:
        """Of working time, or of time that passes, as the unit says."""
        match unit:
            case "min" | "emin":
                return 1 / 60
            case "d":
                return self.minutes_per_day / 60
            case "w":
                return self.minutes_per_week / 60
            case "mo":
                return self.days_per_month * self.minutes_per_day / 60
            case "ed":
                return 24.0
            case "ew":
                return HOURS_A_WEEK
            case "emo":
                return 30 * 24.0
        return 1.0

    def working(self, elapsed_hours: float) -> float:
        """Working hours in so much time that passes, of an average week."""
        return elapsed_hours * self.minutes_per_week / 60 / HOURS_A_WEEK


def base_format(format: int | None) -> int | None:
    """The format without the mark of an estimate; None for none (21, 53) and for what nobody knows."""
    if format is None:
        return None
    base = format - ESTIMATED if format >= ESTIMATED + 3 else format
    return base if base in _UNITS else None


def is_elapsed(format: int | None) -> bool:
    return base_format(format) in ELAPSED


def is_estimated(format: int | None) -> bool | None:
    """Whether the duration has a question mark; None where no format says so."""
    return None if format is None else format >= ESTIMATED + 3


def unit_of(format: int | None) -> str | None:
    base = base_format(format)
    return None if base is None else _UNITS[base]


def lag_hours(lag: float, format: int | None, predecessor_hours: float | None, clock: Clock) -> float | None:
    """Working hours of a link's lag: tenths of a minute, or per cent of the predecessor's duration (None where that is not known)."""
    base = base_format(format)
    if base in PERCENT:
        if predecessor_hours is None:
            return None if lag else 0.0
        found = predecessor_hours * lag / 100
    else:
        found = lag / 600
    return clock.working(found) if base in ELAPSED else found


def lag_text(lag: float, format: int | None, clock: Clock) -> str:
    """The lag as Microsoft Project shows it beside a link's type: +2d, -50%; nothing where there is none."""
    if not lag:
        return ""
    unit = unit_of(format) or "h"
    amount = lag if base_format(format) in PERCENT else lag / 600 / clock.hours_in(unit)
    return f"{amount:+.6g}{unit}"
