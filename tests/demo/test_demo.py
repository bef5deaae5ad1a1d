"""The demo: what it settles and shows, that it serves, that it fails in one sentence, and that nothing outlives it."""

from __future__ import annotations

import json
import logging
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any, cast

import pytest
import sqlalchemy as sa
import structlog

from pmo_hub.demo import estate, house, overview, run, spanning
from pmo_hub.demo.estate import Simulated
from pmo_hub.demo.spanning import Joined
from pmo_hub.demo.table import Line
from pmo_hub.domain.rating import Rating
from pmo_hub.services import connections, people, projects, same_as, sync, violations, work_items
from pmo_hub.services.hub import Hub
from pmo_hub.services.projects import ProjectInfo
from pmo_hub_dataverse import simulated_organisation as dataverse
from pmo_hub_jira import simulated_organisation as jira
from pmo_hub_mspdi.simulated_plans import plan_files
from pmo_hub_msproject import simulated_organisation as msproject
from pmo_hub_planner import simulated_organisation as planner
from pmo_hub_trello import simulated_organisation as trello

COMMAND = [sys.executable, "-c", "from pmo_hub.cli import main; main()", "demo"]
ISSUES = "150"
LONGEST_S = 120


@dataclass(frozen=True, slots=True)
class Shown:
    """A demo up to its table."""

    hub: Hub
    lines: list[Line]
    projects: dict[str, ProjectInfo]
    joined: Joined

    def broken(self, project: str) -> set[str]:
        wanted = violations.Wanted(states=overview.STANDING, project_id=self.projects[project].id)
        return {listed.violation.check_id for listed in violations.list_violations(self.hub, wanted, None, None, 200)}


@pytest.fixture(scope="module", autouse=True)
def _logs_as_before() -> Iterator[None]:
    """The application configures the process's logs; other tests get theirs back."""
    root = logging.getLogger()
    handlers, level, configured = root.handlers[:], root.level, structlog.get_config()
    yield
    root.handlers[:], root.level = handlers, level
    structlog.configure(**configured)


@pytest.fixture(scope="module")
def shown() -> Iterator[Shown]:
    with house.built() as built:
        hub = built.hub
        now = hub.now()
        with estate.simulated(estate.simulators(), run.SEED, ISSUES, now) as served:
            for name, source in served.items():
                sync.run(hub, estate.connect(hub, name, source).run.id)
            joined = spanning.join(hub, {project.name: project for project in estate.everyone(hub)}, now.date(), estate.ACTOR)
            estate.settle(hub, now.date())
            portfolio_id = estate.place(hub, joined.taken)
        yield Shown(hub, overview.lines(hub, portfolio_id), {project.name: project for project in estate.everyone(hub)}, joined)


def made() -> set[str]:
    """The names of all that the simulators make at the demo's own size."""
    names = {profile.name for profile in (*jira.DEMO, *trello.DEMO)} | {*dataverse.NAMES, *msproject.PLANS}
    names |= {f"{title} ({group})" for group, titles in planner.GROUPS for title in titles}
    names |= {f"{profile.name} (closed)" for profile in trello.DEMO if profile.closed}
    return names | {name.removesuffix(".xml") for name in plan_files(run.SEED, run.SIZE, datetime(2026, 11, 23, tzinfo=UTC))}


def test_every_project_of_the_estate_is_one_that_the_simulators_make() -> None:
    assert set(estate.SETTLED) < made()
    parts = {part.scope for span in spanning.SPANNING.values() for part in span.parts}
    assert parts | set(spanning.SPANNING) <= made()
    assert not parts & set(estate.SETTLED)


def test_every_project_has_one_line_below_the_portfolio_and_its_programs(shown: Shown) -> None:
    assert [line.name for line in shown.lines if not line.dimensions] == [estate.PORTFOLIO, *estate.PROGRAMS]
    there = {name for name, project in shown.projects.items() if project.id not in shown.joined.taken}
    assert sorted(line.name for line in shown.lines if line.dimensions) == sorted(there)
    assert shown.lines[0].of == len(there)


def test_every_kind_of_source_takes_part(shown: Shown) -> None:
    names = {connection.connector for connection in connections.page(shown.hub, None, 20)}
    assert names == {"dataverse", "jira", "mspdi", "msproject", "planner", "trello"}
    lines = {line.name: line for line in shown.lines}
    for one in ("Fleet Renewal", "Payments Platform", "Payroll Change", "Headquarters Relocation", "Year End Close (Finance)"):
        assert lines[one].known >= 2, one
    assert lines["Website Relaunch"].known


