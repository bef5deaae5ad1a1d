"""What each dimension of health looks at: facts against thresholds, each with its reason in plain words."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo
from math import ceil

from pmo_hub.domain.evidence import Evidence, Fact
from pmo_hub.domain.local_time import local_day, working_days, zone
from pmo_hub.domain.rating import Rating
from pmo_hub.domain.thresholds import Limits, Thresholds

_FARTHEST_DAYS = 36_500


@dataclass(frozen=True, slots=True)
class Indicator:
    """One look at a dimension: a rating, its score of 100, the reason in words, and the facts' evidence and lowest confidence."""

    rating: Rating
    score: float
    reason: str
    evidence: tuple[Evidence, ...]
    confidence: int


class Look:
    """Reads facts at an instant and notes what was missing."""

    def __init__(self, facts: Mapping[str, Fact], now: datetime, thresholds: Thresholds) -> None:
        self._facts = facts
        self.now = now
        self.thresholds = thresholds
        found = facts.get("project.time_zone")
        self.where: tzinfo = zone(found.value if found is not None and isinstance(found.value, str) else "UTC")
        self.today: date = local_day(now, self.where)
        self.missing: dict[str, str | None] = {}

    def number(self, name: str) -> float | None:
        fact = self._facts.get(name)
        if fact is not None and isinstance(fact.value, int | float) and not isinstance(fact.value, bool):
            return fact.value
        self._lacks(name, fact)
        return None

    def day(self, name: str) -> date | None:
        fact = self._facts.get(name)
        if fact is not None and isinstance(fact.value, date) and not isinstance(fact.value, datetime):
            return fact.value
        self._lacks(name, fact)
        return None

    def instant(self, name: str) -> datetime | None:
        fact = self._facts.get(name)
        if fact is not None and isinstance(fact.value, datetime):
            return fact.value
        self._lacks(name, fact)
        return None

    def optional_day(self, name: str) -> date | None:
        """A day that need not be there: its absence is no gap in the data."""
        fact = self._facts.get(name)
        return fact.value if fact is not None and isinstance(fact.value, date) and not isinstance(fact.value, datetime) else None

    def rated(self, value: float, limits: Limits, reason: str, *names: str) -> Indicator:
        return self.judged(limits.rate(value), limits.score(value), reason, *names)

    def judged(self, rating: Rating, score: float, reason: str, *names: str) -> Indicator:
        """An indicator that rests on the named facts."""
        used = [fact for name in names if (fact := self._facts.get(name)) is not None]
        evidence = tuple(dict.fromkeys(piece for fact in used for piece in fact.evidence))
        return Indicator(rating, score, reason, evidence, min((fact.confidence for fact in used), default=0))

    def _lacks(self, name: str, fact: Fact | None) -> None:
        self.missing[name] = fact.reason if fact is not None else None


def percent(share: float) -> str:
    return f"{share * 100:.0f} %"


def counted(number: float, noun: str) -> str:
    return f"{number:g} {noun}" + ("" if number == 1 else "s")


def _limits(limits: Limits, shown: Callable[[float], str] = percent) -> str:
    return f"amber above {shown(limits.amber)}, red above {shown(limits.red)}"


def schedule(look: Look) -> list[Indicator]:
    """Overdue work; the planned finish against the baseline or else the recent rate; missed deadlines; the running iteration; SPI."""
    found = [_overdue(look), _finish(look), _deadlines(look), _iteration(look), _spi_t(look), _spi(look)]
    return [indicator for indicator in found if indicator is not None]


def _overdue(look: Look) -> Indicator | None:
    share = look.number("project.overdue_share")
    if share is None:
        return None
    count = look.number("project.overdue_count")
    names = ("project.overdue_share", "project.overdue_count")
    limits = look.thresholds.overdue_share
    if share == 0:
        return look.rated(0.0, limits, "no open work is overdue", *names)
    items = f" ({counted(count, 'item')})" if count is not None else ""
    return look.rated(share, limits, f"{percent(share)} of the open work is overdue{items}; {_limits(limits)}", *names)


