"""Facts: listed with what each sync tells, and measured again when time alone has changed them."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from pmo_hub.services import facts
from pmo_hub.services.errors import NotFound
from pmo_hub.services.facts import ListedFact
from pmo_hub.services.freshness import LIVE
from pmo_hub.store.models.canonical import HISTORY
from pmo_hub.store.models.governance import Fact
from pmo_hub.store.unit_of_work import Work
from tests.services.governed import CADENCE, NOON, Estate


@pytest.fixture
def estate(work: Work, tmp_path: Path) -> Estate:
    return Estate(work, tmp_path)


def listed(estate: Estate, project: str, name: str, as_of: datetime | None = None) -> ListedFact:
    return next(one for one in facts.list_facts(estate.hub, project, as_of).facts if one.fact.name == name)


def test_every_type_of_value_comes_back_as_it_was_measured(estate: Estate) -> None:
    project = estate.project("ERP", finish=date(2026, 12, 31), methodology="agile")
    estate.item(project, "ERP-1", due=date(2026, 11, 1))
    estate.item(project, "ERP-2", due=date(2026, 12, 1))
    estate.item(project, "ERP-3", due=date(2026, 12, 1))
    estate.synced(project)
    found = {one.fact.name: one.fact.value for one in facts.list_facts(estate.hub, project).facts}
    assert found["project.has_sponsor"] is False
    assert found["project.overdue_count"] == 1
    assert found["project.overdue_share"] == pytest.approx(1 / 3)
    assert isinstance(found["project.estimate_coverage"], float)
    assert found["project.methodology"] == "agile"
    assert found["project.finish"] == date(2026, 12, 31)
    assert found["project.last_activity_at"] == NOON - timedelta(days=1)
    assert found["project.cpi"] is None
    assert found["project.synced_at"] == NOON


def test_what_each_sync_tells_is_listed_and_not_stored(estate: Estate) -> None:
    project = estate.project("ERP")
    estate.synced(project)
    assert listed(estate, project, "project.synced_at").recorded_from is None
    assert listed(estate, project, "project.data_complete").fact.value is True
    assert not {row["name"] for row in estate.rows(Fact)} & set(LIVE)


def test_a_fact_is_listed_as_the_hub_knew_it_then(estate: Estate) -> None:
    project = estate.project("ERP")
    estate.item(project, "ERP-1", due=date(2026, 12, 1))
    estate.synced(project)
    estate.now += CADENCE
    estate.item(project, "ERP-1", due=date(2026, 11, 1))
    estate.synced(project)
    assert listed(estate, project, "project.overdue_count").fact.value == 1
    then = listed(estate, project, "project.overdue_count", as_of=NOON)
    assert (then.fact.value, then.recorded_from) == (0, NOON)
    assert listed(estate, project, "project.synced_at", as_of=NOON).fact.value == NOON


def test_a_failed_run_lowers_the_confidence_of_what_came_from_the_source_only(estate: Estate) -> None:
    project = estate.project("ERP")
    estate.item(project, "ERP-1")
    estate.synced(project)
    estate.failed()
    assert listed(estate, project, "project.item_count").fact.confidence == 50
    assert listed(estate, project, "project.has_sponsor").fact.confidence == 100


def test_a_due_date_that_passes_at_midnight_of_the_projects_zone_is_noticed_without_a_sync(estate: Estate) -> None:
    project = estate.project("ERP", time_zone="Europe/Berlin")
    estate.item(project, "ERP-1", due=date(2026, 11, 23))
    estate.synced(project)
    estate.now = datetime(2026, 11, 23, 22, 59, 59, tzinfo=UTC)
    facts.expire(estate.hub)
    assert listed(estate, project, "project.overdue_count").fact.value == 0
    estate.now = datetime(2026, 11, 23, 23, 0, tzinfo=UTC)
    assert facts.expire(estate.hub) == 1
    assert listed(estate, project, "project.overdue_count").fact.value == 1
    assert facts.expire(estate.hub) == 0


def test_a_rule_that_counts_days_is_asked_again_every_day(estate: Estate) -> None:
    project = estate.project("ERP")
    estate.item(project, "ERP-1", updated_at=NOON - timedelta(days=29))
    estate.synced(project)
    assert estate.violations("GOV-013") == []
    estate.now += timedelta(days=2)
    facts.expire(estate.hub)
    assert estate.violation("GOV-013")["state"] == "open"


def test_a_connection_that_is_no_longer_read_becomes_a_violation_by_the_clock(estate: Estate) -> None:
    estate.project("ERP")
    estate.synced()
    estate.now += 2 * CADENCE
    facts.expire(estate.hub)
    assert estate.violations("DQ-002") == []
    estate.now += timedelta(minutes=1)
    facts.expire(estate.hub)
    assert estate.violation("DQ-002")["state"] == "open"
    assert facts.expire(estate.hub) == 0


def test_what_has_expired_in_many_projects_is_measured_some_at_a_time(estate: Estate, monkeypatch: pytest.MonkeyPatch) -> None:
    projects = [estate.project(f"P{number}") for number in range(5)]
    for project in projects:
        estate.item(project, f"{project[:6]}-1", due=date(2026, 11, 23))
    estate.synced(*projects)
    monkeypatch.setattr(facts, "EXPIRED_PROJECTS", 2)
    estate.now = datetime(2026, 11, 24, 0, 0, tzinfo=UTC)
    assert facts.expire(estate.hub) == 6
    overdue = [row for row in estate.rows(Fact) if row["name"] == "project.overdue_count"]
    assert [row["value"] for row in overdue] == [1] * 5
    assert len([row for row in estate.rows(HISTORY["facts"]) if row["name"] == "project.overdue_count"]) == 5


def test_facts_of_a_project_that_does_not_exist_are_not_found(estate: Estate) -> None:
    with pytest.raises(NotFound):
        facts.list_facts(estate.hub, "0" * 32)
