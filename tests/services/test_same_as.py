"""One piece of work in several tools: counted once, reversibly, and never overwritten."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from pmo_hub.services import facts, governance, projects, same_as, work_items
from pmo_hub.services.errors import Conflict, Invalid, NotFound
from pmo_hub.services.projects import NewRule
from pmo_hub.services.work_items import Query
from pmo_hub.store.merge import merge_rows
from pmo_hub.store.models.canonical import CustomValue
from pmo_hub.store.models.source import Connection, Scope
from pmo_hub.store.repositories.work_items import Filter, Order
from pmo_hub.store.unit_of_work import Work
from tests.stored import Estate, connection_row, item_id, scope_id

PLAN = "d" * 32
"""The second connection: a planning tool."""

TEAM = "c" * 32


class Both:
    """A project that takes the team's scope for execution and the plan's for its schedule."""

    def __init__(self, work: Work, folder: Path) -> None:
        self.estate = Estate(work, folder)
        self.hub = self.estate.hub
        self.estate.scopes("TEAM", "PLAN")
        with work.write() as session:
            row = connection_row(self.estate.clock()) | {"id": PLAN, "name": "Plan", "namespace": "plan"}
            session.execute(sa.insert(Connection).values(row))
            session.execute(sa.update(Scope).where(Scope.id == scope_id("PLAN")).values(connection_id=PLAN))
        self.estate.items("TEAM", {"external_id": "t1", "key": "TEAM-1", "due": date(2026, 7, 9), "points": 3.0}, {"external_id": "t2"})
        self.estate.items(
            "PLAN", {"external_id": "p1", "key": "PLAN-1", "due": date(2026, 7, 1), "work_hours": 8.0, "status_category": "done"}
        )
        wanted = [NewRule(scope_id("TEAM"), "all", None, "execution"), NewRule(scope_id("PLAN"), "all", None, "schedule")]
        self.project = projects.create(self.hub, "Both", {}, wanted, "test").id
        self.estate.clock.forward(minutes=1)

    def fact(self, name: str) -> Any:
        (found,) = [one.fact.value for one in facts.list_facts(self.hub, self.project).facts if one.fact.name == f"project.{name}"]
        return found

    def holds(self, item: str, key: str) -> None:
        """A custom field of the item names the other's key."""
        row: dict[str, Any] = {c.name: None for c in CustomValue.__table__.columns if c.name not in ("row_hash", "recorded_from")}
        row |= {"id": f"{item}:v".ljust(32, "0"), "external_id": item, "item_id": item_id(item), "field": "ref", "name": "Ref", "text": key}
        with self.estate.work.write() as session:
            merge_rows(session, CustomValue, [row], self.estate.clock())


@pytest.fixture
def both(work: Work, tmp_path: Path) -> Both:
    return Both(work, tmp_path)


def test_a_duplicate_counts_once_and_says_why(both: Both) -> None:
    assert both.fact("item_count") == 3
    same_as.add(both.hub, item_id("t1"), item_id("p1"), "test")
    assert both.fact("item_count") == 2
    for found in (
        work_items.get(both.hub, item_id("p1")).item,
        next(i for i in work_items.page(both.hub, Query(Filter()), Order(), None, 10) if i.key == "PLAN-1"),
    ):
        assert (found.counts, found.uncounted) == (False, "duplicate")
    counted = work_items.page(both.hub, Query(Filter(counts=True)), Order(), None, 10)
    left_out = work_items.page(both.hub, Query(Filter(counts=False)), Order(), None, 10)
    assert ({i.key for i in counted}, {i.key for i in left_out}) == ({"TEAM-1", "TEAM-t2"}, {"PLAN-1"})


def test_taking_it_back_counts_both_again_and_the_past_is_kept(both: Both) -> None:
    made = same_as.add(both.hub, item_id("t1"), item_id("p1"), "test")
    then = both.estate.clock.forward(minutes=1)
    both.estate.clock.forward(minutes=1)
    same_as.remove(both.hub, made.id, "test")
    assert both.fact("item_count") == 3
    assert work_items.get(both.hub, item_id("p1")).item.counts is True
    assert work_items.get(both.hub, item_id("p1"), then).item.counts is False
    with pytest.raises(NotFound):
        same_as.remove(both.hub, made.id, "test")


def test_a_duplicate_counts_when_the_other_is_gone(both: Both) -> None:
    same_as.add(both.hub, item_id("t1"), item_id("p1"), "test")
    both.estate.end_items("t1")
    assert work_items.get(both.hub, item_id("p1")).item.counts is True


def test_a_circle_and_a_second_owner_are_refused(both: Both) -> None:
    same_as.add(both.hub, item_id("t1"), item_id("p1"), "test")
    with pytest.raises(Invalid, match="itself a duplicate"):
        same_as.add(both.hub, item_id("p1"), item_id("t1"), "test")
    with pytest.raises(Conflict):
        same_as.add(both.hub, item_id("t2"), item_id("p1"), "test")
    with pytest.raises(Invalid) as raised:
        same_as.add(both.hub, "0" * 32, item_id("p1"), "test")
    assert raised.value.faults[0].pointer == "/item_id"


