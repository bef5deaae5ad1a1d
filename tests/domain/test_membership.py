"""Rules × items → projects: hand-made cases, and laws that hold for any of them."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pmo_hub.domain.membership import Item, Narrowing, Rule, assign, automatic_project

AUTOMATIC = automatic_project("s1")
REMAINDER = Rule("r-all", AUTOMATIC, "s1", Narrowing.ALL)


def item(id: str, parent: str | None = None, scope: str = "s1", labels: tuple[str, ...] = ()) -> Item:
    return Item(id=id, scope_id=scope, key=f"ERP-{id}", parent_id=parent, labels=labels)


TREE = [item("1"), item("2", "1"), item("3", "2"), item("4"), item("5", "4")]


def test_whole_scope_is_the_automatic_projects() -> None:
    assert assign([REMAINDER], TREE) == {AUTOMATIC: dict.fromkeys("12345", "r-all")}


def test_rule_takes_items_of_its_own_scope_only() -> None:
    foreign = Rule("r-x", "p", "s2", Narrowing.ALL)
    assert assign([foreign], [*TREE, item("9", scope="s2")]) == {"p": {"9": "r-x"}}


@pytest.mark.parametrize("root", ["ERP-1", "1"])
def test_subtree_has_its_root_and_every_depth_and_leaves_the_rest_to_the_automatic_project(root: str) -> None:
    rule = Rule("r-sub", "p", "s1", Narrowing.SUBTREE, root)
    assert assign([REMAINDER, rule], TREE) == {"p": dict.fromkeys("123", "r-sub"), AUTOMATIC: dict.fromkeys("45", "r-all")}


def test_subtree_of_a_root_in_another_scope_has_what_lies_beneath_it() -> None:
    rule = Rule("r-sub", "p", "s1", Narrowing.SUBTREE, "OPS-7")
    items = [item("2", "root"), item("3", "2"), item("4")]
    assert assign([rule], items, {"r-sub": ["root"]}) == {"p": dict.fromkeys("23", "r-sub")}


def test_parents_in_a_circle_are_each_taken_once() -> None:
    circle = [item("a", "c"), item("b", "a"), item("c", "b"), item("d")]
    assert assign([Rule("r", "p", "s1", Narrowing.SUBTREE, "a")], circle) == {"p": dict.fromkeys("abc", "r")}


def test_subtree_deeper_than_pythons_stack_is_followed() -> None:
    chain = [item("0"), *(item(str(n), str(n - 1)) for n in range(1, 5000))]
    assert len(assign([Rule("r", "p", "s1", Narrowing.SUBTREE, "0")], chain)["p"]) == 5000


def test_subtree_of_an_unknown_root_is_empty() -> None:
    assert assign([Rule("r", "p", "s1", Narrowing.SUBTREE, "ERP-99")], TREE) == {}


@pytest.mark.parametrize(
    ("narrowing", "value", "meaning"),
    [
        (Narrowing.LABEL, "alpha", ()),
        (Narrowing.COMPONENT, "c1", ()),
        (Narrowing.COMPONENT, "Billing", ("c1",)),
        (Narrowing.VERSION, "v1", ()),
        (Narrowing.VERSION, "2026.1", ("v1",)),
        (Narrowing.LIST, "ERP-a, b", ()),
        (Narrowing.QUERY, "labels = alpha", ("a", "b")),
    ],
)
def test_each_narrowing_takes_what_it_names(narrowing: Narrowing, value: str, meaning: tuple[str, ...]) -> None:
    marked = Item("a", "s1", "ERP-a", labels=("alpha", "x"), component_ids=("c1",), version_ids=("v1", "v2"))
    items = [marked, replace(marked, id="b", key="ERP-b"), Item("c", "s1", labels=("alphabet",), component_ids=("c2",))]
    assert assign([Rule("r", "p", "s1", narrowing, value)], items, {"r": meaning}) == {"p": {"a": "r", "b": "r"}}


def test_label_is_told_by_its_whole_text() -> None:
    assert assign([Rule("r", "p", "s1", Narrowing.LABEL, "a")], [item("1", labels=("A", "ab"))]) == {}


def test_item_may_be_in_two_projects_and_is_then_not_in_the_automatic_one() -> None:
    first = Rule("r1", "p1", "s1", Narrowing.LIST, "1 2")
    second = Rule("r2", "p2", "s1", Narrowing.LIST, "2")
    assert assign([REMAINDER, first, second], TREE[:3]) == {
        "p1": {"1": "r1", "2": "r1"},
        "p2": {"2": "r2"},
        AUTOMATIC: {"3": "r-all"},
    }


def test_another_project_that_takes_the_whole_scope_leaves_the_automatic_one_nothing() -> None:
    assert assign([REMAINDER, Rule("r1", "p1", "s1", Narrowing.ALL)], TREE) == {"p1": dict.fromkeys("12345", "r1")}


def test_automatic_project_with_a_narrowed_rule_of_its_own_keeps_the_rest_too() -> None:
    own = Rule("r-own", AUTOMATIC, "s1", Narrowing.LIST, "1")
    assert assign([REMAINDER, own], TREE[:2]) == {AUTOMATIC: {"1": "r-own", "2": "r-all"}}


def test_more_deliberate_rule_of_one_project_is_named_as_the_reason() -> None:
    rules = [
        Rule("r1", "p", "s1", Narrowing.ALL),
        Rule("r2", "p", "s1", Narrowing.LABEL, "x"),
        Rule("r3", "p", "s1", Narrowing.SUBTREE, "1"),
        Rule("r4", "p", "s1", Narrowing.LIST, "1"),
    ]
    items = [item("1", labels=("x",)), item("2", "1", labels=("x",)), item("3", labels=("x",)), item("4")]
    assert assign(rules, items) == {"p": {"1": "r4", "2": "r3", "3": "r2", "4": "r1"}}


RULES = st.lists(
    st.builds(
        lambda n, project, narrowing, value: Rule(f"r{n}", project, "s1", narrowing, value),
        st.integers(0, 99),
        st.sampled_from([AUTOMATIC, "p1", "p2"]),
        st.sampled_from([Narrowing.ALL, Narrowing.SUBTREE, Narrowing.LABEL, Narrowing.LIST]),
        st.sampled_from(["1", "ERP-2", "x", "y"]),
    ),
    unique_by=lambda r: r.id,
    max_size=6,
)
ITEMS = st.lists(
    st.builds(
        lambda n, parent, labels: item(str(n), parent, labels=tuple(labels)),
        st.integers(0, 8),
        st.none() | st.integers(0, 8).map(str),
        st.lists(st.sampled_from(["x", "y"]), max_size=2),
    ),
    unique_by=lambda i: i.id,
)


@given(RULES, ITEMS, st.integers())
def test_order_of_rules_and_items_does_not_matter(rules: list[Rule], items: list[Item], seed: int) -> None:
    shuffled_rules, shuffled_items = rules[:], items[:]
    random.Random(seed).shuffle(shuffled_rules)
    random.Random(seed).shuffle(shuffled_items)
    assert assign(rules, items) == assign(shuffled_rules, shuffled_items)


@given(RULES, ITEMS)
def test_with_the_automatic_rule_every_item_is_somewhere(rules: list[Rule], items: list[Item]) -> None:
    taken = assign([*rules, REMAINDER], items)
    assert {i for members in taken.values() for i in members} == {i.id for i in items}


@given(RULES, ITEMS)
def test_item_that_only_the_remainder_gives_to_the_automatic_project_is_in_no_other(rules: list[Rule], items: list[Item]) -> None:
    taken = assign([*(r for r in rules if not r.is_remainder), REMAINDER], items)
    remainder = {i for i, rule in taken.get(AUTOMATIC, {}).items() if rule == REMAINDER.id}
    others = {i for project, members in taken.items() if project != AUTOMATIC for i in members}
    assert not remainder & others
