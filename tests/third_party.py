"""Third-party payloads and interface descriptions, which are read from beside the repository and never copied into it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.engines import SERVER_VARIABLE, NoPostgres, find_binaries, is_ci, refuse

SHARED_VARIABLE = "PMO_HUB_SHARED"
ROOT = Path(__file__).resolve().parent.parent


def find_shared() -> Path:
    """The folder that PMO_HUB_SHARED names, or ../shared beside the repository, whether it exists or not."""
    return Path(os.environ.get(SHARED_VARIABLE) or ROOT.parent / "shared")


@pytest.fixture(scope="session")
def shared_folder() -> Path:
    """The folder, or a skip with the reason where it is absent; with CI=true a failure."""
    folder = find_shared()
    if not folder.is_dir():
        refuse(f"no third-party payloads: {folder} does not exist ({SHARED_VARIABLE} names another folder)")
    return folder


def missing() -> str | None:
    """What a run that may skip nothing lacks, in words; None if it has all."""
    if not find_shared().is_dir():
        return f"no third-party payloads: {find_shared()} does not exist"
    if not os.environ.get(SERVER_VARIABLE):
        try:
            find_binaries()
        except NoPostgres as error:
            return str(error)
    return None


def pytest_sessionstart(session: pytest.Session) -> None:
    """With CI=true the run ends at once where something that it needs is missing."""
    if is_ci() and not session.config.option.collectonly and (lacking := missing()):
        pytest.exit(f"with CI=true nothing is skipped: {lacking}", returncode=1)
