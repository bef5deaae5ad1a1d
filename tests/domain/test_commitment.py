"""What an iteration promised and what became of it, by hand-computed cases."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from pmo_hub.domain.commitment import Line, Member, Outcome, category_at, closing, opening, points_at, summarise
from pmo_hub.domain.timeline import Change, Stay
from pmo_hub.domain.vocabulary import Field, StatusCategory

START = datetime(2026, 11, 2, 9, tzinfo=UTC)
END = START + timedelta(days=14)
BEFORE, DURING, AFTER = START - timedelta(days=3), START + timedelta(days=5), END + timedelta(days=2)
TODO, DOING, DONE, CANCELLED = StatusCategory.TODO, StatusCategory.IN_PROGRESS, StatusCategory.DONE, StatusCategory.CANCELLED
MEANT = {"1": TODO, "3": DOING, "6": DONE, "7": CANCELLED}


def stay(joined: datetime | None = BEFORE, left: datetime | None = None, iteration: str = "S1") -> Stay:
    return Stay(iteration, joined, left)


def moved(at: datetime, before: str, after: str) -> Change:
    return Change(Field.STATUS, at, before, None, after, None, id=at.isoformat())


def estimated(at: datetime, before: str | None, after: str | None) -> Change:
    return Change(Field.POINTS, at, None, before, None, after, id=at.isoformat())


def member(
    id: str, *stays: Stay, category: StatusCategory = TODO, points: float | None = None, changes: tuple[Change, ...] = (),
    elsewhere: tuple[Stay, ...] = (),
) -> Member:  # fmt: skip
    return Member(id, category, points, stays or (stay(),), elsewhere, changes)


def lines(*members: Member) -> dict[str, Line]:
    return {line.item_id: line for line in closing(opening(members, START, MEANT), members, START, END, MEANT)}


@pytest.mark.parametrize(
    ("stays", "there"),
    [
        ((stay(BEFORE),), True),
        ((stay(None),), True),
        ((stay(START),), True),
        ((stay(START + timedelta(seconds=1)),), False),
        ((stay(BEFORE, DURING),), True),
        ((stay(BEFORE, START),), False),
        ((stay(BEFORE, START - timedelta(hours=1)), stay(DURING)), False),
    ],
)
def test_the_scope_at_the_start_is_what_was_in_it_at_that_instant(stays: tuple[Stay, ...], there: bool) -> None:
    assert [line.at_start for line in opening([member("A", *stays)], START, MEANT)] == [True] * there


@pytest.mark.parametrize(
    ("now", "changes", "at_start"),
    [
        (5.0, (), 5.0),
        (8.0, (estimated(DURING, "3", "8"),), 3.0),
        (8.0, (estimated(BEFORE, "1", "3"), estimated(DURING, "3", "5"), estimated(AFTER, "5", "8")), 3.0),
        (None, (estimated(DURING, "3", None),), 3.0),
        (3.0, (estimated(DURING, None, "3"),), None),
        (3.0, (estimated(DURING, "", "3"),), None),
        (0.0, (), 0.0),
        (3.0, (estimated(DURING, "a lot", "3"),), None),
    ],
)
def test_points_are_those_of_then(now: float | None, changes: tuple[Change, ...], at_start: float | None) -> None:
    assert points_at(now, changes, START) == at_start


@pytest.mark.parametrize(
    ("changes", "then"),
    [
        ((), DONE),
        ((moved(DURING, "3", "6"),), DOING),
        ((moved(BEFORE, "1", "6"),), DONE),
        ((moved(DURING, "99", "6"),), None),
        ((replace(moved(DURING, "99", "6"), from_category=TODO),), TODO),
    ],
)
def test_a_status_is_that_of_then(changes: tuple[Change, ...], then: StatusCategory | None) -> None:
    assert category_at(DONE, changes, START, MEANT) == then


@pytest.mark.parametrize(
    ("one", "outcome"),
    [
        (member("A", category=DONE, changes=(moved(DURING, "1", "6"),)), Outcome.COMPLETED),
        (member("A", category=CANCELLED, changes=(moved(DURING, "1", "7"),)), Outcome.CANCELLED),
        (member("A", category=DONE, changes=(moved(AFTER, "3", "6"),)), Outcome.NOT_COMPLETED),
        (member("A", category=TODO, changes=(moved(DURING, "1", "6"), moved(AFTER, "6", "1"))), Outcome.COMPLETED),
        (member("A", category=DONE, changes=(moved(BEFORE, "1", "6"),)), Outcome.DONE_BEFORE),
        (member("A", stay(DURING), category=DONE, changes=(moved(BEFORE, "1", "6"),)), Outcome.DONE_BEFORE),
        (member("A", stay(DURING), category=DONE, changes=(moved(DURING + timedelta(days=1), "1", "6"),)), Outcome.COMPLETED),
        (member("A", stay(BEFORE, DURING)), Outcome.REMOVED),
        (member("A", stay(BEFORE, DURING), category=DONE, changes=(moved(AFTER, "1", "6"),)), Outcome.REMOVED),
        (member("A", stay(BEFORE, DURING), stay(DURING + timedelta(days=1))), Outcome.NOT_COMPLETED),
        (member("A", elsewhere=(stay(END + timedelta(seconds=2), iteration="S2"),)), Outcome.CARRIED_OVER),
        (member("A", elsewhere=(stay(AFTER, iteration="S2"),)), Outcome.NOT_COMPLETED),
        (member("A", elsewhere=(stay(BEFORE, START, iteration="S0"),)), Outcome.NOT_COMPLETED),
    ],
)
def test_what_became_of_an_item(one: Member, outcome: Outcome) -> None:
    assert lines(one)["A"].outcome is outcome


def test_what_is_added_after_the_end_or_gone_before_the_start_is_no_part_of_it() -> None:
    assert lines(member("late", stay(AFTER)), member("early", stay(BEFORE, START - timedelta(hours=1)))) == {}


def test_added_and_removed_again_stands_in_both() -> None:
    found = summarise(list(lines(member("A", points=2.0), member("B", stay(DURING, DURING + timedelta(days=1)), points=3.0)).values()))
    assert (found.added.items, found.removed.items, found.not_completed.items) == (1, 1, 1)
    assert found.scope_change_share == pytest.approx((3 + 3) / 2)


def test_what_is_written_at_the_start_stays_though_the_item_is_deleted_or_its_past_retold() -> None:
    opened = opening([member("A", points=5.0), member("B", points=8.0)], START, MEANT)
    retold = member("A", stay(DURING), points=1.0)
    found = {line.item_id: line for line in closing(opened, [retold], START, END, MEANT)}
    assert (found["A"].at_start, found["A"].start_points, found["A"].end_points) == (True, 5.0, 1.0)
    assert (found["B"].start_points, found["B"].outcome) == (8.0, Outcome.REMOVED)


def test_the_published_example() -> None:
    """Committed 40, of these 30 done and 4 removed; 8 added, 5 of them done: say/do .75, change .30, delivered 35, carried over 9."""
    finished = (moved(DURING, "1", "6"),)
    on = (stay(END, iteration="S2"),)
    found = summarise(list(lines(
        member("kept", points=30.0, category=DONE, changes=finished),
        member("removed", stay(BEFORE, DURING), points=4.0),
        member("open", points=6.0, elsewhere=on),
        member("added, done", stay(DURING - timedelta(days=1)), points=5.0, category=DONE, changes=finished),
        member("added, open", stay(DURING), points=3.0, elsewhere=on),
    ).values()))  # fmt: skip
    assert found.say_do_share == pytest.approx(0.75)
    assert found.scope_change_share == pytest.approx(0.30)
    assert [a.points for a in (found.committed, found.completed, found.kept, found.carried_over, found.added, found.removed)] == [
        40.0, 35.0, 30.0, 9.0, 8.0, 4.0,
    ]  # fmt: skip
    assert found.by_points


def test_what_was_done_before_is_neither_promised_nor_delivered() -> None:
    done = member("old", points=13.0, category=DONE, changes=(moved(BEFORE, "1", "6"),))
    found = summarise(list(lines(done, member("A", points=3.0)).values()))
    assert (found.committed.points, found.completed.items, found.done_before.points) == (3.0, 0, 13.0)
    assert found.say_do_share == 0.0


def test_without_points_shares_are_of_items_and_without_items_unknown() -> None:
    finished = (moved(DURING, "1", "6"),)
    found = summarise(list(lines(member("A", category=DONE, changes=finished), member("B", points=5.0)).values()))
    assert (found.committed.items, found.committed.points, found.committed.unestimated) == (2, 5.0, 1)
    assert (found.say_do_share, found.by_points) == (0.5, False)
    nothing = summarise([])
    assert (nothing.committed.items, nothing.committed.points, nothing.say_do_share, nothing.scope_change_share) == (0, 0.0, None, None)
    unestimated = summarise(list(lines(member("A")).values()))
    assert (unestimated.committed.points, unestimated.committed.unestimated) == (None, 1)


def test_zero_points_are_an_estimate() -> None:
    finished = (moved(DURING, "1", "6"),)
    found = summarise(list(lines(member("A", points=0.0, category=DONE, changes=finished)).values()))
    assert (found.committed.points, found.committed.unestimated) == (0.0, 0)
    assert (found.say_do_share, found.by_points) == (1.0, False)
