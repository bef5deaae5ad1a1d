"""Risk signals: what the items and facts say may go wrong, as likelihood × impact on 1..5 (domain-standards C7), with a response."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

from pmo_hub.domain.evidence import Evidence, Fact, ItemFacts, ProjectFacts
from pmo_hub.domain.local_time import local_day
from pmo_hub.domain.providers.reading import Parameters, Reading, deadline, links, read
from pmo_hub.domain.providers.resources import near_term
from pmo_hub.domain.vocabulary import Kind

Steps = tuple[tuple[float, int], ...]
"""(limit, level) from small to large: the level of the last limit that a value exceeds."""


class Band(StrEnum):
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"


@dataclass(frozen=True, slots=True)
class SignalParameters:
    """When a signal appears and how it grows; bands are C7's lower bounds, all else is ours. Ages are calendar days."""

    medium_from: int = 5
    high_from: int = 10
    critical_from: int = 15
    overdue_likelihood: Steps = ((0.0, 2), (0.05, 3), (0.15, 4), (0.30, 5))
    overdue_impact: Steps = ((0, 2), (7, 3), (14, 4), (30, 5))
    blocker_likelihood: Steps = ((5, 3), (10, 4), (20, 5))
    blocker_impact: Steps = ((0, 3), (2, 4))
    unassigned_likelihood: Steps = ((0.0, 2), (0.10, 3), (0.20, 4), (0.50, 5))
    unassigned_impact: Steps = ((0.0, 2), (0.20, 3), (0.50, 4))
    urgent_days: int = 7
    silence_likelihood: Steps = ((14, 3), (30, 4), (60, 5))
    silence_finish_days: int = 90


@dataclass(frozen=True, slots=True)
class RiskSignal:
    """A computed risk. `id` is kind and entity, the same as long as the signal lasts; `exposure` is likelihood × impact."""

    id: str
    kind: str
    entity_id: str
    title: str
    likelihood: int
    impact: int
    exposure: int
    band: Band
    evidence: tuple[Evidence, ...]
    response: str
    confidence: int


def band(exposure: int, parameters: SignalParameters | None = None) -> Band:
    """low 1–4, medium 5–9, high 10–14, critical 15–25 unless the parameters say otherwise."""
    chosen = parameters or SignalParameters()
    if exposure >= chosen.critical_from:
        return Band.CRITICAL
    if exposure >= chosen.high_from:
        return Band.HIGH
    return Band.MEDIUM if exposure >= chosen.medium_from else Band.LOW


def emv(outcomes: Sequence[tuple[float, float]]) -> float:
    """Expected monetary value of (probability, impact) pairs in one currency; an opportunity's impact is negative."""
    return sum(probability * impact for probability, impact in outcomes)


def signals(
    project: ProjectFacts,
    items: Sequence[ItemFacts],
    facts: Mapping[str, Fact],
    now: datetime,
    parameters: SignalParameters | None = None,
    reading_parameters: Parameters | None = None,
) -> tuple[RiskSignal, ...]:
    """The signals of an active project, largest exposure first, then by id; none of a project that isn't active."""
    if project.state != "active":
        return ()
    reading = read(project, items, now, reading_parameters or Parameters())
    chosen = parameters or SignalParameters()
    found = [signal for look in _LOOKS if (signal := look(reading, facts, chosen)) is not None]
    return tuple(sorted(found, key=lambda signal: (-signal.exposure, signal.id)))


def level(value: float, steps: Steps) -> int:
    """The level of the last limit that the value exceeds; 0 when it exceeds none."""
    return max((found for limit, found in steps if value > limit), default=0)


def _signal(
    reading: Reading,
    kind: str,
    title: str,
    likelihood: int,
    impact: int,
    parameters: SignalParameters,
    *,
    evidence: tuple[Evidence, ...],
    response: str,
    confidence: int,
) -> RiskSignal:
    likelihood, impact = min(5, likelihood), min(5, impact)
    exposure = likelihood * impact
    entity = reading.project.id
    rated = band(exposure, parameters)
    return RiskSignal(f"{kind}:{entity}", kind, entity, title, likelihood, impact, exposure, rated, evidence, response, confidence)


