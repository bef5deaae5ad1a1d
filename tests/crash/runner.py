"""One sync in a process of its own, which may be told to kill itself at a point: `python -m tests.crash.runner PLAN.json`.

Points are passed in the order of the run and counted by name; at the wanted one the process sends itself SIGKILL, as a pulled cable
would: nothing is closed, nothing is rolled back by us.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from pmo_hub.host import reader, session
from pmo_hub.host.registry import Registry
from pmo_hub.host.session import Throttles
from pmo_hub.sdk.http import Clockwork
from pmo_hub.services import governance, sync
from pmo_hub.services.hub import Hub
from pmo_hub.store import compression, ownership
from pmo_hub.store.engine import create_engine
from pmo_hub.store.models.source import SyncRun
from pmo_hub.store.repositories import censuses, facts, syncing
from pmo_hub.store.secrets import SecretBox
from pmo_hub.store.unit_of_work import Session, Work

KEY = b"crash-test-key-of-32-bytes------"
SMALL_BATCH = 12


class Points:
    """Counts the points that the run passes, and kills the process at the wanted one."""

    def __init__(self, kill: tuple[str, int] | None) -> None:
        self._kill = kill
        self._lock = threading.Lock()
        self.passed: Counter[str] = Counter()
        self.order: list[str] = []

    def __call__(self, name: str) -> None:
        with self._lock:
            self.passed[name] += 1
            self.order.append(name)
            if self._kill == (name, self.passed[name]):
                os.kill(os.getpid(), signal.SIGKILL)


class CountedWork(Work):
    """Passes a point before and after every commit."""

    points: Points

    @contextmanager
    def write(self) -> Iterator[Session]:
        with super().write() as opened:
            yield opened
            self.points("before a commit")
        self.points("after a commit")


def around(points: Points, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    def passing(*arguments: Any, **named: Any) -> Any:
        points(name)
        result = function(*arguments, **named)
        points(name)
        return result

    return passing


def main(plan: dict[str, Any]) -> None:
    points = Points((plan["kill"][0], plan["kill"][1]) if plan["kill"] else None)
    now = datetime.fromisoformat(plan["now"])
    # Small batches: many commits in a run of a few seconds.
    reader.BATCH_PAYLOADS = SMALL_BATCH
    compression.SAMPLES = SMALL_BATCH // 2
    module: Any = session
    module.Clockwork = lambda now: Clockwork(now=now, sleep=lambda seconds: points("in a rate-limit wait"))
    for owner, name, label in (
        (censuses, "list_ids", "in the census"),
        (censuses, "note_missing", "in the census"),
        (ownership, "release", "while records end"),
        (facts, "replace", "in the evaluation"),
        (governance, "refresh", "in the evaluation"),
    ):
        setattr(owner, name, around(points, label, getattr(owner, name)))
    work = CountedWork(create_engine(plan["url"]))
    work.points = points
    hub = Hub(work, lambda: now, Registry.installed(), SecretBox([KEY]), Throttles(), Path(plan["folder"]))
    with work.read() as opened:
        run_id = syncing.waiting_runs(opened, plan["connection"]).get(plan["mode"]) or _cut_off(opened, plan)
    ended = sync.run(hub, run_id or sync.request(hub, plan["connection"], plan["mode"]))
    Path(plan["told"]).write_text(json.dumps({"state": ended.state, "error": ended.error, "points": points.order}))


def _cut_off(opened: Session, plan: dict[str, Any]) -> str | None:
    """The run of this step that a kill left behind: the job table would hand it out again."""
    return opened.scalar(sa.select(SyncRun.id).where(SyncRun.mode == plan["mode"], SyncRun.state == "running"))


if __name__ == "__main__":
    main(json.loads(Path(sys.argv[1]).read_text()))
