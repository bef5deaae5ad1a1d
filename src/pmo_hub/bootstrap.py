"""The one place that wires: settings → engine → hub → application, worker, document."""

from __future__ import annotations

import fcntl
import os
import signal
import threading
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager, nullcontext
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pmo_hub.host import memory
from pmo_hub.host.addresses import networks
from pmo_hub.host.mailing import BadServer, SmtpMailer, server_of
from pmo_hub.host.posting import Poster
from pmo_hub.host.registry import Registry
from pmo_hub.host.session import Throttles
from pmo_hub.jobs.courier import Courier
from pmo_hub.jobs.local import LocalWorker, PutBack
from pmo_hub.services import (
    credentials,
    deliveries,
    delivering,
    dispatching,
    facts,
    hinted,
    hooks,
    readiness,
    registering,
    removal,
    scheduling,
    sync,
    waivers,
)
from pmo_hub.services.errors import NotFound
from pmo_hub.services.evidence import sealing
from pmo_hub.services.hub import Hub
from pmo_hub.services.running import LostLease
from pmo_hub.settings import Settings
from pmo_hub.store import migrations
from pmo_hub.store.engine import DatabaseUrlError, create_engine
from pmo_hub.store.repositories.throttles import Ledgers
from pmo_hub.store.secrets import SecretBox
from pmo_hub.store.unit_of_work import Work

if TYPE_CHECKING:
    from fastapi import FastAPI

POOL_SIZE = 10
DATA_FOLDER = "pmo-hub-data"
BUSY_WAIT = timedelta(seconds=15)


class CannotStart(Exception):
    """The hub can't start like this; the text is one sentence that says why and what to do."""


@contextmanager
def opened(settings: Settings, registry: Registry | None = None) -> Iterator[Hub]:
    """A hub on the settings' database, which is let go at the end."""
    file = settings.sqlite_file
    if file is not None and not file.resolve().parent.is_dir():
        raise CannotStart(f"The folder {file.resolve().parent} of the database does not exist: make it, or set another database URL.")
    try:
        work = Work(create_engine(settings.database_url, POOL_SIZE))
    except DatabaseUrlError as error:
        raise CannotStart(str(error)) from error
    memory.tune()
    folder = Path(DATA_FOLDER) if file is None else file.resolve().parent / DATA_FOLDER
    try:
        # Workers of SQLite are one process; those of PostgreSQL may be several, and share what a source allows an account.
        throttles = Throttles(ledgers=None if work.is_at_hand else Ledgers(work, sync.holder_name()))
        yield Hub(
            work, _now, registry or Registry.installed(), SecretBox(settings.keys), throttles, folder, settings.base_url,
            Poster(networks(settings.allowed_networks)), mailer(settings),
            settings.watchable, settings.upload_max_mb * 1024 * 1024,
        )  # fmt: skip
    finally:
        work.dispose()


def mailer(settings: Settings) -> SmtpMailer | None:
    """What sends e-mails as the settings say; None where they name no server. Raises CannotStart."""
    if settings.smtp_url is None:
        return None
    if settings.smtp_sender is None:
        raise CannotStart("PMO_HUB_SMTP_SENDER is not set: e-mails need an address that they come from.")
    try:
        server = server_of(settings.smtp_url.get_secret_value())
    except BadServer as error:
        raise CannotStart(f"PMO_HUB_SMTP_URL {error}.") from None
    try:
        return SmtpMailer(server, settings.smtp_sender)
    except BadServer as error:
        raise CannotStart(f"PMO_HUB_SMTP_SENDER: {error}.") from None


def _now() -> datetime:
    return datetime.now(UTC)


def migrate(settings: Settings) -> tuple[str | None, str | None]:
    """The database is at the newest revision; returns where it was and where it is."""
    try:
        engine = create_engine(settings.database_url)
        try:
            return migrations.upgrade(engine)
        finally:
            engine.dispose()
    except (DatabaseUrlError, migrations.Unreachable) as error:
        raise CannotStart(str(error)) from error


def refuse_old_tables(hub: Hub) -> None:
    """The database can be worked with; raises CannotStart, since migrating is a step of its own."""
    why = readiness.obstacle(hub)
    if why is not None:
        raise CannotStart(why)


