"""Schedules, quiet hours and the shared throttle; each kind of run has a verdict of its own; fetched against expected

Revision: 0008
After: 0007
"""

from __future__ import annotations

import json
import re

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

ID = sa.String(32).with_variant(sa.String(32, collation="C"), "postgresql")
INSTANT = sa.String(27).with_variant(sa.DateTime(timezone=True), "postgresql")
JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")

UNITS = (("d", 1440), ("h", 60), ("m", 1))


def upgrade() -> None:
    op.create_table(
        "shortfalls",
        sa.Column("connection_id", ID, nullable=False),
        sa.Column("scope_id", ID, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("expected", sa.Integer(), nullable=False),
        sa.Column("lacking", sa.Integer(), nullable=False),
        sa.Column("mode", sa.Text(), nullable=False),
        sa.Column("run_id", ID, nullable=False),
        sa.Column("since", INSTANT, nullable=False),
        sa.ForeignKeyConstraint(
            ["connection_id"], ["connections.id"], name=op.f("fk_shortfalls_connection_id_connections"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("connection_id", "scope_id", "kind", name=op.f("pk_shortfalls")),
    )
    op.create_table(
        "throttles",
        sa.Column("key", ID, nullable=False),
        sa.Column("tokens", sa.Double(), nullable=False),
        sa.Column("filled_at", INSTANT, nullable=False),
        sa.Column("concurrency", sa.Integer(), nullable=False),
        sa.Column("changed_at", INSTANT, nullable=False),
        sa.Column("halved_at", INSTANT, nullable=True),
        sa.Column("closed_until", INSTANT, nullable=True),
        sa.Column("refused_at", INSTANT, nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("quota", sa.Integer(), nullable=True),
        sa.Column("remaining", sa.Integer(), nullable=True),
        sa.Column("resets_at", INSTANT, nullable=True),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_throttles")),
    )
    op.create_table(
        "throttle_holders",
        sa.Column("key", ID, nullable=False),
        sa.Column("holder", sa.Text(), nullable=False),
        sa.Column("expires_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("key", "holder", name=op.f("pk_throttle_holders")),
    )
    for column in _run_columns():
        op.add_column("sync_runs", column)
    op.create_index("ix_sync_runs_begun", "sync_runs", ["connection_id", "mode", "started_at"], unique=False)
    # Whoever asks where an item has gone knows its key.
    op.create_index("ix_work_items_history_key", "work_items_history", ["key"], unique=False)
    for column in _connection_columns():
        op.add_column("connections", column)
    _say_in_words()
    op.drop_column("connections", "interval_minutes")
    op.drop_column("connections", "census_interval_minutes")


def downgrade() -> None:
    op.add_column("connections", sa.Column("interval_minutes", sa.Integer(), nullable=False, server_default="15"))
    op.add_column("connections", sa.Column("census_interval_minutes", sa.Integer(), nullable=False, server_default="1440"))
    _say_in_minutes()
    for column in reversed(_connection_columns()):
        op.drop_column("connections", column.name)
    op.drop_index("ix_work_items_history_key", table_name="work_items_history")
    op.drop_index("ix_sync_runs_begun", table_name="sync_runs")
    for column in reversed(_run_columns()):
        op.drop_column("sync_runs", column.name)
    op.drop_table("throttle_holders")
    op.drop_table("throttles")
    op.drop_table("shortfalls")


# Columns come and go by themselves, never in a batch: SQLite would make the table anew, and dropping the old one takes along, or trips over,
# every row that refers to it.


def _run_columns() -> list[sa.Column[object]]:
    return [
        sa.Column("trigger", sa.Text(), nullable=False, server_default="schedule"),
        sa.Column("parts", JSON, nullable=False, server_default="[]"),
    ]


def _connection_columns() -> list[sa.Column[object]]:
    return [
        sa.Column("census_error", sa.Text(), nullable=True),
        sa.Column("census_error_at", INSTANT, nullable=True),
        sa.Column("census_failures", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("schedules", JSON, nullable=False, server_default="{}"),
        sa.Column("time_zone", sa.Text(), nullable=False, server_default="UTC"),
        sa.Column("quiet_hours", JSON, nullable=False, server_default="[]"),
        sa.Column("cadence_minutes", sa.Integer(), nullable=True),
        sa.Column("credential_expires_at", INSTANT, nullable=True),
        sa.Column("credential_asked_at", INSTANT, nullable=True),
        sa.Column("credential_warned_for", INSTANT, nullable=True),
    ]


def _say_in_words() -> None:
    """Intervals in minutes become schedules."""
    table = sa.table(
        "connections", sa.column("id", ID), sa.column("interval_minutes"), sa.column("census_interval_minutes"),
        sa.column("schedules", JSON), sa.column("cadence_minutes"),
    )  # fmt: skip
    bind = op.get_bind()
    for row in bind.execute(sa.select(table.c.id, table.c.interval_minutes, table.c.census_interval_minutes)).all():
        schedules = {"incremental": _every(row[1]), "full": None, "census": _every(row[2])}
        bind.execute(sa.update(table).where(table.c.id == row[0]).values(schedules=schedules, cadence_minutes=row[1]))


def _every(minutes: int) -> str:
    unit, size = next((unit, size) for unit, size in UNITS if minutes % size == 0)
    return f"every {minutes // size}{unit}"


def _say_in_minutes() -> None:
    """Intervals become minutes again; a cron schedule becomes the default, and of one that never fires the longest interval is left."""
    table = sa.table(
        "connections", sa.column("id", ID), sa.column("schedules", JSON), sa.column("interval_minutes"),
        sa.column("census_interval_minutes"),
    )  # fmt: skip
    bind = op.get_bind()
    for id_, stored in bind.execute(sa.select(table.c.id, table.c.schedules)).all():
        schedules = json.loads(stored) if isinstance(stored, str) else stored
        values = {
            "interval_minutes": _minutes(schedules.get("incremental"), 15),
            "census_interval_minutes": _minutes(schedules.get("census"), 1440),
        }
        bind.execute(sa.update(table).where(table.c.id == id_).values(**values))


def _minutes(text: str | None, usual: int) -> int:
    if text is None:
        return 31 * 1440
    every = re.fullmatch(r"every (\d+)([mhd])", text)
    return usual if every is None else int(every[1]) * dict(UNITS)[every[2]]
