"""Facts of hand-made plans, counted by hand: dates, slip, deadlines, progress, cost; and what they do to health."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from pmo_hub.domain.calendars import Layer, Period, standard, working_time
from pmo_hub.domain.earned_value import Amounts
from pmo_hub.domain.facts import Fact, measure
from pmo_hub.domain.health import assess
from pmo_hub.domain.planned import PlanEarned, PlanFacts, PlanHead, PlanLine
from pmo_hub.domain.rating import Rating
from tests.domain.estate import NOW, TODAY, by_name, item, project

GREEN, AMBER, RED, GREY = Rating.GREEN, Rating.AMBER, Rating.RED, Rating.GREY
PLAN = PlanHead("p" * 32, "Harbour", "https://plans.example/P", "USD", 8.0, standard())
"""Monday to Friday, 08:00 to 17:00 with an hour's lunch."""

FRIDAY = datetime.fromisoformat("2026-12-04T17:00")


def line(number: int, **changes: Any) -> PlanLine:
    plain = PlanLine(f"{number:032x}", f"P-{number}", f"https://plans.example/P-{number}", PLAN.id, is_done=False, finish=FRIDAY)
    return replace(plain, **changes)


def later(days: float, start: datetime = FRIDAY) -> datetime:
    return start + timedelta(days=days)


def facts_of(*lines: PlanLine, now: datetime = NOW, **changes: Any) -> dict[str, Fact]:
    plan = replace(PlanFacts((PLAN,), lines, lines), **changes)
    found = by_name(*measure(project(plan=plan), [item(1)], now))
    return {name.removeprefix("project."): fact for name, fact in found.items()}


def earned(**amounts: float) -> PlanEarned:
    return PlanEarned(PLAN.id, FRIDAY, None, Amounts(**{name: Decimal(str(value)) for name, value in amounts.items()}))


def test_without_a_plan_all_of_it_is_unknown_and_says_so() -> None:
    found = by_name(*measure(project(), [item(1)], NOW))
    for name in ("planned_finish", "baseline_finish", "finish_slip_days", "deadline_missed_count", "plan_percent_complete"):
        assert (found[f"project.{name}"].value, found[f"project.{name}"].reason) == (None, "no source of the project is a plan")
    assert found["project.spi"].value is None


def test_a_plan_finishes_with_its_last_line() -> None:
    found = facts_of(line(1, start=later(-10)), line(2, start=later(-4), finish=later(3)))
    assert (found["planned_start"].value, found["planned_finish"].value) == (date(2026, 11, 24), date(2026, 12, 7))
    assert [(one.label, one.note, one.url) for one in found["planned_finish"].evidence] == [
        ("P-2", "finishes 2026-12-07", "https://plans.example/P-2")
    ]
    assert found["baseline_finish"].reason == "the plan has no baseline 0"
    assert facts_of(line(1, finish=None))["planned_finish"].value is None


@pytest.mark.parametrize(
    ("finish", "days"),
    [("2026-12-04T17:00", 0), ("2026-12-07T17:00", 1), ("2026-12-07T12:00", 0.5), ("2026-12-18T17:00", 10), ("2026-12-03T17:00", -1)],
)
def test_the_slip_is_in_working_days(finish: str, days: float) -> None:
    found = facts_of(line(1, finish=datetime.fromisoformat(finish), baseline_finish=FRIDAY))
    assert found["finish_slip_days"].value == days
    assert found["slipped_count"].value == (1 if days > 0 else 0)


def test_the_slip_goes_by_the_plans_own_calendar() -> None:
    closed = working_time([Layer(standard().week, (Period(date(2026, 12, 7), date(2026, 12, 11)),))])
    moved = line(1, finish=later(10), baseline_finish=FRIDAY)
    assert facts_of(moved)["finish_slip_days"].value == 6
    assert facts_of(moved, plans=(replace(PLAN, time=closed),))["finish_slip_days"].value == 1
    assert facts_of(moved, plans=(replace(PLAN, hours_per_day=6.0),))["finish_slip_days"].value == 8


