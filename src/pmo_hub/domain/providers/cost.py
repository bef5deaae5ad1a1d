"""Cost facts. No connected source holds budgets or actual cost yet, and the facts say so."""

from __future__ import annotations

from pmo_hub.domain.evidence import Fact
from pmo_hub.domain.providers.reading import Reading


def measure_cost(reading: Reading) -> list[Fact]:
    """Variance at completion and CPI, unknown until a budget at completion and actual cost are there."""
    return [
        reading.unknown("project.cost_variance_share", "no budget at completion and no estimate at completion are recorded"),
        reading.unknown("project.cpi", "no earned value and no actual cost are recorded"),
    ]
