"""Every file of the third-party shelf, compared with what MPXJ reads of it; each difference has a cause that holds for any file."""

from __future__ import annotations

import json
import os
import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from pmo_hub.domain.records import TimePhased, WorkItem
from pmo_hub.domain.time_phased import total
from pmo_hub.domain.vocabulary import Phased
from pmo_hub_mspdi import mpp
from pmo_hub_mspdi.faults import FileFault
from pmo_hub_mspdi.recurrence import days
from pmo_hub_mspdi.streaming import Found, stream
from pmo_hub_mspdi.values import inside, integer, moment_of, text
from tests.connectors.pmo_hub_mspdi.mpxj_comparison import CONVERTED_RULES, RULES, Difference, Ours, differences, explanation, read
from tests.connectors.pmo_hub_mspdi.plans import records_of
from tests.third_party import find_shared

FOLDER = find_shared() / "data" / "msproject" / "mspdi"
FILES = sorted(path for path in FOLDER.glob("*/*.*") if path.suffix in (".xml", ".mpp"))


def expected(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((FOLDER / "expected" / f"{path.name}.expected.json").read_text(encoding="utf-8"))
    return found


@pytest.fixture(scope="session")
def readings(shared_folder: Path) -> dict[str, tuple[Path, Ours]]:
    """What the connector makes of each XML file."""
    return {path.name: (path, read(path.name, path.read_bytes())) for path in FILES if path.suffix == ".xml"}


def test_the_whole_shelf_is_compared(shared_folder: Path) -> None:
    assert len(FILES) == 49  # 48 XML files, and one of them as .mpp too
    assert {f"{path.name}.expected.json" for path in FILES} == {path.name for path in (FOLDER / "expected").iterdir()}


@pytest.mark.parametrize("name", [path.name for path in FILES if path.suffix == ".xml"])
def test_a_file_reads_as_mpxj_reads_it_but_for_explained_differences(readings: dict[str, tuple[Path, Ours]], name: str) -> None:
    path, ours = readings[name]
    found = list(differences(path, expected(path), ours))
    unexplained = [difference for difference in found if explanation(difference) is None]
    assert not unexplained, "\n".join(map(str, unexplained[:10]))


def test_every_explanation_is_needed(readings: dict[str, tuple[Path, Ours]]) -> None:
    used = Counter(
        rule.cause
        for path, ours in readings.values()
        for difference in differences(path, expected(path), ours)
        if (rule := explanation(difference)) is not None
    )
    assert set(used) == {rule.cause for rule in RULES}


@pytest.mark.parametrize(
    "difference",
    [
        Difference("task.work", "3", 8.0, None, {"Work": "PT8H0M0S"}),
        Difference("task.work", "3", 8.0, 9.0, {}),
        Difference("task", "7", "Build", None, {"IsNull": "0", "Name": "Build"}),
        Difference("task.parent", "7", "3", None, {}),
        Difference("task.acwp", "7", 12.5, None, {}),
        Difference("link.type", "7", "SS", "FS", {}),
        Difference("assignment", "7", "3", None, {"ResourceUID": "3", "TaskUID": "4"}),
        Difference("assignment.start", "7", "2026-01-01T08:00", None, {"Start": "2026-01-01T08:00:00"}),
        Difference("task.constraint_date", "7", "2026-01-01T08:00", None, {"ConstraintType": "4", "ConstraintDate": "2026-01-01T08:00:00"}),
        Difference("task.milestone", "7", True, False, {}),
        Difference("plan.name", "", "Title", "File", {}),
        Difference("resource", "7", "Somebody", None, {"Name": "Somebody"}),
    ],
)
def test_no_explanation_covers_a_mistake(difference: Difference) -> None:
    assert explanation(difference) is None


def test_recurring_exceptions_fall_on_as_many_days_as_the_file_counts(shared_folder: Path) -> None:
    path = next(path for path in FILES if path.name.startswith("calendar-recurring-exceptions"))
    with open(path, "rb") as file:
        calendars = [one.value for one in stream(file) if isinstance(one, Found) and one.container == "Calendars"]
    exceptions = inside(calendars[0], "Exceptions", "Exception")
    assert len(exceptions) == 27
    for one in exceptions:
        first, last = moment_of(text(one["TimePeriod"], "FromDate")), moment_of(text(one["TimePeriod"], "ToDate"))
        assert first is not None
        assert last is not None
        found = days(one, first.date(), last.date())
        count = (last.date() - first.date()).days + 1 if found is None else len(found)
        assert count == integer(one, "Occurrences"), text(one, "Name")
        assert found is None or found[-1] == last.date(), text(one, "Name")


def _require_mpp() -> None:
    try:
        mpp.require()
    except FileFault as fault:
        pytest.skip(f"the optional part mpp is not installed: {fault}")
    if shutil.which("java") is None and "JAVA_HOME" not in os.environ:
        pytest.skip("there is no Java runtime: install one (default-jre-headless on Debian)")


@pytest.mark.part(".mpp files (MPXJ on Java)")
def test_an_mpp_file_reads_as_its_xml_does(shared_folder: Path) -> None:
    path = next(path for path in FILES if path.suffix == ".mpp")
    _require_mpp()
    ours = read(path.name, path.read_bytes())
    unexplained = [one for one in differences(path, expected(path), ours) if explanation(one, CONVERTED_RULES) is None]
    assert not unexplained, "\n".join(f"{one.where} {one.uid} {one.theirs} {one.ours}" for one in unexplained[:10])


@pytest.mark.part(".mpp files (MPXJ on Java)")
def test_an_mpp_file_tells_its_tasks_work_by_day(shared_folder: Path) -> None:
    path = next(path for path in FILES if path.suffix == ".mpp")
    _require_mpp()
    records = records_of({path.name: path.read_bytes()})
    planned = {r.item: r.work for r in records if isinstance(r, TimePhased) and r.kind is Phased.PLANNED}
    worked = [r for r in records if isinstance(r, WorkItem) and r.counts and r.work_hours]
    assert worked
    for item in worked:
        work = planned[item.external_id]
        assert work is not None
        assert float(total(work)) == pytest.approx(item.work_hours, rel=0.001)
