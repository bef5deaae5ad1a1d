"""Plans as their authors have them, before anybody saves them to a file."""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random
from typing import Any
from uuid import UUID

from tests.connectors.pmo_hub_mspdi.plans import plan, task

TASKS = 26
"""So many that the brake can tell a plan that was emptied from one that was tidied."""
HOURS = "PT{}H0M0S"


@dataclass
class Draft:
    """A plan as its author has it: rows by the element that they become. `file` is where it was saved last; None: nowhere, or not now."""

    id: str
    name: str
    tasks: list[dict[str, Any]] = field(default_factory=list)
    resources: list[dict[str, Any]] = field(default_factory=list)
    assignments: list[dict[str, Any]] = field(default_factory=list)
    calendars: list[dict[str, Any]] = field(default_factory=list)
    file: str | None = None
    next: int = 1_000

    def content(self) -> bytes:
        return plan(
            self.tasks, Title=self.name, GUID=self.id, MinutesPerDay=480, CurrencyCode="EUR", StatusDate="2026-06-01T17:00:00",
            CalendarUID=1,
            Calendars=self.calendars, Resources=self.resources, Assignments=self.assignments,
        )  # fmt: skip

    def number(self) -> int:
        self.next += 1
        return self.next


def drawn(number: int) -> Draft:
    """A plan with a summary for each five tasks, a chain of links, people, a baseline and a calendar."""
    made = Draft(str(UUID(int=Random(number).getrandbits(128), version=4)).upper(), f"Plan {number}")
    for uid in range(1, TASKS + 1):
        is_head = uid % 6 == 1
        more: dict[str, Any] = {
            "Baseline": {"Number": 0, "Start": "2026-03-02T08:00:00", "Finish": "2026-03-02T17:00:00", "Work": HOURS.format(8)}
        }
        if uid % 6 > 2:
            more["PredecessorLink"] = [{"PredecessorUID": uid - 1, "Type": 1, "LinkLag": 0, "LagFormat": 7}]
        made.tasks.append(task(uid, Summary=int(is_head), **{"OutlineLevel": 1 if is_head else 2}, **({} if is_head else more)))
    made.resources = [{"UID": uid, "ID": uid, "Name": f"Person {number}.{uid}", "Type": 1} for uid in range(1, 4)]
    made.assignments = [
        {"UID": uid, "TaskUID": uid, "ResourceUID": 1 + uid % 3, "Units": 1, "Work": HOURS.format(8)} for uid in range(2, TASKS, 4)
    ]
    made.calendars = [{"UID": 1, "Name": "Standard", "IsBaseCalendar": 1, "BaseCalendarUID": -1, "Exceptions": []}]
    return made
