"""The hub in a process of its own, wired as its commands wire it: it opens a database, syncs, and tells what each sync cost.

Commands are JSON lines on standard input, answers JSON lines on standard output; logs go to standard error.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import tempfile
import threading
import time
from collections import Counter
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import httpx

from benchmarks.machine import WORK
from benchmarks.records import Measurement
from benchmarks.requests import KINDS, Kinds, kind_of
from pmo_hub import bootstrap, log, settings
from pmo_hub.host.registry import Registry
from pmo_hub.host.session import Throttles
from pmo_hub.sdk.contract import RateLimit
from pmo_hub.sdk.http import LocalThrottle
from pmo_hub.services import access, connections, rules, sync, uploads
from pmo_hub.services.hub import Hub
from pmo_hub.services.running import SyncProgress

MIB = 1024  # /proc tells KiB


class Tally:
    """Counts the requests that this process sends, by what they are for."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.first_listing: float | None = None
        self.flights = Flights()
        self.kinds: Kinds = ()
        send = httpx.HTTPTransport.handle_request

        def counted(transport: httpx.HTTPTransport, request: httpx.Request) -> httpx.Response:
            kind = kind_of(self.kinds, request.url.path)
            self.counts[kind] += 1
            if kind in ("issues", "count") and self.first_listing is None:
                self.first_listing = time.perf_counter()
            self.flights.change(1)
            try:
                return send(transport, request)
            finally:
                self.flights.change(-1)

        # What is counted has to have been sent, whichever client sends it.
        httpx.HTTPTransport.handle_request = counted  # type: ignore[method-assign, assignment]

    def clear(self) -> None:
        self.counts.clear()
        self.first_listing = None
        self.flights = Flights()


@dataclass(slots=True)
class Flights:
    """Requests between their sending and the head of their answer: how many at most, how many in the mean from the first on, and for how
    long there was one at all.
    """

    now: int = 0
    most: int = 0
    seconds: float = 0.0
    busy_s: float = 0.0
    since: float | None = None
    began: float | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)

    def change(self, by: int) -> None:
        with self.lock:
            at = time.perf_counter()
            self.began = self.began or at
            passed = at - (self.since or at)
            self.seconds += self.now * passed
            self.busy_s += passed if self.now else 0.0
            self.now, self.since = self.now + by, at
            self.most = max(self.most, self.now)

    def mean(self) -> float:
        return 0.0 if self.began is None or self.since is None else self.seconds / max(1e-9, self.since - self.began)


@dataclass(slots=True)
class Meter:
    """Time, CPU and memory of one sync, from before its lease is taken."""

    began: float = 0.0
    cpu: float = 0.0
    idle: dict[str, float] = field(default_factory=dict)
    committed: tuple[float, float] | None = None
    batches: int = 0
    peak_reading: float = 0.0

    def start(self) -> None:
        self.idle = memory(from_now=True)
        self.cpu = cpu_s()
        self.began = time.perf_counter()

    def progress(self, _: SyncProgress) -> None:
        """Called after each batch: the last call is the commit of the newest rows and their state."""
        self.batches += 1
        self.committed = (time.perf_counter() - self.began, cpu_s() - self.cpu)
        self.peak_reading = memory()["VmHWM"]

    def told(self) -> Measurement:
        whole_s, whole_cpu_s = time.perf_counter() - self.began, cpu_s() - self.cpu
        state_s, state_cpu_s = self.committed or (None, None)
        now = memory()
        return {
            "state_s": state_s, "whole_s": whole_s, "state_cpu_s": state_cpu_s, "whole_cpu_s": whole_cpu_s, "batches": self.batches,
            "idle_mib": self.idle["VmRSS"], "peak_mib": max(now["VmHWM"], self.peak_reading), "peak_reading_mib": self.peak_reading,
            "mapped_files_mib": now["RssFile"] - self.idle["RssFile"],
        }  # fmt: skip


