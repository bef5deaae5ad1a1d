"""A large site with its change history: the first sync's cost and memory, and a re-map of all that it stored."""

from __future__ import annotations

import sqlalchemy as sa

from benchmarks.databases import Database, database
from benchmarks.hub import hub
from benchmarks.machine import load
from benchmarks.plan import Plan, say
from benchmarks.records import Records, Unmeasurable
from benchmarks.site import serving
from pmo_hub.domain.vocabulary import StatusCategory
from pmo_hub.store.engine import create_engine
from pmo_hub.store.models.canonical import WorkItem


def measure(plan: Plan, records: Records) -> None:
    """At half the size and at the whole, so that what grows with it shows; the re-map on the whole."""
    sizes = plan.sizes
    for issues, projects in ((sizes.grown_issues // 2, sizes.grown_projects // 2), (sizes.grown_issues, sizes.grown_projects)):
        with serving(plan.peers, issues, projects) as site:
            for engine in plan.engines:
                with database(engine, plan.cluster) as held:
                    plan.settle()
                    busy = load()
                    with hub(held) as process:
                        process.connect(site.url, history=True)
                        first = process.sync()
                    if first["fetched"].get("issue") != issues:
                        raise Unmeasurable(f"the hub fetched {first['fetched']} of {issues} issues")
                    records.add("first", engine=engine, issues=issues, load=busy, **first)
                    say("growth", f"first sync of {issues} issues with history, {engine}: {first['whole_s']:.1f} s")
                    if issues == sizes.grown_issues:
                        _remap(plan, records, held, issues)


def _remap(plan: Plan, records: Records, held: Database, issues: int) -> None:
    """The most frequent status means something else: every issue is mapped again, and those in it get another row."""
    status, count = _most_frequent(held)
    with hub(held) as process:
        process.rule("status_category", {status: StatusCategory.CANCELLED.value})
        plan.settle()
        busy = load()
        measured = process.sync("remap")
    records.add("remap", engine=held.engine, issues=issues, load=busy, changed_rows=count, **measured)
    say("growth", f"re-map of {issues} issues, {held.engine}: {measured['whole_s']:.1f} s")


def _most_frequent(held: Database) -> tuple[str, int]:
    """The id of the status that most items have which are not cancelled, and how many these are."""
    engine = create_engine(held.url)
    with engine.connect() as connection:
        count = sa.func.count()
        query = sa.select(WorkItem.original_status_id, count).where(WorkItem.status_category != StatusCategory.CANCELLED.value)
        row = connection.execute(query.group_by(WorkItem.original_status_id).order_by(count.desc()).limit(1)).one()
    engine.dispose()
    return str(row[0]), int(row[1])