def test_projects_span_tools_and_what_is_one_thing_in_both_counts_once(shown: Shown) -> None:
    assert {"ERP Rollout", "Plant Upgrade", "Regulatory Reporting"} <= set(shown.joined.names)
    assert shown.joined.gates > 0
    rules = projects.rules(shown.hub, shown.projects["Plant Upgrade"].id)
    assert {rule.role for rule in rules} == {"execution", "schedule", "history"}
    assert all(rule.items for rule in rules)
    pairs = same_as.page(shown.hub, None, None, 100)
    assert len(pairs) == shown.joined.gates
    duplicate = work_items.get(shown.hub, pairs[0].duplicate_id).item
    assert (duplicate.counts, duplicate.uncounted) == (False, "duplicate")
    for id in shown.joined.taken:
        assert not any(rule.items for rule in projects.rules(shown.hub, id))


def test_people_are_the_same_in_all_tools(shown: Shown) -> None:
    several = people.page(shown.hub, None, 100)
    assert len(several) > 15
    assert max(len(one.accounts) for one in several) >= 5


def test_a_file_waits_for_a_task_of_another_file(shown: Shown) -> None:
    with shown.hub.work.read() as session:
        crossing = session.execute(
            sa.text(
                "select count(*) from dependencies d join work_items p on p.id = d.predecessor_id "
                "join work_items s on s.id = d.successor_id where p.scope_id <> s.scope_id"
            )
        ).scalar_one()
    assert crossing >= 2


def test_portfolio_adds_up_what_is_below_it(shown: Shown) -> None:
    portfolio, projects = shown.lines[0], [line for line in shown.lines if line.dimensions]
    assert (portfolio.todo, portfolio.doing, portfolio.done) == tuple(
        sum(cast("int", getattr(line, name)) for line in projects) for name in ("todo", "doing", "done")
    )
    assert portfolio.violations == sum((Counter(line.violations) for line in projects), start=Counter[str]())


def test_gaps_that_are_there_on_purpose_are_found(shown: Shown) -> None:
    assert "GOV-001" in shown.broken("Mobile App")
    assert "GOV-002" in shown.broken("Customer Portal")
    assert "GOV-004" in shown.broken("Data Warehouse Migration")
    assert {"GOV-001", "GOV-002", "GOV-004"} <= shown.broken("Office Move")
    assert not {"GOV-001", "GOV-002", "GOV-004"} & shown.broken("Payments Platform")


def test_manager_is_somebody_who_works_there_and_is_active(shown: Shown) -> None:
    for name, settled in ((name, settled) for name, settled in estate.SETTLED.items() if name in shown.projects):
        manager = shown.projects[name].manager
        assert (manager is not None and manager.is_active) if settled.led else manager is None


def test_project_that_nobody_plans_is_grey_and_not_green(shown: Shown) -> None:
    line = next(line for line in shown.lines if line.name == "Office Move")
    assert line.rating is Rating.GREY
    assert line.known == 0


