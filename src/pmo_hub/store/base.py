"""The declarative base, the column types that both engines share, and the making of history tables."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import ROUND_HALF_EVEN, Decimal
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


def wall_text(value: datetime) -> str:
    """Fixed width, without a zone, so that SQLite compares wall-clock times as text."""
    return value.isoformat(timespec="microseconds")


def datetime_text(value: datetime) -> str:
    """What the column types make of a datetime on SQLite: an instant's text, or a wall-clock time's where it is naive."""
    if value.tzinfo is UTC:
        return _utc_text(value)
    return wall_text(value) if value.tzinfo is None else instant_text(value)


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


class WallClock(TypeDecorator[datetime]):
    """A naive datetime, kept unshifted: timestamp without a zone on PostgreSQL, fixed-width text on SQLite. An aware one is refused."""

    impl = sa.DateTime
    cache_ok = True

    def load_dialect_impl(self, dialect: sa.Dialect) -> sa.types.TypeEngine[Any]:
        if dialect.name == "postgresql":
            return dialect.type_descriptor(sa.DateTime(timezone=False))
        return dialect.type_descriptor(sa.String(26))

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> Any:
        if value is None:
            return None
        if value.tzinfo is not None:
            raise ValueError("a wall-clock time has no time zone")
        return value if dialect.name == "postgresql" else wall_text(value)

    def process_result_value(self, value: Any, dialect: sa.Dialect) -> datetime | None:
        return datetime.fromisoformat(value) if isinstance(value, str) else value


MONEY_UNITS = 10_000
"""An amount is stored as so many parts of its currency's unit: exact on both engines, and a sum in SQL is exact too."""

MOST_MONEY = 10**13
"""Amounts beyond are no money: a sum of many must stay within 64 bits."""


def money_units(value: Decimal) -> int:
    """The amount in ten-thousandths, rounded half to even; raises ValueError where it is no amount of money."""
    if not value.is_finite() or abs(value) > MOST_MONEY:
        raise ValueError(f"{value} is no amount of money")
    return int((value * MONEY_UNITS).to_integral_value(ROUND_HALF_EVEN))


class Money(TypeDecorator[Decimal]):
    """An amount of the currency that stands beside it or on its plan. The bulk path writes `money_units`."""

    impl = sa.BigInteger
    cache_ok = True

    def process_bind_param(self, value: Decimal | None, dialect: sa.Dialect) -> int | None:
        return None if value is None else money_units(value)

    def process_result_value(self, value: Any, dialect: sa.Dialect) -> Decimal | None:
        return None if value is None else Decimal(int(value)) / MONEY_UNITS


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
