"""Worklogs, who leads a component, and what iterations promised

Revision: 0009
After: 0008
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

ID = sa.String(32).with_variant(sa.String(32, collation="C"), "postgresql")
INSTANT = sa.String(27).with_variant(sa.DateTime(timezone=True), "postgresql")


def _worklog() -> list[sa.Column[object]]:
    return [
        sa.Column("id", ID, nullable=False),
        sa.Column("external_id", sa.Text(), nullable=False),
        sa.Column("item_id", ID, nullable=False),
        sa.Column("author_id", ID, nullable=True),
        sa.Column("started_at", INSTANT, nullable=True),
        sa.Column("hours", sa.Double(), nullable=True),
        sa.Column("body", sa.Text(), nullable=True),
        sa.Column("created_at", INSTANT, nullable=True),
        sa.Column("updated_at", INSTANT, nullable=True),
        sa.Column("row_hash", ID, nullable=False),
        sa.Column("recorded_from", INSTANT, nullable=False),
    ]


def _commitment() -> list[sa.Column[object]]:
    return [
        sa.Column("id", ID, nullable=False),
        sa.Column("iteration_id", ID, nullable=False),
        sa.Column("scope_id", ID, nullable=False),
        sa.Column("phase", sa.Text(), nullable=False),
        sa.Column("started_at", INSTANT, nullable=True),
        sa.Column("start_basis", sa.Text(), nullable=True),
        sa.Column("ended_at", INSTANT, nullable=True),
        sa.Column("end_basis", sa.Text(), nullable=True),
        sa.Column("row_hash", ID, nullable=False),
        sa.Column("recorded_from", INSTANT, nullable=False),
    ]


def _committed_item() -> list[sa.Column[object]]:
    return [
        sa.Column("id", ID, nullable=False),
        sa.Column("iteration_id", ID, nullable=False),
        sa.Column("item_id", ID, nullable=False),
        sa.Column("scope_id", ID, nullable=False),
        sa.Column("at_start", sa.Boolean(), nullable=False),
        sa.Column("start_points", sa.Double(), nullable=True),
        sa.Column("done_before", sa.Boolean(), nullable=False),
        sa.Column("joined_at", INSTANT, nullable=True),
        sa.Column("left_at", INSTANT, nullable=True),
        sa.Column("end_points", sa.Double(), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.Column("row_hash", ID, nullable=False),
        sa.Column("recorded_from", INSTANT, nullable=False),
    ]


TABLES = {
    "worklogs": (_worklog, ("item_id",)),
    "iteration_commitments": (_commitment, ("iteration_id", "scope_id")),
    "committed_items": (_committed_item, ("iteration_id", "item_id")),
}


def upgrade() -> None:
    for name, (columns, indexed) in TABLES.items():
        op.create_table(name, *columns(), sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{name}")))
        with op.batch_alter_table(name, schema=None) as batch_op:
            for column in indexed:
                batch_op.create_index(batch_op.f(f"ix_{name}_{column}"), [column], unique=False)
        op.create_table(
            f"{name}_history",
            *columns(),
            sa.Column("recorded_to", INSTANT, nullable=False),
            sa.PrimaryKeyConstraint("id", "recorded_from", name=op.f(f"pk_{name}_history")),
        )
    for name in ("components", "components_history"):
        with op.batch_alter_table(name, schema=None) as batch_op:
            batch_op.add_column(sa.Column("lead_id", ID, nullable=True))


def downgrade() -> None:
    for name in ("components", "components_history"):
        with op.batch_alter_table(name, schema=None) as batch_op:
            batch_op.drop_column("lead_id")
    for name, (_, indexed) in TABLES.items():
        op.drop_table(f"{name}_history")
        with op.batch_alter_table(name, schema=None) as batch_op:
            for column in indexed:
                batch_op.drop_index(batch_op.f(f"ix_{name}_{column}"))
        op.drop_table(name)
