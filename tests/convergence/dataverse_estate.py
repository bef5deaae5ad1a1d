"""Planner Premium in a simulated Dataverse, as a walk changes it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from pmo_hub_dataverse import simulated_schema as s
from pmo_hub_dataverse.connector import DataverseConnector
from pmo_hub_dataverse.simulated_service import DataverseSimulator
from pmo_hub_dataverse.simulated_world import World, stamp
from tests.convergence.estate import Switch
from tests.convergence.plan_estate import NAMES, SimulatedEstate, move, one_of

SEED = 11
OPTIONAL = (s.DEPENDENCIES, s.BUCKETS, s.SPRINTS, s.TEAMS, s.LABELS, s.BASELINES, s.ASSIGNMENTS, s.CHECKLISTS, s.TASK_LABELS,
            s.TASK_BASELINES, s.RESOURCES)  # fmt: skip


class DataverseEstate(SimulatedEstate):
    """Four projects of eight tasks, two of them chosen."""

    connector = DataverseConnector
    mentioned = (*SimulatedEstate.mentioned, "boards", "resources")
    lasting = ("resource",)
    paths = ("/", "/api/data", "/api/data/v9.2/msdyn_projects", "/api/data/v9.2/msdyn_projecttasks", "/api/data/v9.2/msdyn_resource",
             "/api/data/v9.2/msdyn_projecttaskdep", "/api/data/v9.2/EntityDef")  # fmt: skip

    def __init__(self, now: Callable[[], datetime], switch: Switch) -> None:
        super().__init__(now, switch, DataverseSimulator(SEED, "4x8", now(), clock=now))
        self.simulator.page = 6
        self.world: World = self.simulator.world
        self._first = tuple(self.simulator.projects[:2])

    @property
    def first(self) -> tuple[str, ...]:
        return self._first

    def there(self) -> list[str]:
        return sorted(set(self.simulator.projects) - self.simulator.hidden)

    def lost(self) -> list[str]:
        return sorted(self.simulator.hidden)

    def lose(self, plan: str) -> None:
        self.simulator.hidden.add(plan)

    def regain(self, plan: str) -> None:
        self.simulator.hidden.discard(plan)

    def end(self, plan: str) -> None:
        self._do("delete_project", plan)

    def heal(self) -> None:
        self.simulator.absent.clear()
        self.simulator.forbidden.clear()
        self.simulator.untracked.clear()

    def titles(self, chosen: Sequence[str]) -> dict[str, str]:
        tasks = [id for plan in chosen for id in self.world.ids(s.TASKS.set, _msdyn_project_value=plan)]
        checks = [id for task in tasks for id in self.world.ids(s.CHECKLISTS.set, _msdyn_projecttaskid_value=task)]
        return {
            **{id: self.world.get(s.TASKS.set, id, "msdyn_subject") or id for id in tasks},
            **{id: self.world.get(s.CHECKLISTS.set, id, "msdyn_name") or id for id in checks},
        }

    # What people do

    def _do(self, what: str, *arguments: Any, **named: Any) -> Any:
        return self.simulator.mutate(what, *arguments, **named)

    def _row(self, table: s.SimulatedTable, n: int) -> str | None:
        """The n-th row; None where there is none."""
        rows = sorted(self.world.rows[table.set])
        return str(one_of(rows, n)) if rows else None

    def _task(self, n: int) -> str | None:
        return self._row(s.TASKS, n)

    def _project(self, task: str) -> str:
        return str(self.world.get(s.TASKS.set, task, "_msdyn_project_value"))

    def _drop(self, table: s.SimulatedTable, n: int) -> None:
        id = self._row(table, n)
        if id is not None:
            with self.simulator.lock:
                self.world.drop(table.set, id)

    def _put(self, table: s.SimulatedTable, **values: Any) -> str:
        with self.simulator.lock:
            return self.world.put(table.set, values)

    @move
    def edit_task(self, which: int, n: int) -> None:
        task = self._task(which)
        if task is None:
            return
        at = None if n % 5 == 0 else stamp(self.now().replace(month=1 + n % 12, day=1 + n % 28))
        values: tuple[dict[str, Any], ...] = (
            {"msdyn_subject": f"{one_of(NAMES, n)} {n}"}, {"msdyn_progress": (n % 5) / 4}, {"msdyn_start": at}, {"msdyn_finish": at},
            {"msdyn_duration": float(n % 9)}, {"msdyn_effort": float(n % 40)}, {"msdyn_priority": one_of((1, 3, 5, 9), n)},
            {"statecode": n % 2},
            {"msdyn_ismilestone": n % 2 == 0}, {"msdyn_iscritical": n % 2 == 0}, {"msdyn_descriptionplaintext": f"Described {n}"},
            {"_msdyn_projectbucket_value": self._row(s.BUCKETS, n)},
        )  # fmt: skip
        self._do("edit", s.TASKS.set, task, **one_of(values, n))

    @move
    def add_task(self, which: int, n: int) -> None:
        project = self._row(s.PROJECTS, which)
        if project is not None:
            self._do("add_task", project, f"New {n}", _msdyn_parenttask_value=self._parent(project, n))

    @move
    def put_task_elsewhere(self, which: int, n: int) -> None:
        """Under another task of its plan, or under none."""
        task = self._task(which)
        if task is not None:
            parent = self._parent(self._project(task), n)
            self._do("edit", s.TASKS.set, task, _msdyn_parenttask_value=None if parent == task else parent)

    def _parent(self, project: str, n: int) -> str | None:
        own = self.world.ids(s.TASKS.set, _msdyn_project_value=project)
        return one_of([None, *(id for id in own if self.world.get(s.TASKS.set, id, "msdyn_summary"))], n)

    @move
    def delete_task(self, which: int, n: int) -> None:
        task = self._task(which)
        if task is not None:
            self._do("delete_task", task)

    @move
    def move_task(self, which: int, n: int) -> None:
        """To another project: its links end, what hangs on it comes along."""
        task, project = self._task(which), self._row(s.PROJECTS, n)
        if task is None or project is None or self.world.ids(s.TASKS.set, _msdyn_parenttask_value=task):
            return
        for end in ("_msdyn_predecessortask_value", "_msdyn_successortask_value"):
            for id in self.world.ids(s.DEPENDENCIES.set, **{end: task}):
                self._do("unlink", id)
        for id in self.world.ids(s.ASSIGNMENTS.set, _msdyn_taskid_value=task):
            self._do("edit", s.ASSIGNMENTS.set, id, _msdyn_projectid_value=project)
        self._do("move_task", task, project)

    @move
    def link(self, which: int, n: int) -> None:
        task = self._task(which)
        if task is None:
            return
        others = [id for id in self.world.ids(s.TASKS.set, _msdyn_project_value=self._project(task)) if id != task]
        if others:
            self._do("link", task, one_of(others, n), n % 4, one_of((0, 28_800, -3_600), n))

    @move
    def change_link(self, which: int, n: int) -> None:
        link = self._row(s.DEPENDENCIES, which)
        if link is not None and n % 2:
            self._do("unlink", link)
        elif link is not None:
            self._do("edit", s.DEPENDENCIES.set, link, msdyn_projecttaskdependencylinklag=n)

    @move
    def assign(self, which: int, n: int) -> None:
        task, resource = self._task(which), self._row(s.RESOURCES, n)
        if task is not None and resource is not None:
            self._do("assign", task, resource, float(n % 50))

    @move
    def change_assignment(self, which: int, n: int) -> None:
        assignment = self._row(s.ASSIGNMENTS, which)
        if assignment is not None and n % 2:
            self._do("unassign", assignment)
        elif assignment is not None:
            self._do("edit", s.ASSIGNMENTS.set, assignment, msdyn_effort=float(n % 50), msdyn_effortcompleted=float(n % 7))

    @move
    def change_checklist(self, which: int, n: int) -> None:
        item, task = self._row(s.CHECKLISTS, which), self._task(n)
        if n % 4 == 0 and task is not None:
            self._put(s.CHECKLISTS, msdyn_name=f"Check {n}", _msdyn_projecttaskid_value=task, msdyn_projectchecklistorder=1.0)
        elif n % 4 == 1:
            self._drop(s.CHECKLISTS, which)
        elif item is not None and n % 4 == 2:
            self._do("check", item, n % 8 == 2)
        elif item is not None:
            self._do("edit", s.CHECKLISTS.set, item, msdyn_name=f"Checked otherwise {n}")

    @move
    def change_labels(self, which: int, n: int) -> None:
        label, task = self._row(s.LABELS, which), self._task(n)
        if n % 3 == 0 and label is not None:
            self._do("edit", s.LABELS.set, label, msdyn_projectlabeltext=f"Label {n}")
        elif n % 3 == 1:
            self._drop(s.TASK_LABELS, which)
        elif label is not None and task is not None:
            own = self.world.ids(s.LABELS.set, _msdyn_projectid_value=self._project(task))
            if own:
                self._put(s.TASK_LABELS, _msdyn_projecttaskid_value=task, _msdyn_projectlabelid_value=one_of(own, which))

    @move
    def change_buckets(self, which: int, n: int) -> None:
        bucket, project = self._row(s.BUCKETS, which), self._row(s.PROJECTS, n)
        if n % 3 == 0 and project is not None:
            self._put(s.BUCKETS, msdyn_name=f"Bucket {n}", _msdyn_project_value=project)
        elif n % 3 == 1 and bucket is not None:
            for task in self.world.ids(s.TASKS.set, _msdyn_projectbucket_value=bucket):
                self._do("edit", s.TASKS.set, task, _msdyn_projectbucket_value=None)
            self._drop(s.BUCKETS, which)
        elif bucket is not None:
            self._do("edit", s.BUCKETS.set, bucket, msdyn_name=f"Renamed {n}")

    @move
    def change_sprints(self, which: int, n: int) -> None:
        sprint, project, task = self._row(s.SPRINTS, which), self._row(s.PROJECTS, n), self._task(which)
        if n % 3 == 0 and project is not None:
            self._put(s.SPRINTS, msdyn_name=f"Sprint {n}", _msdyn_project_value=project, msdyn_startdate=stamp(self.now()))
        elif n % 3 == 1 and sprint is not None:
            self._do("edit", s.SPRINTS.set, sprint, msdyn_name=f"Sprint renamed {n}")
        elif sprint is not None and task is not None:
            own = self.world.ids(s.SPRINTS.set, _msdyn_project_value=self._project(task))
            self._do("edit", s.TASKS.set, task, _msdyn_projectsprint_value=one_of([None, *own], n))

    @move
    def change_baselines(self, which: int, n: int) -> None:
        project, baseline = self._row(s.PROJECTS, which), self._row(s.BASELINES, which)
        if n % 2 == 0 and project is not None:
            self._do("take_baseline", project)
        elif baseline is not None:
            for id in self.world.ids(s.TASK_BASELINES.set, _msdyn_projectbaselinedataid_value=baseline):
                with self.simulator.lock:
                    self.world.drop(s.TASK_BASELINES.set, id)
            self._drop(s.BASELINES, which)

    @move
    def edit_project(self, which: int, n: int) -> None:
        project = self._row(s.PROJECTS, which)
        if project is not None:
            values: tuple[dict[str, Any], ...] = (
                {"msdyn_subject": f"{one_of(NAMES, n)} plan {n}"}, {"msdyn_hoursperday": one_of((8.0, 7.5, 6.0), n)},
                {"msdyn_finish": stamp(self.now())},
            )  # fmt: skip
            self._do("edit", s.PROJECTS.set, project, **one_of(values, n))

    @move
    def begin_project(self, which: int, n: int) -> None:
        if len(self.simulator.projects) < 6:
            project = self._put(s.PROJECTS, msdyn_subject=f"Begun {n}", msdyn_hoursperday=8.0)
            self._put(s.BUCKETS, msdyn_name="Bucket 1", _msdyn_project_value=project)
            first, second = (self._do("add_task", project, f"Task {n}.{number}") for number in range(2))
            self._do("link", first, second)

    @move
    def rename_person(self, which: int, n: int) -> None:
        person = self._row(s.RESOURCES, which)
        if person is not None:
            self._do("edit", s.RESOURCES.set, person, name=f"{one_of(NAMES, n)} {n}", statecode=n % 2)

    # What the environment does

    @move
    def forget_where_changes_went_on(self, which: int, n: int) -> None:
        with self.simulator.lock:
            self.simulator.expire_tokens()

    @move
    def stop_or_go_on_tracking(self, which: int, n: int) -> None:
        """Whoever turns it on finds no word of what happened before."""
        table = one_of(s.TABLES, which).set
        if table in self.simulator.untracked:
            self.simulator.untracked.discard(table)
        else:
            self.simulator.untracked.add(table)

    @move
    def withhold_or_give_back_a_table(self, which: int, n: int) -> None:
        held = self.simulator.absent if n % 2 else self.simulator.forbidden
        table = one_of(OPTIONAL, which).set
        if table in held:
            held.discard(table)
        elif not self.simulator.absent and not self.simulator.forbidden:
            held.add(table)
