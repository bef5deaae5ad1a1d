"""Work and cost over time on the wire: null is unknown, never zero, and each figure says on how many tasks it rests."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

from pydantic import BaseModel, Field

from pmo_hub.api.schemas.plans import Money, PlanRef
from pmo_hub.api.schemas.work_items import AS_OF
from pmo_hub.domain.time_phased import Step
from pmo_hub.services.time_phased import Figure, TimePhasedInfo


class HoursFigure(BaseModel):
    known: int = Field(description="of so many tasks it is known")
    of: int = Field(description="so many tasks count: no summaries, nor what is inactive")
    total_hours: float | None


class CostFigure(BaseModel):
    known: int = Field(description="of so many tasks it is known")
    of: int = Field(description="so many tasks count: no summaries, nor what is inactive")
    total_cost: Money | None


class FiguresView(BaseModel):
    """What each figure rests on, and how much it is over all time; what is planned has in it what was done already."""

    planned_hours: HoursFigure
    actual_hours: HoursFigure
    baseline_hours: HoursFigure
    planned_cost: CostFigure
    actual_cost: CostFigure
    baseline_cost: CostFigure


class AmountsView(BaseModel):
    """Hours of work, and amounts of money; null is unknown, never zero."""

    planned_hours: float | None
    actual_hours: float | None
    baseline_hours: float | None
    planned_cost: Money | None
    actual_cost: Money | None
    baseline_cost: Money | None


class PeriodView(AmountsView):
    first: date
    last: date = Field(description="the period's last day, which is in it")
    cumulative: AmountsView = Field(description="all until the period's end, also what is before the first period")


class TimePhasedView(BaseModel):
    """A project's work and cost over time, of the tasks of the plans that are believed for its schedule."""

    by: Step
    baseline: int = Field(description="which of the baselines 0 to 10")
    first: date | None = Field(description="null where nothing is known")
    last: date | None
    currency: str | None = Field(description="of the costs; null where the plans don't say")
    no_cost: str | None = Field(description="why costs are not added up; null where they are")
    because: str | None = Field(description="the role or the scope for which these plans are believed")
    plans: list[PlanRef]
    figures: FiguresView
    periods: list[PeriodView] = Field(description="whole days, weeks from Monday, or months, without a gap")
    as_of: datetime | None = Field(None, description=AS_OF)


def time_phased_view(found: TimePhasedInfo, by: Step, baseline: int, as_of: datetime | None) -> TimePhasedView:
    return TimePhasedView(
        by=by, baseline=baseline, first=found.first, last=found.last, currency=found.currency, no_cost=found.no_cost,
        because=found.because, plans=[PlanRef.model_validate(plan, from_attributes=True) for plan in found.plans],
        figures=FiguresView.model_validate({name: _figure(name, one) for name, one in found.figures.items()}),
        periods=[
            PeriodView(first=one.first, last=one.last, cumulative=_amounts(one.cumulative), **_amounts(one.inside).model_dump())
            for one in found.periods
        ],
        as_of=as_of,
    )  # fmt: skip


def _figure(name: str, one: Figure) -> HoursFigure | CostFigure:
    if name.endswith("_cost"):
        return CostFigure(known=one.known, of=one.of, total_cost=one.total)
    return HoursFigure(known=one.known, of=one.of, total_hours=None if one.total is None else float(one.total))


def _amounts(told: dict[str, Decimal | None]) -> AmountsView:
    return AmountsView.model_validate(told)
