"""Portfolio health by the rules of domain-standards C8."""

from __future__ import annotations

from decimal import Decimal
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pmo_hub.domain.health import DIMENSIONS, DimensionHealth, Health, Rating
from pmo_hub.domain.portfolio import Member, assess_portfolio

RED, AMBER, GREEN, GREY = Rating.RED, Rating.AMBER, Rating.GREEN, Rating.GREY


def member(name: str, rating: Rating, score: float | None = 50.0, budget: str | None = None, currency: str | None = "EUR") -> Member:
    dimensions = tuple(DimensionHealth(dimension, rating, score, ("said",), (), 90, 0.0, ()) for dimension in DIMENSIONS)
    health = Health(rating, dimensions, score, (f"{name} is {rating.value}",), 90, 0.0)
    return Member(name, name, None, health, None if budget is None else Decimal(budget), currency)


def members(red: int, amber: int, green: int, grey: int) -> list[Member]:
    ratings = [RED] * red + [AMBER] * amber + [GREEN] * green + [GREY] * grey
    return [member(f"P{number}", rating) for number, rating in enumerate(ratings)]


@pytest.mark.parametrize(
    ("counts", "rating"),
    [
        ((1, 0, 4, 0), RED),  # a fifth is enough
        ((1, 0, 5, 0), GREEN),
        ((1, 1, 7, 0), AMBER),  # 2 of 9
        ((0, 1, 4, 0), AMBER),
        ((0, 1, 5, 0), GREEN),
        ((0, 0, 5, 5), GREEN),  # half known is known enough
        ((0, 0, 4, 5), GREY),
        ((2, 0, 0, 8), RED),
        ((1, 0, 0, 8), GREY),
        ((0, 0, 0, 0), GREY),
    ],
)
def test_a_fifth_decides_and_under_half_known_is_grey(counts: tuple[int, int, int, int], rating: Rating) -> None:
    assert assess_portfolio(members(*counts)).rating is rating


def test_shares_at_the_limit_are_exact() -> None:
    """A fifth in decimal money: 0.1 + 0.1 of 1.0 in binary fractions would depend on the order."""
    budgets = [member("A", RED, budget="0.1"), member("B", RED, budget="0.1"), *(member(f"C{n}", GREEN, budget="0.1") for n in range(8))]
    assert assess_portfolio(budgets).rating is RED
    assert assess_portfolio(budgets[::-1]).rating is RED


def test_budgets_weigh_when_all_projects_have_one_in_one_currency() -> None:
    big = [member("Big", RED, budget="200"), *(member(f"S{n}", GREEN, budget="100") for n in range(8))]
    by_budget = assess_portfolio(big)
    assert (by_budget.rating, by_budget.weighting, by_budget.red_share) == (RED, "budget", 0.2)
    assert by_budget.reasons == ("20 % of the approved budget is RED; RED from 20 %",)
    for odd in (
        member("S8", GREEN, budget=None),
        member("S8", GREEN, budget="100", currency="USD"),
        member("S8", GREEN, budget="100", currency=None),
    ):
        by_count = assess_portfolio([*big, odd])
        assert (by_count.rating, by_count.weighting) == (GREEN, "count")


def test_projects_are_counted_by_dimension_and_rating() -> None:
    found = assess_portfolio(members(1, 2, 3, 4))
    for name in ("overall", *DIMENSIONS):
        assert dict(found.counts[name]) == {RED: 1, AMBER: 2, GREEN: 3, GREY: 4}
    assert (found.size, found.known_share) == (10, 0.6)


def test_the_worst_five_are_the_reddest_then_the_lowest_scores_and_never_green() -> None:
    found = assess_portfolio(
        [
            member("green", GREEN, 1),
            member("grey", GREY, None),
            member("amber low", AMBER, 10),
            member("amber high", AMBER, 60),
            member("red b", RED, 20),
            member("red a", RED, 20),
            member("red low", RED, 5),
        ]
    )
    assert [worst.name for worst in found.worst] == ["red low", "red a", "red b", "amber low", "amber high"]
    assert found.worst[0].health.reasons == ("red low is red",)
    assert assess_portfolio(members(0, 0, 3, 0)).worst == ()


ESTATES = st.lists(
    st.builds(
        lambda number, rating, score, budget: member(f"P{number}", rating, score, budget),
        st.integers(0, 10**6),
        st.sampled_from(Rating),
        st.sampled_from([None, 10.0, 50.0]),
        st.sampled_from([None, "0", "10.5", "100"]),
    ),
    max_size=12,
    unique_by=lambda found: found.project_id,
)


@given(ESTATES, st.randoms(use_true_random=False))
def test_the_order_of_the_projects_changes_nothing(estate: list[Member], chance: Random) -> None:
    shuffled = list(estate)
    chance.shuffle(shuffled)
    assert assess_portfolio(estate) == assess_portfolio(shuffled)


@given(ESTATES.filter(bool), st.data())
def test_a_worse_project_never_makes_a_better_portfolio(estate: list[Member], data: st.DataObject) -> None:
    order = {GREEN: 0, GREY: 0, AMBER: 1, RED: 2}
    at = data.draw(st.integers(0, len(estate) - 1))
    chosen = estate[at]
    worse = data.draw(st.sampled_from([rating for rating in Rating if rating.severity >= max(0, chosen.health.rating.severity)]))
    changed = [*estate]
    changed[at] = Member(chosen.project_id, chosen.name, None, member(chosen.name, worse).health, chosen.budget, chosen.currency)
    before, after = assess_portfolio(estate).rating, assess_portfolio(changed).rating
    if before is not GREY:
        assert order[after] >= order[before]
