"""Evidence from the command line: exported, verified, its head noted."""

from __future__ import annotations

from pathlib import Path

import pytest
import sqlalchemy as sa

from pmo_hub import bootstrap
from pmo_hub.settings import load
from tests.test_cli import Run, one_sentence, run, shelf_installed

__all__ = ["run", "shelf_installed"]


def test_a_pack_is_exported_and_verified_and_the_hub_s_own_log_too(run: Run, tmp_path: Path) -> None:
    run("key", "create", "--name", "first", "--scope", "admin")
    head = run("evidence", "head").out.strip()
    assert head.startswith("1:")
    pack = tmp_path / "pack.zip"
    said = run("evidence", "export", "-o", str(pack)).out
    assert said == f"{pack}: 1 entries, 1 with their bodies; the last is {head}\n"
    for where in ((str(pack),), ()):
        ended = run("evidence", "verify", *where, "--checkpoint", head)
        assert (ended.status, ended.out.splitlines()[-1]) == (0, "SOUND")
    assert [file.name for file in tmp_path.glob("*pack*")] == ["pack.zip"]


def test_a_log_that_was_changed_is_not_sound(run: Run) -> None:
    run("key", "create", "--name", "first", "--scope", "admin")
    run("evidence", "head")
    with bootstrap.opened(load()) as hub, hub.work.write() as session:
        session.execute(sa.text("UPDATE evidence_bodies SET body = '{}'"))
    ended = run("evidence", "verify")
    assert ended.status == 1
    assert ended.out.splitlines()[0] == "The body of entry 1 was changed."
    assert ended.out.splitlines()[-1] == "NOT SOUND: 1 finding"


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("evidence", "verify", "/nowhere"), "/nowhere is not an evidence pack"),
        (("evidence", "verify", "--checkpoint", "1:abc"), "is not POSITION:HASH"),
        (("evidence", "export", "-o", "x.zip", "--from", "yesterday"), "--from wants an instant"),
        (("evidence", "export", "-o", "x.zip", "--to", "2026-01-01"), "--to needs a time zone"),
        (("evidence", "export", "-o", "x.zip", "--project", "nowhere"), "There is no project 'nowhere'"),
        (("evidence", "export", "-o", "/nowhere/x.zip"), "/nowhere/x.zip can't be written"),
        (("evidence", "export"), "Missing option '--out'"),
    ],
)
def test_what_is_wrong_is_said_in_a_sentence(run: Run, arguments: tuple[str, ...], told: str) -> None:
    assert told in one_sentence(run(*arguments))
