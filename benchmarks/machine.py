"""Where and when something was measured."""

from __future__ import annotations

import os
import platform
import subprocess
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.records import Measurement

ROOT = Path(__file__).resolve().parent.parent
WORK = ROOT / "benchmarks" / "work"


def shared() -> Path:
    """The folder with the yardsticks."""
    return Path(os.environ.get("PMO_HUB_SHARED") or ROOT.parent / "shared").resolve()


def facts() -> Measurement:
    """The machine, the versions, the commit and the time."""
    return {
        "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "commit": _commit(),
        "cores": os.cpu_count(),
        "processor": _first("/proc/cpuinfo", "model name") or platform.processor() or platform.machine(),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30),
        "kernel": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "load": load(),
    }


def load() -> float:
    """How many processes wanted to run within the last minute."""
    return round(os.getloadavg()[0], 2)


def free_memory_gib() -> float:
    """Memory that a new process may take; infinite where the system does not tell."""
    told = _first("/proc/meminfo", "MemAvailable")
    return int(told.split()[0]) / 2**20 if told else float("inf")


def _first(path: str, name: str) -> str | None:
    try:
        with open(path) as lines:
            return next((line.partition(":")[2].strip() for line in lines if line.startswith(name)), None)
    except OSError:
        return None


def _commit() -> str:
    def git(*arguments: str) -> str:
        return subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False).stdout.strip()

    name = git("rev-parse", "--short=10", "HEAD") or "unknown"
    # The results are written by a run, so they are not what makes a tree differ from its commit.
    changed = [line for line in git("status", "--porcelain").splitlines() if not line.endswith("benchmarks/RESULTS.md")]
    return f"{name} with uncommitted changes" if changed else name
