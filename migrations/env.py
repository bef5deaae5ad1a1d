"""How alembic meets the database: the connection is given by the caller, or made of `sqlalchemy.url`."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import context

from pmo_hub.store import models  # noqa: F401  fills the metadata
from pmo_hub.store.base import Base, Id, Instant, Json
from pmo_hub.store.engine import create_engine


def render_item(kind: str, item: Any, autogen_context: Any) -> str | bool:
    """A migration imports nothing of the hub: the template spells out the types that both engines share."""
    if kind == "type":
        for shared, name in ((Id, "ID"), (Json, "JSON")):
            if item is shared:
                return name
        if isinstance(item, Instant):
            return "INSTANT"
    return False


def run(connection: sa.Connection) -> None:
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        render_as_batch=True,
        render_item=render_item,
        compare_type=True,
        transaction_per_migration=True,
    )
    with context.begin_transaction():
        context.run_migrations()


given = context.config.attributes.get("connection")
if isinstance(given, sa.Engine):
    with given.connect() as opened:
        run(opened)
elif given is not None:
    run(given)
else:
    engine = create_engine(context.config.get_main_option("sqlalchemy.url", ""))
    with engine.connect() as opened:
        run(opened)
    engine.dispose()
