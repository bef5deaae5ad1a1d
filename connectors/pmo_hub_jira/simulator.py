"""A simulated Jira Cloud on loopback: serving it in a thread, and `python -m pmo_hub_jira.simulator`.

Control while it runs, besides what every simulator has (pmo_hub.sdk.simulated_serving): /_sim/settings with a rate of random faults and
limits, /_sim/webhooks (POST), /_sim/log (GET).
"""
from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from pmo_hub.sdk import simulated_serving
from pmo_hub.sdk.simulated_serving import Controls
from pmo_hub_jira.simulated_organisation import generate
from pmo_hub_jira.simulated_service import Simulator
from pmo_hub_jira.simulated_site import Site

__all__ = ["Simulator", "generate", "serve", "simulate"]


def _controls(simulator: Simulator) -> Controls:
    """What the simulated Jira can be told besides."""

    def settle(wanted: dict[str, Any]) -> Any:
        simulator.latency_s = wanted.get("latency_ms", simulator.latency_s * 1000) / 1000
        if "fault_rate" in wanted:
            simulator.fault_at_random(wanted["fault_rate"], wanted.get("fault_seed", 1))
        for name, value in wanted.get("limits", {}).items():
            setattr(simulator.limits, name, int(value))
        return {"latency_ms": simulator.latency_s * 1000, "fault_rate": simulator.fault_rate}

    def mutate(wanted: dict[str, Any]) -> Any:
        done = simulator.mutate(wanted.pop("do"), *wanted.pop("arguments", ()), **wanted)
        return {"id": getattr(done, "id", None), "key": getattr(done, "key", None)}

    def subscribe(wanted: dict[str, Any]) -> Any:
        simulator.hooks.subscribe(wanted["url"], wanted.get("secret"), at_once=True)
        return {}

    def log(_: dict[str, Any]) -> Any:
        return [{"method": entry.method, "path": entry.path, "query": entry.query, "body_names": entry.body_names, "status": entry.status}
                for entry in simulator.log]

    return {("POST", "settings"): settle, ("POST", "mutations"): mutate, ("POST", "webhooks"): subscribe, ("GET", "log"): log}


@contextmanager
def serve(site: Site | Simulator, port: int = 0, **options: Any) -> Iterator[Simulator]:
    """Serves the site on loopback from a daemon thread; `url` of what it yields says where. Options are Simulator's."""
    simulator = site if isinstance(site, Simulator) else Simulator(site, **options)
    with simulated_serving.serve(simulator, port, controls=_controls(simulator)):
        yield simulator


@contextmanager
def simulate(seed: int, size: str, now: datetime) -> Iterator[Simulator]:
    """The demo's way in (entry point `jira` of group pmo_hub.simulators): a generated organisation, served while the context is open."""
    with serve(generate(seed, size, now)) as simulator:
        yield simulator


def main(arguments: list[str] | None = None) -> None:
    """Serves a generated organisation until it is stopped."""
    parser = argparse.ArgumentParser(prog="pmo_hub_jira.simulator", description="A simulated Jira Cloud on loopback.")
    parser.add_argument("--port", type=int, default=8900)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--size", default="small", help="small, medium or a number of issues")
    parser.add_argument("--now", type=datetime.fromisoformat, help="the instant that the history ends at (default: the present)")
    parser.add_argument("--awkward", action="store_true", help="add a project full of odd data")
    parser.add_argument("--latency-ms", type=float, default=0.0)
    parser.add_argument("--fault-rate", type=float, default=0.0)
    wanted = parser.parse_args(arguments)
    now = wanted.now or datetime.now(UTC)
    simulator = Simulator(generate(wanted.seed, wanted.size, now if now.tzinfo else now.replace(tzinfo=UTC), wanted.awkward))
    simulator.latency_s = wanted.latency_ms / 1000
    simulator.fault_at_random(wanted.fault_rate, wanted.seed)
    simulated_serving.run(
        simulator, wanted.port, lambda: f"simulated Jira: {len(simulator.world.issues)} issues in {len(simulator.projects)} projects on "
        f"{simulator.url}, user {simulator.email}, token {simulator.token}", controls=_controls(simulator))


if __name__ == "__main__":
    main()
