"""Alive and ready are two things."""

from __future__ import annotations

from pathlib import Path

import pytest
import sqlalchemy as sa
from starlette.testclient import TestClient

from pmo_hub.api.application import application
from pmo_hub.host.registry import Registry
from pmo_hub.host.session import Throttles
from pmo_hub.services.hub import Hub
from pmo_hub.store.engine import create_engine
from pmo_hub.store.secrets import SecretBox
from pmo_hub.store.unit_of_work import Work
from tests.serving import SECRET_KEY
from tests.stored import Clock


def client_on(work: Work, folder: Path) -> TestClient:
    hub = Hub(work, Clock(), Registry.of(), SecretBox([SECRET_KEY]), Throttles(), folder)
    return TestClient(application(hub), raise_server_exceptions=False)


def test_a_migrated_hub_is_alive_and_ready(work: Work, tmp_path: Path) -> None:
    client = client_on(work, tmp_path)
    assert client.get("/healthz").json() == {"status": "alive"}
    assert (client.get("/readyz").status_code, client.get("/readyz").json()) == (200, {"status": "ready", "why": None})


def test_an_empty_database_says_what_to_run(database_url: str, tmp_path: Path) -> None:
    work = Work(create_engine(database_url))
    client = client_on(work, tmp_path)
    assert client.get("/healthz").status_code == 200
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json()["why"]) == (503, "The database is empty: run `pmo-hub migrate`.")
    work.dispose()


def test_a_database_of_a_newer_hub_is_not_ready(work: Work, tmp_path: Path) -> None:
    with work.write() as session:
        session.execute(sa.text("UPDATE alembic_version SET version_num = 'tomorrow'"))
    answer = client_on(work, tmp_path).get("/readyz")
    assert answer.status_code == 503
    assert "run the newer version" in answer.json()["why"]


@pytest.mark.parametrize(
    "url", ["postgresql+psycopg://pmo_hub:hunter22@127.0.0.1:1/hub", "sqlite:////nowhere/at/all/hub.db"], ids=["postgresql", "sqlite"]
)
def test_a_database_that_does_not_answer_is_told_without_its_password(url: str, tmp_path: Path) -> None:
    work = Work(create_engine(url))
    client = client_on(work, tmp_path)
    assert client.get("/healthz").status_code == 200
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert "can't be used" in answer.json()["why"]
    assert "hunter22" not in answer.text
    work.dispose()
