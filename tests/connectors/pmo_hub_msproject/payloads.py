"""Payloads made by hand, and what they map to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

import msgspec

from pmo_hub.domain.records import Record
from pmo_hub.sdk.contract import Mapped, Payload, Ref, Reference
from pmo_hub_msproject import mapping
from pmo_hub_msproject.reference import Calendar, Field, Site

PROJECT = "47bd06f0-2703-4f11-8a8c-00155d805832"
TASK = "de57d9b7-a356-4011-97c7-080027c4b287"
OTHER = "0e57d9b7-a356-4011-97c7-080027c4b287"
FIELDS = (Field("Custom_x005f_aa", "Workstream", 21, "Task"), Field("Custom_x005f_bb", "Value", 9, "Task"),
          Field("Custom_x005f_cc", "Effort", 6, "Task"), Field("Custom_x005f_dd", "Accepted", 4, "Task"),
          Field("Custom_x005f_ee", "Checked", 17, "Task"))  # fmt: skip
SITE = Site(
    "https://pwa.example/pwa", "Europe/Oslo", FIELDS, {"Entry_1": "Technology", "Entry_2": "Sales"}, (Calendar("c1", "Standard", ()),)
)

R = TypeVar("R")


def mapped(kind: str, body: Any, id: str = f"{PROJECT}/{TASK}", site: Site = SITE, context: Mapping[str, str] | None = None) -> Mapped:
    raw = body if isinstance(body, bytes) else msgspec.json.encode(body)
    return mapping.mapper([Reference(None, msgspec.json.encode(site))], {})(Payload(Ref(kind, id), PROJECT, raw, context=context or {}))


def task(assignments: Any = (), context: dict[str, str] | None = None, **values: Any) -> list[Record]:
    """The records of a task with these properties."""
    plain = {"Id": TASK, "Name": "T", "OutlineLevel": 2, "IsActive": True}
    return list(mapped("task", {"task": plain | values, "assignments": list(assignments)}, context=context).owned)


def one(records: Any, kind: type[R]) -> R:
    found = [r for r in records if isinstance(r, kind)]
    assert len(found) == 1, f"{len(found)} of {kind}"
    return found[0]
