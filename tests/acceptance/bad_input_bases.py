"""Where tests of bad input start, and what comes of it when nothing is ever wrong."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from pmo_hub.services import sync
from tests.acceptance.bad_input_databases import Databases
from tests.acceptance.bad_input_estate import AFTER, LATER, START, Estate, changed, patched, served
from tests.ports import free_port

WHOLE = "synced, then read in full"
"""An issue shows words of others (a parent's title) that change without its own time of change: only a full reading brings these."""

Content = dict[str, list[str]]


@dataclass(frozen=True, slots=True)
class Bases:
    """Where tests start: connected (`fresh`), or read once (`synced`); and by way, what comes of them when nothing is ever wrong."""

    databases: Databases
    port: int
    connection: str
    undisturbed: dict[str, Content]


@contextmanager
def opened(bases: Bases, base: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Estate]:
    """An estate on a copy of that base; where it was read once, the site has changed since."""
    with bases.databases.lend(base) as url, served(bases.port) as simulator:
        if base == "synced":
            changed(simulator)
        estate = Estate(url, simulator, folder, LATER if base == "synced" else START, bases.connection)
        patched(monkeypatch, estate)
        try:
            yield estate
        finally:
            estate.work.dispose()


def prepared(databases: Databases, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Bases:
    """The databases to copy are there, and what each way comes to."""
    port, connection = free_port(), ""
    for name, origin in (("fresh", None), ("synced", "fresh")):
        with served(port) as simulator:
            estate = Estate(databases.keep(name, origin), simulator, folder, START, connection)
            patched(monkeypatch, estate)
            if origin is None:
                estate.connect()
                connection = estate.connection
            else:
                assert estate.poll(START)["state"] == "finished"
            estate.work.dispose()
    found = Bases(databases, port, connection, {})
    for way, base in (("fresh", "fresh"), ("synced", "synced"), (WHOLE, "synced")):
        with opened(found, base, folder, monkeypatch) as estate:
            estate.now = AFTER
            if way == WHOLE:
                sync.request(estate.hub, connection, "full")
            assert estate.poll(AFTER)["state"] == "finished"
            found.undisturbed[way] = estate.content()
    return found
