"""One generated waterfall plan: phases, tasks that wait for each other, people who work on them, what was agreed and what became of it.

Everything follows from the seed and the instant. Times are counted in working hours since the plan's first morning: days of 8 hours.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache
from random import Random
from typing import Any

Values = dict[str, Any]

PHASES = ("Initiate", "Analyse", "Design", "Build", "Test", "Roll out", "Close")
OBJECTS = ("interfaces", "master data", "reports", "roles and rights", "training", "infrastructure", "migration", "operations manual",
           "supplier contract", "quality gates", "security review", "pilot site")  # fmt: skip
VERBS = ("Describe", "Agree on", "Prepare", "Implement", "Review", "Correct", "Hand over")
STAGES = ("Request", "Select", "Plan", "Manage", "Finished")
RISKS = ("Key supplier delivers late", "Test environment is not ready", "Data quality is worse than assumed", "Specialist leaves")
ISSUES = ("Licences are not ordered", "Interface differs from its description", "Room for the training is missing")
RATE = 90.0
WORKSTREAM, ACCEPTANCE, CONTRACT = (
    "Custom_0000a1b2c3d4e511be8a00155d805832",
    "Custom_0000a1b2c3d4e511be8a00155d805833",
    ("Custom_0000a1b2c3d4e511be8a00155d805834"),
)
WORKSTREAMS = {"Entry_0000f1e2d3c4b511be8a00155d805832": "Technology", "Entry_0000f1e2d3c4b511be8a00155d805833": "Organisation"}
DEPARTMENT, BUDGET = "Custom_0000a1b2c3d4e511be8a00155d805835", "Custom_0000a1b2c3d4e511be8a00155d805836"
DEPARTMENTS = {"Entry_0000f1e2d3c4b511be8a00155d805842": "Operations", "Entry_0000f1e2d3c4b511be8a00155d805843": "Finance"}
STANDARD = "0b7c4a10-5878-4011-97be-080027fff3b7"


def key_of(field: str) -> str:
    """The property under which an entity has the value of that field."""
    return field.replace("_", "_x005f_")


def guid_of(random: Random) -> str:
    return re.sub(r"(.{8})(.{4})(.{4})(.{4})(.{12})", r"\1-\2-\3-\4-\5", f"{random.getrandbits(128):032x}")


@dataclass(frozen=True, slots=True)
class Person:
    id: str
    name: str
    email: str | None
    is_active: bool = True


@dataclass(slots=True)
class Content:
    """What is inside a plan: rows by the set that has them, with the values that differ from nothing."""

    tasks: list[Values] = field(default_factory=list)
    links: list[Values] = field(default_factory=list)
    assignments: list[Values] = field(default_factory=list)
    team: list[Values] = field(default_factory=list)
    baselines: list[Values] = field(default_factory=list)
    risks: list[Values] = field(default_factory=list)
    issues: list[Values] = field(default_factory=list)
    stages: list[Values] = field(default_factory=list)

    def task(self, id: str) -> Values:
        return next(task for task in self.tasks if task["Id"] == id)


@dataclass(slots=True)
class Plan:
    """A project of the site; `content` stands where something was changed by hand, else it is drawn when it is asked for."""

    id: str
    seed: str
    header: Values
    size: int
    people: Sequence[Person]
    starts: datetime
    now: datetime
    late: float = 0.1
    content: Content | None = None
    published_content: Content | None = None


def text(at: datetime) -> str:
    """A time as the site writes it: without a zone, with a fraction that is as short as it can be."""
    whole = at.strftime("%Y-%m-%dT%H:%M:%S")
    return whole + f".{at.microsecond // 1000:03d}".rstrip("0") if at.microsecond else whole


@lru_cache(maxsize=4_096)
def _day(first: datetime, number: int) -> datetime:
    weeks, rest = divmod(first.weekday() + number, 5)
    return first + timedelta(days=weeks * 7 + rest - first.weekday())


def at(first: datetime, hours: float, is_finish: bool = False) -> datetime:
    """The wall clock after so many working hours: what ends with a day ends in its evening, what begins then begins next morning."""
    day, rest = divmod(hours, 8.0)
    if is_finish and rest == 0 and hours:
        day, rest = day - 1, 8.0
    return _day(first, int(day)) + timedelta(hours=rest + (1 if rest > 4 or (is_finish and rest == 8) else 0))


def worked(first: datetime, now: datetime) -> float:
    """Working hours from the plan's beginning until now."""
    days = (now - first).days
    return max(0.0, (days // 7 * 5 + min(days % 7, 5)) * 8.0)


def draw(plan: Plan) -> Content:
    """The content that the plan's seed gives."""
    return _Drawing(plan).content


class _Drawing:
    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._random = Random(plan.seed)
        self._now = worked(plan.starts, plan.now)
        self.content = Content()
        self._team = self._random.sample(list(plan.people), min(8, len(plan.people)))
        self._draw_team()
        self._top = self._row(plan.header["SummaryTaskId"], plan.header["Name"], 0, "0", None)
        self._draw_phases()
        self._draw_registers()

    def _draw_team(self) -> None:
        for person in self._team:
            self.content.team.append({
                "Id": person.id, "Name": person.name, "Email": person.email, "MaximumCapacity": 1.0, "EnterpriseResource": {
                    "Id": person.id, "Email": person.email, "IsActive": person.is_active, "IsGeneric": False, "ResourceType": 1,
                    "Name": person.name,
                },
            })  # fmt: skip
        id = guid_of(self._random)
        self.content.team.append({
            "Id": id, "Name": "Electrician", "IsGenericResource": True, "MaximumCapacity": 3.0,
            "EnterpriseResource": {"Id": id, "IsActive": True, "IsGeneric": True, "ResourceType": 1, "Name": "Electrician"},
        })  # fmt: skip

    def _draw_phases(self) -> None:
        random, size = self._random, max(3, self._plan.size)
        phases = PHASES[: max(1, min(len(PHASES), size // 6))]
        begins, made, agreed = 0.0, 1, 0.0
        before: str | None = None
        for number, name in enumerate(phases, 1):
            left = size - made if number == len(phases) else size // len(phases)
            phase = self._row(guid_of(random), name, 1, str(number), self._top["Id"])
            made += 1
            children, ends, agreed_ends = [], begins, agreed
            previous = before
            for step in range(1, max(1, left - 2) + 1):
                if made >= size - 1:
                    break
                hours = float(random.choice((8, 16, 24, 24, 40, 56)))
                slip = float(random.choice((8, 16, 24))) if random.random() < self._plan.late else 0.0
                starts = ends if step % 3 else max(begins, ends - 16)
                task = self._task(
                    phase, number, step, starts, hours + slip, agreed_ends if step % 3 else max(agreed, agreed_ends - 16), hours
                )
                if previous is not None:
                    self._link(previous, task["Id"], *((3, 4800, 7) if step % 3 == 0 and previous != before else (1, 0, 7)))
                previous = task["Id"]
                children.append(task)
                made += 1
                ends, agreed_ends = (
                    max(ends, starts + hours + slip),
                    max(agreed_ends, agreed_ends + hours if step % 3 else agreed_ends + hours - 16),
                )
            stone = self._task(phase, number, len(children) + 1, ends, 0.0, agreed_ends, 0.0, f"{name} complete")
            if previous is not None:
                self._link(previous, stone["Id"], 1, 0, 7)
            self._sum_up(phase, [*children, stone])
            before, begins, agreed, made = stone["Id"], ends, agreed_ends, made + 1
        self._sum_up(self._top, [task for task in self.content.tasks if task.get("OutlineLevel") == 2])

    def _row(self, id: str, name: str, level: int, outline: str, parent: str | None) -> Values:
        row: Values = {
            "Id": id, "Name": name, "OutlineLevel": level, "OutlinePosition": outline, "WorkBreakdownStructure": outline, "IsActive": True,
            "IsSummary": level < 2, "Priority": 500, "ConstraintType": 1, "Created": text(self._plan.starts - timedelta(days=14)),
            "Parent": {"Id": parent} if parent else None,
        }  # fmt: skip
        self.content.tasks.append(row)
        return row

    def _task(
        self, phase: Values, number: int, step: int, starts: float, hours: float, agreed: float, planned: float, name: str | None = None
    ) -> Values:
        random, first, now = self._random, self._plan.starts, self._now
        title = name or f"{random.choice(VERBS)} {random.choice(OBJECTS)}"
        task = self._row(guid_of(random), title, 2, f"{number}.{step}", phase["Id"])
        is_stone = hours == 0
        done = 1.0 if starts + hours <= now else max(0.0, (now - starts) / hours) if hours and starts < now else 0.0
        percent = 100 if done >= 1 else int(done * 100)
        cost, agreed_cost = hours * RATE, planned * RATE
        due = 1.0 if agreed + planned <= now else max(0.0, (now - agreed) / planned) if planned and agreed < now else 0.0
        slack = float(random.choice((0, 0, 8, 24)))
        task |= {
            "Start": text(at(first, starts)), "Finish": text(at(first, starts + hours, bool(hours))), "Duration": hours, "Work": hours,
            "RemainingDuration": hours * (1 - percent / 100), "ActualDuration": hours * percent / 100, "IsMilestone": is_stone,
            "ActualWork": hours * percent / 100, "RemainingWork": hours * (1 - percent / 100), "PercentComplete": percent,
            "Cost": cost, "ActualCost": cost * percent / 100, "RemainingCost": cost * (1 - percent / 100), "TotalSlack": slack,
            "FreeSlack": min(slack, 8.0), "IsCritical": slack == 0, "BaselineStart": text(at(first, agreed)),
            "BaselineFinish": text(at(first, agreed + planned, bool(planned))), "BaselineDuration": planned, "BaselineWork": planned,
            "BaselineCost": agreed_cost, "BudgetedCostWorkScheduled": round(agreed_cost * due, 2),
            "BudgetedCostWorkPerformed": round(agreed_cost * percent / 100, 2), "ActualCostWorkPerformed": round(cost * percent / 100, 2),
            "EstimateAtCompletion": cost, key_of(WORKSTREAM): [random.choice(tuple(WORKSTREAMS))],
        }  # fmt: skip
        if percent:
            task["ActualStart"] = task["Start"]
        if percent == 100:
            task["ActualFinish"] = task["Finish"]
        if is_stone:
            task["Deadline"] = text(at(first, agreed + 24, True))
            task[key_of(ACCEPTANCE)] = text(at(first, agreed + 40))
        else:
            self._assign(task, hours, percent)
            self.content.baselines.append({
                "ProjectId": self._plan.id, "TaskId": task["Id"], "BaselineNumber": 1, "TaskBaselineStartDate": task["BaselineStart"],
                "TaskBaselineFinishDate": task["BaselineFinish"], "TaskBaselineDuration": planned, "TaskBaselineWork": planned,
                "TaskBaselineCost": agreed_cost * 0.9, "TaskName": title,
            })  # fmt: skip
        return task

    def _assign(self, task: Values, hours: float, percent: int) -> None:
        person = self._random.choice(self._team)
        self.content.assignments.append({
            "Id": guid_of(self._random), "Start": task["Start"], "Finish": task["Finish"], "ResourceCapacity": 1.0, "Work": hours,
            "ActualWork": hours * percent / 100, "RemainingWork": hours * (1 - percent / 100), "Cost": task["Cost"],
            "ActualCost": task["ActualCost"], "Task": {"Id": task["Id"]}, "Resource": {"Id": person.id},
        })  # fmt: skip

    def _link(self, predecessor: str, successor: str, type: int, lag: int, format: int) -> None:
        self.content.links.append({
            "Id": guid_of(self._random), "PredecessorTaskId": predecessor, "SuccessorTaskId": successor, "DependencyType": type,
            "LinkLag": lag, "LinkLagFmt": format, "LinkLagDuration": f"{lag / 4800:g}d", "ProjUid": self._plan.id,
        })  # fmt: skip

    def _sum_up(self, summary: Values, parts: list[Values]) -> None:
        if not parts:
            return
        added = ("Work", "ActualWork", "RemainingWork", "Cost", "ActualCost", "RemainingCost", "BaselineWork", "BaselineCost",
                 "BudgetedCostWorkScheduled", "BudgetedCostWorkPerformed", "ActualCostWorkPerformed", "EstimateAtCompletion")  # fmt: skip
        summary |= {name: sum(part[name] for part in parts) for name in added}
        summary |= {name: min(part[name] for part in parts) for name in ("Start", "BaselineStart")}
        summary |= {name: max(part[name] for part in parts) for name in ("Finish", "BaselineFinish")}
        hours = sum(part["Duration"] for part in parts) or 1.0
        summary["Duration"] = hours
        summary["PercentComplete"] = int(sum(part["Duration"] * part["PercentComplete"] for part in parts) / hours)
        if summary["PercentComplete"]:
            summary["ActualStart"] = summary["Start"]

    def _draw_registers(self) -> None:
        random, id, name = self._random, self._plan.id, self._plan.header["Name"]
        since = text(self._plan.starts + timedelta(days=20))
        for title in random.sample(RISKS, random.randrange(1, 4)):
            probability, impact = random.choice((0.1, 0.3, 0.5, 0.7)), float(random.randrange(1, 10))
            self.content.risks.append({
                "ProjectId": id, "ProjectName": name, "RiskId": guid_of(random), "Title": title, "Status": random.choice(("(1) Active",
                "(3) Closed")),
                "Category": "(2) Schedule", "Probability": probability, "Impact": impact, "Exposure": round(probability * impact, 2),
                "Cost": 12000.0,
                "MitigationPlan": "Ask every week.", "Owner": self._team[0].name, "CreatedDate": since,
                "DueDate": text(self._plan.now + timedelta(days=9)),
            })  # fmt: skip
        for title in random.sample(ISSUES, random.randrange(0, 3)):
            self.content.issues.append({
                "ProjectId": id, "ProjectName": name, "IssueId": guid_of(random), "Title": title, "Status": "(1) Active",
                "Priority": "(1) High",
                "Category": "(1) Delivery", "Owner": self._team[-1].name, "CreatedDate": since,
            })  # fmt: skip
        reached = random.randrange(1, len(STAGES))
        for order, stage in enumerate(STAGES[: reached + 1]):
            entered = self._plan.starts + timedelta(days=14 * order)
            self.content.stages.append({
                "ProjectId": id, "ProjectName": name, "StageId": guid_of(Random(stage)), "StageName": stage,
                "PhaseName": "Delivery" if order > 1 else "Demand",
                "StageOrder": order + 1, "StageStatus": 1 if order == reached else 3, "StageEntryDate": text(entered),
                "StageCompletionDate": None if order == reached else text(entered + timedelta(days=14)),
            })  # fmt: skip
