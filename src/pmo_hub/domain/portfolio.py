"""Portfolio health from the health of its projects (domain-standards C8): counts, the worst five, and one rating by weight."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from types import MappingProxyType

from pmo_hub.domain.health import Health
from pmo_hub.domain.rating import Rating
from pmo_hub.domain.thresholds import DIMENSIONS

OVERALL = "overall"


@dataclass(frozen=True, slots=True)
class Member:
    """A project of the portfolio. `budget` is the approved one, in `currency` (ISO 4217)."""

    project_id: str
    name: str
    url: str | None
    health: Health
    budget: Decimal | None = None
    currency: str | None = None


@dataclass(frozen=True, slots=True)
class PortfolioThresholds:
    """Shares of the weight; at least this much, not more than."""

    red_share: Fraction = Fraction(1, 5)
    amber_share: Fraction = Fraction(1, 5)
    known_share: Fraction = Fraction(1, 2)
    worst: int = 5


@dataclass(frozen=True, slots=True)
class PortfolioHealth:
    """`counts` are projects by dimension (and overall) and rating; `weighting` is budget or count; `worst` excludes GREEN projects."""

    rating: Rating
    reasons: tuple[str, ...]
    counts: Mapping[str, Mapping[Rating, int]]
    worst: tuple[Member, ...]
    weighting: str
    red_share: float | None
    amber_share: float | None
    known_share: float | None
    size: int


def assess_portfolio(members: Sequence[Member], thresholds: PortfolioThresholds | None = None) -> PortfolioHealth:
    """RED at a fifth of the weight RED, AMBER at a fifth RED or AMBER, GREY with under half known, else GREEN; shares are exact.

    Weight is the approved budget when every project has one in one currency, else a project is a project. An empty portfolio is GREY.
    """
    chosen = thresholds or PortfolioThresholds()
    counts = _counts(members)
    bad = sorted((member for member in members if member.health.rating is not Rating.GREEN), key=_badness)
    weights, weighting = _weights(members)
    total = sum(weights, Fraction(0))
    if not total:
        reasons = ("the portfolio has no projects",)
        return PortfolioHealth(Rating.GREY, reasons, counts, (), weighting, None, None, None, 0)

    def share(*ratings: Rating) -> Fraction:
        return (
            sum((weight for weight, member in zip(weights, members, strict=True) if member.health.rating in ratings), Fraction(0)) / total
        )

    red, amber, known = share(Rating.RED), share(Rating.RED, Rating.AMBER), 1 - share(Rating.GREY)
    what = "the approved budget" if weighting == "budget" else "the projects"
    if red >= chosen.red_share:
        rating, reason = Rating.RED, f"{_percent(red)} of {what} is RED; RED from {_percent(chosen.red_share)}"
    elif amber >= chosen.amber_share:
        rating, reason = Rating.AMBER, f"{_percent(amber)} of {what} is RED or AMBER; AMBER from {_percent(chosen.amber_share)}"
    elif known < chosen.known_share:
        rating, reason = Rating.GREY, f"only {_percent(known)} of {what} is known; GREY under {_percent(chosen.known_share)}"
    else:
        rating, reason = Rating.GREEN, f"{_percent(1 - amber)} of {what} is neither RED nor AMBER, {_percent(known)} is known"
    return PortfolioHealth(
        rating, (reason,), counts, tuple(bad[: chosen.worst]), weighting, float(red), float(amber), float(known), len(members)
    )


def _counts(members: Sequence[Member]) -> Mapping[str, Mapping[Rating, int]]:
    table = {name: dict.fromkeys(Rating, 0) for name in (OVERALL, *DIMENSIONS)}
    for member in members:
        table[OVERALL][member.health.rating] += 1
        for found in member.health.dimensions:
            table[found.dimension][found.rating] += 1
    return MappingProxyType({name: MappingProxyType(row) for name, row in table.items()})


def _weights(members: Sequence[Member]) -> tuple[list[Fraction], str]:
    budgets = [member.budget for member in members if member.budget is not None and member.budget >= 0]
    currencies = {member.currency for member in members}
    if members and len(budgets) == len(members) and len(currencies) == 1 and None not in currencies and sum(budgets) > 0:
        return [Fraction(budget) for budget in budgets], "budget"
    return [Fraction(1)] * len(members), "count"


def _badness(member: Member) -> tuple[int, float, str, str]:
    order = {Rating.RED: 0, Rating.AMBER: 1, Rating.GREY: 2, Rating.GREEN: 3}[member.health.rating]
    return order, member.health.score if member.health.score is not None else 100.0, member.name, member.project_id


def _percent(share: Fraction) -> str:
    return f"{float(share) * 100:.0f} %"
