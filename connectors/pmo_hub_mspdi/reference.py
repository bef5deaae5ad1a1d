"""What mapping reads of a file's head: how long its days are, and what its own fields are called."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import msgspec

from pmo_hub.sdk.contract import Reference
from pmo_hub_mspdi.document import Head
from pmo_hub_mspdi.durations import Clock
from pmo_hub_mspdi.values import Element, inside, number_of, text

MOST_FIELDS = 2_000
MOST_VALUES = 5_000


class FieldOf(msgspec.Struct, frozen=True):
    """A field of the file's own: how people call it, what Microsoft Project calls it, and the values of its lookup table by id."""

    name: str
    original: str
    values: dict[str, str] = {}


class PlanReference(msgspec.Struct, frozen=True):
    minutes_per_day: float = 480.0
    minutes_per_week: float = 2400.0
    days_per_month: float = 20.0
    fields: dict[str, FieldOf] = {}

    @property
    def clock(self) -> Clock:
        return Clock(self.minutes_per_day, self.minutes_per_week, self.days_per_month)


class SiteReference(msgspec.Struct, frozen=True):
    time_zone: str = "UTC"


_ENCODE = msgspec.json.Encoder(order="sorted").encode


def site_reference(time_zone: str) -> Reference:
    return Reference(None, _ENCODE(SiteReference(time_zone)))


def plan_reference(scope: str, head: Head) -> Reference:
    fields: dict[str, FieldOf] = {}
    for element in (*head.attributes[:MOST_FIELDS], *head.outline_codes[:MOST_FIELDS]):
        id = text(element, "FieldID")
        if id is None:
            continue
        original = text(element, "FieldName") or id
        known = fields.get(id)
        values = _values(element)
        if known is not None:
            # A field with a lookup table is told twice: as an attribute with its alias, as an outline code with its values.
            fields[id] = FieldOf(known.name if known.name != known.original else text(element, "Alias") or known.name, known.original,
                                 {**known.values, **values})  # fmt: skip
        else:
            fields[id] = FieldOf(text(element, "Alias") or original, original, values)
    told = PlanReference(
        _positive(head.fields, "MinutesPerDay", 480.0), _positive(head.fields, "MinutesPerWeek", 2400.0),
        _positive(head.fields, "DaysPerMonth", 20.0), fields,
    )  # fmt: skip
    return Reference(scope, _ENCODE(told))


def _values(element: Element) -> dict[str, str]:
    """A lookup table's values by every id that a task may name them by; a value below others is told with those: Region.North."""
    listed = [*inside(element, "Values", "Value"), *inside(element, "ValueList", "Value")][:MOST_VALUES]
    by_id = {id: one for one in listed if (id := text(one, "ValueID") or text(one, "ID"))}
    told: dict[str, str] = {}
    for id, one in by_id.items():
        path: list[str] = []
        above: Element | None = one
        while above is not None and len(path) < 16:
            path.append(text(above, "Value") or "")
            above = by_id.get(text(above, "ParentValueID") or "")
        value = ".".join(part for part in reversed(path) if part)
        told[id] = value
        for name in ("FieldGUID", "ValueGUID"):
            guid = text(one, name)
            if guid is not None:
                told[guid.casefold()] = value
    return told


def _positive(fields: Mapping[str, str], name: str, usual: float) -> float:
    number = number_of(fields.get(name))
    return number if number is not None and 0 < number < 100_000 else usual


@lru_cache(maxsize=64)
def _decoded(body: bytes, is_site: bool) -> Any:
    return msgspec.json.decode(body, type=SiteReference if is_site else PlanReference)


def known(references: Sequence[Reference]) -> tuple[SiteReference, PlanReference]:
    """What the kept references say; what is not there is as Microsoft Project has it by itself."""
    site, plan = SiteReference(), PlanReference()
    for reference in references:
        if reference.scope is None:
            site = _decoded(reference.body, True)
        else:
            plan = _decoded(reference.body, False)
    return site, plan