def test_a_rule_finds_the_key_that_a_field_holds(both: Both) -> None:
    both.holds("t2", "PLAN-1")
    rule = same_as.add_rule(both.hub, TEAM, "ref", PLAN, "own", "test")
    (found,) = same_as.page(both.hub, None, None, 10)
    assert (found.item_id, found.duplicate_id, found.how, found.rule_id) == (item_id("t2"), item_id("p1"), "rule", rule.id)
    assert both.fact("item_count") == 2
    same_as.delete_rule(both.hub, rule.id, "test")
    assert same_as.page(both.hub, None, None, 10) == []
    assert both.fact("item_count") == 3


def test_a_rule_of_equal_keys_follows_the_data(both: Both) -> None:
    same_as.add_rule(both.hub, TEAM, None, PLAN, "other", "test")
    assert same_as.page(both.hub, None, None, 10) == []
    both.estate.items("TEAM", {"external_id": "t2", "key": "PLAN-1"})
    with both.estate.work.write() as session:
        assert both.project in same_as.follow(session, both.estate.clock())
        assert same_as.follow(session, both.estate.clock()) == set()
    (found,) = same_as.page(both.hub, item_id("t2"), None, 10)
    assert (found.item_id, found.duplicate_id) == (item_id("p1"), item_id("t2"))


def test_what_was_told_apart_by_hand_is_not_found_again(both: Both) -> None:
    both.holds("t2", "PLAN-1")
    same_as.add_rule(both.hub, TEAM, "ref", PLAN, "own", "test")
    (found,) = same_as.page(both.hub, None, None, 10)
    same_as.remove(both.hub, found.id, "test")
    with both.estate.work.write() as session:
        same_as.follow(session, both.estate.clock())
    assert same_as.page(both.hub, None, None, 10) == []
    same_as.add(both.hub, item_id("t2"), item_id("p1"), "test")
    assert len(same_as.page(both.hub, None, None, 10)) == 1


def test_a_rule_over_what_is_not_there_is_pointed_at(both: Both) -> None:
    with pytest.raises(Invalid) as raised:
        same_as.add_rule(both.hub, TEAM, None, "0" * 32, "own", "test")
    assert raised.value.faults[0].pointer == "/other_connection_id"
    with pytest.raises(Invalid, match="name the field"):
        same_as.add_rule(both.hub, TEAM, None, TEAM, "own", "test")


# Whom the project believes.


def test_the_plan_supplies_the_dates_and_the_team_the_progress(both: Both) -> None:
    both.estate.clock.now = both.estate.clock.now.replace(month=7, day=5)
    with both.estate.work.write() as session:
        governance.refresh(session, [both.project], both.estate.clock())
    assert both.fact("overdue_count") == 0  # the team's day is still to come, the plan's item is done
    same_as.add(both.hub, item_id("t1"), item_id("p1"), "test")
    assert both.fact("overdue_count") == 1  # by the plan's day, and by the team's word not done
    same_as.put_precedence(both.hub, both.project, {"due": ["execution"]}, "test")
    assert both.fact("overdue_count") == 0
    same_as.put_precedence(both.hub, both.project, {}, "test")
    assert both.fact("overdue_count") == 1


def test_contradictions_are_shown_with_both_values_and_who_is_believed(both: Both) -> None:
    assert same_as.project_conflicts(both.hub, both.project) == []
    same_as.add(both.hub, item_id("t1"), item_id("p1"), "test")
    found = {one.field: one for one in same_as.project_conflicts(both.hub, both.project)}
    assert set(found) == {"due", "status_category"}
    due = found["due"]
    assert (due.counted.value, due.duplicate.value) == (date(2026, 7, 9), date(2026, 7, 1))
    assert (due.winner_id, due.because, due.duplicate.key) == (item_id("p1"), "schedule", "PLAN-1")
    assert (found["status_category"].winner_id, found["status_category"].because) == (item_id("t1"), "counted")
    assert {r.due for r in work_items.page(both.hub, Query(Filter(key="TEAM-1")), Order(), None, 10)} == {date(2026, 7, 9)}


@pytest.mark.parametrize(
    ("fields", "pointer"),
    [
        ({"title": ["execution"]}, "/fields/title"),
        ({"due": ["execution", "boss"]}, "/fields/due/1"),
        ({"status_category": []}, "/fields/status_category"),
    ],
)
def test_an_order_of_nothing_is_pointed_at(both: Both, fields: dict[str, list[str]], pointer: str) -> None:
    with pytest.raises(Invalid) as raised:
        same_as.put_precedence(both.hub, both.project, fields, "test")
    assert raised.value.faults[0].pointer == pointer
    with pytest.raises(NotFound):
        same_as.put_precedence(both.hub, "0" * 32, {}, "test")


# History until a date.


def test_a_history_counts_until_its_date(both: Both) -> None:
    def replace(until: date | None, role: str = "history") -> None:
        wanted = [NewRule(scope_id("TEAM"), "all", None, "execution"), NewRule(scope_id("PLAN"), "all", None, role, until)]
        projects.replace_rules(both.hub, both.project, wanted, "test", lambda _: None)

    replace(None)
    assert both.fact("item_count") == 2
    replace(both.estate.clock.now.date())
    assert both.fact("item_count") == 3
    assert [r.history_until for r in projects.rules(both.hub, both.project)].count(None) == 1
    both.estate.clock.forward(days=1)
    facts.expire(both.hub)
    assert both.fact("item_count") == 2
    with pytest.raises(Invalid, match="Only a rule in the role history"):
        replace(date(2026, 7, 1), "execution")
