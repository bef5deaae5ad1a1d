"""Bad input, from the simulated Jira's socket to what an admin reads.

What is wrong is said once, in one sentence; nothing is lost; and what is right again makes the hub what it would be without the fault.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from pmo_hub.host import reader
from tests.acceptance.bad_input_bases import WHOLE, Bases, opened, prepared
from tests.acceptance.bad_input_databases import Databases, PostgresDatabases, SqliteDatabases
from tests.acceptance.bad_input_estate import AFTER, BIG, LATER, SCOPES, SMALL, TOKEN, Estate, instant, key_of, titles_of
from tests.acceptance.bad_input_verdicts import (
    BETWEEN,
    assert_clear,
    assert_failed,
    assert_nothing_lost,
    assert_stopped,
    assert_told_once,
    recover,
)
from tests.engines import ENGINES

SMALL_BATCH = 25
SEARCH = "/rest/api/3/search"
PAGES = "/rest/api/3/search/jql"
HISTORIES = "/rest/api/3/changelog"
EVERYWHERE = "/rest/"


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
        yield prepared(databases, folder, monkeypatch)


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
)


@pytest.mark.parametrize("base", ["fresh", "synced"])
@pytest.mark.parametrize("broken", BREAKS, ids=lambda broken: broken.name)
def test_a_run_that_breaks_off_says_why_once_and_the_next_one_makes_it_good(
    start: Start, bases: Bases, logged: list[Any], base: str, broken: Break
) -> None:
    estate = start(base)
    before = estate.held()
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
    recover(estate, bases.undisturbed[base], logged)


# The credential.


@pytest.mark.parametrize(
    ("refused", "told"),
    [
        ("anonymous", "(does not accept|is not accepted)"),
        ("401", "is not accepted"),
        ("expired", r"the credential has expired \(401\); create a new"),
    ],
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
    recover(estate, bases.undisturbed["synced"], logged)
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
    recover(estate, bases.undisturbed["synced"], logged, "incremental")


@pytest.mark.parametrize(
    ("base", "status", "retry_after"), [("fresh", 429, 1800), ("synced", 429, 1800), ("synced", 429, "date:1800"), ("fresh", 503, 1800)]
)
def test_a_wait_of_half_an_hour_is_waited_for_without_a_thread(
    start: Start, bases: Bases, logged: list[Any], base: str, status: int, retry_after: int | str
) -> None:
    estate = start(base)
    before = estate.held()
    estate.simulator.fault("status", path=PAGES, nth=2, status=status, retry_after=retry_after)
    begun = estate.now
    run = estate.poll(begun)
    assert run["state"] == "waiting"
    # To the second: whoever asks beside the one who was refused, such as for the dictionaries, is told what is left of the wait.
    assert abs(instant(run["waiting_until"]) - (begun + timedelta(seconds=1800))) < timedelta(seconds=1)
    assert_clear(run["error"], r"asked for a wait of 1800 s|left alone for another 1[78]\d\d s")
    assert estate.waits.passed_s < 60
    assert [lease.holder for lease in estate.rows("leases")] == [None]
    assert_nothing_lost(before, estate.held())
    asked = sum(estate.simulator.stats.values())
    assert estate.poll(begun + timedelta(seconds=1799))["id"] == run["id"]
    assert sum(estate.simulator.stats.values()) == asked
    shown = estate.shown()
    assert (shown["state"], shown["last_error"], estate.events(), estate.violation()) == ("active", None, {}, None)
    estate.waits.pass_by(1800)
    recover(estate, bases.undisturbed[base], logged)
    assert estate.run(run["id"])["state"] == "finished"


# Payloads that can't be read.

SPOILED = (
    ("synced", "status", None, "issue {id} can't be mapped: field status"),
    ("fresh", "status", None, "issue {id} can't be mapped: field status"),
    ("synced", "fields", None, "an issue without a usable fields"),
    ("fresh", "project", "PAY", "an issue without a usable fields.project"),
    ("synced", "summary", 7, "issue {id} can't be mapped: field summary"),
    ("fresh", "assignee", "Ada", "issue {id} can't be mapped: field assignee"),
    ("synced", "updated", None, "an issue without a usable fields.updated"),
    ("synced", "id", None, "an issue without a usable id"),
    ("fresh", "id", 5, "an issue without a usable id"),
)


@pytest.mark.parametrize(("base", "name", "value", "told"), SPOILED, ids=[f"{base}, {name} {value}" for base, name, value, _ in SPOILED])
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
    if name == "id":  # can't be asked for: only a full reading finds it
        recover(estate, bases.undisturbed[WHOLE if base == "synced" else base], logged, "full", BETWEEN)
    else:
        recover(estate, bases.undisturbed[base], logged, "incremental", BETWEEN)


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
    if mode == "full":
        assert_failed(estate, logged, run, "returned nothing for .+, where the hub holds 80 items; nothing was deleted")
    else:
        assert_failed(estate, logged, run, "listed nothing at all, where the hub holds 80 items; nothing was changed", "held")
    assert estate.shown()["state"] == "active"
    # Whether asked again or by schedule: it stays a failure, told once.
    again = estate.sync(mode)
    assert (again["state"], again["error"]) == (run["state"], run["error"])
    assert_told_once(estate, logged, run["error"])
    assert_nothing_lost(before, estate.held())
    assert estate.rows("tombstones") == []
    if mode == "census":
        estate.simulator.clear_faults()
        estate.now += timedelta(minutes=5)
        assert estate.sync("census")["state"] == "finished"
        assert estate.events() == {"sync.failed": 1, "sync.recovered": 1}
    # The poll reads in full what the empty reading says that it had read. A census takes in what it lists and the hub does not hold yet:
    # so what follows from the site's new issue is told in two steps.
    steps = ("evaluations_history", "facts_history") if mode == "census" else ()
    recover(estate, bases.undisturbed[WHOLE if mode == "full" else "synced"], logged, left_out=steps)


def test_a_poll_after_an_empty_full_reading_reads_in_full_and_fails_as_well(start: Start, bases: Bases, logged: list[Any]) -> None:
    estate = start("synced")
    estate.simulator.fault("zero_results", path=SEARCH, times=None)
    run = estate.sync("full")
    again = estate.sync("incremental")
    assert (again["state"], again["error"]) == ("failed", run["error"])
    recover(estate, bases.undisturbed[WHOLE], logged)


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
    # Reading goes on, and heals nothing: an admin has still to look.
    estate.simulator.clear_faults()
    estate.now = AFTER
    assert estate.sync()["state"] == "finished"
    violation = estate.violation()
    assert violation is not None
    assert violation["state"] == "open"
    assert estate.sync("census")["state"] == "finished"
    recover(estate, bases.undisturbed["synced"], logged, "incremental")


def test_half_a_full_reading_deletes_nothing_and_says_how_much_it_brought(start: Start, bases: Bases, logged: list[Any]) -> None:
    estate = start("synced")
    before = estate.held()
    estate.simulator.fault("half_listing", path=PAGES, times=None)
    estate.now = AFTER
    run = estate.sync("full")
    assert run["state"] in ("waiting", "failed")
    assert re.search(r"listed \d+ of the \d+ issues that it counts, twice in a row", run["error"])
    assert 0 < run["expected"]["issue"] <= 81  # the first that fell short ended the run
    assert_nothing_lost(before, estate.held())
    assert estate.rows("tombstones") == []
    recover(estate, bases.undisturbed[WHOLE], logged, "full", BETWEEN)


@pytest.mark.parametrize("base", ["synced", "fresh"])
def test_half_a_listing_moves_no_mark_and_is_read_again(start: Start, bases: Bases, logged: list[Any], base: str) -> None:
    estate = start(base)
    estate.simulator.fault("half_listing", path=PAGES, times=None)
    run = estate.poll(AFTER)
    assert run["state"] == "waiting"
    assert "twice in a row" in run["error"]
    recover(estate, bases.undisturbed[base], logged, "incremental", BETWEEN)
