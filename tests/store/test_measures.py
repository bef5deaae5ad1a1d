"""What the providers measure, read from both engines."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from pmo_hub.domain.identity import row_id
from pmo_hub.store.merge import merge_rows
from pmo_hub.store.models.canonical import Dependency, Iteration
from pmo_hub.store.models.portfolio import ProjectMembership, ProjectRule
from pmo_hub.store.models.source import Scope
from pmo_hub.store.repositories import freshness, measures
from pmo_hub.store.unit_of_work import Work
from tests.services.governed import NOON, Estate


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


def test_work_behind_an_open_predecessor_is_blocked_and_behind_an_unheld_one_unknown(estate: Estate) -> None:
    project = estate.project("ERP")
    first, second, third = (estate.item(project, f"ERP-{number}") for number in (1, 2, 3))
    rows = [
        {"id": row_id("link", str(number)), "external_id": str(number), "predecessor_id": one, "successor_id": other,
         "dependency_type": "FS", "lag_hours": 0.0, "original_type": "blocks"}
        for number, (one, other) in enumerate([(first, second), (row_id("elsewhere"), third)])
    ]  # fmt: skip
    with estate.work.write() as session:
        merge_rows(session, Dependency, rows, estate.now)
    with estate.work.read() as session:
        _, items = measures.project_inputs(session, [project])[project]
    assert {item.key: item.blocked for item in items} == {"ERP-1": False, "ERP-2": True, "ERP-3": None}


def test_an_item_is_read_with_its_active_iterations_end_in_the_projects_zone(estate: Estate) -> None:
    project = estate.project("ERP", time_zone="Pacific/Auckland")
    sprint, old = row_id("sprint", "1"), row_id("sprint", "0")
    with estate.work.write() as session:
        rows = [
            {"id": id_, "external_id": id_, "name": id_, "state": state, "goal": None, "starts_at": None, "ends_at": NOON,
             "completed_at": None, "mention_version": None}
            for id_, state in ((sprint, "active"), (old, "closed"))
        ]  # fmt: skip
        merge_rows(session, Iteration, rows, estate.now)
    estate.item(project, "ERP-1", iteration_ids=[old, sprint], labels=["a", "b"])
    estate.item(project, "ERP-2", iteration_ids=[old])
    with estate.work.read() as session:
        _, items = measures.project_inputs(session, [project])[project]
    assert {item.key: item.iteration_end for item in items} == {"ERP-1": date(2026, 11, 24), "ERP-2": None}
    assert {item.key: item.labels for item in items} == {"ERP-1": ("a", "b"), "ERP-2": ()}


def test_a_reopened_item_has_no_end(estate: Estate) -> None:
    project = estate.project("ERP")
    estate.item(project, "ERP-1", timing={"done_at": NOON}, actual_finish=NOON)
    estate.item(project, "ERP-2", actual_finish=NOON, status_category="done")
    estate.item(project, "ERP-3", counts=False, uncounted="sub_item")
    with estate.work.read() as session:
        _, items = measures.project_inputs(session, [project])[project]
    assert {item.key: item.done_at for item in items} == {"ERP-1": None, "ERP-2": NOON}


def test_a_project_is_read_with_its_settings_and_the_state_of_its_data(estate: Estate) -> None:
    left = estate.person("Ada", is_active=False)
    project = estate.project("ERP", manager_id=left, finish=date(2026, 12, 31))
    estate.item(project, "ERP-1", kind="other", assignee_id=row_id("nobody that the hub knows"))
    estate.item(project, "ERP-2", assignee_id=left)
    estate.synced(refresh=False)
    with estate.work.read() as session:
        found, items = measures.project_inputs(session, [project, "0" * 32])[project]
    assert (found.manager, found.manager_active, found.sponsor) == (left, False, None)
    assert (found.url, found.synced_at, found.cadence_minutes) == ("https://site.example/ERP", NOON, 60)
    assert (found.data_complete, found.unmapped_share, found.unknown_people_share) == (True, 0.5, 0.5)
    assert {item.key: item.assignee_active for item in items} == {"ERP-1": None, "ERP-2": False}


def test_items_that_a_project_takes_for_their_money_alone_are_not_read(estate: Estate) -> None:
    project = estate.project("ERP")
    item = estate.item(project, "ERP-1")
    member = {"id": row_id("member", project, item), "project_id": project, "item_id": item, "rule_id": row_id("r"), "role": "money"}
    with estate.work.write() as session:
        merge_rows(session, ProjectMembership, [member], estate.now)
        assert measures.project_inputs(session, [project])[project][1] == []


def test_more_projects_cost_no_more_queries(estate: Estate) -> None:
    projects = [estate.project(name) for name in ("A", "B", "C", "D")]
    for project in projects:
        estate.item(project, f"{project}-1")
    counts = []
    for some in (projects[:1], projects):
        with estate.work.read() as session, statements() as seen:
            assert len(measures.project_inputs(session, some)) == len(some)
        counts.append(len(seen))
    assert counts[0] == counts[1]


def test_groups_hold_no_more_items_than_asked_for_unless_one_project_does(estate: Estate) -> None:
    sizes = {"A": 1, "B": 5, "C": 1, "D": 1}
    projects = {estate.project(name): size for name, size in sizes.items()}
    for project, size in projects.items():
        for number in range(size):
            estate.item(project, f"{project}-{number}")
    with estate.work.read() as session:
        groups = list(measures.batches(session, projects, 4))
    assert sorted(project for group in groups for project in group) == sorted(projects)
    for group in groups:
        assert len(group) == 1 or sum(projects[one] + 1 for one in group) <= 4


def test_a_project_is_as_fresh_as_its_source_that_is_furthest_behind(estate: Estate) -> None:
    project = estate.project("ERP")
    estate.project("CRM")
    estate.synced(refresh=False)
    rule = {
        "id": row_id("rule", "second"), "project_id": project, "scope_id": row_id("scope", "CRM"), "narrowing": "all", "value": None,
        "role": "execution",
        "history_until": None,
    }  # fmt: skip
    with estate.work.write() as session:
        merge_rows(session, ProjectRule, [rule], estate.now)
        session.execute(
            sa.update(Scope).where(Scope.id == row_id("scope", "CRM")).values(synced_at=None, error="No permission.")
        )
        found = freshness.head(session, project)
    assert found is not None
    assert (found.synced_at, found.complete) == (None, False)


def test_a_project_without_a_source_has_no_freshness(estate: Estate) -> None:
    project = estate.project("ERP")
    with estate.work.write() as session:
        freshness_of = freshness.heads(session, [project])
        session.execute(sa.delete(ProjectRule))
        assert freshness.head(session, project) == freshness.Head(project, "ERP")
    assert freshness_of[project].cadence_minutes == 60
