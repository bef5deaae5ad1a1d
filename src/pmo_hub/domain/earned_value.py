"""Earned value (PMI's standard, EIA-748; domain-standards C1): what follows from the five amounts, and nothing where one is unknown."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class Amounts:
    """PV, EV, AC, BAC and EAC in one currency; None is unknown, never zero."""

    planned_value: Decimal | None = None
    earned_value: Decimal | None = None
    actual_cost: Decimal | None = None
    budget_at_completion: Decimal | None = None
    estimate_at_completion: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Performance:
    """What the amounts say. Variances are amounts, negative is bad; indices are ratios, under 1 is bad.

    `estimates` are EAC by three assumptions: cost goes on as so far (BAC/CPI), the rest costs what was planned, cost and pace go on as so
    far. `to_complete` is the CPI that the rest needs to stay in the budget, unknown where the budget is spent.
    """

    cost_variance: Decimal | None
    schedule_variance: Decimal | None
    cpi: float | None
    spi: float | None
    variance_at_completion: Decimal | None
    variance_at_completion_share: float | None
    estimates: tuple[float | None, float | None, float | None]
    to_complete: float | None


def performance(of: Amounts) -> Performance:
    """CV, SV, CPI, SPI, VAC, EAC and TCPI; whatever would divide by zero is None."""
    ev, ac, bac = of.earned_value, of.actual_cost, of.budget_at_completion
    cpi, spi = ratio(ev, ac), ratio(ev, of.planned_value)
    vac = difference(bac, of.estimate_at_completion)
    left = difference(bac, ev)
    pace = None if cpi is None or spi is None else cpi * spi
    budget_left = difference(bac, ac)
    return Performance(
        cost_variance=difference(ev, ac),
        schedule_variance=difference(ev, of.planned_value),
        cpi=cpi,
        spi=spi,
        variance_at_completion=vac,
        variance_at_completion_share=ratio(vac, bac),
        estimates=(
            None if bac is None or not cpi else float(bac) / cpi,
            None if ac is None or left is None else float(ac + left),
            None if ac is None or left is None or not pace else float(ac) + float(left) / pace,
        ),
        to_complete=None if left is None or budget_left is None or budget_left <= 0 else ratio(left, budget_left),
    )


def ratio(over: Decimal | None, under: Decimal | None) -> float | None:
    """One amount by another; None where one is unknown or the second is zero."""
    return None if over is None or not under else float(over / under)


def difference(one: Decimal | None, other: Decimal | None) -> Decimal | None:
    return None if one is None or other is None else one - other


def total(parts: Iterable[Amounts]) -> Amounts:
    """The amounts of the parts together; one that any of them does not know is unknown, and so is all of no parts."""
    sums: dict[str, Decimal | None] = {}
    for part in parts:
        for name in _AMOUNTS:
            value = getattr(part, name)
            known = sums.get(name, _NOTHING)
            sums[name] = None if value is None or known is None else known + value
    return Amounts(**sums)


_AMOUNTS = tuple(field.name for field in fields(Amounts))
_NOTHING = Decimal()
