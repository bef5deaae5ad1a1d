"""Bad input, from the simulated Jira's socket to what an admin reads: what is wrong is said once, nothing is lost, and what is right again
makes the hub what it would be if nothing had ever been wrong."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from pmo_hub.host import reader
from tests.acceptance.bad_input_databases import Databases, PostgresDatabases, SqliteDatabases
from tests.acceptance.bad_input_estate import (
    AFTER,
    BIG,
    LATER,
    SCOPES,
    SMALL,
    START,
    TOKEN,
    Estate,
    changed,
    instant,
    key_of,
    patched,
    served,
    titles_of,
)
from tests.crash.test_crash import free_port
from tests.engines import ENGINES

SMALL_BATCH = 25
SEARCH = "/rest/api/3/search"
PAGES = "/rest/api/3/search/jql"
HISTORIES = "/rest/api/3/changelog"
EVERYWHERE = "/rest/"

BETWEEN = ("facts_history", "evaluations_history", "events", "violations")
"""What was judged of a state between: that the hub held it for a while is true."""

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
    assert not re.search(r"Traceback|Error\b|Exception|<\w|\{", sentence), sentence


def assert_secret(estate: Estate, logged: list[Any]) -> None:
    """The credential stands nowhere that somebody could read."""
    assert TOKEN not in estate.told()
    assert TOKEN not in repr(logged)


def assert_nothing_lost(before: dict[str, dict[str, str]], after: dict[str, dict[str, str]]) -> None:
    """No row has ended."""
    for table, rows in before.items():
        assert rows.keys() <= after[table].keys(), table


def assert_told_once(estate: Estate, logged: list[Any], sentence: str) -> None:
    """The outbox and the log have the failure, once each."""
    assert estate.events() == {"sync.failed": 1}
    assert [entry["error"] for entry in logged if entry["event"] == "connection.failed"] == [sentence]


def assert_failed(estate: Estate, logged: list[Any], run: dict[str, Any], pattern: str, state: str = "failed") -> None:
    """The run, the connection, its violation, the outbox and the log say the same sentence, once."""
    assert run["state"] == state
    assert_clear(run["error"], pattern)
    assert estate.shown()["last_error"] == run["error"]
    violation = estate.violation()
    assert violation is not None
    assert (violation["state"], violation["severity"]) == ("open", "critical")
    assert [evidence["note"] for evidence in violation["evidence"]] == [run["error"]]
    assert_told_once(estate, logged, run["error"])


def assert_stopped(estate: Estate) -> None:
    """Whatever time passes, nothing is read until an admin wants it."""
    now, runs = estate.now, len(estate.rows("sync_runs"))
    shown = estate.shown()
    assert (shown["state"], shown["next_due_at"]) == ("failing", None)
    estate.poll(now + timedelta(days=2))
    assert len(estate.rows("sync_runs")) == runs
    estate.now = now


def recover(estate: Estate, bases: Bases, base: str, logged: list[Any], mode: str | None = None, left_out: Sequence[str] = ()) -> None:
    """The fault is gone; the schedule, or an admin where it was stopped, has the connection read again: as if nothing had been wrong."""
    failures = estate.events()["sync.failed"]
    estate.simulator.clear_faults()
    estate.now = AFTER
    if mode is not None or estate.shown()["state"] == "failing":
        estate.api("POST", f"connections/{estate.connection}/sync", json={"mode": mode or "incremental"})
    run = estate.poll(AFTER)
    assert (run["state"], run["error"]) == ("finished", None)
    shown = estate.shown()
    assert (shown["state"], shown["last_error"], shown["counts"]["quarantined"]) == ("active", None, 0)
    assert instant(shown["next_due_at"]) > AFTER
    violation = estate.violation()
    assert violation is None or violation["state"] == "resolved"
    assert (violation is None) == (failures == 0)
    assert estate.events()["sync.recovered"] == failures <= 1
    assert sum(entry["event"] == "connection.recovered" for entry in logged) == failures
    found = estate.content(*left_out)
    for table, rows in bases.undisturbed[base].items():
        assert table in left_out or found[table] == rows, f"{table} is not what it is without the fault"
    assert_secret(estate, logged)


# Answers that stop a run in the middle.


@dataclass(frozen=True, slots=True)
class Break:
    """A fault that stays in force from a request in the middle on; `stops`: only an admin can help."""

    name: str
    told: str
    kind: str = "status"
    rule: dict[str, Any] = field(default_factory=dict)
    stops: bool = False
    path: str = PAGES
    issues_a_page: int = 20


BREAKS = (
    Break("credential refused", r"credential is not accepted \(401\); create a new one", rule={"status": 401}, stops=True),
    Break("web page with status 200", "answered with a web page, not JSON; check the URL", "html", stops=True),
    Break("removed", r"has removed /rest/\S+ \(410\); update", rule={"status": 410}, stops=True),
    Break("too many requests", r"refuses more requests for now \(429\)", rule={"status": 429}),
    Break("too many requests, come back at once", r"refuses more requests for now \(429\)", rule={"status": 429, "retry_after": 0}),
    Break("error of the server", "failed with status 500, 5 attempts", rule={"status": 500}),
    Break("unavailable", "failed with status 503, 5 attempts", rule={"status": 503}, path=HISTORIES),
    Break("half an answer", "broke off its answer, 5 attempts", "truncated", path=HISTORIES),
    Break("repeated page token", "repeated a page token, so its listing of issues never ends", "repeated_token"),
    Break("invalid page token", "refuses the page tokens that it hands out", "invalid_token", issues_a_page=8),
)


@pytest.mark.parametrize("base", ["fresh", "synced"])
@pytest.mark.parametrize("broken", BREAKS, ids=lambda broken: broken.name)
def test_a_run_that_breaks_off_says_why_once_and_the_next_one_makes_it_good(
    start: Start, bases: Bases, logged: list[Any], base: str, broken: Break
) -> None:
    estate = start(base)
    before = estate.held()
    estate.simulator.limits.fields = broken.issues_a_page
    pages = broken.path == PAGES and broken.kind == "status"
    fault = estate.simulator.fault(broken.kind, path=broken.path, nth=2 if pages else 1, times=None, **broken.rule)
    run = estate.poll(estate.now)
    assert fault.struck
    if not broken.stops:
        assert run["state"] == "waiting"
        assert instant(run["waiting_until"]) == estate.now + timedelta(seconds=30)
        assert_clear(run["error"], broken.told)
        assert estate.events() == {}
        begun = estate.now
        run = estate.give_up()
        assert estate.now - begun == timedelta(seconds=30 + 60 + 120)
    assert_failed(estate, logged, run, broken.told)
    assert_nothing_lost(before, estate.held())
    if broken.stops:
        assert_stopped(estate)
    recover(estate, bases, base, logged)


# The credential.


@pytest.mark.parametrize(
    ("refused", "told"),
    [("anonymous", "not accept|is not accepted"), ("401", "is not accepted"), ("expired", r"the credential has expired \(401\); create a new")],
)
def test_a_credential_that_is_refused_stops_the_schedule_until_an_admin_saves_another(
    start: Start, bases: Bases, logged: list[Any], refused: str, told: str
) -> None:
    estate = start("synced")
    before = estate.held()
    estate.simulator.token = "a-new-token"
    estate.simulator.wrong_token = "anonymous" if refused == "anonymous" else "401"
    estate.simulator.expired_token = TOKEN if refused == "expired" else ""
    run = estate.poll(LATER)
    assert_failed(estate, logged, run, told)
    assert_stopped(estate)
    again = estate.sync()
    assert (again["state"], again["error"]) == ("failed", run["error"])
    assert_told_once(estate, logged, run["error"])
    assert estate.held() == before
    estate.api("PATCH", f"connections/{estate.connection}", json={"config": {"token": "a-new-token"}})
    assert estate.shown()["state"] == "active"
    recover(estate, bases, "synced", logged)
    assert "a-new-token" not in estate.told() + repr(logged)


# What passes within a run.

PASSING = (
    ("429 with Retry-After 0", {"kind": "status", "status": 429, "retry_after": 0, "times": 2}, 2),
    ("429 with Retry-After in seconds", {"kind": "status", "status": 429, "retry_after": 7}, 7),
    ("429 with Retry-After as a date", {"kind": "status", "status": 429, "retry_after": "date:9"}, 9),
    ("429 without Retry-After", {"kind": "status", "status": 429, "times": 2}, 2),
    ("503 with Retry-After", {"kind": "status", "status": 503, "retry_after": 5}, 5),
    ("500", {"kind": "status", "status": 500, "times": 3}, 0),
    ("truncated JSON", {"kind": "truncated"}, 0),
    ("a reset connection", {"kind": "reset"}, 0),
    ("an invalid page token", {"kind": "invalid_token"}, 0),
    ("page tokens that are invalid one and all", {"kind": "invalid_token", "times": None}, 0),
    ("an empty page with a token", {"kind": "empty_page"}, 0),
    ("a page without isLast", {"kind": "no_is_last", "times": None}, 0),
)


@pytest.mark.parametrize(("rule", "least_s"), [case[1:] for case in PASSING], ids=[case[0] for case in PASSING])
def test_what_passes_while_a_run_waits_is_no_failure(
    start: Start, bases: Bases, logged: list[Any], rule: dict[str, Any], least_s: int
) -> None:
    estate = start("synced")
    fault = estate.simulator.fault(path=PAGES, **{"nth": 1 if rule["kind"] == "invalid_token" else 2, **rule})
    run = estate.poll(AFTER)
    assert (run["state"], run["error"]) == ("finished", None)
    assert fault.struck
    assert least_s <= estate.waits.passed_s < least_s + 40
    assert estate.events() == {}
    assert not [entry for entry in logged if entry["log_level"] in ("warning", "error")]
    recover(estate, bases, "synced", logged, "incremental")


@pytest.mark.parametrize("base", ["fresh", "synced"])
@pytest.mark.parametrize(("status", "retry_after"), [(429, 1800), (429, "date:1800"), (503, 1800)])
def test_a_wait_of_half_an_hour_is_waited_for_without_a_thread(
    start: Start, bases: Bases, logged: list[Any], base: str, status: int, retry_after: int | str
) -> None:
    estate = start(base)
    before = estate.held()
    estate.simulator.fault("status", path=PAGES, nth=2, status=status, retry_after=retry_after)
    begun = estate.now
    run = estate.poll(begun)
    assert run["state"] == "waiting"
    assert instant(run["waiting_until"]) == begun + timedelta(seconds=1800)
    assert_clear(run["error"], r"asked for a wait of 1800 s|left alone for another 1[78]\d\d s")
    assert estate.waits.passed_s < 60
    assert [lease.holder for lease in estate.rows("leases")] == [None]
    assert_nothing_lost(before, estate.held())
    asked = sum(estate.simulator.stats.values())
    assert estate.poll(begun + timedelta(seconds=1799))["id"] == run["id"]
    assert sum(estate.simulator.stats.values()) == asked
    shown = estate.shown()
    assert (shown["state"], shown["last_error"], estate.events(), estate.violation()) == ("active", None, {}, None)
    estate.waits.sleep(1800)
    recover(estate, bases, base, logged)
    assert estate.run(run["id"])["state"] == "finished"


# Payloads that can't be read.

SPOILED = (
    ("status", None, "issue {id} can't be mapped: field status"),
    ("fields", None, "an issue without a usable fields"),
    ("project", "PAY", "an issue without a usable fields.project"),
    ("summary", 7, "issue {id} can't be mapped: field summary"),
    ("assignee", "Ada", "issue {id} can't be mapped: field assignee"),
    ("updated", None, "an issue without a usable fields.updated"),
    ("id", None, "an issue without a usable id"),
)


@pytest.mark.parametrize("base", ["fresh", "synced"])
@pytest.mark.parametrize(("name", "value", "told"), SPOILED, ids=[f"{name} {value}" for name, value, _ in SPOILED])
def test_an_unreadable_issue_is_quarantined_alone_and_heals(
    start: Start, bases: Bases, logged: list[Any], base: str, name: str, value: Any, told: str
) -> None:
    estate = start(base)
    id = sorted(i.id for i in estate.simulator.world.visible_issues() if i.project_id == BIG)[10]
    before = estate.held()
    estate.simulator.fault("field_value", path=EVERYWHERE, times=None, issue=str(id), field=name, value=value)
    run = estate.poll(AFTER)
    assert (run["state"], run["error"], run["quarantined"]) == ("finished", None, 1)
    (held,) = estate.quarantined()
    assert held["external_id"] == (str(id) if name != "id" else None)
    assert_clear(held["why"], told.format(id=id))
    assert f'"{name}":{json.dumps(value)}' in held["text"]
    assert estate.shown()["counts"]["quarantined"] == 1
    assert_nothing_lost(before, estate.held())
    titles = {row.external_id: row.title for row in estate.rows("work_items")}
    wanted = titles_of(estate.simulator, *SCOPES)
    assert {one: title for one, title in titles.items() if one != str(id)} == {one: wanted[one] for one in wanted if one != str(id)}
    # What has no id can't be asked for: a full reading finds it.
    recover(estate, bases, base, logged, "full" if name == "id" else "incremental", BETWEEN)


# A source that shows less than there is.


def test_a_project_that_vanished_is_told_and_keeps_what_it_had(start: Start, bases: Bases, logged: list[Any]) -> None:
    estate = start("synced")
    before = estate.held()
    estate.simulator.mutate("revoke_project", key_of(estate.simulator, SMALL))
    run = estate.poll(AFTER)
    assert run["state"] == "finished"
    assert_clear(run["error"], f"project {SMALL} is no longer there, or the account may no longer browse it; restore the permission")
    assert {scope.external_id: scope.error for scope in estate.rows("scopes")} == {BIG: None, SMALL: run["error"]}
    violation = estate.violation()
    assert violation is not None
    assert violation["state"] == "open"
    assert_nothing_lost(before, estate.held())
    titles = {row.external_id: row.title for row in estate.rows("work_items")}
    assert titles_of(estate.simulator, BIG).items() <= titles.items()
    estate.simulator.mutate("revoke_project", key_of(estate.simulator, SMALL), revoked=False)
    estate.api("POST", f"connections/{estate.connection}/sync", json={"mode": "incremental"})
    run = estate.poll(AFTER)
    assert (run["state"], run["error"]) == ("finished", None)
    violation = estate.violation()
    assert violation is not None
    assert violation["state"] == "resolved"
    assert {scope.error for scope in estate.rows("scopes")} == {None}


@pytest.mark.parametrize("mode", ["full", "census"])
def test_nothing_where_there_was_much_is_a_failure_and_a_violation(start: Start, bases: Bases, logged: list[Any], mode: str) -> None:
    estate = start("synced")
    before = estate.held()
    estate.simulator.fault("zero_results", path=SEARCH, times=None)
    run = estate.sync(mode)
    told = "returned nothing for .+, where the hub holds 80 items; nothing was deleted" if mode == "full" else (
        "listed nothing at all, where the hub holds 80 items; nothing was changed"
    )
    assert_failed(estate, logged, run, told, "failed" if mode == "full" else "held")
    assert estate.shown()["state"] == "active"
    # Whether asked again or by schedule: it stays a failure, told once.
    again = estate.sync(mode)
    assert (again["state"], again["error"]) == (run["state"], run["error"])
    assert_told_once(estate, logged, run["error"])
    assert_nothing_lost(before, estate.held())
    assert estate.rows("tombstones") == []
    recover(estate, bases, "synced", logged, None if mode == "full" else "census")


def test_a_poll_after_an_empty_full_reading_reads_in_full_and_fails_as_well(start: Start, bases: Bases, logged: list[Any]) -> None:
    estate = start("synced")
    estate.simulator.fault("zero_results", path=SEARCH, times=None)
    run = estate.sync("full")
    again = estate.sync("incremental")
    assert (again["state"], again["error"]) == ("failed", run["error"])
    recover(estate, bases, "synced", logged)


def test_half_a_listing_brakes_the_census(start: Start, bases: Bases, logged: list[Any]) -> None:
    estate = start("synced")
    before = estate.held()
    estate.simulator.fault("half_listing", path=SEARCH, times=None)
    run = estate.sync("census")
    assert_failed(estate, logged, run, r"\d\d of 46 items of .+ are missing at the source, too many to be taken for deleted", "held")
    again = estate.sync("census")
    assert (again["state"], again["error"]) == ("held", run["error"])
    assert_told_once(estate, logged, run["error"])
    assert estate.held() == before
    assert estate.rows("tombstones") == []
    recover(estate, bases, "synced", logged, "census")


def test_half_a_full_reading_deletes_nothing_and_says_how_much_it_brought(start: Start, bases: Bases, logged: list[Any]) -> None:
    estate = start("synced")
    before = estate.held()
    estate.simulator.fault("half_listing", path=PAGES, times=None)
    run = estate.sync("full")
    assert run["fetched"]["issue"] < run["expected"]["issue"] == 81
    assert_nothing_lost(before, estate.held())
    assert estate.rows("tombstones") == []
    print(run, estate.shown(), estate.violation())
    recover(estate, bases, "synced", logged)
