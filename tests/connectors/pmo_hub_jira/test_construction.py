"""Frozen records made by a faster way are what their class makes."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, dataclass, field, replace

import pytest

from pmo_hub.domain.records import Dependency, WorkItem
from pmo_hub.domain.vocabulary import Kind, StatusCategory
from pmo_hub.sdk.contract import Payload, Ref
from pmo_hub_jira.construction import constructor


def test_what_is_made_is_the_record_and_as_frozen() -> None:
    values = ("1", "ERP-1", None, "Post invoices", None, Kind.TASK, "Task", StatusCategory.TODO, "To Do")
    made, plain = constructor(WorkItem)(*values, points=3.0), WorkItem(*values, points=3.0)
    assert type(made) is WorkItem
    assert (made, hash(made), repr(made)) == (plain, hash(plain), repr(plain))
    assert replace(made, points=5.0) == replace(plain, points=5.0)
    with pytest.raises(FrozenInstanceError):
        made.points = 5.0  # type: ignore[misc]


def test_it_is_not_the_class_itself_that_makes_it() -> None:
    for record in (WorkItem, Dependency, Payload, Ref):
        assert constructor(record) is not record


def test_defaults_are_made_for_each() -> None:
    make = constructor(Payload)
    first, second = make(Ref("issue", "1"), None, b"{}"), make(Ref("issue", "2"), None, b"{}")
    assert first == Payload(Ref("issue", "1"), None, b"{}")
    assert first.context is not second.context


def test_a_class_with_another_layout_makes_its_own() -> None:
    @dataclass(frozen=True)
    class Loose:
        id: str
        more: dict[str, str] = field(default_factory=dict)

    assert constructor(Loose) is Loose
