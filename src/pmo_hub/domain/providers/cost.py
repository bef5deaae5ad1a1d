"""Cost facts from the earned value that planning tools compute, or else from what their lines cost now and were to cost."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from pmo_hub.domain.earned_value import Amounts, performance, ratio, total
from pmo_hub.domain.evidence import MAX_EVIDENCE, Evidence, Fact
from pmo_hub.domain.planned import PlanEarned, PlanFacts, PlanLine
from pmo_hub.domain.providers.reading import Reading

_VARIANCE, _CPI, _SPI = "project.cost_variance_share", "project.cpi", "project.spi"

EARLY_SHARE = 0.15
"""So much must be earned before CPI and SPI mean something (domain-standards C1)."""

EARLY_SURE = 0.4
"""What they are worth before: below the confidence of 50 that a rating asks for."""


def measure_cost(reading: Reading) -> list[Fact]:
    """Variance at completion over budget, CPI and SPI; unknown with the reason where the sources don't tell, or tell what is stale."""
    plan = reading.project.plan
    doubt = "no budget at completion and no estimate at completion are recorded"
    if plan is None:
        nothing = "no earned value and no actual cost are recorded"
        return [reading.unknown(_VARIANCE, doubt), reading.unknown(_CPI, nothing), reading.unknown(_SPI, nothing)]
    amounts, why = _amounts(plan)
    if amounts is None:
        lines = _of_lines(reading, plan) or reading.unknown(_VARIANCE, why if plan.earned else doubt)
        return [lines, reading.unknown(_CPI, why), reading.unknown(_SPI, why)]
    found = performance(amounts)
    earned = ratio(amounts.earned_value, amounts.budget_at_completion)
    sure = EARLY_SURE if earned is not None and earned < EARLY_SHARE else 1.0
    evidence = _evidence(plan)
    share = found.variance_at_completion_share
    variance = None if share is None else reading.fact(_VARIANCE, share, evidence=evidence)
    return [
        variance or _of_lines(reading, plan) or reading.unknown(_VARIANCE, doubt),
        reading.unknown(_CPI, _lacking(amounts.earned_value, amounts.actual_cost, "actual cost"))
        if found.cpi is None
        else reading.fact(_CPI, found.cpi, sure=sure, evidence=evidence),
        reading.unknown(_SPI, _lacking(amounts.earned_value, amounts.planned_value, "planned value"))
        if found.spi is None
        else reading.fact(_SPI, found.spi, sure=sure, evidence=evidence),
    ]


def _amounts(plan: PlanFacts) -> tuple[Amounts | None, str]:
    """The plans' amounts together, or why they can't be told."""
    if not plan.earned:
        return None, "no earned value and no actual cost are recorded"
    if any(one.is_stale for one in plan.earned):
        return None, "the source says that its earned value is out of date"
    if any(one.at is None for one in plan.earned):
        return None, "the source has earned value without a status date: nobody knows as of when it is"
    if said := _currencies(plan, [one.plan_id for one in plan.earned]):
        return None, said
    return total(one.amounts for one in plan.earned), ""


def _currencies(plan: PlanFacts, plan_ids: Sequence[str]) -> str | None:
    """Why the amounts of these plans can't be added up; None where they can: they have one currency, or there is one plan."""
    if len(set(plan_ids)) < 2:
        return None
    found = {plan.head(id_).currency for id_ in plan_ids}
    if None in found:
        return "a plan doesn't say in which currency its amounts are"
    return None if len(found) == 1 else f"the plans are in several currencies: {', '.join(sorted(c for c in found if c))}"


def _of_lines(reading: Reading, plan: PlanFacts) -> Fact | None:
    """The lines' baseline cost less what they will have cost, over the baseline cost: variance at completion, as schedulers have it."""
    priced = [(line.baseline_cost, line.cost, line) for line in plan.cost_lines if line.baseline_cost is not None and line.cost is not None]
    budget = sum((agreed for agreed, _, _ in priced), Decimal())
    if not budget:
        return None
    if said := _currencies(plan, [line.plan_id for _, _, line in priced]):
        return reading.unknown(_VARIANCE, said)
    share = float((budget - sum((cost for _, cost, _ in priced), Decimal())) / budget)
    dear = sorted((pair for pair in priced if pair[1] > pair[0]), key=lambda pair: (pair[0] - pair[1], pair[2].id))
    sure = len(priced) / len(plan.cost_lines)
    return reading.fact(_VARIANCE, share, sure=sure, evidence=tuple(_over(line, plan) for _, _, line in dear[:MAX_EVIDENCE]))


def _over(line: PlanLine, plan: PlanFacts) -> Evidence:
    currency = plan.head(line.plan_id).currency or ""
    return Evidence("work_item", line.id, line.key, line.url, f"costs {line.cost:f} {currency}, baseline {line.baseline_cost:f}".strip())


def _evidence(plan: PlanFacts) -> tuple[Evidence, ...]:
    return tuple(_source(one, plan) for one in sorted(plan.earned, key=lambda one: one.plan_id)[:MAX_EVIDENCE])


def _source(one: PlanEarned, plan: PlanFacts) -> Evidence:
    head = plan.head(one.plan_id)
    day = "" if one.at is None else f" as of {one.at.date()}"
    by = "earned value of the plan" if one.items is None else f"earned value of {one.items} of the plan's items"
    return Evidence("plan", one.plan_id, head.name, head.url, f"{by}{day}")


def _lacking(earned: Decimal | None, other: Decimal | None, name: str) -> str:
    if earned is None:
        return "no earned value is recorded"
    return f"no {name} is recorded" if other is None else f"there is no {name} yet"
