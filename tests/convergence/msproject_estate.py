"""A simulated PWA site, as a walk changes it: mostly in working copies, which are seen once they are published."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from random import Random

from pmo_hub_msproject.connector import MsProjectConnector
from pmo_hub_msproject.simulated_organisation import generate
from pmo_hub_msproject.simulated_plans import Content, Plan, Values, guid_of, text
from pmo_hub_msproject.simulator import SETS, Simulator
from tests.convergence.estate import Switch
from tests.convergence.plan_estate import NAMES, STATUSES, PlanEstate, SwitchedEstate, move, one_of

SEED = 11
PATHS = ("/_api/", "/ProjectServer/Projects", "/Tasks", "/TaskLinks", "/Assignments", "/ProjectResources", "/ProjectData", "/TaskBaselines",
         "/Risks", "/CustomFields", "/Calendars")  # fmt: skip
KINDS = ("truncated", "html", "login")


class MsProjectEstate(SwitchedEstate):
    """Four plans of ten tasks, two of them chosen."""

    connector = MsProjectConnector
    base = "/pwa"
    mentioned = (*PlanEstate.mentioned, "resources")

    def __init__(self, now: Callable[[], datetime], switch: Switch) -> None:
        self.site = generate(SEED, 4, now(), tasks=10)
        super().__init__(now, switch, Simulator(self.site, page_size=4))
        self.changes = self.simulator.changes
        self.random = Random("walk")
        self.hidden: dict[str, Plan] = {}
        self._first = tuple(self.simulator.projects[:2])

    @property
    def first(self) -> tuple[str, ...]:
        return self._first

    def there(self) -> list[str]:
        return sorted(self.site.plans)

    def lost(self) -> list[str]:
        return sorted(self.hidden)

    def lose(self, plan: str) -> None:
        self.hidden[plan] = self.changes.delete(plan)

    def regain(self, plan: str) -> None:
        self.changes.restore(self.hidden.pop(plan))

    def end(self, plan: str) -> None:
        self.changes.delete(plan)

    def fail(self, kind: int, which: int, nth: int, times: int) -> None:
        path = one_of(PATHS, which)
        if kind % 3 == 0:
            self.simulator.fault(one_of(KINDS, kind // 3), path=path, nth=nth, times=times)
        else:
            fault = one_of(STATUSES, kind // 3)
            # A project whose report alone is refused is read without it until it is published again.
            self.needs_full = self.needs_full or fault["status"] in (400, 403, 404)
            self.simulator.fault("status", path=path, nth=nth, times=times, **fault)

    def heal(self) -> None:
        self.simulator.reporting = "there"
        self.simulator.refused_sets.clear()
        self.simulator.selects_customs = True

    def titles(self, chosen: Sequence[str]) -> dict[str, str]:
        found = {}
        for plan in chosen:
            content = self._published(plan)
            for task in content.tasks:
                if task.get("OutlineLevel") and not task.get("IsExternalTask"):
                    found[f"{plan}/{task['Id']}"] = task["Name"]
            for rows, key in ((content.risks, "RiskId"), (content.issues, "IssueId")):
                found.update({f"{plan}/{row[key]}": row["Title"] for row in rows})
        return found

    def _published(self, plan: str) -> Content:
        self.changes.draft(plan)
        published = self.site.plans[plan].published_content
        assert published is not None
        return published

    # What people do. Whatever is changed in a working copy stays there until somebody publishes.

    def _plan(self, n: int) -> str:
        return one_of(sorted(self.site.plans), n)

    def _draft(self, n: int) -> tuple[str, Content, Values | None]:
        """A plan, its working copy, and a task of that which is no summary."""
        plan = self._plan(n)
        content = self.changes.draft(plan)
        tasks = [task for task in content.tasks if not task.get("IsSummary")]
        return plan, content, one_of(tasks, n) if tasks else None

    def _publish(self, plan: str, n: int) -> None:
        """Three times of four at once."""
        if n % 4:
            self.simulator.mutate("publish", plan)

    @move
    def publish(self, which: int, n: int) -> None:
        self.simulator.mutate("publish", self._plan(which))

    @move
    def edit_task(self, which: int, n: int) -> None:
        plan, _, task = self._draft(which)
        if task is None:
            return
        at = None if n % 5 == 0 else text(datetime(2026, 1 + n % 12, 1 + n % 28, 8 + n % 9))  # noqa: DTZ001  wall clock
        values: tuple[Values, ...] = (
            {"Name": f"{one_of(NAMES, n)} {n}"}, {"PercentComplete": n % 101}, {"Start": at, "Finish": at}, {"Deadline": at},
            {"Duration": float(n % 80), "Work": float(n % 80)}, {"Cost": float(n), "ActualCost": n / 3}, {"IsMilestone": n % 2 == 0},
            {"TotalSlack": float(n % 30), "IsCritical": n % 2 == 0}, {"ConstraintType": 1 + n % 8, "ConstraintStartEnd": at},
            {"BaselineStart": at, "BaselineFinish": at, "BaselineWork": float(n % 50)}, {"IsActive": n % 2 == 0}, {"Priority": n % 1000},
            {"BudgetedCostWorkPerformed": float(n % 900)},
        )  # fmt: skip
        task |= one_of(values, n // 4)
        self._publish(plan, n)

    @move
    def add_task(self, which: int, n: int) -> None:
        plan, content, _ = self._draft(which)
        if len(content.tasks) > 1:
            self.simulator.mutate("add", plan, f"New {n}", publish=False)
            self._publish(plan, n)

    @move
    def remove_task(self, which: int, n: int) -> None:
        plan, content, task = self._draft(which)
        if task is not None and len(content.tasks) > 3:
            self.simulator.mutate("remove", plan, task["Id"])

    @move
    def put_task_elsewhere(self, which: int, n: int) -> None:
        plan, content, task = self._draft(which)
        heads = [one for one in content.tasks if one.get("IsSummary") and one.get("OutlineLevel") == 1]
        if task is not None and heads:
            under = one_of(heads, n)
            task |= {"Parent": {"Id": under["Id"]}, "OutlinePosition": f"{under['OutlinePosition']}.{n % 20}"}
            self._publish(plan, n)

    @move
    def link(self, which: int, n: int) -> None:
        plan, content, task = self._draft(which)
        others = [one for one in content.tasks if task is not None and one["Id"] != task["Id"] and one.get("OutlineLevel")]
        if task is not None and others:
            lag = {"DependencyType": n % 4, "LinkLag": one_of((0, 4800, -2400, 50), n), "LinkLagFmt": one_of((7, 5, 19), n)}
            self.simulator.mutate("link", plan, task["Id"], one_of(others, n)["Id"], publish=False, **lag)
            self._publish(plan, n)

    @move
    def change_link(self, which: int, n: int) -> None:
        plan, content, _ = self._draft(which)
        if content.links and n % 2:
            content.links.pop(n % len(content.links))
        elif content.links:
            one_of(content.links, n)["LinkLag"] = n
        self._publish(plan, n)

    @move
    def assign(self, which: int, n: int) -> None:
        plan, content, task = self._draft(which)
        if task is not None and n % 3 == 0 and content.team:
            content.assignments.append({
                "Id": guid_of(self.random), "Start": task["Start"], "Finish": task["Finish"], "ResourceCapacity": 1.0,
                "Work": float(n % 40), "ActualWork": 0.0, "RemainingWork": float(n % 40), "Task": {"Id": task["Id"]},
                "Resource": {"Id": one_of(content.team, n)["Id"]},
            })  # fmt: skip
        elif content.assignments and n % 3 == 1:
            content.assignments.pop(n % len(content.assignments))
        elif content.assignments:
            one_of(content.assignments, n)["Work"] = float(n % 60)
        self._publish(plan, n)

    @move
    def change_team(self, which: int, n: int) -> None:
        plan, content, _ = self._draft(which)
        member = one_of(content.team, n) if content.team else None
        if member is None or n % 3 == 0:
            id = guid_of(self.random)
            own = {"Id": id, "IsActive": True, "IsGeneric": True, "ResourceType": 1, "Name": f"Role {n}"}
            content.team.append(
                {"Id": id, "Name": f"Role {n}", "IsGenericResource": True, "MaximumCapacity": 2.0, "EnterpriseResource": own}
            )
        elif n % 3 == 1 and not any(one["Resource"]["Id"] == member["Id"] for one in content.assignments):
            content.team.remove(member)
        self._publish(plan, n)

    @move
    def edit_project(self, which: int, n: int) -> None:
        plan = self._plan(which)
        values: tuple[Values, ...] = (
            {"Name": f"{one_of(NAMES, n)} plan {n}"}, {"PercentComplete": n % 101}, {"CurrencyCode": one_of(("EUR", "NOK"), n)},
            {"StatusDate": text(datetime(2026, 11, 1 + n % 28, 17))},  # noqa: DTZ001  wall clock
        )  # fmt: skip
        self.site.plans[plan].header |= one_of(values, n)
        self.simulator.mutate("publish", plan)

    @move
    def change_registers(self, which: int, n: int) -> None:
        """Baselines, risks, issues, stages."""
        plan, content, task = self._draft(which)
        rows = one_of((content.baselines, content.risks, content.issues, content.stages), n)
        at = text(datetime(2026, 1 + n % 12, 1 + n % 28))  # noqa: DTZ001  wall clock
        if n % 3 == 0 and rows:
            rows.pop(n % len(rows))
        elif n % 3 == 1 and task is not None:
            made = {"ProjectId": plan, "TaskId": task["Id"], "BaselineNumber": 2 + n % 9, "TaskBaselineStartDate": at}
            content.baselines.append({**made, "TaskBaselineFinishDate": at, "TaskBaselineDuration": 8.0, "TaskBaselineWork": 8.0})
        else:
            made = {"ProjectId": plan, "RiskId": guid_of(self.random), "Title": f"Risk {n}", "Status": "(1) Active", "Probability": 0.5}
            content.risks.append({**made, "CreatedDate": at})
        self.simulator.mutate("publish", plan)

    @move
    def change_calendar(self, which: int, n: int) -> None:
        """The site's, which its dictionary holds."""
        standard = self.simulator.calendars[0]
        day = f"2026-{1 + n % 12:02d}-{1 + n % 28:02d}T00:00:00"
        off = {"Id": n, "Name": f"Off {n}", "Start": day, "Finish": day, "RecurrenceFrequency": 1}
        kept = [one for one in standard["BaseCalendarExceptions"] if n % 3 or one["Id"] % 3 == 0]
        self.simulator.calendars[0] = {**standard, "BaseCalendarExceptions": [*kept, off] if n % 2 else kept}

    @move
    def begin_project(self, which: int, n: int) -> None:
        if len(self.site.plans) < 6:
            made = generate(n, 1, self.now(), tasks=6)
            plan = next(iter(made.plans.values()))
            self.site.plans.setdefault(plan.id, plan)

    # What the site does

    @move
    def withhold_or_give_back_reports(self, which: int, n: int) -> None:
        if n % 2:
            self.simulator.reporting = one_of(("there", "absent", "refused"), which)
        else:
            self.simulator.refused_sets ^= {one_of(sorted(SETS), which)}

    @move
    def answer_otherwise(self, which: int, n: int) -> None:
        """In the older shape of JSON, or without its custom fields by name."""
        if n % 2:
            self.simulator.verbose = not self.simulator.verbose
        else:
            self.simulator.selects_customs = not self.simulator.selects_customs
