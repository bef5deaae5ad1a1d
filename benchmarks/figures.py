"""The figures out of what was measured: each with its aim, its spread over the rounds, and whether the aim is met."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from benchmarks.records import Measurement, Part, Spread, spread
from pmo_hub_jira.connector import JiraConnector


@dataclass(frozen=True, slots=True)
class Figure:
    """`met` None: there is no aim, the figure is reported beside. `numbers` fill the words of bounds.py."""

    id: str
    engine: str
    name: str
    aim: str
    measured: str
    rounds: str = ""
    met: bool | None = None
    numbers: Mapping[str, Any] = field(default_factory=dict)


def _ratios(above: list[Measurement], over: str, below: list[Measurement], under: str) -> tuple[float, Spread] | None:
    """The ratio of the medians, and the spread of the ratios of the rounds, whose sides were measured next to each other."""
    first, second = spread(m[over] for m in above), spread(m[under] for m in below)
    rounds = {m["round"]: m[over] for m in above}
    paired = spread(rounds[m["round"]] / m[under] for m in below if m["round"] in rounds)
    if first is None or second is None or paired is None:
        return None
    return first.median / second.median, paired


def _seconds(found: list[Measurement], name: str) -> str:
    held = spread(m[name] for m in found if m.get(name) is not None)
    return "–" if held is None else f"{held.median:.2f} s"


def _first_sync(part: Part, id: str, what: str, share_aim: float, dlt_aim: float) -> Iterator[Figure]:
    for engine in ("sqlite", "postgresql"):
        ours, pipe, dlt = part.of("hub", engine=engine), part.of("pipe", engine=engine), part.of("dlt")
        free = part.of("hub_unbudgeted", engine=engine)
        if not ours:
            continue
        took = f"{_seconds(ours, 'state_s')} against"
        requests = round(sum(sum(m["requests"].values()) for m in ours) / len(ours))
        budget = JiraConnector.rate_limit
        numbers = {
            "requests": requests,
            "rate": f"{budget.requests / budget.per_s:g}",
            # A full bucket lets the first ones pass at once.
            "floor": f"{max(0.0, (requests - budget.requests) * budget.per_s / budget.requests):.1f} s",
            "batches": round(sum(m["batches"] for m in ours) / len(ours)),
            "unbudgeted": _seconds(free, "state_s"),
            "listing": _seconds(ours, "listing_s"),
            "cpu": _seconds(ours, "state_cpu_s"),
        }
        for side, yardstick, name, aim, number in (
            (pipe, "the limit pipe", "share of the limit pipe's speed", share_aim, "share"),
            (dlt, "dlt", "times dlt's speed", dlt_aim, "dlt"),
        ):
            ratio = _ratios(side, "wall_s", ours, "state_s")
            if ratio is not None:
                value, rounds = ratio
                shape = "{:.0%}" if number == "share" else "{:.1f} ×"
                yield Figure(
                    f"{id}.{number}", engine, f"{what}: {name}", f"≥ {shape.format(aim)}",
                    f"{shape.format(value)} ({took} {_seconds(side, 'wall_s')} of {yardstick})",
                    f"{shape.format(rounds.low)} – {shape.format(rounds.high)}", value >= aim, numbers,
                )  # fmt: skip
        yield from _cost(id, what, engine, ours, id == "first", numbers)
        yield from _plain(f"{id}.whole", engine, f"{what}: to the end, with derived rows, facts and checks", ours, "whole_s", "{:.2f} s")
        yield from _plain(f"{id}.listing", engine, f"{what}: until the first issue is asked for", ours, "listing_s", "{:.2f} s")
        yield from _plain(f"{id}.free", engine, f"{what}: without the connector's budget of requests a second", free, "state_s", "{:.2f} s")


def _cost(id: str, what: str, engine: str, ours: list[Measurement], judged: bool, numbers: Mapping[str, Any]) -> Iterator[Figure]:
    for name, words in (("state_cpu_s", "to the last commit of rows and state"), ("whole_cpu_s", "to the end, with derived rows, facts")):
        cpu = spread(m[name] / m["issues"] * 1000 for m in ours)
        if cpu is not None:
            aimed = judged and name == "state_cpu_s"
            yield Figure(
                f"{id}.cpu", engine, f"{what}: client CPU per 1,000 issues, {words}", "≤ 0.10 s" if aimed else "", f"{cpu.median:.3f} s",
                f"{cpu.low:.3f} – {cpu.high:.3f} s", cpu.median <= 0.10 if aimed else None, numbers,
            )  # fmt: skip


def _plain(id: str, engine: str, name: str, found: list[Measurement], key: str, shape: str) -> Iterator[Figure]:
    held = spread(m[key] for m in found if m.get(key) is not None)
    if held is not None:
        yield Figure(id, engine, name, "", shape.format(held.median), f"{shape.format(held.low)} – {shape.format(held.high)}")


def _ingest(part: Part) -> Iterator[Figure]:
    yield from _first_sync(part, "first", "First sync", 0.30, 3.5)


def _latency(part: Part) -> Iterator[Figure]:
    what = f"First sync, {part.header['sizes']['latency_ms']} ms an answer"
    yield from _first_sync(part, "latency", what, 0.60, 6.0)
    for engine in ("sqlite", "postgresql"):
        ours = part.of("hub", engine=engine)
        mean, budget = spread(m["mean_in_flight"] for m in ours), JiraConnector.rate_limit.concurrency
        if mean is not None:
            yield Figure(
                "latency.flight", engine, f"{what}: requests in flight, in the mean and at most, of {budget} allowed", f"≤ {budget}",
                f"{mean.median:.1f}, {max(m['most_in_flight'] for m in ours)}", f"{mean.low:.1f} – {mean.high:.1f}",
                max(m["most_in_flight"] for m in ours) <= budget,
            )  # fmt: skip


def _history(part: Part) -> Iterator[Figure]:
    for engine in ("sqlite", "postgresql"):
        ours = part.of("hub", engine=engine)
        if ours:
            what = f"First sync with history ({ours[0]['fetched'].get('history', 0)} entries)"
            yield from _plain("history.state", engine, f"{what}: to the last commit of rows and state", ours, "state_s", "{:.2f} s")
            yield from _plain("history.whole", engine, f"{what}: to the end", ours, "whole_s", "{:.2f} s")
            yield from _cost("history", what, engine, ours, False, {})


def _growth(part: Part) -> Iterator[Figure]:
    for engine in ("sqlite", "postgresql"):
        over = {}
        for first in part.of("first", engine=engine):
            issues, entries = first["issues"], first["fetched"].get("history", 0)
            over[issues] = first["peak_mib"] - first["idle_mib"]
            yield Figure(
                "growth.first", engine, f"First sync of {issues} issues with {entries} history entries: to the last commit, and to the end",
                "", f"{first['state_s']:.0f} s, {first['whole_s']:.0f} s ({issues / first['state_s']:.0f} issues a second)",
            )  # fmt: skip
        if len(over) == 2:
            (few, least), (many, most) = sorted(over.items())
            yield Figure(
                "growth.memory", engine, f"First sync with history: memory over idle at {many} issues, and how much more than at {few}",
                "≤ 8 MiB more", f"{most:.0f} MiB, {most - least:.1f} MiB more", "", most - least <= 8,
            )  # fmt: skip
        for again in part.of("remap", engine=engine):
            yield Figure(
                "growth.remap", engine, f"Re-map of {again['issues']} issues, {again['changed_rows']} of which change: to the end",
                "0 requests", f"{again['whole_s']:.0f} s ({again['issues'] / again['whole_s']:.0f} issues a second), "
                f"{sum(again['requests'].values())} requests, {again['peak_mib'] - again['idle_mib']:.0f} MiB over idle", "",
                not again["requests"],
            )  # fmt: skip


def _incremental(part: Part) -> Iterator[Figure]:
    sizes = part.header["sizes"]
    for engine in ("sqlite", "postgresql"):
        yield from _memory(part, engine)
        small, large = part.of("hub", size="small", engine=engine), part.of("hub", size="large", engine=engine)
        if not small:
            continue
        touched = small[0]["touched"]
        asked = [m["requests"].get("issues", 0) + m["requests"].get("count", 0) for m in small]
        apart = [sum(m["requests"].values()) - a for m, a in zip(small, asked, strict=True)]
        most = touched / 100 + 2
        yield Figure(
            "poll.requests", engine, f"Poll after {touched} touched in {sizes['projects']} projects: requests", f"≤ {most:g}",
            f"{max(asked)}, apart from {max(apart)} for signing in, reference data and the two feeds of worklogs", "", max(asked) <= most,
        )  # fmt: skip
        ratio = _ratios(small, "state_s", part.of("dlt"), "wall_s")
        if ratio is not None:
            value, rounds = ratio
            yield Figure(
                "poll.dlt", engine, "Poll: lease to the commit of the new state, share of dlt's time", "≤ 25 %",
                f"{value:.1%} ({_ms(small, 'state_s')} against {_ms(part.of('dlt'), 'wall_s')} of dlt)",
                f"{rounds.low:.1%} – {rounds.high:.1%}", value <= 0.25,
                {"asking": _ms(small, "asking_s"), "cpu": _ms(small, "state_cpu_s")},
            )  # fmt: skip
        ratio = _ratios(large, "state_s", small, "state_s")
        if ratio is not None:
            value, rounds = ratio
            yield Figure(
                "poll.large", engine, f"Poll with {sizes['large_issues']} issues in {sizes['large_projects']} projects stored, against "
                f"{sizes['issues']} in {sizes['projects']}", "≤ 1.3 ×",
                f"{value:.2f} × ({_ms(large, 'state_s')} against {_ms(small, 'state_s')})",
                f"{rounds.low:.2f} – {rounds.high:.2f} ×", value <= 1.3,
                {"asking": _ms(large, "asking_s"), "asking_small": _ms(small, "asking_s"), "cpu": _ms(large, "state_cpu_s"),
                 "cpu_small": _ms(small, "state_cpu_s")},
            )  # fmt: skip
        for size, found in (("small", small), ("large", large)):
            yield from _plain(f"poll.{size}.whole", engine, f"Poll of the {size} site: to the end, with derived rows and facts", found,
                              "whole_s", "{:.3f} s")  # fmt: skip
        yield from _equal(part, engine)
        for held in part.of("unchanged", engine=engine):
            what = {"poll": "A poll without a change", "full": "A full read of unchanged data"}[held["what"]]
            yield Figure(
                f"unchanged.{held['what']}", engine, f"{what}: tables written of {held['tables']} canonical, payload and history ones", "0",
                f"{len(held['wrote'])}{' (' + ', '.join(held['wrote']) + ')' if held['wrote'] else ''}", "", not held["wrote"],
            )  # fmt: skip


def _ms(found: list[Measurement], name: str) -> str:
    held = spread(m[name] for m in found if m.get(name) is not None)
    return "–" if held is None else f"{held.median * 1000:.0f} ms"


def _memory(part: Part, engine: str) -> Iterator[Figure]:
    over = {}
    for size in ("small", "large"):
        for first in part.of("hub_first", size=size, engine=engine):
            over[size] = first["peak_mib"] - first["idle_mib"]
            words = f"Memory: peak over idle (idle is {first['idle_mib']:.0f} MiB), {first['issues']} issues"
            aim = 96 if size == "small" else None
            yield Figure(
                f"memory.{size}", engine, words, f"≤ {aim} MiB" if aim else "",
                f"{over[size]:.1f} MiB ({first['peak_reading_mib'] - first['idle_mib']:.1f} MiB until the last commit of rows and state; "
                f"{max(0.0, first['mapped_files_mib']):.1f} MiB at the end are mapped files)", "",
                over[size] <= aim if aim else None,
            )  # fmt: skip
    if len(over) == 2:
        more = over["large"] - over["small"]
        sizes = part.header["sizes"]
        name = f"Memory: more at {sizes['large_issues']} issues than at {sizes['issues']}"
        yield Figure("memory.growth", engine, name, "≤ 8 MiB", f"{more:.1f} MiB", "", more <= 8)


def _equal(part: Part, engine: str) -> Iterator[Figure]:
    for size, issues in (("small", part.header["sizes"]["issues"]), ("large", part.header["sizes"]["large_issues"])):
        found = part.of("compared", size=size, engine=engine)
        if found:
            wrong = [m for m in found if m["different"] or m["issues"] != issues]
            when = "each touch" if len(found) > 1 else "the last touch"
            yield Figure(
                "poll.equal", engine, f"After {when}, rows that differ from the source's {found[0]['issues']} issues", "0",
                str(sum(len(m["different"]) for m in found)), "", not wrong,
            )  # fmt: skip


def _quiet(part: Part) -> Iterator[Figure]:
    polls = part.of("hub")
    asked = max(sum(m["requests"].get(kind, 0) for kind in ("issues", "count", "worklogs")) for m in polls)
    apart = max(sum(m["requests"].values()) for m in polls) - asked
    yield Figure(
        "quiet.requests", "sqlite", f"A quiet poll of {polls[0]['projects']} projects: requests", "≤ 20",
        f"{asked}, apart from {apart} for signing in and reference data", "", asked <= 20,
    )  # fmt: skip
    yield from _plain("quiet.whole", "sqlite", f"A quiet poll of {polls[0]['projects']} projects: seconds", polls, "whole_s", "{:.2f} s")


def _reads(part: Part) -> Iterator[Figure]:
    peer = part.of("datasette")
    for engine in ("sqlite", "postgresql"):
        for what in ("work item", "project health"):
            ours = part.of("hub", engine=engine, what=what)
            ratio = _ratios(ours, "rps", peer, "rps")
            if ratio is not None:
                value, rounds = ratio
                yield Figure(
                    f"reads.{what.replace(' ', '_')}", engine, f"Read: {what}, times Datasette's row by key", "≥ 1.5 × (goal 3 ×)",
                    f"{value:.2f} × ({_rate(ours)} against {_rate(peer)})", f"{rounds.low:.2f} – {rounds.high:.2f} ×", value >= 1.5,
                )  # fmt: skip


def _deliveries(part: Part) -> Iterator[Figure]:
    count = part.header["sizes"]["deliveries"]
    for engine in ("sqlite", "postgresql"):
        for one in part.of("backlog", engine=engine):
            yield Figure(
                "deliveries.backlog", engine, f"A backlog of {count:,} events, delivered to one fast endpoint", "",
                f"{one['per_s']:.0f}/s ({one['drained_s']:.0f} s, positions given after {one['placed_s']:.0f} s)",
            )  # fmt: skip
            yield Figure(
                "deliveries.memory", engine, "Memory of the last quarter of that above the second", "≤ 16 MiB",
                f"{one['growth_mib']:.1f} MiB (peak {one['peak_mib']:.0f} MiB)", "", one["growth_mib"] <= 16,
            )  # fmt: skip
        ratio = _ratios(part.of("beside", engine=engine), "per_s", part.of("alone", engine=engine), "per_s")
        if ratio is not None:
            value, rounds = ratio
            yield Figure(
                "deliveries.beside", engine, "Deliveries a second with 10 dead endpoints beside, as a share of those without", "≥ 80%",
                f"{value:.0%}", f"{rounds.low:.0%} – {rounds.high:.0%}", value >= 0.8,
            )  # fmt: skip


def _rate(found: list[Measurement]) -> str:
    rps, p50, p99 = (spread(m[name] for m in found) for name in ("rps", "p50_ms", "p99_ms"))
    if rps is None or p50 is None or p99 is None:
        return "–"
    return f"{rps.median:.0f}/s, p50 {p50.median:.1f} ms, p99 {p99.median:.1f} ms"


BY_PART: dict[str, Callable[[Part], Iterator[Figure]]] = {
    "ingest": _ingest, "latency": _latency, "history": _history, "incremental": _incremental, "growth": _growth, "quiet": _quiet,
    "reads": _reads, "deliveries": _deliveries,
}  # fmt: skip