def _finish(look: Look) -> Indicator | None:
    planned, baseline = look.optional_day("project.finish"), look.optional_day("project.baseline_finish")
    if baseline is not None:
        scheduled = look.optional_day("project.planned_finish")
        expected = look.optional_day("project.forecast_finish") or scheduled or planned
        if expected is None:
            look.missing["project.forecast_finish"] = None
            return None
        used = ("project.forecast_finish", "project.planned_finish", "project.baseline_finish", "project.finish_slip_days")
        # By the plan's own calendar where the plan tells both ends; by weekdays where one of them is the hub's.
        late = _optional(look, "project.finish_slip_days") if expected == scheduled else None
        return _slip(look, baseline, expected, f"finishes {expected}, the baseline says {baseline}", *used, late=late)
    if planned is None:
        return None
    remaining, rate = look.number("project.open_count"), look.number("project.throughput_per_week")
    if remaining is None or rate is None:
        return None
    names = ("project.open_count", "project.throughput_per_week")
    if remaining == 0:
        return look.judged(Rating.GREEN, 100.0, f"no work is left before the planned finish {planned}", *names)
    if rate <= 0:
        reason = f"nothing was finished in the recent weeks: {counted(remaining, 'item')} won't be done by {planned}"
        return look.judged(Rating.RED, 0.0, reason, *names)
    expected = look.today + timedelta(days=min(_FARTHEST_DAYS, ceil(remaining / rate * 7)))
    reason = f"{counted(remaining, 'item')} at {rate:.1f} a week end about {expected}, planned {planned}"
    return _slip(look, planned, expected, reason, *names)


def _slip(look: Look, promised: date, expected: date, reason: str, *names: str, late: float | None = None) -> Indicator:
    start = look.optional_day("project.baseline_start") or look.optional_day("project.start")
    duration = max(0, working_days(start, promised)) if start is not None else 0
    days, share = look.thresholds.slip_days, look.thresholds.slip_share
    limits = Limits(max(days.amber, share.amber * duration), max(days.red, share.red * duration))
    late = working_days(promised, expected) if late is None else round(late, 1)
    said = f", {counted(late, 'working day')} late" if late > 0 else ""
    return look.rated(late, limits, f"{reason}{said}; {_limits(limits, lambda limit: f'{limit:g} days')}", *names)


def _deadlines(look: Look) -> Indicator | None:
    missed = _optional(look, "project.deadline_missed_count")
    if missed is None:
        return None
    said = f"{counted(missed, 'deadline')} of the plan missed" if missed else "no deadline of the plan is missed"
    return look.rated(missed, look.thresholds.missed_deadlines, said, "project.deadline_missed_count")


def _iteration(look: Look) -> Indicator | None:
    end = look.optional_day("project.iteration_end")
    if end is None or end < look.today:
        return None
    remaining, rate = look.number("project.iteration_open_count"), look.number("project.throughput_per_week")
    if remaining is None or rate is None:
        return None
    names = ("project.iteration_open_count", "project.throughput_per_week")
    weeks_left = ((end - look.today).days + 1) / 7
    limits = look.thresholds.iteration_load
    if rate <= 0:
        reason = f"nothing was finished in the recent weeks, the iteration to {end} holds {counted(remaining, 'item')}"
        return look.judged(Rating.AMBER, 40.0, reason, *names)
    load = remaining / (rate * weeks_left)
    reason = f"the iteration to {end} holds {counted(remaining, 'item')}, {load:.1f} times what the recent rate finishes by then"
    return look.rated(load, limits, f"{reason}; {_limits(limits, lambda limit: f'{limit:g}')}", *names)


def _spi_t(look: Look) -> Indicator | None:
    value = _optional(look, "project.spi_t")
    return None if value is None else look.rated(1 - value, look.thresholds.spi_t_shortfall, f"SPI(t) is {value:.2f}", "project.spi_t")


def _spi(look: Look) -> Indicator | None:
    """In money, as the source computed it, while it says something: towards the end it goes to 1 however late the project is (C1)."""
    value, done = _optional(look, "project.spi"), _optional(look, "project.plan_percent_complete")
    if value is None or done is None or done > look.thresholds.spi_until_percent:
        return None
    return look.rated(1 - value, look.thresholds.spi_t_shortfall, f"SPI is {value:.2f}", "project.spi")


def _optional(look: Look, name: str) -> float | None:
    value = look.number(name)
    look.missing.pop(name, None)
    return value


def scope(look: Look) -> list[Indicator]:
    """Growth of all work where the finish is fixed, else growth of the backlog: a product's backlog has no end to grow past."""
    limits = look.thresholds.scope_growth
    if look.optional_day("project.finish") is not None and (growth := look.number("project.scope_growth_90d_share")) is not None:
        name, what = "project.scope_growth_90d_share", "the scope"
    elif (growth := look.number("project.backlog_growth_28d_share")) is not None:
        name, what = "project.backlog_growth_28d_share", "the open backlog"
    else:
        return []
    window = "90 days" if "90d" in name else "28 days"
    moved = "did not change" if round(growth, 2) == 0 else f"{'grew' if growth > 0 else 'shrank'} by {percent(abs(growth))}"
    return [look.rated(growth, limits, f"{what} {moved} in {window}; {_limits(limits)}", name, "project.created_28d_count")]


