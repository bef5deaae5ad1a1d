"""One piece of work in two tools."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from pmo_hub.domain.sources import DEFAULT, FIELDS, Conflict, Side, conflicts, loops, merged

PLAN_DAY, TEAM_DAY = date(2026, 3, 1), date(2026, 3, 9)


def team(**values: Any) -> Side:
    return Side("t", "scope-t", "execution", values)


def plan(**values: Any) -> Side:
    return Side("p", "scope-p", "schedule", values)


def test_every_field_has_an_order_of_all_roles() -> None:
    assert set(FIELDS) - set(DEFAULT) == {"status_category", "percent_complete"}
    assert {tuple(sorted(order)) for order in DEFAULT.values()} == {("execution", "history", "money", "schedule")}


def test_the_plan_is_believed_for_dates_and_the_counted_item_for_progress() -> None:
    found = merged(team(due=TEAM_DAY, status_category="done", points=3.0), plan(due=PLAN_DAY, status_category="todo", work_hours=8.0), {})
    assert (found["due"], found["status_category"], found["points"], found["work_hours"]) == (PLAN_DAY, "done", 3.0, 8.0)


def test_progress_is_never_mixed() -> None:
    (conflict,) = conflicts(plan(status_category="todo"), team(status_category="done"), {"status_category": ("execution",)})
    assert conflict == Conflict("status_category", "p", "counted")
    assert merged(plan(), team(percent_complete=50.0), {})["percent_complete"] is None


def test_who_has_no_value_never_wins() -> None:
    assert merged(team(due=TEAM_DAY), plan(), {})["due"] == TEAM_DAY
    assert merged(team(), plan(points=5.0), {})["points"] == 5.0


@pytest.mark.parametrize(
    ("order", "day", "because"),
    [((), PLAN_DAY, "schedule"), (("execution",), TEAM_DAY, "execution"), (("scope-t", "schedule"), TEAM_DAY, "scope-t"),
     (("money",), TEAM_DAY, "execution")],
)  # fmt: skip
def test_an_admins_order_names_roles_or_scopes(order: tuple[str, ...], day: date, because: str) -> None:
    sides = team(due=TEAM_DAY), plan(due=PLAN_DAY)
    precedence = {"due": order} if order else {}
    assert merged(*sides, precedence)["due"] == day
    (conflict,) = conflicts(*sides, precedence)
    assert (conflict.field, conflict.because) == ("due", because)


def test_only_contradictions_are_conflicts() -> None:
    assert conflicts(team(due=TEAM_DAY, points=1.0), plan(due=TEAM_DAY), {}) == []
    assert conflicts(team(points=1.0), plan(points=2.0), {}) == [Conflict("points", "t", "execution")]


@pytest.mark.parametrize(
    ("counted", "duplicate", "known", "expected"),
    [("a", "b", {}, False), ("a", "a", {}, True), ("a", "b", {"a": "b"}, True), ("a", "b", {"a": "c", "c": "b"}, True),
     ("a", "b", {"b": "c"}, False)],
)  # fmt: skip
def test_a_circle_of_duplicates_is_seen(counted: str, duplicate: str, known: dict[str, str], expected: bool) -> None:
    assert loops(counted, duplicate, known) is expected
