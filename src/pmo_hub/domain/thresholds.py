"""The thresholds of project health, all of them parameters. Shares lie in 0..1, durations are working days unless named otherwise."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from pmo_hub.domain.rating import Rating

DIMENSIONS: tuple[str, ...] = ("schedule", "scope", "cost", "risk", "quality", "flow", "resources")


@dataclass(frozen=True, slots=True)
class Limits:
    """A measure that is worse the larger it is: amber above one limit, red above the other."""

    amber: float
    red: float

    def rate(self, value: float) -> Rating:
        # 1 − 0.95 is 0.05000000000000004: a value at a limit must not be tipped over it by its binary tail.
        rounded = round(value, 9)
        if rounded > self.red:
            return Rating.RED
        return Rating.AMBER if rounded > self.amber else Rating.GREEN

    def score(self, value: float) -> float:
        """100 at 0 and below, 70 at the amber limit, 40 at the red one, falling on to 0; never rises with the value."""
        value = round(value, 9)
        if value <= 0 and self.amber >= 0:
            return 100.0
        if value <= self.amber:
            return _between(value, 0.0, self.amber, 100.0, 70.0)
        if value <= self.red:
            return _between(value, self.amber, self.red, 70.0, 40.0)
        return max(0.0, _between(value, self.red, self.red + max(self.red - self.amber, self.red), 40.0, 0.0))


def _between(value: float, start: float, end: float, at_start: float, at_end: float) -> float:
    return at_end if end <= start else at_start + (at_end - at_start) * (value - start) / (end - start)


def _even() -> Mapping[str, float]:
    return MappingProxyType(dict.fromkeys(DIMENSIONS, 1.0))


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Defaults of domain-standards C8; the flow limits, the iteration's, the deadlines' and the review age of risks are ours.

    A finish may slip by a share of the duration or by days, whichever is more. A measure that is better the larger it is (SPI(t), CPI)
    is rated by what it lacks of 1; budget variance by its overrun.
    """

    overdue_share: Limits = Limits(0.05, 0.15)
    slip_share: Limits = Limits(0.05, 0.10)
    slip_days: Limits = Limits(5, 20)
    iteration_load: Limits = Limits(1.25, 2.0)
    spi_t_shortfall: Limits = Limits(0.05, 0.15)
    spi_until_percent: float = 70.0
    missed_deadlines: Limits = Limits(0, float("inf"))
    scope_growth: Limits = Limits(0.10, 0.20)
    cost_overrun_share: Limits = Limits(0.05, 0.10)
    cpi_shortfall: Limits = Limits(0.05, 0.10)
    exposure_ratio: Limits = Limits(1.0, 1.5)
    unowned_risks: Limits = Limits(0, float("inf"))
    unowned_critical_risks: Limits = Limits(0, 0)
    risk_review_days: int = 30
    open_blockers: Limits = Limits(0, 2)
    blocker_age_days: int = 5
    ageing_wip_share: Limits = Limits(0.25, 0.50)
    blocked_wip_share: Limits = Limits(0.20, 0.40)
    unassigned_share: Limits = Limits(0.10, 0.20)
    inactive_assignees: Limits = Limits(0, float("inf"))
    min_confidence: int = 50
    weights: Mapping[str, float] = field(default_factory=_even)
