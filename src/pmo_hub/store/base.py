"""The declarative base, the column types that both engines share, and the making of history tables."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, ClassVar

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.types import TypeDecorator

NAMING = {
    "ix": "ix_%(column_0_label)s",
    "uq": "uq_%(table_name)s_%(column_0_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}


def instant_text(value: datetime) -> str:
    """Fixed width, UTC, so that SQLite compares instants as text."""
    return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ") if value.tzinfo is not UTC else _utc_text(value)


def _utc_text(value: datetime) -> str:
    text = value.isoformat(timespec="microseconds")
    return text[:26] + "Z"


class Instant(TypeDecorator[datetime]):
    """An aware UTC datetime: timestamptz on PostgreSQL, fixed-width ISO text on SQLite. A naive value is refused."""

    impl = sa.DateTime
    cache_ok = True

    def load_dialect_impl(self, dialect: sa.Dialect) -> sa.types.TypeEngine[Any]:
        if dialect.name == "postgresql":
            return dialect.type_descriptor(sa.DateTime(timezone=True))
        return dialect.type_descriptor(sa.String(27))

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> Any:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("an instant needs a time zone")
        return value if dialect.name == "postgresql" else instant_text(value)

    def process_result_value(self, value: Any, dialect: sa.Dialect) -> datetime | None:
        if value is None:
            return None
        if isinstance(value, str):
            return datetime.fromisoformat(value)
        result: datetime = value.astimezone(UTC)
        return result


Id = sa.String(32).with_variant(sa.String(32, collation="C"), "postgresql")
"""32 hex characters; compared bytewise on PostgreSQL."""

Json = sa.JSON().with_variant(JSONB(), "postgresql")


class Base(DeclarativeBase):
    metadata = sa.MetaData(naming_convention=NAMING)
    type_annotation_map: ClassVar[dict[Any, Any]] = {datetime: Instant, str: sa.Text(), float: sa.Double()}


class Versioned:
    """A current row: `row_hash` covers its business columns, `recorded_from` is when the hub knew them first."""

    id: Mapped[str] = mapped_column(Id, primary_key=True, sort_order=-100)
    row_hash: Mapped[str] = mapped_column(Id, sort_order=100)
    recorded_from: Mapped[datetime] = mapped_column(sort_order=101)


UNHASHED = {"hashed": False}
"""`info` of a column that the row hash leaves out: its change alone makes no new version."""


def history_of(model: type[Base]) -> sa.Table:
    """The append-only table of superseded rows: the model's columns and `recorded_to`.

    Its key is (id, recorded_from). Half-open: a row held from recorded_from until just before recorded_to.
    """
    current: Any = model.__table__
    columns = [sa.Column(c.name, c.type, primary_key=c.name in ("id", "recorded_from"), nullable=c.nullable) for c in current.columns]
    return sa.Table(
        f"{current.name}_history",
        Base.metadata,
        *columns,
        sa.Column("recorded_to", Instant(), nullable=False),
    )
