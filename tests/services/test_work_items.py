"""Work items as they are, as the hub knew them, and as the source's record tells of the time before."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from pmo_hub.domain.membership import automatic_project
from pmo_hub.services import work_items
from pmo_hub.services.errors import Ended, Invalid, NotFound
from pmo_hub.services.work_items import Query
from pmo_hub.store.models.canonical import Component, Iteration
from pmo_hub.store.repositories.work_items import Filter, Order, StoredItem
from pmo_hub.store.unit_of_work import Work
from tests.stored import CREATED, FIRST_SYNC, Estate, item_id, person_id, scope_id

ERP, OPS = automatic_project(scope_id("ERP")), automatic_project(scope_id("OPS"))
DOING = {"status_category": "in_progress", "original_status": "Doing", "original_status_id": "3"}
DONE = {"status_category": "done", "original_status": "Done", "original_status_id": "5"}


@pytest.fixture
def estate(work: Work, tmp_path: Path) -> Estate:
    made = Estate(work, tmp_path)
    made.scopes("ERP")
    made.people("ann", "bob")
    return made


def listed(estate: Estate, order: Order | None = None, as_of: datetime | None = None, **by: Any) -> list[str]:
    """External ids of the items that pass, in order."""
    own = {name: by.pop(name) for name in ("connection", "scope", "assignee", "overdue") if name in by}
    found = work_items.page(estate.hub, Query(Filter(**by), **own), order or Order("key", False), None, 99, as_of)
    return [item.external_id for item in found]


def walked(estate: Estate, order: Order, as_of: datetime | None = None, step: int = 2) -> list[str]:
    """External ids of all items, read in pages."""
    seen: list[StoredItem] = []
    while True:
        after = (getattr(seen[-1], order.column), seen[-1].id) if seen else None
        found = work_items.page(estate.hub, Query(Filter()), order, after, step, as_of)
        if not found:
            return [item.external_id for item in seen]
        seen += found


def test_item_is_told_with_what_surrounds_it(estate: Estate) -> None:
    estate.named(Component, "b" * 32, "Billing")
    estate.named(Iteration, "d" * 32, "Sprint 1")
    estate.items("ERP", {"external_id": "1", "url": "https://jira.example/1"}, {"external_id": "3"})
    own: dict[str, Any] = {
        "external_id": "2", "parent_id": item_id("1"), "assignee_id": person_id("ann"), "reporter_id": person_id("bob"),
        "component_ids": ["b" * 32], "iteration_ids": ["d" * 32], "labels": ["x"], "description": "Why", "due": date(2026, 7, 1),
    }  # fmt: skip
    estate.items("ERP", own)
    estate.dependency("1", "2")
    estate.dependency("2", "3")
    estate.dependency("77", "2")
    found = work_items.get(estate.hub, item_id("2"))
    assert (found.item.key, found.item.due, found.description, found.scope_name) == ("ERP-2", date(2026, 7, 1), "Why", "Scope ERP")
    assert (found.assignee_name, found.reporter_name) == ("ANN", "BOB")
    assert (found.parent_key, found.parent_url) == ("ERP-1", "https://jira.example/1")
    assert found.related is not None
    assert {(r.role, r.name, r.key) for r in found.related} == {
        ("component", "Billing", None),
        ("iteration", "Sprint 1", None),
        ("project", "Scope ERP", None),
        ("predecessor", "Item 1", "ERP-1"),
        ("predecessor", None, None),
        ("successor", "Item 3", "ERP-3"),
    }


def test_item_is_told_as_it_was_known_with_what_surrounded_it_then(estate: Estate) -> None:
    estate.items("ERP", {"external_id": "1"}, {"external_id": "2", "parent_id": item_id("1"), "assignee_id": person_id("ann")})
    estate.dependency("1", "2")
    then = estate.clock()
    later = estate.clock.forward(days=1)
    estate.items("ERP", {"external_id": "1", "key": "ERP-100"}, {"external_id": "2", "title": "Renamed", **DOING})
    found = work_items.get(estate.hub, item_id("2"), then)
    assert (found.item.title, found.item.status_category, found.parent_key) == ("Item 2", "todo", "ERP-1")
    assert (found.assignee_name, found.item.reconstructed) == ("ANN", False)
    assert found.related is not None
    assert {(r.role, r.key) for r in found.related} == {("project", None), ("predecessor", "ERP-1")}
    now = work_items.get(estate.hub, item_id("2"), later)
    assert (now.item.title, now.item.status_category, now.item.assignee_id) == ("Renamed", "in_progress", None)
    # Today's answer and that of `as_of` now are one.
    assert now.item == work_items.get(estate.hub, item_id("2")).item


def test_item_that_ended_says_when_and_why_and_is_still_told_as_it_was(estate: Estate) -> None:
    estate.items("ERP", {"external_id": "1"})
    there = estate.clock()
    ended = estate.clock.forward(days=1)
    estate.end_items("1", reason="moved")
    for as_of in (None, ended):
        with pytest.raises(Ended) as gone:
            work_items.get(estate.hub, item_id("1"), as_of)
        assert (gone.value.reason, gone.value.at) == ("moved", ended)
    assert work_items.get(estate.hub, item_id("1"), there).item.key == "ERP-1"
    assert (listed(estate), listed(estate, as_of=there)) == ([], ["1"])
    with pytest.raises(Ended):
        work_items.transitions(estate.hub, item_id("1"), None, 9)
    assert [v.recorded_to for v in work_items.history(estate.hub, item_id("1"), None, 9)] == [ended]


def test_item_that_never_was_is_not_found(estate: Estate) -> None:
    for read in (
        lambda: work_items.get(estate.hub, "0" * 32),
        lambda: work_items.get(estate.hub, "0" * 32, CREATED),
        lambda: work_items.history(estate.hub, "0" * 32, None, 9),
        lambda: work_items.transitions(estate.hub, "0" * 32, None, 9),
    ):
        with pytest.raises(NotFound):
            read()


def test_item_created_after_the_scopes_first_sync_was_not_there_before(estate: Estate) -> None:
    estate.items("ERP", {"external_id": "1"})
    estate.clock.forward(days=2)
    estate.items("ERP", {"external_id": "2", "created_at": FIRST_SYNC + timedelta(days=1)})
    with pytest.raises(NotFound):
        work_items.get(estate.hub, item_id("2"), FIRST_SYNC + timedelta(days=1, hours=1))
    with pytest.raises(NotFound):
        work_items.get(estate.hub, item_id("2"), FIRST_SYNC - timedelta(days=1))


def test_every_filter_narrows_the_list(estate: Estate) -> None:
    estate.scopes("OPS")
    estate.items(
        "ERP",
        {"external_id": "1", "kind": "bug", "due": date(2026, 5, 1), "assignee_id": person_id("ann"), "title": "100% done_"},
        {"external_id": "2", **DONE, "due": date(2026, 5, 1), "counts": False},
        {"external_id": "3", **DOING, "due": date(2026, 6, 1), "updated_at": FIRST_SYNC + timedelta(days=1)},
    )
    estate.items("OPS", {"external_id": "9", "key": "OPS-9"})
    assert listed(estate) == ["1", "2", "3", "9"]
    assert listed(estate, kind="bug") == ["1"]
    assert listed(estate, status_category="done") == ["2"]
    assert listed(estate, key="OPS-9") == listed(estate, scope=scope_id("OPS")) == listed(estate, project_id=OPS) == ["9"]
    assert listed(estate, connection="c" * 32, scope=scope_id("ERP")) == listed(estate, project_id=ERP) == ["1", "2", "3"]
    assert listed(estate, connection="0" * 32) == []
    assert listed(estate, assignee=person_id("ann")) == listed(estate, assignee="Ann@example.org") == ["1"]
    assert listed(estate, assignee="nobody@example.org") == []
    assert listed(estate, updated_since=FIRST_SYNC + timedelta(hours=1)) == ["3"]
    assert listed(estate, due_before=date(2026, 6, 1)) == ["1", "2"]
    # The clock stands at 1 June: what is due today is not late, what is done is not either.
    assert listed(estate, overdue=True) == ["1"]
    assert listed(estate, counts=False) == ["2"]
    assert listed(estate, q="0% DONE_") == ["1"]
    assert listed(estate, q="_") == ["1"]


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        (Order("updated_at", True), ["4", "2", "1", "3"]),
        (Order("updated_at", False), ["1", "2", "4", "3"]),
        (Order("due", False), ["3", "1", "2", "4"]),
        (Order("due", True), ["1", "3", "2", "4"]),
        (Order("priority", True), ["2", "1", "3", "4"]),
        (Order("priority", False), ["3", "1", "2", "4"]),
        (Order("key", False), ["4", "1", "2", "3"]),
        (Order("key", True), ["3", "2", "1", "4"]),
    ],
)
@pytest.mark.parametrize("as_of", [None, FIRST_SYNC])
def test_pages_in_any_order_follow_each_other_without_gap_or_overlap(
    estate: Estate, order: Order, expected: list[str], as_of: datetime | None
) -> None:
    values: list[tuple[int | None, date | None, int | None, str]] = [
        (1, date(2026, 7, 2), 50, "b"), (2, None, 90, "c"), (None, date(2026, 7, 1), 10, "d"), (3, None, None, "Z"),
    ]  # fmt: skip
    estate.items(
        "ERP",
        *(
            {
                "external_id": str(n),
                "updated_at": None if day is None else CREATED + timedelta(days=day),
                "due": due,
                "priority": p,
                "key": k,
            }
            for n, (day, due, p, k) in enumerate(values, 1)
        ),
    )
    # Two items without a due date go by their ids.
    tied = sorted(("2", "4"), key=item_id)
    expected = [*expected[:2], *tied] if order.column == "due" else expected
    assert walked(estate, order, as_of) == expected
    assert walked(estate, order, as_of, step=1) == expected


@pytest.fixture
def before(estate: Estate) -> Estate:
    """An item with a past that only its source recorded, one created late, and one that the source says nothing of."""
    estate.items(
        "ERP",
        {
            "external_id": "1", **DONE, "assignee_id": person_id("ann"), "due": date(2026, 6, 30), "points": 8.0, "work_hours": 16.0,
            "description": "Why", "reporter_id": person_id("bob"), "url": "https://jira.example/1", "spent_hours": 4.0, "title": "Now",
        },
        {"external_id": "2", "created_at": datetime(2026, 4, 1, tzinfo=UTC)},
        {"external_id": "3", **DOING},
        {"external_id": "4", "created_at": None},
    )  # fmt: skip
    at = datetime(2026, 3, 1, tzinfo=UTC)
    estate.transitions(
        "1",
        {"field": "status", "at": datetime(2026, 1, 15, tzinfo=UTC), "from_id": "1", "to_id": "3", "from_category": "todo"},
        {"field": "status", "at": at, "from_id": "3", "from_text": "Doing", "to_id": "5", "from_category": "in_progress"},
        {"field": "assignee", "at": at, "from_id": "bob", "to_id": "ann"},
        {"field": "due", "at": at, "from_id": "2026-02-01", "to_id": "2026-06-30"},
        {"field": "title", "at": at, "from_text": "Then", "to_text": "Now"},
    )  # fmt: skip
    return estate


FEBRUARY = datetime(2026, 2, 10, tzinfo=UTC)


def test_before_the_first_sync_an_item_is_what_its_sources_record_tells(before: Estate) -> None:
    found = work_items.get(before.hub, item_id("1"), FEBRUARY)
    item = found.item
    assert item.reconstructed
    assert (item.status_category, item.original_status, item.title, item.due) == ("in_progress", "Doing", "Then", date(2026, 2, 1))
    assert (item.assignee_id, found.assignee_name, item.points, item.key) == (person_id("bob"), "BOB", 8.0, "ERP-1")


def test_what_the_source_does_not_record_is_unknown_before_the_first_sync_and_never_todays(before: Estate) -> None:
    found = work_items.get(before.hub, item_id("1"), FEBRUARY)
    item = found.item
    assert (item.url, item.reporter_id, item.spent_hours, item.counts, item.is_active, item.updated_at) == (None,) * 6
    assert (found.description, found.related, found.timing, found.reporter_name) == (None,) * 4


def test_value_that_changed_after_the_first_sync_is_not_told_of_the_time_before(before: Estate) -> None:
    before.clock.forward(days=1)
    before.items("ERP", {"external_id": "3", **DONE, "points": 99.0})
    before.transitions("3", {"field": "status", "at": before.clock(), "from_id": "3", "from_text": "Doing", "to_id": "5"})
    item = work_items.get(before.hub, item_id("3"), FEBRUARY).item
    assert (item.status_category, item.original_status, item.points) == ("in_progress", "Doing", None)


def test_item_that_ended_since_is_told_of_the_time_before_the_first_sync(before: Estate) -> None:
    before.clock.forward(days=1)
    before.end_items("1")
    assert work_items.get(before.hub, item_id("1"), FEBRUARY).item.status_category == "in_progress"
    assert "1" in listed(before, as_of=FEBRUARY)


def test_item_was_not_there_before_its_source_created_it(before: Estate) -> None:
    for external_id in ("2", "4"):
        with pytest.raises(NotFound):
            work_items.get(before.hub, item_id(external_id), FEBRUARY)
    assert listed(before, as_of=FEBRUARY) == ["1", "3"]
    assert listed(before, as_of=CREATED - timedelta(days=1)) == []


def test_without_any_history_only_the_item_itself_is_known_of_the_time_before(estate: Estate) -> None:
    estate.items("ERP", {"external_id": "1", **DONE})
    found = work_items.get(estate.hub, item_id("1"), FEBRUARY).item
    assert (found.external_id, found.created_at, found.reconstructed) == ("1", CREATED, True)
    assert (found.status_category, found.title, found.key, found.kind) == (None,) * 4


def test_filters_see_a_reconstructed_item_as_it_was(before: Estate) -> None:
    assert listed(before, as_of=FEBRUARY, status_category="in_progress") == ["1", "3"]
    assert listed(before, as_of=FEBRUARY, status_category="done") == []
    assert listed(before, as_of=FEBRUARY, overdue=True) == ["1"]
    assert listed(before, as_of=FEBRUARY, assignee=person_id("bob")) == ["1"]
    assert listed(before, as_of=FEBRUARY, q="then") == ["1"]
    assert listed(before, as_of=FEBRUARY, project_id=ERP) == ["1", "3"]
    assert listed(before, as_of=FEBRUARY, project_id="0" * 32) == []
    # Whether it counted is unknown, and what is unknown passes no filter.
    assert listed(before, as_of=FEBRUARY, counts=True) == []


def test_list_joins_scopes_that_were_known_with_those_that_were_not(before: Estate) -> None:
    at = before.clock.forward(days=30)
    before.scopes("OPS")
    before.items("OPS", *({"external_id": f"o{n}", "key": f"A-{n}", "priority": n} for n in range(3)))
    before.transitions("o1", {"field": "priority", "at": at - timedelta(days=1), "from_text": "Medium", "to_text": "Medium"})
    between = at - timedelta(days=10)
    found = work_items.page(before.hub, Query(Filter()), Order("key", False), None, 99, between)
    assert [(item.external_id, item.reconstructed) for item in found] == [
        ("o0", True), ("o1", True), ("o2", True), ("1", False), ("2", False), ("3", False), ("4", False),
    ]  # fmt: skip
    assert walked(before, Order("key", False), between) == ["o0", "o1", "o2", "1", "2", "3", "4"]
    for order in (Order("updated_at", True), Order("priority", True), Order("due", False), Order("key", True)):
        assert sorted(walked(before, order, between)) == ["1", "2", "3", "4", "o0", "o1", "o2"]
    assert listed(before, as_of=between, scope=scope_id("ERP")) == ["1", "2", "3", "4"]


def test_item_that_moved_between_scopes_is_in_one_of_them_at_any_time(before: Estate) -> None:
    moved = before.clock.forward(days=30)
    before.scopes("OPS")
    before.items("OPS", {"external_id": "3", "key": "OPS-3"}, {"external_id": "9"})
    before.transitions(
        "3", {"field": "scope", "at": moved, "from_id": "ERP", "to_id": "OPS"}, {"field": "key", "at": moved, "from_text": "ERP-3"}
    )
    between = moved - timedelta(days=1)
    assert listed(before, as_of=between) == ["1", "2", "3", "4", "9"]
    assert listed(before, as_of=between, scope=scope_id("OPS")) == ["9"]
    assert "3" in listed(before, as_of=between, scope=scope_id("ERP"))
    assert listed(before, as_of=FEBRUARY, scope=scope_id("OPS")) == ["9"]
    assert "3" in listed(before, as_of=FEBRUARY, scope=scope_id("ERP"))


def test_more_than_can_be_reconstructed_is_refused_with_what_to_do(before: Estate, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(work_items, "MOST_RECONSTRUCTED", 1)
    with pytest.raises(Invalid, match="narrow the list"):
        listed(before, as_of=FEBRUARY)


def test_history_tells_each_version_and_what_changed_in_it(estate: Estate) -> None:
    estate.items("ERP", {"external_id": "1"})
    first = estate.clock()
    second = estate.clock.forward(days=1)
    estate.items("ERP", {"external_id": "1", **DOING, "description": "Why", "updated_at": second})
    third = estate.clock.forward(days=1)
    estate.items("ERP", {"external_id": "1", **DOING, "description": "Because"})
    found = work_items.history(estate.hub, item_id("1"), None, 9)
    assert [(v.recorded_from, v.recorded_to) for v in found] == [(third, None), (second, third), (first, second)]
    assert [v.changed for v in found] == [
        ("description",), ("status_category", "original_status", "original_status_id", "description"), None,
    ]  # fmt: skip
    page = work_items.history(estate.hub, item_id("1"), None, 1)
    assert page == found[:1]
    assert work_items.history(estate.hub, item_id("1"), page[-1].recorded_from, 9) == found[1:]


def test_transitions_come_newest_first_with_who_made_them(estate: Estate) -> None:
    estate.items("ERP", {"external_id": "1"})
    moments = [CREATED + timedelta(days=n) for n in (1, 2, 2)]
    estate.transitions(
        "1", *({"field": "status", "at": at, "to_text": str(n), "actor_id": person_id("ann")} for n, at in enumerate(moments))
    )
    found = work_items.transitions(estate.hub, item_id("1"), None, 9)
    assert [t.at for t in found] == sorted(moments, reverse=True)
    assert {t.actor_name for t in found} == {"ANN"}
    seen = work_items.transitions(estate.hub, item_id("1"), None, 1)
    while more := work_items.transitions(estate.hub, item_id("1"), (seen[-1].at, seen[-1].id), 1):
        seen += more
    assert seen == found


def test_item_without_transitions_has_an_empty_list_of_them(estate: Estate) -> None:
    estate.items("ERP", {"external_id": "1"})
    assert work_items.transitions(estate.hub, item_id("1"), None, 9) == []


def test_names_are_those_of_today(estate: Estate) -> None:
    estate.items("ERP", {"external_id": "1", "assignee_id": person_id("ann")})
    (item,) = work_items.page(estate.hub, Query(Filter()), Order(), None, 9, estate.clock())
    assert replace(item, assignee_name=None) == replace(work_items.get(estate.hub, item_id("1")).item)
    assert item.assignee_name == "ANN"
