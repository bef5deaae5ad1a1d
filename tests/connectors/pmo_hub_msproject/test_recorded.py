"""Recorded payloads of real PWA sites parse and map."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import msgspec
import pytest

from pmo_hub.domain.records import Assignment, EarnedValue, Plan, Resource, Schedule, WorkItem
from pmo_hub_mspdi.archive import SETS as ARCHIVED_SETS
from pmo_hub_msproject import odata, wire
from pmo_hub_msproject.calendars import ranges
from pmo_hub_msproject.simulated_organisation import generate
from pmo_hub_msproject.simulator import Simulator, serve
from pmo_hub_msproject.time_phased import ALL_SETS
from pmo_hub_msproject.values import guid
from tests.connectors.pmo_hub_msproject.lending import START, synced
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


def test_the_recorded_calendar_is_known_by_its_id_without_a_name(shared_folder: Path) -> None:
    raw = _recorded_calendar(shared_folder)
    told = wire.decoder(wire.Calendar).decode(msgspec.json.encode(raw))
    assert (guid(told.id), told.name) == ("9410ae84-5878-f011-97be-080027fff3b7", None)


def _recorded_calendar(shared_folder: Path) -> dict[str, Any]:
    raw: dict[str, Any] = json.loads((shared_folder / "data/msproject/projectserver/recorded_ProjectServer_Calendar.json").read_text())
    found: dict[str, Any] = raw["calendar"]
    return found | {"Id": found["odata.id"].rpartition("('")[2].removesuffix("')")}


def test_sets_that_are_asked_for_are_the_documented_ones_and_large_enough_to_be_paged(shared_folder: Path) -> None:
    folder = shared_folder / "data/msproject/projectdata"
    sets = json.loads((folder / "projectdata_entitysets.json").read_text())
    limits = json.loads((folder / "page_limits.json").read_text())["limits"]
    asked = {one.name for one in ALL_SETS.values()}
    assert asked | {"Projects"} <= sets.keys() & limits.keys()
    assert set(ARCHIVED_SETS) <= sets.keys() & limits.keys()


@pytest.mark.parametrize(("place", "least"), [("on_premises", 100), ("online", 300)])
def test_a_plan_of_more_rows_than_documented_pages_hold_is_read_whole(
    shared_folder: Path, monkeypatch: pytest.MonkeyPatch, place: str, least: int
) -> None:
    """Each set has pages of its own size, and another one in the cloud."""
    limits = json.loads((shared_folder / "data/msproject/projectdata/page_limits.json").read_text())["limits"]
    paged = Simulator._paged

    def limited(self: Simulator, path: str, *arguments: Any) -> bytes:
        self.page_size = limits.get(path.rpartition("/")[2], {}).get(place) or 10_000
        return paged(self, path, *arguments)

    with serve(generate(3, 1, START, tasks=least + 20), page_size=10_000) as simulator:
        whole = synced(simulator, time_phased=True).owned()
        monkeypatch.setattr(Simulator, "_paged", limited)
        assert synced(simulator, time_phased=True).owned() == whole
        followed = {path.rpartition("/")[2] for path, query, _ in simulator.log if "skiptoken" in query}
    assert {"Tasks", "TaskBaselines", "TaskTimephasedDataSet"} <= followed
