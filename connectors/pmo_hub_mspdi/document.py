"""One MSPDI file, read once from its beginning to its end: the header, and where the spool holds its records.

Nothing of a file is handed over before all of it was read: a file that breaks off begins no generation.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import IO, Any

from pmo_hub_mspdi.durations import PERCENT, base_format
from pmo_hub_mspdi.faults import UnreadableFile
from pmo_hub_mspdi.outline import Bookings, Outline
from pmo_hub_mspdi.periods import kinds_of
from pmo_hub_mspdi.spool import Place, Spool
from pmo_hub_mspdi.streaming import FIELD, Found, Opened, stream
from pmo_hub_mspdi.values import Element, flag, hours, integer, many, text

UNASSIGNED = "-65535"
"""The resource of an assignment without one."""
MOST_TASKS = 500_000
MOST_OTHERS = 2_000_000
"""Assignments; of resources and calendars a file has fewer."""


@dataclass(frozen=True, slots=True)
class Head:
    """What stands before the tasks: the header's fields, and what its own fields and lookup tables are called."""

    fields: Mapping[str, str]
    attributes: tuple[Element, ...] = ()
    outline_codes: tuple[Element, ...] = ()


def read_head(file: IO[bytes]) -> Head:
    """The head of the file, without reading on; raises UnreadableFile."""
    fields: dict[str, str] = {}
    attributes: list[Element] = []
    codes: list[Element] = []
    for found in stream(file):
        if isinstance(found, Opened):
            if found.container in ("Calendars", "Tasks", "Resources", "Assignments"):
                break
        elif found.container == FIELD and isinstance(found.value, str):
            fields.setdefault(found.name, found.value.strip())
        elif isinstance(found.value, dict):
            (attributes if found.container == "ExtendedAttributes" else codes).append(found.value)
    return Head(fields, tuple(attributes), tuple(codes))


@dataclass(slots=True)
class Document:
    """A file that was read to its end. Ids are the file's own UIDs."""

    spool: Spool
    fields: dict[str, str] = field(default_factory=dict)
    summary: Element | None = None
    """The project summary task: totals of the plan and no work of its own."""
    calendars: dict[str, Place] = field(default_factory=dict)
    resources: dict[str, Place] = field(default_factory=dict)
    lines: Outline = field(default_factory=Outline)
    assignments: Bookings = field(default_factory=Bookings)
    people: dict[str, str] = field(default_factory=dict)
    """Resources that are people, with their name."""
    ghosts: dict[str, str] = field(default_factory=dict)
    """Rows that only stand for a task of another file: UID → what the file says of that."""
    told: set[int] = field(default_factory=set)
    """Kinds of time-phased data that the file has."""
    has_tasks: bool = False
    repeated: int = 0
    """Records whose UID another one has already."""

    def hours_of(self, uid: str) -> float | None:
        """The duration of a task, for lags in per cent of it."""
        place = self.lines.place_of(uid)
        return None if place is None else hours(self.spool.get(place), "Duration")


def read_document(file: IO[bytes], spool: Spool) -> Document:
    """Everything of the file is in the spool; raises UnreadableFile."""
    found = Document(spool)
    take = {"Calendars": _calendar, "Tasks": _task, "Resources": _resource, "Assignments": _assignment}
    for one in stream(file):
        if isinstance(one, Opened):
            found.has_tasks = found.has_tasks or one.container == "Tasks"
        elif one.container == FIELD:
            if isinstance(one.value, str):
                found.fields.setdefault(one.name, one.value.strip())
        elif one.container in take:
            take[one.container](found, one)
            found.told |= kinds_of((one.value,)) if isinstance(one.value, dict) else set()
    if not found.has_tasks:
        raise UnreadableFile("holds no plan: it has no list of tasks")
    return found


def is_person(resource: Element) -> bool:
    """Whether it is somebody, and not a material, a cost, or a role that nobody fills yet."""
    return (
        kind_of(resource) == "work"
        and not flag(resource, "IsGeneric")
        and not flag(resource, "IsBudget")
        and text(resource, "Name") is not None
    )


def kind_of(resource: Element) -> str:
    """work, material or cost; files before Project 2007 mark costs apart from the type, and some name no type at all."""
    kind = integer(resource, "Type")
    if kind == 2 or flag(resource, "IsCostResource"):
        return "cost"
    return "material" if kind == 0 else "work"


def is_summary_of_all(task: Element) -> bool:
    """The row that Microsoft Project computes for the plan as a whole. Other tools let plans begin with a task on level 0 of their own."""
    level, number = integer(task, "OutlineLevel"), text(task, "OutlineNumber")
    return number == "0" if level is None else level == 0 and (text(task, "UID") == "0" or number == "0")


def level_of(task: Element) -> int:
    """How deep the row lies; where no level is told, the outline's number has a part for each: 1.2.1."""
    level, number = integer(task, "OutlineLevel"), text(task, "OutlineNumber")
    if level is None and number is not None and number != "0":
        level = number.count(".") + 1
    return max(0, level or 0)


def is_blank(task: Element) -> bool:
    return bool(flag(task, "IsNull")) or not any(text(task, name) for name in ("Name", "Start", "Finish", "Duration"))


def _calendar(found: Document, one: Found) -> None:
    uid = _uid(one.value)
    if uid is not None and uid != "-1":
        _keep(found, found.calendars, uid, one.value)


def _resource(found: Document, one: Found) -> None:
    uid = _uid(one.value)
    if uid is None or flag(one.value, "IsNull") or text(one.value, "Name") is None:
        return
    _keep(found, found.resources, uid, one.value)
    if is_person(one.value):
        found.people[uid] = text(one.value, "Name") or uid


def _keep(found: Document, places: dict[str, Place], uid: str, element: Element) -> None:
    if uid in places:
        found.repeated += 1
        return
    if len(places) >= MOST_TASKS:
        raise UnreadableFile(f"holds more than {MOST_TASKS} resources or calendars")
    places[uid] = found.spool.put(element)


def _task(found: Document, one: Found) -> None:
    element = one.value
    uid = _uid(element)
    if uid is None or is_blank(element):
        return
    if uid in found.lines or uid in found.ghosts:
        found.repeated += 1
        return
    if is_summary_of_all(element):
        found.summary = element
        return
    if flag(element, "ExternalTask"):
        found.ghosts[uid] = text(element, "ExternalTaskProject") or ""
        return
    if len(found.lines) >= MOST_TASKS:
        raise UnreadableFile(f"holds more than {MOST_TASKS} tasks")
    found.lines.add(uid, found.spool.put(element), level_of(element))


def _assignment(found: Document, one: Found) -> None:
    task, resource = text(one.value, "TaskUID"), text(one.value, "ResourceUID")
    if task is None or resource is None or resource == UNASSIGNED:
        return
    if len(found.assignments) >= MOST_OTHERS:
        raise UnreadableFile(f"holds more than {MOST_OTHERS} assignments")
    found.assignments.add(task, resource, found.spool.put(one.value))


def _uid(element: Any) -> str | None:
    uid = text(element, "UID") if isinstance(element, dict) else None
    return uid if uid is not None and len(uid) <= 64 else None


def percent_links(task: Element) -> list[str]:
    """Predecessors whose links lag by a share of them."""
    links = many(task, "PredecessorLink")
    return [uid for one in links if base_format(integer(one, "LagFormat")) in PERCENT and (uid := text(one, "PredecessorUID"))]
