"""Bad input, from the simulated Jira's socket to what an admin reads: what is wrong is said once, nothing is lost, and what is right again
makes the hub what it would be if nothing had ever been wrong."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from pmo_hub.host import reader
from pmo_hub.services import scheduling
from pmo_hub_jira.simulator import Simulator
from tests.acceptance.bad_input_databases import Databases, PostgresDatabases, SqliteDatabases
from tests.acceptance.bad_input_estate import (
    AFTER,
    BIG,
    LATER,
    SMALL,
    START,
    TOKEN,
    Estate,
    changed,
    instant,
    key_of,
    patched,
    served,
)
from tests.crash.test_crash import free_port
from tests.engines import ENGINES

SMALL_BATCH = 25
SEARCH = "/rest/api/3/search"
PAGES = "/rest/api/3/search/jql"
HISTORIES = "/rest/api/3/changelog"
EVERYWHERE = "/rest/"

Content = dict[str, list[str]]


@dataclass(frozen=True, slots=True)
class Bases:
    """Where tests start: connected (`fresh`), or read once (`synced`); and what each comes to when nothing is ever wrong."""

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


@pytest.fixture(scope="module", params=ENGINES)
def bases(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bases]:
    folder = tmp_path_factory.mktemp("bases")
    with ExitStack() as kept, pytest.MonkeyPatch.context() as monkeypatch:
        databases: Databases
        if request.param == "sqlite":
            databases = SqliteDatabases(request.getfixturevalue("_sqlite_template"), folder)
        else:
            names = (request.getfixturevalue("postgres_server"), request.getfixturevalue("_postgresql_template"))
            databases = PostgresDatabases(*names, kept)
        monkeypatch.setattr(reader, "BATCH_PAYLOADS", SMALL_BATCH)
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
        for base in ("fresh", "synced"):
            with opened(found, base, folder, monkeypatch) as estate:
                assert estate.poll(AFTER)["state"] == "finished"
                found.undisturbed[base] = estate.content()
        yield found


@pytest.fixture(autouse=True)
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    """Several commits in a run."""
    monkeypatch.setattr(reader, "BATCH_PAYLOADS", SMALL_BATCH)


@pytest.fixture
def logged() -> Iterator[list[Any]]:
    with capture_logs() as entries:
        yield entries


Start = Callable[[str], Estate]


@pytest.fixture
def start(bases: Bases, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Start]:
    """Opens an estate on a base."""
    with ExitStack() as stack:
        yield lambda base: stack.enter_context(opened(bases, base, tmp_path, monkeypatch))


def assert_clear(sentence: str | None, pattern: str) -> None:
    """It is one sentence for a person, and says that."""
    assert sentence is not None
    assert re.search(pattern, sentence), sentence
    assert len(sentence) <= 300
    assert "\n" not in sentence
    assert len(re.findall(r"[.!?](?=\s|$)", sentence)) <= 1, sentence
    assert not re.search(r"Traceback|Error\b|Exception|<\w|nextPageToken|\{", sentence), sentence


def assert_secret(estate: Estate, logged: list[Any]) -> None:
    """The credential stands nowhere that somebody could read."""
    assert TOKEN not in estate.told()
    assert TOKEN not in repr(logged)


def assert_nothing_lost(before: dict[str, dict[str, str]], after: dict[str, dict[str, str]]) -> None:
    """No row has ended."""
    for table, rows in before.items():
        assert rows.keys() <= after[table].keys(), table


def assert_undisturbed(estate: Estate, expected: Content) -> None:
    found = estate.content()
    for table, rows in expected.items():
        assert found[table] == rows, f"{table} is not what it is without the fault"


def recovered(estate: Estate, bases: Bases, base: str, logged: list[Any]) -> None:
    """The fault is gone; the schedule (or an admin, where it was stopped) has the connection read again."""
    estate.simulator.clear_faults()
    if estate.shown()["state"] == "failing":
        estate.now = AFTER
        estate.api("POST", f"connections/{estate.connection}/sync", json={"mode": "incremental"})
    run = estate.poll(AFTER)
    assert (run["state"], run["error"]) == ("finished", None)
    shown = estate.shown()
    assert (shown["state"], shown["last_error"], shown["counts"]["quarantined"]) == ("active", None, 0)
    violation = estate.violation()
    assert violation is None or violation["state"] == "resolved"
    assert_undisturbed(estate, bases.undisturbed[base])
    assert_secret(estate, logged)


@pytest.mark.parametrize("base", ["fresh", "synced"])
def test_try(start: Start, bases: Bases, base: str, logged: list[Any]) -> None:
    estate = start(base)
    before = estate.held()
    estate.simulator.fault("status", path=PAGES, nth=2, status=500, times=None)
    run = estate.poll(estate.now)
    print(run)
    run = estate.give_up()
    print(run)
    print(estate.shown())
    print(estate.violation())
    assert_nothing_lost(before, estate.held())
    recovered(estate, bases, base, logged)
