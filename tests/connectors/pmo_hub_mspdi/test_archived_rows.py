"""Rows of ProjectData that an archive holds: recorded ones, those of other languages, and rows that are nobody's work here."""

from __future__ import annotations

import io
import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from pmo_hub.domain.records import EarnedValue, Plan, Schedule, WorkItem
from pmo_hub.sdk.errors import ConfigError
from pmo_hub.sdk.testing import MemoryContext
from pmo_hub_mspdi.config import MspdiConfig
from pmo_hub_mspdi.connector import MspdiConnector
from tests.connectors.pmo_hub_mspdi.archives import archive_zip, as_json, dumps, project, task, task_id, zipped
from tests.connectors.pmo_hub_mspdi.plans import records_of


def recorded(folder: Path, name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "data/msproject/projectdata" / name).read_text(encoding="utf-8"))
    return found


def test_the_recorded_verbose_projects_are_an_archives_plans(shared_folder: Path) -> None:
    body = recorded(shared_folder, "recorded_verbose_Projects_three.json")["body"]
    found = [r for r in records_of({"a.zip": zipped({"Projects.json": json.dumps(body).encode()})}) if isinstance(r, Plan)]
    assert sorted((r.external_id, r.name) for r in found) == sorted((r["ProjectId"], r["ProjectName"]) for r in body["d"]["results"])


def test_the_recorded_project_is_an_archives_plan_without_earned_value(shared_folder: Path) -> None:
    row = recorded(shared_folder, "recorded_ProjectData_Projects_one.json")
    own = {"ProjectId": "5b7f3c10-aaaa-4d2e-9f00-00000000000a", "ProjectName": "Recorded"}
    records = records_of({"a.zip": zipped({"Projects.json": as_json([row | own])})})
    (plan,) = [r for r in records if isinstance(r, Plan)]
    assert plan.name == "Recorded"
    assert plan.published_at is not None
    assert not [r for r in records if isinstance(r, EarnedValue)], "it is all zero, and says that it is out of date"


def test_earned_value_without_a_status_date_is_as_of_no_day() -> None:
    """As over the wire: nobody knows then what it is to be compared with."""
    rows = {**dumps(), "Projects": [project(ProjectStatusDate=None, ProjectModifiedDate="2026-09-29T08:00:00")]}
    found = [r for r in records_of({"a.zip": archive_zip(rows)}) if isinstance(r, EarnedValue)]
    assert [(r.item is None, r.at) for r in found] == [(True, None), (False, None)]


def test_a_status_date_in_milliseconds_is_that_of_the_tasks_too() -> None:
    rows = {**dumps(), "Projects": [project(ProjectStatusDate="/Date(1788282000000)/")]}
    found = [r for r in records_of({"a.zip": archive_zip(rows)}) if isinstance(r, EarnedValue)]
    assert {r.at for r in found} == {datetime(2026, 9, 1, 17)}  # noqa: DTZ001


@pytest.mark.parametrize("mark", [{"TaskIndex": 0, "TaskIsProjectSummary": None}, {"TaskIndex": 9, "TaskIsProjectSummary": True}])
def test_the_summary_of_the_project_is_no_item_however_it_is_marked(mark: dict[str, Any]) -> None:
    rows = {**dumps(), "Tasks": [task(0, "Whole", None, **mark), task(1, "A")]}
    assert [r.title for r in records_of({"a.zip": archive_zip(rows)}) if isinstance(r, WorkItem) and r.kind == "task"] == ["A"]


def test_a_task_of_another_project_is_no_item_of_this_one() -> None:
    """It stands in for the other end of a link; its own project counts it."""
    rows = {**dumps(), "Tasks": [task(1, "Own"), task(2, "Theirs", TaskIsExternal=True)]}
    records = records_of({"a.zip": archive_zip(rows)})
    own = f"/{task_id(2)}"
    assert not [r for r in records if isinstance(r, (WorkItem, Schedule)) and r.external_id.endswith(own)]
    assert [r.title for r in records if isinstance(r, WorkItem) and r.kind == "task"] == ["Own"]


def test_an_archive_in_another_language_says_so() -> None:
    """Saved without `[en-US]`, a site names properties in its own language: none of them would be found."""
    content = zipped({"Projects.json": as_json([{"IDProjet": "5b7f3c10-aaaa-4d2e-9f00-000000000001", "NomProjet": "Déménagement"}])})
    with pytest.raises(ConfigError, match=r"names its properties in another language.*\[en-US\]"):
        MspdiConnector().examine(MspdiConfig(), "a.zip", io.BytesIO(content), MemoryContext())


def test_a_row_without_an_id_does_not_take_the_others_along() -> None:
    rows = {**dumps(), "Projects": [{"ProjectName": "Nobody's"}, project()]}
    assert [r.name for r in records_of({"a.zip": archive_zip(rows)}) if isinstance(r, Plan)] == ["Head Office Move"]


def test_an_archive_of_no_projects_is_told_as_that() -> None:
    with pytest.raises(ConfigError, match="holds no project"):
        MspdiConnector().examine(MspdiConfig(), "a.zip", io.BytesIO(zipped({"Projects.json": b'{"value":[]}'})), MemoryContext())
