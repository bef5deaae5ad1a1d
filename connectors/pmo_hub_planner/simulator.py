"""A simulated Microsoft Graph with Planner on loopback, and `python -m pmo_hub_planner.simulator`."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from pmo_hub.sdk import simulated_serving
from pmo_hub_planner.simulated_service import PlannerSimulator

__all__ = ["PlannerSimulator", "serve", "simulate"]


@contextmanager
def serve(seed: int, size: str | int, now: datetime, **options: Any) -> Iterator[PlannerSimulator]:
    """A generated organisation, served while the context is open."""
    with simulated_serving.serve(PlannerSimulator(seed, size, now, **options)) as simulator:
        yield simulator


@contextmanager
def simulate(seed: int, size: str, now: datetime) -> Iterator[PlannerSimulator]:
    """The demo's way in (entry point `planner` of group pmo_hub.simulators)."""
    with serve(seed, size, now) as simulator:
        yield simulator


def main(arguments: list[str] | None = None) -> None:
    """Serves a generated organisation until it is stopped."""
    parser = argparse.ArgumentParser(prog="pmo_hub_planner.simulator", description="A simulated Microsoft Graph with Planner.")
    parser.add_argument("--port", type=int, default=8930)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--size", default="small", help="small, medium, a number of tasks, or plans x tasks a plan such as 500x400")
    parser.add_argument("--now", type=datetime.fromisoformat, help="the instant that the plans are read at (default: the present)")
    wanted = parser.parse_args(arguments)
    now = wanted.now or datetime.now(UTC)
    simulator = PlannerSimulator(wanted.seed, wanted.size, now if now.tzinfo else now.replace(tzinfo=UTC))
    simulated_serving.run(
        simulator, wanted.port, lambda: f"simulated Graph: {len(simulator.projects)} plans, config {simulator.config()} on {simulator.url}"
    )


if __name__ == "__main__":
    main()
