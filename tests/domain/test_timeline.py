"""Iteration stays, timing and reconstruction, each against hand-computed histories."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pmo_hub.domain.timeline import (
    RECORDED,
    Change,
    Dictionary,
    ItemState,
    Stay,
    Timing,
    iteration_stays,
    state_at,
    timing,
)
from pmo_hub.domain.vocabulary import Field, Kind, StatusCategory

TODO, DOING, DONE, CANCELLED = StatusCategory.TODO, StatusCategory.IN_PROGRESS, StatusCategory.DONE, StatusCategory.CANCELLED
CATEGORIES = {"1": TODO, "3": DOING, "5": DONE, "6": DONE, "7": CANCELLED}
CREATED = datetime(2026, 3, 1, tzinfo=UTC)


def day(n: int) -> datetime:
    return CREATED + timedelta(days=n)


def sprint(n: int, before: str, after: str) -> Change:
    return Change(Field.ITERATION, day(n), from_id=before, to_id=after, id=str(n))


def move(n: int, before: str, after: str) -> Change:
    return Change(Field.STATUS, day(n), before, f"S{before}", after, f"S{after}", id=str(n))


@pytest.mark.parametrize(
    ("current", "changes", "stays"),
    [
        pytest.param((), [], (), id="never in one"),
        pytest.param(("7",), [], (Stay("7", CREATED, None),), id="created in it"),
        pytest.param(("7",), [sprint(2, "", "7")], (Stay("7", day(2), None),), id="added later"),
        pytest.param((), [sprint(2, "", "7"), sprint(4, "7", "")], (Stay("7", day(2), day(4)),), id="added and removed"),
        pytest.param((), [sprint(4, "7", "")], (Stay("7", CREATED, day(4)),), id="created in it and removed"),
        pytest.param(
            ("7", "8"), [sprint(2, "", "7"), sprint(9, "7", "7, 8")], (Stay("7", day(2), None), Stay("8", day(9), None)), id="carried over"
        ),
        pytest.param(
            ("7",),
            [sprint(2, "", "7"), sprint(3, "7", ""), sprint(5, "", "7")],
            (Stay("7", day(2), day(3)), Stay("7", day(5), None)),
            id="twice in one",
        ),
        pytest.param(("9",), [sprint(2, "", "7")], (Stay("9", None, None), Stay("7", day(2), day(2))), id="today contradicts the history"),
        pytest.param(
            ("9",),
            [sprint(2, "", "7"), sprint(5, "8", "9")],
            (Stay("8", None, day(5)), Stay("7", day(2), day(2)), Stay("9", day(5), None)),
            id="a change contradicts the one before",
        ),
    ],
)
def test_stays_follow_from_creation_history_and_today(current: tuple[str, ...], changes: list[Change], stays: tuple[Stay, ...]) -> None:
    assert iteration_stays(CREATED, current, reversed(changes)) == stays


def test_without_history_when_it_joined_is_unknown() -> None:
    assert iteration_stays(CREATED, ("7",), [], complete=False) == (Stay("7", None, None),)


def test_ids_of_the_source_become_row_ids() -> None:
    assert iteration_stays(CREATED, ("row-7",), [sprint(2, "", "7")], "row-{}".format) == (Stay("row-7", day(2), None),)


def test_sprint_commitment_can_be_told_from_the_stays() -> None:
    start = day(10)
    histories = {
        "committed": [sprint(8, "", "7")],
        "added": [sprint(12, "", "7")],
        "removed": [sprint(8, "", "7"), sprint(12, "7", "")],
        "removed before": [sprint(8, "", "7"), sprint(9, "7", "")],
    }
    current = {"committed": ("7",), "added": ("7",)}
    in_at_start = {
        name
        for name, changes in histories.items()
        for stay in iteration_stays(CREATED, current.get(name, ()), changes)
        if stay.joined_at is not None and stay.joined_at <= start and (stay.left_at is None or stay.left_at > start)
    }
    assert in_at_start == {"committed", "removed"}


@given(st.lists(st.tuples(st.integers(0, 50), st.sets(st.sampled_from("789")))))
def test_a_consistent_history_ends_in_what_is_current_and_never_overlaps_itself(steps: list[tuple[int, set[str]]]) -> None:
    steps = sorted(dict(steps).items())
    before: set[str] = set()
    changes = []
    for n, after in steps:
        changes.append(sprint(n, ", ".join(sorted(before)), ", ".join(sorted(after))))
        before = after
    stays = iteration_stays(CREATED, tuple(sorted(before)), changes)
    assert {s.iteration_id for s in stays if s.left_at is None} == before
    for iteration in "789":
        own = [s for s in stays if s.iteration_id == iteration]
        assert all(a.left_at is not None and b.joined_at is not None and a.left_at <= b.joined_at for a, b in pairwise(own))


@pytest.mark.parametrize(
    ("now", "changes", "expected"),
    [
        pytest.param("1", [], Timing(None, None, CREATED, 0, 0), id="untouched"),
        pytest.param("3", [], Timing(CREATED, None, CREATED, 0, 0), id="created in progress"),
        pytest.param("3", [move(2, "1", "3")], Timing(day(2), None, day(2), 0, 0), id="started"),
        pytest.param("5", [move(2, "1", "3"), move(5, "3", "5")], Timing(day(2), day(5), day(5), 0, 0), id="done"),
        pytest.param("5", [move(5, "1", "5")], Timing(None, day(5), day(5), 0, 0), id="jumped to done"),
        pytest.param("6", [move(2, "1", "3"), move(5, "3", "5"), move(8, "5", "6")], Timing(day(2), day(5), day(8), 0, 0), id="closed"),
        pytest.param("7", [move(2, "3", "7")], Timing(CREATED, day(2), day(2), 0, 0), id="cancelled"),
        pytest.param(
            "5",
            [move(2, "1", "3"), move(5, "3", "5"), move(6, "5", "3"), move(9, "3", "5")],
            Timing(day(2), day(9), day(9), 1, 0),
            id="reopened and done again",
        ),
        pytest.param("1", [move(2, "3", "5"), move(5, "5", "1")], Timing(CREATED, None, day(5), 1, 0), id="reopened to the start"),
        pytest.param("5", [move(2, "1", "99"), move(5, "99", "5")], Timing(None, day(5), day(5), 0, 0), id="a status nobody knows"),
        pytest.param("5", [move(2, "1", "3"), move(5, "3", "99")], Timing(day(2), None, None, 0, 0), id="history ends elsewhere"),
    ],
)
def test_timing_follows_from_status_moves(now: str, changes: list[Change], expected: Timing) -> None:
    assert timing(CATEGORIES[now], f"S{now}", now, CREATED, None, reversed(changes), CATEGORIES) == expected


def test_end_that_no_move_tells_is_the_sources() -> None:
    moved = [move(2, "1", "3"), move(5, "3", "99")]
    assert timing(DONE, "S5", "5", CREATED, day(6), moved, CATEGORIES).done_at == day(6)
    assert timing(DONE, "S5", "5", CREATED, day(6), [], CATEGORIES, complete=False) == Timing(None, day(6), None, 0, 0)


def test_todays_category_decides_where_a_status_counts_as_done_or_cancelled() -> None:
    # "Closed" means done by its id; this item was closed with "won't do", which the source's mapping calls cancelled.
    assert timing(CANCELLED, "S5", "5", CREATED, None, [move(2, "3", "5")], CATEGORIES).done_at == day(2)


def test_statuses_without_ids_are_told_by_name() -> None:
    change = Change(Field.STATUS, day(2), from_text="Backlog", to_text="Doing")
    assert timing(DOING, "Doing", None, CREATED, None, [change], {"Backlog": TODO, "Doing": DOING}).started_at == day(2)


def test_due_date_that_moves_is_counted_and_one_that_is_set_or_cleared_is_not() -> None:
    dues = [("", "2026-04-01"), ("2026-04-01", "2026-05-01"), ("2026-05-01", "2026-05-01 00:00:00.0"), ("2026-05-01", "")]
    changes = [Change(Field.DUE, day(n), from_id=a, to_id=b) for n, (a, b) in enumerate(dues)]
    assert timing(TODO, "S1", "1", CREATED, None, changes, CATEGORIES).due_moves == 1


WORDS = Dictionary(CATEGORIES, {"Bug": Kind.BUG}, {"High": 75}, lambda kind, external_id: f"{kind}:{external_id}")
FIRST = ItemState(
    scope_id="scope:1", key="ERP-1", title="Now", description="text", kind=Kind.STORY, original_type="Story", status_category=DONE,
    original_status="S5", original_status_id="5", resolution="Fixed", parent_id="work_item:9", priority=100, original_priority="Highest",
    assignee_id="identity:a", planned_start=date(2026, 3, 2), due=date(2026, 6, 1), points=8.0, work_hours=16.0, remaining_hours=0.0,
    flagged=False, labels=("x", "y"), component_ids=("component:1", "component:2"), version_ids=("version:1",),
    iteration_ids=("iteration:7",),
)  # fmt: skip


def test_item_without_later_changes_is_what_it_was_first_seen_as() -> None:
    assert state_at(FIRST, [move(1, "1", "5")], day(1), WORDS) == FIRST


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (move(9, "3", "5"), {"original_status": "S3", "original_status_id": "3", "status_category": DOING}),
        (move(9, "99", "5"), {"original_status": "S99", "original_status_id": "99", "status_category": None}),
        (Change(Field.ASSIGNEE, day(9), "b", "Bea", "a", "Ann"), {"assignee_id": "identity:b"}),
        (Change(Field.ASSIGNEE, day(9), None, None, "a", "Ann"), {"assignee_id": None}),
        (Change(Field.ITERATION, day(9), "5, 6", "A, B", "7", "C"), {"iteration_ids": ("iteration:5", "iteration:6")}),
        (Change(Field.POINTS, day(9), None, "3", None, "8"), {"points": 3.0}),
        (Change(Field.POINTS, day(9), None, "", None, "8"), {"points": None}),
        (Change(Field.PARENT, day(9), "4", "ERP-4", "9", "ERP-9"), {"parent_id": "work_item:4"}),
        (Change(Field.DUE, day(9), "2026-05-01", "2026-05-01 00:00:00.0", "2026-06-01"), {"due": date(2026, 5, 1)}),
        (Change(Field.DUE, day(9), None, None, "2026-06-01"), {"due": None}),
        (Change(Field.PLANNED_START, day(9), "", "2026-03-01"), {"planned_start": date(2026, 3, 1)}),
        (Change(Field.PRIORITY, day(9), "2", "High", "1", "Highest"), {"priority": 75, "original_priority": "High"}),
        (Change(Field.TITLE, day(9), None, "Then", None, "Now"), {"title": "Then"}),
        (Change(Field.TYPE, day(9), "1", "Bug", "2", "Story"), {"kind": Kind.BUG, "original_type": "Bug"}),
        (Change(Field.TYPE, day(9), "1", "Wish", "2", "Story"), {"kind": None, "original_type": "Wish"}),
        (Change(Field.KEY, day(9), None, "OLD-1", None, "ERP-1"), {"key": "OLD-1"}),
        (Change(Field.SCOPE, day(9), "2", "Old", "1", "ERP"), {"scope_id": "scope:2"}),
        (Change(Field.RESOLUTION, day(9), None, None, "1", "Fixed"), {"resolution": None}),
        (Change(Field.FLAGGED, day(9), None, "Impediment", None, ""), {"flagged": True}),
        (Change(Field.LABELS, day(9), None, "x z", None, "x y"), {"labels": ("x", "z")}),
        (Change(Field.COMPONENTS, day(9), None, None, "2", "B"), {"component_ids": ("component:1",)}),
        (Change(Field.COMPONENTS, day(9), "3", "C", None, None), {"component_ids": ("component:1", "component:2", "component:3")}),
        (Change(Field.VERSIONS, day(9), "2", "V2", "1", "V1"), {"version_ids": ("version:2",)}),
        (Change(Field.WORK, day(9), "3600", "3600", "57600", "57600"), {"work_hours": None}),
        (Change(Field.DESCRIPTION, day(9), None, "old", None, "text"), {"description": None}),
        (Change(Field.OTHER, day(9), "1", "a", "2", "b"), {}),
    ],
)
def test_what_a_later_change_says_was_before_holds(change: Change, expected: dict[str, object]) -> None:
    assert state_at(FIRST, [change], day(5), WORDS) == replace(FIRST, **expected)  # type: ignore[arg-type]


def test_oldest_change_after_the_instant_tells() -> None:
    changes = [move(2, "1", "3"), move(6, "3", "7"), move(8, "7", "5")]
    assert state_at(FIRST, changes, day(5), WORDS).status_category is DOING
    assert state_at(FIRST, changes, day(6), WORDS).status_category is CANCELLED
    assert state_at(FIRST, changes, day(1), WORDS).status_category is TODO


def test_sets_are_walked_back_one_change_after_the_other() -> None:
    changes = [
        Change(Field.COMPONENTS, day(2), "4", "D", None, None),
        Change(Field.COMPONENTS, day(3), None, None, "2", "B"),
        Change(Field.COMPONENTS, day(4), None, None, "1", "A"),
    ]
    assert state_at(FIRST, changes, day(1), WORDS).component_ids == ("component:4",)
    assert state_at(FIRST, changes, day(3), WORDS).component_ids == ("component:2",)


def test_field_that_the_source_does_not_record_is_unknown_never_todays() -> None:
    then = state_at(FIRST, [], day(5), WORDS, recorded=RECORDED - {Field.DUE, Field.STATUS})
    assert then == replace(FIRST, due=None, original_status=None, original_status_id=None, status_category=None)
