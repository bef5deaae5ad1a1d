"""Every file of the third-party shelf, compared with what MPXJ reads of it; each difference has a cause that holds for any file."""

from __future__ import annotations

import json
from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from pmo_hub_mspdi import mpp
from pmo_hub_mspdi.faults import FileFault
from tests.connectors.pmo_hub_mspdi.mpxj_comparison import RULES, Difference, Ours, differences, explanation, read
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


def test_recurring_exceptions_fall_on_as_many_days_as_the_file_counts(readings: dict[str, tuple[Path, Ours]]) -> None:
    path, ours = readings["calendar-recurring-exceptions-project2007-mspdi.xml"]
    days: Counter[str] = Counter()
    for exceptions in ours.exceptions.values():
        for one in exceptions:
            days[one.name or ""] += (one.last - one.first) // timedelta(days=1) + 1
    text = path.read_text(encoding="utf-8")
    counted = {
        part.split("<Name>")[1].split("<")[0]: int(part.split("<Occurrences>")[1].split("<")[0]) for part in text.split("<Exception>")[1:]
    }
    assert len(counted) == 27
    assert dict(days) == counted


def test_an_mpp_file_reads_as_its_xml_does(shared_folder: Path, tmp_path: Path) -> None:
    path = next(path for path in FILES if path.suffix == ".mpp")
    try:
        with open(path, "rb") as file:
            made = mpp.converted("digest", file, tmp_path)
    except FileFault as fault:
        pytest.skip(f"the optional part mpp is not installed: {fault}")
    ours = read("New_Product.xml", made.read_bytes())
    unexplained = [one for one in differences(made, expected(path), ours) if explanation(one) is None]
    assert not unexplained, "\n".join(map(str, unexplained[:10]))
