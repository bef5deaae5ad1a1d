"""Work and cost by day, and fields that plans have themselves

Revision: 0015
After: 0014
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

ID = sa.String(32).with_variant(sa.String(32, collation="C"), "postgresql")
INSTANT = sa.String(27).with_variant(sa.DateTime(timezone=True), "postgresql")
JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")

Column = tuple[str, sa.types.TypeEngine[object], bool]

TABLES: dict[str, tuple[Column, ...]] = {
    "time_phased": (
        ("external_id", sa.Text(), False),
        ("item_id", ID, False),
        ("kind", sa.Text(), False),
        ("number", sa.Integer(), True),
        ("first", sa.Date(), True),
        ("last", sa.Date(), True),
        ("work", JSON, True),
        ("cost", JSON, True),
    ),
    "plan_values": (
        ("external_id", sa.Text(), False),
        ("plan_id", ID, False),
        ("field", sa.Text(), False),
        ("name", sa.Text(), False),
        ("text", sa.Text(), True),
        ("number", sa.Double(), True),
        ("day", sa.Date(), True),
    ),
}
"""Name → its own columns: name, type, whether it may be null."""

INDEXED = {"time_phased": "item_id", "plan_values": "plan_id"}
"""The column by which current and superseded rows are found."""


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
                batch_op.create_index(batch_op.f(f"ix_{table}_{INDEXED[name]}"), [INDEXED[name]], unique=False)


def downgrade() -> None:
    for name in reversed(TABLES):
        op.drop_table(f"{name}_history")
        op.drop_table(name)
