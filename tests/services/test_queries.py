"""Project rules in the source's own language, answered by a simulated Jira over real HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa

from pmo_hub.domain.identity import row_id
from pmo_hub.domain.membership import automatic_project
from pmo_hub.host.registry import Registry
from pmo_hub.host.session import Throttles
from pmo_hub.services import connections, projects, sync
from pmo_hub.services.hub import Hub
from pmo_hub.services.projects import NewRule
from pmo_hub.store.models.canonical import WorkItem
from pmo_hub.store.models.portfolio import ProjectMembership
from pmo_hub.store.secrets import SecretBox
from pmo_hub.store.unit_of_work import Work
from pmo_hub_jira.connector import JiraConnector
from pmo_hub_jira.simulator import Simulator, generate, serve

NOW = datetime(2026, 11, 20, 9, tzinfo=UTC)


@pytest.fixture
def jira() -> Iterator[Simulator]:
    with serve(Simulator(generate(3, 60, NOW), clock=lambda: NOW)) as simulator:
        yield simulator


@pytest.fixture
def hub(work: Work, tmp_path: Path) -> Hub:
    return Hub(work, lambda: NOW, Registry.of(JiraConnector()), SecretBox([b"k" * 32]), Throttles(), tmp_path)


def members(hub: Hub, project_id: str) -> set[str]:
    """Keys of a project's items."""
    query = sa.select(WorkItem.key).join(ProjectMembership, ProjectMembership.item_id == WorkItem.id)
    with hub.work.read() as session:
        return set(session.scalars(query.where(ProjectMembership.project_id == project_id)))


def test_a_query_takes_what_the_source_selects_out_of_the_scope_s_own_project(hub: Hub, jira: Simulator) -> None:
    draft = connections.Draft(name="jira", connector="jira", config=jira.config(), scopes="all")
    made = connections.create(hub, draft, "test")
    assert sync.run(hub, made.run.id).state == "finished"
    scopes = [row_id(made.connection.namespace, "scope", project) for project in jira.projects]
    scope_id = max(scopes, key=lambda scope: len(members(hub, automatic_project(scope))))
    whole = members(hub, automatic_project(scope_id))
    with hub.work.read() as session:
        done = set(session.scalars(sa.select(WorkItem.key).where(WorkItem.status_category == "done"))) & whole
    assert whole > done > set()
    project = projects.create(hub, "Done", {}, [NewRule(scope_id, "query", "statusCategory = Done", "execution")], "test")
    assert members(hub, project.id) == set()
    run = sync.run(hub, sync.request(hub, made.connection.id))
    assert (run.state, run.error) == ("finished", None)
    assert members(hub, project.id) == done
    assert members(hub, automatic_project(scope_id)) == whole - done


def test_a_query_that_the_source_refuses_is_told_and_keeps_what_it_found(hub: Hub, jira: Simulator) -> None:
    draft = connections.Draft(name="jira", connector="jira", config=jira.config(), scopes="all")
    made = connections.create(hub, draft, "test")
    sync.run(hub, made.run.id)
    scope_id = row_id(made.connection.namespace, "scope", jira.projects[0])
    projects.create(hub, "Wrong", {}, [NewRule(scope_id, "query", "colour = red", "execution")], "test")
    run = sync.run(hub, sync.request(hub, made.connection.id))
    assert run.state == "finished"
    assert "colour = red" in (run.error or "")
