"""Which events are wanted, and how they are grouped."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from pmo_hub.domain.events import CATALOGUE, FAMILIES, Event, Filters, Notice, in_groups, path_of

AT = datetime(2026, 11, 23, 12, tzinfo=UTC)


def event(number: int = 1, **given: object) -> Event:
    values: dict[str, object] = {
        "project_id": "p1", "portfolio_ids": ("f1", "f2"), "severity": "high", "check_id": "GOV-001", "owner_id": "o1",
    }  # fmt: skip
    return Event(f"e{number}", "violation.opened", AT, "violation", "v1", number, **(values | given))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("filters", "wanted"),
    [
        (Filters(), True),
        (Filters(types=frozenset({"violation.opened"})), True),
        (Filters(types=frozenset({"violation.*"})), True),
        (Filters(types=frozenset({"violation.resolved", "health.*"})), False),
        (Filters(portfolio_ids=frozenset({"f2"})), True),
        (Filters(portfolio_ids=frozenset({"f3"})), False),
        (Filters(project_ids=frozenset({"p2"})), False),
        (Filters(severities=frozenset({"critical", "high"})), True),
        (Filters(severities=frozenset({"low"})), False),
        (Filters(check_ids=frozenset({"GOV-001"}), owner_ids=frozenset({"o2"})), False),
    ],
)
def test_filters_let_through_what_fits_all_of_them(filters: Filters, wanted: bool) -> None:
    assert filters.let_through(event()) is wanted


def test_what_has_no_such_thing_is_not_let_through_by_a_filter_that_asks_for_it() -> None:
    nobodys = event(owner_id=None, severity=None, portfolio_ids=())
    for filters in (
        Filters(owner_ids=frozenset({"o1"})), Filters(severities=frozenset({"high"})), Filters(portfolio_ids=frozenset({"f1"})),
    ):  # fmt: skip
        assert not filters.let_through(nobodys)


def test_groups_are_of_one_project_and_owner_and_keep_the_order() -> None:
    events = [event(1), event(2, project_id="p2"), event(3), event(4, owner_id="o2"), event(5), event(6)]
    groups = in_groups([Notice(one, "") for one in events], 3)
    assert [[one.event.id for one in group] for group in groups] == [["e1", "e3", "e5"], ["e6"], ["e2"], ["e4"]]


def test_each_type_of_the_catalogue_has_a_place_where_more_is_told() -> None:
    for type in CATALOGUE.values():
        assert path_of(Event("e", type.name, AT, type.entity, "x", 1, project_id="p")).startswith("/api/v1/")
    assert {f"{name.split('.')[0]}.*" for name in CATALOGUE} == FAMILIES
