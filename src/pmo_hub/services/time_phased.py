"""A project's work and cost over time: what is planned, what was done, what was agreed, as its plans tell them day by day."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from pmo_hub.domain.sources import SCHEDULED, believed
from pmo_hub.domain.time_phased import MOST_PERIODS, Step, Tally, count_periods, periods
from pmo_hub.domain.vocabulary import Phased
from pmo_hub.services.errors import Invalid, NotFound
from pmo_hub.services.hub import Hub
from pmo_hub.store.repositories import freshness, planned, same_as
from pmo_hub.store.repositories import plans as headers
from pmo_hub.store.repositories import time_phased as rows
from pmo_hub.store.repositories.plans import StoredPlan

KINDS = tuple((kind, amount) for amount in ("hours", "cost") for kind in Phased)
FIGURES = tuple(f"{kind.value}_{amount}" for kind, amount in KINDS)
"""planned_hours, actual_hours, baseline_hours, planned_cost, actual_cost, baseline_cost."""


@dataclass(frozen=True, slots=True)
class Figure:
    """A quantity over all time; it rests on `known` of `of` lines."""

    known: int
    of: int
    total: Decimal | None


@dataclass(frozen=True, slots=True)
class Figures:
    """Figure → its amount in the period, and all until the period's end; None is unknown."""

    first: date
    last: date
    inside: dict[str, Decimal | None]
    cumulative: dict[str, Decimal | None]


@dataclass(frozen=True, slots=True)
class TimePhasedInfo:
    """`because`: the role or the scope for which these plans are believed. `no_cost` says why costs are not added up."""

    plans: Sequence[StoredPlan]
    because: str | None
    currency: str | None
    no_cost: str | None
    first: date | None
    last: date | None
    figures: dict[str, Figure]
    periods: Sequence[Figures]


def time_phased(
    hub: Hub, project_id: str, first: date | None, last: date | None, by: Step, number: int = 0, as_of: datetime | None = None
) -> TimePhasedInfo:
    """What the plans say that are believed for the project's schedule; raises NotFound, and Invalid for too many periods.

    Without `first` and `last` from the first to the last day that has an amount. What is before `first` is in the cumulative amounts.
    """
    today = (as_of or hub.now()).date()
    with hub.work.read() as session:
        if freshness.head(session, project_id, as_of) is None:
            raise NotFound("project", project_id)
        takings = headers.takings(session, [project_id], as_of)[project_id]
        plans = headers.of_scopes(session, {one.scope_id for one in takings}, as_of)
        precedence = same_as.precedence(session, [project_id], as_of).get(project_id, {})
        own = rows.lines(session, project_id, as_of)
        counting = {scope: roles for scope, roles in planned.roles(takings, today).items() if scope in own}
        scopes, because = believed(SCHEDULED, counting, precedence)
        lines = [line for scope in sorted(scopes) for line in own[scope]]
        named = {plan_id for _, plan_id in lines}
        used = [plan for plan in plans if plan.id in named]
        tallies = {name: Tally(len(lines)) for name in FIGURES}
        for kind, work, cost in rows.by_day(session, [item for item, _ in lines], number, as_of):
            for amount, told in (("hours", work), ("cost", cost)):
                if told is not None:
                    tallies[f"{kind.value}_{amount}"].add(told)
    currencies = {plan.currency for plan in used}
    no_cost = None
    if len(used) > 1 and (len(currencies) > 1 or None in currencies):
        no_cost = "The plans are in several currencies, or don't say in which; ask for a project with one of them."
        tallies |= {name: Tally(len(lines)) for name in FIGURES if name.endswith("cost")}
    figures = {name: Figure(one.known, one.of, one.total) for name, one in tallies.items()}
    days = [day for one in tallies.values() for day in one.days]
    first, last = first or min(days, default=None), last or max(days, default=None)
    currency = next(iter(currencies)) if len(currencies) == 1 else None
    return TimePhasedInfo(used, because, currency, no_cost, first, last, figures, _periods(tallies, first, last, by))


def _periods(tallies: dict[str, Tally], first: date | None, last: date | None, by: Step) -> list[Figures]:
    if first is None or last is None or last < first:
        return []
    count = count_periods(first, last, by)
    if count > MOST_PERIODS:
        raise Invalid(
            "", f"From {first} to {last} there are {count} periods, and one answer has {MOST_PERIODS}: ask for less, or by month."
        )
    spans = periods(first, last, by)
    told = {name: one.by(spans) for name, one in tallies.items()}
    found = []
    for number, (start, end) in enumerate(spans):
        pairs = {name: values[number] for name, values in told.items()}
        inside = {name: None if pair is None else pair[0] for name, pair in pairs.items()}
        cumulative = {name: None if pair is None else pair[1] for name, pair in pairs.items()}
        found.append(Figures(start, end, inside, cumulative))
    return found
