"""What a plan says is stored as it was said, on both engines: wall-clock times unshifted, money to the ten-thousandth."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from dataclasses import fields, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa

from pmo_hub.domain import records
from pmo_hub.domain.vocabulary import RecordType
from pmo_hub.sdk.errors import RecordError
from pmo_hub.sdk.testing_mapping import MENTIONABLE
from pmo_hub.store.base import MOST_MONEY, Base, Money, WallClock
from pmo_hub.store.merge import end_rows
from pmo_hub.store.models import plans
from pmo_hub.store.models.canonical import HISTORY
from pmo_hub.store.rows import MODELS, RowMaker
from pmo_hub.store.time_phased_rows import series_of
from pmo_hub.store.unit_of_work import Work
from tests.planned import ASSIGNMENT, BASELINE, CALENDAR, EXCEPTION, PASSAGE, PLAN, RECORDS, SCHEDULE, wall, write
from tests.stored import FIRST_SYNC

SCOPE = "5" * 32


@pytest.fixture
def far_west(work: Work) -> Iterator[None]:
    """The machine's own zone is hours away from UTC, and the database's as far on the other side."""
    if work.dialect == "postgresql":
        with work.write() as session:
            name = session.scalar(sa.select(sa.func.current_database()))
            session.execute(sa.text(f"ALTER DATABASE \"{name}\" SET TIME ZONE 'Asia/Kathmandu'"))
        work.dispose()
    before = os.environ.get("TZ")
    os.environ["TZ"] = "America/Los_Angeles"
    time.tzset()
    yield
    if before is None:
        del os.environ["TZ"]
    else:
        os.environ["TZ"] = before
    time.tzset()


def read(work: Work, model: type[Base]) -> Any:
    with work.read() as session:
        return session.execute(sa.select(model.__table__)).one()


def test_every_record_type_has_a_table_with_a_past() -> None:
    assert set(MODELS) == set(RecordType)
    assert {m.__tablename__ for m in MODELS.values()} - HISTORY.keys() == {"identities"}


@pytest.mark.usefixtures("far_west")
def test_what_is_stored_is_what_was_said(work: Work) -> None:
    assert write(work, FIRST_SYNC, *RECORDS) == len(RECORDS)
    for record in RECORDS:
        row = read(work, MODELS[record.type])
        references = 0
        for field in fields(record):
            said = getattr(record, field.name)
            if hasattr(row, field.name):
                stored = getattr(row, field.name)
                as_lists = [None if d is None else [list(s) for s in d] for d in said] if field.name == "week" else said
                if record.type is RecordType.TIME_PHASED and field.name in ("work", "cost"):
                    stored = series_of(stored)
                assert stored == ([list(s) for s in said] if field.name == "shifts" else as_lists), f"{record.type}.{field.name}"
                assert not isinstance(said, datetime) or stored.tzinfo == said.tzinfo
            else:
                references += 1
                assert (getattr(row, f"{field.name}_id") is None) == (said is None)
        assert references == len([c for c in row._fields if c.endswith("_id") and c not in ("external_id", "scope_id")])


def test_saying_it_again_writes_nothing_and_another_spelling_of_an_amount_is_no_change(work: Work) -> None:
    write(work, FIRST_SYNC, *RECORDS)
    again = replace(SCHEDULE, cost=Decimal("1000.1000"))
    assert write(work, FIRST_SYNC + timedelta(hours=1), *(again if r is SCHEDULE else r for r in RECORDS)) == 0


def test_a_change_keeps_what_was_known(work: Work) -> None:
    write(work, FIRST_SYNC, *RECORDS)
    later = FIRST_SYNC + timedelta(hours=1)
    assert write(work, later, replace(SCHEDULE, finishes_at=wall("2026-06-19T17:00"), cost=Decimal("2000"))) == 1
    with work.read() as session:
        was = session.execute(sa.select(HISTORY["schedules"])).one()
    assert (was.finishes_at, was.cost, was.recorded_to) == (wall("2026-06-12T17:00"), Decimal("1000.1"), later)
    assert read(work, plans.Schedule).cost == 2000
    with work.write() as session:
        assert end_rows(session, plans.Schedule, [read(work, plans.Schedule).id], later + timedelta(hours=1)) == 1


def test_wall_clock_times_compare_in_sql(work: Work) -> None:
    write(work, FIRST_SYNC, SCHEDULE)
    late = sa.select(plans.Schedule.external_id).where(plans.Schedule.finishes_at > plans.Schedule.deadline)
    before = sa.select(plans.Schedule.external_id).where(plans.Schedule.finishes_at < wall("2026-06-12T17:00:01"))
    with work.read() as session:
        assert session.scalars(late).all() == ["t1"]
        assert session.scalars(before).all() == ["t1"]


def test_amounts_add_up_to_the_last_digit_in_sql(work: Work) -> None:
    tenth = [replace(SCHEDULE, external_id=f"t{n}", item=f"t{n}", cost=Decimal("0.1")) for n in range(3)]
    most = replace(SCHEDULE, external_id="most", item="most", cost=Decimal(MOST_MONEY))
    write(work, FIRST_SYNC, *tenth, most)
    with work.read() as session:
        assert session.scalar(sa.select(sa.func.sum(plans.Schedule.cost))) == Decimal(f"{MOST_MONEY}.3")


def test_column_types_take_and_give_the_same(work: Work) -> None:
    with work.write() as session:
        values = {"m": Decimal("-12.3456"), "w": wall("2026-03-29T02:30")}
        pair = sa.select(sa.literal(values["m"], Money()), sa.literal(values["w"], WallClock()))
        assert tuple(session.execute(pair).one()) == tuple(values.values())
        with pytest.raises(sa.exc.StatementError, match="no time zone"):
            session.execute(sa.select(sa.literal(datetime(2026, 3, 29, tzinfo=UTC), WallClock())))


@pytest.mark.parametrize(
    ("record", "why"),
    [
        (replace(SCHEDULE, cost=Decimal("1e14")), "no amount of money"),
        (replace(SCHEDULE, cost=Decimal("NaN")), "no amount of money"),
        (replace(SCHEDULE, duration_hours=float("inf")), "no number"),
        (replace(SCHEDULE, position=2**31), "too large"),
        (replace(BASELINE, number=11), "none of 0 to 10"),
        (replace(ASSIGNMENT, units=float("nan")), "no number"),
        (replace(CALENDAR, week=((),)), "a week of 1 days"),
        (replace(CALENDAR, week=(((600, 540),), *((),) * 6)), "no times of one day"),
        (replace(EXCEPTION, shifts=((0, 1441),)), "no times of one day"),
        (replace(EXCEPTION, last=date(2026, 8, 2)), "before it begins"),
    ],
)  # fmt: skip
def test_what_no_engine_can_store_is_refused_as_the_payloads_fault(record: records.Record, why: str) -> None:
    with pytest.raises(RecordError, match=why):
        RowMaker("ns").make(record, SCOPE, None)


def test_shifts_that_overlap_are_one() -> None:
    row = RowMaker("ns").make(replace(EXCEPTION, shifts=((780, 1020), (0, 60), (540, 720), (700, 750), (720, 730))), SCOPE, None)
    assert row[-2] == "[[0,60],[540,750],[780,1020]]"


@pytest.mark.parametrize(
    "record",
    [
        replace(SCHEDULE, starts_at=datetime(2026, 6, 1, tzinfo=UTC)),
        replace(PLAN, published_at=wall("2026-06-01")),
        replace(PASSAGE, entered_at=wall("2026-06-01")),
    ],
)  # fmt: skip
def test_a_time_of_the_wrong_sort_is_a_connectors_mistake(record: records.Record) -> None:
    with pytest.raises(ValueError, match="is wanted"):
        RowMaker("ns").make(record, SCOPE, None)


def test_what_may_be_mentioned_keeps_the_version_of_its_mention() -> None:
    assert {kind for kind, model in MODELS.items() if "mention_version" in model.__table__.c} == MENTIONABLE


def test_the_wall_clock_fields_are_those_of_the_tables() -> None:
    for kind, model in MODELS.items():
        table: Any = model.__table__
        columns = {c.name for c in table.columns if isinstance(c.type, WallClock)}
        assert columns == set(records.WALL_CLOCK.get(kind, ())), kind
