"""The database's revision, and how it gets to the newest one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy.orm import Session

import pmo_hub


class Unreachable(Exception):
    """The database does not answer; the text is for whoever runs the hub."""


def folder() -> Path:
    """Where the migrations lie: inside the installed package, or beside the sources of a checkout."""
    package = Path(pmo_hub.__file__).parent
    packaged = package / "_migrations"
    return packaged if packaged.is_dir() else package.parent.parent / "migrations"


def config() -> Config:
    """Alembic's configuration, without a file; a connection is added under `attributes["connection"]`."""
    made = Config()
    made.set_main_option("script_location", str(folder()).replace("%", "%%"))
    return made


@cache
def _scripts() -> ScriptDirectory:
    return ScriptDirectory.from_config(config())


def newest() -> str | None:
    return _scripts().get_current_head()


def is_known(revision: str) -> bool:
    return any(script.revision == revision for script in _scripts().walk_revisions())


def revision(session: Session) -> str | None:
    """The database's revision; None for one without tables. Raises Unreachable."""
    with _reaching():
        return _revision(session.connection())


def _revision(connection: sa.Connection) -> str | None:
    # Alembic's own reading logs two lines each time, and a probe asks every few seconds.
    if not sa.inspect(connection).has_table("alembic_version"):
        return None
    found: str | None = connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar()
    return found


def upgrade(engine: sa.Engine) -> tuple[str | None, str | None]:
    """The database is at the newest revision, in one transaction; returns where it was and where it is. Raises Unreachable."""
    writing = engine.execution_options(sqlite_begin="IMMEDIATE")
    with _reaching(), writing.begin() as connection:
        before = _revision(connection)
        made = config()
        made.attributes["connection"] = connection
        command.upgrade(made, "head")
        return before, _revision(connection)


@contextmanager
def _reaching() -> Iterator[None]:
    try:
        yield
    except sa.exc.OperationalError as error:
        reason = str(error.orig).strip().partition("\n")[0]
        raise Unreachable(f"The database can't be used: {reason}.") from error
