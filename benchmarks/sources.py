"""Connectors' simulated sources, each in a process of its own, as the driver sees them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from benchmarks.answering import Answering, answering
from benchmarks.records import Measurement


class Source:
    """A running simulator. `config` is what a connection to it needs, `tasks` how many plan lines or cards it holds."""

    def __init__(self, process: Answering) -> None:
        self._process = process
        self.config: Mapping[str, Any] = process.hello["config"]
        self.tasks: int = process.hello["tasks"]

    def change(self) -> None:
        """One task of one plan has another name, and the plan is published where that is what shows it."""
        self._process.ask(do="change")

    def zero(self) -> None:
        """Its counters stand at zero."""
        self._process.ask(do="zero")

    def stats(self) -> Measurement:
        """Requests since `zero`; where the source has a budget for ten seconds, the most that were answered within any."""
        return self._process.ask(do="stats")


@contextmanager
def source(name: str, **sizes: int) -> Iterator[Source]:
    """A simulator of that connector's source, on loopback for the length of the block."""
    with answering("benchmarks.source", json.dumps({"source": name, **sizes}), "source.log") as process:
        yield Source(process)
