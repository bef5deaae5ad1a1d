"""A connector's simulated source in a process of its own, which can be told what happens in it.

The argument is JSON: `source` and its sizes. Commands and answers are JSON lines, as of the hub's process.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from benchmarks.records import Measurement
from pmo_hub_dataverse import simulator as dataverse
from pmo_hub_dataverse.simulated_schema import TASKS
from pmo_hub_msproject import simulator as msproject
from pmo_hub_msproject.simulated_organisation import generate
from pmo_hub_planner import simulator as planner
from pmo_hub_trello import simulator as trello
from pmo_hub_trello.simulated_masses import huge_board, quiet_boards

SEED = 5


@dataclass(frozen=True, slots=True)
class Served:
    """`simulator` answers on loopback; `change` does something to one plan or board, another thing each time that it is called."""

    simulator: Any
    config: dict[str, Any]
    change: Callable[[int], object]
    tasks: int


@contextmanager
def _dataverse(plans: int, tasks: int) -> Iterator[Served]:
    with dataverse.serve(SEED, f"{plans}x{tasks}", datetime.now(UTC)) as served:
        rows = served.world.rows[TASKS.set]
        first = next(iter(rows))
        yield Served(served, served.config(), lambda n: served.mutate("rename", first, f"Renamed {n}"), len(rows))


@contextmanager
def _planner(plans: int, tasks: int) -> Iterator[Served]:
    with planner.serve(SEED, f"{plans}x{tasks}", datetime.now(UTC)) as served:
        served.closed.clear()
        held = served.tenant.plans
        first = next(iter(next(iter(held.values())).tasks))
        count = sum(len(plan.tasks) for plan in held.values())
        yield Served(served, served.config(), lambda n: served.mutate("edit", first, title=f"Renamed {n}"), count)


@contextmanager
def _msproject(plans: int, tasks: int) -> Iterator[Served]:
    with msproject.serve(generate(SEED, plans, datetime.now(UTC), tasks)) as served:
        first = served.projects[0]
        yield Served(served, served.config(), lambda n: served.mutate("edit", first, Name=f"Renamed {n}"), plans * tasks)


@contextmanager
def _trello(cards: int = 0, actions: int = 0, boards: int = 0, limit: int = 100) -> Iterator[Served]:
    now = datetime.now(UTC)
    world = quiet_boards(SEED, boards, now) if boards else huge_board(SEED, cards, actions, now)
    simulator = trello.Simulator(world, now)
    simulator.limits.requests = limit
    with trello.serve(simulator) as served:
        first = next(iter(world.cards))
        config = {"api_key": served.key, "token": served.token, "url": served.url}
        yield Served(served, config, lambda n: served.mutate("edit", first, name=f"Renamed {n}"), len(world.cards))


SOURCES: dict[str, Callable[..., Any]] = {"dataverse": _dataverse, "planner": _planner, "msproject": _msproject, "trello": _trello}


def main() -> None:
    given = json.loads(sys.argv[1])
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # whatever prints must not stand between the answers
    with SOURCES[given.pop("source")](**given) as served:
        changes = 0
        answers.write(json.dumps({"config": served.config, "tasks": served.tasks}) + "\n")
        for line in sys.stdin:
            answer: Measurement = {}
            match json.loads(line)["do"]:
                case "change":
                    changes += 1
                    served.change(changes)
                case "zero":
                    served.simulator.stats.clear()
                    if hasattr(served.simulator, "limits"):
                        served.simulator.limits.most = 0
                case "stats":
                    limits = getattr(served.simulator, "limits", None)
                    answer = {"requests": sum(served.simulator.stats.values()), "most_in_10_s": None if limits is None else limits.most}
            answers.write(json.dumps(answer) + "\n")


if __name__ == "__main__":
    main()
