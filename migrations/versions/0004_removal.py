"""Removal of scopes and connections

Revision: 0004
After: 0003
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

ID = sa.String(32).with_variant(sa.String(32, collation="C"), "postgresql")
INSTANT = sa.String(27).with_variant(sa.DateTime(timezone=True), "postgresql")
JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")


def upgrade() -> None:
    with op.batch_alter_table("scopes") as batch:
        batch.add_column(sa.Column("removed_at", INSTANT, nullable=True))
        batch.add_column(sa.Column("removal", sa.Text(), nullable=True))
    op.create_table(
        "removals",
        sa.Column("id", ID, nullable=False),
        sa.Column("connection_id", ID, nullable=False),
        sa.Column("connection_name", sa.Text(), nullable=False),
        sa.Column("whole", sa.Boolean(), nullable=False),
        sa.Column("scope_ids", JSON, nullable=False),
        sa.Column("data", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("forecast", JSON, nullable=False),
        sa.Column("removed", JSON, nullable=False),
        sa.Column("project_ids", JSON, nullable=False),
        sa.Column("requested_by", sa.Text(), nullable=False),
        sa.Column("requested_at", INSTANT, nullable=False),
        sa.Column("finished_at", INSTANT, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_removals")),
    )
    op.create_index(op.f("ix_removals_connection_id"), "removals", ["connection_id"])
    op.create_table(
        "purge_candidates",
        sa.Column("removal_id", ID, nullable=False),
        sa.Column("record_type", sa.Text(), nullable=False),
        sa.Column("record_id", ID, nullable=False),
        sa.PrimaryKeyConstraint("removal_id", "record_type", "record_id", name=op.f("pk_purge_candidates")),
    )


def downgrade() -> None:
    op.drop_table("purge_candidates")
    op.drop_index(op.f("ix_removals_connection_id"), table_name="removals")
    op.drop_table("removals")
    with op.batch_alter_table("scopes") as batch:
        batch.drop_column("removal")
        batch.drop_column("removed_at")
