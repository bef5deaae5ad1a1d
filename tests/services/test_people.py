"""One human with many accounts: linked at once, suggested, decided, taken back."""

from __future__ import annotations

from pathlib import Path

import pytest

from pmo_hub.domain.membership import automatic_project
from pmo_hub.services import facts, governance, people, work_items
from pmo_hub.services.errors import Invalid, NotFound, Refused
from pmo_hub.services.work_items import Query
from pmo_hub.store.merge import merge_rows
from pmo_hub.store.models.canonical import Identity
from pmo_hub.store.repositories.work_items import Filter, Order
from pmo_hub.store.unit_of_work import Work
from tests.stored import Estate, person_id, scope_id


@pytest.fixture
def estate(work: Work, tmp_path: Path) -> Estate:
    """Ann with two accounts of one address, two Bobs without any, and work of all of them."""
    made = Estate(work, tmp_path)
    made.scopes("ERP")
    known = [("a1", "Ann Lee", "ann@acme.test"), ("a2", "A. Lee", "Ann@Acme.test"), ("b1", "Bob Ray", None), ("b2", "Ray, Bob", None)]
    with work.write() as session:
        rows = [
            {"id": person_id(x), "external_id": x, "name": name, "email": email, "is_active": True, "account_type": None,
             "mention_version": None}
            for x, name, email in known
        ]  # fmt: skip
        merge_rows(session, Identity, rows, made.clock())
    made.items("ERP", *({"external_id": x, "assignee_id": person_id(x)} for x, _, _ in known))
    with work.write() as session:
        people.link_equal(session, made.clock())
        governance.refresh(session, [automatic_project(scope_id("ERP"))], made.clock())
    made.clock.forward(minutes=1)
    return made


def held(estate: Estate) -> list[list[str]]:
    return sorted(sorted(account.name or "" for account in one.accounts) for one in people.page(estate.hub, None, 10))


def top_share(estate: Estate) -> float:
    listed = facts.list_facts(estate.hub, automatic_project(scope_id("ERP"))).facts
    (value,) = [one.fact.value for one in listed if one.fact.name == "project.top_assignee_share"]
    assert isinstance(value, float)
    return value


def test_accounts_of_one_address_are_one_person_at_once(estate: Estate) -> None:
    assert held(estate) == [["A. Lee", "Ann Lee"]]
    with estate.work.write() as session:
        assert people.link_equal(session, estate.clock()) == set()


def test_a_measure_by_person_counts_both_accounts(estate: Estate) -> None:
    assert top_share(estate) == 0.5


def test_work_is_found_by_any_account_of_the_person(estate: Estate) -> None:
    (ann,) = people.page(estate.hub, None, 10)
    for named in (person_id("a1"), ann.id):
        found = work_items.page(estate.hub, Query(Filter(), assignee=named), Order(), None, 10)
        assert {item.assignee_name for item in found} == {"Ann Lee", "A. Lee"}


def test_a_namesake_is_suggested_and_linked_only_when_accepted(estate: Estate) -> None:
    (one,) = people.suggestions(estate.hub)
    assert {one.first.name, one.second.name} == {"Bob Ray", "Ray, Bob"}
    person = people.accept(estate.hub, one.id, "test")
    assert {account.name for account in person.accounts} == {"Bob Ray", "Ray, Bob"}
    assert people.suggestions(estate.hub) == []


def test_a_rejected_suggestion_does_not_come_back(estate: Estate) -> None:
    (one,) = people.suggestions(estate.hub)
    people.reject(estate.hub, one.id, "test")
    assert people.suggestions(estate.hub) == []
    assert held(estate) == [["A. Lee", "Ann Lee"]]
    with pytest.raises(NotFound):
        people.accept(estate.hub, one.id, "test")


def test_a_split_lasts_and_can_be_taken_back(estate: Estate) -> None:
    (ann,) = people.page(estate.hub, None, 10)
    people.split(estate.hub, ann.id, person_id("a2"), "test")
    assert held(estate) == []
    assert top_share(estate) == 0.25
    with estate.work.write() as session:
        people.link_equal(session, estate.clock())
    assert held(estate) == []
    people.join(estate.hub, [person_id("a1"), person_id("a2")], "test")
    assert held(estate) == [["A. Lee", "Ann Lee"]]
    assert top_share(estate) == 0.5


def test_joining_takes_along_whom_each_is_one_with(estate: Estate) -> None:
    people.join(estate.hub, [person_id("a2"), person_id("b1")], "test")
    assert held(estate) == [["A. Lee", "Ann Lee", "Bob Ray"]]


def test_what_is_no_account_is_pointed_at(estate: Estate) -> None:
    with pytest.raises(Invalid) as raised:
        people.join(estate.hub, [person_id("a1"), "nobody"], "test")
    assert raised.value.faults[0].pointer == "/identity_ids/1"
    (ann,) = people.page(estate.hub, None, 10)
    with pytest.raises(Refused):
        people.split(estate.hub, ann.id, person_id("b1"), "test")
    with pytest.raises(NotFound):
        people.get(estate.hub, "nobody")
