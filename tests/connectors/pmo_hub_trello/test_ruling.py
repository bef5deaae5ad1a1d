"""What an admin is told of the rules, and of what each word of a board means without them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from pmo_hub.domain.vocabulary import StatusCategory
from pmo_hub.sdk.contract import Grade, Reference, Ruled
from pmo_hub.sdk.errors import ConfigError
from pmo_hub_trello.connector import TrelloConnector
from pmo_hub_trello.names import suggested_category
from pmo_hub_trello.reference import board_reference, site_reference
from pmo_hub_trello.rules import parse
from pmo_hub_trello.ruling import SCHEMA, check, unread_fields, words

BOARD = {
    "id": "b" * 24,
    "lists": [{"id": "l1", "name": "✅ Done 2026"}, {"id": "l2", "name": "Parking lot"}, {"id": "l3", "name": "In Arbeit"}],
    "labels": [{"id": "m1", "name": "Bug"}, {"id": "m2", "name": "High priority"}, {"id": "m3", "name": "Misc"}, {"id": "m4", "name": ""}],
    "customFields": [{"id": "f1", "name": "Estimate", "type": "number"}, {"id": "f2", "name": "Note", "type": "text"}],
}
REFERENCES = [site_reference(False), board_reference(BOARD)]


def ruled(**rules: Any) -> Mapping[str, str]:
    return {key: json.dumps(value) for key, value in rules.items()}


@pytest.mark.parametrize(
    ("name", "category"),
    [
        ("To Do", "todo"), ("📥 Inbox", "todo"), ("Backlog (Q3)", "todo"), ("Not started", "todo"), ("Zu erledigen", "todo"),
        ("待办", "todo"), ("Next up!", "todo"), ("Doing", "in_progress"), ("In progress (max 3)", "in_progress"),
        ("Code Review", "in_progress"),
        ("Ready for QA", "in_progress"), ("On hold", "in_progress"), ("Waiting for customer", "in_progress"), ("进行中", "in_progress"),
        ("In Arbeit", "in_progress"), ("Done", "done"), ("✅ Done 2026", "done"), ("DONE!!", "done"), ("Shipped in May", "done"),
        ("已完成", "done"),
        ("Terminé", "done"), ("Won't do", "cancelled"), ("Rejected", "cancelled"), ("Abgelehnt", "cancelled"), ("Parking lot", None),
        ("Undone", None), ("Resources", None), ("", None), ("🎉", None),
    ],
)  # fmt: skip
def test_the_name_of_a_list_suggests_what_it_means(name: str, category: str | None) -> None:
    assert suggested_category(name) == (None if category is None else StatusCategory(category))


def test_each_list_says_what_it_means_and_how_sure_that_is() -> None:
    told = {word.name: (word.value, word.grade) for word in words(REFERENCES, ruled(lists={"parking lot": "cancelled"}))
            if word.dimension == "status" and word.rule == "lists"}  # fmt: skip
    assert told == {
        "✅ Done 2026": ("done", Grade.GUESSED), "Parking lot": ("cancelled", Grade.RULED), "In Arbeit": ("in_progress", Grade.GUESSED),
    }  # fmt: skip
    without = {word.name: word for word in words(REFERENCES, {})}
    assert (without["Parking lot"].value, without["Parking lot"].grade) == ("todo", Grade.UNMAPPED)


def test_labels_and_fields_say_what_they_are_used_for() -> None:
    told = {(word.dimension, word.name): (word.value, word.grade) for word in words(REFERENCES, ruled(kind={"m3": "risk"}))}
    assert told["type", "Bug"] == ("bug", Grade.GUESSED)
    assert told["type", "Misc"] == ("risk", Grade.RULED)
    assert told["priority", "High priority"] == ("75", Grade.GUESSED)
    assert told["field", "Estimate"] == ("points", Grade.GUESSED)
    assert told["field", "Note"] == (None, Grade.UNMAPPED)


@pytest.mark.parametrize(
    ("rules", "pointer"),
    [
        (ruled(lists={"nowhere": "done"}), "/lists/nowhere"),
        (ruled(lists={"a/b~c": "done"}), "/lists/a~1b~0c"),
        (ruled(kind={"Nobody": "bug"}), "/kind/Nobody"),
        (ruled(priority={"m9": 5}), "/priority/m9"),
        (ruled(points_field="Note"), "/points_field"),
    ],
)
def test_a_word_that_no_board_has_is_a_fault_that_may_be_new(rules: Mapping[str, str], pointer: str) -> None:
    (fault,) = check(REFERENCES, rules)
    assert (fault.pointer, fault.may_be_new, fault.scopes) == (pointer, True, ("b" * 24,))
    assert check([], rules) == []


@pytest.mark.parametrize(
    ("rules", "pointer"),
    [
        (ruled(lists={"l1": "finished"}), "/lists/l1"), (ruled(priority={"m1": 101}), "/priority/m1"),
        (ruled(archived="gone"), "/archived"),
        (ruled(time_zone="Oslo"), "/time_zone"), (ruled(due_complete="yes"), "/due_complete"), ({"lists": "{"}, "/lists"),
        (ruled(dependency_attachments="both"), "/dependency_attachments"), (ruled(time_zone="../etc"), "/time_zone"),
    ],
)  # fmt: skip
def test_a_rule_of_the_wrong_shape_is_a_fault_without_any_board(rules: Mapping[str, str], pointer: str) -> None:
    (fault,) = check([], rules)
    assert (fault.pointer, fault.may_be_new) == (pointer, False)
    with pytest.raises(ConfigError):
        parse(rules)


def test_right_rules_have_no_fault() -> None:
    rules = ruled(
        lists={"L2": "done", "in arbeit": "todo"}, kind={"MISC": "epic"}, priority={"m1": 3}, points_field="estimate",
        archived="done", dependency_attachments="successor", time_zone="Asia/Kathmandu", due_complete=False,
    )  # fmt: skip
    assert check(REFERENCES, rules) == []


def test_attachments_have_to_be_followed_once_a_rule_needs_it() -> None:
    rules = ruled(dependency_attachments="predecessor")
    assert unread_fields(REFERENCES, rules) == ["attachments"]
    assert unread_fields([site_reference(True)], rules) == []
    assert unread_fields(REFERENCES, {}) == []


def test_every_rule_is_in_the_form() -> None:
    assert isinstance(TrelloConnector(), Ruled)
    from pmo_hub_trello.rules import SHAPES

    assert set(SCHEMA["properties"]) == set(SHAPES)


def test_a_reference_is_the_same_in_whatever_order_trello_tells() -> None:
    turned = {name: value[::-1] if isinstance(value, list) else value for name, value in BOARD.items()}
    assert board_reference(turned).body == board_reference(BOARD).body
    assert isinstance(board_reference(BOARD), Reference)
