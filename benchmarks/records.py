"""What was measured, as JSON lines: one file a part, its first line tells the machine, the sizes and the commit."""

from __future__ import annotations

import json
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Measurement = dict[str, Any]


class Unmeasurable(Exception):
    """A part can't be measured here; the text is one sentence that says why and what to do."""


class Records:
    """The lines of one part; a new run of the part replaces its old ones."""

    def __init__(self, folder: Path, part: str, header: Measurement) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._file = folder / f"{part}.jsonl"
        self._file.write_text(json.dumps({"header": True, "part": part, **header}) + "\n")

    def add(self, side: str, **values: Any) -> None:
        with self._file.open("a") as out:
            out.write(json.dumps({"side": side, **values}) + "\n")


@dataclass(frozen=True, slots=True)
class Part:
    """One part's header and its measurements, in the order in which they were made."""

    header: Measurement
    measurements: Sequence[Measurement]

    def of(self, side: str, **equal: Any) -> list[Measurement]:
        return [m for m in self.measurements if m["side"] == side and all(m.get(name) == value for name, value in equal.items())]


def read(folder: Path, part: str) -> Part | None:
    """The part's last run; None where it never ran."""
    file = folder / f"{part}.jsonl"
    if not file.exists():
        return None
    header, *rest = (json.loads(line) for line in file.read_text().splitlines())
    return Part(header, rest)


@dataclass(frozen=True, slots=True)
class Spread:
    median: float
    low: float
    high: float


def spread(values: Iterable[float]) -> Spread | None:
    """None of no values."""
    held = sorted(values)
    return Spread(statistics.median(held), held[0], held[-1]) if held else None
