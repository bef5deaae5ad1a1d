"""The evidence log

Revision: 0011
After: 0010
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

ID = sa.String(32).with_variant(sa.String(32, collation="C"), "postgresql")
INSTANT = sa.String(27).with_variant(sa.DateTime(timezone=True), "postgresql")
JSON = sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), "postgresql")
DIGEST = sa.String(64)

TABLES = {
    "evidence_pending": lambda: [
        sa.Column("number", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("subject_type", sa.Text(), nullable=False),
        sa.Column("subject_id", sa.Text(), nullable=False),
        sa.Column("projects", JSON, nullable=False),
        sa.Column("salt", ID, nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_evidence_pending")),
    ],
    "evidence_backlog": lambda: [
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("id", ID, nullable=False),
        sa.Column("recorded_from", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("source", "id", "recorded_from", name=op.f("pk_evidence_backlog")),
    ],
    "evidence_head": lambda: [
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("hash", DIGEST, nullable=False),
        sa.Column("sealed_at", INSTANT, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_evidence_head")),
    ],
    "evidence_entries": lambda: [
        sa.Column("position", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("sealed_at", INSTANT, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("subject_type", sa.Text(), nullable=False),
        sa.Column("subject_id", sa.Text(), nullable=False),
        sa.Column("projects", JSON, nullable=False),
        sa.Column("body_digest", DIGEST, nullable=False),
        sa.Column("previous", DIGEST, nullable=False),
        sa.Column("hash", DIGEST, nullable=False),
        sa.PrimaryKeyConstraint("position", name=op.f("pk_evidence_entries")),
    ],
    "evidence_bodies": lambda: [
        sa.Column("position", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("salt", ID, nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("position", name=op.f("pk_evidence_bodies")),
    ],
}

# What was recorded before: noted here by its key, sealed by the hub. An evaluation's versions are in two tables.
BACKLOG = (
    "INSERT INTO evidence_backlog (source, id, recorded_from) SELECT 'audit_entries', id, at FROM audit_entries",
    "INSERT INTO evidence_backlog (source, id, recorded_from) SELECT 'evaluations', id, recorded_from FROM evaluations_history",
    "INSERT INTO evidence_backlog (source, id, recorded_from) SELECT 'evaluations', id, recorded_from FROM evaluations e "
    "WHERE NOT EXISTS (SELECT 1 FROM evaluations_history h WHERE h.id = e.id AND h.recorded_from = e.recorded_from)",
)

REFUSAL = "the evidence log is append-only"


def upgrade() -> None:
    for name, columns in TABLES.items():
        op.create_table(name, *columns())
    with op.batch_alter_table("evidence_entries", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_evidence_entries_subject_id"), ["subject_id"], unique=False)
    for statement in BACKLOG:
        op.execute(statement)
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            "CREATE FUNCTION evidence_entries_refuse() RETURNS trigger LANGUAGE plpgsql AS "
            f"$$ BEGIN RAISE EXCEPTION '{REFUSAL}'; END $$"
        )
        op.execute(
            "CREATE TRIGGER evidence_entries_only_grow BEFORE UPDATE OR DELETE ON evidence_entries "
            "FOR EACH ROW EXECUTE FUNCTION evidence_entries_refuse()"
        )
    else:
        for verb in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER evidence_entries_no_{verb.lower()} BEFORE {verb} ON evidence_entries "
                f"BEGIN SELECT RAISE(ABORT, '{REFUSAL}'); END"
            )


def downgrade() -> None:
    with op.batch_alter_table("evidence_entries", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_evidence_entries_subject_id"))
    for name in reversed(TABLES):
        op.drop_table(name)
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION evidence_entries_refuse()")
