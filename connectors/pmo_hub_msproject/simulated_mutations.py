"""What happens to plans in a simulated site: edited in a working copy, which nobody sees until it is published."""

from __future__ import annotations

import copy
from datetime import timedelta
from random import Random
from typing import Any

from pmo_hub_msproject.simulated_organisation import Site
from pmo_hub_msproject.simulated_plans import Content, Plan, Values, draw, guid_of, text


class Mutations:
    """Changes a site. Each publication has a time of its own."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._random = Random(f"{site.seed}/changes")
        self._published = 0

    def draft(self, project: str) -> Content:
        """The working copy, as it is now; what is changed in it is seen when it is published."""
        plan = self._site.plans[project]
        if plan.content is None:
            plan.content = copy.deepcopy(plan.published_content) if plan.published_content else draw(plan)
            if plan.published_content is None:
                plan.published_content = draw(plan)
        return plan.content

    def publish(self, project: str) -> None:
        """The working copy is what everybody sees, since now."""
        plan = self._site.plans[project]
        plan.published_content = copy.deepcopy(self.draft(project))
        self._published += 1
        plan.header["LastPublishedDate"] = text(self._site.now + timedelta(seconds=self._published, milliseconds=123))

    def edit(self, project: str, task: str | None = None, publish: bool = True, **values: Any) -> str:
        """A task has these values; the first one with work where none is named. Returns its id."""
        content = self.draft(project)
        found = content.task(task) if task else next(t for t in content.tasks if not t.get("IsSummary"))
        found |= values
        if publish:
            self.publish(project)
        return str(found["Id"])

    def add(self, project: str, name: str = "A new one", publish: bool = True, **values: Any) -> str:
        content = self.draft(project)
        last = content.tasks[-1]
        made: Values = {
            **last,
            "Id": guid_of(self._random),
            "Name": name,
            "OutlinePosition": f"{len(content.tasks)}",
            "IsMilestone": False,
        } | values
        content.tasks.append(made)
        if publish:
            self.publish(project)
        return str(made["Id"])

    def remove(self, project: str, task: str | None = None) -> str:
        """The task is gone with its links, assignments and baselines; published."""
        content = self.draft(project)
        id = task or str(next(t for t in content.tasks if not t.get("IsSummary"))["Id"])
        content.tasks = [t for t in content.tasks if t["Id"] != id]
        content.links = [one for one in content.links if id not in (one["PredecessorTaskId"], one["SuccessorTaskId"])]
        content.assignments = [one for one in content.assignments if one["Task"]["Id"] != id]
        content.baselines = [one for one in content.baselines if one["TaskId"] != id]
        self.publish(project)
        return id

    def link(self, project: str, predecessor: str, successor: str, publish: bool = True, **values: Any) -> str:
        id = guid_of(self._random)
        plain = {"DependencyType": 1, "LinkLag": 0, "LinkLagFmt": 7, "ProjUid": project}
        self.draft(project).links.append({"Id": id, "PredecessorTaskId": predecessor, "SuccessorTaskId": successor} | plain | values)
        if publish:
            self.publish(project)
        return id

    def delete(self, project: str) -> Plan:
        """The project is gone."""
        return self._site.plans.pop(project)

    def restore(self, plan: Plan) -> None:
        self._site.plans[plan.id] = plan