def cost(look: Look) -> list[Indicator]:
    """Variance at completion over budget, and CPI."""
    found = []
    if (variance := look.number("project.cost_variance_share")) is not None:
        reason = f"the estimate at completion is {percent(abs(variance))} {'over' if variance < 0 else 'under'} budget"
        found.append(look.rated(-variance, look.thresholds.cost_overrun_share, reason, "project.cost_variance_share"))
    if (cpi := look.number("project.cpi")) is not None:
        found.append(look.rated(1 - cpi, look.thresholds.cpi_shortfall, f"CPI is {cpi:.2f}", "project.cpi"))
    return found


def risk(look: Look) -> list[Indicator]:
    """Open risks that nobody owns or reviews; an owner stands in for a response, which the sources don't hold."""
    limits, found = look.thresholds, []
    if (critical := look.number("project.unowned_critical_risk_count")) is not None:
        said = (
            f"{counted(critical, 'open risk')} of the highest priority without an owner"
            if critical
            else "no critical risk is without an owner"
        )
        found.append(look.rated(critical, limits.unowned_critical_risks, said, "project.unowned_critical_risk_count"))
    if (unowned := look.number("project.unowned_risk_count")) is not None:
        said = f"{counted(unowned, 'open risk')} without an owner" if unowned else "every open risk has an owner"
        found.append(look.rated(unowned, limits.unowned_risks, said, "project.unowned_risk_count"))
    if look.number("project.open_risk_count") and (touched := look.instant("project.stalest_risk_updated_at")) is not None:
        days = (look.today - local_day(touched, look.where)).days
        late = days > limits.risk_review_days
        rating, score = (Rating.AMBER, 60.0) if late else (Rating.GREEN, 90.0)
        said = f"an open risk was last touched {counted(days, 'day')} ago; amber after {limits.risk_review_days}"
        found.append(look.judged(rating, score, said, "project.stalest_risk_updated_at"))
    if (ratio := _optional(look, "project.exposure_ratio")) is not None:
        said = f"exposure is {ratio:.1f} times the remaining contingency"
        found.append(look.rated(ratio, limits.exposure_ratio, said, "project.exposure_ratio"))
    return found


def quality(look: Look) -> list[Indicator]:
    """Open blockers: how many, and whether one is older than its time limit."""
    blockers = look.number("project.open_blocker_count")
    if blockers is None:
        return []
    limits = look.thresholds.open_blockers
    said = f"{counted(blockers, 'open blocker')}" if blockers else "no blocker is open"
    found = [look.rated(blockers, limits, said, "project.open_blocker_count", "project.open_bug_count")]
    if blockers and (oldest := look.instant("project.oldest_blocker_created_at")) is not None:
        age, limit = working_days(local_day(oldest, look.where), look.today), look.thresholds.blocker_age_days
        if age > limit:
            said = f"a blocker has been open for {counted(age, 'working day')}; red after {limit}"
            found.append(look.judged(Rating.RED, max(0.0, 40.0 - age), said, "project.oldest_blocker_created_at"))
    return found


def flow(look: Look) -> list[Indicator]:
    """Work in progress that is older than its kind usually takes, or blocked."""
    found = []
    if (ageing := look.number("project.ageing_wip_share")) is not None:
        limits = look.thresholds.ageing_wip_share
        said = f"{percent(ageing)} of the work in progress is older than 85 % of finished work took; {_limits(limits)}"
        found.append(look.rated(ageing, limits, said, "project.ageing_wip_share"))
    if (blocked := look.number("project.blocked_wip_share")) is not None:
        limits = look.thresholds.blocked_wip_share
        found.append(
            look.rated(
                blocked, limits, f"{percent(blocked)} of the work in progress is blocked; {_limits(limits)}", "project.blocked_wip_share"
            )
        )
    return found


def resources(look: Look) -> list[Indicator]:
    """Near-term work without hands, and work in the hands of deactivated accounts."""
    found = []
    if (alone := look.number("project.unassigned_near_term_share")) is not None:
        limits = look.thresholds.unassigned_share
        said = f"nobody is assigned to {percent(alone)} of the near-term work; {_limits(limits)}"
        found.append(look.rated(alone, limits, said, "project.unassigned_near_term_share"))
        if (gone := look.number("project.inactive_assignee_count")) is not None:
            said = (
                f"{counted(gone, 'open item')} assigned to deactivated accounts" if gone else "no work is assigned to deactivated accounts"
            )
            found.append(look.rated(gone, look.thresholds.inactive_assignees, said, "project.inactive_assignee_count"))
    return found


LOOKS: Mapping[str, Callable[[Look], list[Indicator]]] = {
    "schedule": schedule,
    "scope": scope,
    "cost": cost,
    "risk": risk,
    "quality": quality,
    "flow": flow,
    "resources": resources,
}