def test_the_slip_compares_the_last_finish_with_the_last_that_was_agreed() -> None:
    found = facts_of(line(1, finish=later(3), baseline_finish=FRIDAY), line(2, finish=FRIDAY, baseline_finish=later(5)))
    assert (found["baseline_finish"].value, found["planned_finish"].value) == (date(2026, 12, 9), date(2026, 12, 7))
    assert found["finish_slip_days"].value == -2
    assert [(one.label, one.note) for one in found["slipped_count"].evidence] == [("P-1", "finishes 2026-12-07, baseline 2026-12-04")]


def test_a_baseline_of_a_few_lines_is_believed_a_little() -> None:
    found = facts_of(line(1, baseline_finish=FRIDAY), *(line(n) for n in range(2, 5)))
    assert (found["finish_slip_days"].confidence, found["planned_finish"].confidence) == (25, 100)


def test_deadlines_are_missed_by_what_is_open_and_late() -> None:
    today = datetime.combine(TODAY, FRIDAY.time())
    found = facts_of(
        line(1, deadline=later(-1)),  # finishes after it
        line(2, deadline=later(1)),  # will keep it
        line(3, finish=later(-30), deadline=later(-15)),  # its day is over, and it is not done
        line(4, is_done=True, deadline=later(-40)),
        line(5, finish=today, deadline=today),  # today is not over
        line(6),
    )
    assert found["deadline_missed_count"].value == 2
    assert [(one.label, one.note) for one in found["deadline_missed_count"].evidence] == [
        ("P-3", "deadline 2026-11-19, not done"),
        ("P-1", "deadline 2026-12-03, finishes 2026-12-04"),
    ]
    assert found["deadline_missed_count"].holds_until == datetime.fromisoformat("2026-11-24T00:00Z")
    assert facts_of(line(1, is_done=True, deadline=later(-9)))["deadline_missed_count"].value == 0
    assert facts_of(line(1))["deadline_missed_count"].value is None


def test_progress_is_weighted_by_duration() -> None:
    found = facts_of(line(1, duration_hours=30.0, percent=50.0), line(2, duration_hours=10.0, is_done=True), line(3, duration_hours=0.0))
    assert found["plan_percent_complete"].value == 62.5
    assert facts_of(line(1, duration_hours=10.0, percent=20.0), line(2, duration_hours=30.0))["plan_percent_complete"].confidence == 25
    assert facts_of(line(1, percent=20.0))["plan_percent_complete"].value is None


# Cost.


def test_indices_follow_from_the_providers_amounts() -> None:
    amounts = {"planned_value": 500, "earned_value": 400, "actual_cost": 500, "budget_at_completion": 1000, "estimate_at_completion": 1250}
    found = facts_of(line(1), earned=(earned(**amounts),))
    assert (found["cpi"].value, found["spi"].value, found["cost_variance_share"].value) == (0.8, 0.8, -0.25)
    (link,) = found["cpi"].evidence
    assert (link.type, link.label, link.url, link.note) == (
        "plan", "Harbour", "https://plans.example/P", "earned value of the plan as of 2026-12-04",
    )  # fmt: skip
    by_items = facts_of(line(1), earned=(replace(earned(**amounts), items=7),))
    assert by_items["cpi"].evidence[0].note == "earned value of 7 of the plan's items as of 2026-12-04"


@pytest.mark.parametrize(
    ("one", "reason"),
    [
        (replace(earned(earned_value=1, actual_cost=2), is_stale=True), "out of date"),
        (replace(earned(earned_value=1, actual_cost=2), at=None), "status date"),
        (earned(earned_value=0, actual_cost=0), "no actual cost yet"),
        (earned(earned_value=0), "no actual cost is recorded"),
        (earned(actual_cost=5), "no earned value is recorded"),
    ],
)
def test_what_cannot_be_trusted_or_divided_is_unknown_and_not_zero(one: PlanEarned, reason: str) -> None:
    found = facts_of(line(1), earned=(one,))["cpi"]
    assert found.value is None
    assert reason in (found.reason or "")


