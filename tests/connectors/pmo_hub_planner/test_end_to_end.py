"""The real host against the simulated Graph, on both engines: first sync, edits, deletions, and what goes wrong."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from pmo_hub.store.unit_of_work import Work
from pmo_hub_planner.connector import PlannerConnector
from pmo_hub_planner.simulator import PlannerSimulator, serve
from tests.connectors.connected_hub import START, ConnectedHub
from tests.stored import Clock


@pytest.fixture
def clock() -> Clock:
    return Clock(START)


@pytest.fixture
def simulator(clock: Clock) -> Iterator[PlannerSimulator]:
    with serve(11, 60, START, clock=clock) as simulator:
        yield simulator


@pytest.fixture
def connected(work: Work, tmp_path: Path, simulator: PlannerSimulator, clock: Clock) -> ConnectedHub:
    return ConnectedHub(work, tmp_path, PlannerConnector(), simulator, clock)


def test_a_first_sync_brings_plans_with_their_tasks_and_people(connected: ConnectedHub) -> None:
    connected.assert_first_sync_brings("work_items", "assignments", "board_columns", "resources")


def test_a_quiet_poll_changes_nothing_and_asks_little(connected: ConnectedHub) -> None:
    connected.assert_poll_is_quiet(requests=8)


def test_an_edit_an_addition_and_a_deletion_arrive(connected: ConnectedHub, simulator: PlannerSimulator) -> None:
    connected.sync()
    first, second, *_ = simulator.tenant.plans[connected.scopes[0]].tasks
    simulator.mutate("edit", first, percentComplete=50, title="Renamed")
    simulator.mutate("delete", second)
    added = simulator.mutate("add", connected.scopes[1], "New")
    run = connected.sync()
    assert run.state == "finished", run.error
    items = connected.by_id("work_items")
    assert (items[first].title, items[first].status_category) == ("Renamed", "in_progress")
    assert second not in items
    assert added in items
    connected.assert_as_read_anew()


def test_an_expired_delta_link_is_healed_by_a_full_read(work: Work, tmp_path: Path, simulator: PlannerSimulator, clock: Clock) -> None:
    hub = ConnectedHub(work, tmp_path, PlannerConnector(), simulator, clock, delta=True)
    hub.sync()
    task = next(iter(simulator.tenant.plans[hub.scopes[0]].tasks))
    simulator.mutate("edit", task, title="Renamed meanwhile")
    simulator.expire_tokens()
    run = hub.sync()
    assert run.state == "finished", run.error
    assert hub.by_id("work_items")[task].title == "Renamed meanwhile"
    hub.assert_as_read_anew()


def test_throttling_ends_the_run_as_waiting_and_loses_nothing(connected: ConnectedHub) -> None:
    connected.assert_throttling_is_waited_out(path="/v1.0", nth=2)


def test_a_plan_that_is_gone_leaves_the_other_readable(connected: ConnectedHub, simulator: PlannerSimulator) -> None:
    connected.sync()
    simulator.mutate("delete_plan", connected.scopes[0])
    task = simulator.mutate("add", connected.scopes[1], "New")
    run = connected.sync()
    assert task in connected.by_id("work_items")
    assert connected.scopes[0] in str(run.error)


@pytest.mark.parametrize(("code", "told"), [("7000222", "has expired"), ("700016", "not known")])
def test_a_sign_in_that_is_over_pauses_the_connection_with_one_sentence(connected: ConnectedHub, code: str, told: str) -> None:
    connected.assert_refused_sign_in_pauses(code, told)
