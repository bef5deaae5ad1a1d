"""Conversion of .mpp files: what is missing, fails or takes too long, in one sentence each. A good one: test_expected."""

from __future__ import annotations

import importlib.util
import io
import subprocess
from pathlib import Path

import pytest

from pmo_hub.sdk.errors import ConfigError
from pmo_hub.sdk.testing import MemoryContext
from pmo_hub_mspdi import mpp
from pmo_hub_mspdi.config import MspdiConfig
from pmo_hub_mspdi.connector import MspdiConnector
from pmo_hub_mspdi.faults import MissingConverter, UnreadableFile

RUN = subprocess.run
GARBAGE = mpp.MAGIC + b"\x11" * 4_000


def test_without_the_optional_part_the_admin_reads_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ConfigError, match=r"install pmo-hub\[mpp\] and a Java runtime"):
        MspdiConnector().examine(MspdiConfig(), "plan.mpp", io.BytesIO(GARBAGE), MemoryContext())


def _command(monkeypatch: pytest.MonkeyPatch, code: str) -> None:
    """The worker is this Python program instead."""
    monkeypatch.setattr(mpp, "require", lambda: None)
    monkeypatch.setattr(subprocess, "run", lambda command, **options: RUN([command[0], "-c", code, *command[3:]], **options))


def test_a_file_that_can_not_be_converted_is_tried_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    _command(monkeypatch, "raise SystemExit(1)")
    for _ in range(2):
        with pytest.raises(UnreadableFile, match="can't be converted"):
            mpp.converted("d", io.BytesIO(GARBAGE), tmp_path)
        monkeypatch.setattr(mpp, "_run", None)  # whoever tries again fails otherwise
    assert [path.name for path in tmp_path.iterdir()] == ["d.fault"]


def test_a_conversion_that_takes_too_long_is_stopped(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    _command(monkeypatch, "import sys; sys.stdin.read(); import time; time.sleep(60)")
    with pytest.raises(UnreadableFile, match="took longer than"):
        mpp.converted("d", io.BytesIO(GARBAGE), tmp_path, timeout_s=0.3)


def test_no_java_is_told_and_tried_again(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    _command(monkeypatch, "raise SystemExit(3)")
    with pytest.raises(MissingConverter, match="no Java runtime"):
        mpp.converted("d", io.BytesIO(GARBAGE), tmp_path)
    _command(monkeypatch, "import sys; open(sys.argv[2], 'w').write('<Project/>')")
    assert mpp.converted("d", io.BytesIO(GARBAGE), tmp_path).read_text() == "<Project/>"
