"""The program that a plan is in, as its source calls it

Revision: 0014
After: 0013
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for table in ("plans", "plans_history"):
        op.add_column(table, sa.Column("program", sa.Text(), nullable=True))


def downgrade() -> None:
    for table in ("plans_history", "plans"):
        with op.batch_alter_table(table) as batch:
            batch.drop_column("program")
