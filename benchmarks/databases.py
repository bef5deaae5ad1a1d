"""Databases to measure on: SQLite files, and databases on the yardsticks' PostgreSQL at 127.0.0.1:54329.

The port, the user and the trust are the yardsticks' own (peer_dlt.py has them written in). Such a cluster that runs already is used;
else one is made as ../shared/bench/README.md says, and removed in the end. Dropped is only what was created here.
"""

from __future__ import annotations

import os
import pwd
import secrets
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from benchmarks.machine import WORK
from benchmarks.records import Unmeasurable

HOST, PORT, USER = "127.0.0.1", 54329, "postgres"
DLT_SCHEMAS = ("dlt_canon", "dlt_canon_staging")
START_S = 120


@dataclass(slots=True)
class Cluster:
    """A PostgreSQL server on which databases may be made."""

    version: str
    created: set[str] = field(default_factory=set)

    def create(self) -> str:
        name = f"pmo_hub_bench_{secrets.token_hex(6)}"
        self._execute(sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(sql.Identifier(name)))
        self.created.add(name)
        return name

    def drop(self, name: str) -> None:
        if name not in self.created:
            raise ValueError(f"the database {name} was not made here")
        self._execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))
        self.created.discard(name)

    def settle(self) -> None:
        """What was written so far is on disk, so that no later measurement pays for it."""
        self._execute(sql.SQL("CHECKPOINT"))

    @contextmanager
    def with_dlt(self) -> Iterator[None]:
        """dlt may write into the schemas that it always writes to; they are gone after, if they were not there before."""
        with _connected() as connection:
            held = {name for (name,) in connection.execute("SELECT nspname FROM pg_namespace")}
        try:
            yield
        finally:
            for name in DLT_SCHEMAS:
                if name not in held:
                    self._execute(sql.SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(sql.Identifier(name)))

    def _execute(self, statement: sql.SQL | sql.Composed) -> None:
        with _connected() as connection:
            connection.execute(statement)


@dataclass(frozen=True, slots=True)
class Database:
    """`url` is for the hub, `dsn` for the limit pipe on PostgreSQL, `file` is SQLite's."""

    engine: str
    url: str
    dsn: str = ""
    file: Path | None = None


@contextmanager
def database(engine: str, cluster: Cluster | None) -> Iterator[Database]:
    """An empty database, gone after the block."""
    if engine == "postgresql":
        if cluster is None:
            raise Unmeasurable("There is no PostgreSQL to measure on.")
        name = cluster.create()
        try:
            yield Database(
                engine, f"postgresql+psycopg://{USER}@{HOST}:{PORT}/{name}", f"host={HOST} port={PORT} user={USER} dbname={name}"
            )
        finally:
            cluster.drop(name)
    else:
        (WORK / "databases").mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(dir=WORK / "databases"))
        try:
            yield Database(engine, f"sqlite:///{folder / 'hub.db'}", file=folder / "hub.db")
        finally:
            shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def cluster() -> Iterator[Cluster]:
    """The server at that port, running already or made for the length of the block; raises Unmeasurable in one sentence."""
    try:
        with _connected() as connection:
            version = _version(connection)
    except psycopg.OperationalError as error:
        if "refused" not in str(error):
            why = str(error).strip().splitlines()[-1]
            taken = f"Port {PORT} is taken, and not by a PostgreSQL that lets the user {USER} in without a password"
            raise Unmeasurable(f"{taken} ({why}).") from None
    else:
        yield Cluster(version)
        return
    with _own_server():
        with _connected() as connection:
            version = _version(connection)
        yield Cluster(version)


def _connected() -> psycopg.Connection[Any]:
    return psycopg.connect(host=HOST, port=PORT, user=USER, dbname="postgres", autocommit=True, connect_timeout=5)


def _version(connection: psycopg.Connection[Any]) -> str:
    row = connection.execute("SHOW server_version").fetchone()
    return str(row[0]).split()[0] if row else "unknown"


@contextmanager
def _own_server() -> Iterator[None]:
    binaries = _binaries()
    folder = Path(tempfile.mkdtemp(prefix="pmo-hub-bench-"))
    user: dict[str, Any] = {}
    if os.geteuid() == 0:
        try:
            account = pwd.getpwnam(USER)
        except KeyError:
            raise Unmeasurable(f"root may not run PostgreSQL, and there is no user {USER} to run it as.") from None
        os.chown(folder, account.pw_uid, account.pw_gid)
        user = {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}
    data = folder / "data"

    def run(*command: str | Path) -> None:
        with (folder / "command.log").open("ab") as output:  # a server that is left running would hold a pipe open
            done = subprocess.run(
                command, cwd=folder, stdin=subprocess.DEVNULL, stdout=output, stderr=output, timeout=START_S, check=False, **user
            )
        if done.returncode:
            told = (folder / "command.log").read_text(errors="replace").strip()[-400:]
            raise Unmeasurable(f"PostgreSQL can't be started ({Path(command[0]).name}): {told}")

    try:
        run(binaries / "initdb", "-D", data, "-A", "trust", "-U", USER, "-E", "UTF8", "--locale=C.UTF-8")
        with (data / "postgresql.conf").open("a") as conf:
            conf.write(
                f"\nlisten_addresses='{HOST}'\nport={PORT}\nunix_socket_directories='{folder}'\n"
                "shared_buffers=2GB\nwork_mem=64MB\nmaintenance_work_mem=512MB\nmax_wal_size=8GB\n"
            )
        run(binaries / "pg_ctl", "-D", data, "-l", folder / "log", "-w", "start")
        try:
            yield
        finally:
            run(binaries / "pg_ctl", "-D", data, "-m", "fast", "-w", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _binaries() -> Path:
    # Debian keeps the server's binaries off the PATH; what lies on it may be a copy without the files that it needs.
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name), reverse=True)
    found = shutil.which("initdb")
    for folder in [*folders, *([Path(found).resolve().parent] if found else [])]:
        if (folder / "initdb").exists() and (folder / "pg_ctl").exists():
            return folder
    raise Unmeasurable("There is no PostgreSQL server on this machine (no initdb): apt-get install postgresql.")
