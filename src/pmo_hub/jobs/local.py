"""Jobs in one process: threads over the store's job table, and one trigger that ticks."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

import structlog
from apscheduler.schedulers.background import BackgroundScheduler  # type: ignore[import-untyped]

from pmo_hub.store.repositories import jobs
from pmo_hub.store.unit_of_work import Work

log = structlog.get_logger(__name__)

HEARTBEAT_S = 10.0
SILENT = timedelta(seconds=60)
KEPT = timedelta(days=7)


class PutBack(Exception):
    """The job can't run now; it waits for another while."""

    def __init__(self, after: timedelta) -> None:
        super().__init__()
        self.after = after


class LocalWorker:
    """Runs jobs of the kinds in `handlers` with `concurrency` threads, and calls `tick` every `tick_s` seconds.

    At least once: a job whose process is killed is run again, so handlers are idempotent.
    """

    def __init__(
        self,
        work: Work,
        now: Callable[[], datetime],
        handlers: Mapping[str, Callable[[Mapping[str, Any]], None]],
        tick: Callable[[], None],
        holder: str,
        is_alive: Callable[[str], bool],
        concurrency: int = 2,
        poll_s: float = 1.0,
        tick_s: float = 15.0,
    ) -> None:
        self._work = work
        self._now = now
        self._handlers = dict(handlers)
        self._tick = tick
        self._holder = holder
        self._is_alive = is_alive
        self._poll_s = poll_s
        self._stopping = threading.Event()
        self._threads = [threading.Thread(target=self._run, name=f"worker-{i}", daemon=True) for i in range(concurrency)]
        self._scheduler = BackgroundScheduler(timezone="UTC")
        self._scheduler.add_job(self._safely_tick, "interval", seconds=tick_s, next_run_time=now(), max_instances=1, coalesce=True)

    def start(self) -> None:
        self._scheduler.start()
        for thread in self._threads:
            thread.start()

    def stop(self, wait_s: float = 10.0) -> None:
        """Take no further job; what runs gets `wait_s` to end. What it hasn't committed by then is done again by the next start."""
        self._stopping.set()
        self._scheduler.shutdown(wait=False)
        for thread in self._threads:
            thread.join(wait_s)

    def _safely_tick(self) -> None:
        try:
            with self._work.write() as session:
                jobs.reap(session, self._is_alive, self._now() - SILENT)
                jobs.forget(session, self._now() - KEPT)
            self._tick()
        except Exception:
            log.exception("worker.tick_failed")

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                with self._work.write() as session:
                    job = jobs.claim(session, list(self._handlers), self._holder, self._now())
            except Exception:
                log.exception("worker.claim_failed")
                job = None
            if job is None:
                self._stopping.wait(self._poll_s)
                continue
            self._do(job)

    def _do(self, job: jobs.Claimed) -> None:
        done = threading.Event()
        beating = threading.Thread(target=self._beat, args=(job.id, done), daemon=True)
        beating.start()
        error: str | None = None
        try:
            self._handlers[job.kind](job.arguments)
        except PutBack as e:
            with self._work.write() as session:
                jobs.put_back(session, job.id, self._now() + e.after)
            return
        except Exception as e:
            log.exception("job.failed", job_id=job.id, kind=job.kind)
            error = type(e).__name__
        finally:
            done.set()
        with self._work.write() as session:
            jobs.finish(session, job.id, error, self._now())

    def _beat(self, job_id: str, done: threading.Event) -> None:
        while not done.wait(HEARTBEAT_S):
            with self._work.write() as session:
                jobs.beat(session, job_id, self._now())
