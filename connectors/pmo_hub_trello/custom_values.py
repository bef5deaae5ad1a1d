"""Custom fields, and members beyond the first, as custom values."""

from __future__ import annotations

from collections.abc import Mapping
from math import isfinite
from typing import Any

from pmo_hub.domain.records import CustomValue
from pmo_hub_trello import wire
from pmo_hub_trello.dictionary import Dictionary
from pmo_hub_trello.instants import day

MEMBERS = "members"


def values_of(card: wire.Card, known: Dictionary) -> list[CustomValue]:
    """A value a field. A field that was cleared has none: its entry is gone, or it holds neither a value nor an option."""
    found = []
    for item in card.custom_field_items:
        field = known.field(item.id_custom_field)
        if item.id_custom_field == known.points:
            continue
        id, name = f"{card.id}:{item.id_custom_field}", field.name or item.id_custom_field
        if item.id_value:
            text = field.options.get(item.id_value) or item.id_value
            found.append(CustomValue(id, card.id, item.id_custom_field, name, text=text))
        elif item.value:
            value = _value(id, card.id, item, name, known)
            found += [value] if value is not None else []
    return found


def members_of(card: wire.Card) -> list[CustomValue]:
    """All members of a card that has several; the first one is its assignee, too."""
    ids = list(dict.fromkeys(card.id_members or ()))
    if len(ids) < 2:
        return []
    return [CustomValue(f"{card.id}:{MEMBERS}:{id}", card.id, MEMBERS, "Members", identity=id) for id in ids if id]


def number(value: Mapping[str, Any] | None) -> float | None:
    """Every value comes as text."""
    try:
        found = float((value or {}).get("number"))  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return None
    return found if isfinite(found) else None


def _value(id: str, card: str, item: wire.FieldItem, name: str, known: Dictionary) -> CustomValue | None:
    value, field = item.value or {}, item.id_custom_field
    if "number" in value:
        amount = number(value)
        return None if amount is None else CustomValue(id, card, field, name, number=amount)
    if "date" in value:
        on = day(value["date"] if isinstance(value["date"], str) else None, known.zone)
        return None if on is None else CustomValue(id, card, field, name, day=on)
    text = next((value[key] for key in ("text", "checked") if isinstance(value.get(key), str) and value[key]), None)
    return None if text is None else CustomValue(id, card, field, name, text=text)
