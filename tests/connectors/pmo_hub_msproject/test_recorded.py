"""Recorded payloads of real PWA sites parse and map."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import msgspec

from pmo_hub.domain.records import Assignment, EarnedValue, Plan, Resource, Schedule, WorkItem
from pmo_hub_msproject import odata, wire
from pmo_hub_msproject.calendars import ranges
from tests.connectors.pmo_hub_msproject.payloads import mapped, one

_ID = re.compile(r"'([0-9a-f-]{36})'\)$")


def _recorded(shared_folder: Path, name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((shared_folder / "data/msproject" / name).read_text())
    if "odata.id" in found and (id := _ID.search(found["odata.id"])):
        found.setdefault("Id", id[1])  # left out of the recordings, where it is in the address
    return found


def test_the_recorded_task_maps(shared_folder: Path) -> None:
    raw = _recorded(shared_folder, "projectserver/recorded_ProjectServer_PublishedTask.json")
    records = mapped("task", {"task": raw, "assignments": []}).owned
    schedule = one(records, Schedule)
    assert one(records, WorkItem).work_hours == 0.0
    # "3d", P1D and 86,400,000 ms are the same 24 working hours; 6d of slack are P2D.
    assert (schedule.duration_hours, schedule.total_float_hours, schedule.is_elapsed) == (24.0, 48.0, False)


def test_the_recorded_assignment_maps(shared_folder: Path) -> None:
    raw = _recorded(shared_folder, "projectserver/recorded_ProjectServer_PublishedAssignment.json")
    raw |= {"Resource": {"Id": raw["Id"]}}
    found = one(mapped("task", {"task": {"Id": raw["Id"]}, "assignments": [raw]}).owned, Assignment)
    assert (found.work_hours, found.actual_hours, found.remaining_hours) == (24.0, 8.0, 16.0)


def test_the_recorded_resource_maps(shared_folder: Path) -> None:
    raw = _recorded(shared_folder, "projectserver/recorded_ProjectServer_ProjectResource.json")
    assert one(mapped("resource", raw).mentioned, Resource).is_generic is None


def test_the_recorded_project_and_its_report_map(shared_folder: Path) -> None:
    header = _recorded(shared_folder, "projectserver/recorded_ProjectServer_PublishedProject.json")
    report = _recorded(shared_folder, "projectdata/recorded_ProjectData_Projects_one.json") | {"ProjectId": header["Id"]}
    records = mapped("plan", {"project": header, "summary": None, "report": report}, header["Id"]).owned
    plan = one(records, Plan)
    assert (plan.name, plan.currency, plan.status_at) == (header["Name"], "USD", None)
    assert plan.published_at is not None
    assert not [r for r in records if isinstance(r, EarnedValue)], "zeros alone tell no earned value"
    assert wire.decoder(wire.Report).decode(msgspec.json.encode(report)).project_earned_value_is_stale is True


def test_the_recorded_calendar_exception_is_a_day_off(shared_folder: Path) -> None:
    raw = _recorded(shared_folder, "projectserver/recorded_ProjectServer_Calendar.json")["base_calendar_exception"]
    told = wire.decoder(wire.CalendarException).decode(msgspec.json.encode(raw))
    assert [str(d) for pair in ranges(told) for d in pair] == ["2025-08-18", "2025-08-18"]


def test_the_recorded_verbose_list_is_read(shared_folder: Path) -> None:
    body = _recorded(shared_folder, "projectdata/recorded_verbose_Projects_three.json")["body"]
    found, link = odata.page(msgspec.json.encode(body))
    assert (len(found), link) == (3, None)
    assert all(wire.decoder(wire.Report).decode(raw).project_id for raw in found)
