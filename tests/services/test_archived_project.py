"""A project that began in Project Online, was archived there, and goes on in another tool: one project, by its sources' roles."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pytest

from pmo_hub.domain.identity import row_id
from pmo_hub.services import facts, plans, projects, work_items
from pmo_hub.services.projects import NewRule
from pmo_hub.store.repositories.work_items import Filter, Order
from pmo_hub.store.unit_of_work import Work
from pmo_hub_mspdi.simulated_plans import PEOPLE, PlanSpec
from tests.connectors.pmo_hub_mspdi.archives import ARCHIVED, archive_zip
from tests.services.desk import Desk

SUCCESSOR = PlanSpec("Head Office Move, second half", 24, seed=9, people=PEOPLE[:3])


@pytest.fixture
def desk(work: Work, tmp_path: Path) -> Desk:
    found = Desk(work, tmp_path)
    found.upload(archive_zip(), "project-online.zip")
    found.upload(SUCCESSOR, "second-half.xml")
    return found


def joined(desk: Desk, until: date) -> str:
    rules = [
        NewRule(row_id("file", "scope", SUCCESSOR.id), "all", None, "schedule"),
        NewRule(row_id("file", "scope", ARCHIVED), "all", None, "history", until),
    ]
    return projects.create(desk.hub, "Head Office Move", {}, rules, "test").id


def fact(desk: Desk, project: str, name: str) -> object:
    (found,) = [one.fact.value for one in facts.list_facts(desk.hub, project).facts if one.fact.name == f"project.{name}"]
    return found


def items(desk: Desk, project: str) -> set[str]:
    page = work_items.page(desk.hub, work_items.Query(Filter(project_id=project)), Order("key", descending=False), None, 200)
    return {one.external_id.partition("/")[0] for one in page}


def test_an_archive_and_its_successor_are_one_project_until_the_day_of_the_change(desk: Desk) -> None:
    today = desk.clock().date()
    project = joined(desk, today)
    both = fact(desk, project, "item_count")
    own = fact(desk, joined(desk, today - timedelta(days=1)), "item_count")
    assert own == 24
    assert both == 26  # one task and one milestone; what is cancelled, adds up or is a risk counts nowhere
    assert items(desk, project) == {ARCHIVED, SUCCESSOR.id}


def test_after_the_day_of_the_change_the_successor_alone_counts_and_the_archive_is_still_told(desk: Desk) -> None:
    project = joined(desk, desk.clock().date())
    desk.later += timedelta(days=2)
    facts.expire(desk.hub)
    assert fact(desk, project, "item_count") == 24
    assert items(desk, project) == {ARCHIVED, SUCCESSOR.id}
    told = {one.plan.name: one for one in plans.project_plans(desk.hub, project)}
    assert set(told) == {"Head Office Move", SUCCESSOR.name}
    assert [one.stage for one in told["Head Office Move"].passages] == ["Business case", "Execution"]
    (believed,) = [one for one in plans.project_earned_value(desk.hub, project) if one.is_believed]
    assert believed.info.plan is not None
    assert believed.info.plan.name == SUCCESSOR.name
