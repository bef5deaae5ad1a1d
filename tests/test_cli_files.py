"""Files from the command line."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from pmo_hub.host.registry import Registry
from pmo_hub_mspdi.connector import MspdiConnector
from pmo_hub_mspdi.simulated_plans import PEOPLE, PlanSpec, plan_xml
from tests.test_cli import Run, run

__all__ = ["run"]

PLAN = PlanSpec("ERP Rollout", 40, seed=3, people=PEOPLE[:2])


@pytest.fixture(autouse=True)
def installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Registry, "installed", classmethod(lambda cls: Registry.of(MspdiConnector())))


def test_a_file_is_uploaded_and_what_is_held_is_confirmed(run: Run, tmp_path: Path) -> None:
    assert run("connection", "add", "--connector", "mspdi", "--name", "Files").status == 0
    path = tmp_path / "erp.xml"
    path.write_bytes(plan_xml(PLAN))
    uploaded = run("connection", "upload", "Files", str(path))
    assert (uploaded.status, uploaded.err) == (0, "")
    assert "sha256" in uploaded.out
    assert "finished" in uploaded.out
    path.write_bytes(plan_xml(replace(PLAN, removed=frozenset(range(10, 40)))))
    held = run("connection", "upload", "Files", str(path))
    assert held.status == 1
    assert "pmo-hub connection confirm" in held.err
    confirmed = run("connection", "confirm", "Files")
    assert confirmed.status == 0
    assert "30 of" in confirmed.out
    assert "30 gone" in confirmed.out


def test_a_file_that_is_not_there_or_no_plan_is_one_sentence(run: Run, tmp_path: Path) -> None:
    run("connection", "add", "--connector", "mspdi", "--name", "Files")
    assert run("connection", "upload", "Files", str(tmp_path / "none.xml")).status == 2
    (tmp_path / "no.xml").write_bytes(b"<html/>")
    refused = run("connection", "upload", "Files", str(tmp_path / "no.xml"))
    assert refused.status != 0
    assert "no Microsoft Project XML" in refused.err