def _overdue(reading: Reading, facts: Mapping[str, Fact], parameters: SignalParameters) -> RiskSignal | None:
    late = [(day, item) for item in reading.open if (day := deadline(item)) is not None and day < reading.today]
    if not late:
        return None
    share = reading.weight(item for _, item in late) / reading.weight(reading.open)
    oldest = min(day for day, _ in late)
    days = (reading.today - oldest).days
    measured = facts.get("project.overdue_share")
    return _signal(
        reading,
        "overdue_work",
        f"{_items(len(late))} overdue, the oldest by {_days(days)}",
        level(share, parameters.overdue_likelihood),
        level(days, parameters.overdue_impact),
        parameters,
        evidence=links((item for _, item in late), lambda item: deadline(item) or date.max, lambda item: f"due {deadline(item)}"),
        response="Re-plan or cut the oldest items with their owners, and tell whoever waits for them.",
        confidence=measured.confidence if measured is not None else reading.confidence,
    )


def _blockers(reading: Reading, facts: Mapping[str, Fact], parameters: SignalParameters) -> RiskSignal | None:
    urgent = reading.parameters.blocker_priority

    def since(item: ItemFacts) -> datetime | None:
        if item.blocked:
            return item.status_since
        return item.created_at if item.kind is Kind.BUG and (item.priority or 0) >= urgent else None

    least = parameters.blocker_likelihood[0][0]
    ageing = {item.id: begun for item in reading.open if (begun := since(item)) is not None and _age(reading, begun) > least}
    if not ageing:
        return None
    stuck = [item for item in reading.open if item.id in ageing]
    days = _age(reading, min(ageing.values()))
    worsened = any((item.priority or 0) >= urgent for item in stuck)
    return _signal(
        reading,
        "ageing_blockers",
        f"{_items(len(stuck))} blocked or blocking, the oldest for {_days(days)}",
        level(days, parameters.blocker_likelihood),
        level(len(stuck), parameters.blocker_impact) + worsened,
        parameters,
        evidence=links(
            stuck,
            lambda item: ageing[item.id],
            lambda item: f"{'blocked' if item.blocked else 'open blocker'} since {reading.day(ageing[item.id])}",
        ),
        response="Give each blocker one owner and a date; escalate what the team can't remove itself.",
        confidence=reading.confidence,
    )


def _unassigned(reading: Reading, facts: Mapping[str, Fact], parameters: SignalParameters) -> RiskSignal | None:
    near = [item for item in reading.open if near_term(reading, item)]
    alone = [item for item in near if item.assignee_id is None and not item.is_staffed]
    if not alone:
        return None
    share = len(alone) / len(near)
    horizon = reading.today + timedelta(days=parameters.urgent_days)
    pressing = sum(1 for item in alone if (day := deadline(item)) is not None and day <= horizon)
    said = f", {pressing} due within {_days(parameters.urgent_days)}" if pressing else ""
    return _signal(
        reading,
        "unassigned_near_term_work",
        f"nobody is assigned to {len(alone)} of {_items(len(near))} of near-term work{said}",
        level(share, parameters.unassigned_likelihood),
        level(share, parameters.unassigned_impact) + (pressing > 0),
        parameters,
        evidence=links(
            alone,
            lambda item: deadline(item) or date.max,
            lambda item: f"due {deadline(item)}, nobody assigned" if deadline(item) else "in progress, nobody assigned",
        ),
        response="Assign an owner to each item, or move it out of the near term.",
        confidence=reading.confidence,
    )


def _silence(reading: Reading, facts: Mapping[str, Fact], parameters: SignalParameters) -> RiskSignal | None:
    activity = facts.get("project.last_activity_at")
    if activity is None or not isinstance(activity.value, datetime) or not reading.open:
        return None
    days = _age(reading, activity.value)
    likelihood = level(days, parameters.silence_likelihood)
    if not likelihood:
        return None
    finish = reading.project.finish
    near_end = finish is not None and finish <= reading.today + timedelta(days=parameters.silence_finish_days)
    return _signal(
        reading,
        "silence",
        f"nothing has changed for {_days(days)} while {_items(len(reading.open))} open",
        likelihood,
        4 if near_end else 3,
        parameters,
        evidence=activity.evidence,
        response="Ask the manager whether the project still runs: resume it, put it on hold or close it.",
        confidence=activity.confidence,
    )


_LOOKS: tuple[Callable[[Reading, Mapping[str, Fact], SignalParameters], RiskSignal | None], ...] = (
    _overdue,
    _blockers,
    _unassigned,
    _silence,
)


def _age(reading: Reading, instant: datetime) -> int:
    return (reading.today - local_day(instant, reading.where)).days


def _items(number: int) -> str:
    return f"{number} item" if number == 1 else f"{number} items"


def _days(number: int) -> str:
    return f"{number} day" if number == 1 else f"{number} days"
