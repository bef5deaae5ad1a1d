"""Reads over HTTP at many connections, one worker each, beside Datasette on a copy of the same table."""

from __future__ import annotations

import os
import re
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import sqlalchemy as sa

from benchmarks.databases import Database, database
from benchmarks.hub import SECRET_KEY, hub
from benchmarks.machine import ROOT, WORK, load
from benchmarks.plan import Plan, say
from benchmarks.records import Measurement, Records, Unmeasurable
from benchmarks.site import serving
from pmo_hub.store.engine import create_engine
from pmo_hub.store.models.canonical import WorkItem
from pmo_hub.store.models.portfolio import Project
from tests.ports import free_port

START_S = 60.0
WARM_S = 1
UNITS = {"us": 0.001, "ms": 1.0, "s": 1000.0, "m": 60_000.0}
LUA = """local ids = {{}}
for line in io.lines("{ids}") do ids[#ids + 1] = line end
math.randomseed({seed})
local headers = {{["Authorization"] = "{authorization}"}}
request = function() return wrk.format("GET", "{before}" .. ids[math.random(#ids)] .. "{after}", headers) end
"""


@dataclass(frozen=True, slots=True)
class Target:
    """One address with random ids in it; `side` is hub or datasette."""

    side: str
    engine: str
    what: str
    url: str
    before: str
    after: str
    ids: Path
    authorization: str = ""


def measure(plan: Plan, records: Records) -> None:
    """The hub's work item and project health on each engine, and Datasette's row by key, in rounds."""
    wrk = shutil.which("wrk")
    if wrk is None:
        raise Unmeasurable("The reads are measured with wrk, which is not installed: apt-get install wrk.")
    folder = WORK / "reads"
    folder.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        targets: list[Target] = []
        with serving(plan.peers, plan.sizes.issues, plan.sizes.projects) as site:
            for engine in plan.engines:
                held = stack.enter_context(database(engine, plan.cluster))
                say("reads", f"filling {engine}")
                with hub(held) as process:
                    process.connect(site.url, history=True)
                    process.sync()
                    key = process.key()
                targets += _of_hub(stack, held, folder, key)
                if held.file is not None:
                    targets.append(_of_datasette(stack, plan, held.file, folder))
        plan.settle()
        for target in targets:
            _wait(target)
            _wrk(wrk, folder, target, plan.sizes.connections, WARM_S, 0)
        for number in range(1, plan.sizes.rounds + 1):
            for target in targets:
                measured = _wrk(wrk, folder, target, plan.sizes.connections, plan.sizes.seconds, number)
                records.add(target.side, engine=target.engine, what=target.what, round=number, **measured)
                say("reads", f"round {number}, {target.side} {target.engine} {target.what}: {measured['rps']:.0f}/s")


def _of_hub(stack: ExitStack, held: Database, folder: Path, key: str) -> list[Target]:
    """The hub serves the database, and does nothing else in that process."""
    engine = create_engine(held.url)
    with engine.connect() as connection:
        items = _written(folder / f"items-{held.engine}", list(connection.scalars(sa.select(WorkItem.id))))
        projects = _written(folder / f"projects-{held.engine}", list(connection.scalars(sa.select(Project.id))))
    engine.dispose()
    port = free_port()
    settings = {"PMO_HUB_DATABASE_URL": held.url, "PMO_HUB_SECRET_KEY": SECRET_KEY, "PMO_HUB_LOG_LEVEL": "warning"}
    serve = f"from pmo_hub.cli import main; import sys; sys.argv[1:] = ['serve', '--no-worker', '--port', '{port}']; main()"
    stack.enter_context(_server(f"hub-{held.engine}", [sys.executable, "-c", serve], {**os.environ, **settings}))
    url, bearer = f"http://127.0.0.1:{port}", f"Bearer {key}"
    return [
        Target("hub", held.engine, "work item", url, "/api/v1/work-items/", "", items, bearer),
        Target("hub", held.engine, "project health", url, "/api/v1/projects/", "/health", projects, bearer),
    ]


def _of_datasette(stack: ExitStack, plan: Plan, source: Path, folder: Path) -> Target:
    """Datasette serves a copy of the table, immutable, as fast as it can."""
    copy = folder / "copy.db"
    copy.unlink(missing_ok=True)
    with sqlite3.connect(copy) as connection:
        connection.execute("ATTACH ? AS hub", (str(source),))
        for (statement,) in connection.execute("SELECT sql FROM hub.sqlite_master WHERE name = 'work_items'").fetchall():
            connection.execute(statement)
        connection.execute("INSERT INTO main.work_items SELECT * FROM hub.work_items")
    connection.close()
    port = free_port()
    command = [plan.peers.tool("datasette"), "serve", "-i", copy, "-p", port, "-h", "127.0.0.1"]
    stack.enter_context(_server("datasette", [str(part) for part in command], plan.peers.environment()))
    return Target(
        "datasette", "sqlite", "row by key", f"http://127.0.0.1:{port}", "/copy/work_items/", ".json?_shape=array", folder / "items-sqlite"
    )


@contextmanager
def _server(name: str, command: Sequence[str], environment: dict[str, str]) -> Iterator[None]:
    with (WORK / f"{name}.log").open("w") as log:
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    try:
        yield
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait(target: Target) -> None:
    """It answers with what was asked for; raises Unmeasurable."""
    path = target.before + target.ids.read_text().split()[0] + target.after
    until, why = time.monotonic() + START_S, "it does not answer"
    while time.monotonic() < until:
        try:
            answer = httpx.get(target.url + path, headers={"Authorization": target.authorization}, timeout=10)
        except httpx.TransportError:
            time.sleep(0.2)
            continue
        if answer.status_code == 200:
            return
        why = f"status {answer.status_code}: {answer.text[:200]}"
        break
    raise Unmeasurable(f"{target.side} on {target.engine} can't be read ({path}): {why}")


def _wrk(wrk: str, folder: Path, target: Target, connections: int, seconds: int, seed: int) -> Measurement:
    script = folder / "ids.lua"
    script.write_text(LUA.format(ids=target.ids, seed=seed, before=target.before, after=target.after, authorization=target.authorization))
    busy = load()
    told = subprocess.run(
        [wrk, "-t1", f"-c{connections}", f"-d{seconds}s", "--latency", "-s", str(script), target.url],
        capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    rate = re.search(r"Requests/sec:\s+([\d.]+)", told)
    half, most = (re.search(rf"(?m)^\s+{share}%\s+(\S+)", told) for share in (50, 99))
    if rate is None or half is None or most is None or "Non-2xx" in told or "Socket errors" in told:
        raise Unmeasurable(f"wrk did not get whole answers from {target.side} {target.engine} {target.what}: {told.strip()[-300:]}")
    return {"rps": float(rate[1]), "p50_ms": _ms(half[1]), "p99_ms": _ms(most[1]), "connections": connections, "load": busy}


def _ms(text: str) -> float:
    found = re.fullmatch(r"([\d.]+)(us|ms|s|m)", text)
    if found is None:
        raise Unmeasurable(f"wrk told a time that is not understood: {text}")
    return float(found[1]) * UNITS[found[2]]


def _written(file: Path, ids: Sequence[str]) -> Path:
    file.write_text("".join(f"{id}\n" for id in ids))
    return file
