"""Nothing outlives the demo: it ends with its terminal, with its parent, and when it is asked to."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn

LOOK_S = 0.5
GRACE_S = 15.0


@contextmanager
def bounded() -> Iterator[None]:
    """SIGTERM, SIGHUP and the end of the parent process end the block by SystemExit; asked for in the main thread.

    Whoever starts it with SIGHUP ignored (nohup) wants it to outlive the shell: then the parent is not watched either.
    """
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP)}
    is_kept = before[signal.SIGHUP] == signal.SIG_IGN
    parent = os.getppid()
    over = threading.Event()
    signal.signal(signal.SIGTERM, _stop)
    if not is_kept:
        # As SIGTERM, because the server shuts down on that one by itself.
        signal.signal(signal.SIGHUP, lambda *_: os.kill(os.getpid(), signal.SIGTERM))
        if parent != 1:
            threading.Thread(target=_watch, args=(parent, over), daemon=True, name="parent-watch").start()
    try:
        yield
    finally:
        over.set()
        for number, handler in before.items():
            signal.signal(number, handler)


def _stop(number: int, _: FrameType | None) -> NoReturn:
    raise SystemExit(128 + number)


def _watch(parent: int, over: threading.Event) -> None:
    while os.getppid() == parent:
        if over.wait(LOOK_S):
            return
    os.kill(os.getpid(), signal.SIGTERM)
    if not over.wait(GRACE_S):
        os._exit(128 + signal.SIGTERM)  # something hangs, and nobody is left to end it
