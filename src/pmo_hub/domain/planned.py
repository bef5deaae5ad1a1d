"""What providers read of a project's plans: their lines, and the earned value that their tools computed.

Times are by the clock of the plan's zone, amounts in its currency.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from pmo_hub.domain.calendars import WorkingTime
from pmo_hub.domain.earned_value import Amounts


@dataclass(frozen=True, slots=True)
class PlanHead:
    """`time` None: its calendar is unknown, and a standard week is assumed; `hours_per_day` likewise."""

    id: str
    name: str
    url: str | None = None
    currency: str | None = None
    hours_per_day: float | None = None
    time: WorkingTime | None = None


@dataclass(frozen=True, slots=True)
class PlanLine:
    """An item of a plan that counts. `start` and `finish` are the actual ones where there are any; `percent` is 0..100."""

    id: str
    key: str
    url: str | None
    plan_id: str
    is_done: bool
    start: datetime | None = None
    finish: datetime | None = None
    deadline: datetime | None = None
    duration_hours: float | None = None
    percent: float | None = None
    cost: Decimal | None = None
    baseline_start: datetime | None = None
    baseline_finish: datetime | None = None
    baseline_cost: Decimal | None = None


@dataclass(frozen=True, slots=True)
class PlanEarned:
    """Earned value as of the status date `at`. `items` None: the tool's own of the whole plan; else the sum of so many items'."""

    plan_id: str
    at: datetime | None
    is_stale: bool | None
    amounts: Amounts
    items: int | None = None


@dataclass(frozen=True, slots=True)
class PlanFacts:
    """`lines` are those of the scopes that the project believes for its schedule, `cost_lines` and `earned` for its money."""

    plans: tuple[PlanHead, ...] = ()
    lines: tuple[PlanLine, ...] = ()
    cost_lines: tuple[PlanLine, ...] = ()
    earned: tuple[PlanEarned, ...] = field(default=())

    def head(self, plan_id: str) -> PlanHead:
        return next((plan for plan in self.plans if plan.id == plan_id), PlanHead(plan_id, plan_id))
