"""Plans: schedules, baselines, earned value, resources, assignments, calendars, stages, and what registers say

Revision: 0012
After: 0011
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

ID = sa.String(32).with_variant(sa.String(32, collation="C"), "postgresql")
INSTANT = sa.String(27).with_variant(sa.DateTime(timezone=True), "postgresql")
WALL_CLOCK = sa.String(26).with_variant(sa.DateTime(timezone=False), "postgresql")
JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")

Column = tuple[str, sa.types.TypeEngine[object], bool]

TABLES: dict[str, tuple[Column, ...]] = {
    "plans": (
        ("scope_id", ID, False),
        ("external_id", sa.Text(), False),
        ("name", sa.Text(), False),
        ("url", sa.Text(), True),
        ("owner_id", ID, True),
        ("starts_at", WALL_CLOCK, True),
        ("finishes_at", WALL_CLOCK, True),
        ("status_at", WALL_CLOCK, True),
        ("published_at", INSTANT, True),
        ("time_zone", sa.Text(), True),
        ("currency", sa.Text(), True),
        ("calendar_id", ID, True),
        ("hours_per_day", sa.Double(), True),
        ("hours_per_week", sa.Double(), True),
        ("days_per_month", sa.Double(), True),
        ("stage", sa.Text(), True),
        ("phase", sa.Text(), True),
    ),
    "schedules": (
        ("external_id", sa.Text(), False),
        ("item_id", ID, False),
        ("plan_id", ID, False),
        ("position", sa.Integer(), True),
        ("outline", sa.Text(), True),
        ("starts_at", WALL_CLOCK, True),
        ("finishes_at", WALL_CLOCK, True),
        ("actual_starts_at", WALL_CLOCK, True),
        ("actual_finishes_at", WALL_CLOCK, True),
        ("deadline", WALL_CLOCK, True),
        ("duration_hours", sa.Double(), True),
        ("actual_duration_hours", sa.Double(), True),
        ("remaining_duration_hours", sa.Double(), True),
        ("is_elapsed", sa.Boolean(), True),
        ("is_estimated", sa.Boolean(), True),
        ("is_manual", sa.Boolean(), True),
        ("is_critical", sa.Boolean(), True),
        ("constraint", sa.Text(), True),
        ("constraint_at", WALL_CLOCK, True),
        ("total_float_hours", sa.Double(), True),
        ("free_float_hours", sa.Double(), True),
        ("cost", sa.BigInteger(), True),
        ("actual_cost", sa.BigInteger(), True),
        ("remaining_cost", sa.BigInteger(), True),
        ("fixed_cost", sa.BigInteger(), True),
        ("calendar_id", ID, True),
    ),
    "baselines": (
        ("external_id", sa.Text(), False),
        ("item_id", ID, False),
        ("number", sa.Integer(), False),
        ("starts_at", WALL_CLOCK, True),
        ("finishes_at", WALL_CLOCK, True),
        ("duration_hours", sa.Double(), True),
        ("work_hours", sa.Double(), True),
        ("cost", sa.BigInteger(), True),
    ),
    "earned_values": (
        ("external_id", sa.Text(), False),
        ("plan_id", ID, False),
        ("item_id", ID, True),
        ("at", WALL_CLOCK, True),
        ("planned_value", sa.BigInteger(), True),
        ("earned_value", sa.BigInteger(), True),
        ("actual_cost", sa.BigInteger(), True),
        ("budget_at_completion", sa.BigInteger(), True),
        ("estimate_at_completion", sa.BigInteger(), True),
        ("is_stale", sa.Boolean(), True),
    ),
    "resources": (
        ("external_id", sa.Text(), False),
        ("kind", sa.Text(), False),
        ("name", sa.Text(), True),
        ("identity_id", ID, True),
        ("is_generic", sa.Boolean(), True),
        ("is_active", sa.Boolean(), True),
        ("maximum_units", sa.Double(), True),
        ("calendar_id", ID, True),
        ("mention_version", sa.Text(), True),
    ),
    "assignments": (
        ("external_id", sa.Text(), False),
        ("item_id", ID, False),
        ("resource_id", ID, False),
        ("units", sa.Double(), True),
        ("work_hours", sa.Double(), True),
        ("actual_hours", sa.Double(), True),
        ("remaining_hours", sa.Double(), True),
        ("starts_at", WALL_CLOCK, True),
        ("finishes_at", WALL_CLOCK, True),
        ("cost", sa.BigInteger(), True),
        ("actual_cost", sa.BigInteger(), True),
    ),
    "calendars": (
        ("external_id", sa.Text(), False),
        ("name", sa.Text(), True),
        ("base_id", ID, True),
        ("week", JSON, False),
        ("mention_version", sa.Text(), True),
    ),
    "calendar_exceptions": (
        ("external_id", sa.Text(), False),
        ("calendar_id", ID, False),
        ("name", sa.Text(), True),
        ("first", sa.Date(), False),
        ("last", sa.Date(), False),
        ("shifts", JSON, False),
    ),
    "stage_passages": (
        ("external_id", sa.Text(), False),
        ("plan_id", ID, False),
        ("stage", sa.Text(), False),
        ("phase", sa.Text(), True),
        ("position", sa.Integer(), True),
        ("original_status", sa.Text(), True),
        ("entered_at", INSTANT, True),
        ("completed_at", INSTANT, True),
    ),
    "register_entries": (
        ("external_id", sa.Text(), False),
        ("item_id", ID, False),
        ("probability", sa.Double(), True),
        ("impact", sa.Double(), True),
        ("exposure", sa.Double(), True),
        ("cost", sa.BigInteger(), True),
        ("category", sa.Text(), True),
        ("mitigation", sa.Text(), True),
        ("contingency", sa.Text(), True),
        ("trigger", sa.Text(), True),
    ),
}
"""Name → its own columns: name, type, whether it may be null."""

INDEXED = {
    "plans": ("scope_id",),
    "schedules": ("item_id", "plan_id"),
    "baselines": ("item_id",),
    "earned_values": ("plan_id", "item_id"),
    "resources": ("identity_id",),
    "assignments": ("item_id", "resource_id"),
    "calendar_exceptions": ("calendar_id",),
    "stage_passages": ("plan_id",),
    "register_entries": ("item_id",),
}
"""Columns by which current and superseded rows are found."""


def _columns(table: str) -> list[sa.Column[object]]:
    return [
        sa.Column("id", ID, nullable=False),
        *(sa.Column(name, type_, nullable=nullable) for name, type_, nullable in TABLES[table]),
        sa.Column("row_hash", ID, nullable=False),
        sa.Column("recorded_from", INSTANT, nullable=False),
    ]


def upgrade() -> None:
    for name in TABLES:
        op.create_table(name, *_columns(name), sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{name}")))
        op.create_table(
            f"{name}_history",
            *_columns(name),
            sa.Column("recorded_to", INSTANT, nullable=False),
            sa.PrimaryKeyConstraint("id", "recorded_from", name=op.f(f"pk_{name}_history")),
        )
        for table in (name, f"{name}_history"):
            with op.batch_alter_table(table, schema=None) as batch_op:
                for column in INDEXED.get(name, ()):
                    batch_op.create_index(batch_op.f(f"ix_{table}_{column}"), [column], unique=False)


def downgrade() -> None:
    for name in reversed(TABLES):
        op.drop_table(f"{name}_history")
        op.drop_table(name)
