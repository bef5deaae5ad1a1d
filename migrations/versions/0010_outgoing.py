"""What leaves the house: subscriptions, deliveries and their attempts; waivers and deadlines of violations; ratings as they were told

Revision: 0010
After: 0009
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

ID = sa.String(32).with_variant(sa.String(32, collation="C"), "postgresql")
INSTANT = sa.String(27).with_variant(sa.DateTime(timezone=True), "postgresql")
JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")


def upgrade() -> None:
    op.create_table(
        "outbox_head",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbox_head")),
    )
    op.execute(sa.insert(sa.table("outbox_head", sa.column("id"), sa.column("position"))).values(id=1, position=0))
    op.create_table(
        "subscriptions",
        sa.Column("id", ID, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("format", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("types", JSON, nullable=False),
        sa.Column("filters", JSON, nullable=False),
        sa.Column("is_thin", sa.Boolean(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=True),
        sa.Column("time_zone", sa.Text(), nullable=False),
        sa.Column("quiet_hours", JSON, nullable=False),
        sa.Column("disabled_reason", sa.Text(), nullable=True),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("updated_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_subscriptions")),
    )
    op.create_index(op.f("ix_subscriptions_state"), "subscriptions", ["state"], unique=False)
    op.create_table(
        "lanes",
        sa.Column("subscription_id", ID, nullable=False),
        sa.Column("holder", sa.Text(), nullable=True),
        sa.Column("fence", sa.Integer(), nullable=False),
        sa.Column("expires_at", INSTANT, nullable=True),
        sa.Column("rest_until", INSTANT, nullable=True),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("failing_since", INSTANT, nullable=True),
        sa.Column("last_delivered_at", INSTANT, nullable=True),
        sa.Column("last_failed_at", INSTANT, nullable=True),
        sa.Column("last_error", sa.Text(), nullable=True),
        _of_subscription("lanes"),
        sa.PrimaryKeyConstraint("subscription_id", name=op.f("pk_lanes")),
    )
    op.create_table(
        "held_events",
        sa.Column("subscription_id", ID, nullable=False),
        sa.Column("event_id", ID, nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("project_id", ID, nullable=True),
        sa.Column("owner_id", ID, nullable=True),
        sa.Column("due_at", INSTANT, nullable=False),
        _of_subscription("held_events"),
        sa.PrimaryKeyConstraint("subscription_id", "event_id", name=op.f("pk_held_events")),
    )
    op.create_index(op.f("ix_held_events_due_at"), "held_events", ["due_at"], unique=False)
    _make_deliveries()
    _make_waivers()
    for column in _event_columns():
        op.add_column("events", column)
    for column in _violation_columns():
        op.add_column("violations", column)
    unplaced, running = sa.text("position IS NULL"), sa.text("breach_at IS NOT NULL")
    op.create_index("ix_events_unplaced", "events", ["occurred_at", "id"], sqlite_where=unplaced, postgresql_where=unplaced)
    op.create_index("ix_events_type_position", "events", ["type", "position"])
    op.create_index("ix_events_project_id_position", "events", ["project_id", "position"])
    op.create_index("ix_violations_breach_at", "violations", ["breach_at"], sqlite_where=running, postgresql_where=running)


def _make_deliveries() -> None:
    op.create_table(
        "deliveries",
        sa.Column("id", ID, nullable=False),
        sa.Column("subscription_id", ID, nullable=False),
        sa.Column("message_id", ID, nullable=False),
        sa.Column("event_ids", JSON, nullable=False),
        sa.Column("is_digest", sa.Boolean(), nullable=False),
        sa.Column("order_key", ID, nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("due_at", INSTANT, nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("ended_at", INSTANT, nullable=True),
        sa.Column("last_status", sa.Integer(), nullable=True),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.Column("replays", sa.Integer(), nullable=False),
        _of_subscription("deliveries"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deliveries")),
    )
    waiting = sa.text("state = 'waiting'")
    op.create_index("ix_deliveries_due", "deliveries", ["subscription_id", "state", "due_at", "position"])
    op.create_index(
        "ix_deliveries_order", "deliveries", ["subscription_id", "order_key", "position"], sqlite_where=waiting, postgresql_where=waiting
    )
    op.create_index("ix_deliveries_made", "deliveries", ["subscription_id", "created_at", "id"])
    op.create_index("ix_deliveries_ended", "deliveries", ["ended_at"])
    op.create_table(
        "delivery_attempts",
        sa.Column("delivery_id", ID, nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("duration_ms", sa.Integer(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("excerpt", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["delivery_id"], ["deliveries.id"], name=op.f("fk_delivery_attempts_delivery_id_deliveries"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("delivery_id", "number", name=op.f("pk_delivery_attempts")),
    )


def _make_waivers() -> None:
    op.create_table(
        "waivers",
        sa.Column("id", ID, nullable=False),
        sa.Column("violation_id", ID, nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("until", INSTANT, nullable=False),
        sa.Column("granted_by", sa.Text(), nullable=False),
        sa.Column("granted_at", INSTANT, nullable=False),
        sa.Column("look_at", INSTANT, nullable=True),
        sa.Column("ended_at", INSTANT, nullable=True),
        sa.Column("ended_as", sa.Text(), nullable=True),
        sa.Column("ended_by", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_waivers")),
    )
    op.create_index(op.f("ix_waivers_violation_id"), "waivers", ["violation_id"], unique=False)
    op.create_index(op.f("ix_waivers_look_at"), "waivers", ["look_at"], unique=False)
    op.create_table(
        "project_states",
        sa.Column("project_id", ID, nullable=False),
        sa.Column("rating", sa.Text(), nullable=True),
        sa.Column("ratings", JSON, nullable=False),
        sa.Column("exposures", JSON, nullable=True),
        sa.Column("is_stale", sa.Boolean(), nullable=False),
        sa.Column("is_complete", sa.Boolean(), nullable=True),
        sa.Column("changed_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("project_id", name=op.f("pk_project_states")),
    )


def downgrade() -> None:
    op.drop_index("ix_violations_breach_at", table_name="violations")
    for name in ("ix_events_project_id_position", "ix_events_type_position", "ix_events_unplaced"):
        op.drop_index(name, table_name="events")
    for column in reversed(_violation_columns()):
        op.drop_column("violations", column.name)
    for column in reversed(_event_columns()):
        op.drop_column("events", column.name)
    # The waived have no waiver any more: they stand.
    violations = sa.table("violations", sa.column("state"))
    op.execute(sa.update(violations).where(violations.c.state == "waived").values(state="open"))
    # What was placed here is to be placed anew by whoever comes back.
    op.execute(sa.update(sa.table("events", sa.column("position"))).values(position=None))
    for name in ("project_states", "waivers", "delivery_attempts", "deliveries", "held_events", "lanes", "subscriptions", "outbox_head"):
        op.drop_table(name)


def _of_subscription(table: str) -> sa.ForeignKeyConstraint:
    name = op.f(f"fk_{table}_subscription_id_subscriptions")
    return sa.ForeignKeyConstraint(["subscription_id"], ["subscriptions.id"], name=name, ondelete="CASCADE")


def _event_columns() -> list[sa.Column[object]]:
    return [
        sa.Column("project_id", ID, nullable=True),
        sa.Column("portfolio_ids", JSON, nullable=True),
        sa.Column("severity", sa.Text(), nullable=True),
        sa.Column("check_id", sa.Text(), nullable=True),
        sa.Column("owner_id", ID, nullable=True),
        sa.Column("classification", sa.Text(), nullable=True),
    ]


def _violation_columns() -> list[sa.Column[object]]:
    return [
        sa.Column("acknowledge_by", INSTANT, nullable=True),
        sa.Column("resolve_by", INSTANT, nullable=True),
        sa.Column("breach_at", INSTANT, nullable=True),
    ]
