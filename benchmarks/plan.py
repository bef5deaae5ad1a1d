"""What a run of the benchmarks is to measure, and with what."""

from __future__ import annotations

import sys
import time
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

from benchmarks.databases import Cluster
from benchmarks.peers import Peers


@dataclass(frozen=True, slots=True)
class Sizes:
    """The defaults are those that the aims are stated for."""

    rounds: int = 3
    issues: int = 20_000
    projects: int = 50
    large_issues: int = 200_000
    large_projects: int = 500
    quiet_projects: int = 1_000
    touches: int = 5
    touched: int = 200
    latency_ms: int = 50
    grown_issues: int = 100_000
    grown_projects: int = 250
    connections: int = 32
    deliveries: int = 100_000
    seconds: int = 5
    plans: int = 500
    plan_tasks: int = 400
    file_tasks: int = 50_000
    cards: int = 20_000
    actions: int = 100_000
    quiet_boards: int = 100


@dataclass(frozen=True, slots=True)
class Plan:
    """`cluster` None: there is no PostgreSQL, so SQLite is measured alone and dlt, which writes to PostgreSQL, not at all."""

    peers: Peers
    cluster: Cluster | None
    sizes: Sizes

    @property
    def engines(self) -> tuple[str, ...]:
        return ("sqlite",) if self.cluster is None else ("sqlite", "postgresql")

    def dlt_allowed(self) -> AbstractContextManager[None]:
        """What dlt leaves behind in its own schemas is gone after the block."""
        return nullcontext() if self.cluster is None else self.cluster.with_dlt()

    def settle(self) -> None:
        """No measurement pays for what the one before it has left to be written."""
        if self.cluster is not None:
            self.cluster.settle()


def say(part: str, *words: Any) -> None:
    """Progress, for whoever waits."""
    print(time.strftime("%H:%M:%S"), f"{part}:", *words, file=sys.stderr, flush=True)
