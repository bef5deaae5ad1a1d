"""An admin's rules for mapping boards, each a JSON text under its key; what they leave open falls back on `names`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Annotated, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from pmo_hub.domain.vocabulary import Kind, StatusCategory
from pmo_hub.sdk.errors import ConfigError


class Archived(StrEnum):
    """What an archived card is that was not done: left out of measures, done after all, or cancelled."""

    INACTIVE = "inactive"
    DONE = "done"
    CANCELLED = "cancelled"


class Attached(StrEnum):
    """What a card is that another card's attachment leads to: nothing in particular, what that card waits for, or what waits for it."""

    NONE = "none"
    PREDECESSOR = "predecessor"
    SUCCESSOR = "successor"


@dataclass(frozen=True, slots=True)
class Rules:
    """`lists` by list id or name, `kind` and `priority` (0..100) by label id or name; names in lower case."""

    lists: Mapping[str, StatusCategory] = field(default_factory=dict)
    kind: Mapping[str, Kind] = field(default_factory=dict)
    priority: Mapping[str, int] = field(default_factory=dict)
    points_field: str | None = None
    due_complete: bool = True
    archived: Archived = Archived.INACTIVE
    dependency_attachments: Attached = Attached.NONE
    time_zone: str = "UTC"


SHAPES: Mapping[str, Any] = {
    "lists": dict[str, StatusCategory],
    "kind": dict[str, Kind],
    "priority": dict[str, Annotated[int, msgspec.Meta(ge=0, le=100)]],
    "points_field": str,
    "due_complete": bool,
    "archived": Archived,
    "dependency_attachments": Attached,
    "time_zone": str,
}


def parse(rules: Mapping[str, str]) -> Rules:
    """The rules as values; ConfigError names the one that can't be read. Keys that this connector doesn't know are left alone."""
    values: dict[str, Any] = {}
    for key, shape in SHAPES.items():
        if key not in rules:
            continue
        try:
            value = msgspec.json.decode(rules[key], type=shape)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise ConfigError(f"the mapping rule '{key}' can't be used: {error}") from None
        values[key] = {name.strip().casefold(): one for name, one in value.items()} if isinstance(value, dict) else value
    if "time_zone" in values and not is_zone(values["time_zone"]):
        raise ConfigError(f"the mapping rule 'time_zone' can't be used: {values['time_zone']!r} is no time zone such as Europe/Oslo")
    return Rules(**values)


def is_zone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True
