"""What people do in Planner while somebody syncs it. What the scheduling engine computes anew, moves its task too."""

from __future__ import annotations

from typing import Any

from pmo_hub_dataverse import simulated_schema as s
from pmo_hub_dataverse.simulated_world import World

_PARTS = ((s.ASSIGNMENTS, "_msdyn_taskid_value"), (s.CHECKLISTS, "_msdyn_projecttaskid_value"),
          (s.TASK_LABELS, "_msdyn_projecttaskid_value"), (s.TASK_BASELINES, "msdyn_projecttaskid"))  # fmt: skip
_OF_PROJECT = ((s.BUCKETS, "_msdyn_project_value"), (s.SPRINTS, "_msdyn_project_value"), (s.TEAMS, "_msdyn_project_value"),
               (s.LABELS, "_msdyn_projectid_value"), (s.BASELINES, "_msdyn_projectid_value"))  # fmt: skip


class Mutations:
    """Each returns the id of what it changed or made."""

    def __init__(self, world: World) -> None:
        self._world = world

    def edit(self, set: str, id: str, **columns: Any) -> str:
        """Sets columns of any row."""
        if id not in self._world.rows[set]:
            raise KeyError(f"{set} has no row {id}")
        return self._world.put(set, {s.BY_SET[set].key: id, **columns})

    def rename(self, task: str, subject: str) -> str:
        return self.edit(s.TASKS.set, task, msdyn_subject=subject)

    def progress(self, task: str, progress: float) -> str:
        return self.edit(s.TASKS.set, task, msdyn_progress=progress)

    def add_task(self, project: str, subject: str, **columns: Any) -> str:
        bucket = next(iter(self._world.ids(s.BUCKETS.set, _msdyn_project_value=project)), None)
        values = {
            "msdyn_subject": subject, "_msdyn_project_value": project, "_msdyn_projectbucket_value": bucket, "msdyn_progress": 0.0,
            "msdyn_priority": 5, "msdyn_ismilestone": False, "msdyn_iscritical": False, "msdyn_summary": False, "msdyn_outlinelevel": 1,
            "msdyn_duration": 1.0, "msdyn_effort": 8.0, "msdyn_effortcompleted": 0.0, "msdyn_effortremaining": 8.0,
        }  # fmt: skip
        return self._world.put(s.TASKS.set, {**values, **columns})

    def delete_task(self, task: str) -> str:
        """With everything that hangs on it, and what is below it."""
        for child in self._world.ids(s.TASKS.set, _msdyn_parenttask_value=task):
            self.delete_task(child)
        for table, column in _PARTS:
            for id in self._world.ids(table.set, **{column: task}):
                self._world.drop(table.set, id)
        for end in ("_msdyn_predecessortask_value", "_msdyn_successortask_value"):
            for id in self._world.ids(s.DEPENDENCIES.set, **{end: task}):
                self._world.drop(s.DEPENDENCIES.set, id)
        self._world.drop(s.TASKS.set, task)
        return task

    def move_task(self, task: str, project: str) -> str:
        return self.edit(s.TASKS.set, task, _msdyn_project_value=project, _msdyn_parenttask_value=None)

    def delete_project(self, project: str) -> str:
        for task in list(self._world.ids(s.TASKS.set, _msdyn_project_value=project)):
            if task in self._world.rows[s.TASKS.set]:
                self.delete_task(task)
        for table, column in _OF_PROJECT:
            for id in self._world.ids(table.set, **{column: project}):
                self._world.drop(table.set, id)
        self._world.drop(s.PROJECTS.set, project)
        return project

    def link(self, predecessor: str, successor: str, type: int = 1, lag_s: int = 0) -> str:
        project = self._world.get(s.TASKS.set, successor, "_msdyn_project_value")
        return self._world.put(
            s.DEPENDENCIES.set,
            {
                "_msdyn_project_value": project, "_msdyn_predecessortask_value": predecessor, "_msdyn_successortask_value": successor,
                "msdyn_projecttaskdependencylinktype": type, "msdyn_projecttaskdependencylinklag": lag_s,
            },
        )  # fmt: skip

    def unlink(self, dependency: str) -> str:
        self._world.drop(s.DEPENDENCIES.set, dependency)
        return dependency

    def assign(self, task: str, resource: str, effort: float = 8.0) -> str:
        project = self._world.get(s.TASKS.set, task, "_msdyn_project_value")
        return self._world.put(
            s.ASSIGNMENTS.set,
            {
                "_msdyn_taskid_value": task, "_msdyn_projectid_value": project, "_msdyn_bookableresourceid_value": resource,
                "msdyn_effort": effort, "msdyn_effortcompleted": 0.0, "msdyn_effortremaining": effort,
            },
        )  # fmt: skip

    def unassign(self, assignment: str) -> str:
        """The scheduling engine computes the task anew: its row changes as well."""
        task = self._world.get(s.ASSIGNMENTS.set, assignment, "_msdyn_taskid_value")
        self._world.drop(s.ASSIGNMENTS.set, assignment)
        self.edit(s.TASKS.set, task)
        return assignment

    def check(self, item: str, completed: bool = True) -> str:
        return self.edit(s.CHECKLISTS.set, item, msdyn_projectchecklistcompleted=completed)

    def take_baseline(self, project: str) -> str:
        """Another baseline of all tasks as they are now."""
        world = self._world
        baseline = world.put(s.BASELINES.set, {"_msdyn_projectid_value": project})
        for task in world.ids(s.TASKS.set, _msdyn_project_value=project):
            world.put(
                s.TASK_BASELINES.set,
                {
                    "msdyn_projecttaskid": task, "_msdyn_projectbaselinedataid_value": baseline,
                    "msdyn_taskstartdate": world.get(s.TASKS.set, task, "msdyn_start"),
                    "msdyn_taskfinishdate": world.get(s.TASKS.set, task, "msdyn_finish"),
                    "msdyn_taskduration": world.get(s.TASKS.set, task, "msdyn_duration"),
                    "msdyn_taskeffort": world.get(s.TASKS.set, task, "msdyn_effort"),
                },
            )  # fmt: skip
        return baseline
