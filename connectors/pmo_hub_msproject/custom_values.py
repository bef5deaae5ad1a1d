"""Values of the fields that an organisation made, and texts in the place of dates."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any

from pmo_hub.domain.records import CustomValue
from pmo_hub_msproject import odata
from pmo_hub_msproject.reference import Field
from pmo_hub_msproject.values import TENTHS_OF_A_MINUTE_AN_HOUR, day, moment, number, text_hours

DATE, DURATION, COST, NUMBER, FLAG, FINISH_DATE = 4, 6, 9, 15, 17, 27
HUNDREDTHS = 100
LONGEST_TEXT = 10_000
_DIGIT = re.compile(r"\d")


def typed(text: str) -> str | None:
    """The text of a manual task's date, where a date may be meant; None for words such as "after the summer"."""
    return text if _DIGIT.search(text) else None


def custom_values(entity: object, fields: Sequence[Field], entries: Mapping[str, str], item: str) -> Iterator[CustomValue]:
    """The values that are set; names of lookup entries in place of their ids."""
    for field in fields:
        value = getattr(entity, field.key, None)
        if value is None or value == "":
            continue
        if isinstance(value, (dict, list)):
            names = [entries.get(str(one), str(one)) for one in odata.listed(value)]
            if names:
                yield CustomValue(f"{item}:{field.key}", item, field.key, field.name, text=", ".join(names)[:LONGEST_TEXT])
            continue
        made = _value(field.type, value, entries)
        if made is not None:
            text, figure, on = made
            yield CustomValue(f"{item}:{field.key}", item, field.key, field.name, text=text, number=figure, day=on)


def _value(type: int, value: Any, entries: Mapping[str, str]) -> tuple[str | None, float | None, date | None] | None:
    """(text, number, day), of which one is set; None for a sentinel."""
    if isinstance(value, bool):
        return ("yes" if value else "no"), None, None
    if type in (DATE, FINISH_DATE) and isinstance(value, str):
        on = day(value)
        return None if on is None else (None, None, on)
    figure = _figure(value)
    if type == DURATION:
        # A text such as "3d", or tenths of a minute.
        found = text_hours(value) if isinstance(value, str) and figure is None else None
        hours = found if figure is None else figure / TENTHS_OF_A_MINUTE_AN_HOUR
        return None if hours is None else (None, hours, None)
    if figure is not None and type == COST:
        return None, figure / HUNDREDTHS, None
    if figure is not None and (type == NUMBER or not isinstance(value, str)):
        return ("yes" if figure else "no", None, None) if type == FLAG else (None, figure, None)
    text = str(value)
    if moment(text) is None and text.startswith("0001-01-01"):
        return None
    return entries.get(text, text)[:LONGEST_TEXT], None, None


def _figure(value: Any) -> float | None:
    try:
        return number(float(value))
    except (TypeError, ValueError):
        return None
