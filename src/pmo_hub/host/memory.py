"""The process's memory: suited to bulk work in several threads, and given back when a phase of it is over (figures in decision 0008)."""

from __future__ import annotations

import ctypes
import gc
from functools import cache
from typing import Any

GC_THRESHOLDS = (10_000, 20, 100)
ARENAS = 2
_M_ARENA_MAX = -8
"""mallopt(3)'s name for the number of arenas, of malloc.h."""


@cache
def tune() -> None:
    """Once a process.

    The collector leaves alone what the start has made, and looks less often at what a batch makes, which is no garbage in cycles. The C
    library gets two arenas instead of eight a core: what one reading thread frees, another may use.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*GC_THRESHOLDS)
    _call("mallopt", _M_ARENA_MAX, ARENAS)


def give_back() -> None:
    """What is free goes back to the system: the next phase allocates in other sizes, and would come on top of it."""
    _call("malloc_trim", 0)


def _call(name: str, *given: int) -> None:
    """A function of glibc; other C libraries have neither arenas to count nor a heap to trim."""
    function: Any = getattr(ctypes.CDLL(None), name, None)
    if function is not None:
        function(*given)
