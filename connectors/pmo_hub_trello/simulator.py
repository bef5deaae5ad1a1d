"""A simulated Trello on loopback: serving it in a thread, and `python -m pmo_hub_trello.simulator`.

Control while it runs: pmo_hub.sdk.simulated_serving; /_sim/stats tells the most requests in ten seconds besides.
"""
from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from pmo_hub.sdk import simulated_serving
from pmo_hub.sdk.simulated_serving import Controls
from pmo_hub_trello.simulated_organisation import generate
from pmo_hub_trello.simulated_service import Simulator
from pmo_hub_trello.simulated_world import World

__all__ = ["Simulator", "generate", "serve", "simulate"]

BASE = "/1"


def _controls(simulator: Simulator) -> Controls:
    """What the simulated Trello answers in its own way."""

    def mutate(wanted: dict[str, Any]) -> Any:
        done = simulator.mutate(wanted.pop("do"), *wanted.pop("arguments", ()), **wanted)
        return {"id": done["id"] if isinstance(done, dict) else done}

    def stats(_: dict[str, Any]) -> Any:
        return {"requests": sum(simulator.stats.values()), "by_operation": dict(simulator.stats), "most": simulator.limits.most}

    return {("POST", "mutations"): mutate, ("GET", "stats"): stats}


@contextmanager
def serve(simulator: Simulator, port: int = 0) -> Iterator[Simulator]:
    """Serves it on loopback from a daemon thread; `url` of what it yields says where."""
    with simulated_serving.serve(simulator, port, BASE, _controls(simulator)):
        yield simulator


@contextmanager
def simulate(seed: int, size: str, now: datetime) -> Iterator[Simulator]:
    """The demo's way in (entry point `trello` of group pmo_hub.simulators): a generated organisation, served while the context is open."""
    with serve(Simulator(generate(seed, size, now), now)) as simulator:
        yield simulator


def main(arguments: list[str] | None = None) -> None:
    """Serves a generated organisation, or one huge board, until it is stopped."""
    parser = argparse.ArgumentParser(prog="pmo_hub_trello.simulator", description="A simulated Trello on loopback.")
    parser.add_argument("--port", type=int, default=8901)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--size", default="small", help="small, medium or a number of cards; CARDSxACTIONS for one huge board")
    parser.add_argument("--boards", type=int, default=0, help="so many quiet boards instead")
    parser.add_argument("--limit", type=int, default=100, help="requests that the token may send in ten seconds; 0: as many as it likes")
    parser.add_argument("--now", type=datetime.fromisoformat, help="the instant that the history ends at (default: the present)")
    wanted = parser.parse_args(arguments)
    now = wanted.now or datetime.now(UTC)
    now = now if now.tzinfo else now.replace(tzinfo=UTC)
    simulator = Simulator(_world(wanted.seed, wanted.size, wanted.boards, now), now)
    simulator.limits.requests = wanted.limit
    told = f"{len(simulator.world.cards)} cards on {len(simulator.world.boards)} boards, key {simulator.key}, token {simulator.token}"
    simulated_serving.run(simulator, wanted.port, lambda: f"simulated Trello at {simulator.url}: {told}", BASE, _controls(simulator))


def _world(seed: int, size: str, boards: int, now: datetime) -> World:
    from pmo_hub_trello.simulated_masses import huge_board, quiet_boards

    if boards:
        return quiet_boards(seed, boards, now)
    cards, _, actions = size.partition("x")
    return huge_board(seed, int(cards), int(actions), now) if actions else generate(seed, size, now)


if __name__ == "__main__":
    main()
