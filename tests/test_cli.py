"""The command line: what it prints where, and with which status it ends."""

from __future__ import annotations

import base64
import json
import os
import re
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import sqlalchemy as sa

from pmo_hub import bootstrap, cli, log
from pmo_hub.services import access
from pmo_hub.settings import load
from pmo_hub.store.models.source import SyncRun
from tests.shelf import RIGHT_TOKEN
from tests.test_bootstrap import shelf_installed

__all__ = ["shelf_installed"]


@dataclass(frozen=True)
class Ended:
    status: int
    out: str
    err: str


Run = Callable[..., Ended]

SHELF = ("--connector", "shelf", "--set", "url=https://shelf.example")


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], migrated_sqlite_url: str) -> Iterator[Run]:
    """Runs `pmo-hub` with these arguments on a migrated database."""
    monkeypatch.setenv("PMO_HUB_DATABASE_URL", migrated_sqlite_url)
    monkeypatch.setenv("TOKEN", RIGHT_TOKEN)

    def command(*arguments: str) -> Ended:
        monkeypatch.setattr("sys.argv", ["pmo-hub", *arguments])
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            cli.main()
        printed = capsys.readouterr()
        code = ended.value.code
        assert code is None or isinstance(code, int)
        return Ended(code or 0, printed.out, printed.err)

    yield command
    log.configure("warning", "console")
    log.forget_secrets()


def one_sentence(ended: Ended) -> str:
    """What went wrong, after making sure that it is told as it should be."""
    assert ended.status == 2
    assert ended.out == ""
    assert ended.err.count("\n") == 1
    assert "Traceback" not in ended.err
    assert ended.err.startswith("pmo-hub: ")
    return ended.err.removeprefix("pmo-hub: ").strip()


def test_a_key_is_printed_alone_and_opens_the_api(run: Run) -> None:
    ended = run("key", "create", "--name", "first", "--scope", "admin")
    assert ended.status == 0
    assert re.fullmatch(r"pmo_[0-9a-f]{8}_[\w-]{43}\n", ended.out)
    with bootstrap.opened(load()) as hub:
        caller = access.recognise(hub, ended.out.strip())
    assert caller is not None
    assert caller.may("violations:write")


def test_keys_are_listed_without_being_shown_and_revoked(run: Run) -> None:
    key = run("key", "create", "--name", "first", "--scope", "projects:read", "--expires", "90d").out.strip()
    listed = run("key", "list").out
    assert "first\tprojects:read\tactive" in listed
    assert key.split("_", 2)[2] not in listed
    assert run("key", "revoke", "first").status == 0
    assert "revoked" in run("key", "list").out


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("key", "create", "--name", "x"), "Missing option '--scope'"),
        (("key", "create", "--name", "x", "--scope", "projects:erase"), "There is no scope 'projects:erase'"),
        (("key", "create", "--name", "x", "--scope", "admin", "--expires", "soon"), "--expires wants 90d"),
        (("key", "create", "--name", "x", "--scope", "admin", "--expires", "2027-01-01"), "needs a time zone"),
        (("key", "create", "--name", "x", "--scope", "admin", "--expires", "2020-01-01T00:00:00Z"), "expired already"),
        (("key", "revoke", "nobody"), "There is no active key 'nobody'"),
        (("conection", "list"), "No such command 'conection'"),
        (("connection", "sync", "nothing"), "There is no connection 'nothing'"),
        (("connection", "sync", "nothing", "--mode", "sideways"), "sideways"),
        (("connection", "check"), "Name a stored connection"),
        (("connection", "add", "--connector", "drawer", "--name", "x"), "there are shelf"),
        (("connection", "add", *SHELF, "--name", "x"), "config.token: Field required"),
        (("connection", "add", *SHELF, "--name", "x", "--set", "nonsense"), "--set wants NAME=VALUE"),
        (("connection", "add", *SHELF, "--name", "x", "--secret", "token=env:NOTHING"), "the variable NOTHING is not set"),
        (("connection", "add", *SHELF, "--name", "x", "--secret", "token=@/nowhere"), "the file /nowhere can't be read"),
        (("connection", "add", *SHELF, "--name", "x", "--config", "/nowhere"), "can't be read as JSON"),
        (("connection", "add", *SHELF, "--name", "x", "--secret", "token=wrong-token"), "does not accept the token ***"),
        (("connection", "add", *SHELF, "--name", "x", "--secret", "token=env:TOKEN", "--scope", "Z"), "does not offer 'Z'"),
        (("check", "--severity", "awful"), "awful"),
        (("check", "--project", "nothing"), "There is no project 'nothing'"),
        (("serve", "--port", "99999"), "65535"),
        (("openapi", "--check", "--file", "/nowhere"), "can't be read"),
    ],
)
@pytest.mark.usefixtures("shelf_installed")
def test_bad_input_is_one_sentence_and_status_2(run: Run, arguments: tuple[str, ...], told: str) -> None:
    sentence = one_sentence(run(*arguments))
    assert told in sentence
    assert "wrong-token" not in sentence


