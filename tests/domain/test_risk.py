"""Risk signals of hand-made projects; bands and money after domain-standards C7."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pmo_hub.domain.facts import ItemFacts, measure
from pmo_hub.domain.risk import Band, RiskSignal, band, emv, signals
from pmo_hub.domain.vocabulary import Kind, StatusCategory
from tests.domain.estate import NOW, TODAY, ago, by_name, done, item, project


def found(*items: ItemFacts, **changes: Any) -> dict[str, RiskSignal]:
    made = project(**changes)
    return {signal.kind: signal for signal in signals(made, items, by_name(*measure(made, items, NOW)), NOW)}


def due(days: int) -> date:
    return TODAY + timedelta(days=days)


@pytest.mark.parametrize(
    ("exposure", "expected"),
    [
        (1, Band.LOW),
        (4, Band.LOW),
        (5, Band.MEDIUM),
        (9, Band.MEDIUM),
        (10, Band.HIGH),
        (14, Band.HIGH),
        (15, Band.CRITICAL),
        (25, Band.CRITICAL),
    ],
)
def test_bands_are_the_published_ones(exposure: int, expected: Band) -> None:
    assert band(exposure) is expected


def test_expected_monetary_value_matches_the_published_example() -> None:
    assert emv([(0.3, 200_000), (0.1, 80_000), (0.4, -50_000), (0.5, 60_000)]) == pytest.approx(78_000)


def test_a_calm_project_raises_no_signal() -> None:
    assert found(item(1, due=due(5), updated_at=ago(1)), done(2, ago(1))) == {}


@pytest.mark.parametrize(
    ("days", "others", "likelihood", "impact", "rated"),
    [(1, 19, 2, 2, Band.LOW), (8, 9, 3, 3, Band.MEDIUM), (15, 4, 4, 4, Band.CRITICAL), (31, 1, 5, 5, Band.CRITICAL)],
)
def test_overdue_work_grows_with_its_share_and_its_age(days: int, others: int, likelihood: int, impact: int, rated: Band) -> None:
    signal = found(item(1, due=due(-days)), *(item(number, due=due(9)) for number in range(2, 2 + others)))["overdue_work"]
    assert (signal.likelihood, signal.impact, signal.exposure, signal.band) == (likelihood, impact, likelihood * impact, rated)
    assert signal.id == "overdue_work:" + "f" * 32
    assert [piece.note for piece in signal.evidence] == [f"due {due(-days)}"]


def test_blockers_signal_once_they_are_older_than_five_days() -> None:
    assert "ageing_blockers" not in found(
        item(1, blocked=True, status_since=ago(5)), item(2, kind=Kind.BUG, priority=100, created_at=ago(5))
    )
    signal = found(
        item(1, blocked=True, status_since=ago(6)),
        item(2, kind=Kind.BUG, priority=100, created_at=ago(12)),
        item(3, kind=Kind.BUG, priority=50, created_at=ago(99)),
        item(4, blocked=True, status_since=None),
    )["ageing_blockers"]
    assert (signal.likelihood, signal.impact, signal.band) == (4, 4, Band.CRITICAL)
    assert signal.title == "2 items blocked or blocking, the oldest for 12 days"
    assert [piece.note for piece in signal.evidence] == ["open blocker since 2026-11-11", "blocked since 2026-11-17"]


def test_unassigned_near_term_work_is_worse_when_it_is_due_this_week() -> None:
    later = found(item(1, assignee_id=None, due=due(10)), item(2, due=due(10)))["unassigned_near_term_work"]
    sooner = found(item(1, assignee_id=None, due=due(7)), item(2, due=due(10)))["unassigned_near_term_work"]
    assert (later.likelihood, later.impact) == (4, 3)
    assert (sooner.likelihood, sooner.impact) == (4, 4)
    assert sooner.title.endswith("1 due within 7 days")


@pytest.mark.parametrize(("days", "likelihood"), [(14, 0), (15, 3), (31, 4), (61, 5)])
def test_silence_signals_after_two_weeks_and_weighs_more_near_the_finish(days: int, likelihood: int) -> None:
    quiet = item(1, updated_at=ago(days))
    assert (found(quiet)["silence"].likelihood if likelihood else 0) == likelihood
    assert ("silence" in found(quiet)) == bool(likelihood)
    if likelihood:
        assert [found(quiet)["silence"].impact, found(quiet, finish=due(90))["silence"].impact] == [3, 4]


def test_a_finished_or_inactive_project_raises_no_signal() -> None:
    assert found(done(1, ago(90))) == {}
    assert found(item(1, due=due(-40), updated_at=ago(90)), state="closed") == {}


def test_the_largest_exposure_comes_first() -> None:
    made = project()
    items = [item(1, due=due(-40), updated_at=ago(20)), item(2, assignee_id=None, status_category=StatusCategory.IN_PROGRESS)]
    ordered = signals(made, items, by_name(*measure(made, items, NOW)), NOW)
    assert [signal.kind for signal in ordered] == ["overdue_work", "unassigned_near_term_work", "silence"]
    assert [signal.exposure for signal in ordered] == sorted((signal.exposure for signal in ordered), reverse=True)


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.integers(-60, 60), st.booleans(), st.floats(0, 90)), min_size=1, max_size=8), st.randoms(use_true_random=False)
)
def test_signals_depend_on_no_order_and_stay_on_the_scale(rows: list[tuple[int, bool, float]], chance: Any) -> None:
    items = [
        item(number, due=due(days), assignee_id=None if alone else "ada", blocked=alone, status_since=ago(age), updated_at=ago(age))
        for number, (days, alone, age) in enumerate(rows)
    ]
    straight = found(*items)
    chance.shuffle(items)
    assert found(*items) == straight
    for signal in straight.values():
        assert 1 <= signal.likelihood <= 5
        assert 1 <= signal.impact <= 5
        assert signal.exposure == signal.likelihood * signal.impact
        assert signal.evidence
        assert signal.response
