"""Health that changed and risks that escalated: told once, in the transaction that shows it, on both engines."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from pmo_hub.services import facts
from pmo_hub.store.models.governance import Event, ProjectState
from pmo_hub.store.unit_of_work import Work
from tests.services.governed import CADENCE, Estate


@pytest.fixture
def estate(work: Work, tmp_path: Path) -> Estate:
    return Estate(work, tmp_path)


def told(estate: Estate, type: str) -> list[dict[str, Any]]:
    rows = [row for row in estate.rows(Event) if row["type"] == type]
    return [row["data"] for row in sorted(rows, key=lambda row: int(row["sequence"]))]


def planned(estate: Estate) -> str:
    """A project whose schedule is known and good."""
    project = estate.project("ERP", start=date(2026, 11, 1), finish=date(2027, 3, 1))
    for number in range(5):
        estate.item(project, f"E-{number}", due=date(2027, 1, 20), kind="milestone" if number == 0 else "task")
    return project


def test_the_first_look_at_a_project_is_no_change(estate: Estate) -> None:
    project = planned(estate)
    estate.synced(project)
    estate.now += CADENCE
    estate.synced(project)
    assert told(estate, "health.changed") == []
    assert [row["project_id"] for row in estate.rows(ProjectState)] == [project]


def test_a_rating_that_becomes_another_is_told_once_with_what_it_was(estate: Estate) -> None:
    project = planned(estate)
    estate.synced(project)
    [before] = estate.rows(ProjectState)
    estate.now += CADENCE
    for number in range(5):
        estate.item(project, f"E-{number}", due=date(2026, 10, 1), kind="milestone" if number == 0 else "task")
    estate.synced(project)
    [change] = told(estate, "health.changed")
    assert (change["project_id"], change["was"], change["rating"]) == (project, before["rating"], "red")
    assert change["dimensions"]["schedule"] == {"was": before["ratings"]["schedule"], "rating": "red"}
    assert change["reasons"]
    estate.now += CADENCE
    estate.synced(project)
    assert len(told(estate, "health.changed")) == 1


def test_data_that_grows_old_turns_grey_by_the_clock_and_back_by_the_next_sync(estate: Estate) -> None:
    project = planned(estate)
    estate.synced(project)
    [before] = estate.rows(ProjectState)
    assert before["rating"] != "grey"
    estate.now += 2 * CADENCE + timedelta(minutes=1)
    facts.expire(estate.hub)
    [change] = told(estate, "health.changed")
    assert (change["was"], change["rating"]) == (before["rating"], "grey")
    estate.synced(project)
    assert [one["rating"] for one in told(estate, "health.changed")] == ["grey", before["rating"]]


def test_a_risk_that_rises_over_a_band_is_told_once(estate: Estate) -> None:
    project = planned(estate)
    estate.synced(project)
    assert told(estate, "risk.escalated") == []
    estate.now += CADENCE
    for number in range(5):
        estate.item(project, f"E-{number}", due=date(2026, 9, 1))
    estate.synced(project)
    escalated = told(estate, "risk.escalated")
    assert [(one["band"], one["was"]) for one in escalated if one["kind"].startswith("overdue")] == [("critical", "low")]
    estate.now += CADENCE
    estate.synced(project)
    assert told(estate, "risk.escalated") == escalated


def test_a_project_that_is_gone_leaves_nothing_to_compare_with(estate: Estate) -> None:
    project = planned(estate)
    estate.synced(project)
    estate.drop_project(project)
    estate.refresh(project)
    assert estate.rows(ProjectState) == []
