"""Project health: seven dimensions rated from facts (domain-standards C8), the worst known one overall, GREY where nobody can know."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from pmo_hub.domain.evidence import MAX_EVIDENCE, Evidence, Fact
from pmo_hub.domain.indicators import LOOKS, Indicator, Look
from pmo_hub.domain.rating import Held, Rating, hold, weighted_score, worst
from pmo_hub.domain.thresholds import DIMENSIONS, Limits, Thresholds

__all__ = [
    "DIMENSIONS",
    "DimensionHealth",
    "Health",
    "Held",
    "Limits",
    "Rating",
    "Thresholds",
    "assess",
    "hold",
    "weighted_score",
    "worst",
]


@dataclass(frozen=True, slots=True)
class DimensionHealth:
    """`reasons` are sentences, worst first; `missing` names the facts that were unknown, with their reason where one is known."""

    dimension: str
    rating: Rating
    score: float | None
    reasons: tuple[str, ...]
    evidence: tuple[Evidence, ...]
    confidence: int
    data_age_s: float | None
    missing: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Health:
    """The overall rating is the worst known dimension's; `score` (0..100) is for ranking only, the colour never comes from it."""

    rating: Rating
    dimensions: tuple[DimensionHealth, ...]
    score: float | None
    reasons: tuple[str, ...]
    confidence: int
    data_age_s: float | None

    @property
    def known(self) -> int:
        return sum(1 for found in self.dimensions if found.rating is not Rating.GREY)

    @property
    def coverage(self) -> str:
        """How much the overall rating rests on, such as "3 of 7 known"."""
        return f"{self.known} of {len(self.dimensions)} known"


def assess(facts: Mapping[str, Fact], now: datetime, thresholds: Thresholds | None = None) -> Health:
    """The health that these facts show at an instant. A dimension without facts is GREY and says what is missing.

    All is GREY when the last success is older than two cadences or never was; overall also when the schedule is. A dimension is GREY
    too when its confidence is under the minimum, or when a doubtful indicator is worse than all trusted ones: doubt never improves.
    """
    chosen = thresholds or Thresholds()
    age, stale = _freshness(facts, now)
    dimensions = tuple(_dimension(name, facts, now, chosen, age, stale) for name in DIMENSIONS)
    known = [found for found in dimensions if found.rating is not Rating.GREY]
    score = weighted_score((chosen.weights.get(found.dimension, 1.0), found.score) for found in known if found.score is not None)
    confidence = min((found.confidence for found in known), default=0)
    schedule = dimensions[0]
    if stale is not None:
        return Health(Rating.GREY, dimensions, None, (stale,), confidence, age)
    if schedule.rating is Rating.GREY:
        reasons = tuple(f"the schedule is unknown: {reason}" for reason in schedule.reasons)
        return Health(Rating.GREY, dimensions, score, reasons, confidence, age)
    overall = worst(found.rating for found in dimensions)
    reasons = tuple(f"{found.dimension}: {reason}" for found in known if found.rating is overall for reason in found.reasons[:1])
    return Health(overall, dimensions, score, reasons, confidence, age)


def _freshness(facts: Mapping[str, Fact], now: datetime) -> tuple[float | None, str | None]:
    """The age of the data in seconds, and why it is too old; None when it is fresh. Judged at `now`, not when facts were measured."""
    synced = facts.get("project.synced_at")
    if synced is None or not isinstance(synced.value, datetime):
        return None, "the project was never synced"
    age = max(0.0, (now - synced.value).total_seconds())
    cadence = facts.get("project.cadence_minutes")
    if cadence is None or isinstance(cadence.value, bool) or not isinstance(cadence.value, int):
        return age, "nobody knows how often the project is synced"
    if now - synced.value > 2 * timedelta(minutes=cadence.value):
        return (
            age,
            f"the last successful sync was on {synced.value:%Y-%m-%d at %H:%M} UTC, more than two cadences of {cadence.value} minutes ago",
        )
    return age, None


def _dimension(
    name: str, facts: Mapping[str, Fact], now: datetime, thresholds: Thresholds, age: float | None, stale: str | None
) -> DimensionHealth:
    look = Look(facts, now, thresholds)
    indicators = sorted(LOOKS[name](look), key=lambda found: (-found.rating.severity, found.score))
    missing = tuple(f"{fact}: {reason}" if reason else fact for fact, reason in look.missing.items())
    if not indicators:
        said = tuple(dict.fromkeys(reason for reason in look.missing.values() if reason)) or ("nothing was measured",)
        return DimensionHealth(name, Rating.GREY, None, (stale, *said) if stale else said, (), 0, age, missing)
    evidence = tuple(dict.fromkeys(piece for found in indicators for piece in found.evidence))[:MAX_EVIDENCE]
    trusted = [found for found in indicators if found.confidence >= thresholds.min_confidence]
    reasons = tuple(found.reason for found in indicators)
    if stale is not None:
        old = tuple(f"when last read: {reason}" for reason in reasons)
        confidence = min(found.confidence for found in indicators)
        return DimensionHealth(name, Rating.GREY, None, (stale, *old), evidence, confidence, age, missing)
    if _doubtful(indicators, trusted):
        confidence = min(found.confidence for found in indicators)
        said = (f"confidence {confidence} of 100 is under {thresholds.min_confidence}", *reasons)
        return DimensionHealth(name, Rating.GREY, None, said, evidence, confidence, age, missing)
    confidence = min(found.confidence for found in trusted)
    rating, score = worst(found.rating for found in trusted), round(min(found.score for found in trusted), 1)
    return DimensionHealth(name, rating, score, reasons, evidence, confidence, age, missing)


def _doubtful(indicators: list[Indicator], trusted: list[Indicator]) -> bool:
    return not trusted or indicators[0].rating.severity > max(found.rating.severity for found in trusted)
