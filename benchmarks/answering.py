"""Processes of their own that answer commands: JSON lines on standard input, answers as JSON lines on standard output."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from benchmarks.machine import ROOT, WORK
from benchmarks.records import Measurement, Unmeasurable


class Answering:
    """A running process, which answers one command at a time. `hello` is what it said when it was ready."""

    def __init__(self, process: subprocess.Popen[str], log: str) -> None:
        self._process = process
        self._log = log
        self.hello = self._answer()

    def ask(self, **command: Any) -> Measurement:
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
            raise Unmeasurable(f"A process ended before its time; {WORK / self._log} tells why.")
        answer: Measurement = json.loads(line)
        return answer


@contextmanager
def answering(module: str, given: str, log: str) -> Iterator[Answering]:
    """A fresh process of that module with that argument, ready to answer; it ends with the block."""
    WORK.mkdir(parents=True, exist_ok=True)
    with (WORK / log).open("a") as errors:
        process = subprocess.Popen(
            [sys.executable, "-m", module, given], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, text=True,
        )  # fmt: skip
    try:
        yield Answering(process, log)
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
