"""The real host against the simulated Dataverse, on both engines: first sync, edits, deletions, and what goes wrong."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from pmo_hub.store.unit_of_work import Work
from pmo_hub_dataverse.connector import DataverseConnector
from pmo_hub_dataverse.simulator import DataverseSimulator, serve
from tests.connectors.connected_hub import START, ConnectedHub

TASKS = "msdyn_projecttasks"
LINKS = "msdyn_projecttaskdependencies"


class Clock:
    def __init__(self) -> None:
        self.hub: ConnectedHub | None = None

    def __call__(self) -> datetime:
        return self.hub.now if self.hub else START


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def simulator(clock: Clock) -> Iterator[DataverseSimulator]:
    with serve(11, 60, START, clock=clock) as simulator:
        yield simulator


@pytest.fixture
def connected(work: Work, tmp_path: Path, simulator: DataverseSimulator, clock: Clock) -> ConnectedHub:
    hub = ConnectedHub(work, tmp_path, DataverseConnector(), simulator.config(), simulator.projects[:2])
    clock.hub = hub
    return hub


def test_a_first_sync_brings_plans_with_their_tasks_links_people_and_baselines(connected: ConnectedHub) -> None:
    run = connected.sync()
    assert (run.state, run.error) == ("finished", None)
    connected.assert_as_read_anew()
    assert len(connected.rows("plans")) == 2
    for table in ("work_items", "schedules", "dependencies", "assignments", "baselines", "resources"):
        assert connected.rows(table), f"{table} is empty"
    assigned = [row for row in connected.rows("work_items") if row.assignee_id]
    people = {row.id for row in connected.rows("identities")}
    assert assigned
    assert {row.assignee_id for row in assigned} <= people


def test_a_quiet_poll_changes_nothing_and_asks_little(connected: ConnectedHub, simulator: DataverseSimulator) -> None:
    connected.sync()
    connected.sync()
    before = {name: len(connected.rows(name)) for name in ("work_items_history", "schedules_history", "payloads_history")}
    simulator.reset_log()
    run = connected.sync()
    assert run.state == "finished"
    assert not any(run.changed.values())
    assert {name: len(connected.rows(name)) for name in before} == before
    assert sum(simulator.stats.values()) <= 20


def test_an_edit_an_assignment_and_a_deletion_arrive(connected: ConnectedHub, simulator: DataverseSimulator) -> None:
    connected.sync()
    first, second = (t for t in simulator.world.ids(TASKS, _msdyn_project_value=connected.scopes[0], msdyn_summary=False)[:2])  # type: ignore[arg-type]
    resource = next(iter(simulator.world.rows["bookableresources"]))
    simulator.mutate("progress", first, 0.5)
    simulator.mutate("assign", first, resource, 500.0)
    simulator.mutate("delete_task", second)
    run = connected.sync()
    assert run.state == "finished"
    item = connected.by_id("work_items")[first]
    assert (item.percent_complete, item.status_category) == (50.0, "in_progress")
    identities = {row.id: row.external_id for row in connected.rows("identities")}
    assert identities[item.assignee_id] == resource
    assert second not in connected.by_id("work_items")
    assert {row.external_id: row.reason for row in connected.rows("tombstones")}[second] == "deleted"
    connected.assert_as_read_anew()


def test_an_expired_delta_link_is_healed_by_a_full_read_of_its_tables(connected: ConnectedHub, simulator: DataverseSimulator) -> None:
    connected.sync()
    task = simulator.world.ids(TASKS, _msdyn_project_value=connected.scopes[0])[0]
    simulator.mutate("rename", task, "Renamed meanwhile")
    simulator.expire_tokens()
    run = connected.sync()
    assert run.state == "finished", run.error
    assert connected.by_id("work_items")[task].title == "Renamed meanwhile"
    assert connected.sync().state == "finished"
    connected.assert_as_read_anew()


def test_throttling_ends_the_run_as_waiting_and_loses_nothing(connected: ConnectedHub, simulator: DataverseSimulator) -> None:
    simulator.fault("status", status=429, retry_after=1_800, code="0x80072322", path="/api/data", nth=6, times=None)
    run = connected.sync()
    assert run.state == "waiting", (run.state, run.error)
    simulator.clear_faults()
    connected.forget_throttles()
    assert connected.sync().state == "finished"
    connected.assert_as_read_anew()


def test_a_missing_table_degrades_with_a_notice(connected: ConnectedHub, simulator: DataverseSimulator) -> None:
    simulator.absent |= {"msdyn_projectbaselinedatas", "msdyn_projectbaselinetaskdatas"}
    simulator.forbidden |= {"msdyn_projectchecklists"}
    run = connected.sync()
    assert run.state == "finished"
    assert connected.rows("work_items")
    assert not connected.rows("baselines")
    told = str(run.error)
    assert "Baselines of tasks are not read" in told
    assert "Checklists are not read" in told


@pytest.mark.parametrize(("code", "told"), [("7000222", "has expired"), ("7000215", "not accepted")])
def test_an_expired_secret_pauses_the_connection_with_one_sentence(
    connected: ConnectedHub, simulator: DataverseSimulator, code: str, told: str
) -> None:
    connected.sync()
    simulator.entra.refuses = code
    run = connected.sync()
    assert run.state == "failed"
    assert told in str(run.error)
    assert simulator.secret not in str(run.error)
    assert connected.stored().state != "active"


def test_a_withdrawn_application_user_pauses_the_connection(connected: ConnectedHub, simulator: DataverseSimulator) -> None:
    connected.sync()
    simulator.membership = "removed"
    run = connected.sync()
    assert run.state == "failed"
    assert "application user" in str(run.error)
    assert connected.stored().state != "active"


def test_where_changes_are_not_tracked_the_census_finds_what_is_gone(connected: ConnectedHub, simulator: DataverseSimulator) -> None:
    simulator.untracked.add(LINKS)
    connected.sync()
    link = simulator.world.ids(LINKS, _msdyn_project_value=connected.scopes[0])[0]
    simulator.mutate("unlink", link)
    connected.sync()
    assert link in connected.by_id("dependencies")
    connected.census()
    connected.census()
    assert link not in connected.by_id("dependencies")
    connected.assert_as_read_anew()


def test_a_plan_tells_its_program_and_follows_when_that_is_renamed_or_left(connected: ConnectedHub, simulator: DataverseSimulator) -> None:
    connected.sync()
    told = {row.external_id: row.program for row in connected.rows("plans")}
    assert set(told.values()) == {"Operations", "Growth"}
    world = simulator.world
    (program,) = world.ids("msdyn_programs", msdyn_name="Growth")
    (plan,) = [id for id, name in told.items() if name == "Growth"]
    world.put("msdyn_programs", {"msdyn_programid": program, "msdyn_name": "Growth and trade"})
    connected.now += timedelta(hours=7)  # dictionaries are read again after six
    connected.sync()
    assert connected.by_id("plans")[plan].program == "Growth and trade"
    world.put("msdyn_projects", {"msdyn_projectid": plan, "_msdyn_program_value": None})
    connected.sync()
    assert connected.by_id("plans")[plan].program is None
    assert connected.rows("plans_history")


def test_an_environment_without_programs_is_read_all_the_same(connected: ConnectedHub, simulator: DataverseSimulator) -> None:
    simulator.absent.add("msdyn_programs")
    assert connected.sync().state == "finished"
    assert {row.program for row in connected.rows("plans")} == {None}