def test_amounts_of_two_currencies_are_not_added_up() -> None:
    other = replace(PLAN, id="q" * 32, currency="EUR")
    amounts = earned(planned_value=4, earned_value=2, actual_cost=2)
    both = (amounts, replace(amounts, plan_id=other.id))
    found = facts_of(line(1), plans=(PLAN, other), earned=both)
    assert (found["cpi"].value, found["cpi"].reason) == (None, "the plans are in several currencies: EUR, USD")
    assert facts_of(line(1), plans=(PLAN, replace(other, currency="USD")), earned=both)["cpi"].value == 1.0
    nameless = facts_of(line(1), plans=(PLAN, replace(other, currency=None)), earned=both)
    assert nameless["cpi"].reason == "a plan doesn't say in which currency its amounts are"
    priced = (line(1, cost=Decimal(1), baseline_cost=Decimal(1)), line(2, cost=Decimal(1), baseline_cost=Decimal(1), plan_id=other.id))
    assert "several currencies" in (facts_of(*priced, plans=(PLAN, other))["cost_variance_share"].reason or "")


def test_before_much_is_earned_an_index_is_worth_little() -> None:
    amounts = {"planned_value": 100, "actual_cost": 100, "budget_at_completion": 1000}
    assert facts_of(line(1), earned=(earned(**amounts, earned_value=149),))["cpi"].confidence == 40
    assert facts_of(line(1), earned=(earned(**amounts, earned_value=150),))["cpi"].confidence == 100


def test_without_earned_value_the_lines_cost_is_compared_with_their_baseline() -> None:
    found = facts_of(
        line(1, cost=Decimal("120.50"), baseline_cost=Decimal(100)), line(2, cost=Decimal(100), baseline_cost=Decimal(100)), line(3)
    )
    assert found["cost_variance_share"].value == -0.1025
    assert found["cost_variance_share"].confidence == 67
    assert [(one.label, one.note) for one in found["cost_variance_share"].evidence] == [("P-1", "costs 120.50 USD, baseline 100")]
    free = facts_of(line(1, cost=Decimal(0), baseline_cost=Decimal(0)))
    assert free["cost_variance_share"].value is None


# Health.


def rated(dimension: str, plan: PlanFacts) -> Rating:
    found = assess(by_name(*measure(project(plan=plan), [item(1, due=date(2027, 1, 1))], NOW)), NOW)
    return next(one.rating for one in found.dimensions if one.dimension == dimension)


@pytest.mark.parametrize(("days", "rating"), [(0, GREEN), (7, GREEN), (10, AMBER), (28, AMBER), (31, RED)])  # 5, 6, 20 and 21 working days
def test_schedule_is_rated_by_the_slip_from_baseline_0(days: int, rating: Rating) -> None:
    moved = line(1, finish=later(days), baseline_finish=FRIDAY)
    assert rated("schedule", PlanFacts((PLAN,), (moved,), (moved,))) is rating


def test_a_missed_deadline_is_amber() -> None:
    kept, missed = line(1, deadline=later(1)), line(1, deadline=later(-1))
    assert rated("schedule", PlanFacts((PLAN,), (kept,))) is GREEN
    assert rated("schedule", PlanFacts((PLAN,), (missed,))) is AMBER


@pytest.mark.parametrize(("ev", "rating"), [(960, GREEN), (940, AMBER), (890, RED)])
def test_cost_is_rated_by_cpi(ev: int, rating: Rating) -> None:
    amounts = earned(planned_value=1000, earned_value=ev, actual_cost=1000, budget_at_completion=2000)
    assert rated("cost", PlanFacts((PLAN,), (line(1),), (), (amounts,))) is rating


def test_cost_that_nobody_tells_stays_grey() -> None:
    assert rated("cost", PlanFacts((PLAN,), (line(1),))) is GREY
    stale = replace(earned(planned_value=1, earned_value=1, actual_cost=1), is_stale=True)
    assert rated("cost", PlanFacts((PLAN,), (line(1),), (), (stale,))) is GREY


@pytest.mark.parametrize(("percent", "rating"), [(50.0, RED), (71.0, GREEN)])
def test_spi_says_nothing_towards_the_end(percent: float, rating: Rating) -> None:
    amounts = earned(planned_value=1000, earned_value=800, actual_cost=800)
    lines = (line(1, duration_hours=8.0, percent=percent),)
    assert rated("schedule", PlanFacts((PLAN,), lines, (), (amounts,))) is rating


def test_what_a_team_works_on_is_not_without_hands() -> None:
    near = {"due": TODAY + timedelta(days=3), "assignee_id": None}
    found = by_name(*measure(project(), [item(1, **near), item(2, **near, is_staffed=True)], NOW))
    assert found["project.unassigned_near_term_count"].value == 1
