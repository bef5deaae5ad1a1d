"""How versioned rows are written, superseded and ended."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from pmo_hub.store.merge import end_rows, layout, merge_rows
from pmo_hub.store.models.canonical import HISTORY, Identity, Iteration, Label, WorkItem
from pmo_hub.store.unit_of_work import Session, Work

T0 = datetime(2026, 11, 2, 8, tzinfo=UTC)
DAY = timedelta(days=1)


def label(id: str, name: str, version: str | None = None) -> dict[str, Any]:
    return {"id": id * 32, "external_id": id, "name": name, "mention_version": version}


def names(session: Session) -> list[tuple[Any, ...]]:
    return [tuple(r) for r in session.execute(sa.select(Label.id, Label.name, Label.recorded_from).order_by(Label.id))]


def history(session: Session) -> list[tuple[Any, ...]]:
    h = HISTORY["labels"].c
    return [tuple(r) for r in session.execute(sa.select(h.name, h.recorded_from, h.recorded_to).order_by(h.recorded_from))]


def test_a_changed_row_supersedes_its_old_version(work: Work) -> None:
    with work.write() as session:
        assert merge_rows(session, Label, [label("a", "old"), label("b", "same")], T0).new == {"a" * 32, "b" * 32}
    with work.write() as session:
        merged = merge_rows(session, Label, [label("a", "new"), label("b", "same")], T0 + DAY)
    assert (merged.new, merged.changed) == (set(), {"a" * 32})
    with work.read() as session:
        assert names(session) == [("a" * 32, "new", T0 + DAY), ("b" * 32, "same", T0)]
        assert history(session) == [("old", T0, T0 + DAY)]


def test_the_same_rows_again_write_nothing(work: Work) -> None:
    for day in range(3):
        with work.write() as session:
            merged = merge_rows(session, Label, [label("a", "x")], T0 + day * DAY)
    assert not merged.touched
    with work.read() as session:
        assert names(session) == [("a" * 32, "x", T0)]
        assert history(session) == []


def test_a_column_outside_the_hash_follows_without_a_version(work: Work) -> None:
    with work.write() as session:
        merge_rows(session, Label, [label("a", "x", "1")], T0)
    with work.write() as session:
        assert not merge_rows(session, Label, [label("a", "x", "2")], T0 + DAY).touched
    with work.read() as session:
        assert session.scalar(sa.select(Label.mention_version)) == "2"
        assert names(session) == [("a" * 32, "x", T0)]
        assert history(session) == []


def test_an_ended_row_is_in_history_only(work: Work) -> None:
    with work.write() as session:
        merge_rows(session, Label, [label("a", "x"), label("b", "y")], T0)
    with work.write() as session:
        assert end_rows(session, Label, ["a" * 32], T0 + DAY) == 1
        assert end_rows(session, Label, ["c" * 32], T0 + DAY) == 0
    with work.read() as session:
        assert [n for _, n, _ in names(session)] == ["y"]
        assert history(session) == [("x", T0, T0 + DAY)]


def test_a_row_that_comes_back_begins_anew(work: Work) -> None:
    with work.write() as session:
        merge_rows(session, Label, [label("a", "x")], T0)
    with work.write() as session:
        end_rows(session, Label, ["a" * 32], T0 + DAY)
    with work.write() as session:
        assert merge_rows(session, Label, [label("a", "x")], T0 + 2 * DAY).new == {"a" * 32}
    with work.read() as session:
        assert names(session) == [("a" * 32, "x", T0 + 2 * DAY)]
        assert history(session) == [("x", T0, T0 + DAY)]


def test_a_version_that_lasted_no_time_leaves_no_history(work: Work) -> None:
    for name in ("x", "y", "z"):
        with work.write() as session:
            merge_rows(session, Label, [label("a", name)], T0)
    with work.read() as session:
        assert names(session) == [("a" * 32, "z", T0)]
        assert history(session) == []


def test_more_rows_than_a_statement_has_parameters(work: Work) -> None:
    rows = [{"id": f"{i:032x}", "external_id": str(i), "name": str(i), "mention_version": None} for i in range(40_000)]
    with work.write() as session:
        assert len(merge_rows(session, Label, rows, T0).new) == 40_000
    with work.write() as session:
        assert not merge_rows(session, Label, rows, T0 + DAY).touched


def test_values_come_back_as_they_were_written(work: Work) -> None:
    begins = datetime(2026, 3, 1, 9, 30, 0, 123_456, tzinfo=timezone_of(5, 45))
    row = {
        "id": "a" * 32, "external_id": "7", "name": "Sprint “7”\t\\N, 'x'", "state": "active", "goal": None, "starts_at": begins,
        "ends_at": None, "completed_at": None, "mention_version": None,
    }  # fmt: skip
    with work.write() as session:
        merge_rows(session, Iteration, [row], T0)
    with work.read() as session:
        stored = session.scalars(sa.select(Iteration)).one()
    assert (stored.name, stored.goal, stored.starts_at) == (row["name"], None, begins)
    assert stored.starts_at is not None
    assert stored.starts_at.tzinfo is UTC


def timezone_of(hours: int, minutes: int) -> Any:
    from datetime import timezone

    return timezone(timedelta(hours=hours, minutes=minutes))


def test_a_name_that_is_forgotten_is_nowhere(work: Work) -> None:
    identity = {"id": "a" * 32, "external_id": "7", "is_active": True, "account_type": None, "mention_version": None}
    with work.write() as session:
        merge_rows(session, Identity, [{**identity, "name": "Ada", "email": "ada@example.org"}], T0)
    with work.write() as session:
        merge_rows(session, Identity, [{**identity, "name": None, "email": None}], T0 + DAY)
    assert layout(Identity).history is None


def test_what_is_updated_at_the_source_is_outside_the_hash() -> None:
    shape = layout(WorkItem)
    assert shape.unhashed == ("updated_at",)
    assert shape.columns[0] == "id"
