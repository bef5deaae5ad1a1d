"""The order of ratings."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pmo_hub.domain.health import Held, Limits, Rating, hold, weighted_score, worst
from tests.domain.estate import NOW

RED, AMBER, GREEN, GREY = Rating.RED, Rating.AMBER, Rating.GREEN, Rating.GREY
HOUR = timedelta(hours=1)
LIMITS = st.tuples(st.floats(0, 10), st.floats(0, 10)).map(lambda pair: Limits(min(pair), max(pair)))


@pytest.mark.parametrize(
    ("value", "rating", "score"),
    [(0, GREEN, 100), (0.05, GREEN, 70), (0.1, AMBER, 55), (0.15, AMBER, 40), (0.225, RED, 20), (9, RED, 0)],
)
def test_a_value_at_a_limit_is_still_on_its_better_side(value: float, rating: Rating, score: float) -> None:
    limits = Limits(0.05, 0.15)
    assert limits.rate(value) is rating
    assert limits.score(value) == pytest.approx(score)


def test_a_limit_is_not_passed_by_a_binary_tail() -> None:
    assert Limits(0.05, 0.15).rate(1 - 0.95) is GREEN
    assert Limits(0.05, 0.15).rate(1 - 0.85) is AMBER


@given(LIMITS, st.floats(-5, 50), st.floats(-5, 50))
def test_a_larger_value_never_rates_or_scores_better(limits: Limits, one: float, other: float) -> None:
    small, large = min(one, other), max(one, other)
    assert limits.rate(small).severity <= limits.rate(large).severity
    assert limits.score(small) >= limits.score(large)
    assert 0 <= limits.score(large) <= 100


def test_the_worst_is_the_worst_known() -> None:
    assert worst([GREEN, GREY, AMBER]) is AMBER
    assert worst([GREY, GREEN]) is GREEN
    assert worst([GREY]) is worst([]) is GREY


def test_the_published_weighted_score_is_seventy() -> None:
    assert weighted_score([(0.3, 60), (0.3, 80), (0.2, 100), (0.2, 40)]) == pytest.approx(70)
    assert weighted_score([]) is None


def shown(*ratings: Rating, step: timedelta = timedelta(minutes=30)) -> list[Rating]:
    """What is shown when these ratings are computed one step apart, with a trial of one hour."""
    held: Held | None = None
    found = []
    for number, rating in enumerate(ratings):
        held = hold(held, rating, NOW + number * step, HOUR)
        found.append(held.rating)
    return found


def test_worse_is_shown_at_once_and_better_after_it_has_held() -> None:
    assert shown(GREEN, RED, GREEN, GREEN, GREEN, GREEN) == [GREEN, RED, RED, RED, GREEN, GREEN]


def test_a_relapse_starts_the_trial_again() -> None:
    assert shown(RED, GREEN, RED, GREEN, GREEN, GREEN) == [RED, RED, RED, RED, RED, GREEN]


def test_what_varied_on_trial_is_shown_at_its_worst() -> None:
    assert shown(RED, AMBER, GREEN, GREEN, GREEN, GREEN) == [RED, RED, RED, AMBER, AMBER, GREEN]


def test_a_spell_of_grey_does_not_launder_a_red() -> None:
    assert shown(RED, GREY, GREEN, GREEN, GREEN) == [RED, GREY, RED, RED, GREEN]
    assert shown(GREY, GREEN) == [GREY, GREEN]


def test_the_clock_is_told_when_a_trial_ends() -> None:
    held = hold(hold(None, RED, NOW, HOUR), GREEN, NOW + HOUR, HOUR)
    assert (held.rating, held.holds_until) == (RED, NOW + 2 * HOUR)
    assert hold(held, GREEN, NOW + 2 * HOUR, HOUR) == Held(GREEN, GREEN)


@given(st.lists(st.sampled_from(Rating), min_size=1))
def test_what_is_shown_is_never_better_than_what_was_computed(ratings: list[Rating]) -> None:
    for computed, seen in zip(ratings, shown(*ratings), strict=True):
        assert (seen is GREY) == (computed is GREY)
        assert seen.severity >= computed.severity
