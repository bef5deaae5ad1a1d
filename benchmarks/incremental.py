"""Polls in a warm process after touches, at two sizes, beside dlt's incremental load; memory of the first syncs before them."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass

from benchmarks.comparison import differences, fingerprint, written
from benchmarks.databases import Database, database
from benchmarks.hub import HubProcess, hub
from benchmarks.machine import free_memory_gib, load
from benchmarks.plan import Plan, say
from benchmarks.records import Records, Unmeasurable
from benchmarks.site import Site, serving

BYTES_AN_ISSUE = 30_000
"""Of the simulator's memory, with room for the pages that it keeps."""


@dataclass(frozen=True, slots=True)
class Warm:
    """A hub that has read the site once, and polls it from the same process on."""

    size: str
    engine: str
    site: Site
    database: Database
    process: HubProcess


def measure(plan: Plan, records: Records) -> None:
    """First syncs for their memory, then the touches, then the polls that have nothing to do."""
    sizes = plan.sizes
    with ExitStack() as stack:
        sites = {"small": stack.enter_context(serving(plan.peers, sizes.issues, sizes.projects))}
        stack.enter_context(plan.dlt_allowed())
        needed = sizes.large_issues * BYTES_AN_ISSUE / 2**30 + 2
        if free_memory_gib() >= needed:
            say("incremental", f"starting a simulator with {sizes.large_issues} issues takes a minute or two")
            sites["large"] = stack.enter_context(serving(plan.peers, sizes.large_issues, sizes.large_projects))
        else:
            records.add("skipped", what="large", why=f"The large site needs {needed:.0f} GiB of free memory.")
        warm = [_primed(plan, records, stack, size, engine, site) for size, site in sites.items() for engine in plan.engines]
        if plan.cluster is not None:
            records.add("dlt_first", **plan.peers.dlt_postgres(sites["small"].url, sites["small"].fields))
        for number in range(1, sizes.touches + 1):
            _touch(plan, records, sites, warm, number)
        for one in warm:
            if one.size == "large":
                _compare(records, one, sizes.touches)
            else:
                _nothing_to_do(plan, records, one)


def _primed(plan: Plan, records: Records, stack: ExitStack, size: str, engine: str, site: Site) -> Warm:
    """The first sync in a process of its own, so that the memory it took is its own; then the process that will poll."""
    held = stack.enter_context(database(engine, plan.cluster))
    plan.settle()
    with hub(held) as process:
        process.connect(site.url)
        first = process.sync()
    records.add("hub_first", size=size, engine=engine, issues=site.issues, projects=site.projects, **first)
    say("incremental", f"first sync of {site.issues} issues, {engine}: {first['whole_s']:.1f} s")
    process = stack.enter_context(hub(held))
    process.sync()
    return Warm(size, engine, site, held, process)


def _touch(plan: Plan, records: Records, sites: dict[str, Site], warm: list[Warm], number: int) -> None:
    touched = {size: site.touch(plan.sizes.touched, number) for size, site in sites.items()}
    for site in sites.values():
        site.render_newest(plan.sizes.touched)
    plan.settle()
    for one in warm:
        one.site.zero()
        busy = load()
        measured = one.process.sync()
        records.add(
            "hub", size=one.size, engine=one.engine, round=number, touched=touched[one.size], load=busy,
            site_requests=one.site.requests(), **measured,
        )  # fmt: skip
        if measured["state_s"] is None:
            raise Unmeasurable(f"the poll of the {one.size} site on {one.engine} took nothing in after a touch")
        say("incremental", f"touch {number}, {one.size} {one.engine}: {measured['state_s']:.3f} s, {measured['changed']}")
    if plan.cluster is not None:
        small = sites["small"]
        small.zero()
        measured = plan.peers.dlt_postgres(small.url, small.fields, incremental=True)
        records.add("dlt", round=number, touched=touched["small"], site_requests=small.requests(), **measured)
        say("incremental", f"touch {number}, dlt: {measured['wall_s']:.2f} s")
    for one in warm:
        if one.size == "small":
            _compare(records, one, number)


def _compare(records: Records, one: Warm, number: int) -> None:
    compared, different = differences(one.site, one.database)
    records.add("compared", size=one.size, engine=one.engine, round=number, issues=compared, different=different)
    if different or compared != one.site.issues:
        say("incremental", f"{one.size} {one.engine}: rows differ from the source: {different[:3]}")


def _nothing_to_do(plan: Plan, records: Records, one: Warm) -> None:
    """A poll after which nothing has changed, and a full read of what has not: neither may write a row."""
    one.process.sync()  # by now the simulator's clock is past the overlap with the last touch
    for what, mode in (("poll", "incremental"), ("full", "full")):
        before = fingerprint(one.database)
        measured = one.process.sync(mode)
        wrote = written(before, fingerprint(one.database))
        records.add("unchanged", what=what, engine=one.engine, tables=len(before), wrote=wrote, **measured)
        say("incremental", f"{what} without a change, {one.engine}: {measured['whole_s']:.2f} s, wrote {wrote or 'nothing'}")
