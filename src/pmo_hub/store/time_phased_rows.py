"""Series of days ↔ what is kept of them: JSON in which amounts are texts, since neither engine hands a JSON number back as a decimal."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from pmo_hub.domain.time_phased import Series, fault, span
from pmo_hub.sdk.errors import RecordError
from pmo_hub.store.base import MOST_MONEY
from pmo_hub.store.bulk import json_text

Kept = Sequence[Sequence[Any]]


def day_columns(work: Series | None, cost: Series | None) -> tuple[date | None, date | None, str | None, str | None]:
    """First and last day, work and cost; raises RecordError for what is no series, or longer than is kept."""
    for name, one in (("work", work), ("cost", cost)):
        if one is None:
            continue
        if (why := fault(one)) is not None:
            raise RecordError(f"The {name} by day {why}.")
        if any(abs(amount) > MOST_MONEY for _, _, amount in one):
            raise RecordError(f"The {name} by day holds an amount that is too large.")
    first, last = span(work, cost) or (None, None)
    return first, last, _text(work), _text(cost)


def series_of(kept: Kept | None) -> Series | None:
    """The series that a row's column holds."""
    if kept is None:
        return None
    return tuple((date.fromisoformat(first), int(count), Decimal(amount)) for first, count, amount in kept)


def _text(series: Series | None) -> str | None:
    return None if series is None else json_text([[first.isoformat(), count, f"{amount:f}"] for first, count, amount in series])
