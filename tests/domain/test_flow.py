"""Oracles: domain-standards C5."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pmo_hub.domain.flow import cycle_days, flow_efficiency, little_wip, percentile, weekly_throughput

PUBLISHED = [1, 2, 2, 3, 4, 5, 8, 8, 13, 21]


@pytest.mark.parametrize(("p", "expected"), [(0.5, 4), (0.85, 13), (0.95, 21), (0.0, 1), (1.0, 21)])
def test_percentiles_are_nearest_rank_and_never_interpolated(p: float, expected: int) -> None:
    assert percentile(PUBLISHED, p) == expected


def test_a_rank_is_not_pushed_up_by_binary_fractions() -> None:
    assert percentile(list(range(1, 21)), 0.95) == 19
    assert percentile(list(range(1, 101)), 0.07) == 7  # 0.07 × 100 is 7.000000000000001


def test_no_values_have_no_percentile() -> None:
    assert percentile([], 0.5) is None


def test_a_percentile_outside_0_to_1_is_refused() -> None:
    with pytest.raises(ValueError, match=r"0\.\.1"):
        percentile([1], 85)


@given(st.lists(st.integers(0, 400), min_size=1), st.floats(0, 1), st.floats(0, 1))
def test_percentiles_are_values_that_rise_with_p_whatever_the_order(values: list[int], one: float, other: float) -> None:
    low, high = percentile(values, min(one, other)), percentile(values, max(one, other))
    assert low is not None
    assert high is not None
    assert low <= high
    assert low in values
    assert percentile(values[::-1], min(one, other)) == low


def test_started_and_done_on_one_day_is_one_day() -> None:
    assert cycle_days(date(2026, 11, 2), date(2026, 11, 2)) == 1
    assert cycle_days(date(2026, 11, 2), date(2026, 11, 9)) == 8


def test_throughput_counts_full_weeks_with_their_zeros_and_leaves_today_out() -> None:
    today = date(2026, 11, 23)
    done = [today - timedelta(days=days) for days in (0, 1, 7, 8, 15, 15, 28, 29)]
    assert weekly_throughput(done, today, 4) == (1, 2, 1, 2)
    assert weekly_throughput([today - timedelta(days=22)], today, 4) == (1, 0, 0, 0)
    assert weekly_throughput([today + timedelta(days=1)], today, 4) == (0, 0, 0, 0)


def test_littles_law_and_flow_efficiency_match_the_published_examples() -> None:
    assert little_wip(5, 2) == 10
    assert flow_efficiency(12, 48) == pytest.approx(0.20)
    assert flow_efficiency(0, 0) is None