def test_settings_of_the_user_are_not_the_demos(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    own = f"sqlite:///{tmp_path / 'own.db'}"
    monkeypatch.setenv("PMO_HUB_DATABASE_URL", own)
    monkeypatch.setenv("PMO_HUB_ENVIRONMENT", "production")
    monkeypatch.setenv("PMO_HUB_PORT", "not a port")
    with house.built() as built:
        assert built.folder.is_dir()
        assert str(built.folder) in built.database_url
    assert not built.folder.exists()
    assert os.environ["PMO_HUB_DATABASE_URL"] == own
    assert os.environ["PMO_HUB_PORT"] == "not a port"
    assert list(tmp_path.iterdir()) == []


class _Point:
    """An entry point that leads to a source with something wrong."""

    def __init__(self, point: EntryPoint, *, token: str | None = None, fault: dict[str, Any] | None = None) -> None:
        self.name = point.name
        self._point = point
        self._token = token
        self._fault = fault

    def load(self) -> Any:
        simulate: estate.Simulate = self._point.load()

        @contextmanager
        def faulty(seed: int, size: str, now: datetime) -> Iterator[Simulated]:
            serving: AbstractContextManager[Any] = simulate(seed, size, now)
            with serving as source:
                if self._fault is not None:
                    source.fault(**self._fault)
                if self._token is not None:
                    source.config = lambda: {"url": source.url, "email": source.email, "token": self._token}
                yield source

        return faulty


def _told(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """The one sentence with which the demo failed."""
    assert run.main(["--once", "--size", ISSUES, *arguments]) == 1
    error = capsys.readouterr().err
    assert error.startswith("pmo-hub demo: ")
    assert error.count("\n") == 1
    return error


def test_source_that_refuses_the_credential_is_one_sentence(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    points = [_Point(point, token="wrong") for point in estate.simulators() if point.name == "jira"]
    monkeypatch.setattr(estate, "simulators", lambda: points)
    assert "the credential is not accepted" in _told(capsys)


def test_sync_that_fails_is_one_sentence(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    fault = {"kind": "status", "status": 410, "path": "/rest/api/3/search/jql", "times": None}
    points = [_Point(point, fault=fault) for point in estate.simulators() if point.name == "jira"]
    monkeypatch.setattr(estate, "simulators", lambda: points)
    assert "first sync of Demo jira ended as failed" in _told(capsys)


def test_no_simulator_is_one_sentence(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(estate, "simulators", list)
    assert "No simulator is installed" in _told(capsys)


def test_port_that_is_taken_is_one_sentence_before_anything_is_made(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert run.main(["--port", str(port)]) == 1
    told = capsys.readouterr()
    assert f"Port {port}" in told.err
    assert told.out == ""


@pytest.mark.parametrize("arguments", [["--port", "99999"], ["--port", "x"], ["--size", "9"], ["--size", "huge"], ["--unknown"], ["extra"]])
def test_bad_argument_is_status_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        run.main(arguments)
    assert ended.value.code == 2
    assert capsys.readouterr().err.splitlines()[-1].startswith("pmo-hub demo: error:")


def _environment(folder: Path, **more: str) -> dict[str, str]:
    return {**os.environ, "TMPDIR": str(folder), "COLUMNS": "120", "PYTHONUNBUFFERED": "1", **more}


def test_demo_ends_after_its_table_twice_in_a_row_and_leaves_nothing(tmp_path: Path) -> None:
    for _ in range(2):
        done = subprocess.run(
            [*COMMAND, "--once", "--size", ISSUES],
            env=_environment(tmp_path),
            capture_output=True,
            text=True,
            timeout=LONGEST_S,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        assert done.stderr == ""
        assert f"{ISSUES}/{ISSUES} issues" in done.stdout
        assert re.search(r"Change portfolio +\d+/\d+/\d+ (RED|AMBER|GREEN|GREY) \d+ of \d\d ", done.stdout)
        assert re.search(r"[1-9]\d* webhooks were delivered to http://127\.0\.0\.1:\d+/, and the receiver verified", done.stdout)
        assert "violation.opened: high, GOV-001, " in done.stdout
        assert list(tmp_path.iterdir()) == []


@contextmanager
def _serving(command: list[str], folder: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A demo that has said where it answers, with what it printed until then."""
    process = subprocess.Popen(command, env=_environment(folder), stdout=subprocess.PIPE, text=True)
    overdue = threading.Timer(LONGEST_S, process.kill)
    overdue.start()
    try:
        assert process.stdout is not None
        text = ""
        for line in process.stdout:
            text += line
            if line.startswith("Ctrl-C"):
                break
        yield process, text
    finally:
        overdue.cancel()
        process.kill()
        process.wait()


def _ask(url: str, key: str | None) -> tuple[int, Any]:
    request = urllib.request.Request(url, headers={} if key is None else {"Authorization": f"Bearer {key}"})
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, None


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_server_answers_with_the_printed_key_until_it_is_stopped(number: signal.Signals, tmp_path: Path) -> None:
    with _serving([*COMMAND, "--size", ISSUES], tmp_path) as (process, text):
        found = re.search(r"curl -H 'Authorization: Bearer (pmo_\S+)' (http://\S+)\n", text)
        assert found is not None, text
        key, url = found.groups()
        status, body = _ask(url, key)
        assert status == 200
        assert body["name"] == estate.PORTFOLIO
        assert body["size"] >= 10  # of the Jira alone
        assert _ask(url, None)[0] == 401
        root = url.partition("/api/")[0]
        assert f"{root}/docs" in text
        assert "/api/v1/portfolios/{portfolio_id}/health" in _ask(f"{root}/openapi.json", None)[1]["paths"]
        process.send_signal(number)
        assert process.wait(LONGEST_S) == 0
    assert list(tmp_path.iterdir()) == []


def test_demo_ends_with_the_process_that_started_it(tmp_path: Path) -> None:
    # Also where whoever runs the tests has them outlive the shell: the demo would want that for itself.
    script = f"import signal, subprocess; signal.signal(signal.SIGHUP, signal.SIG_DFL); subprocess.run({[*COMMAND, '--size', ISSUES]!r})"
    with _serving([sys.executable, "-c", script], tmp_path) as (parent, _):
        parent.kill()
        assert parent.stdout is not None
        # The pipe ends when nobody holds it any more, which is when the demo is gone too.
        assert "gone" in parent.stdout.read()
    assert list(tmp_path.iterdir()) == []


def test_signal_before_the_server_answers_leaves_nothing_either(tmp_path: Path) -> None:
    process = subprocess.Popen([*COMMAND, "--size", ISSUES], env=_environment(tmp_path), stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    first = process.stdout.readline()
    process.send_signal(signal.SIGTERM)
    process.stdout.read()
    assert first.startswith("A simulated source")
    assert process.wait(LONGEST_S) == 128 + signal.SIGTERM
    assert list(tmp_path.iterdir()) == []
