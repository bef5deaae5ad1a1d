"""What is wired, and what refuses to start."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from pmo_hub import bootstrap
from pmo_hub.bootstrap import CannotStart
from pmo_hub.host import registry
from pmo_hub.jobs.local import PutBack
from pmo_hub.services import access, sync
from pmo_hub.settings import Settings, load
from tests.shelf import ShelfConnector, config


@pytest.fixture
def settings(migrated_sqlite_url: str) -> Settings:
    return load(database_url=migrated_sqlite_url, worker_poll_s=0.05)


@pytest.fixture
def shelf_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The shelf is the only connector that packages announce."""

    class Point:
        name = "shelf"
        value = "tests.shelf:ShelfConnector"
        dist = None

        @staticmethod
        def load() -> type:
            return ShelfConnector

    monkeypatch.setattr(registry, "entry_points", lambda group: [Point()])


def test_a_second_worker_on_one_sqlite_file_is_refused_with_the_reason(settings: Settings) -> None:
    reason = f"Process {os.getpid()} runs the jobs .* stop it, or move to PostgreSQL"
    with bootstrap.only_worker(settings), pytest.raises(CannotStart, match=reason), bootstrap.only_worker(settings):
        pass
    with bootstrap.only_worker(settings):
        pass


def test_workers_on_postgresql_are_not_counted_here(migrated_postgresql_url: str) -> None:
    settings = Settings(database_url=migrated_postgresql_url)
    with bootstrap.only_worker(settings), bootstrap.only_worker(settings):
        pass


def test_the_lock_of_a_killed_worker_is_free(settings: Settings, repository: Path) -> None:
    program = (
        "import sys; from pmo_hub import bootstrap; from pmo_hub.settings import Settings\n"
        "with bootstrap.only_worker(Settings(database_url=sys.argv[1])): print('held', flush=True); sys.stdin.read()"
    )
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(repository / "src"), str(repository / "connectors")])}
    command = [sys.executable, "-c", program, settings.database_url]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        with pytest.raises(CannotStart, match=f"Process {other.pid} "), bootstrap.only_worker(settings):
            pass
        other.kill()
        other.wait()
        with bootstrap.only_worker(settings):
            pass


def test_a_database_in_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    settings = load(database_url=f"sqlite:///{tmp_path}/hub.db").model_copy(update={"database_url": f"sqlite:///{tmp_path}/none/hub.db"})
    with pytest.raises(CannotStart, match="does not exist"), bootstrap.opened(settings):
        pass


def test_a_database_without_tables_is_refused(tmp_path: Path) -> None:
    with bootstrap.opened(load(database_url=f"sqlite:///{tmp_path}/hub.db")) as hub, pytest.raises(CannotStart, match="pmo-hub migrate"):
        bootstrap.refuse_old_tables(hub)


def test_migrating_tells_where_the_database_was_and_is(database_url: str) -> None:
    settings = Settings(database_url=database_url)
    before, after = bootstrap.migrate(settings)
    assert before is None
    assert after is not None
    assert bootstrap.migrate(settings) == (after, after)


def test_a_server_that_does_not_answer_is_told_without_its_password() -> None:
    with pytest.raises(CannotStart, match="can't be used") as raised:
        bootstrap.migrate(Settings(database_url="postgresql://pmo_hub:hunter22@127.0.0.1:1/hub"))
    assert "hunter22" not in str(raised.value)


@pytest.mark.usefixtures("shelf_installed")
def test_a_served_hub_with_a_worker_runs_what_is_asked_for(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    ended = threading.Event()
    run = sync.run

    def told(*args: object, **more: object) -> object:
        try:
            return run(*args, **more)  # type: ignore[arg-type]
        finally:
            ended.set()

    monkeypatch.setattr(sync, "run", told)
    with bootstrap.serving(settings, with_worker=True) as app, TestClient(app) as client:
        key = access.create_key(app.state.hub, "n", ["admin"], "test").text
        body = {"name": "Library", "connector": "shelf", "config": config()}
        made = client.post("/api/v1/connections", json=body, headers={"X-API-Key": key}).json()
        assert ended.wait(30)
        with pytest.raises(CannotStart), bootstrap.only_worker(settings):
            pass
    with bootstrap.opened(settings) as hub:
        client = TestClient(app)
        assert sync.run(hub, made["run"]["id"]).state == "finished"
    with bootstrap.only_worker(settings):
        pass


def test_a_served_hub_without_a_worker_leaves_jobs_to_others(settings: Settings) -> None:
    with bootstrap.serving(settings, with_worker=False) as app, TestClient(app) as client:
        assert client.get("/readyz").json()["status"] == "ready"
        with bootstrap.only_worker(settings):
            pass


def test_requests_get_as_many_threads_as_there_are_connections(settings: Settings) -> None:
    import anyio.to_thread

    with bootstrap.serving(settings, with_worker=False) as app, TestClient(app) as client:
        assert client.portal is not None
        assert client.portal.call(lambda: anyio.to_thread.current_default_thread_limiter().total_tokens) == bootstrap.POOL_SIZE


def test_a_job_of_a_connection_that_is_busy_waits_its_turn(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    def busy(*_: object, **__: object) -> None:
        raise sync.Busy

    with bootstrap.opened(settings) as hub:
        run = bootstrap.handlers(hub)["sync"]
        monkeypatch.setattr(sync, "run", busy)
        with pytest.raises(PutBack):
            run({"run_id": "x"})


def test_a_job_of_a_run_that_is_gone_ends(settings: Settings) -> None:
    with bootstrap.opened(settings) as hub:
        bootstrap.handlers(hub)["sync"]({"run_id": "x"})


def test_a_worker_works_until_it_is_stopped(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    ticked = threading.Event()
    stop = threading.Event()
    monkeypatch.setattr(bootstrap, "tick", lambda hub: ticked.set())
    thread = threading.Thread(target=bootstrap.work, args=(settings, stop))
    thread.start()
    assert ticked.wait(30)
    stop.set()
    thread.join(30)
    assert not thread.is_alive()


def test_the_document_needs_no_hub() -> None:
    assert bootstrap.document()["openapi"].startswith("3.1")


def test_a_mail_server_needs_an_address_and_a_sender() -> None:
    assert bootstrap.mailer(Settings()) is None  # nobody is written to
    assert bootstrap.mailer(Settings(smtp_url="smtp://mail.example", smtp_sender="hub@example.com")) is not None
    for given, told in (
        ({"smtp_url": "smtp://mail.example"}, "PMO_HUB_SMTP_SENDER is not set"),
        ({"smtp_url": "http://hub:hush@mail.example", "smtp_sender": "hub@example.com"}, "PMO_HUB_SMTP_URL must be smtp://"),
        ({"smtp_url": "smtp://mail.example", "smtp_sender": "nobody"}, "PMO_HUB_SMTP_SENDER: 'nobody' is no e-mail address"),
    ):
        with pytest.raises(bootstrap.CannotStart) as refused:
            bootstrap.mailer(Settings.model_validate(given))
        assert told in str(refused.value)
        assert "hush" not in str(refused.value)
