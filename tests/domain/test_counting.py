"""What an admin leaves out of every measure."""

from __future__ import annotations

import pytest

from pmo_hub.domain.counting import Exclusion, counted
from pmo_hub.domain.records import WorkItem
from pmo_hub.domain.vocabulary import Kind, StatusCategory, Uncounted


def item(type: str = "Bug", labels: tuple[str, ...] = (), uncounted: Uncounted | None = None) -> WorkItem:
    return WorkItem(
        "1", "A-1", None, "Title", None, Kind.BUG, type, StatusCategory.TODO, "Open", labels=labels, counts=uncounted is None,
        uncounted=uncounted,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("given", "counts"),
    [
        (item("bug"), False),
        (item("Bugs"), True),
        (item("Story"), True),
        (item("Story", ("a", "PRIVATE")), False),
        (item("Story", ("a",)), True),
    ],
)
def test_an_item_of_such_a_type_or_label_does_not_count(given: WorkItem, counts: bool) -> None:
    found = counted(given, Exclusion.of(["Bug"], ["private"]))
    assert (found.counts, found.uncounted) == (counts, None if counts else Uncounted.RULE)


def test_a_reason_of_the_tools_own_is_kept() -> None:
    given = item(uncounted=Uncounted.SUB_ITEM)
    assert counted(given, Exclusion.of(["Bug"])) is given
