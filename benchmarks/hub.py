"""A hub process as its driver sees it."""

from __future__ import annotations

import base64
import json
import secrets
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from benchmarks.databases import Database
from benchmarks.machine import ROOT, WORK
from benchmarks.records import Measurement, Unmeasurable

SECRET_KEY = base64.b64encode(secrets.token_bytes(32)).decode()
"""Of every hub of this run of the benchmarks."""


class HubProcess:
    """Answers one command at a time."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self._answer()

    def connect(self, url: str, *, history: bool = False) -> None:
        self._ask(do="connect", url=url, history=history)

    def sync(self, mode: str = "incremental") -> Measurement:
        """What one run cost: seconds and CPU to the commit of the newest state and to the end, memory, requests by what they are for."""
        return self._ask(do="sync", mode=mode)

    def rule(self, key: str, value: dict[str, str]) -> None:
        """A mapping rule is set; `sync("remap")` does what follows."""
        self._ask(do="rule", key=key, value=value)

    def key(self) -> str:
        return str(self._ask(do="key")["key"])

    def _ask(self, **command: Any) -> Measurement:
        if self._process.stdin is None:
            raise RuntimeError("the process has no standard input")
        try:
            self._process.stdin.write(json.dumps(command) + "\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            pass  # it died; its log, which the answer names, tells why
        return self._answer()

    def _answer(self) -> Measurement:
        if self._process.stdout is None:
            raise RuntimeError("the process has no standard output")
        line = self._process.stdout.readline()
        if not line:
            raise Unmeasurable(f"The hub's process ended; {WORK / 'hub.log'} tells why.")
        answer: Measurement = json.loads(line)
        return answer


@contextmanager
def hub(database: Database, *, budget: bool = True) -> Iterator[HubProcess]:
    """A fresh process on the database, which it migrates; `budget` False lifts the connector's own limit of requests a second."""
    given = json.dumps({"database_url": database.url, "secret_key": SECRET_KEY, "budget": budget})
    with (WORK / "hub.log").open("a") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.child", given], cwd=ROOT,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True,
        )  # fmt: skip
    try:
        yield HubProcess(process)
    finally:
        if process.stdin is not None:
            process.stdin.close()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stdout is not None:
            process.stdout.close()
