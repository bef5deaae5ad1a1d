"""Jira's sign-in by OAuth ends and begins again: through the hub's own services, on both engines, over real sockets."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from pmo_hub.host.registry import Registry
from pmo_hub.host.session import Throttles
from pmo_hub.services import authorizations, connections, scheduling, scopes, sync
from pmo_hub.services.connections import ConnectionInfo, Draft
from pmo_hub.services.hub import Hub
from pmo_hub.store.base import Base
from pmo_hub.store.repositories.syncing import Run
from pmo_hub.store.secrets import SecretBox
from pmo_hub.store.unit_of_work import Work
from pmo_hub_jira.connector import JiraConnector
from pmo_hub_jira.simulated_sign_in import SimulatedAtlassian, serve_atlassian
from pmo_hub_jira.simulator import generate, serve

START = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
REDIRECT = "https://hub.example/authorized"
SITE = generate(7, 40, START)


class Desk:
    """A hub beside a site that people sign in to; its clock goes on by an hour with every run."""

    def __init__(self, work: Work, folder: Path) -> None:
        self.now = START
        self._work, self._folder = work, folder

    def connect(self, atlassian: SimulatedAtlassian) -> None:
        self.atlassian = atlassian
        connector = JiraConnector(atlassian.addresses())
        self.hub = Hub(self._work, lambda: self.now, Registry.of(connector), SecretBox([bytes(range(32))]), Throttles(), self._folder)
        self.id = connections.create(self.hub, Draft("Jira", "jira", atlassian.config()), "admin").connection.id

    def sign_in(self) -> None:
        begun = authorizations.start(self.hub, self.id, REDIRECT, "admin")
        answer = self.atlassian.consent(begun.url)
        authorizations.finish(self.hub, self.id, answer.pop("state"), answer, "admin")

    def sync(self) -> Run:
        self.now += timedelta(hours=1)
        return sync.run(self.hub, sync.request(self.hub, self.id))

    @property
    def connection(self) -> ConnectionInfo:
        return connections.get(self.hub, self.id)

    def count(self, table: str) -> int:
        with self.hub.work.read() as session:
            return session.execute(sa.select(sa.func.count()).select_from(Base.metadata.tables[table])).scalar_one()

    def told(self) -> int:
        events = Base.metadata.tables["events"]
        with self.hub.work.read() as session:
            return len(session.execute(sa.select(events.c.id).where(events.c.type == "source.reauth_required")).all())


@pytest.fixture
def desk(work: Work, tmp_path: Path) -> Iterator[Desk]:
    found = Desk(work, tmp_path)
    with serve(SITE, clock=lambda: found.now) as simulator, serve_atlassian(simulator) as atlassian:
        found.connect(atlassian)
        found.sign_in()
        scopes.choose(found.hub, found.id, "all", "admin")
        yield found


def withdrawn(desk: Desk) -> None:
    desk.atlassian.revoke()


def unused(desk: Desk) -> None:
    """Atlassian forgets a refresh token that nobody used for 90 days; what it answers is the same."""
    desk.now += timedelta(days=91)
    desk.atlassian.revoke()


@pytest.mark.parametrize("end", [withdrawn, unused])
def test_a_consent_that_ended_pauses_the_schedule_until_a_person_signs_in_again(desk: Desk, end: Callable[[Desk], None]) -> None:
    assert desk.sync().state == "finished"
    held = desk.count("work_items")
    assert held >= 40
    end(desk)
    run = desk.sync()
    assert run.state == "failed"
    shown = desk.connection
    assert (shown.state, shown.next_due_at) == ("reauth_required", None)
    assert shown.last_error == (
        "Atlassian no longer accepts this connection's sign-in: it went unused for 90 days, is a year old, or was withdrawn; "
        "authorize the connection again"
    )
    desk.now += timedelta(days=2)
    assert not scheduling.tick(desk.hub)
    assert desk.count("work_items") == held
    desk.sync()
    assert desk.told() == 1
    desk.sign_in()
    assert desk.connection.state == "active"
    assert desk.sync().state == "finished"
    assert desk.count("work_items") == held


def test_an_app_that_is_refused_needs_no_person_but_the_admin(desk: Desk) -> None:
    desk.sync()
    desk.atlassian.end_access()
    desk.atlassian.client_secret = "another"
    assert desk.sync().state == "failed"
    assert desk.connection.state == "failing"
    assert "client id and secret" in (desk.connection.last_error or "")
    assert desk.told() == 0
