"""A hub in a process of its own that has a backlog of events and delivers it, as `pmo-hub worker` does; prints what that cost.

`python -m benchmarks.deliverer PLAN`, a JSON object: database_url, secret_key, events, fast (a port), silent (ports that never answer).
"""

from __future__ import annotations

import json
import sys
import time
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.records import Measurement
from pmo_hub import bootstrap, log, settings
from pmo_hub.jobs.courier import Courier
from pmo_hub.services import delivering, dispatching, subscriptions
from pmo_hub.services.drafting import Draft
from pmo_hub.services.hub import Hub
from pmo_hub.store.repositories import deliveries, events
from pmo_hub.store.repositories.events import NewEvent

ENTITIES = 10_000
WRITTEN_AT_A_TIME = 5_000
OF_THE_DEAD = 100
"""Enough for each of them to fail and to be left alone, few enough that handing them out costs nothing."""

LOOK_S = 0.25
LONGEST_S = 1_800.0


def resident_mib() -> float:
    text = Path("/proc/self/status").read_text()
    return int(text.partition("VmRSS:")[2].split()[0]) / 1024


def fill(hub: Hub, count: int) -> None:
    """So many events are committed, of ten thousand entities; and a few that only the dead endpoints are to be told."""
    few = [NewEvent("sync.recovered", "connection", f"{n:032}", 1_000_000, {"run_id": f"{n:032}"}) for n in range(OF_THE_DEAD)]
    with hub.work.write() as session:
        events.record_all(session, few, hub.now())
    for start in range(0, count, WRITTEN_AT_A_TIME):
        new = [
            NewEvent("sync.failed", "connection", f"{n % ENTITIES:032}", n // ENTITIES + 1, {"run_id": f"{n:032}", "error": "It failed."})
            for n in range(start, min(count, start + WRITTEN_AT_A_TIME))
        ]
        with hub.work.write() as session:
            events.record_all(session, new, hub.now())


def drain(hub: Hub, fast: str) -> Measurement:
    """Everything is delivered to the fast endpoint by the couriers of one process."""
    courier = Courier(lambda: dispatching.dispatch(hub), partial(delivering.due, hub), partial(delivering.drive, hub), 0.1)
    begun, before = time.perf_counter(), resident_mib()
    placed_s = 0.0
    memory: list[float] = []
    courier.start()
    try:
        while time.perf_counter() - begun < LONGEST_S:
            time.sleep(LOOK_S)
            memory.append(resident_mib())
            with hub.work.read() as session:
                is_placed = not events.has_unplaced(session)
                is_over = is_placed and not deliveries.due(session, fast, hub.now(), 1)
            if is_placed and not placed_s:
                placed_s = time.perf_counter() - begun
            if is_over:
                break
        took = time.perf_counter() - begun
    finally:
        courier.stop(1.0)
    return {"drained_s": took, "placed_s": placed_s, "before_mib": before, **grown(memory)}


def grown(memory: list[float]) -> dict[str, Any]:
    """The peak, and by how much the last quarter is above the second: what starts and warms up is over by then."""
    quarter = max(1, len(memory) // 4)
    return {"peak_mib": max(memory), "growth_mib": max(memory[-quarter:]) - max(memory[quarter : 2 * quarter] or memory)}


def main(plan: dict[str, Any]) -> Measurement:
    log.configure("error", "json")
    given = settings.load(
        database_url=plan["database_url"], secret_key=plan["secret_key"], delivery_allowed_networks="127.0.0.1", environment="development"
    )
    bootstrap.migrate(given)
    with bootstrap.opened(given) as hub:
        fast = subscriptions.create(hub, Draft("fast", f"http://127.0.0.1:{plan['fast']}/", types=("sync.failed",)), "bench").info.stored.id
        for number, port in enumerate(plan["silent"]):
            subscriptions.create(hub, Draft(f"silent {number}", f"http://127.0.0.1:{port}/", types=("sync.recovered",)), "bench")
        fill(hub, plan["events"])
        measured = drain(hub, fast)
    return {"events": plan["events"], "silent": len(plan["silent"]), "per_s": plan["events"] / measured["drained_s"], **measured}


if __name__ == "__main__":
    print(json.dumps(main(json.loads(sys.argv[1]))))
