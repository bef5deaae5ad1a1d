"""Two mappings of one payload compared."""

from __future__ import annotations

from dataclasses import replace

from pmo_hub.domain.mapped_changes import FieldChange, RecordChange, changes
from pmo_hub.domain.records import CustomValue, WorkItem
from pmo_hub.domain.vocabulary import Kind, StatusCategory

ITEM = WorkItem("1", "A-1", None, "Title", None, Kind.TASK, "Task", StatusCategory.TODO, "Open")
VALUE = CustomValue("1:f", "1", "f", "Field", number=3.0)


def test_equal_mappings_change_nothing() -> None:
    assert list(changes([ITEM, VALUE], [ITEM, replace(VALUE)])) == []
    assert list(changes([ITEM, VALUE], [VALUE, ITEM])) == []


def test_each_field_that_differs_is_told() -> None:
    after = replace(ITEM, kind=Kind.BUG, points=3.0)
    fields = (FieldChange("kind", Kind.TASK, Kind.BUG), FieldChange("points", None, 3.0))
    assert list(changes([ITEM], [after])) == [RecordChange(ITEM, after, fields)]


def test_a_record_on_one_side_only_is_new_or_ends() -> None:
    found = list(changes([ITEM, VALUE], [ITEM, replace(VALUE, external_id="1:g")]))
    assert [(c.before, c.after) for c in found] == [(VALUE, None), (None, replace(VALUE, external_id="1:g"))]
    assert [c.item for c in found] == ["1", "1"]
