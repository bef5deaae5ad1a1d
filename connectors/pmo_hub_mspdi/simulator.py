"""The organisation's plans in files, for the demo: nothing answers on a port here, somebody uploads."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from pmo_hub_mspdi.simulated_plans import plan_files


@dataclass(frozen=True, slots=True)
class SimulatedFiles:
    """`files` are what a person would upload, by name."""

    files: Mapping[str, bytes]

    @property
    def url(self) -> str:
        return f"{len(self.files)} files"

    @property
    def projects(self) -> Sequence[str]:
        return tuple(self.files)

    def config(self) -> Mapping[str, str]:
        return {"time_zone": "Europe/Berlin"}


@contextmanager
def simulate(seed: int, size: str, now: datetime) -> Iterator[SimulatedFiles]:
    """The demo's way in (entry point `mspdi` of group pmo_hub.simulators)."""
    yield SimulatedFiles(plan_files(seed, size, now))
