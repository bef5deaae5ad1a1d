"""Prepared statements answer what the engine's own execution answers."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from pmo_hub.store import engine
from pmo_hub.store.models.canonical import Version, WorkItem
from pmo_hub.store.prepared import Prepared, among
from pmo_hub.store.unit_of_work import Work
from tests.stored import Clock, Estate

NOW = datetime(2026, 11, 23, 8, 0, 0, 123456, tzinfo=UTC)
ITEMS: Any = WorkItem.__table__
VERSIONS: Any = Version.__table__


@pytest.fixture
def stored(work: Work, tmp_path: Path) -> Work:
    return fill(work, tmp_path)


def fill(work: Work, folder: Path) -> Work:
    """Two items, one of them with as many kinds of value as there are, and three versions."""
    estate = Estate(work, folder, Clock(NOW))
    estate.scopes("ERP")
    full = {"due": date(2026, 12, 1), "points": 2.5, "flagged": True, "labels": ["a", "ü"], "updated_at": NOW, "priority": 70}
    estate.items("ERP", {"external_id": "1", **full}, {"external_id": "2", "points": None, "flagged": None, "updated_at": None})
    for letter in "abc":
        estate.named(Version, letter * 32, f"name of {letter}")
    return work


def test_values_are_read_as_the_column_types_read_them(stored: Work) -> None:
    every = sa.select(*ITEMS.c).order_by(ITEMS.c.external_id)
    with stored.read() as session:
        expected = [tuple(row) for row in session.connection().execute(every)]
    with stored.glance() as snapshot:
        found = Prepared(lambda _: every).rows(snapshot)
    assert [tuple(row) for row in found] == expected
    assert (found[0].updated_at, found[0].due, found[0].flagged, found[0].labels) == (NOW, date(2026, 12, 1), True, ["a", "ü"])
    assert (found[0].updated_at.tzinfo, found[1].flagged, found[1].updated_at) == (UTC, None, None)


@pytest.mark.parametrize("asked", [[], ["a" * 32], ["c" * 32, "a" * 32, "9" * 32]])
def test_a_list_of_any_length_is_one_parameter(stored: Work, asked: list[str]) -> None:
    query = Prepared(lambda dialect: sa.select(VERSIONS.c.id).where(among(dialect, VERSIONS.c.id, "ids")).order_by(VERSIONS.c.id))
    with stored.glance() as snapshot:
        assert [row.id for row in query.rows(snapshot, ids=snapshot.many(asked))] == sorted(set(asked) & {"a" * 32, "c" * 32})


def test_a_value_is_never_read_as_sql(stored: Work) -> None:
    query = Prepared(lambda _: sa.select(ITEMS.c.id).where(ITEMS.c.id == sa.bindparam("id")))
    with stored.glance() as snapshot:
        assert query.rows(snapshot, id="' OR '1'='1") == []


def test_a_glance_leaves_no_transaction_behind_also_when_it_breaks(work: Work, tmp_path: Path) -> None:
    nothing = Prepared(lambda _: sa.select(sa.literal_column("1").label("one")).select_from(ITEMS).where(sa.bindparam("missing") == "x"))
    for _ in range(20):  # more than the pool holds
        with pytest.raises(Exception, match="missing"), work.glance() as snapshot:
            nothing.rows(snapshot)
    fill(work, tmp_path)
    with work.glance() as snapshot:
        assert len(Prepared(lambda _: sa.select(ITEMS.c.id)).rows(snapshot)) == 2


def test_on_sqlite_a_glance_sees_one_state(work: Work, tmp_path: Path) -> None:
    if not work.is_at_hand:
        return
    count = Prepared(lambda _: sa.select(sa.func.count().label("items")).select_from(ITEMS))
    with work.glance() as snapshot:
        before = count.rows(snapshot)[0].items
        fill(work, tmp_path)
        assert count.rows(snapshot)[0].items == before == 0
    with work.glance() as snapshot:
        assert count.rows(snapshot)[0].items == 2


def test_a_connection_that_the_server_closed_while_it_rested_is_replaced(work: Work, monkeypatch: pytest.MonkeyPatch) -> None:
    if work.is_at_hand:
        return
    monkeypatch.setattr(engine, "PING_AFTER_S", -1.0)
    one = Prepared(lambda _: sa.select(sa.func.pg_backend_pid().label("pid")))
    with work.glance() as snapshot:
        first = one.rows(snapshot)[0].pid
    with work.write() as session:
        assert session.scalar(sa.select(sa.func.pg_terminate_backend(first, 5000)))
    with work.glance() as snapshot:
        assert one.rows(snapshot)[0].pid != first
