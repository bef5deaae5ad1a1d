"""Deliveries a second to a fast endpoint, a large backlog and its memory, and what dead endpoints beside it cost."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from benchmarks.databases import database
from benchmarks.hub import SECRET_KEY
from benchmarks.machine import ROOT, WORK
from benchmarks.plan import Plan, say
from benchmarks.records import Measurement, Records, Unmeasurable

DEAD_ENDPOINTS = 10
BESIDE = 10
"""The backlog beside dead endpoints is this part of the whole."""

LONGEST_S = 2_400


def measure(plan: Plan, records: Records) -> None:
    """The large backlog once an engine; beside dead endpoints in rounds, each next to the same without them."""
    count = plan.sizes.deliveries
    for engine in plan.engines:
        drained = _drained(plan, engine, count, 0)
        records.add("backlog", engine=engine, round=1, **drained)
        say("deliveries", f"{engine}: {count} in {drained['drained_s']:.0f} s, {drained['per_s']:.0f}/s, +{drained['growth_mib']:.0f} MiB")
        for number in range(1, plan.sizes.rounds + 1):
            for dead in (0, DEAD_ENDPOINTS):
                one = _drained(plan, engine, count // BESIDE, dead)
                records.add("beside" if dead else "alone", engine=engine, round=number, **one)
                say("deliveries", f"{engine} round {number}, {dead} dead: {one['per_s']:.0f}/s")


def _drained(plan: Plan, engine: str, count: int, dead: int) -> Measurement:
    plan.settle()
    with database(engine, plan.cluster) as held, _sink() as (fast, silent):
        given = {"database_url": held.url, "secret_key": SECRET_KEY, "events": count, "fast": fast, "silent": [silent] * dead}
        command: Sequence[str] = [sys.executable, "-m", "benchmarks.deliverer", json.dumps(given)]
        with (WORK / "deliverer.log").open("a") as log:
            done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=log, text=True, timeout=LONGEST_S, check=False)
    if done.returncode:
        raise Unmeasurable(f"The hub's process ended; {WORK / 'deliverer.log'} tells why.")
    answer: Measurement = json.loads(done.stdout)
    return answer


@contextmanager
def _sink() -> Iterator[tuple[int, int]]:
    """The port that takes, and the one that never answers."""
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.sink"], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        if process.stdout is None:
            raise RuntimeError("the process has no standard output")
        fast, silent = json.loads(process.stdout.readline())
        yield fast, silent
    finally:
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                pipe.close()
