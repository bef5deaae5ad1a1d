"""The real host against the simulated Graph, on both engines: first sync, edits, deletions, and what goes wrong."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest

from pmo_hub.store.unit_of_work import Work
from pmo_hub_planner.connector import PlannerConnector
from pmo_hub_planner.simulator import PlannerSimulator, serve
from tests.connectors.connected_hub import START, ConnectedHub


class Clock:
    def __init__(self) -> None:
        self.hub: ConnectedHub | None = None

    def __call__(self) -> datetime:
        return self.hub.now if self.hub else START


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def simulator(clock: Clock) -> Iterator[PlannerSimulator]:
    with serve(11, 60, START, clock=clock) as simulator:
        yield simulator


@pytest.fixture
def connected(work: Work, tmp_path: Path, simulator: PlannerSimulator, clock: Clock) -> ConnectedHub:
    hub = ConnectedHub(work, tmp_path, PlannerConnector(), simulator.config(), simulator.projects[:2])
    clock.hub = hub
    return hub


def test_a_first_sync_brings_plans_with_their_tasks_and_people(connected: ConnectedHub) -> None:
    run = connected.sync()
    assert (run.state, run.error) == ("finished", None)
    connected.assert_as_read_anew()
    assert len(connected.rows("plans")) == 2
    for table in ("work_items", "assignments", "board_columns", "resources"):
        assert connected.rows(table), f"{table} is empty"
    assigned = [row for row in connected.rows("work_items") if row.assignee_id]
    assert assigned
    assert {row.assignee_id for row in assigned} <= {row.id for row in connected.rows("identities")}


def test_a_quiet_poll_changes_nothing_and_asks_little(connected: ConnectedHub, simulator: PlannerSimulator) -> None:
    connected.sync()
    connected.sync()
    before = {name: len(connected.rows(name)) for name in ("work_items_history", "payloads_history")}
    simulator.reset_log()
    run = connected.sync()
    assert run.state == "finished"
    assert not any(run.changed.values())
    assert {name: len(connected.rows(name)) for name in before} == before
    assert sum(simulator.stats.values()) <= 8


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
    config = {**simulator.config(), "delta": True}
    hub = clock.hub = ConnectedHub(work, tmp_path, PlannerConnector(), config, simulator.projects[:2])
    hub.sync()
    task = next(iter(simulator.tenant.plans[hub.scopes[0]].tasks))
    simulator.mutate("edit", task, title="Renamed meanwhile")
    simulator.expire_tokens()
    run = hub.sync()
    assert run.state == "finished", run.error
    assert hub.by_id("work_items")[task].title == "Renamed meanwhile"
    hub.assert_as_read_anew()


def test_throttling_ends_the_run_as_waiting_and_loses_nothing(connected: ConnectedHub, simulator: PlannerSimulator) -> None:
    simulator.fault("status", status=429, retry_after=1_800, path="/v1.0", nth=2, times=None)
    run = connected.sync()
    assert run.state == "waiting", (run.state, run.error)
    simulator.clear_faults()
    connected.forget_throttles()
    assert connected.sync().state == "finished"
    connected.assert_as_read_anew()


def test_a_plan_that_is_gone_leaves_the_other_readable(connected: ConnectedHub, simulator: PlannerSimulator) -> None:
    connected.sync()
    simulator.mutate("delete_plan", connected.scopes[0])
    task = simulator.mutate("add", connected.scopes[1], "New")
    run = connected.sync()
    assert task in connected.by_id("work_items")
    assert connected.scopes[0] in str(run.error)


@pytest.mark.parametrize(("code", "told"), [("7000222", "has expired"), ("700016", "not known")])
def test_a_sign_in_that_is_over_pauses_the_connection_with_one_sentence(
    connected: ConnectedHub, simulator: PlannerSimulator, code: str, told: str
) -> None:
    connected.sync()
    simulator.entra.refuses = code
    run = connected.sync()
    assert run.state == "failed"
    assert told in str(run.error)
    assert simulator.secret not in str(run.error)
    assert connected.stored().state != "active"
