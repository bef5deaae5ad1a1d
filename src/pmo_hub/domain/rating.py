"""RAG + GREY: ratings, scores, and the rule that a better rating must hold before it is shown."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum


class Rating(StrEnum):
    """GREY is unknown: neither better nor worse than a colour."""

    RED = "red"
    AMBER = "amber"
    GREEN = "green"
    GREY = "grey"

    @property
    def severity(self) -> int:
        """0 green, 1 amber, 2 red; -1 when grey, which no comparison may use."""
        return {"grey": -1, "green": 0, "amber": 1, "red": 2}[self.value]


def worst(ratings: Iterable[Rating]) -> Rating:
    """The worst known rating; GREY when none is known."""
    return max(ratings, key=lambda rating: rating.severity, default=Rating.GREY)


def weighted_score(scores: Iterable[tuple[float, float]]) -> float | None:
    """The mean of (weight, score) pairs by weight; None when nothing weighs."""
    pairs = list(scores)
    total = sum(weight for weight, _ in pairs)
    return sum(weight * score for weight, score in pairs) / total if total > 0 else None


@dataclass(frozen=True, slots=True)
class Held:
    """A rating as shown. `known` is the last colour shown, `better` what is on trial since `better_since`.

    `holds_until` is when the trial ends: the clock job looks again then.
    """

    rating: Rating
    known: Rating | None = None
    better: Rating | None = None
    better_since: datetime | None = None
    holds_until: datetime | None = None


def hold(previous: Held | None, current: Rating, now: datetime, interval: timedelta) -> Held:
    """What to show: a worse rating at once, a better one when it has held for the interval, GREY at once.

    What was better without a break but varied is shown at its worst. A spell of GREY doesn't shorten a trial: after it the last
    colour shown counts as the one before.
    """
    base = previous.known if previous is not None else None
    if current is Rating.GREY:
        return Held(Rating.GREY, base)
    if previous is None or base is None or current.severity >= base.severity:
        return Held(current, current)
    since = previous.better_since or now
    trial = worst((current, previous.better or current))
    if now - since < interval:
        return Held(base, base, trial, since, since + interval)
    if current.severity < trial.severity:
        return Held(trial, trial, current, now, now + interval)
    return Held(trial, trial)