def cpu_s() -> float:
    """CPU seconds of this process, its children left out."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def memory(*, from_now: bool = False) -> dict[str, float]:
    """MiB that are resident now (VmRSS, RssFile), and at most since the last call with `from_now` (VmHWM)."""
    if from_now:
        Path("/proc/self/clear_refs").write_text("5")  # proc(5): the peak begins anew at what is resident now
    lines = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return {name: int(lines[name].split()[0]) / MIB for name in ("VmRSS", "VmHWM", "RssFile")}


class Child:
    def __init__(self, hub: Hub, tally: Tally) -> None:
        self._hub = hub
        self._tally = tally

    def connect(self, connector: str, config: dict[str, Any]) -> Measurement:
        """The connection is made, reads all that the source offers, and its first sync is queued."""
        draft = connections.Draft(name="bench", connector=connector, config=config, scopes="all", schedules={"incremental": "every 1h"})
        created = connections.create(self._hub, draft, "bench")
        return {"run": created.run.id}

    def upload(self, name: str, path: str) -> Measurement:
        """The file is the connection's, under that name, and its sync is queued."""
        (connection,) = connections.page(self._hub, None, 2)
        with open(path, "rb") as file:
            kept = uploads.keep(self._hub, connection.id, name, file, "bench")
        return {"run": kept.run.id}

    def sync(self, mode: str) -> Measurement:
        """One run from the lease to its end."""
        (connection,) = connections.page(self._hub, None, 2)
        run_id = sync.request(self._hub, connection.id, mode)
        self._tally.clear()
        self._tally.kinds = KINDS.get(connection.connector, ())
        meter = Meter()
        meter.start()
        run = sync.run(self._hub, run_id, meter.progress)
        told = meter.told()
        if run.state != "finished":
            raise RuntimeError(f"the sync {run.state}: {run.error}")
        listing = self._tally.first_listing
        told["listing_s"] = None if listing is None else listing - meter.began
        flights = self._tally.flights
        told |= {"most_in_flight": flights.most, "mean_in_flight": flights.mean(), "asking_s": flights.busy_s}
        return {**told, "fetched": dict(run.fetched), "changed": dict(run.changed), "requests": dict(self._tally.counts)}

    def rule(self, key: str, value: dict[str, str]) -> Measurement:
        """A mapping rule is set, and the re-map that follows it is queued."""
        (connection,) = connections.page(self._hub, None, 2)
        accepted = rules.put(self._hub, connection.id, {key: value}, "bench")
        return {"runs": [run.mode for run in accepted.runs]}

    def key(self) -> Measurement:
        """An API key that may read everything."""
        return {"key": access.create_key(self._hub, "bench", ["admin"], "bench").text}


def unbudgeted(limit: RateLimit) -> LocalThrottle:
    """As many requests at once as the connector allows itself, but no budget a second."""
    return LocalThrottle(replace(limit, requests=1_000_000))


def main() -> None:
    given = json.loads(sys.argv[1])
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # whatever prints must not stand between the answers
    log.configure("warning", "json")
    loaded = settings.load(database_url=given["database_url"], secret_key=given["secret_key"])
    bootstrap.migrate(loaded)
    tally = Tally()
    with bootstrap.opened(loaded, Registry.installed()) as opened, tempfile.TemporaryDirectory(dir=WORK) as data:
        hub = replace(opened, data_dir=Path(data))
        child = Child(hub if given["budget"] else replace(hub, throttles=Throttles(unbudgeted)), tally)
        commands: dict[str, Any] = {
            "connect": child.connect, "upload": child.upload, "sync": child.sync, "key": child.key, "rule": child.rule,
        }  # fmt: skip
        answers.write("{}\n")
        for line in sys.stdin:
            command = json.loads(line)
            answers.write(json.dumps(commands[command.pop("do")](**command)) + "\n")


if __name__ == "__main__":
    main()
