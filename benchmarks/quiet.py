"""What a poll of a great many quiet projects costs in requests."""

from __future__ import annotations

from benchmarks.databases import database
from benchmarks.hub import hub
from benchmarks.plan import Plan, say
from benchmarks.records import Records
from benchmarks.site import serving

ISSUES_A_PROJECT = 5


def measure(plan: Plan, records: Records) -> None:
    """On SQLite alone: requests do not depend on the database."""
    projects = plan.sizes.quiet_projects
    with serving(plan.peers, projects * ISSUES_A_PROJECT, projects) as site, database("sqlite", None) as held, hub(held) as process:
        process.connect(site.url)
        first = process.sync()
        say("quiet", f"first sync of {projects} projects: {first['whole_s']:.1f} s, {sum(first['requests'].values())} requests")
        records.add("first", projects=projects, **first)
        site.touch(1, 1)  # its clock moves on, so that the polls measured are past the overlap with the first reading
        process.sync()
        for number in range(1, plan.sizes.rounds + 1):
            site.zero()
            measured = process.sync()
            records.add("hub", round=number, projects=projects, site_requests=site.requests(), **measured)
            say("quiet", f"poll {number}: {measured['requests']} in {measured['whole_s']:.2f} s")
