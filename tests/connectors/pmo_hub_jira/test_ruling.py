"""Jira's mapping rules: what is wrong with them, what each word of a site means, and the fields that they need."""

from __future__ import annotations

import json

import pytest

from pmo_hub.domain.records import CustomValue
from pmo_hub.sdk.contract import Grade, Word
from pmo_hub_jira import ruling
from pmo_hub_jira.reference import TypeEntry, custom_fields, default_fields
from pmo_hub_jira.rules import _SHAPES
from pmo_hub_jira.simulated_dictionary import EPIC_NAME
from pmo_hub_jira.simulator import Simulator, generate, serve
from tests.connectors.pmo_hub_jira.issues import FIELDS, site
from tests.connectors.pmo_hub_jira.lending import START, Lent, Store, opened, records_of, run


def pointers(**rules: object) -> list[tuple[str, bool]]:
    texts = {key: json.dumps(value) for key, value in rules.items()}
    return [(fault.pointer, fault.may_be_new) for fault in ruling.check([site()], texts)]


def words(**rules: object) -> dict[tuple[str, str], Word]:
    texts = {key: json.dumps(value) for key, value in rules.items()}
    return {(word.dimension, word.id): word for word in ruling.words([site(types=TYPES)], texts)}


TYPES = {
    "1": TypeEntry("Bug", 0, False),
    "2": TypeEntry("Spike", 0, False),
    "3": TypeEntry("Production bug", 0, False),
    "4": TypeEntry("Theme", 2, False),
    "5": TypeEntry("Unteraufgabe", -1, True),
}


def test_the_schema_knows_every_rule_that_the_mapper_reads() -> None:
    assert set(ruling.SCHEMA["properties"]) == set(_SHAPES)


@pytest.mark.parametrize(
    ("rules", "found"),
    [
        ({"status_category": {"3": "done"}}, []),
        ({"status_category": {"3": "done", "99": "done"}}, [("/status_category/99", True)]),
        ({"status_category": {"3": "finished", "6": "done"}}, [("/status_category/3", False)]),
        ({"status_category": "done"}, [("/status_category", False)]),
        ({"kind": {"10009": "epic"}}, []),
        ({"kind": {"Bug": "bug"}}, [("/kind/Bug", True)]),
        ({"priority": {"1": 101}}, [("/priority/1", False)]),
        ({"priority": {"9": 100}}, [("/priority/9", True)]),
        ({"points_field": "customfield_10040"}, []),
        ({"points_field": "customfield_10015"}, [("/points_field", False)]),
        ({"points_field": "customfield_1"}, [("/points_field", True)]),
        ({"start_field": "customfield_10047"}, []),
        ({"start_field": "customfield_10040"}, [("/start_field", False)]),
        ({"extra_fields": ["customfield_10048"]}, [("/extra_fields/0", True)]),
        ({"cancelled": ["Parked"], "risk_types": ["Hazard"], "dependency_types": ["Waits"]}, []),
    ],
)
def test_each_fault_is_pointed_at_and_told_from_what_may_be_new(rules: dict[str, object], found: list[tuple[str, bool]]) -> None:
    assert pointers(**rules) == found


def test_a_fault_says_what_there_is() -> None:
    (fault,) = ruling.check([site()], {"status_category": '{"99": "done"}'})
    assert fault.why == "Jira has no status '99' (an id, not a name); there are 1, 3, 6."


def test_without_a_dictionary_only_the_shape_is_looked_at() -> None:
    assert ruling.check([], {"status_category": '{"99": "done"}'}) == []
    assert [fault.pointer for fault in ruling.check([], {"priority": '{"1": "high"}'})] == ["/priority/1"]


def test_a_text_field_is_asked_for_only_where_a_rule_names_it() -> None:
    assert "customfield_10048" not in default_fields(custom_fields(FIELDS))
    fields = custom_fields(FIELDS, {"customfield_10048", "customfield_404"})
    assert "customfield_10048" in default_fields(fields)
    assert "customfield_404" not in default_fields(fields)
    known = site(fields=fields, asked=default_fields(fields))
    wanted = {"extra_fields": '["customfield_10048"]'}
    assert ruling.check([known], wanted) == []
    assert ruling.unread_fields([site()], wanted) == ["customfield_10048"]
    assert ruling.unread_fields([known], wanted) == []


@pytest.mark.parametrize(
    ("id", "value", "grade"),
    [
        ("1", "bug", Grade.TOLD),
        ("2", "task", Grade.UNMAPPED),
        ("3", "bug", Grade.GUESSED),
        ("4", "initiative", Grade.TOLD),
        ("5", "sub_item", Grade.TOLD),
    ],
)
def test_a_type_is_told_by_its_level_or_its_whole_name_and_else_guessed(id: str, value: str, grade: Grade) -> None:
    word = words()["type", id]
    assert (word.value, word.grade) == (value, grade)


def test_what_an_admin_rules_is_neither_guessed_nor_told() -> None:
    found = words(kind={"2": "story"}, status_category={"3": "done"}, priority={"1": 90}, points_field="customfield_10040")
    ruled = {key: word.value for key, word in found.items() if word.grade is Grade.RULED}
    assert ruled == {
        ("type", "2"): "story", ("status", "3"): "done", ("priority", "1"): "90", ("field", "customfield_10040"): "points",
    }  # fmt: skip


def test_a_field_that_nothing_takes_says_which_rule_would() -> None:
    found = words()
    assert (found["field", "customfield_10040"].value, found["field", "customfield_10040"].rule) == (None, "points_field")
    assert (found["field", "customfield_10047"].value, found["field", "customfield_10047"].rule) == (None, "start_field")
    assert found["field", "customfield_10026"].value == "points"


def kept(simulator: Simulator, rules: dict[str, str]) -> list[CustomValue]:
    """The names of epics that the hub keeps under these rules, of the whole site."""
    context = Lent()
    context.rules = rules
    with opened(simulator.config(), context) as source:
        scopes, store = [scope.external_id for scope in source.scopes()], Store()
        run(source, scopes, store)
        found = [record for records in records_of(source, scopes, store).values() for record in records]
    return [record for record in found if isinstance(record, CustomValue) and record.field == EPIC_NAME]


def test_the_source_asks_for_the_fields_that_a_rule_names_and_keeps_their_values() -> None:
    with serve(generate(7, 60, START), clock=lambda: START) as simulator:
        assert kept(simulator, {}) == []
        values = kept(simulator, {"extra_fields": json.dumps([EPIC_NAME])})
    assert len(values) > 0
    assert all(value.name == "Epic Name" and value.text for value in values)
