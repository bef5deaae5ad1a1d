"""Signing in from the command line where a person has to consent."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from urllib.parse import urlencode

import pytest
import typer

from pmo_hub import cli, log
from pmo_hub.host.registry import Registry
from pmo_hub_jira.connector import JiraConnector
from pmo_hub_jira.simulated_sign_in import SimulatedAtlassian, serve_atlassian
from pmo_hub_jira.simulator import generate, serve
from tests.connectors.pmo_hub_jira.lending import START

REDIRECT = "https://hub.example.com/authorized"


@pytest.fixture
def atlassian() -> Iterator[SimulatedAtlassian]:
    # The hub's clock is the real one here, and tokens end by Atlassian's.
    with serve(generate(7, 40, START), clock=lambda: datetime.now(UTC)) as simulator, serve_atlassian(simulator) as served:
        yield served


def test_a_person_consents_and_pastes_where_the_browser_ended_up(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], migrated_sqlite_url: str, atlassian: SimulatedAtlassian
) -> None:
    monkeypatch.setenv("PMO_HUB_DATABASE_URL", migrated_sqlite_url)
    monkeypatch.setattr(Registry, "installed", classmethod(lambda cls: Registry.of(JiraConnector(atlassian.addresses()))))

    def run(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr("sys.argv", ["pmo-hub", "connection", *arguments])
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            cli.main()
        printed = capsys.readouterr()
        return int(ended.value.code or 0), printed.out, printed.err

    def consent(_: str) -> str:
        url = capsys.readouterr().out.splitlines()[-1]
        return f"{REDIRECT}?{urlencode(atlassian.consent(url))}"

    fields = [f"--set={name}={value}" for name, value in atlassian.config().items() if name != "client_secret"]
    status, out, err = run("add", "--connector", "jira", "--name", "Acme", *fields, "--secret", f"client_secret={atlassian.client_secret}")
    assert (status, err) == (0, "")
    assert "Nobody has signed in for this connection yet: authorize it. `pmo-hub connection authorize` does it here." in out
    monkeypatch.setattr(typer, "prompt", consent)
    status, out, err = run("authorize", "Acme", "--redirect-url", REDIRECT)
    assert (status, err) == (0, "")
    assert out.startswith("Signed in to 127.0.0.1 as ")
    assert "10000\t" in out
    monkeypatch.setattr(typer, "prompt", lambda _: f"{REDIRECT}?state=guessed&code=x")
    status, _, err = run("authorize", "Acme", "--redirect-url", REDIRECT)
    assert status == 2
    assert "waits for no sign-in with this state" in err
    log.configure("warning", "console")
    log.forget_secrets()
