"""One huge Trello board, and what polls of a hundred quiet ones cost."""

from __future__ import annotations

from benchmarks.databases import database
from benchmarks.hub import hub
from benchmarks.machine import load
from benchmarks.plan import Plan, say
from benchmarks.records import Records, Unmeasurable
from benchmarks.sources import source

LIMIT = 100
"""Requests that Trello allows a token in ten seconds; the simulator refuses the next one."""


def measure(plan: Plan, records: Records) -> None:
    for engine in plan.engines:
        for small in (True, False):
            _huge(plan, records, engine, budget=True, small=small)
        _huge(plan, records, engine, budget=False, small=False)
    _quiet(plan, records)


def _huge(plan: Plan, records: Records, engine: str, *, budget: bool, small: bool) -> None:
    """A fifth of the board first, so that what grows with it shows; without a budget on either side the hub alone bounds the time."""
    cards, actions = (count // 5 if small else count for count in (plan.sizes.cards, plan.sizes.actions))
    with (
        source("trello", cards=cards, actions=actions, limit=LIMIT if budget else 0) as site,
        database(engine, plan.cluster) as held,
        hub(held, budget=budget) as process,
    ):
        process.connect_to("trello", site.config)
        plan.settle()
        site.zero()
        busy = load()
        first = process.sync()
        if first["fetched"].get("card") != cards:
            raise Unmeasurable(f"the hub fetched {first['fetched']} of {cards} cards")
        about = {"engine": engine, "cards": cards, "actions": actions, "budget": budget, "load": busy}
        records.add("huge", site=site.stats(), **about, **first)
        say("boards", f"{cards} cards, {actions} actions, {engine}{'' if budget else ', no budget'}: {first['whole_s']:.1f} s, "
            f"{first['peak_mib'] - first['idle_mib']:.0f} MiB over idle, {first['requests']}")  # fmt: skip


def _quiet(plan: Plan, records: Records) -> None:
    """On SQLite alone: requests do not depend on the database."""
    boards = plan.sizes.quiet_boards
    with source("trello", boards=boards, limit=LIMIT) as site, database("sqlite", None) as held, hub(held) as process:
        process.connect_to("trello", site.config)
        site.zero()
        first = process.sync()
        records.add("first", boards=boards, site=site.stats(), **first)
        say("boards", f"first sync of {boards} boards: {first['whole_s']:.1f} s, {sum(first['requests'].values())} requests")
        process.sync()
        for number in range(1, plan.sizes.rounds + 1):
            site.zero()
            measured = process.sync()
            records.add("quiet", round=number, boards=boards, site=site.stats(), **measured)
            say("boards", f"poll {number}: {measured['requests']} in {measured['whole_s']:.2f} s")
