"""Items that are one piece of work, precedence of sources, history until a date

Revision: 0006
After: 0005
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

ID = sa.String(32).with_variant(sa.String(32, collation="C"), "postgresql")
INSTANT = sa.String(27).with_variant(sa.DateTime(timezone=True), "postgresql")
JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")


def _versioned(name: str, *columns: sa.Column) -> None:
    op.create_table(
        name,
        sa.Column("id", ID, nullable=False),
        *(sa.Column(c.name, c.type, nullable=c.nullable) for c in columns),
        sa.Column("row_hash", ID, nullable=False),
        sa.Column("recorded_from", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{name}")),
    )
    op.create_table(
        f"{name}_history",
        sa.Column("id", ID, nullable=False),
        *(sa.Column(c.name, c.type, nullable=c.nullable) for c in columns),
        sa.Column("row_hash", ID, nullable=False),
        sa.Column("recorded_from", INSTANT, nullable=False),
        sa.Column("recorded_to", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", "recorded_from", name=op.f(f"pk_{name}_history")),
    )


def upgrade() -> None:
    for table in ("project_rules", "project_rules_history"):
        with op.batch_alter_table(table) as batch:
            batch.add_column(sa.Column("history_until", sa.Date(), nullable=True))
    _versioned(
        "same_as",
        sa.Column("item_id", ID, nullable=False),
        sa.Column("duplicate_id", ID, nullable=False),
        sa.Column("how", sa.Text(), nullable=False),
        sa.Column("rule_id", ID, nullable=True),
    )
    op.create_index(op.f("ix_same_as_item_id"), "same_as", ["item_id"])
    op.create_index(op.f("ix_same_as_duplicate_id"), "same_as", ["duplicate_id"], unique=True)
    op.create_table(
        "same_as_rules",
        sa.Column("id", ID, nullable=False),
        sa.Column("connection_id", ID, nullable=False),
        sa.Column("field", sa.Text(), nullable=True),
        sa.Column("other_connection_id", ID, nullable=False),
        sa.Column("counted", sa.Text(), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_same_as_rules")),
    )
    op.create_table(
        "same_as_refusals",
        sa.Column("item_id", ID, nullable=False),
        sa.Column("duplicate_id", ID, nullable=False),
        sa.Column("decided_by", sa.Text(), nullable=False),
        sa.Column("decided_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("item_id", "duplicate_id", name=op.f("pk_same_as_refusals")),
    )
    _versioned("project_precedences", sa.Column("fields", JSON, nullable=False))


def downgrade() -> None:
    for table in ("project_precedences_history", "project_precedences", "same_as_refusals", "same_as_rules", "same_as_history"):
        op.drop_table(table)
    op.drop_index(op.f("ix_same_as_duplicate_id"), table_name="same_as")
    op.drop_index(op.f("ix_same_as_item_id"), table_name="same_as")
    op.drop_table("same_as")
    for table in ("project_rules_history", "project_rules"):
        with op.batch_alter_table(table) as batch:
            batch.drop_column("history_until")
