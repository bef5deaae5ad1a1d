"""What stays of a file in memory: where each task stands and lies, and who is booked on it."""

from __future__ import annotations

from pmo_hub_mspdi.outline import DEEPEST, Bookings, Line, Outline


def test_parent_is_the_nearest_row_above_on_a_lower_level() -> None:
    outline = Outline()
    for number, (uid, level) in enumerate((("a", 1), ("b", 4), ("c", 2), ("d", 3), ("e", 1))):
        outline.add(uid, number, level)
    assert list(outline) == [
        Line("a", 0, 1, None, True), Line("b", 1, 4, "a", False), Line("c", 2, 2, "a", True), Line("d", 3, 3, "c", False),
        Line("e", 4, 1, None, False),
    ]  # fmt: skip
    assert len(outline) == 5
    assert "c" in outline
    assert (outline.place_of("c"), outline.place_of("x")) == (2, None)


def test_a_level_beyond_all_measure_is_the_deepest() -> None:
    outline = Outline()
    outline.add("a", 0, 10**30)
    assert next(iter(outline)).level == DEEPEST


def test_bookings_keep_the_files_order_and_need_no_task() -> None:
    bookings = Bookings()
    for place, (task, resource) in enumerate((("1", "x"), ("2", "y"), ("1", "y"), ("1", "x"))):
        bookings.add(task, resource, place)
    assert list(bookings.of("1")) == [("x", 0), ("y", 2), ("x", 3)]
    assert list(bookings.of("2")) == [("y", 1)]
    assert list(bookings.of("3")) == []
    assert len(bookings) == 4
