"""Facts of hand-made projects, counted by hand; and the laws that every provider keeps."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pmo_hub.domain.catalogue import FACTS
from pmo_hub.domain.expressions import Scalar
from pmo_hub.domain.facts import Fact, ItemFacts, Parameters, ProjectFacts, holds_until, measure, measure_subjects
from pmo_hub.domain.vocabulary import Kind, StatusCategory
from tests.domain.estate import EVIDENCE, NOW, TODAY, ago, by_name, done, item, project

PROGRESS = StatusCategory.IN_PROGRESS


def facts_of(*items: ItemFacts, now: datetime = NOW, **changes: Any) -> dict[str, Fact]:
    return by_name(*measure(project(**changes), items, now))


def keys(fact: Fact) -> list[str]:
    return [piece.label for piece in fact.evidence]


def due(days: int) -> date:
    return TODAY + timedelta(days=days)


# -- the shape of a fact


def test_a_fact_refuses_what_no_measure_can_give() -> None:
    with pytest.raises(ValueError, match="confidence"):
        Fact("project.open_count", 1, "items", 101)
    with pytest.raises(ValueError, match="at most 20"):
        Fact("project.open_count", 1, "items", 100, (EVIDENCE,) * 21)
    with pytest.raises(ValueError, match="no measured value"):
        Fact("project.overdue_share", float("nan"), "share", 100)


def test_every_fact_is_declared_with_its_unit_and_measured_once() -> None:
    found = measure(project(start=due(-200)), [item(1), done(2, ago(3)), item(3, kind=Kind.BUG), item(4, kind=Kind.RISK)], NOW)
    names = [fact.name for fact in found]
    assert len(names) == len(set(names))
    assert {fact.name: fact.unit for fact in found} == {name: FACTS[name].unit for name in names}
    unmeasured = {name for name in FACTS if name.startswith("project.")} - set(names)
    assert all("no provider measures it yet" in FACTS[name].meaning for name in unmeasured)
    assert len(unmeasured) == 3


def test_an_empty_project_is_unknown_and_not_healthy() -> None:
    found = facts_of()
    assert found["project.open_count"].value == 0
    for name in (
        "overdue_share",
        "invalid_date_count",
        "ageing_wip_share",
        "open_blocker_count",
        "unassigned_near_term_share",
        "open_risk_count",
    ):
        fact = found[f"project.{name}"]
        assert (fact.value, fact.confidence) == (None, 0)
        assert fact.reason


# -- settings and state of the data


def test_settings_that_nobody_made_are_known_to_be_empty() -> None:
    found = facts_of(sponsor=None, manager=None, methodology=None, manager_active=None)
    assert found["project.has_sponsor"].value is False
    assert found["project.has_manager"].value is False
    assert found["project.methodology"].value == ""
    assert found["project.manager_active"].value is None
    assert found["project.finish"].reason == "no planned finish is set"
    assert found["project.has_sponsor"].confidence == 100


def test_no_fact_carries_a_persons_name() -> None:
    found = measure(project(sponsor="Ada Lovelace", manager="Alan Turing"), [item(1, assignee_id="grace", due=due(-3))], NOW)
    assert not any(name in repr(found) for name in ("Ada", "Alan", "grace"))


def test_data_is_stale_after_two_cadences_and_the_fact_says_when() -> None:
    synced = NOW - timedelta(minutes=120)
    fact = facts_of(synced_at=synced, cadence_minutes=60)["project.sync_stale"]
    assert (fact.value, fact.holds_until) == (False, NOW + timedelta(microseconds=1))
    assert facts_of(synced_at=synced, cadence_minutes=60, now=NOW + timedelta(microseconds=1))["project.sync_stale"].value is True
    assert facts_of(synced_at=None)["project.sync_stale"].value is None


def test_without_a_schedule_a_day_is_assumed_and_said() -> None:
    fact = facts_of(cadence_minutes=None)["project.cadence_minutes"]
    assert (fact.value, fact.reason) == (1440, "no schedule: 1440 minutes are assumed")


@pytest.mark.parametrize(
    ("complete", "unmapped", "confidence"),
    [(True, 0.0, 100), (False, 0.0, 50), (None, 0.0, 80), (True, 0.25, 75), (True, None, 90), (None, None, 72)],
)
def test_confidence_follows_the_state_of_the_data(complete: bool | None, unmapped: float | None, confidence: int) -> None:
    assert facts_of(item(1), data_complete=complete, unmapped_share=unmapped)["project.open_count"].confidence == confidence


# -- schedule


def test_overdue_work_is_counted_the_day_after_it_is_due_worst_first() -> None:
    found = facts_of(item(1, due=due(-1)), item(2, due=due(0)), item(3, due=due(-20)), item(4, due=due(5)), done(5, ago(1), due=due(-9)))
    assert found["project.overdue_count"].value == 2
    assert found["project.overdue_share"].value == 0.5
    assert found["project.overdue_share"].confidence == 100
    assert keys(found["project.overdue_share"]) == ["ERP-3", "ERP-1"]
    assert found["project.overdue_share"].evidence[0].note == "due 2026-11-03"
    assert found["project.earliest_overdue_due"].value == due(-20)
    assert found["project.overdue_count"].holds_until == datetime(2026, 11, 24, tzinfo=UTC)


def test_a_day_ends_at_midnight_of_the_projects_zone() -> None:
    late = item(1, due=TODAY)
    evening = datetime(2026, 11, 23, 16, tzinfo=UTC)
    assert facts_of(late, now=evening)["project.overdue_count"].value == 0
    tokyo = facts_of(late, item(2, due=due(1)), now=evening, time_zone="Asia/Tokyo")["project.overdue_count"]
    assert (tokyo.value, tokyo.holds_until) == (1, datetime(2026, 11, 24, 15, tzinfo=UTC))


def test_the_end_of_an_active_iteration_stands_in_for_a_missing_due_date() -> None:
    found = facts_of(item(1, iteration_end=due(-1)), item(2, iteration_end=due(-1), due=due(4)))
    assert found["project.overdue_count"].value == 1
    assert found["project.overdue_count"].evidence[0].note == "iteration ended 2026-11-22"


def test_shares_are_of_points_where_most_items_have_them_and_else_of_items() -> None:
    pointed = [item(number, points=5.0) for number in range(4)]
    found = facts_of(*pointed, item(5, due=due(-1)))  # 4 of 5 have points; the fifth counts as the median of 5
    assert found["project.weighting"].value == "points"
    assert found["project.overdue_share"].value == pytest.approx(0.2)
    heavy = facts_of(item(1, points=8.0, due=due(-1)), item(2, points=2.0), item(3, points=2.0, due=due(3)))
    assert heavy["project.overdue_share"].value == pytest.approx(8 / 12)
    rare = facts_of(item(1, points=8.0, due=due(-1)), item(2), item(3))
    assert rare["project.weighting"].value == "items"
    assert rare["project.overdue_share"].value == pytest.approx(1 / 3)


def test_few_dates_lower_the_confidence_and_none_make_it_unknown() -> None:
    found = facts_of(item(1, due=due(3)), *(item(number) for number in range(2, 11)))["project.overdue_share"]
    assert (found.value, found.confidence) == (0.0, 46)
    assert facts_of(item(1), item(2))["project.overdue_share"].reason == "no open item has a due date or an active iteration"


def test_a_finished_project_has_nothing_overdue() -> None:
    assert facts_of(done(1, ago(3), due=due(-9)))["project.overdue_share"].value == 0.0


def test_what_does_not_count_and_what_is_a_register_is_no_work() -> None:
    found = facts_of(item(1, due=due(-1), counts=False), item(2, kind=Kind.RISK, due=due(-1)), item(3, due=due(3)))
    assert (found["project.item_count"].value, found["project.overdue_count"].value) == (1, 0)


def test_dates_that_cannot_be_are_counted_with_what_is_wrong() -> None:
    found = facts_of(
        item(1, start=due(5), due=due(3)),
        done(2, ago(9), started_at=ago(4)),
        item(3, created_at=ago(-2)),
        item(4, start=due(1), due=due(1), created_at=ago(-0.003)),  # four minutes ahead: a clock's skew
        done(5, ago(4), started_at=ago(9)),
    )["project.invalid_date_count"]
    assert found.value == 3
    assert {piece.label: piece.note for piece in found.evidence} == {
        "ERP-1": "starts 2026-11-28, due 2026-11-26",
        "ERP-2": "done 2026-11-14, started 2026-11-19",
        "ERP-3": "dated in the future: 2026-11-25",
    }
    assert found.holds_until == ago(-2) - timedelta(minutes=10)


def test_the_iteration_that_ends_first_is_the_running_one() -> None:
    found = facts_of(
        item(1, iteration_end=due(3)), item(2, iteration_end=due(3), points=0.0), item(3, iteration_end=due(9), estimate_hours=4.0)
    )
    assert found["project.iteration_end"].value == due(3)
    assert found["project.iteration_open_count"].value == 2
    assert found["project.iteration_unestimated_share"].value == pytest.approx(1 / 3)
    assert keys(found["project.iteration_unestimated_share"]) == ["ERP-1"]


def test_the_last_activity_is_the_newest_instant_that_is_not_in_the_future() -> None:
    found = facts_of(item(1, updated_at=ago(9)), item(2, updated_at=ago(-400)), item(3, kind=Kind.RISK, updated_at=ago(5), counts=False))
    assert found["project.last_activity_at"].value == ago(5)
    assert facts_of(item(1, updated_at=ago(9)), item(2, counts=False, updated_at=ago(4)))["project.last_activity_at"].value == ago(4)
    assert facts_of(item(1))["project.last_activity_at"].value is None


# -- flow


def test_throughput_is_the_mean_of_full_weeks_with_their_zeros() -> None:
    finished = [done(number, ago(days), created_at=ago(90)) for number, days in enumerate((1, 2, 8, 80, 0, 85))]
    found = facts_of(*finished)["project.throughput_per_week"]
    assert found.value == pytest.approx(4 / 12)  # today's and the one from 85 days ago lie outside
    assert found.holds_until == datetime(2026, 11, 24, tzinfo=UTC)


def test_a_young_project_has_no_rate_yet_and_an_idle_one_has_zero() -> None:
    assert facts_of(done(1, ago(2), created_at=ago(27)))["project.throughput_per_week"].value is None
    assert facts_of(done(1, ago(2), created_at=ago(28)))["project.throughput_per_week"].value == 0.25
    assert facts_of(done(1, ago(100), created_at=ago(200)))["project.throughput_per_week"].value == 0.0
    assert facts_of(item(1, created_at=ago(200)))["project.throughput_per_week"].reason == "nothing was ever finished"
    cancelled = item(1, status_category=StatusCategory.CANCELLED, done_at=ago(3), created_at=ago(200))
    assert facts_of(cancelled)["project.throughput_per_week"].value is None


def test_finished_items_without_an_end_lower_the_rates_confidence() -> None:
    found = facts_of(done(1, ago(2), created_at=ago(60)), item(2, status_category=StatusCategory.DONE))
    assert found["project.throughput_per_week"].confidence == 50


def cycles(days: list[int], first: int = 100, **changes: Any) -> list[ItemFacts]:
    """Items done five days ago after so many days, both ends counted."""
    return [
        done(first + number, ago(5), started_at=ago(5 + length - 1), created_at=ago(90), **changes) for number, length in enumerate(days)
    ]


def test_work_in_progress_ages_beyond_the_85th_percentile_of_its_kind() -> None:
    stories = cycles([2] * 17 + [9] * 3, kind=Kind.STORY)  # P85 of 20 is the 17th: 2 days
    bugs = cycles([30] * 20, first=200, kind=Kind.BUG)
    running = [
        item(1, kind=Kind.STORY, status_category=PROGRESS, started_at=ago(2)),  # its third day
        item(2, kind=Kind.STORY, status_category=PROGRESS, started_at=ago(1)),  # its second
        item(3, kind=Kind.BUG, status_category=PROGRESS, started_at=ago(20)),
        item(4, kind=Kind.TASK, status_category=PROGRESS, started_at=ago(40)),  # no tasks to compare with: P85 of all is 30
    ]
    found = facts_of(*stories, *bugs, *running)
    assert found["project.cycle_samples"].value == 40
    assert found["project.cycle_time_p85_days"].value == 30
    assert found["project.ageing_wip_count"].value == 2
    assert found["project.ageing_wip_share"].value == 0.5
    assert keys(found["project.ageing_wip_count"]) == ["ERP-4", "ERP-1"]
    assert found["project.ageing_wip_count"].evidence[0].note == "in progress since 2026-10-14"
    assert found["project.ageing_wip_count"].holds_until == datetime(2026, 11, 24, tzinfo=UTC)
    assert found["project.oldest_wip_started_at"].value == ago(40)


def test_nineteen_samples_are_too_few_to_call_anything_old() -> None:
    found = facts_of(*cycles([2] * 19), item(1, status_category=PROGRESS, started_at=ago(300)))
    assert found["project.ageing_wip_count"].value is None
    assert found["project.cycle_time_p85_days"].value is None
    assert "20" in (found["project.ageing_wip_count"].reason or "")


def test_blocked_work_is_counted_only_where_the_source_tells() -> None:
    stuck = item(1, status_category=PROGRESS, status="Blocked", blocked=True, status_since=ago(12))
    found = facts_of(stuck, item(2, status_category=PROGRESS), item(3, blocked=True), item(4, blocked=None))
    assert (found["project.blocked_count"].value, found["project.blocked_count"].confidence) == (2, 75)
    assert found["project.blocked_wip_share"].value == 0.5
    assert found["project.blocked_count"].evidence[0].note == "Blocked since 2026-11-11"
    assert facts_of(item(1, blocked=None))["project.blocked_count"].value is None


# -- quality, scope, resources, risks, cost


def test_blockers_are_open_bugs_of_the_highest_priority() -> None:
    found = facts_of(
        item(1, kind=Kind.BUG, priority=100, created_at=ago(3)),
        item(2, kind=Kind.BUG, priority=90, created_at=ago(8)),
        item(3, kind=Kind.BUG, priority=50, created_at=ago(99)),
        item(4, kind=Kind.STORY, priority=100),
        done(5, ago(1), kind=Kind.BUG, priority=100, created_at=ago(50)),
        item(6, kind=Kind.BUG),
    )
    assert found["project.open_bug_count"].value == 4
    assert (found["project.open_blocker_count"].value, found["project.open_blocker_count"].confidence) == (2, 75)
    assert keys(found["project.open_blocker_count"]) == ["ERP-2", "ERP-1"]
    assert found["project.oldest_blocker_created_at"].value == ago(8)


def test_a_project_without_any_bug_has_unknown_quality() -> None:
    assert facts_of(item(1))["project.open_blocker_count"].reason == "no bug was ever recorded: bugs may be tracked elsewhere"
    assert facts_of(item(1), done(2, ago(3), kind=Kind.BUG))["project.open_blocker_count"].value == 0


def test_growth_counts_what_was_added_against_what_ended() -> None:
    old = [item(number, created_at=ago(200)) for number in range(8)]
    ended = [done(20, ago(40), created_at=ago(200)), done(21, ago(10), created_at=ago(200))]
    added = [item(30, created_at=ago(10)), item(31, created_at=ago(3)), item(32, created_at=ago(60)), done(33, ago(2), created_at=ago(9))]
    dropped = item(40, created_at=ago(200), status_category=StatusCategory.CANCELLED, done_at=ago(60))
    found = facts_of(*old, *ended, *added, dropped)
    assert found["project.created_28d_count"].value == 3
    assert found["project.finished_28d_count"].value == 2
    # open 28 days ago: 8 old, ERP-21, ERP-32; today 11
    assert found["project.backlog_growth_28d_share"].value == pytest.approx(1 / 10)
    # there 90 days ago: 8 old, 2 ended, the dropped one; today 14 without it
    assert found["project.scope_growth_90d_share"].value == pytest.approx(3 / 11)


def test_the_windows_first_day_belongs_to_the_window() -> None:
    old = [item(number, created_at=ago(200)) for number in range(5)]
    assert facts_of(*old, item(9, created_at=ago(28)))["project.created_28d_count"].value == 1
    assert facts_of(*old, item(9, created_at=ago(29)))["project.created_28d_count"].value == 0
    assert facts_of(*old, done(9, ago(28), created_at=ago(200)))["project.backlog_growth_28d_share"].value == pytest.approx(-1 / 6)
    assert facts_of(*old, done(9, ago(29), created_at=ago(200)))["project.backlog_growth_28d_share"].value == 0.0


def test_scope_counts_from_a_planned_start_that_is_nearer_than_90_days() -> None:
    items = [*(item(number, created_at=ago(50)) for number in range(5)), item(9, created_at=ago(20))]
    assert facts_of(*items)["project.scope_growth_90d_share"].reason == "no history before 2026-08-25"
    assert facts_of(*items, start=due(-30))["project.scope_growth_90d_share"].value == pytest.approx(0.2)
    assert facts_of(*items, start=due(3))["project.scope_growth_90d_share"].reason == "the project hasn't started"
    assert "too few" in (facts_of(*items[1:], start=due(-30))["project.scope_growth_90d_share"].reason or "")


def test_near_term_work_is_running_in_an_iteration_or_due_within_two_weeks() -> None:
    found = facts_of(
        item(1, assignee_id=None, due=due(14)),
        item(2, assignee_id=None, due=due(15)),
        item(3, status_category=PROGRESS),
        item(4, iteration_end=due(3), assignee_id=None),
        item(5, assignee_id=None),
        item(6, kind=Kind.MILESTONE, due=due(2), assignee_id=None),
    )
    assert found["project.near_term_count"].value == 3
    assert found["project.unassigned_near_term_share"].value == pytest.approx(2 / 3)
    assert keys(found["project.unassigned_near_term_share"]) == ["ERP-4", "ERP-1"]
    assert found["project.unassigned_near_term_count"].holds_until == datetime(2026, 11, 24, tzinfo=UTC)
    assert facts_of(item(5, assignee_id=None))["project.unassigned_near_term_share"].value is None


def test_work_in_the_hands_of_deactivated_accounts_is_counted() -> None:
    found = facts_of(
        item(1, assignee_active=False), item(2), item(3, assignee_active=None), item(4, assignee_id=None, assignee_active=None)
    )
    assert (found["project.inactive_assignee_count"].value, found["project.inactive_assignee_count"].confidence) == (1, 67)
    assert found["project.top_assignee_share"].value == 1.0
    assert facts_of(item(1, assignee_active=None))["project.inactive_assignee_count"].value is None


def test_risks_are_read_from_the_register_although_they_are_no_work() -> None:
    found = facts_of(
        item(1, kind=Kind.RISK, counts=False, priority=100, assignee_id=None, updated_at=ago(40)),
        item(2, kind=Kind.RISK, counts=False, priority=50, assignee_id=None, updated_at=ago(2)),
        item(3, kind=Kind.RISK, counts=False, priority=100, updated_at=ago(3)),
        done(4, ago(1), kind=Kind.RISK, counts=False, assignee_id=None, updated_at=ago(90)),
    )
    assert [found[f"project.{name}"].value for name in ("open_risk_count", "unowned_risk_count", "unowned_critical_risk_count")] == [
        3,
        2,
        1,
    ]
    assert found["project.stalest_risk_updated_at"].value == ago(40)


def test_cost_is_unknown_and_says_what_is_missing() -> None:
    assert "no budget at completion" in (facts_of(item(1))["project.cost_variance_share"].reason or "")


# -- milestones


def test_milestones_that_count_become_subjects_in_the_order_of_their_ids() -> None:
    subjects = measure_subjects(
        project(),
        [
            item(3, kind=Kind.MILESTONE),
            item(1, kind=Kind.MILESTONE, due=due(-4), title="Go-live"),
            item(2, kind=Kind.MILESTONE, counts=False),
            item(4),
        ],
        NOW,
    )
    assert [subject.sub_key for subject in subjects] == [f"{1:032x}", f"{3:032x}"]
    first, second = (by_name(*subject.facts) for subject in subjects)
    assert {name: fact.value for name, fact in first.items()} == {
        "milestone.key": "ERP-1",
        "milestone.name": "Go-live",
        "milestone.due": due(-4),
        "milestone.done": False,
    }
    assert second["milestone.due"].reason == "the milestone has no due date"


# -- laws

INSTANTS = st.none() | st.floats(-5, 400).map(ago)
DAYS = st.none() | st.integers(-60, 60).map(due)
ITEMS = st.lists(
    st.builds(
        item,
        st.integers(1, 10**6),
        kind=st.sampled_from(Kind),
        status_category=st.sampled_from(StatusCategory),
        assignee_id=st.sampled_from([None, "ada", "alan"]),
        assignee_active=st.sampled_from([None, True, False]),
        priority=st.sampled_from([None, 50, 100]),
        points=st.sampled_from([None, 0.0, 3.0, 8.0]),
        created_at=INSTANTS,
        updated_at=INSTANTS,
        started_at=INSTANTS,
        done_at=INSTANTS,
        status_since=INSTANTS,
        start=DAYS,
        due=DAYS,
        blocked=st.sampled_from([None, True, False]),
        iteration_end=DAYS,
        counts=st.booleans(),
    ),
    max_size=12,
    unique_by=lambda found: found.id,
)
PROJECTS = st.builds(
    project,
    start=DAYS,
    finish=DAYS,
    time_zone=st.sampled_from(["UTC", "Asia/Tokyo", "America/Santiago"]),
    data_complete=st.sampled_from([None, True, False]),
    synced_at=st.none() | st.floats(0, 3).map(ago),
)
SMALL = Parameters(cycle_min_samples=2, scope_min_items=1)
TYPES: dict[Scalar, type] = {
    Scalar.BOOL: bool,
    Scalar.INT: int,
    Scalar.DOUBLE: float,
    Scalar.STRING: str,
    Scalar.DATE: date,
    Scalar.TIMESTAMP: datetime,
}


@settings(deadline=None)
@given(PROJECTS, ITEMS, st.randoms(use_true_random=False))
def test_the_order_of_the_items_changes_nothing(found: ProjectFacts, items: list[ItemFacts], chance: Any) -> None:
    shuffled = list(items)
    chance.shuffle(shuffled)
    assert measure(found, items, NOW, SMALL) == measure(found, shuffled, NOW, SMALL)
    assert measure_subjects(found, items, NOW) == measure_subjects(found, shuffled, NOW)


@settings(deadline=None)
@given(PROJECTS, ITEMS)
def test_a_fact_has_its_declared_type_and_the_unknown_has_a_reason(found: ProjectFacts, items: list[ItemFacts]) -> None:
    for fact in measure(found, items, NOW, SMALL):
        if fact.value is None:
            assert fact.reason
            assert fact.confidence == 0
        else:
            assert type(fact.value) is TYPES[FACTS[fact.name].type], fact.name
        if FACTS[fact.name].unit == "share" and isinstance(fact.value, float) and "growth" not in fact.name:
            assert 0 <= fact.value <= 1
        assert fact.holds_until is None or fact.holds_until > NOW


@settings(deadline=None, max_examples=400)
@given(PROJECTS, ITEMS, st.floats(0, 0.999), st.data())
def test_until_a_fact_says_so_the_clock_alone_does_not_change_it(
    found: ProjectFacts, items: list[ItemFacts], part: float, data: st.DataObject
) -> None:
    fact = data.draw(st.sampled_from(measure(found, items, NOW, SMALL)))
    until = fact.holds_until or NOW + timedelta(days=60)
    later = by_name(*measure(found, items, NOW + (until - NOW) * part, SMALL))[fact.name]
    assert (later.value, later.evidence) == (fact.value, fact.evidence)


def test_the_project_is_measured_again_when_its_first_fact_expires() -> None:
    facts = measure(project(), [item(1, due=due(3)), item(2, due=due(9))], NOW)
    assert holds_until(facts, NOW) == NOW + timedelta(minutes=60, microseconds=1)
    assert holds_until(facts, NOW + timedelta(days=90)) is None
