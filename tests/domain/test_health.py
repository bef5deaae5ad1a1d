"""Health by the rules of domain-standards C8, and that doubt never improves it."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pmo_hub.domain.facts import Fact, FactValue, measure
from pmo_hub.domain.health import DIMENSIONS, DimensionHealth, Health, Limits, Rating, Thresholds, assess
from tests.domain.estate import EVIDENCE, NOW, TODAY, ago, by_name, fact, fresh, item, project

RED, AMBER, GREEN, GREY = Rating.RED, Rating.AMBER, Rating.GREEN, Rating.GREY


def dimension(health: Health, name: str) -> DimensionHealth:
    return health.dimensions[DIMENSIONS.index(name)]


def rated(name: str, thresholds: Thresholds | None = None, /, **values: FactValue) -> Rating:
    """The rating of a dimension from facts of these values."""
    facts = fresh(*(fact(f"project.{key}", value) for key, value in values.items()))
    return dimension(assess(facts, NOW, thresholds), name).rating


def test_the_dimensions_come_in_their_order() -> None:
    assert [found.dimension for found in assess({}, NOW).dimensions] == [
        "schedule",
        "scope",
        "cost",
        "risk",
        "quality",
        "flow",
        "resources",
    ]


def test_without_facts_everything_is_grey_and_says_what_is_missing() -> None:
    health = assess(fresh(), NOW)
    assert (health.rating, health.known, health.confidence, health.score) == (GREY, 0, 0, None)
    assert health.coverage == "0 of 7 known"
    assert all(found.rating is GREY and found.missing and found.reasons for found in health.dimensions)
    assert dimension(health, "cost").missing == ("project.cost_variance_share", "project.cpi")


@pytest.mark.parametrize(("share", "rating"), [(0.0, GREEN), (0.05, GREEN), (0.06, AMBER), (0.15, AMBER), (0.16, RED)])
def test_schedule_is_amber_over_5_and_red_over_15_percent_overdue(share: float, rating: Rating) -> None:
    assert rated("schedule", overdue_share=share) is rating


@pytest.mark.parametrize(
    ("open_count", "rate", "finish", "rating"),
    [
        (10, 5.0, date(2026, 12, 7), GREEN),  # two weeks of work, due in two
        (10, 5.0, date(2026, 11, 30), GREEN),  # 5 working days late
        (10, 5.0, date(2026, 11, 27), AMBER),  # 6
        (35, 5.0, date(2026, 12, 14), AMBER),  # 20: seven weeks, ends 11 January
        (35, 5.0, date(2026, 12, 11), RED),  # 21
        (0, 5.0, date(2026, 11, 1), GREEN),
        (3, 0.0, date(2027, 11, 1), RED),  # never, at that rate
        (10**6, 0.1, date(2027, 1, 1), RED),
    ],
)
def test_a_planned_finish_is_compared_with_the_recent_rate(open_count: int, rate: float, finish: date, rating: Rating) -> None:
    assert rated("schedule", open_count=open_count, throughput_per_week=rate, finish=finish) is rating


def test_a_long_project_may_slip_by_a_share_of_its_duration() -> None:
    # 2025-11-24 to 2026-11-27 is 264 working days: amber over 13.2, red over 26.4
    slip: dict[str, FactValue] = {
        "open_count": 15,
        "throughput_per_week": 5.0,
        "finish": date(2026, 11, 27),
    }  # ends 14 December: 11 working days
    assert rated("schedule", **slip) is AMBER
    assert rated("schedule", **slip, start=date(2025, 11, 24)) is GREEN


def test_a_baseline_outranks_the_recent_rate() -> None:
    values: dict[str, FactValue] = {
        "baseline_finish": date(2026, 12, 1),
        "finish": date(2026, 12, 1),
        "open_count": 99,
        "throughput_per_week": 0.1,
    }
    assert rated("schedule", **values) is GREEN
    assert rated("schedule", **values, forecast_finish=date(2026, 12, 30)) is RED


def test_an_iteration_that_holds_more_than_the_rate_finishes_is_amber_then_red() -> None:
    week = TODAY + timedelta(days=6)  # one week, today counted
    for count, rating in ((6, GREEN), (7, AMBER), (11, RED)):
        assert rated("schedule", overdue_share=0.0, iteration_end=week, iteration_open_count=count, throughput_per_week=5.0) is rating
    assert (
        rated("schedule", overdue_share=0.0, iteration_end=TODAY - timedelta(days=1), iteration_open_count=99, throughput_per_week=5.0)
        is GREEN
    )


@pytest.mark.parametrize(
    ("name", "values", "rating"),
    [
        ("schedule", {"spi_t": 0.95}, GREEN),
        ("schedule", {"spi_t": 0.94}, AMBER),
        ("schedule", {"spi_t": 0.84}, RED),
        ("scope", {"backlog_growth_28d_share": 0.10}, GREEN),
        ("scope", {"backlog_growth_28d_share": 0.11}, AMBER),
        ("scope", {"backlog_growth_28d_share": -0.5}, GREEN),
        ("scope", {"scope_growth_90d_share": 0.5, "backlog_growth_28d_share": 0.0}, GREEN),
        ("scope", {"scope_growth_90d_share": 0.21, "backlog_growth_28d_share": 0.0, "finish": date(2027, 1, 1)}, RED),
        ("cost", {"cost_variance_share": -0.05}, GREEN),
        ("cost", {"cost_variance_share": -0.06}, AMBER),
        ("cost", {"cost_variance_share": -0.11}, RED),
        ("cost", {"cpi": 0.95}, GREEN),
        ("cost", {"cpi": 0.94}, AMBER),
        ("cost", {"cpi": 0.89}, RED),
        ("risk", {"open_risk_count": 0, "unowned_risk_count": 0, "unowned_critical_risk_count": 0}, GREEN),
        ("risk", {"open_risk_count": 1, "unowned_risk_count": 1, "unowned_critical_risk_count": 0}, AMBER),
        ("risk", {"open_risk_count": 1, "unowned_risk_count": 1, "unowned_critical_risk_count": 1}, RED),
        ("risk", {"open_risk_count": 1, "unowned_critical_risk_count": 0, "stalest_risk_updated_at": ago(31)}, AMBER),
        ("risk", {"open_risk_count": 1, "unowned_critical_risk_count": 0, "stalest_risk_updated_at": ago(30)}, GREEN),
        ("risk", {"exposure_ratio": 1.6}, RED),
        ("quality", {"open_blocker_count": 0}, GREEN),
        ("quality", {"open_blocker_count": 1}, AMBER),
        ("quality", {"open_blocker_count": 3}, RED),
        ("quality", {"open_blocker_count": 1, "oldest_blocker_created_at": ago(7)}, AMBER),
        ("quality", {"open_blocker_count": 1, "oldest_blocker_created_at": ago(10)}, RED),
        ("flow", {"ageing_wip_share": 0.25}, GREEN),
        ("flow", {"ageing_wip_share": 0.26}, AMBER),
        ("flow", {"ageing_wip_share": 0.0, "blocked_wip_share": 0.5}, RED),
        ("resources", {"unassigned_near_term_share": 0.1}, GREEN),
        ("resources", {"unassigned_near_term_share": 0.11}, AMBER),
        ("resources", {"unassigned_near_term_share": 0.21}, RED),
        ("resources", {"unassigned_near_term_share": 0.0, "inactive_assignee_count": 1}, AMBER),
        ("resources", {"inactive_assignee_count": 0}, GREY),
    ],
)
def test_the_published_thresholds_hold(name: str, values: dict[str, FactValue], rating: Rating) -> None:
    assert rated(name, **values) is rating


def test_thresholds_are_parameters() -> None:
    assert rated("schedule", replace(Thresholds(), overdue_share=Limits(0.5, 0.9)), overdue_share=0.4) is GREEN


def test_overall_is_the_worst_known_dimension_and_says_how_many_are_known() -> None:
    health = assess(fresh(fact("project.overdue_share", 0.0), fact("project.open_blocker_count", 3, evidence=(EVIDENCE,))), NOW)
    assert (health.rating, health.coverage, health.confidence) == (RED, "2 of 7 known", 100)
    assert health.reasons == ("quality: 3 open blockers",)
    assert dimension(health, "quality").evidence == (EVIDENCE,)
    assert health.data_age_s == 3600
    assert health.score == pytest.approx((100 + dimension(health, "quality").score) / 2)  # type: ignore[operator]


def test_an_unknown_schedule_makes_the_whole_grey_however_red_the_rest() -> None:
    health = assess(fresh(fact("project.open_blocker_count", 3)), NOW)
    assert health.rating is GREY
    assert dimension(health, "quality").rating is RED
    assert "schedule is unknown" in health.reasons[0]


@pytest.mark.parametrize(
    ("synced", "cadence", "rating"),
    [
        (ago(0), 60, GREEN),
        (NOW - timedelta(minutes=120), 60, GREEN),
        (NOW - timedelta(minutes=121), 60, GREY),
        (None, 60, GREY),
        (ago(0), None, GREY),
    ],
)
def test_old_data_is_grey_after_two_cadences(synced: Any, cadence: int | None, rating: Rating) -> None:
    facts = fresh(fact("project.overdue_share", 0.0), fact("project.synced_at", synced), fact("project.cadence_minutes", cadence))
    health = assess(facts, NOW)
    assert health.rating is rating
    assert dimension(health, "schedule").rating is rating
    if rating is GREY:
        assert dimension(health, "schedule").reasons[1] == "when last read: no open work is overdue"
        assert health.known == 0


def test_a_dimension_below_the_confidence_floor_is_grey_and_keeps_its_reasons() -> None:
    facts = fresh(fact("project.overdue_share", 0.0, 49))
    found = dimension(assess(facts, NOW), "schedule")
    assert (found.rating, found.confidence) == (GREY, 49)
    assert found.reasons == ("confidence 49 of 100 is under 50", "no open work is overdue")
    assert dimension(assess(fresh(fact("project.overdue_share", 0.0, 50)), NOW), "schedule").rating is GREEN


def test_a_doubtful_red_is_not_outvoted_by_a_trusted_green() -> None:
    facts = fresh(fact("project.ageing_wip_share", 0.0), fact("project.blocked_wip_share", 0.9, 30))
    assert dimension(assess(facts, NOW), "flow").rating is GREY
    facts = fresh(fact("project.ageing_wip_share", 0.9), fact("project.blocked_wip_share", 0.0, 30))
    found = dimension(assess(facts, NOW), "flow")
    assert (found.rating, found.confidence) == (RED, 100)


def test_reasons_are_sentences_with_their_thresholds() -> None:
    facts = fresh(fact("project.overdue_share", 0.18), fact("project.overdue_count", 7))
    assert dimension(assess(facts, NOW), "schedule").reasons == (
        "18 % of the open work is overdue (7 items); amber above 5 %, red above 15 %",
    )


def test_measured_facts_of_a_troubled_project_rate_it_with_links_into_the_source() -> None:
    items = [item(1, due=TODAY - timedelta(days=9)), item(2, due=TODAY + timedelta(days=9))]
    health = assess(by_name(*measure(project(), items, NOW)), NOW)
    found = dimension(health, "schedule")
    assert (health.rating, found.rating) == (RED, RED)
    assert [piece.url for piece in found.evidence] == ["https://erp.example/browse/ERP-1"]


# -- laws

SHARES = st.sampled_from([0.0, 0.04, 0.12, 0.3, 0.9])
COUNTS = st.sampled_from([0, 1, 2, 5, 40])
DATES = st.integers(-40, 90).map(lambda days: TODAY + timedelta(days=days))
MEASURES: dict[str, st.SearchStrategy[Any]] = {
    "overdue_share": SHARES,
    "overdue_count": COUNTS,
    "open_count": COUNTS,
    "throughput_per_week": st.sampled_from([0.0, 0.5, 4.0]),
    "iteration_end": DATES,
    "iteration_open_count": COUNTS,
    "finish": DATES,
    "start": DATES,
    "spi_t": st.sampled_from([0.5, 0.9, 1.1]),
    "backlog_growth_28d_share": SHARES,
    "scope_growth_90d_share": SHARES,
    "cost_variance_share": st.sampled_from([-0.2, -0.06, 0.1]),
    "cpi": st.sampled_from([0.8, 0.92, 1.0]),
    "open_risk_count": COUNTS,
    "unowned_risk_count": COUNTS,
    "unowned_critical_risk_count": COUNTS,
    "stalest_risk_updated_at": st.floats(0, 60).map(ago),
    "open_blocker_count": COUNTS,
    "oldest_blocker_created_at": st.floats(0, 60).map(ago),
    "ageing_wip_share": SHARES,
    "blocked_wip_share": SHARES,
    "unassigned_near_term_share": SHARES,
    "inactive_assignee_count": COUNTS,
}
CONFIDENCES = st.sampled_from([30, 49, 50, 80, 100])
FACTS = st.fixed_dictionaries({}, optional={f"project.{name}": st.tuples(values, CONFIDENCES) for name, values in MEASURES.items()}).map(
    lambda found: fresh(*(fact(name, value, confidence) for name, (value, confidence) in found.items()))
)
PRIMARY = {
    "schedule": ("overdue_share", "spi_t", "throughput_per_week", "open_count"),
    "scope": ("backlog_growth_28d_share", "scope_growth_90d_share"),
    "cost": ("cost_variance_share", "cpi"),
    "risk": ("unowned_critical_risk_count", "unowned_risk_count", "stalest_risk_updated_at"),
    "quality": ("open_blocker_count",),
    "flow": ("ageing_wip_share", "blocked_wip_share"),
    "resources": ("unassigned_near_term_share",),
}


@settings(deadline=None)
@given(FACTS, st.data())
def test_forgetting_a_fact_never_turns_a_grey_into_a_colour(facts: dict[str, Fact], data: st.DataObject) -> None:
    lost = data.draw(st.sampled_from(sorted(facts)))
    before, after = assess(facts, NOW), assess({**facts, lost: fact(lost, None, 0)}, NOW)
    for old, new in zip(before.dimensions, after.dimensions, strict=True):
        if old.rating is GREY and not _doubtful(old):
            assert new.rating is GREY
    if before.rating is GREY and not any(map(_doubtful, before.dimensions)):
        assert after.rating is GREY


def _doubtful(found: DimensionHealth) -> bool:
    """GREY because a doubtful indicator is worse than the trusted ones: forgetting that indicator leaves the trusted ones."""
    return found.rating is GREY and found.reasons[0].startswith("confidence")


@settings(deadline=None)
@given(FACTS)
def test_a_dimension_whose_facts_are_unknown_is_grey_whatever_the_rest_says(facts: dict[str, Fact]) -> None:
    for name, primary in PRIMARY.items():
        lost = {key: found for key, found in facts.items() if key.removeprefix("project.") not in primary}
        assert dimension(assess(lost, NOW), name).rating is GREY


@settings(deadline=None)
@given(FACTS, st.data())
def test_a_worse_measure_never_rates_better(facts: dict[str, Fact], data: st.DataObject) -> None:
    rising = [
        "overdue_share",
        "backlog_growth_28d_share",
        "unowned_risk_count",
        "open_blocker_count",
        "ageing_wip_share",
        "unassigned_near_term_share",
    ]
    name = f"project.{data.draw(st.sampled_from(rising))}"
    kept = facts.get(name, fact(name, 0))
    assert isinstance(kept.value, int | float)
    worse = {**facts, name: replace(kept, value=kept.value + data.draw(st.sampled_from([1, 3])))}
    for old, new in zip(assess({**facts, name: kept}, NOW).dimensions, assess(worse, NOW).dimensions, strict=True):
        if GREY not in (old.rating, new.rating):
            assert new.rating.severity >= old.rating.severity
            assert new.score is not None
            assert old.score is not None
            assert new.score <= old.score


@settings(deadline=None)
@given(FACTS)
def test_overall_is_never_better_than_a_known_dimension(facts: dict[str, Fact]) -> None:
    health = assess(facts, NOW)
    if health.rating is not GREY:
        assert health.rating.severity == max(found.rating.severity for found in health.dimensions)
        assert health.confidence >= 50
    assert all((found.rating is GREY) == (found.score is None) for found in health.dimensions)
