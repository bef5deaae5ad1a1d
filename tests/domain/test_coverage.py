"""What is mapped by guess or not at all."""

from __future__ import annotations

from pmo_hub.domain import coverage
from pmo_hub.domain.coverage import Known, Met


def test_a_status_is_a_gap_where_the_source_gives_it_no_category() -> None:
    known = [Known("1", None, "todo", "told", "r"), Known("2", None, "todo", "unmapped", "r"), Known("3", None, "done", "ruled", "r")]
    met = [Met(i, f"S{i}", "todo", 5) for i in ("1", "2", "3", "4")]
    assert [(gap.id, gap.grade, gap.rule) for gap in coverage.statuses(met, known)] == [
        ("2", "unmapped", "status_category"),
        ("4", "unmapped", "status_category"),
    ]


def test_a_type_is_found_by_its_name_and_told_with_its_id() -> None:
    known = [Known("10", "Bug", "bug", "told", "kind"), Known("11", "Production bug", "bug", "guessed", "kind")]
    met = [Met(None, name, "bug", 1) for name in ("bug", "production bug", "Spike")]
    found = coverage.types(met, known)
    assert [(gap.id, gap.name, gap.grade) for gap in found] == [("11", "production bug", "guessed"), (None, "Spike", "unmapped")]
    assert found[1].mend == "Say by the rule kind what a 'Spike' is; it is taken for a bug."


def test_a_priority_is_a_gap_without_a_number_and_a_guess_without_a_scale() -> None:
    met = [Met(None, "High", "75", 3), Met(None, "P0", None, 2)]
    assert [(gap.name, gap.grade) for gap in coverage.priorities(met, [Known("1", None, "100", "told", "priority")])] == [
        ("P0", "unmapped")
    ]
    assert [(gap.name, gap.grade) for gap in coverage.priorities(met, [])] == [("High", "guessed"), ("P0", "unmapped")]


def test_a_filled_field_is_a_gap_until_something_uses_or_keeps_it() -> None:
    known = [
        Known("a", "Budget", None, "unmapped", "points_field"),
        Known("b", "Points", "points", "guessed", "points_field"),
        Known("c", "Ticket", None, "ruled", "extra_fields"),
    ]
    met = [Met(i, i, None, 1) for i in ("a", "b", "c", "d")]
    assert [(gap.id, gap.rule) for gap in coverage.fields(met, known)] == [("a", "points_field"), ("d", None)]


def test_references_that_all_resolve_are_no_gap() -> None:
    met = [Met("parent", "parent", None, 0), Met("dependency", "dependency", None, 2, ("x",))]
    (gap,) = coverage.references(met, {"parent": "Parents", "dependency": "Dependencies"})
    assert gap.mend.startswith("Dependencies lead to items that no connection reads")