@contextmanager
def working(hub: Hub, settings: Settings) -> Iterator[None]:
    """Jobs are run and schedules fire in threads of this process; raises CannotStart where another process does so on the same SQLite."""
    with only_worker(settings), _threads(hub, settings):
        yield


@contextmanager
def _threads(hub: Hub, settings: Settings) -> Iterator[None]:
    worker = LocalWorker(
        hub.work, hub.now, handlers(hub), lambda: tick(hub), sync.holder_name(), sync.is_alive,
        concurrency=settings.worker_concurrency, poll_s=settings.worker_poll_s,
    )  # fmt: skip
    courier = Courier(
        lambda: dispatching.dispatch(hub), partial(delivering.due, hub), partial(delivering.drive, hub), settings.worker_poll_s,
        settings.delivery_lanes,
    )  # fmt: skip
    worker.start()
    courier.start()
    try:
        yield
    finally:
        courier.stop()
        worker.stop()


@contextmanager
def only_worker(settings: Settings) -> Iterator[None]:
    """No other process works on the same SQLite file. The lock is the operating system's: it ends with the process, however that ends."""
    database = settings.sqlite_file
    if database is None:
        yield
        return
    path = database.with_name(f"{database.name}.worker")
    try:
        file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise CannotStart(f"The lock file {path} can't be opened ({error.strerror}).") from error
    try:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(file, 20, 0).decode(errors="replace").strip() or "unknown"
            raise CannotStart(
                f"Process {holder} runs the jobs of {database} already, and SQLite bears one: stop it, or move to PostgreSQL."
            ) from None
        os.ftruncate(file, 0)
        os.pwrite(file, str(os.getpid()).encode(), 0)
        yield
    finally:
        os.close(file)


def handlers(hub: Hub) -> Mapping[str, Callable[[Mapping[str, Any]], None]]:
    """What runs a job, by its kind."""

    def run_sync(arguments: Mapping[str, Any]) -> None:
        held = scheduling.held_until(hub, str(arguments["run_id"]))
        if held is not None:
            raise PutBack(held - hub.now())
        try:
            sync.run(hub, str(arguments["run_id"]), attempt=int(arguments.get("attempt", 1)))
        except sync.Busy:
            raise PutBack(BUSY_WAIT) from None
        except NotFound:
            return  # the run's connection went while the job waited

    def renew_hook(arguments: Mapping[str, Any]) -> None:
        registering.renew(hub, str(arguments["connection_id"]))

    def run_removal(arguments: Mapping[str, Any]) -> None:
        try:
            removal.run(hub, str(arguments["removal_id"]))
        except (sync.Busy, LostLease):
            raise PutBack(BUSY_WAIT) from None

    return {"sync": run_sync, "removal": run_removal, registering.RENEWAL: renew_hook}


def tick(hub: Hub) -> None:
    """What is due is queued, what ends soon or ran out is told, outdated facts are measured again, and evidence is sealed."""
    scheduling.tick(hub)
    hinted.tick(hub)
    hooks.tick(hub)
    credentials.warn(hub)
    waivers.tick(hub)
    deliveries.forget(hub)
    facts.expire(hub)
    sealing.seal_all(hub)


@contextmanager
def serving(settings: Settings, *, with_worker: bool) -> Iterator[FastAPI]:
    """The application on a hub of its own; with a worker, jobs run as long as the application does."""
    import anyio.to_thread

    from pmo_hub.api.application import application  # a command that serves nothing starts a second sooner without it

    with opened(settings) as hub, only_worker(settings) if with_worker else nullcontext():

        @asynccontextmanager
        async def lifespan(_: FastAPI) -> AsyncIterator[None]:
            # A request beyond the pool's size would only wait for a connection, with a thread in its hands.
            anyio.to_thread.current_default_thread_limiter().total_tokens = POOL_SIZE
            with _threads(hub, settings) if with_worker else nullcontext():
                yield

        yield application(hub, lifespan)


def work(settings: Settings, stop: threading.Event) -> None:
    """Jobs are run until `stop` is set; raises CannotStart."""
    with opened(settings) as hub:
        refuse_old_tables(hub)
        with working(hub, settings):
            stop.wait()


def stopped_by_signal() -> threading.Event:
    """An event that SIGTERM and SIGINT set; asked for in the main thread."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    return stop


def document() -> dict[str, Any]:
    """The API's OpenAPI document."""
    from pmo_hub.api.application import application

    return application(None).openapi()
