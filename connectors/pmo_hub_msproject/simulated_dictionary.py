"""The simulated site's custom fields and calendars."""

from __future__ import annotations

from pmo_hub_msproject.simulated_plans import (
    ACCEPTANCE,
    BUDGET,
    CONTRACT,
    DEPARTMENT,
    DEPARTMENTS,
    STANDARD,
    WORKSTREAM,
    WORKSTREAMS,
    Values,
    key_of,
)

TASK_KEYS = tuple(key_of(field) for field in (WORKSTREAM, ACCEPTANCE, CONTRACT))
PROJECT_KEYS = tuple(key_of(field) for field in (DEPARTMENT, BUDGET))


def _field(internal: str, name: str, type: int, entity: str = "Task", entries: list[Values] | None = None) -> Values:
    id = "00000000-0000-4000-8000-" + internal[-12:]
    return {
        "Id": id,
        "InternalName": internal,
        "Name": name,
        "FieldType": type,
        "EntityType": {"Name": entity},
        "LookupEntries": entries or [],
    }


def _entries(texts: dict[str, str]) -> list[Values]:
    return [{"InternalName": key, "FullValue": text, "Value": text} for key, text in texts.items()]


CUSTOM_FIELDS: tuple[Values, ...] = (
    _field(WORKSTREAM, "Workstream", 21, entries=_entries(WORKSTREAMS)),
    _field(ACCEPTANCE, "Acceptance", 4),
    _field(CONTRACT, "Contract value", 9),
    _field(DEPARTMENT, "Department", 21, "Project", _entries(DEPARTMENTS)),
    _field(BUDGET, "Approved budget", 9, "Project"),
)

CALENDARS: tuple[Values, ...] = (
    {
        "Id": STANDARD, "Name": "Standard", "IsStandardCalendar": True, "BaseCalendarExceptions": [
            {"Id": 0, "Name": "Christmas", "Start": "2026-12-24T00:00:00", "Finish": "2026-12-26T00:00:00", "RecurrenceFrequency": 1},
            {"Id": 1, "Name": "New Year", "Start": "2026-01-01T00:00:00", "Finish": "2028-01-01T00:00:00", "RecurrenceType": 4,
             "RecurrenceFrequency": 1, "RecurrenceMonth": 1, "RecurrenceMonthDay": 1},
            {"Id": 2, "Name": "Inventory", "Start": "2026-12-12T00:00:00", "Finish": "2026-12-12T00:00:00", "RecurrenceFrequency": 1,
             "Shift1Start": 480, "Shift1Finish": 720},
        ],
    },
)  # fmt: skip
