"""The figures of plans, of a huge plan in a file, and of boards."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from benchmarks.figures import Figure
from benchmarks.records import Measurement, Part, spread
from pmo_hub.sdk.contract import RateLimit
from pmo_hub_dataverse.connector import DataverseConnector
from pmo_hub_msproject.connector import MsProjectConnector
from pmo_hub_planner.connector import PlannerConnector
from pmo_hub_trello.connector import TrelloConnector

ENGINES = ("sqlite", "postgresql")
OVER_IDLE_MIB = 96
QUIET_BOARDS_REQUESTS = 12
CONNECTORS: dict[str, tuple[str, RateLimit]] = {
    "dataverse": ("Planner Premium", DataverseConnector.rate_limit),
    "planner": ("Planner", PlannerConnector.rate_limit),
    "msproject": ("Project Server", MsProjectConnector.rate_limit),
}


def _over(measured: Measurement) -> float:
    return float(measured["peak_mib"] - measured["idle_mib"])


def _requests(measured: Measurement) -> int:
    return sum(measured["requests"].values())


def _budget(measured: Measurement, limit: RateLimit) -> str:
    """What the connector's budget allows at best, beside what it took."""
    # A full bucket lets the first ones pass at once.
    floor = max(0.0, (_requests(measured) - limit.requests) * limit.per_s / limit.requests)
    bound = "the budget bounds it" if floor > measured["whole_s"] / 2 else "the hub bounds it"
    return f"{_requests(measured)} requests, not below {floor:.0f} s under the budget of {limit.requests} in {limit.per_s:g} s: {bound}"


def _memory(id: str, engine: str, what: str, measured: Measurement) -> Figure:
    over = _over(measured)
    return Figure(
        id, engine, f"{what}: memory over idle (idle is {measured['idle_mib']:.0f} MiB)", f"≤ {OVER_IDLE_MIB} MiB", f"{over:.0f} MiB", "",
        over <= OVER_IDLE_MIB,
    )  # fmt: skip


def _timed(id: str, engine: str, what: str, found: list[Measurement]) -> Iterator[Figure]:
    """Seconds and CPU to the end, and requests, over the rounds."""
    took, cpu = spread(m["whole_s"] for m in found), spread(m["whole_cpu_s"] for m in found)
    if took is not None and cpu is not None:
        requests = max(map(_requests, found))
        measured = f"{took.median:.2f} s, {cpu.median:.2f} s of CPU, {requests} requests"
        yield Figure(id, engine, what, "", measured, f"{took.low:.2f} s – {took.high:.2f} s")


def _plans(part: Part) -> Iterator[Figure]:
    for connector, (title, limit) in CONNECTORS.items():
        for engine in ENGINES:
            for first in part.of("first", connector=connector, engine=engine):
                tasks = first["tasks"]
                what = f"{title}, {first['plans']} plans with {tasks} tasks: first sync"
                measured = (
                    f"{first['whole_s']:.0f} s ({tasks / first['whole_s']:.0f} tasks a second, "
                    f"{first['whole_cpu_s'] / tasks * 1000:.3f} s of CPU per 1,000 tasks; {_budget(first, limit)})"
                )
                yield Figure(f"plans.{connector}.first", engine, what, "", measured)
                yield _memory(f"plans.{connector}.memory", engine, what, first)
            for side, words in (("changed", "poll after one task of one plan was changed"), ("quiet", "quiet poll")):
                found = part.of(side, connector=connector, engine=engine)
                if found:
                    what = f"{title}, {words}, {found[0]['plans']} plans: to the end"
                    yield from _timed(f"plans.{connector}.{side}", engine, what, found)
    yield from _files(part)


def _files(part: Part) -> Iterator[Figure]:
    for engine in ENGINES:
        over = {}
        for first in part.of("file", engine=engine):
            tasks = first["tasks"]
            over[tasks] = _over(first)
            what = f"A Microsoft Project file of {tasks} tasks ({first['bytes'] / 2**20:.0f} MiB)"
            measured = f"{first['whole_s']:.1f} s ({tasks / first['whole_s']:.0f} tasks a second), {first['whole_cpu_s']:.1f} s of CPU"
            yield Figure("file.first", engine, f"{what}: first import", "", measured)
            yield _memory("file.memory", engine, f"{what}: first import", first)
            for again in part.of("file_again", engine=engine, tasks=tasks):
                yield Figure(
                    "file.again", engine, f"{what}: the same bytes again", "0 rows",
                    f"{sum(again['changed'].values())} rows ({again['whole_s']:.2f} s)", "", not again["changed"],
                )  # fmt: skip
            for edited in part.of("file_edited", engine=engine, tasks=tasks):
                changed = edited["changed"].get("task", 0)
                measured = f"{edited['whole_s']:.1f} s, {edited['whole_cpu_s']:.1f} s of CPU"
                yield Figure("file.edited", engine, f"{what}: a newer file in which {changed} tasks differ", "", measured)
                yield _memory("file.edited.memory", engine, f"{what}: the newer file", edited)
        yield from _growth("file.growth", engine, "Microsoft Project files: memory over idle", "tasks", over)


def _growth(id: str, engine: str, what: str, unit: str, over: dict[int, float]) -> Iterator[Figure]:
    if len(over) == 2:
        (few, least), (many, most) = sorted(over.items())
        yield Figure(id, engine, f"{what}, at {many} {unit} more than at {few}", "", f"{most - least:.1f} MiB")


def _boards(part: Part) -> Iterator[Figure]:
    for engine in ENGINES:
        over = {}
        for first in part.of("huge", engine=engine, budget=True):
            cards = first["cards"]
            over[cards] = _over(first)
            what = f"A board of {cards} cards and {first['actions']} actions: first sync"
            rate = (cards + first["actions"]) / first["whole_s"]
            yield Figure(
                "board.first", engine, what, "",
                f"{first['whole_s']:.0f} s ({rate:.0f} objects a second, {first['whole_cpu_s']:.1f} s of CPU; "
                f"{_budget(first, TrelloConnector.rate_limit)})",
            )  # fmt: skip
            yield _memory("board.memory", engine, what, first)
            most = first["site"]["most_in_10_s"]
            yield Figure("board.limit", engine, f"{what}: most requests in 10 s", "≤ 100", str(most), "", most <= 100)
            for free in part.of("huge", engine=engine, budget=False, cards=cards):
                yield Figure("board.free", engine, f"{what}, without any budget", "", f"{free['whole_s']:.0f} s")
        yield from _growth("board.growth", engine, "Huge boards: memory over idle", "cards", over)
    polls = part.of("quiet")
    if polls:
        apart = ("sign_in", "reference")
        asked = max(sum(n for kind, n in m["requests"].items() if kind not in apart) for m in polls)
        rest = max(map(_requests, polls)) - asked
        what = f"A quiet poll of {polls[0]['boards']} boards"
        yield Figure(
            "boards.quiet", "sqlite", f"{what}: requests", f"≤ {QUIET_BOARDS_REQUESTS}",
            f"{asked}, apart from {rest} for signing in and reference data", "", asked <= QUIET_BOARDS_REQUESTS,
        )  # fmt: skip
        yield from _timed("boards.quiet.whole", "sqlite", f"{what}: to the end", polls)


BY_PART: dict[str, Callable[[Part], Iterator[Figure]]] = {"plans": _plans, "boards": _boards}
