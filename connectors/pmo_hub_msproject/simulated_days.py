"""Work and cost by day of a simulated plan: eight hours a day from where a task begins, and summaries as the sums that a site tells."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

from pmo_hub_msproject.simulated_plans import Content, Values, text

A_DAY = 8.0
Amounts = dict[str, list[float]]


def _spread(starts: str, hours: float) -> Iterator[tuple[str, float]]:
    """Each working day from then on, with the hours that are worked on it."""
    at = datetime.fromisoformat(starts)
    room = min(A_DAY, max(0.0, (17 if at.hour > 12 else 16) - at.hour - at.minute / 60))
    on = at.replace(hour=0, minute=0, second=0, microsecond=0)
    while hours > 1e-6:
        if on.weekday() < 5 and room:
            worked = min(hours, room)
            yield text(on), worked
            hours -= worked
        on, room = on + timedelta(days=1), A_DAY


def _summed(content: Content, days: dict[str, Amounts]) -> dict[str, Amounts]:
    """With what each summary has of its tasks, up to the project's own."""
    parents = {task["Id"]: (task.get("Parent") or {}).get("Id") for task in content.tasks}
    found: dict[str, Amounts] = {id: {on: list(amounts) for on, amounts in own.items()} for id, own in days.items()}
    for id, own in days.items():
        above, seen = parents.get(id), {id}
        while above is not None and above not in seen:
            seen.add(above)
            for on, amounts in own.items():
                held = found.setdefault(above, {}).setdefault(on, [0.0] * len(amounts))
                held[:] = [a + b for a, b in zip(held, amounts, strict=True)]
            above = parents.get(above)
    return found


def task_days(project: str, content: Content) -> list[Values]:
    """Rows of TaskTimephasedDataSet."""
    days: dict[str, Amounts] = {}
    for task in content.tasks:
        hours = float(task.get("Work", 0.0))
        if task.get("IsSummary") or not hours or not task.get("Start"):
            continue
        rate, done = float(task.get("Cost", 0.0)) / hours, float(task.get("ActualWork", 0.0))
        own = days[task["Id"]] = {}
        for on, worked in _spread(task["Start"], hours):
            actual = min(worked, done)
            done -= actual
            own[on] = [worked, actual, worked * rate, actual * rate]
    names = ("TaskWork", "TaskActualWork", "TaskCost")
    return [
        {"ProjectId": project, "TaskId": id, "TimeByDay": on, "TaskIsActive": True, **dict(zip(names, amounts, strict=False)),
         "TaskActualCost": f"{amounts[3]:.6f}"}
        for id, own in _summed(content, days).items() for on, amounts in own.items()
    ]  # fmt: skip


def baseline_days(project: str, content: Content) -> list[Values]:
    """Rows of TaskBaselineTimephasedDataSet: the current baseline and number 1."""
    found = []
    for number, share in ((0, 1.0), (1, 0.9)):
        days: dict[str, Amounts] = defaultdict(dict)
        for task in content.tasks:
            hours = float(task.get("BaselineWork", 0.0))
            if task.get("IsSummary") or not hours or not task.get("BaselineStart"):
                continue
            rate = float(task.get("BaselineCost", 0.0)) / hours * share
            days[task["Id"]] = {on: [worked, worked * rate] for on, worked in _spread(task["BaselineStart"], hours)}
        found += [
            {"ProjectId": project, "TaskId": id, "TimeByDay": on, "BaselineNumber": number, "TaskBaselineWork": work,
             "TaskBaselineCost": cost}
            for id, own in _summed(content, days).items() for on, (work, cost) in own.items()
        ]  # fmt: skip
    return found


DAYS_OF: dict[str, tuple[str, Callable[[str, Content], list[Values]]]] = {
    "TaskTimephasedDataSet": ("TaskTimephasedData", task_days),
    "TaskBaselineTimephasedDataSet": ("TaskBaselineTimephasedData", baseline_days),
}
"""Set → its entity, and what makes its rows."""
