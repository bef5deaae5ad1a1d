"""One human with many accounts."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pmo_hub.domain.people import Account, pair, persons, plain_name, suggestions, verified_email

ANN = Account("a1", "Ann Lee", "ann@acme.test")
ANN_TOO = Account("a2", "Lee, Ann", "ANN@acme.test ")
ANN_WITHOUT = Account("a3", "ann lee")
BOB = Account("b1", "Bob Ray", "bob@acme.test")


def grouped(found: dict[str, str]) -> list[list[str]]:
    return sorted(sorted(a for a, p in found.items() if p == person) for person in set(found.values()))


def test_equal_addresses_are_one_person_at_once() -> None:
    assert grouped(persons([ANN, ANN_TOO, ANN_WITHOUT, BOB], [], [])) == [["a1", "a2"]]


def test_a_said_pair_is_one_person_whatever_the_addresses() -> None:
    assert grouped(persons([ANN, ANN_TOO, BOB], [("a2", "b1")], [])) == [["a1", "a2", "b1"]]


def test_those_told_apart_are_never_joined_not_even_by_a_third() -> None:
    assert persons([ANN, ANN_TOO], [], [("a1", "a2")]) == {}
    assert grouped(persons([ANN, ANN_TOO, BOB], [("a1", "b1"), ("a2", "b1")], [("a1", "a2")])) == [["a1", "b1"]]


def test_who_is_told_apart_from_one_namesake_is_still_one_with_the_other() -> None:
    third = Account("a4", None, "ann@acme.test")
    assert grouped(persons([ANN, ANN_TOO, third], [], [("a1", "a2"), ("a1", "a4")])) == [["a2", "a4"]]


def test_a_person_keeps_its_id_when_accounts_come_and_go() -> None:
    held = [Account("a1", None, "x@y.test", None, "p7"), Account("a2", None, "x@y.test", None, "p7"), Account("a0", None, "x@y.test")]
    assert set(persons(held, [], []).values()) == {"p7"}
    assert set(persons(held[1:], [], []).values()) == {"p7"}


def test_two_persons_of_one_id_do_not_share_it_after_a_split() -> None:
    held = [Account(i, None, e, None, "p7") for i, e in (("a", "x@y.test"), ("b", "x@y.test"), ("c", "z@y.test"), ("d", "z@y.test"))]
    found = persons(held, [], [])
    assert found["a"] == found["b"] != found["c"] == found["d"]


@pytest.mark.parametrize(
    ("account", "email"),
    [(ANN_TOO, "ann@acme.test"), (Account("x", email="x@acme.test", account_type="customer"), None), (Account("x", email="x"), None)],
)
def test_an_address_counts_where_the_source_vouches_for_it(account: Account, email: str | None) -> None:
    assert verified_email(account) == email


def test_the_same_name_is_a_suggestion_until_somebody_decides() -> None:
    (found,) = suggestions([ANN, ANN_WITHOUT, BOB], [])
    assert (found.first_id, found.second_id, found.why) == ("a1", "a3", "Both are called ann lee.")
    assert suggestions([ANN, ANN_WITHOUT], [("a1", "a3")]) == []
    one = [Account("a1", "Ann Lee", None, None, "p"), Account("a3", "Ann Lee", None, None, "p")]
    assert suggestions(one, []) == []


@pytest.mark.parametrize(
    ("name", "plain"), [("Doe, Jane", "doe jane"), ("jane  DOE", "doe jane"), ("Admin", None), ("A B", None), (None, None)]
)
def test_names_are_compared_without_order_and_case(name: str | None, plain: str | None) -> None:
    assert plain_name(name) == plain


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), max_size=20), st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9))))
def test_whatever_was_said_those_told_apart_stay_apart(same: list[tuple[int, int]], apart: list[tuple[int, int]]) -> None:
    accounts = [Account(str(n), None, f"{n % 4}@x.test") for n in range(10)]
    different = [pair(str(a), str(b)) for a, b in apart if a != b]
    found = persons(accounts, [pair(str(a), str(b)) for a, b in same if a != b], different)
    assert all(found.get(a, a) != found.get(b, b) for a, b in different)
    assert found == persons([Account(a.id, None, a.email, None, found.get(a.id)) for a in accounts],
                            [pair(str(a), str(b)) for a, b in same if a != b], different)  # fmt: skip
