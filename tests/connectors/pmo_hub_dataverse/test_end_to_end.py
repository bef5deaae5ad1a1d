"""The real host against the simulated Dataverse, on both engines: first sync, edits, deletions, and what goes wrong."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from pmo_hub.store.unit_of_work import Work
from pmo_hub_dataverse.connector import DataverseConnector
from pmo_hub_dataverse.simulator import DataverseSimulator, serve
from tests.connectors.connected_hub import START, ConnectedHub
from tests.stored import Clock

TASKS = "msdyn_projecttasks"
LINKS = "msdyn_projecttaskdependencies"


@pytest.fixture
def clock() -> Clock:
    return Clock(START)


@pytest.fixture
def simulator(clock: Clock) -> Iterator[DataverseSimulator]:
    with serve(11, 60, START, clock=clock) as simulator:
        yield simulator


@pytest.fixture
def connected(work: Work, tmp_path: Path, simulator: DataverseSimulator, clock: Clock) -> ConnectedHub:
    return ConnectedHub(work, tmp_path, DataverseConnector(), simulator, clock)


def test_a_first_sync_brings_plans_with_their_tasks_links_people_and_baselines(connected: ConnectedHub) -> None:
    connected.assert_first_sync_brings("work_items", "schedules", "dependencies", "assignments", "baselines", "resources")


def test_a_quiet_poll_changes_nothing_and_asks_little(connected: ConnectedHub) -> None:
    connected.assert_poll_is_quiet(requests=20)


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


def test_throttling_ends_the_run_as_waiting_and_loses_nothing(connected: ConnectedHub) -> None:
    connected.assert_throttling_is_waited_out(path="/api/data", nth=6, code="0x80072322")


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
def test_an_expired_secret_pauses_the_connection_with_one_sentence(connected: ConnectedHub, code: str, told: str) -> None:
    connected.assert_refused_sign_in_pauses(code, told)


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
    connected.clock.forward(hours=7)  # dictionaries are read again after six
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
