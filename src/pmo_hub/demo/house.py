"""The demo's hub: a folder of its own, a migrated database in it, and the application as any other server meets it."""

from __future__ import annotations

import os
import pkgutil
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import uvicorn
from fastapi import FastAPI

from pmo_hub.services.hub import Hub
from pmo_hub.store import migrations
from pmo_hub.store.engine import create_engine

# Where `uvicorn --factory` finds it too. An address, since the demo stands below the room that wires.
APPLICATION = "pmo_hub.app:create_app"
PREFIX = "PMO_HUB_"
HOST = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class House:
    """`application` runs the jobs of `hub` while it is served."""

    folder: Path
    database_url: str
    application: FastAPI
    hub: Hub


@contextmanager
def built() -> Iterator[House]:
    """A hub with an empty database at the newest revision; both are gone when the block ends."""
    with TemporaryDirectory(prefix="pmo-hub-demo-") as name:
        folder = Path(name)
        url = f"sqlite:///{folder / 'hub.db'}"
        engine = create_engine(url)
        try:
            migrations.upgrade(engine)
        finally:
            engine.dispose()
        # What goes wrong is told in the demo's own sentence; a log is left for bugs.
        given = {"database_url": url, "environment": "development", "log_level": "error", "log_format": "console"}
        # The receiver that the demo delivers to answers on loopback.
        with _only_these_settings(**given, delivery_allowed_networks=HOST):
            application = pkgutil.resolve_name(APPLICATION)()
        hub: Hub = application.state.hub
        try:
            yield House(folder, url, application, hub)
        finally:
            hub.work.dispose()


@contextmanager
def _only_these_settings(**given: str) -> Iterator[None]:
    """The hub's settings are these and its defaults, whatever its user has set for a hub of their own."""
    before = {name: value for name, value in os.environ.items() if name.upper().startswith(PREFIX)}
    for name in before:
        del os.environ[name]
    made = {f"{PREFIX}{name.upper()}": value for name, value in given.items()}
    os.environ.update(made)
    try:
        yield
    finally:
        for name in made:
            del os.environ[name]
        os.environ.update(before)


def listening(port: int) -> socket.socket:
    """A socket that holds the port on loopback, 0 any free one; raises OSError where it is taken."""
    found = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        found.bind((HOST, port))
    except OSError:
        found.close()
        raise
    return found


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, announce: Callable[[], None]) -> None:
        super().__init__(config)
        self._announce = announce

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._announce()


def serve(application: FastAPI, listener: socket.socket, announce: Callable[[], None]) -> bool:
    """Serves on the socket until SIGINT or SIGTERM; `announce` is called when it answers. False when it could not start."""
    config = uvicorn.Config(application, log_config=None, access_log=False, server_header=False, timeout_graceful_shutdown=2)
    server = _Server(config, announce)
    try:
        server.run(sockets=[listener])
    except (KeyboardInterrupt, SystemExit):
        if not server.started:
            raise
    return server.started
