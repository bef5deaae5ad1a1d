"""The first tables

Revision: 0001
After:
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

ID = sa.String(32).with_variant(sa.String(32, collation="C"), "postgresql")
INSTANT = sa.String(27).with_variant(sa.DateTime(timezone=True), "postgresql")
JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")


def upgrade() -> None:
    op.create_table(
        "api_keys",
        sa.Column("id", ID, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("prefix", sa.Text(), nullable=False),
        sa.Column("key_hash", sa.String(length=64), nullable=False),
        sa.Column("scopes", JSON, nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("expires_at", INSTANT, nullable=True),
        sa.Column("revoked_at", INSTANT, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_keys")),
        sa.UniqueConstraint("key_hash", name=op.f("uq_api_keys_key_hash")),
    )
    op.create_table(
        "audit_entries",
        sa.Column("id", ID, nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("subject_type", sa.Text(), nullable=False),
        sa.Column("subject_id", sa.Text(), nullable=False),
        sa.Column("detail", JSON, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_entries")),
    )
    with op.batch_alter_table("audit_entries", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_audit_entries_at"), ["at"], unique=False)

    op.create_table(
        "bindings",
        sa.Column("id", ID, nullable=False),
        sa.Column("check_id", sa.Text(), nullable=False),
        sa.Column("mode", sa.Text(), nullable=False),
        sa.Column("parameters", JSON, nullable=False),
        sa.Column("updated_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bindings")),
        sa.UniqueConstraint("check_id", name=op.f("uq_bindings_check_id")),
    )
    op.create_table(
        "board_columns",
        sa.Column("id", ID, nullable=False),
        sa.Column("external_id", sa.Text(), nullable=False),
        sa.Column("board_id", ID, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("statuses", JSON, nullable=False),
        sa.Column("minimum", sa.Integer(), nullable=True),
        sa.Column("maximum", sa.Integer(), nullable=True),
        sa.Column("row_hash", ID, nullable=False),
        sa.Column("recorded_from", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_board_columns")),
    )
    with op.batch_alter_table("board_columns", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_board_columns_board_id"), ["board_id"], unique=False)

    op.create_table(
        "board_columns_history",
        sa.Column("id", ID, nullable=False),
        sa.Column("external_id", sa.Text(), nullable=False),
        sa.Column("board_id", ID, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("statuses", JSON, nullable=False),
        sa.Column("minimum", sa.Integer(), nullable=True),
        sa.Column("maximum", sa.Integer(), nullable=True),
        sa.Column("row_hash", ID, nullable=False),
        sa.Column("recorded_from", INSTANT, nullable=False),
        sa.Column("recorded_to", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", "recorded_from", name=op.f("pk_board_columns_history")),
    )
    op.create_table(
        "boards",
        sa.Column("id", ID, nullable=False),
        sa.Column("external_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("original_type", sa.Text(), nullable=True),
        sa.Column("estimation_field", sa.Text(), nullable=True),
        sa.Column("mention_version", sa.Text(), nullable=True),
        sa.Column("row_hash", ID, nullable=False),
        sa.Column("recorded_from", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_boards")),
    )
    op.create_table(
        "boards_history",
        sa.Column("id", ID, nullable=False),
        sa.Column("external_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("original_type", sa.Text(), nullable=True),
        sa.Column("estimation_field", sa.Text(), nullable=True),
        sa.Column("mention_version", sa.Text(), nullable=True),
        sa.Column("row_hash", ID, nullable=False),
        sa.Column("recorded_from", INSTANT, nullable=False),
        sa.Column("recorded_to", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", "recorded_from", name=op.f("pk_boards_history")),
    )
    op.create_table(
        "census_listings",
        sa.Column("census_id", ID, nullable=False),
        sa.Column("payload_id", ID, nullable=False),
        sa.PrimaryKeyConstraint("census_id", "payload_id", name=op.f("pk_census_listings")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "claims",
        sa.Column("payload_id", ID, nullable=False),
        sa.Column("record_id", ID, nullable=False),
        sa.Column("record_type", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("payload_id", "record_id", name=op.f("pk_claims")),
        sqlite_with_rowid=False,
    )
    with op.batch_alter_table("claims", schema=None) as batch_op:
        batch_op.create_index("ix_claims_record_id", ["record_id"], unique=False)

    op.create_table(
        "comments",
        sa.Column("id", ID, nullable=False),
        sa.Column("external_id", sa.Text(), nullable=False),
        sa.Column("item_id", ID, nullable=False),
        sa.Column("author_id", ID, nullable=True),
        sa.Column("created_at", INSTANT, nullable=True),
        sa.Column("body", sa.Text(), nullable=True),
        sa.Column("updated_at", INSTANT, nullable=True),
        sa.Column("row_hash", ID, nullable=False),
        sa.Column("recorded_from", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_comments")),
    )
    with op.batch_alter_table("comments", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_comments_item_id"), ["item_id"], unique=False)

    op.create_table(
        "comments_history",
        sa.Column("id", ID, nullable=False),
        sa.Column("external_id", sa.Text(), nullable=False),
        sa.Column("item_id", ID, nullable=False),
        sa.Column("author_id", ID, nullable=True),
        sa.Column("created_at", INSTANT, nullable=True),
        sa.Column("body", sa.Text(), nullable=True),
        sa.Column("updated_at", INSTANT, nullable=True),
        sa.Column("row_hash", ID, nullable=False),
        sa.Column("recorded_from", INSTANT, nullable=False),
        sa.Column("recorded_to", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", "recorded_from", name=op.f("pk_comments_history")),
    )
    op.create_table(
        "components",
        sa.Column("id", ID, nullable=False),
        sa.Column("external_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("mention_version", sa.Text(), nullable=True),
        sa.Column("row_hash", ID, nullable=False),
        sa.Column("recorded_from", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_components")),
    )
    op.create_table(
        "components_history",
        sa.Column("id", ID, nullable=False),
        sa.Column("external_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("mention_version", sa.Text(), nullable=True),
        sa.Column("row_hash", ID, nullable=False),
        sa.Column("recorded_from", INSTANT, nullable=False),
        sa.Column("recorded_to", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", "recorded_from", name=op.f("pk_components_history")),
    )
    op.create_table(
        "connections",
        sa.Column("id", ID, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("connector", sa.Text(), nullable=False),
        sa.Column("namespace", sa.Text(), nullable=False),
        sa.Column("config", JSON, nullable=False),
        sa.Column("secrets", sa.LargeBinary(), nullable=False),
        sa.Column("rules", JSON, nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("account", sa.Text(), nullable=True),
        sa.Column("basis_id", ID, nullable=True),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.Column("last_error_at", INSTANT, nullable=True),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("interval_minutes", sa.Integer(), nullable=False),
        sa.Column("census_interval_minutes", sa.Integer(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("updated_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_connections")),
        sa.UniqueConstraint("name", name=op.f("uq_connections_name")),
    )
    op.create_table(
        "custom_values",
        sa.Column("id", ID, nullable=False),
        sa.Column("external_id", sa.Text(), nullable=False),
        sa.Column("item_id", ID, nullable=False),
        sa.Column("field", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=True),
        sa.Column("number", sa.Double(), nullable=True),
        sa.Column("day", sa.Date(), nullable=True),
        sa.Column("identity_id", ID, nullable=True),
        sa.Column("row_hash", ID, nullable=False),
        sa.Column("recorded_from", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_custom_values")),
    )
    with op.batch_alter_table("custom_values", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_custom_values_item_id"), ["item_id"], unique=False)

    op.create_table(
        "custom_values_history",
        sa.Column("id", ID, nullable=False),
        sa.Column("external_id", sa.Text(), nullable=False),
        sa.Column("item_id", ID, nullable=False),
        sa.Column("field", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=True),
        sa.Column("number", sa.Double(), nullable=True),
        sa.Column("day", sa.Date(), nullable=True),
        sa.Column("identity_id", ID, nullable=True),
        sa.Column("row_hash", ID, nullable=False),
        sa.Column("recorded_from", INSTANT, nullable=False),
        sa.Column("recorded_to", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", "recorded_from", name=op.f("pk_custom_values_history")),
    )
    op.create_table(
        "dependencies",
        sa.Column("id", ID, nullable=False),
        sa.Column("external_id", sa.Text(), nullable=False),
        sa.Column("predecessor_id", ID, nullable=False),
        sa.Column("successor_id", ID, nullable=False),
        sa.Column("dependency_type", sa.Text(), nullable=False),
        sa.Column("lag_hours", sa.Double(), nullable=False),
        sa.Column("original_type", sa.Text(), nullable=True),
        sa.Column("row_hash", ID, nullable=False),
        sa.Column("recorded_from", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dependencies")),
    )
    with op.batch_alter_table("dependencies", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_dependencies_predecessor_id"), ["predecessor_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_dependencies_successor_id"), ["successor_id"], unique=False)

    op.create_table(
        "dependencies_history",
        sa.Column("id", ID, nullable=False),
        sa.Column("external_id", sa.Text(), nullable=False),
        sa.Column("predecessor_id", ID, nullable=False),
        sa.Column("successor_id", ID, nullable=False),
        sa.Column("dependency_type", sa.Text(), nullable=False),
        sa.Column("lag_hours", sa.Double(), nullable=False),
        sa.Column("original_type", sa.Text(), nullable=True),
        sa.Column("row_hash", ID, nullable=False),
        sa.Column("recorded_from", INSTANT, nullable=False),
        sa.Column("recorded_to", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", "recorded_from", name=op.f("pk_dependencies_history")),
    )
    with op.batch_alter_table("dependencies_history", schema=None) as batch_op:
        batch_op.create_index("ix_dependencies_history_predecessor_id", ["predecessor_id"], unique=False)
        batch_op.create_index("ix_dependencies_history_successor_id", ["successor_id"], unique=False)

    op.create_table(
        "evaluations",
        sa.Column("id", ID, nullable=False),
        sa.Column("check_id", sa.Text(), nullable=False),
        sa.Column("entity_type", sa.Text(), nullable=False),
        sa.Column("entity_id", ID, nullable=False),
        sa.Column("sub_key", sa.Text(), nullable=False),
        sa.Column("result", sa.Text(), nullable=False),
        sa.Column("message", sa.Text(), nullable=True),
        sa.Column("missing", JSON, nullable=False),
        sa.Column("observed", JSON, nullable=False),
        sa.Column("evidence", JSON, nullable=False),
        sa.Column("severity", sa.Text(), nullable=False),
        sa.Column("parameters_digest", ID, nullable=False),
        sa.Column("row_hash", ID, nullable=False),
        sa.Column("recorded_from", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_evaluations")),
    )
    with op.batch_alter_table("evaluations", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_evaluations_entity_id"), ["entity_id"], unique=False)

    op.create_table(
        "evaluations_history",
        sa.Column("id", ID, nullable=False),
        sa.Column("check_id", sa.Text(), nullable=False),
        sa.Column("entity_type", sa.Text(), nullable=False),
        sa.Column("entity_id", ID, nullable=False),
        sa.Column("sub_key", sa.Text(), nullable=False),
        sa.Column("result", sa.Text(), nullable=False),
        sa.Column("message", sa.Text(), nullable=True),
        sa.Column("missing", JSON, nullable=False),
        sa.Column("observed", JSON, nullable=False),
        sa.Column("evidence", JSON, nullable=False),
        sa.Column("severity", sa.Text(), nullable=False),
        sa.Column("parameters_digest", ID, nullable=False),
        sa.Column("row_hash", ID, nullable=False),
        sa.Column("recorded_from", INSTANT, nullable=False),
        sa.Column("recorded_to", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", "recorded_from", name=op.f("pk_evaluations_history")),
    )
    op.create_table(
        "events",
        sa.Column("id", ID, nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("subject_type", sa.Text(), nullable=False),
        sa.Column("subject_id", ID, nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("data", JSON, nullable=False),
        sa.Column("occurred_at", INSTANT, nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_events")),
        sa.UniqueConstraint("position", name=op.f("uq_events_position")),
    )
    with op.batch_alter_table("events", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_events_subject_id"), ["subject_id"], unique=False)

    op.create_table(
        "facts",
        sa.Column("id", ID, nullable=False),
        sa.Column("entity_type", sa.Text(), nullable=False),
        sa.Column("entity_id", ID, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("value", JSON, nullable=True),
        sa.Column("value_type", sa.Text(), nullable=False),
        sa.Column("unit", sa.Text(), nullable=True),
        sa.Column("confidence", sa.Integer(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("evidence", JSON, nullable=False),
        sa.Column("holds_until", INSTANT, nullable=True),
        sa.Column("row_hash", ID, nullable=False),
        sa.Column("recorded_from", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_facts")),
    )
    with op.batch_alter_table("facts", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_facts_entity_id"), ["entity_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_facts_holds_until"), ["holds_until"], unique=False)

    op.create_table(
        "facts_history",
        sa.Column("id", ID, nullable=False),
        sa.Column("entity_type", sa.Text(), nullable=False),
        sa.Column("entity_id", ID, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("value", JSON, nullable=True),
        sa.Column("value_type", sa.Text(), nullable=False),
        sa.Column("unit", sa.Text(), nullable=True),
        sa.Column("confidence", sa.Integer(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("evidence", JSON, nullable=False),
        sa.Column("holds_until", INSTANT, nullable=True),
        sa.Column("row_hash", ID, nullable=False),
        sa.Column("recorded_from", INSTANT, nullable=False),
        sa.Column("recorded_to", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", "recorded_from", name=op.f("pk_facts_history")),
    )
    with op.batch_alter_table("facts_history", schema=None) as batch_op:
        batch_op.create_index("ix_facts_history_entity_id", ["entity_id"], unique=False)

    op.create_table(
        "identities",
        sa.Column("id", ID, nullable=False),
        sa.Column("external_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("email", sa.Text(), nullable=True),
        sa.Column("is_active", sa.Boolean(), nullable=True),
        sa.Column("account_type", sa.Text(), nullable=True),
        sa.Column("mention_version", sa.Text(), nullable=True),
        sa.Column("row_hash", ID, nullable=False),
        sa.Column("recorded_from", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_identities")),
    )
    op.create_table(
        "item_timings",
        sa.Column("id", ID, nullable=False),
        sa.Column("started_at", INSTANT, nullable=True),
        sa.Column("done_at", INSTANT, nullable=True),
        sa.Column("status_since", INSTANT, nullable=True),
        sa.Column("reopened", sa.Integer(), nullable=False),
        sa.Column("due_moves", sa.Integer(), nullable=False),
        sa.Column("row_hash", ID, nullable=False),
        sa.Column("recorded_from", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_item_timings")),
    )
    op.create_table(
        "item_timings_history",
        sa.Column("id", ID, nullable=False),
        sa.Column("started_at", INSTANT, nullable=True),
        sa.Column("done_at", INSTANT, nullable=True),
        sa.Column("status_since", INSTANT, nullable=True),
        sa.Column("reopened", sa.Integer(), nullable=False),
        sa.Column("due_moves", sa.Integer(), nullable=False),
        sa.Column("row_hash", ID, nullable=False),
        sa.Column("recorded_from", INSTANT, nullable=False),
        sa.Column("recorded_to", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", "recorded_from", name=op.f("pk_item_timings_history")),
    )
    op.create_table(
        "iteration_memberships",
        sa.Column("id", ID, nullable=False),
        sa.Column("item_id", ID, nullable=False),
        sa.Column("iteration_id", ID, nullable=False),
        sa.Column("joined_at", INSTANT, nullable=True),
        sa.Column("left_at", INSTANT, nullable=True),
        sa.Column("row_hash", ID, nullable=False),
        sa.Column("recorded_from", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_iteration_memberships")),
    )
    with op.batch_alter_table("iteration_memberships", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_iteration_memberships_item_id"), ["item_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_iteration_memberships_iteration_id"), ["iteration_id"], unique=False)

    op.create_table(
        "iteration_memberships_history",
        sa.Column("id", ID, nullable=False),
        sa.Column("item_id", ID, nullable=False),
        sa.Column("iteration_id", ID, nullable=False),
        sa.Column("joined_at", INSTANT, nullable=True),
        sa.Column("left_at", INSTANT, nullable=True),
        sa.Column("row_hash", ID, nullable=False),
        sa.Column("recorded_from", INSTANT, nullable=False),
        sa.Column("recorded_to", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", "recorded_from", name=op.f("pk_iteration_memberships_history")),
    )
    op.create_table(
        "iterations",
        sa.Column("id", ID, nullable=False),
        sa.Column("external_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=True),
        sa.Column("goal", sa.Text(), nullable=True),
        sa.Column("starts_at", INSTANT, nullable=True),
        sa.Column("ends_at", INSTANT, nullable=True),
        sa.Column("completed_at", INSTANT, nullable=True),
        sa.Column("mention_version", sa.Text(), nullable=True),
        sa.Column("row_hash", ID, nullable=False),
        sa.Column("recorded_from", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_iterations")),
    )
    op.create_table(
        "iterations_history",
        sa.Column("id", ID, nullable=False),
        sa.Column("external_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=True),
        sa.Column("goal", sa.Text(), nullable=True),
        sa.Column("starts_at", INSTANT, nullable=True),
        sa.Column("ends_at", INSTANT, nullable=True),
        sa.Column("completed_at", INSTANT, nullable=True),
        sa.Column("mention_version", sa.Text(), nullable=True),
        sa.Column("row_hash", ID, nullable=False),
        sa.Column("recorded_from", INSTANT, nullable=False),
        sa.Column("recorded_to", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", "recorded_from", name=op.f("pk_iterations_history")),
    )
    op.create_table(
        "jobs",
        sa.Column("id", ID, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("slot", sa.Text(), nullable=False),
        sa.Column("lock", sa.Text(), nullable=False),
        sa.Column("arguments", JSON, nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("run_at", INSTANT, nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("holder", sa.Text(), nullable=True),
        sa.Column("heartbeat_at", INSTANT, nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("finished_at", INSTANT, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_jobs")),
        sa.UniqueConstraint("slot", name=op.f("uq_jobs_slot")),
    )
    with op.batch_alter_table("jobs", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_jobs_lock"), ["lock"], unique=False)
        batch_op.create_index(batch_op.f("ix_jobs_run_at"), ["run_at"], unique=False)

    op.create_table(
        "labels",
        sa.Column("id", ID, nullable=False),
        sa.Column("external_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("mention_version", sa.Text(), nullable=True),
        sa.Column("row_hash", ID, nullable=False),
        sa.Column("recorded_from", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_labels")),
    )
    op.create_table(
        "labels_history",
        sa.Column("id", ID, nullable=False),
        sa.Column("external_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("mention_version", sa.Text(), nullable=True),
        sa.Column("row_hash", ID, nullable=False),
        sa.Column("recorded_from", INSTANT, nullable=False),
        sa.Column("recorded_to", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", "recorded_from", name=op.f("pk_labels_history")),
    )
    op.create_table(
        "mapping_bases",
        sa.Column("id", ID, nullable=False),
        sa.Column("site_digest", ID, nullable=False),
        sa.Column("scope_digest", ID, nullable=False),
        sa.Column("rules_digest", ID, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mapping_bases")),
    )
    op.create_table(
        "missing",
        sa.Column("payload_id", ID, nullable=False),
        sa.Column("connection_id", ID, nullable=False),
        sa.Column("census_id", ID, nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("since", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("payload_id", name=op.f("pk_missing")),
    )
    with op.batch_alter_table("missing", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_missing_connection_id"), ["connection_id"], unique=False)

    op.create_table(
        "payloads",
        sa.Column("id", ID, nullable=False),
        sa.Column("connection_id", ID, nullable=False),
        sa.Column("scope_id", ID, nullable=True),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("external_id", sa.Text(), nullable=False),
        sa.Column("part_of_id", ID, nullable=True),
        sa.Column("group_id", ID, nullable=True),
        sa.Column("media_type", sa.Text(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("context", sa.Text(), nullable=True),
        sa.Column("body_hash", ID, nullable=False),
        sa.Column("version", sa.Text(), nullable=True),
        sa.Column("basis_id", ID, nullable=False),
        sa.Column("first_seen_at", INSTANT, nullable=False),
        sa.Column("seen_at", INSTANT, nullable=False),
        sa.Column("run_id", ID, nullable=False),
        sa.Column("gone_at", INSTANT, nullable=True),
        sa.Column("gone_reason", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payloads")),
    )
    with op.batch_alter_table("payloads", schema=None) as batch_op:
        batch_op.create_index(
            "ix_payloads_group_id",
            ["group_id"],
            unique=False,
            sqlite_where=sa.text("group_id IS NOT NULL"),
            postgresql_where=sa.text("group_id IS NOT NULL"),
        )
        batch_op.create_index(
            "ix_payloads_part_of_id",
            ["part_of_id"],
            unique=False,
            sqlite_where=sa.text("part_of_id IS NOT NULL"),
            postgresql_where=sa.text("part_of_id IS NOT NULL"),
        )
        batch_op.create_index("ix_payloads_scope_id_kind", ["scope_id", "kind"], unique=False)

    op.create_table(
        "payloads_history",
        sa.Column("id", ID, nullable=False),
        sa.Column("seen_at", INSTANT, nullable=False),
        sa.Column("recorded_to", INSTANT, nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("context", sa.Text(), nullable=True),
        sa.Column("body_hash", ID, nullable=False),
        sa.Column("version", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", "seen_at", name=op.f("pk_payloads_history")),
    )
    op.create_table(
        "pending_derivations",
        sa.Column("scope_id", ID, nullable=False),
        sa.Column("item_id", ID, nullable=False),
        sa.PrimaryKeyConstraint("scope_id", "item_id", name=op.f("pk_pending_derivations")),
    )
    op.create_table(
        "placements",
        sa.Column("id", ID, nullable=False),
        sa.Column("parent_type", sa.Text(), nullable=False),
        sa.Column("parent_id", ID, nullable=False),
        sa.Column("child_type", sa.Text(), nullable=False),
        sa.Column("child_id", ID, nullable=False),
        sa.Column("row_hash", ID, nullable=False),
        sa.Column("recorded_from", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_placements")),
    )
    with op.batch_alter_table("placements", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_placements_child_id"), ["child_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_placements_parent_id"), ["parent_id"], unique=False)

    op.create_table(
        "placements_history",
        sa.Column("id", ID, nullable=False),
        sa.Column("parent_type", sa.Text(), nullable=False),
        sa.Column("parent_id", ID, nullable=False),
        sa.Column("child_type", sa.Text(), nullable=False),
        sa.Column("child_id", ID, nullable=False),
        sa.Column("row_hash", ID, nullable=False),
        sa.Column("recorded_from", INSTANT, nullable=False),
        sa.Column("recorded_to", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", "recorded_from", name=op.f("pk_placements_history")),
    )
    op.create_table(
        "portfolios",
        sa.Column("id", ID, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("owner_id", ID, nullable=True),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("row_hash", ID, nullable=False),
        sa.Column("recorded_from", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_portfolios")),
    )
    op.create_table(
        "portfolios_history",
        sa.Column("id", ID, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("owner_id", ID, nullable=True),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("row_hash", ID, nullable=False),
        sa.Column("recorded_from", INSTANT, nullable=False),
        sa.Column("recorded_to", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", "recorded_from", name=op.f("pk_portfolios_history")),
    )
    op.create_table(
        "programs",
        sa.Column("id", ID, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("owner_id", ID, nullable=True),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("row_hash", ID, nullable=False),
        sa.Column("recorded_from", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_programs")),
    )
    op.create_table(
        "programs_history",
        sa.Column("id", ID, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("owner_id", ID, nullable=True),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("row_hash", ID, nullable=False),
        sa.Column("recorded_from", INSTANT, nullable=False),
        sa.Column("recorded_to", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", "recorded_from", name=op.f("pk_programs_history")),
    )
    op.create_table(
        "project_memberships",
        sa.Column("id", ID, nullable=False),
        sa.Column("project_id", ID, nullable=False),
        sa.Column("item_id", ID, nullable=False),
        sa.Column("rule_id", ID, nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("row_hash", ID, nullable=False),
        sa.Column("recorded_from", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_project_memberships")),
    )
    with op.batch_alter_table("project_memberships", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_project_memberships_item_id"), ["item_id"], unique=False)
        batch_op.create_index("ix_project_memberships_project_id_item_id", ["project_id", "item_id"], unique=False)

    op.create_table(
        "project_memberships_history",
        sa.Column("id", ID, nullable=False),
        sa.Column("project_id", ID, nullable=False),
        sa.Column("item_id", ID, nullable=False),
        sa.Column("rule_id", ID, nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("row_hash", ID, nullable=False),
        sa.Column("recorded_from", INSTANT, nullable=False),
        sa.Column("recorded_to", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", "recorded_from", name=op.f("pk_project_memberships_history")),
    )
    with op.batch_alter_table("project_memberships_history", schema=None) as batch_op:
        batch_op.create_index("ix_project_memberships_history_item_id", ["item_id"], unique=False)

    op.create_table(
        "project_rules",
        sa.Column("id", ID, nullable=False),
        sa.Column("project_id", ID, nullable=False),
        sa.Column("scope_id", ID, nullable=False),
        sa.Column("narrowing", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=True),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("row_hash", ID, nullable=False),
        sa.Column("recorded_from", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_project_rules")),
    )
    with op.batch_alter_table("project_rules", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_project_rules_project_id"), ["project_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_project_rules_scope_id"), ["scope_id"], unique=False)

    op.create_table(
        "project_rules_history",
        sa.Column("id", ID, nullable=False),
        sa.Column("project_id", ID, nullable=False),
        sa.Column("scope_id", ID, nullable=False),
        sa.Column("narrowing", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=True),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("row_hash", ID, nullable=False),
        sa.Column("recorded_from", INSTANT, nullable=False),
        sa.Column("recorded_to", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", "recorded_from", name=op.f("pk_project_rules_history")),
    )
    op.create_table(
        "projects",
        sa.Column("id", ID, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("sponsor_id", ID, nullable=True),
        sa.Column("manager_id", ID, nullable=True),
        sa.Column("methodology", sa.Text(), nullable=True),
        sa.Column("phase", sa.Text(), nullable=True),
        sa.Column("classification", sa.Text(), nullable=True),
        sa.Column("start", sa.Date(), nullable=True),
        sa.Column("finish", sa.Date(), nullable=True),
        sa.Column("currency", sa.Text(), nullable=True),
        sa.Column("time_zone", sa.Text(), nullable=False),
        sa.Column("tags", JSON, nullable=False),
        sa.Column("is_automatic", sa.Boolean(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("row_hash", ID, nullable=False),
        sa.Column("recorded_from", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_projects")),
    )
    op.create_table(
        "projects_history",
        sa.Column("id", ID, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("sponsor_id", ID, nullable=True),
        sa.Column("manager_id", ID, nullable=True),
        sa.Column("methodology", sa.Text(), nullable=True),
        sa.Column("phase", sa.Text(), nullable=True),
        sa.Column("classification", sa.Text(), nullable=True),
        sa.Column("start", sa.Date(), nullable=True),
        sa.Column("finish", sa.Date(), nullable=True),
        sa.Column("currency", sa.Text(), nullable=True),
        sa.Column("time_zone", sa.Text(), nullable=False),
        sa.Column("tags", JSON, nullable=False),
        sa.Column("is_automatic", sa.Boolean(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("row_hash", ID, nullable=False),
        sa.Column("recorded_from", INSTANT, nullable=False),
        sa.Column("recorded_to", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", "recorded_from", name=op.f("pk_projects_history")),
    )
    op.create_table(
        "quarantine",
        sa.Column("id", ID, nullable=False),
        sa.Column("connection_id", ID, nullable=False),
        sa.Column("scope_id", ID, nullable=True),
        sa.Column("kind", sa.Text(), nullable=True),
        sa.Column("external_id", sa.Text(), nullable=True),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("first_seen_at", INSTANT, nullable=False),
        sa.Column("seen_at", INSTANT, nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("run_id", ID, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_quarantine")),
    )
    with op.batch_alter_table("quarantine", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_quarantine_connection_id"), ["connection_id"], unique=False)

    op.create_table(
        "staged_payloads",
        sa.Column("connection_id", ID, nullable=False),
        sa.Column("group_id", ID, nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("run_id", ID, nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("connection_id", "group_id", "position", name=op.f("pk_staged_payloads")),
    )
    op.create_table(
        "tombstones",
        sa.Column("id", ID, nullable=False),
        sa.Column("record_type", sa.Text(), nullable=False),
        sa.Column("external_id", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("ended_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tombstones")),
    )
    op.create_table(
        "transitions",
        sa.Column("id", ID, nullable=False),
        sa.Column("external_id", sa.Text(), nullable=False),
        sa.Column("item_id", ID, nullable=False),
        sa.Column("field", sa.Text(), nullable=False),
        sa.Column("original_field", sa.Text(), nullable=False),
        sa.Column("from_id", sa.Text(), nullable=True),
        sa.Column("from_text", sa.Text(), nullable=True),
        sa.Column("to_id", sa.Text(), nullable=True),
        sa.Column("to_text", sa.Text(), nullable=True),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("actor_id", ID, nullable=True),
        sa.Column("from_category", sa.Text(), nullable=True),
        sa.Column("to_category", sa.Text(), nullable=True),
        sa.Column("row_hash", ID, nullable=False),
        sa.Column("recorded_from", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_transitions")),
    )
    with op.batch_alter_table("transitions", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_transitions_item_id"), ["item_id"], unique=False)

    op.create_table(
        "transitions_history",
        sa.Column("id", ID, nullable=False),
        sa.Column("external_id", sa.Text(), nullable=False),
        sa.Column("item_id", ID, nullable=False),
        sa.Column("field", sa.Text(), nullable=False),
        sa.Column("original_field", sa.Text(), nullable=False),
        sa.Column("from_id", sa.Text(), nullable=True),
        sa.Column("from_text", sa.Text(), nullable=True),
        sa.Column("to_id", sa.Text(), nullable=True),
        sa.Column("to_text", sa.Text(), nullable=True),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("actor_id", ID, nullable=True),
        sa.Column("from_category", sa.Text(), nullable=True),
        sa.Column("to_category", sa.Text(), nullable=True),
        sa.Column("row_hash", ID, nullable=False),
        sa.Column("recorded_from", INSTANT, nullable=False),
        sa.Column("recorded_to", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", "recorded_from", name=op.f("pk_transitions_history")),
    )
    op.create_table(
        "versions",
        sa.Column("id", ID, nullable=False),
        sa.Column("external_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("released", sa.Boolean(), nullable=True),
        sa.Column("archived", sa.Boolean(), nullable=True),
        sa.Column("starts_on", sa.Date(), nullable=True),
        sa.Column("released_on", sa.Date(), nullable=True),
        sa.Column("mention_version", sa.Text(), nullable=True),
        sa.Column("row_hash", ID, nullable=False),
        sa.Column("recorded_from", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_versions")),
    )
    op.create_table(
        "versions_history",
        sa.Column("id", ID, nullable=False),
        sa.Column("external_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("released", sa.Boolean(), nullable=True),
        sa.Column("archived", sa.Boolean(), nullable=True),
        sa.Column("starts_on", sa.Date(), nullable=True),
        sa.Column("released_on", sa.Date(), nullable=True),
        sa.Column("mention_version", sa.Text(), nullable=True),
        sa.Column("row_hash", ID, nullable=False),
        sa.Column("recorded_from", INSTANT, nullable=False),
        sa.Column("recorded_to", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", "recorded_from", name=op.f("pk_versions_history")),
    )
    op.create_table(
        "violations",
        sa.Column("id", ID, nullable=False),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("previous_id", ID, nullable=True),
        sa.Column("check_id", sa.Text(), nullable=False),
        sa.Column("entity_type", sa.Text(), nullable=False),
        sa.Column("entity_id", ID, nullable=False),
        sa.Column("project_id", ID, nullable=True),
        sa.Column("sub_key", sa.Text(), nullable=False),
        sa.Column("severity", sa.Text(), nullable=False),
        sa.Column("mode", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("remediation", sa.Text(), nullable=True),
        sa.Column("evidence", JSON, nullable=False),
        sa.Column("opened_at", INSTANT, nullable=False),
        sa.Column("changed_at", INSTANT, nullable=False),
        sa.Column("resolved_at", INSTANT, nullable=True),
        sa.Column("occurrences", sa.Integer(), nullable=False),
        sa.Column("cause", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_violations")),
    )
    with op.batch_alter_table("violations", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_violations_entity_id"), ["entity_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_violations_fingerprint"), ["fingerprint"], unique=False)
        batch_op.create_index(batch_op.f("ix_violations_project_id"), ["project_id"], unique=False)
        batch_op.create_index("ix_violations_state_opened_at", ["state", "opened_at", "id"], unique=False)

    op.create_table(
        "work_items",
        sa.Column("id", ID, nullable=False),
        sa.Column("scope_id", ID, nullable=False),
        sa.Column("external_id", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("url", sa.Text(), nullable=True),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("original_type", sa.Text(), nullable=False),
        sa.Column("status_category", sa.Text(), nullable=False),
        sa.Column("original_status", sa.Text(), nullable=False),
        sa.Column("original_status_id", sa.Text(), nullable=True),
        sa.Column("resolution", sa.Text(), nullable=True),
        sa.Column("parent_id", ID, nullable=True),
        sa.Column("priority", sa.Integer(), nullable=True),
        sa.Column("original_priority", sa.Text(), nullable=True),
        sa.Column("assignee_id", ID, nullable=True),
        sa.Column("reporter_id", ID, nullable=True),
        sa.Column("created_at", INSTANT, nullable=True),
        sa.Column("planned_start", sa.Date(), nullable=True),
        sa.Column("planned_finish", sa.Date(), nullable=True),
        sa.Column("actual_start", INSTANT, nullable=True),
        sa.Column("actual_finish", INSTANT, nullable=True),
        sa.Column("due", sa.Date(), nullable=True),
        sa.Column("points", sa.Double(), nullable=True),
        sa.Column("work_hours", sa.Double(), nullable=True),
        sa.Column("spent_hours", sa.Double(), nullable=True),
        sa.Column("remaining_hours", sa.Double(), nullable=True),
        sa.Column("percent_complete", sa.Double(), nullable=True),
        sa.Column("flagged", sa.Boolean(), nullable=True),
        sa.Column("labels", JSON, nullable=False),
        sa.Column("component_ids", JSON, nullable=False),
        sa.Column("version_ids", JSON, nullable=False),
        sa.Column("iteration_ids", JSON, nullable=False),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column("counts", sa.Boolean(), nullable=False),
        sa.Column("uncounted", sa.Text(), nullable=True),
        sa.Column("updated_at", INSTANT, nullable=True),
        sa.Column("row_hash", ID, nullable=False),
        sa.Column("recorded_from", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_work_items")),
    )
    with op.batch_alter_table("work_items", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_work_items_key"), ["key"], unique=False)
        batch_op.create_index(
            "ix_work_items_newest", [sa.literal_column("(updated_at IS NULL)"), sa.literal_column("updated_at DESC"), "id"], unique=False
        )
        batch_op.create_index("ix_work_items_scope_id", ["scope_id"], unique=False)

    op.create_table(
        "work_items_history",
        sa.Column("id", ID, nullable=False),
        sa.Column("scope_id", ID, nullable=False),
        sa.Column("external_id", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("url", sa.Text(), nullable=True),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("original_type", sa.Text(), nullable=False),
        sa.Column("status_category", sa.Text(), nullable=False),
        sa.Column("original_status", sa.Text(), nullable=False),
        sa.Column("original_status_id", sa.Text(), nullable=True),
        sa.Column("resolution", sa.Text(), nullable=True),
        sa.Column("parent_id", ID, nullable=True),
        sa.Column("priority", sa.Integer(), nullable=True),
        sa.Column("original_priority", sa.Text(), nullable=True),
        sa.Column("assignee_id", ID, nullable=True),
        sa.Column("reporter_id", ID, nullable=True),
        sa.Column("created_at", INSTANT, nullable=True),
        sa.Column("planned_start", sa.Date(), nullable=True),
        sa.Column("planned_finish", sa.Date(), nullable=True),
        sa.Column("actual_start", INSTANT, nullable=True),
        sa.Column("actual_finish", INSTANT, nullable=True),
        sa.Column("due", sa.Date(), nullable=True),
        sa.Column("points", sa.Double(), nullable=True),
        sa.Column("work_hours", sa.Double(), nullable=True),
        sa.Column("spent_hours", sa.Double(), nullable=True),
        sa.Column("remaining_hours", sa.Double(), nullable=True),
        sa.Column("percent_complete", sa.Double(), nullable=True),
        sa.Column("flagged", sa.Boolean(), nullable=True),
        sa.Column("labels", JSON, nullable=False),
        sa.Column("component_ids", JSON, nullable=False),
        sa.Column("version_ids", JSON, nullable=False),
        sa.Column("iteration_ids", JSON, nullable=False),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column("counts", sa.Boolean(), nullable=False),
        sa.Column("uncounted", sa.Text(), nullable=True),
        sa.Column("updated_at", INSTANT, nullable=True),
        sa.Column("row_hash", ID, nullable=False),
        sa.Column("recorded_from", INSTANT, nullable=False),
        sa.Column("recorded_to", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", "recorded_from", name=op.f("pk_work_items_history")),
    )
    with op.batch_alter_table("work_items_history", schema=None) as batch_op:
        batch_op.create_index("ix_work_items_history_scope_id", ["scope_id"], unique=False)

    op.create_table(
        "censuses",
        sa.Column("id", ID, nullable=False),
        sa.Column("connection_id", ID, nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("started_at", INSTANT, nullable=False),
        sa.Column("finished_at", INSTANT, nullable=True),
        sa.Column("listed", sa.Integer(), nullable=False),
        sa.Column("missing", sa.Integer(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["connection_id"], ["connections.id"], name=op.f("fk_censuses_connection_id_connections")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_censuses")),
    )
    with op.batch_alter_table("censuses", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_censuses_connection_id"), ["connection_id"], unique=False)

    op.create_table(
        "credentials",
        sa.Column("connection_id", ID, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("secret", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["connection_id"], ["connections.id"], name=op.f("fk_credentials_connection_id_connections"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("connection_id", name=op.f("pk_credentials")),
    )
    op.create_table(
        "leases",
        sa.Column("connection_id", ID, nullable=False),
        sa.Column("fence", sa.Integer(), nullable=False),
        sa.Column("holder", sa.Text(), nullable=True),
        sa.Column("expires_at", INSTANT, nullable=True),
        sa.ForeignKeyConstraint(
            ["connection_id"], ["connections.id"], name=op.f("fk_leases_connection_id_connections"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("connection_id", name=op.f("pk_leases")),
    )
    op.create_table(
        "reference_snapshots",
        sa.Column("connection_id", ID, nullable=False),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("digest", ID, nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("is_newest", sa.Boolean(), nullable=False),
        sa.Column("read_at", INSTANT, nullable=False),
        sa.ForeignKeyConstraint(
            ["connection_id"], ["connections.id"], name=op.f("fk_reference_snapshots_connection_id_connections"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("connection_id", "scope", "digest", name=op.f("pk_reference_snapshots")),
    )
    op.create_table(
        "scopes",
        sa.Column("id", ID, nullable=False),
        sa.Column("connection_id", ID, nullable=False),
        sa.Column("external_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("url", sa.Text(), nullable=True),
        sa.Column("chosen_at", INSTANT, nullable=False),
        sa.Column("synced_at", INSTANT, nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("basis_id", ID, nullable=True),
        sa.ForeignKeyConstraint(["connection_id"], ["connections.id"], name=op.f("fk_scopes_connection_id_connections")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_scopes")),
    )
    with op.batch_alter_table("scopes", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_scopes_connection_id"), ["connection_id"], unique=False)

    op.create_table(
        "sync_runs",
        sa.Column("id", ID, nullable=False),
        sa.Column("connection_id", ID, nullable=False),
        sa.Column("mode", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("fence", sa.Integer(), nullable=False),
        sa.Column("started_at", INSTANT, nullable=False),
        sa.Column("heartbeat_at", INSTANT, nullable=True),
        sa.Column("finished_at", INSTANT, nullable=True),
        sa.Column("waiting_until", INSTANT, nullable=True),
        sa.Column("fetched", JSON, nullable=False),
        sa.Column("expected", JSON, nullable=False),
        sa.Column("changed", JSON, nullable=False),
        sa.Column("gone", JSON, nullable=False),
        sa.Column("quarantined", sa.Integer(), nullable=False),
        sa.Column("requests", sa.Integer(), nullable=False),
        sa.Column("estimate", sa.Integer(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("detail", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["connection_id"], ["connections.id"], name=op.f("fk_sync_runs_connection_id_connections")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sync_runs")),
    )
    with op.batch_alter_table("sync_runs", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_sync_runs_connection_id"), ["connection_id"], unique=False)

    op.create_table(
        "sync_states",
        sa.Column("connection_id", ID, nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["connection_id"], ["connections.id"], name=op.f("fk_sync_states_connection_id_connections"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("connection_id", "key", name=op.f("pk_sync_states")),
    )


def downgrade() -> None:
    op.drop_table("sync_states")
    with op.batch_alter_table("sync_runs", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_sync_runs_connection_id"))

    op.drop_table("sync_runs")
    with op.batch_alter_table("scopes", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_scopes_connection_id"))

    op.drop_table("scopes")
    op.drop_table("reference_snapshots")
    op.drop_table("leases")
    op.drop_table("credentials")
    with op.batch_alter_table("censuses", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_censuses_connection_id"))

    op.drop_table("censuses")
    with op.batch_alter_table("work_items_history", schema=None) as batch_op:
        batch_op.drop_index("ix_work_items_history_scope_id")

    op.drop_table("work_items_history")
    with op.batch_alter_table("work_items", schema=None) as batch_op:
        batch_op.drop_index("ix_work_items_scope_id")
        batch_op.drop_index("ix_work_items_newest")
        batch_op.drop_index(batch_op.f("ix_work_items_key"))

    op.drop_table("work_items")
    with op.batch_alter_table("violations", schema=None) as batch_op:
        batch_op.drop_index("ix_violations_state_opened_at")
        batch_op.drop_index(batch_op.f("ix_violations_project_id"))
        batch_op.drop_index(batch_op.f("ix_violations_fingerprint"))
        batch_op.drop_index(batch_op.f("ix_violations_entity_id"))

    op.drop_table("violations")
    op.drop_table("versions_history")
    op.drop_table("versions")
    op.drop_table("transitions_history")
    with op.batch_alter_table("transitions", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_transitions_item_id"))

    op.drop_table("transitions")
    op.drop_table("tombstones")
    op.drop_table("staged_payloads")
    with op.batch_alter_table("quarantine", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_quarantine_connection_id"))

    op.drop_table("quarantine")
    op.drop_table("projects_history")
    op.drop_table("projects")
    op.drop_table("project_rules_history")
    with op.batch_alter_table("project_rules", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_project_rules_scope_id"))
        batch_op.drop_index(batch_op.f("ix_project_rules_project_id"))

    op.drop_table("project_rules")
    with op.batch_alter_table("project_memberships_history", schema=None) as batch_op:
        batch_op.drop_index("ix_project_memberships_history_item_id")

    op.drop_table("project_memberships_history")
    with op.batch_alter_table("project_memberships", schema=None) as batch_op:
        batch_op.drop_index("ix_project_memberships_project_id_item_id")
        batch_op.drop_index(batch_op.f("ix_project_memberships_item_id"))

    op.drop_table("project_memberships")
    op.drop_table("programs_history")
    op.drop_table("programs")
    op.drop_table("portfolios_history")
    op.drop_table("portfolios")
    op.drop_table("placements_history")
    with op.batch_alter_table("placements", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_placements_parent_id"))
        batch_op.drop_index(batch_op.f("ix_placements_child_id"))

    op.drop_table("placements")
    op.drop_table("pending_derivations")
    op.drop_table("payloads_history")
    with op.batch_alter_table("payloads", schema=None) as batch_op:
        batch_op.drop_index("ix_payloads_scope_id_kind")
        batch_op.drop_index(
            "ix_payloads_part_of_id", sqlite_where=sa.text("part_of_id IS NOT NULL"), postgresql_where=sa.text("part_of_id IS NOT NULL")
        )
        batch_op.drop_index(
            "ix_payloads_group_id", sqlite_where=sa.text("group_id IS NOT NULL"), postgresql_where=sa.text("group_id IS NOT NULL")
        )

    op.drop_table("payloads")
    with op.batch_alter_table("missing", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_missing_connection_id"))

    op.drop_table("missing")
    op.drop_table("mapping_bases")
    op.drop_table("labels_history")
    op.drop_table("labels")
    with op.batch_alter_table("jobs", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_jobs_run_at"))
        batch_op.drop_index(batch_op.f("ix_jobs_lock"))

    op.drop_table("jobs")
    op.drop_table("iterations_history")
    op.drop_table("iterations")
    op.drop_table("iteration_memberships_history")
    with op.batch_alter_table("iteration_memberships", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_iteration_memberships_iteration_id"))
        batch_op.drop_index(batch_op.f("ix_iteration_memberships_item_id"))

    op.drop_table("iteration_memberships")
    op.drop_table("item_timings_history")
    op.drop_table("item_timings")
    op.drop_table("identities")
    with op.batch_alter_table("facts_history", schema=None) as batch_op:
        batch_op.drop_index("ix_facts_history_entity_id")

    op.drop_table("facts_history")
    with op.batch_alter_table("facts", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_facts_holds_until"))
        batch_op.drop_index(batch_op.f("ix_facts_entity_id"))

    op.drop_table("facts")
    with op.batch_alter_table("events", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_events_subject_id"))

    op.drop_table("events")
    op.drop_table("evaluations_history")
    with op.batch_alter_table("evaluations", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_evaluations_entity_id"))

    op.drop_table("evaluations")
    with op.batch_alter_table("dependencies_history", schema=None) as batch_op:
        batch_op.drop_index("ix_dependencies_history_successor_id")
        batch_op.drop_index("ix_dependencies_history_predecessor_id")

    op.drop_table("dependencies_history")
    with op.batch_alter_table("dependencies", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_dependencies_successor_id"))
        batch_op.drop_index(batch_op.f("ix_dependencies_predecessor_id"))

    op.drop_table("dependencies")
    op.drop_table("custom_values_history")
    with op.batch_alter_table("custom_values", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_custom_values_item_id"))

    op.drop_table("custom_values")
    op.drop_table("connections")
    op.drop_table("components_history")
    op.drop_table("components")
    op.drop_table("comments_history")
    with op.batch_alter_table("comments", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_comments_item_id"))

    op.drop_table("comments")
    with op.batch_alter_table("claims", schema=None) as batch_op:
        batch_op.drop_index("ix_claims_record_id")

    op.drop_table("claims")
    op.drop_table("census_listings")
    op.drop_table("boards_history")
    op.drop_table("boards")
    op.drop_table("board_columns_history")
    with op.batch_alter_table("board_columns", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_board_columns_board_id"))

    op.drop_table("board_columns")
    op.drop_table("bindings")
    with op.batch_alter_table("audit_entries", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_audit_entries_at"))

    op.drop_table("audit_entries")
    op.drop_table("api_keys")
