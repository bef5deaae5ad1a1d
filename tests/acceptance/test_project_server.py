"""Project Server end to end: through the hub's own services, on both engines, against the simulated site over real sockets."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from pmo_hub.domain.membership import automatic_project
from pmo_hub.domain.time_phased import Step
from pmo_hub.host.registry import Registry
from pmo_hub.host.session import Throttles
from pmo_hub.sdk.errors import RetiredError
from pmo_hub.services import authorizations, connections, plans, scheduling, scopes, sync
from pmo_hub.services.connections import Draft
from pmo_hub.services.errors import Invalid, Unavailable
from pmo_hub.services.hub import Hub
from pmo_hub.services.time_phased import time_phased
from pmo_hub.store.base import Base
from pmo_hub.store.repositories.syncing import Run
from pmo_hub.store.secrets import SecretBox
from pmo_hub.store.unit_of_work import Work
from pmo_hub_msproject.connector import MsProjectConnector
from pmo_hub_msproject.microsoft import Microsoft
from pmo_hub_msproject.simulated_organisation import generate
from pmo_hub_msproject.simulator import Simulator, serve

START = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)


class Estate:
    """A hub beside a site; its clock goes on by an hour with every run."""

    def __init__(self, work: Work, folder: Path, simulator: Simulator) -> None:
        self.simulator, self.now = simulator, START
        connector = MsProjectConnector(Microsoft(served_at=simulator.base))
        self.hub = Hub(work, lambda: self.now, Registry.of(connector), SecretBox([bytes(range(32))]), Throttles(), folder)
        self.id = ""

    def connect(self, **config: Any) -> None:
        made = connections.create(self.hub, Draft("Plans", "msproject", self.simulator.config() | config), "test")
        self.id = made.connection.id

    def sync(self, mode: str = "incremental") -> Run:
        self.now += timedelta(hours=1)
        return sync.run(self.hub, sync.request(self.hub, self.id, mode))

    @property
    def connection(self) -> connections.ConnectionInfo:
        return connections.get(self.hub, self.id)

    def rows(self, table: str) -> list[Any]:
        with self.hub.work.read() as session:
            return list(session.execute(sa.select(Base.metadata.tables[table])).all())

    def titles(self) -> set[str]:
        return {row.title for row in self.rows("work_items")}

    def told(self, type: str) -> list[Any]:
        return [row for row in self.rows("events") if row.type == type]


@pytest.fixture
def estate(work: Work, tmp_path: Path) -> Iterator[Estate]:
    with serve(generate(7, 2, START, tasks=12), page_size=50) as simulator:
        yield Estate(work, tmp_path, simulator)


def test_plans_arrive_whole_are_followed_and_end(estate: Estate) -> None:
    estate.connect()
    assert estate.sync().state == "finished"
    assert len(estate.rows("plans")) == 2
    for table in ("work_items", "schedules", "dependencies", "baselines", "assignments", "resources", "calendars", "calendar_exceptions",
                  "stage_passages", "register_entries", "earned_values", "custom_values"):  # fmt: skip
        assert estate.rows(table), f"{table} is empty"
    one, other = estate.simulator.projects
    quiet = estate.sync()
    assert (quiet.state, dict(quiet.changed), quiet.requests) == ("finished", {}, 2)
    estate.simulator.mutate("edit", one, publish=False, Name="Seen when published")
    assert not dict(estate.sync().changed)
    estate.simulator.mutate("publish", one)
    assert dict(estate.sync().changed) == {"task": 1, "plan": 1}
    assert "Seen when published" in estate.titles()
    gone = estate.simulator.mutate("remove", one)
    run = estate.sync()
    assert dict(run.gone).get("task") == 1
    assert not [row for row in estate.rows("work_items") if row.external_id.endswith(gone)]
    assert not [row for row in estate.rows("dependencies") if gone in str(row)]
    before = {row.external_id for row in estate.rows("work_items")}
    estate.simulator.mutate("delete", other)
    lost = estate.sync("full")
    assert lost.state == "finished"
    assert "not there any more" in (lost.error or "")
    assert {row.external_id for row in estate.rows("work_items")} == before


def test_a_full_read_of_unchanged_plans_changes_nothing(estate: Estate) -> None:
    estate.connect()
    estate.sync()
    run = estate.sync("full")
    assert (run.state, dict(run.changed), dict(run.gone)) == ("finished", {}, {})


@pytest.mark.parametrize("status", [429, 503])
def test_a_site_that_has_had_enough_is_left_alone_for_as_long_as_it_asks(estate: Estate, status: int) -> None:
    estate.connect()
    estate.simulator.fault("status", path="/Tasks", status=status, retry_after=1_800)
    run = sync.run(estate.hub, sync.request(estate.hub, estate.id), attempt=1)
    assert run.state == "waiting"
    assert run.waiting_until is not None
    assert run.waiting_until - estate.now >= timedelta(minutes=30)
    assert estate.connection.state == "active"
    estate.now = run.waiting_until
    rested = replace(estate.hub, throttles=Throttles())  # its clock is not the test's
    assert sync.run(rested, run.id).state == "finished"
    assert len(estate.rows("plans")) == 2


def test_a_site_whose_reports_are_refused_is_half_read_and_says_so(estate: Estate) -> None:
    estate.simulator.reporting = "refused"
    estate.connect()
    run = estate.sync()
    assert run.state == "finished"
    assert "Reporting Service" in (run.error or "")
    assert len(estate.rows("plans")) == 2
    assert not estate.rows("register_entries")
    estate.simulator.reporting = "there"
    assert not estate.sync().error
    assert estate.rows("register_entries")


def test_a_publication_in_the_middle_leaves_no_half_of_a_plan(estate: Estate) -> None:
    estate.connect()
    one = estate.simulator.projects[0]
    estate.simulator.interrupt(f"{one}')/TaskLinks", lambda: estate.simulator.mutate("remove", one))
    assert estate.sync().state == "finished"
    tasks = {row.id for row in estate.rows("work_items")}
    ends = {end for row in estate.rows("dependencies") for end in (row.predecessor_id, row.successor_id)}
    assert ends <= tasks


def test_a_person_signs_in_with_a_code_and_is_asked_again_when_that_ends(estate: Estate) -> None:
    estate.connect(sign_in="device_code", client_id="app", tenant="meridian.example")
    begun = authorizations.start(estate.hub, estate.id, None, "test")
    assert (begun.code, begun.url) == ("SIM-0001", "https://microsoft.example/devicelogin")
    with pytest.raises(Unavailable, match="Nobody has typed"):
        authorizations.finish(estate.hub, estate.id, begun.state or "", {}, "test")
    estate.simulator.sign_in.type_code(begun.code or "")
    seen = authorizations.finish(estate.hub, estate.id, begun.state or "", {}, "test")
    assert len(seen.scopes) == 2
    with pytest.raises(Invalid):
        authorizations.finish(estate.hub, estate.id, begun.state or "", {}, "test")
    scopes.choose(estate.hub, estate.id, "all", "test")
    assert estate.sync().state == "finished"
    held = estate.titles()
    estate.simulator.sign_in.withdraw()
    run = estate.sync()
    assert run.state == "failed"
    shown = estate.connection
    assert (shown.state, shown.next_due_at) == ("reauth_required", None)
    assert shown.last_error is not None
    assert "authorize the connection again" in shown.last_error
    assert not scheduling.tick(estate.hub)
    assert estate.titles() == held
    assert len(estate.told("source.reauth_required")) == 1
    again = authorizations.start(estate.hub, estate.id, None, "test")
    estate.simulator.sign_in.type_code(again.code or "")
    authorizations.finish(estate.hub, estate.id, again.state or "", {}, "test")
    assert estate.connection.state == "active"
    assert estate.sync().state == "finished"


@pytest.mark.parametrize("fault", [{"kind": "status", "status": 410}, {"kind": "login"}, {"kind": "html"}])
def test_a_retired_site_stops_the_schedule_and_leaves_its_data(estate: Estate, fault: dict[str, Any]) -> None:
    estate.connect()
    estate.sync()
    held = estate.titles()
    estate.simulator.fault(times=None, **fault)
    run = estate.sync()
    shown = estate.connection
    assert (run.state, shown.state, shown.next_due_at) == ("failed", "source_retired", None)
    assert "Project Online was retired on 2026-09-30" in (shown.last_error or "")
    estate.sync()
    assert len(estate.told("source.retired")) == 1
    assert estate.titles() == held
    assert not scheduling.tick(estate.hub)
    estate.simulator.clear_faults()
    assert estate.sync().state == "finished"
    assert estate.connection.state == "active"


def test_a_host_that_is_not_found_is_retired_only_when_that_lasts(estate: Estate, monkeypatch: pytest.MonkeyPatch) -> None:
    estate.connect()
    estate.sync()
    monkeypatch.setattr("pmo_hub.sdk.http.time.sleep", _no_wait)
    monkeypatch.setattr("pmo_hub_msproject.client.ProjectServer._ask", _unknown_host())
    states = []
    for _ in range(4):
        estate.sync()
        states.append(estate.connection.state)
    assert states == ["active", "active", "active", "source_retired"]
    assert len(estate.told("source.retired")) == 1


def _no_wait(_: float) -> None:
    return None


def _unknown_host() -> Callable[..., Any]:
    def ask(*_: object) -> Any:
        raise RetiredError("pwa.example has no address that could be found; check the URL", is_certain=False)

    return ask


def test_a_paused_connection_stays_paused_whatever_its_source_answers(estate: Estate) -> None:
    estate.connect()
    estate.sync()
    connections.pause(estate.hub, estate.id, "test")
    estate.simulator.fault("status", status=410, times=None)
    estate.sync()
    assert estate.connection.state == "paused"
    assert not estate.told("source.retired")


def test_work_and_cost_by_day_arrive_are_added_up_once_and_followed(estate: Estate) -> None:
    estate.connect(time_phased=True)
    assert estate.sync().state == "finished"
    plan = estate.simulator.site.plans[estate.simulator.projects[0]]
    (scope,) = {row.scope_id for row in estate.rows("plans") if row.external_id == plan.id}
    project = automatic_project(scope)
    tasks = [row for row in estate.rows("work_items") if row.scope_id == scope and row.counts]
    found = time_phased(estate.hub, project, None, None, Step.MONTH)
    planned = found.figures["planned_hours"]
    assert planned.total is not None
    assert float(planned.total) == pytest.approx(sum(row.work_hours for row in tasks)), "summaries are not added to their tasks"
    assert planned.of == len(tasks)
    assert planned.known == len([row for row in tasks if row.work_hours]), "of milestones nothing is told"
    assert float(found.figures["actual_hours"].total or 0) == pytest.approx(sum(row.spent_hours for row in tasks))
    assert found.currency == "EUR"
    assert found.periods[-1].cumulative["baseline_cost"] == found.figures["baseline_cost"].total
    before = estate.now
    task = estate.simulator.mutate("edit", plan.id, Work=800.0, ActualWork=0.0)
    assert dict(estate.sync().changed).get("days", 0) >= 1
    after = time_phased(estate.hub, project, None, None, Step.WEEK).figures["planned_hours"].total
    old = next(row.work_hours for row in tasks if row.external_id.endswith(task))
    assert float(after or 0) == pytest.approx(float(planned.total) - old + 800)
    assert time_phased(estate.hub, project, None, None, Step.WEEK, as_of=before).figures["planned_hours"].total == planned.total
    assert estate.sync().changed == {}
    (told,) = plans.project_plans(estate.hub, project)
    assert {one.name: one.text for one in told.values}["Department"] == "Operations"


def test_a_site_that_stops_keeping_days_leaves_them_unknown(estate: Estate) -> None:
    estate.connect(time_phased=True)
    estate.sync()
    plan = estate.simulator.site.plans[estate.simulator.projects[0]]
    (scope,) = {row.scope_id for row in estate.rows("plans") if row.external_id == plan.id}
    before = estate.now
    estate.simulator.keeps_days = False
    estate.simulator.mutate("edit", plan.id, Name="Renamed")
    assert estate.sync().state == "finished"
    figure = time_phased(estate.hub, automatic_project(scope), None, None, Step.WEEK)
    assert (figure.figures["planned_hours"].known, figure.figures["planned_hours"].total, figure.periods) == (0, None, [])
    assert time_phased(estate.hub, automatic_project(scope), None, None, Step.WEEK, as_of=before).figures["planned_hours"].known
