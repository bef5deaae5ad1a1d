"""Each fault that the random walks over plans have found, as the shortest story that shows it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from pmo_hub_dataverse import simulated_schema as s
from tests.convergence.comparison import PLANNED, compare
from tests.convergence.dataverse_estate import DataverseEstate
from tests.convergence.estate import STARTS, Waits, patched
from tests.convergence.msproject_estate import MsProjectEstate
from tests.convergence.plan_estate import PlanHub
from tests.convergence.planner_estate import PlannerDeltaEstate, PlannerEstate
from tests.convergence.walking import Databases


class Story:
    """A hub that has read the first two plans of an estate once; time passes when it is told to."""

    def __init__(self, kind: Any, switch: Any, databases: Databases, folder: Path) -> None:
        self._databases, self._folder, self._waits = databases, folder, Waits()
        self.lent: list[Any] = []
        self.time = STARTS[0]
        self.estate: Any = kind(lambda: self.time, switch)
        self.chosen = self.estate.first
        self.hub = self.new_hub()
        self.run("incremental")

    def new_hub(self) -> PlanHub:
        """A hub that has read nothing yet."""
        self.lent.append(self._databases.lend())
        hub = PlanHub(self.lent[-1], lambda: self.time, self._folder, self._waits, self.estate)
        hub.join(self.chosen)
        return hub

    def run(self, *modes: str) -> None:
        """A run of each mode, eight hours apart."""
        for mode in modes:
            run = self.hub.run(mode)
            assert run.state == "finished", run.error
            self.time += timedelta(hours=8)

    def assert_equal(self) -> None:
        """The hub is equal to one that reads the source for the first time."""
        fresh, kind = self.new_hub(), type(self.estate)
        assert fresh.run("incremental").state == "finished"
        compare(self.hub, fresh, "", equal=PLANNED, mentioned=kind.mentioned, lasting=kind.lasting)


Begin = Callable[[Any], Any]


@pytest.fixture
def begin(databases: tuple[str, Databases], tmp_path: Path) -> Iterator[Begin]:
    """Begins the story of a kind of estate."""
    told: list[Story] = []
    with ExitStack() as stack:
        stack.enter_context(patched(Waits(), readers=1))

        def started(kind: Any) -> Story:
            told.append(Story(kind, stack.enter_context(kind.address()), databases[1], tmp_path))
            return told[-1]

        yield started
        for story in told:
            for engine in story.lent:
                databases[1].take_back(engine)


def test_people_whom_only_a_living_payload_mentions_are_there_again_after_a_purge(begin: Begin) -> None:
    story = begin(DataverseEstate)
    before = story.hub.rows("identities").keys()
    story.chosen = story.chosen[1:]
    story.hub.choose(story.chosen)
    assert story.hub.rows("identities").keys() < before
    story.run("incremental")
    story.assert_equal()


def test_what_is_edited_while_a_project_is_out_of_sight_arrives_when_it_is_back(begin: Begin) -> None:
    story = begin(DataverseEstate)
    estate, project = story.estate, story.chosen[0]
    task = estate.world.ids(s.TASKS.set, _msdyn_project_value=project)[0]
    estate.lose(project)
    story.run("incremental")
    estate.simulator.mutate("rename", task, "Renamed out of sight")
    story.run("incremental", "full")
    estate.regain(project)
    story.run("incremental")
    assert "Renamed out of sight" in {row["title"] for row in story.hub.rows("work_items").values()}
    story.assert_equal()


def test_censuses_end_nothing_of_a_small_project_that_is_out_of_sight(begin: Begin) -> None:
    story = begin(DataverseEstate)
    estate, project = story.estate, story.chosen[0]
    for task in estate.world.ids(s.TASKS.set, _msdyn_project_value=project)[2:]:
        if task in estate.world.rows[s.TASKS.set]:
            estate.simulator.mutate("delete_task", task)
    for table in (s.BUCKETS, s.TEAMS, s.LABELS):
        for id in estate.world.ids(table.set, **{"_msdyn_projectid_value" if table is s.LABELS else "_msdyn_project_value": project}):
            estate.world.drop(table.set, id)
    story.run("incremental")
    before = story.hub.rows("work_items").keys()
    estate.lose(project)
    story.run("census", "census")
    assert story.hub.rows("work_items").keys() == before
    assert {row["error"] for row in story.hub.rows("scopes").values() if row["external_id"] == project} != {None}


def test_a_set_of_reports_that_was_refused_is_read_once_it_is_given_back(begin: Begin) -> None:
    story = begin(MsProjectEstate)
    estate, project = story.estate, story.chosen[0]
    estate.simulator.refused_sets.add("Risks")
    estate.changes.draft(project).risks[0]["Title"] = "Told while nobody could read it"
    estate.simulator.mutate("publish", project)
    story.run("incremental", "incremental")
    estate.simulator.refused_sets.clear()
    story.run("incremental")
    assert "Told while nobody could read it" in {row["title"] for row in story.hub.rows("work_items").values()}
    story.assert_equal()


def test_what_reports_say_of_a_project_is_read_once_they_are_there(begin: Begin) -> None:
    story = begin(MsProjectEstate)
    story.estate.simulator.reporting = "refused"
    for project in story.chosen:
        story.estate.simulator.mutate("publish", project)
    story.run("incremental", "incremental")
    assert {row["is_stale"] for row in story.hub.rows("earned_values").values()} == {None}
    story.estate.simulator.reporting = "there"
    story.run("incremental")
    story.assert_equal()


def test_a_set_of_reports_that_stays_refused_costs_a_poll_one_request(begin: Begin) -> None:
    story = begin(MsProjectEstate)
    story.estate.simulator.refused_sets.add("Risks")
    for project in story.chosen:
        story.estate.simulator.mutate("publish", project)
    story.run("incremental")
    story.estate.simulator.log.clear()
    story.run("incremental")
    assert len([path for path, _, _ in story.estate.simulator.log if "Risks" in path]) == 1


def test_a_bucket_that_is_renamed_is_seen_though_no_task_changed_since_the_delta(begin: Begin) -> None:
    story = begin(PlannerDeltaEstate)
    plan = story.estate.tenant.plans[story.chosen[0]]
    story.run("incremental")
    plan.buckets[0]["name"] = "Renamed"
    story.run("incremental")
    assert "Renamed" in {row["name"] for row in story.hub.rows("board_columns").values()}
    story.assert_equal()


def test_a_task_that_moved_to_another_plan_keeps_its_schedule_when_the_old_plan_is_purged(begin: Begin) -> None:
    story = begin(DataverseEstate)
    estate, (old, new) = story.estate, story.chosen
    task = next(
        id for id in estate.world.ids(s.TASKS.set, _msdyn_project_value=old) if not estate.world.get(s.TASKS.set, id, "msdyn_summary")
    )
    for end in ("_msdyn_predecessortask_value", "_msdyn_successortask_value"):
        for link in estate.world.ids(s.DEPENDENCIES.set, **{end: task}):
            estate.simulator.mutate("unlink", link)
    for assignment in estate.world.ids(s.ASSIGNMENTS.set, _msdyn_taskid_value=task):
        estate.simulator.mutate("edit", s.ASSIGNMENTS.set, assignment, _msdyn_projectid_value=new)
    estate.simulator.mutate("move_task", task, new)
    story.run("incremental")
    story.chosen = (new,)
    story.hub.choose(story.chosen)
    assert task in {row["external_id"] for row in story.hub.rows("schedules").values()}
    story.run("incremental")
    story.assert_equal()


def test_what_changed_in_a_plan_that_was_closed_is_found_though_the_delta_went_on(begin: Begin) -> None:
    story = begin(PlannerDeltaEstate)
    estate, (plan, other) = story.estate, story.chosen
    estate.lose(plan)
    task = next(iter(estate.tenant.plans[plan].tasks))
    for one in (task, next(iter(estate.tenant.plans[other].tasks))):
        estate.simulator.mutate("edit", one, title="Changed meanwhile")
    story.run("incremental")
    estate.regain(plan)
    story.run("incremental")
    story.assert_equal()


def test_names_that_might_not_be_read_come_once_they_may(begin: Begin) -> None:
    story = begin(PlannerEstate)
    estate, plan = story.estate, story.chosen[0]
    held, task = estate.tenant.plans[plan], next(iter(estate.tenant.plans[plan].tasks))
    stranger = next(user for user in estate.tenant.users if not any(user.encode() in body for body in held.tasks.values()))
    estate.simulator.closed_users = True
    estate.simulator.mutate("edit", task, assignments={stranger: {"assignedDateTime": "2026-11-20T09:00:00Z"}})
    story.run("incremental", "incremental")
    assert stranger not in {row["external_id"] for row in story.hub.rows("payloads").values()}
    estate.simulator.closed_users = False
    story.run("incremental")
    assert stranger in {row["external_id"] for row in story.hub.rows("payloads").values()}
    story.assert_equal()
