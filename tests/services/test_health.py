"""Health from kept facts, now and as it was answered then, on both engines."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from pmo_hub.domain.health import Health
from pmo_hub.domain.rating import Rating
from pmo_hub.services import health
from pmo_hub.services.errors import NotFound
from pmo_hub.store.prepared import Prepared, Snapshot
from pmo_hub.store.unit_of_work import Work
from tests.services.governed import CADENCE, NOON, Estate


@pytest.fixture
def estate(work: Work, tmp_path: Path) -> Estate:
    return Estate(work, tmp_path)


@contextmanager
def statements() -> Iterator[list[str]]:
    """What is sent to any database meanwhile."""
    seen: list[str] = []

    def note(conn: Any, cursor: Any, statement: str, *_: Any) -> None:
        seen.append(statement)

    sa.event.listen(sa.Engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        sa.event.remove(sa.Engine, "before_cursor_execute", note)


def rating(found: Health, dimension: str) -> Rating:
    return next(one.rating for one in found.dimensions if one.dimension == dimension)


def overdue(estate: Estate, name: str, late: int, fine: int) -> str:
    """A project in which so many items are late, and so many due next month."""
    project = estate.project(name)
    for number in range(late + fine):
        due = date(2026, 11, 1) if number < late else date(2026, 12, 24)
        estate.item(project, f"{name}-{number}", due=due, assignee_id=None)
    return project


def test_a_project_that_was_never_synced_is_grey_and_says_so(estate: Estate) -> None:
    project = estate.project("ERP")
    found = health.project_health(estate.hub, project)
    assert found.health.rating is Rating.GREY
    assert found.health.reasons == ("the project was never synced",)
    assert found.health.coverage == "0 of 7 known"
    assert (found.head.name, found.head.synced_at, found.head.complete) == ("ERP", None, None)


def test_overdue_work_is_red_with_links_into_the_source(estate: Estate) -> None:
    project = overdue(estate, "ERP", late=2, fine=2)
    estate.synced(project)
    found = health.project_health(estate.hub, project)
    schedule = found.health.dimensions[0]
    assert (found.health.rating, schedule.rating, schedule.confidence) == (Rating.RED, Rating.RED, 100)
    assert "50 % of the open work is overdue (2 items)" in schedule.reasons[0]
    assert {link.label for link in schedule.evidence} == {"ERP-0", "ERP-1"}
    assert schedule.evidence[0].url == "https://site.example/browse/ERP-0"
    assert found.health.data_age_s == 0


def test_a_dimension_without_data_is_grey_and_names_what_is_missing(estate: Estate) -> None:
    project = overdue(estate, "ERP", late=0, fine=4)
    estate.synced(project)
    found = health.project_health(estate.hub, project).health
    cost = next(one for one in found.dimensions if one.dimension == "cost")
    assert (cost.rating, cost.score) == (Rating.GREY, None)
    assert any(name.startswith("project.cpi") for name in cost.missing)
    assert found.rating is not Rating.GREY


def test_old_data_is_grey_without_any_fact_having_changed(estate: Estate) -> None:
    project = overdue(estate, "ERP", late=0, fine=4)
    estate.synced(project)
    estate.now += 2 * CADENCE
    assert health.project_health(estate.hub, project).health.rating is not Rating.GREY
    estate.now += timedelta(seconds=1)
    found = health.project_health(estate.hub, project).health
    assert found.rating is Rating.GREY
    assert found.data_age_s == 7201


def test_the_confidence_of_what_a_failed_run_left_is_halved_until_the_next_success(estate: Estate) -> None:
    project = overdue(estate, "ERP", late=0, fine=4)
    estate.synced(project)
    estate.now += CADENCE
    estate.failed()
    found = health.project_health(estate.hub, project)
    assert (found.head.complete, found.health.dimensions[0].confidence) == (False, 50)
    estate.now += timedelta(minutes=1)
    estate.synced(refresh=False)
    found = health.project_health(estate.hub, project)
    assert (found.head.complete, found.health.dimensions[0].confidence) == (True, 100)


def test_the_health_of_an_instant_is_what_was_answered_then(estate: Estate) -> None:
    project = overdue(estate, "ERP", late=0, fine=4)
    answers = []

    def ask() -> None:
        answers.append(health.project_health(estate.hub, project))
        estate.now += timedelta(minutes=20)

    ask()
    estate.synced(project)
    ask()
    estate.item(project, "ERP-0", due=date(2026, 11, 1))
    estate.synced(project)
    ask()
    estate.failed()
    ask()
    estate.project("ERP", name="ERP 2", finish=date(2026, 11, 30))
    estate.refresh(project)
    ask()
    estate.now += timedelta(hours=5)
    ask()
    estate.synced(refresh=False)
    ask()
    assert len({answer.health for answer in answers}) == len(answers)
    for answer in answers:
        then = health.project_health(estate.hub, project, as_of=answer.computed_at)
        assert (then.health, then.head) == (answer.health, answer.head)
        assert then.as_of == answer.computed_at


def test_before_a_project_was_there_it_is_not_found(estate: Estate) -> None:
    project = estate.project("ERP")
    with pytest.raises(NotFound):
        health.project_health(estate.hub, project, as_of=NOON - timedelta(seconds=1))
    with pytest.raises(NotFound):
        health.project_health(estate.hub, "0" * 32)


def test_one_project_costs_two_queries_and_one_when_nothing_has_changed(estate: Estate, monkeypatch: pytest.MonkeyPatch) -> None:
    project = overdue(estate, "ERP", late=1, fine=2)
    estate.synced(project)
    ran = []
    rows = Prepared.rows

    def counted(statement: Prepared, snapshot: Snapshot, **values: str) -> list[Any]:
        ran.append(statement)
        return rows(statement, snapshot, **values)

    monkeypatch.setattr(Prepared, "rows", counted)
    counts = []
    for _ in range(2):
        ran.clear()
        with statements() as seen:
            health.project_health(estate.hub, project)
        counts.append(len(ran) + len(seen))
    assert counts == [2, 1]


def test_an_answer_that_is_reused_is_what_would_be_computed_anew(estate: Estate) -> None:
    project = overdue(estate, "ERP", late=1, fine=3)
    estate.project("ERP", time_zone="Asia/Kolkata", finish=date(2026, 12, 20))
    estate.item(project, "ERP-9", kind="bug", priority=95, created_at=NOON - timedelta(days=6), due=date(2026, 11, 24))
    estate.synced(project)
    for step in range(40):
        estate.now += timedelta(minutes=53)
        if step % 5 == 4:
            estate.synced(refresh=False)
        if step == 20:
            estate.refresh(project)
        given = health.project_health(estate.hub, project)
        computed = health.project_health(estate.hub, project, as_of=estate.now)
        assert given.health == computed.health


def test_a_change_is_seen_at_once_even_within_the_same_instant(estate: Estate) -> None:
    project = overdue(estate, "ERP", late=1, fine=3)
    estate.synced(project)
    before = health.project_health(estate.hub, project).health
    estate.item(project, "ERP-1", due=date(2026, 11, 1))
    estate.refresh(project)
    assert health.project_health(estate.hub, project).health != before


def test_an_empty_portfolio_is_grey_with_the_reason(estate: Estate) -> None:
    found = health.holder_health(estate.hub, "portfolio", estate.portfolio("All"))
    assert (found.health.rating, found.health.reasons) == (Rating.GREY, ("the portfolio has no projects",))
    assert found.data_age_s is None


def test_a_portfolio_counts_its_projects_and_names_the_worst(estate: Estate) -> None:
    bad, good = overdue(estate, "BAD", late=3, fine=1), overdue(estate, "GOOD", late=0, fine=4)
    estate.item(good, "GOOD-9", due=date(2026, 12, 24), assignee_id=estate.person("Ada"))
    portfolio = estate.portfolio("All", bad, good)
    estate.synced(bad, good)
    found = health.holder_health(estate.hub, "portfolio", portfolio)
    assert found.health.rating is Rating.RED
    assert found.health.size == 2
    assert sum(found.health.counts["schedule"].values()) == 2
    assert found.health.counts["schedule"][Rating.RED] == 1
    assert found.health.worst[0].name == "BAD"
    assert found.data_age_s == 0


def test_a_portfolio_costs_the_same_queries_however_many_projects_it_has(estate: Estate) -> None:
    few = [overdue(estate, f"P{number}", late=1, fine=1) for number in range(2)]
    many = few + [overdue(estate, f"Q{number}", late=1, fine=1) for number in range(6)]
    small, large = estate.portfolio("Small", *few), estate.portfolio("Large", *many)
    estate.synced(*many)
    counts = []
    for portfolio in (small, large):
        with statements() as seen:
            health.holder_health(estate.hub, "portfolio", portfolio)
        counts.append(len(seen))
    assert counts[0] == counts[1]


def test_a_portfolio_is_shown_as_it_was_then(estate: Estate) -> None:
    project = overdue(estate, "ERP", late=0, fine=4)
    portfolio = estate.portfolio("All", project)
    estate.synced(project)
    before = health.holder_health(estate.hub, "portfolio", portfolio)
    estate.now += timedelta(minutes=30)
    for number in range(4):
        estate.item(project, f"ERP-{number}", due=date(2026, 11, 1))
    estate.synced(project)
    assert health.holder_health(estate.hub, "portfolio", portfolio).health != before.health
    then = health.holder_health(estate.hub, "portfolio", portfolio, as_of=before.computed_at)
    assert (then.health, then.members) == (before.health, before.members)


def test_a_portfolio_that_is_not_there_is_not_found(estate: Estate) -> None:
    with pytest.raises(NotFound):
        health.holder_health(estate.hub, "program", estate.portfolio("All"))
