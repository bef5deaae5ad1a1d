"""The fields that people added to tasks: extended attributes and outline codes, with the values of lookup tables."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from pmo_hub.domain.records import CustomValue
from pmo_hub_mspdi.reference import FieldOf
from pmo_hub_mspdi.values import Element, hours_of, many, moment_of, money_of, number_of, text

NUMBERS = ("Number",)
MONEY = ("Cost",)
DAYS = ("Date", "Start", "Finish")
FLAGS = ("Flag",)
LENGTHS = ("Duration",)


def values_of(task: Element, item: str, fields: Mapping[str, FieldOf]) -> Iterator[CustomValue]:
    """One value a field; several of one field (a lookup table may allow that) are one text."""
    texts: dict[str, list[CustomValue]] = {}
    for element in (*many(task, "ExtendedAttribute"), *many(task, "OutlineCode")):
        id = text(element, "FieldID")
        if id is None:
            continue
        field = fields.get(id) or FieldOf(id, id)
        value = _value(element, item, id, field)
        if value is not None:
            texts.setdefault(id, []).append(value)
    for id, found in texts.items():
        first = found[0]
        if len(found) == 1:
            yield first
        else:
            joined = ", ".join(dict.fromkeys(one.text for one in found if one.text))
            yield CustomValue(first.external_id, item, id, first.name, text=joined or None) if joined else first


def _value(element: Element, item: str, id: str, field: FieldOf) -> CustomValue | None:
    external_id, name = f"{item}/{id}", field.name
    listed = (text(element, "ValueGUID") or "").casefold(), text(element, "ValueID") or ""
    chosen = next((field.values[one] for one in listed if one and one in field.values), None)
    raw = text(element, "Value")
    value = chosen if chosen is not None else raw
    if value is None:
        return None
    # Only the English names of fields tell their type; under others, what is no duration and no date stays a text.
    original = field.original.removeprefix("Enterprise ")
    if chosen is None or field.values.get(value) is None:
        if original.startswith(NUMBERS) and (number := number_of(value)) is not None:
            return CustomValue(external_id, item, id, name, number=number)
        if original.startswith(MONEY) and (amount := money_of(value)) is not None:
            return CustomValue(external_id, item, id, name, number=float(amount))
        if (original.startswith(LENGTHS) or text(element, "DurationFormat")) and (length := hours_of(value)) is not None:
            return CustomValue(external_id, item, id, name, number=length)
        if original.startswith(DAYS) and (at := moment_of(value)) is not None:
            return CustomValue(external_id, item, id, name, day=at.date())
        if original.startswith(FLAGS) and value in ("0", "1"):
            return CustomValue(external_id, item, id, name, text="Yes" if value == "1" else "No")
    return CustomValue(external_id, item, id, name, text=value)
