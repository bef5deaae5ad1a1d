"""A hub process as its driver sees it."""

from __future__ import annotations

import base64
import json
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.answering import Answering, answering
from benchmarks.databases import Database
from benchmarks.records import Measurement

SECRET_KEY = base64.b64encode(secrets.token_bytes(32)).decode()
"""Of every hub of this run of the benchmarks."""


class HubProcess:
    """Answers one command at a time."""

    def __init__(self, process: Answering) -> None:
        self._process = process

    def connect(self, url: str, *, history: bool = False) -> None:
        """A connection to the yardsticks' Jira."""
        config = {"url": url, "email": "bench@example.com", "token": "not-checked", "history": history}
        self.connect_to("jira", config)

    def connect_to(self, connector: str, config: Mapping[str, Any]) -> None:
        """The connection is made, reads all that the source offers, and its first sync is queued."""
        self._process.ask(do="connect", connector=connector, config=dict(config))

    def upload(self, name: str, file: Path) -> None:
        """The file is given to the connection under that name, and a sync is queued."""
        self._process.ask(do="upload", name=name, path=str(file))

    def sync(self, mode: str = "incremental") -> Measurement:
        """What one run cost: seconds and CPU to the commit of the newest state and to the end, memory, requests by what they are for."""
        return self._process.ask(do="sync", mode=mode)

    def rule(self, key: str, value: dict[str, str]) -> None:
        """A mapping rule is set; `sync("remap")` does what follows."""
        self._process.ask(do="rule", key=key, value=value)

    def key(self) -> str:
        return str(self._process.ask(do="key")["key"])


@contextmanager
def hub(database: Database, *, budget: bool = True) -> Iterator[HubProcess]:
    """A fresh process on the database, which it migrates; `budget` False lifts the connector's own limit of requests a second."""
    given = json.dumps({"database_url": database.url, "secret_key": SECRET_KEY, "budget": budget})
    with answering("benchmarks.child", given, "hub.log") as process:
        yield HubProcess(process)
