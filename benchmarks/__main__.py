"""`python -m benchmarks [part ...]`: measures the parts, or all of them, and writes RESULTS.md."""

from __future__ import annotations

import argparse
import contextlib
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, fields, replace
from pathlib import Path

from benchmarks import boards, deliveries, first_sync, growth, incremental, machine, plans, quiet, reads, records, report
from benchmarks.databases import cluster
from benchmarks.peers import peers
from benchmarks.plan import Plan, Sizes, say
from benchmarks.records import Records, Unmeasurable

PARTS: dict[str, Callable[[Plan, Records], None]] = {
    "ingest": first_sync.plain,
    "latency": first_sync.latency,
    "history": first_sync.history,
    "incremental": incremental.measure,
    "growth": growth.measure,
    "quiet": quiet.measure,
    "reads": reads.measure,
    "deliveries": deliveries.measure,
    "plans": plans.measure,
    "boards": boards.measure,
}
MEASUREMENTS = machine.WORK / "measurements"
SMALL = machine.WORK / "small"
RESULTS = machine.ROOT / "benchmarks" / "RESULTS.md"


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("part", nargs="*", help=f"{', '.join(PARTS)}; report only writes RESULTS.md anew; left out: all of them")
    for size in fields(Sizes):
        parser.add_argument(f"--{size.name.replace('_', '-')}", type=int, default=size.default)
    given = parser.parse_args()
    for name in given.part:
        if name not in (*PARTS, "report"):
            parser.error(f"there is no part {name!r}; there are {', '.join(PARTS)}")
    sizes = Sizes(**{size.name: getattr(given, size.name) for size in fields(Sizes)})
    # Other sizes than those that the aims are stated for, and fewer rounds than make a median, leave RESULTS.md as it is.
    aimed = Sizes()
    whole = sizes == replace(aimed, rounds=max(sizes.rounds, aimed.rounds), seconds=max(sizes.seconds, aimed.seconds))
    folder, file = (MEASUREMENTS, RESULTS) if whole else (SMALL, SMALL / "RESULTS.md")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    failed = []
    chosen = [name for name in PARTS if name in given.part] if given.part else list(PARTS)
    try:
        if chosen:
            failed = _measure(chosen, sizes, folder)
    except Unmeasurable as error:
        print(error, file=sys.stderr)
        return 1
    held = {name: part for name in PARTS if (part := records.read(folder, name)) is not None}
    missed = report.write(held, file)
    print(f"{file.relative_to(machine.ROOT)} is written; {len(missed)} aims are missed{': ' if missed else ''}", file=sys.stderr)
    for figure in missed:
        print(f"  {figure.name} ({figure.engine}): {figure.measured}, aim {figure.aim}", file=sys.stderr)
    for name, why in failed:
        print(f"{name} was not measured: {why}", file=sys.stderr)
    return 1 if failed else 0


def _measure(chosen: list[str], sizes: Sizes, folder: Path) -> list[tuple[str, str]]:
    """Each part's measurements are in the folder; returns those that could not be made, with the reason."""
    failed = []
    for log in machine.WORK.glob("*.log"):
        log.unlink()
    yardsticks = peers()
    with contextlib.ExitStack() as stack:
        try:
            server = stack.enter_context(cluster())
        except Unmeasurable as error:
            print(f"{error} SQLite is measured alone.", file=sys.stderr)
            failed.append(("postgresql", str(error)))
            server = None
        plan = Plan(yardsticks, server, sizes)
        for name in chosen:
            began = time.monotonic()
            header = {**machine.facts(), "postgresql": server.version if server else "absent", "sizes": asdict(sizes)}
            try:
                PARTS[name](plan, Records(folder, name, header))
            except Unmeasurable as error:
                failed.append((name, str(error)))
                (folder / f"{name}.jsonl").unlink(missing_ok=True)
            say(name, f"took {time.monotonic() - began:.0f} s")
    return failed


if __name__ == "__main__":
    sys.exit(main())