def test_a_database_that_was_never_migrated_says_what_to_run(run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PMO_HUB_DATABASE_URL", f"sqlite:///{tmp_path}/empty.db")
    for command in (("key", "list"), ("serve", "--port", "0"), ("worker",)):
        assert one_sentence(run(*command)) == "The database is empty: run `pmo-hub migrate`."


def test_wrong_settings_are_one_sentence(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PMO_HUB_DATABASE_URL", "mysql://hub")
    assert "PMO_HUB_DATABASE_URL" in one_sentence(run("migrate"))


def test_migrating_tells_the_revision(run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PMO_HUB_DATABASE_URL", f"sqlite:///{tmp_path}/new.db")
    assert re.fullmatch(r"The database is at revision \w+\.\n", run("migrate").out)
    assert re.fullmatch(r"The database was at revision \w+ already\.\n", run("migrate").out)


def test_without_a_command_the_help_is_shown(run: Run) -> None:
    for group in ((), ("key",), ("connection",)):
        ended = run(*group)
        assert ended.status == 2
        assert ended.err.startswith("Usage: pmo-hub")


def test_the_version_is_told(run: Run) -> None:
    assert re.fullmatch(r"pmo-hub \d+\.\d+\S*\n", run("--version").out)


@pytest.mark.usefixtures("shelf_installed")
def test_connectors_are_told_with_their_fields(run: Run) -> None:
    assert "shelf\tA shelf\turl*, token* (secret), pages, lending" in run("connectors").out


@pytest.mark.usefixtures("shelf_installed")
@pytest.mark.parametrize("source", ["env:TOKEN", "@file", "-"])
def test_a_secret_comes_from_the_environment_a_file_or_standard_input(
    run: Run, source: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "token").write_text(RIGHT_TOKEN + "\n")
    monkeypatch.setattr("sys.stdin", (tmp_path / "token").open())
    given = f"@{tmp_path / 'token'}" if source == "@file" else source
    ended = run("connection", "check", *SHELF, "--secret", f"token={given}")
    assert ended.status == 0
    assert ended.out.startswith("You are Librarian and see 3 shelves.\n")
    assert "A\tAtlases\tshelf\t30" in ended.out


@pytest.mark.usefixtures("shelf_installed")
def test_a_config_comes_from_a_file_and_options_go_before_it(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "config.json"
    file.write_text(json.dumps({"url": "https://portal.example", "token": RIGHT_TOKEN}))
    assert run("connection", "check", *SHELF, "--config", str(file)).status == 0
    file.write_text("[]")
    assert "holds no JSON object" in one_sentence(run("connection", "check", *SHELF, "--config", str(file)))


@pytest.mark.usefixtures("shelf_installed")
def test_a_connection_is_added_with_its_schedules_and_quiet_hours(run: Run) -> None:
    times = ["--incremental", "never", "--full", "0 3 * * 0", "--time-zone", "Europe/Zurich", "--quiet", "mon,tue:08:00-18:00"]
    added = run("connection", "add", *SHELF, "--name", "Library", "--secret", "token=env:TOKEN", *times)
    assert added.status == 0
    assert "full 0 3 * * 0, census every 1d (Europe/Zurich)" in run("connection", "list").out
    wrong = run("connection", "add", *SHELF, "--name", "Other", "--secret", "token=env:TOKEN", "--quiet", "at night")
    assert wrong.status == 2
    assert "--quiet wants" in wrong.err
    sometimes = run("connection", "add", *SHELF, "--name", "Other", "--secret", "token=env:TOKEN", "--census", "sometimes")
    assert (sometimes.status, "write every 15m" in sometimes.err) == (2, True)


@pytest.mark.usefixtures("shelf_installed")
def test_a_connection_is_added_listed_checked_and_synced(run: Run) -> None:
    added = run("connection", "add", *SHELF, "--name", "Library", "--secret", "token=env:TOKEN", "--scope", "A", "--scope", "B")
    assert added.status == 0
    assert "Reads 2 scopes." in added.out
    assert "is queued" in added.out
    listed = run("connection", "list").out
    assert "Library\tshelf\tactive\t2\t0\tincremental every 15m, census every 1d\t-\t" in listed
    assert run("connection", "check", "Library").status == 0
    synced = run("connection", "sync", "Library")
    assert (synced.status, synced.err) == (0, "")
    assert synced.out.startswith("finished: fetched 4 book; 4 changed, 0 gone, 0 quarantined, ")
    assert "is queued" in run("connection", "sync", "Library", "--mode", "full", "--queue").out
    assert RIGHT_TOKEN not in added.out + listed + synced.out


@pytest.mark.usefixtures("shelf_installed")
def test_a_sync_that_fails_ends_with_status_1_and_the_sentence(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    run("connection", "add", *SHELF, "--name", "Library", "--secret", "token=env:TOKEN")
    monkeypatch.setattr("tests.shelf.RIGHT_TOKEN", "renewed")
    ended = run("connection", "sync", "Library")
    assert ended.status == 1
    assert ended.out.startswith("failed: ")
    assert "The shelf does not accept the token ***" in ended.err
    assert "Traceback" not in ended.err


@pytest.mark.usefixtures("shelf_installed")
def test_a_first_sync_runs_at_once_when_asked_to(run: Run) -> None:
    ended = run("connection", "add", *SHELF, "--name", "Library", "--secret", "token=env:TOKEN", "--sync")
    assert ended.status == 0
    assert "finished: fetched 6 book" in ended.out
    with bootstrap.opened(load()) as hub, hub.work.read() as session:
        assert session.scalars(sa.select(SyncRun.state)).all() == ["finished"]


@pytest.mark.usefixtures("shelf_installed")
def test_checks_are_evaluated_now_and_what_stands_decides_the_status(run: Run) -> None:
    empty = run("check")
    assert (empty.status, empty.out) == (0, "0 projects, no open violation of severity low or above.\n")
    run("connection", "add", *SHELF, "--name", "Library", "--secret", "token=env:TOKEN", "--scope", "A")
    found = json.loads(run("check", "--json", "--severity", "info").out)
    assert found["projects"] == 1
    # A project that nobody set up has no sponsor.
    assert {one["check"] for one in found["violations"]} >= {"GOV-001"}
    assert {one["about"] for one in found["violations"]} == {"Atlases"}
    table = run("check", "--project", "Atlases")
    assert table.status == 1
    assert table.out.startswith("severity\tcheck\tabout\tmessage\tsince\n")
    severities = [line.split("\t")[0] for line in table.out.splitlines()[1:]]
    order = ["critical", "high", "medium", "low"]
    assert severities == sorted(severities, key=order.index)


def test_a_served_hub_answers_until_it_is_asked_to_end(migrated_sqlite_url: str, repository: Path) -> None:
    roots = os.pathsep.join([str(repository / "src"), str(repository / "connectors")])
    environment = os.environ | {"PYTHONPATH": roots, "PMO_HUB_DATABASE_URL": migrated_sqlite_url}
    command = [sys.executable, "-c", "from pmo_hub.cli import main; main()", "serve", "--port", "0"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, env=environment, text=True) as server:
        assert server.stderr is not None
        try:
            told = next(line for line in server.stderr if "running on http" in line)
            address = re.search(r"http://127\.0\.0\.1:\d+", told)
            assert address is not None
            with urllib.request.urlopen(f"{address.group()}/readyz", timeout=10) as answer:
                assert json.load(answer)["status"] == "ready"
        finally:
            server.send_signal(signal.SIGTERM)
        rest = server.stderr.read()
        assert server.wait(30) in (0, -signal.SIGTERM)
    assert "Traceback" not in rest


def test_the_document_is_printed_and_compared(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "pmo-hub.json"
    printed = run("openapi")
    assert json.loads(printed.out)["info"]["title"] == "pmo-hub"
    file.write_text(printed.out, encoding="utf-8")
    assert run("openapi", "--check", "--file", str(file)).status == 0
    file.write_text(printed.out.replace("pmo-hub", "other", 1), encoding="utf-8")
    ended = run("openapi", "--check", "--file", str(file))
    assert (ended.status, ended.out) == (1, "")
    assert "make openapi" in ended.err


def test_the_document_in_the_repository_is_the_codes(repository: Path) -> None:
    held = json.loads((repository / "openapi" / "pmo-hub.json").read_text(encoding="utf-8"))
    assert held == json.loads(json.dumps(bootstrap.document()))


@pytest.mark.usefixtures("shelf_installed")
def test_secrets_are_resealed_after_a_rotation_so_that_the_old_key_can_go(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = (base64.b64encode(bytes(range(n, n + 32))).decode() for n in (0, 32))
    monkeypatch.setenv("PMO_HUB_SECRET_KEY", first)
    run("connection", "add", *SHELF, "--name", "Library", "--secret", "token=env:TOKEN")
    monkeypatch.setenv("PMO_HUB_SECRET_KEY", second)
    assert "was not given" in one_sentence(run("secrets", "reseal"))
    monkeypatch.setenv("PMO_HUB_OLDER_SECRET_KEYS", first)
    ended = run("secrets", "reseal")
    assert (ended.status, ended.err) == (0, "")
    assert ended.out.startswith("1 of 1 secrets were encrypted anew")
    monkeypatch.delenv("PMO_HUB_OLDER_SECRET_KEYS")
    assert run("secrets", "reseal").out.startswith("0 of 1 ")
