"""Series of days: as runs, bounded, and added up by period without making zero of the unknown."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pmo_hub.domain.time_phased import (
    HOURS,
    MONEY,
    MOST_DAYS,
    Series,
    Step,
    Tally,
    amounts,
    count_periods,
    fault,
    periods,
    series,
    span,
    total,
)

MONDAY = date(2026, 6, 1)


def day(number: int) -> date:
    return MONDAY + timedelta(days=number)


def test_equal_days_one_after_another_are_one_run_and_days_of_zero_are_none() -> None:
    told = {day(n): Decimal(8) for n in (0, 1, 2, 3, 4, 7, 8)} | {day(5): Decimal(0), day(9): Decimal("4.5"), day(10): Decimal("1E-9")}
    assert series(told, HOURS) == ((MONDAY, 5, Decimal(8)), (day(7), 2, Decimal(8)), (day(9), 1, Decimal("4.5")))


def test_amounts_are_rounded_to_what_is_kept() -> None:
    assert series({MONDAY: Decimal("2.00005")}, MONEY) == ((MONDAY, 1, Decimal(2)),)
    assert series({MONDAY: Decimal(8) / 3}, HOURS) == ((MONDAY, 1, Decimal("2.666667")),)


@given(st.dictionaries(st.integers(0, 60).map(day), st.integers(0, 3).map(Decimal)))
def test_runs_say_exactly_what_the_days_said(told: dict[date, Decimal]) -> None:
    made = series(told, HOURS)
    assert dict(amounts(made)) == {on: amount for on, amount in told.items() if amount}
    assert total(made) == sum(told.values())
    assert fault(made) is None
    assert span(made, None, ()) == ((min(amounts(made))[0], max(amounts(made))[0]) if made else None)


@pytest.mark.parametrize(
    ("runs", "why"),
    [
        (((MONDAY, MOST_DAYS, Decimal(1)),), None),
        (((MONDAY, MOST_DAYS + 1, Decimal(1)),), "longer"),
        (((MONDAY, 1, Decimal(1)), (day(MOST_DAYS), 1, Decimal(1))), "longer"),
        (((date(9999, 12, 31), 2, Decimal(1)),), "longer"),
        (((MONDAY, 2, Decimal(1)), (day(1), 1, Decimal(1))), "overlap"),
        (((day(1), 1, Decimal(1)), (MONDAY, 1, Decimal(1))), "overlap"),
        (((MONDAY, 0, Decimal(1)),), "no days"),
        (((MONDAY, 1, Decimal(0)),), "no amount"),
        (((MONDAY, 1, Decimal("NaN")),), "no amount"),
        ((), None),
    ],
)
def test_what_is_no_series_says_why(runs: Series, why: str | None) -> None:
    found = fault(runs)
    assert found is None if why is None else found is not None and why in found


def test_amounts_before_the_first_period_are_in_what_was_reached_only() -> None:
    tally = Tally(2)
    tally.add(((day(-7), 1, Decimal(5)), (MONDAY, 7, Decimal(1)), (day(8), 1, Decimal(2))))
    weeks = periods(day(2), day(15), Step.WEEK)
    assert weeks == [(MONDAY, day(6)), (day(7), day(13)), (day(14), day(20))]
    assert tally.by(weeks) == [(Decimal(7), Decimal(12)), (Decimal(2), Decimal(14)), (Decimal(0), Decimal(14))]
    assert (tally.known, tally.of, tally.total) == (1, 2, Decimal(14))


def test_nothing_known_is_unknown_and_known_to_be_nothing_is_zero() -> None:
    unknown, nothing = Tally(3), Tally(3)
    nothing.add(())
    spans = periods(MONDAY, MONDAY, Step.DAY)
    assert (unknown.by(spans), unknown.total) == ([None], None)
    assert (nothing.by(spans), nothing.total) == ([(Decimal(0), Decimal(0))], Decimal(0))


def test_months_are_whole_and_without_a_gap() -> None:
    found = periods(date(2024, 1, 31), date(2024, 3, 1), Step.MONTH)
    assert found == [(date(2024, 1, 1), date(2024, 1, 31)), (date(2024, 2, 1), date(2024, 2, 29)), (date(2024, 3, 1), date(2024, 3, 31))]


@given(st.dates(date(1990, 1, 1), date(2050, 1, 1)), st.integers(0, 400), st.sampled_from(Step))
def test_periods_cover_each_day_once(first: date, length: int, by: Step) -> None:
    last = first + timedelta(days=length)
    found = periods(first, last, by)
    assert len(found) == count_periods(first, last, by)
    assert found[0][0] <= first
    assert found[-1][1] >= last
    assert all(one[1] + timedelta(days=1) == other[0] for one, other in pairwise(found))
