"""One plan's records as a connector maps them, for tests of what is kept of plans and built upon them."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

from pmo_hub.domain import records
from pmo_hub.domain.identity import row_id
from pmo_hub.domain.vocabulary import Constraint, Phased, ResourceKind
from pmo_hub.store.merge import merge_tuples
from pmo_hub.store.rows import LAYOUTS, RowMaker
from pmo_hub.store.unit_of_work import Work
from tests.stored import NAMESPACE, scope_id


def wall(text: str) -> datetime:
    """A time of the plan's zone."""
    return datetime.fromisoformat(text)


NINE_TO_FIVE = ((540, 720), (780, 1020))

PLAN = records.Plan(
    "P", "Harbour", url="https://plans.example/P", owner="ann", starts_at=wall("2026-06-01T09:00"), finishes_at=wall("2026-09-01T17:00"),
    status_at=wall("2026-07-01T17:00"), published_at=datetime(2026, 7, 2, 6, 30, tzinfo=UTC), time_zone="America/New_York", currency="USD",
    calendar="standard", hours_per_day=8.0, hours_per_week=40.0, days_per_month=20.0, stage="Build", phase="Delivery",
    program="Harbours",
)  # fmt: skip

SCHEDULE = records.Schedule(
    "t1", "t1", "P", position=1, outline="1", starts_at=wall("2026-06-01T09:00"), finishes_at=wall("2026-06-12T17:00"),
    actual_starts_at=wall("2026-06-02T09:00"), deadline=wall("2026-06-10T17:00"), duration_hours=72.0, remaining_duration_hours=24.0,
    is_elapsed=False, is_estimated=False, is_manual=False, is_critical=True, constraint=Constraint.START_NO_EARLIER_THAN,
    constraint_at=wall("2026-06-01T09:00"), total_float_hours=-16.0, free_float_hours=0.0, cost=Decimal("1000.10"),
    actual_cost=Decimal("333.3333"), remaining_cost=Decimal("666.7667"), fixed_cost=Decimal("0"), calendar="standard",
)  # fmt: skip

BASELINE = records.Baseline(
    "t1/0", "t1", 0, wall("2026-06-01T09:00"), wall("2026-06-10T17:00"), duration_hours=64.0, work_hours=64.0, cost=Decimal("900")
)

EARNED_VALUE = records.EarnedValue(
    "t1", "P", "t1", wall("2026-07-01T17:00"), planned_value=Decimal("900"), earned_value=Decimal("600"), actual_cost=Decimal("333.3333"),
    budget_at_completion=Decimal("900"), estimate_at_completion=Decimal("1000.1"), is_stale=False,
)  # fmt: skip

RESOURCE = records.Resource("r1", ResourceKind.WORK, identity="ann", is_generic=False, is_active=True, maximum_units=1.0)

ASSIGNMENT = records.Assignment(
    "t1/r1", "t1", "r1", units=0.5, work_hours=64.0, actual_hours=40.0, remaining_hours=24.0, starts_at=wall("2026-06-01T09:00"),
    finishes_at=wall("2026-06-12T17:00"), cost=Decimal("1000.1"), actual_cost=Decimal("333.3333"),
)  # fmt: skip

CALENDAR = records.Calendar("standard", "Standard", week=(*(NINE_TO_FIVE,) * 5, (), ()))

EXCEPTION = records.CalendarException("standard/1", "standard", "Summer closure", date(2026, 8, 3), date(2026, 8, 14))

PASSAGE = records.StagePassage(
    "P/build", "P", "Build", phase="Delivery", position=2, original_status="In progress", entered_at=datetime(2026, 6, 1, 12, tzinfo=UTC)
)

ENTRY = records.RegisterEntry(
    "risk1", "risk1", probability=0.3, impact=4.0, exposure=1.2, cost=Decimal("5000"), category="Supplier", mitigation="Order early.",
    contingency="Rent a crane.", trigger="No answer by May.",
)  # fmt: skip

TIME_PHASED = records.TimePhased(
    "t1/baseline/0", "t1", Phased.BASELINE, 0, work=((date(2026, 6, 1), 5, Decimal(8)), (date(2026, 6, 8), 3, Decimal("8.5"))),
    cost=((date(2026, 6, 1), 9, Decimal("99.9999")),),
)  # fmt: skip

VALUE = records.PlanValue("P:Region", "P", "Region", "Region", text="North")

RECORDS = (
    PLAN, SCHEDULE, BASELINE, EARNED_VALUE, RESOURCE, ASSIGNMENT, CALENDAR, EXCEPTION, PASSAGE, ENTRY, TIME_PHASED, VALUE,
)  # fmt: skip


def write(work: Work, now: datetime, *given: records.Record, scope: str = "PLAN", namespace: str = NAMESPACE) -> int:
    """The records are kept as a merge keeps them; returns how many rows were written."""
    maker = RowMaker(namespace)
    count = 0
    with work.write() as session:
        for record in given:
            row = maker.make(record, scope_id(scope), "1")
            count += len(merge_tuples(session, LAYOUTS[record.type], {row[0]: row}, now).touched)
    return count


def id_of(record: records.Record, namespace: str = NAMESPACE) -> str:
    """The id of the record's row."""
    return row_id(namespace, record.type, record.external_id)
