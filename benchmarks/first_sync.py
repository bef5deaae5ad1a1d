"""The full first sync beside the limit pipes and dlt: every measurement a fresh process on an empty database, the sides interleaved."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from benchmarks.databases import database
from benchmarks.hub import hub
from benchmarks.machine import load
from benchmarks.plan import Plan, say
from benchmarks.records import Measurement, Records, Unmeasurable
from benchmarks.site import Site, serving

PIPES = {"sqlite": "pipe-lite", "postgresql": "pipe-pg"}
AT_ONCE = 8


def plain(plan: Plan, records: Records) -> None:
    """Without latency, change history off."""
    with serving(plan.peers, plan.sizes.issues, plan.sizes.projects) as site, plan.dlt_allowed():
        _warm(plan, site)
        _rounds(plan, records, "ingest", site, _sides(plan, site))


def latency(plan: Plan, records: Records) -> None:
    """With every answer delayed, eight requests at a time."""
    with serving(plan.peers, plan.sizes.issues, plan.sizes.projects) as site, plan.dlt_allowed():
        _warm(plan, site)
        site.set(latency_ms=plan.sizes.latency_ms)
        _rounds(plan, records, "latency", site, _sides(plan, site))


def history(plan: Plan, records: Records) -> None:
    """With the change history, which the yardsticks do not read: reported beside."""
    with serving(plan.peers, plan.sizes.issues, plan.sizes.projects) as site:
        _warm(plan, site)
        sides: list[Side] = [("hub", engine, partial(_hub, plan, site, engine, history=True)) for engine in plan.engines]
        _rounds(plan, records, "history", site, sides)


Side = tuple[str, str, Callable[[], Measurement]]


def _sides(plan: Plan, site: Site) -> list[Side]:
    sides: list[Side] = []
    for engine in plan.engines:
        sides.append(("hub", engine, partial(_hub, plan, site, engine)))
        sides.append(("pipe", engine, partial(_pipe, plan, site, engine)))
        sides.append(("hub_unbudgeted", engine, partial(_hub, plan, site, engine, budget=False)))
    if plan.cluster is not None:
        sides.append(("dlt", "postgresql", partial(plan.peers.dlt_postgres, site.url, site.fields)))
    return sides


def _rounds(plan: Plan, records: Records, part: str, site: Site, sides: list[Side]) -> None:
    for number in range(1, plan.sizes.rounds + 1):
        for side, engine, measure in sides:
            plan.settle()
            busy = load()
            site.zero()
            measured = measure()
            records.add(side, engine=engine, round=number, load=busy, site_requests=site.requests(), **measured)
            seconds = measured.get("state_s") or measured.get("wall_s")
            say(part, f"round {number} of {plan.sizes.rounds}, {side} {engine}: {seconds:.2f} s")


def _hub(plan: Plan, site: Site, engine: str, *, history: bool = False, budget: bool = True) -> Measurement:
    with database(engine, plan.cluster) as held, hub(held, budget=budget) as process:
        process.connect(site.url, history=history)
        site.zero()
        measured = process.sync()
    if measured["fetched"].get("issue") != site.issues:
        raise Unmeasurable(f"the hub fetched {measured['fetched']} of {site.issues} issues")
    return {**measured, "issues": site.issues}


def _pipe(plan: Plan, site: Site, engine: str) -> Measurement:
    with database(engine, plan.cluster) as held:
        place = ("--pg", held.dsn) if held.file is None else ("--db", str(held.file))
        measured = plan.peers.limit(f"{PIPES[engine]} --typed", site.url, site.fields, "--conc", str(AT_ONCE), *place)
    if measured["items"] != site.issues:
        raise Unmeasurable(f"the pipe read {measured['items']} of {site.issues} issues")
    return measured


def _warm(plan: Plan, site: Site) -> None:
    """Both lists of fields have been rendered and every page has been put together once, so that no side pays for it."""
    plan.peers.limit("aiohttp", site.url, site.fields)
    plan.peers.limit("aiohttp", site.url, ",".join(site.asked))
