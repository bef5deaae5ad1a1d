"""A great many plans through each connector to Microsoft's tools, and one huge plan in a file."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from benchmarks.databases import database
from benchmarks.hub import HubProcess, hub
from benchmarks.machine import WORK, load
from benchmarks.plan import Plan, say
from benchmarks.records import Measurement, Records, Unmeasurable
from benchmarks.sources import source
from pmo_hub_mspdi.simulated_plans import PlanSpec, write

CONNECTORS = ("dataverse", "planner", "msproject")
FILE = PlanSpec("Everything", seed=7)


def measure(plan: Plan, records: Records) -> None:
    for connector in CONNECTORS:
        for engine in plan.engines:
            _plans(plan, records, connector, engine)
    for tasks in (plan.sizes.file_tasks // 5, plan.sizes.file_tasks):
        for engine in plan.engines:
            _file(plan, records, engine, tasks)


def _plans(plan: Plan, records: Records, connector: str, engine: str) -> None:
    """First sync, a poll after one plan was changed, polls that find nothing; one process, so that the polls are those of a warm one."""
    sizes = plan.sizes
    about = {"connector": connector, "engine": engine, "plans": sizes.plans}
    with source(connector, plans=sizes.plans, tasks=sizes.plan_tasks) as site, database(engine, plan.cluster) as held, hub(held) as process:
        about["tasks"] = site.tasks
        process.connect_to(connector, site.config)
        plan.settle()
        site.zero()
        busy = load()
        first = process.sync()
        records.add("first", load=busy, site=site.stats(), **about, **first)
        say("plans", f"{connector}, {engine}: first sync of {site.tasks} tasks: {_told(first)}")
        process.sync()  # what a first sync leaves to the next poll is not a poll's
        for number in range(1, sizes.rounds + 1):
            site.change()
            site.zero()
            plan.settle()
            measured = process.sync()
            if not measured["changed"]:
                raise Unmeasurable(f"the poll of {connector} took nothing in after a change")
            records.add("changed", round=number, site=site.stats(), **about, **measured)
            site.zero()
            quiet = process.sync()
            if quiet["changed"]:
                raise Unmeasurable(f"a poll of {connector} wrote {quiet['changed']} where nothing had changed")
            records.add("quiet", round=number, site=site.stats(), **about, **quiet)
            say("plans", f"{connector}, {engine}: after a change {_told(measured)}; quiet {_told(quiet)}")


def _file(plan: Plan, records: Records, engine: str, tasks: int) -> None:
    """A file's first import, the same bytes again, and a newer file in which a hundred tasks have other names."""
    spec = replace(FILE, tasks=tasks)
    edited = replace(spec, renamed={uid: f"Renamed {uid}" for uid in range(10, tasks, max(1, tasks // 100))}, added=("One more",))
    first, second = _written(f"{tasks}.xml", spec), _written(f"{tasks}-edited.xml", edited)
    about = {"engine": engine, "tasks": tasks, "bytes": first.stat().st_size}
    try:
        with database(engine, plan.cluster) as held:
            with hub(held) as process:
                process.connect_to("mspdi", {})
                process.sync()  # of a connection without files; the process is warm then
                _import(plan, records, process, "file", first, about)
            for side, file in (("file_again", first), ("file_edited", second)):
                with hub(held) as process:  # each in a fresh process, so that the memory it takes is its own
                    process.sync()
                    _import(plan, records, process, side, file, about)
    finally:
        first.unlink(missing_ok=True)
        second.unlink(missing_ok=True)


def _import(plan: Plan, records: Records, process: HubProcess, side: str, file: Path, about: Measurement) -> None:
    process.upload("plan.xml", file)
    plan.settle()
    busy = load()
    measured = process.sync()
    records.add(side, load=busy, **about, **measured)
    say("plans", f"{side} of {about['tasks']} tasks, {about['engine']}: {_told(measured)}, {measured['changed']}")


def _written(name: str, spec: PlanSpec) -> Path:
    WORK.mkdir(parents=True, exist_ok=True)
    path = WORK / name
    with path.open("wb") as file:
        put: Callable[[bytes], int] = file.write
        for piece in write(spec):
            put(piece)
    return path


def _told(measured: Measurement) -> str:
    over = measured["peak_mib"] - measured["idle_mib"]
    asked = sum(measured["requests"].values())
    return f"{measured['whole_s']:.2f} s, {measured['whole_cpu_s']:.2f} s of CPU, {over:.0f} MiB over idle, {asked} requests"
