"""Memberships as they are materialised: what a refresh looks at, what it writes, and which projects it names."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from pmo_hub.domain.membership import automatic_project
from pmo_hub.store.merge import merge_rows
from pmo_hub.store.models.canonical import HISTORY, Component
from pmo_hub.store.models.portfolio import ProjectMembership, ProjectRule
from pmo_hub.store.repositories import memberships, projects
from pmo_hub.store.repositories.projects import StoredProject
from pmo_hub.store.unit_of_work import Work
from tests.stored import Estate, item_id, scope_id, statements

ERP, OPS = automatic_project(scope_id("ERP")), automatic_project(scope_id("OPS"))
HAND = "a" * 32


@pytest.fixture(autouse=True)
def two_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever is said of memberships holds however many items are looked at together."""
    monkeypatch.setattr(memberships, "AT_A_TIME", 2)


@pytest.fixture
def estate(work: Work, tmp_path: Path) -> Estate:
    made = Estate(work, tmp_path)
    made.scopes("ERP", "OPS")
    made.items("ERP", {"external_id": "1"}, {"external_id": "2", "parent_id": item_id("1"), "labels": ["x"]}, {"external_id": "3"})
    made.items("OPS", {"external_id": "9"})
    return made


def rule(estate: Estate, narrowing: str, value: str | None = None, scope: str = "ERP") -> str:
    """A project made by hand has this one rule more; nothing is materialised yet. Returns the rule's id."""
    now = estate.clock()
    id_ = projects.rule_id(HAND, scope_id(scope), narrowing, value)
    row = {
        "id": id_, "project_id": HAND, "scope_id": scope_id(scope), "narrowing": narrowing, "value": value, "role": "execution",
        "history_until": None,
    }  # fmt: skip
    with estate.work.write() as session:
        hand = StoredProject(HAND, "By hand", None, "active", None, None, None, None, None, None, None, None, "UTC", (), False, now)
        projects.save(session, hand, now)
        merge_rows(session, ProjectRule, [row], now)
    return id_


def refresh(estate: Estate, *scopes: str, items: list[str] | None = None, **more: Any) -> set[str]:
    with estate.work.write() as session:
        listed = None if items is None else [item_id(x) for x in items]
        return memberships.refresh(session, [scope_id(s) for s in scopes], estate.clock(), listed, **more)


def test_every_item_is_in_its_scopes_own_project(estate: Estate) -> None:
    assert (estate.members(ERP), estate.members(OPS)) == ({"1", "2", "3"}, {"9"})


def test_refresh_without_a_change_writes_nothing(estate: Estate) -> None:
    with estate.work.read() as session:
        before = session.execute(sa.select(ProjectMembership.id, ProjectMembership.recorded_from)).all()
    estate.clock.forward(hours=1)
    refresh(estate, "ERP", "OPS")
    with estate.work.read() as session:
        assert sorted(session.execute(sa.select(ProjectMembership.id, ProjectMembership.recorded_from)).all()) == sorted(before)
        assert session.execute(sa.select(HISTORY["project_memberships"])).all() == []


def test_refresh_of_some_items_reads_only_these(estate: Estate) -> None:
    with statements(estate.work) as seen:
        touched = refresh(estate, "ERP", items=["2"])
    assert touched == {ERP}
    by_scope = ("work_items.scope_id =", "work_items.scope_id IN")
    assert not [text for text in seen if any(part in text for part in by_scope)]
    with statements(estate.work) as seen:
        refresh(estate, "ERP")
    assert [text for text in seen if any(part in text for part in by_scope)]


def test_item_that_is_gone_leaves_its_projects_and_they_are_named(estate: Estate) -> None:
    assert estate.end_items("3") == {ERP}
    assert estate.members(ERP) == {"1", "2"}


def test_item_that_moved_to_another_scope_changes_projects_and_both_are_named(estate: Estate) -> None:
    assert estate.items("OPS", {"external_id": "3"}) == {ERP, OPS}
    assert (estate.members(ERP), estate.members(OPS)) == ({"1", "2"}, {"3", "9"})


def test_moved_item_is_found_though_only_its_old_scope_was_named(estate: Estate) -> None:
    with estate.work.write() as session:
        estate._merge_items(session, "OPS", [{"external_id": "3"}])
    assert refresh(estate, "ERP", items=["3"]) == {ERP, OPS}
    assert estate.members(OPS) == {"3", "9"}


def test_narrowed_rule_takes_its_items_out_of_the_automatic_project(estate: Estate) -> None:
    rule(estate, "label", "x")
    assert refresh(estate, "ERP") == {ERP, HAND}
    assert (estate.members(HAND), estate.members(ERP)) == ({"2"}, {"1", "3"})


def test_item_that_loses_its_label_returns(estate: Estate) -> None:
    rule(estate, "label", "x")
    refresh(estate, "ERP")
    assert estate.items("ERP", {"external_id": "2"}) == {ERP, HAND}
    assert (estate.members(HAND), estate.members(ERP)) == (set(), {"1", "2", "3"})


def test_new_parent_takes_its_descendants_along(estate: Estate) -> None:
    rule(estate, "subtree", "ERP-3")
    refresh(estate, "ERP")
    assert estate.members(HAND) == {"3"}
    # Only item 1 changed; item 2 beneath it follows.
    estate.items("ERP", {"external_id": "1", "parent_id": item_id("3")})
    assert (estate.members(HAND), estate.members(ERP)) == ({"1", "2", "3"}, set())


def test_subtree_of_a_root_in_another_scope_is_found_by_its_key(estate: Estate) -> None:
    estate.items("ERP", {"external_id": "3", "parent_id": item_id("9")})
    rule(estate, "subtree", "OPS-9")
    refresh(estate, "ERP")
    assert estate.members(HAND) == {"3"}


def test_component_is_found_by_its_name(estate: Estate) -> None:
    estate.named(Component, "b" * 32, "Billing")
    estate.items("ERP", {"external_id": "3", "component_ids": ["b" * 32]})
    rule(estate, "component", "Billing")
    refresh(estate, "ERP")
    assert estate.members(HAND) == {"3"}


def test_query_takes_what_the_source_answered_and_keeps_it_until_the_next_answer(estate: Estate) -> None:
    query = rule(estate, "query", "labels = x")
    refresh(estate, "ERP", answers={query: [item_id("1"), item_id("3")]})
    assert estate.members(HAND) == {"1", "3"}
    estate.items("ERP", {"external_id": "1", "title": "renamed"}, {"external_id": "2"})
    refresh(estate, "ERP")
    assert (estate.members(HAND), estate.members(ERP)) == ({"1", "3"}, {"2"})
    refresh(estate, "ERP", answers={query: []})
    assert (estate.members(HAND), estate.members(ERP)) == (set(), {"1", "2", "3"})


def test_membership_that_ended_is_history(estate: Estate) -> None:
    began = estate.clock()
    ended = estate.clock.forward(days=1)
    estate.end_items("3")
    table = HISTORY["project_memberships"].c
    with estate.work.read() as session:
        assert session.execute(sa.select(table.item_id, table.recorded_from, table.recorded_to)).all() == [(item_id("3"), began, ended)]


def test_projects_of_scopes_and_items_are_named(estate: Estate) -> None:
    with estate.work.read() as session:
        assert memberships.projects_of(session, [scope_id("OPS")], [item_id("1")]) == {ERP, OPS}
        assert memberships.projects_of(session, [], []) == set()
