"""Folders that the host lends: no path leads out, nothing half-written is told, the operator decides."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path

import pytest

from pmo_hub.host.files import SETTLED, Digests, FolderFiles, WatchedFiles, watched
from pmo_hub.sdk.errors import ConfigError


def later() -> datetime:
    return datetime.now(UTC) + SETTLED + timedelta(seconds=5)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "plans"
    (made / "inner" / "deeper").mkdir(parents=True)
    (made / "a.xml").write_bytes(b"one")
    (made / "inner" / "deeper" / "b.xml").write_bytes(b"two")
    (made / ".hidden").write_bytes(b"x")
    (made / "~$a.xml").write_bytes(b"x")
    (tmp_path / "secret").write_bytes(b"x")
    (made / "link.xml").symlink_to(tmp_path / "secret")
    os.mkfifo(made / "pipe.xml")
    return made


def test_files_below_a_watched_folder_are_told_by_their_path(folder: Path) -> None:
    files = WatchedFiles(folder, later)
    assert list(files.names()) == ["a.xml", "inner/deeper/b.xml"]
    about = files.about("inner/deeper/b.xml")
    assert (about.size_bytes, about.digest) == (3, sha256(b"two").hexdigest())
    with files.open("a.xml") as file:
        assert file.read() == b"one"


def test_a_file_that_was_touched_just_now_is_not_told(folder: Path) -> None:
    files = WatchedFiles(folder, lambda: datetime.now(UTC))
    assert list(files.names()) == []
    with pytest.raises(FileNotFoundError, match="still being written"), files.open("a.xml"):
        pass


@pytest.mark.parametrize(
    "name", ["../secret", "/etc/passwd", "link.xml", "pipe.xml", "inner", "inner/../../secret", "", "a\0b", "none.xml"]
)
def test_no_name_leads_out_of_a_watched_folder(folder: Path, name: str) -> None:
    with pytest.raises((FileNotFoundError, IsADirectoryError)), WatchedFiles(folder, later).open(name):
        pass


def test_only_what_the_operator_allows_is_watched(folder: Path, tmp_path: Path) -> None:
    assert list(watched(str(folder / "inner"), [folder], later).names()) == ["deeper/b.xml"]
    for path, allowed in ((folder, []), (tmp_path, [folder]), (folder / "none", [folder]), (folder / "a.xml", [folder])):
        with pytest.raises(ConfigError):
            watched(str(path), allowed, later)
    (tmp_path / "way-out").symlink_to("/etc")
    with pytest.raises(ConfigError, match="may not be watched"):
        watched(str(tmp_path / "way-out"), [folder], later)


def test_a_digest_is_taken_once_for_a_file_that_nobody_touched(folder: Path) -> None:
    digests, path = Digests(), folder / "a.xml"
    with open(path, "rb") as file:
        assert digests.of(path, file) == sha256(b"one").hexdigest()
        assert file.tell() == 3
    with open(path, "rb") as file:
        assert digests.of(path, file) == sha256(b"one").hexdigest()
        assert file.tell() == 0
    path.write_bytes(b"other")
    with open(path, "rb") as file:
        assert digests.of(path, file) == sha256(b"other").hexdigest()


def test_drafts_are_no_files(tmp_path: Path) -> None:
    (tmp_path / ".0123.part").write_bytes(b"half")
    (tmp_path / "a.xml").write_bytes(b"one")
    files = FolderFiles(tmp_path)
    assert list(files.names()) == ["a.xml"]
    assert files.about("a.xml").digest == sha256(b"one").hexdigest()
