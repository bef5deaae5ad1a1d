"""Incoming webhooks

Revision: 0002
After: 0001
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

ID = sa.String(32).with_variant(sa.String(32, collation="C"), "postgresql")
INSTANT = sa.String(27).with_variant(sa.DateTime(timezone=True), "postgresql")
JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")


def upgrade() -> None:
    op.create_table(
        "hooks",
        sa.Column("connection_id", ID, nullable=False),
        sa.Column("proof", sa.Text(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("secrets", sa.LargeBinary(), nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=True),
        sa.Column("older_token_hash", sa.String(length=64), nullable=True),
        sa.Column("older_until", INSTANT, nullable=True),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("rotated_at", INSTANT, nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("accepted", sa.Integer(), nullable=False),
        sa.Column("duplicates", sa.Integer(), nullable=False),
        sa.Column("refused", sa.Integer(), nullable=False),
        sa.Column("unknown", JSON, nullable=False),
        sa.Column("last_accepted_at", INSTANT, nullable=True),
        sa.Column("last_refused_at", INSTANT, nullable=True),
        sa.Column("registration_id", sa.Text(), nullable=True),
        sa.Column("registration_expires_at", INSTANT, nullable=True),
        sa.Column("registration_error", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["connection_id"], ["connections.id"], name=op.f("fk_hooks_connection_id_connections"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("connection_id", name=op.f("pk_hooks")),
    )
    op.create_table(
        "hook_deliveries",
        sa.Column("connection_id", ID, nullable=False),
        sa.Column("id", ID, nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("received_at", INSTANT, nullable=False),
        sa.ForeignKeyConstraint(
            ["connection_id"], ["hooks.connection_id"], name=op.f("fk_hook_deliveries_connection_id_hooks"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("connection_id", "id", name=op.f("pk_hook_deliveries")),
    )
    with op.batch_alter_table("hook_deliveries", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_hook_deliveries_received_at"), ["received_at"], unique=False)
    op.create_table(
        "hook_refs",
        sa.Column("connection_id", ID, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("external_id", sa.Text(), nullable=False),
        sa.Column("is_deleted", sa.Boolean(), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("since", INSTANT, nullable=False),
        sa.ForeignKeyConstraint(
            ["connection_id"], ["hooks.connection_id"], name=op.f("fk_hook_refs_connection_id_hooks"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("connection_id", "kind", "external_id", name=op.f("pk_hook_refs")),
    )


def downgrade() -> None:
    op.drop_table("hook_refs")
    with op.batch_alter_table("hook_deliveries", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_hook_deliveries_received_at"))
    op.drop_table("hook_deliveries")
    op.drop_table("hooks")
