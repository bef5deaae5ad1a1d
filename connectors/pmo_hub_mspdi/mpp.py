"""Microsoft Project's own format, through MPXJ: converted to XML in a process of its own, and then read like any other file.

A process of its own, because a Java machine can be started once only, keeps its memory, and has to be stopped when a file keeps it busy.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import IO

from pmo_hub_mspdi.faults import MissingConverter, UnreadableFile

MAGIC = b"\xd0\xcf\x11\xe0"
TIMEOUT_S = 300
HEAP_MB = 1024
FORM = 2
"""Counts up when more is converted of a file."""
KEPT = 200
"""Converted files that stay in the connection's scratch folder, the last used ones."""


def converted(digest: str, file: IO[bytes], scratch: Path, timeout_s: float = TIMEOUT_S) -> Path:
    """The file as XML, converted once for each content; raises UnreadableFile or MissingConverter."""
    target = scratch / f"{digest}.{FORM}.xml"
    if target.exists():
        with contextlib.suppress(OSError):
            os.utime(target)
        return target
    failed = scratch / f"{digest}.fault"
    if failed.exists():
        raise UnreadableFile(failed.read_text(encoding="utf-8"))
    require()
    scratch.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=scratch) as folder:
        source, made = Path(folder) / "plan.mpp", Path(folder) / "plan.xml"
        with open(source, "wb") as copy:
            shutil.copyfileobj(file, copy)
        try:
            _run(source, made, timeout_s)
        except UnreadableFile as fault:
            # The same content fails again, and each try takes minutes at worst.
            failed.write_text(str(fault), encoding="utf-8")
            raise
        made.replace(target)
    _forget_oldest(scratch)
    return target


def require() -> None:
    """Raises MissingConverter, saying what to install."""
    missing = [name for name in ("mpxj", "jpype") if importlib.util.find_spec(name) is None]
    if missing:
        raise MissingConverter(
            "is a .mpp file, which this installation can't convert: install pmo-hub[mpp] and a Java runtime, or save the plan as XML in "
            "Microsoft Project"
        )


def _run(source: Path, made: Path, timeout_s: float) -> None:
    command = [sys.executable, "-m", "pmo_hub_mspdi.mpp_worker", str(source), str(made), str(HEAP_MB)]
    # The child gets what finds Python and Java, and nothing secret.
    passed = ("PATH", "PYTHONPATH", "JAVA_HOME", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "SYSTEMROOT", "VIRTUAL_ENV")
    environment = {name: os.environ[name] for name in passed if name in os.environ}
    environment["PYTHONPATH"] = os.pathsep.join(path for path in sys.path if path)
    try:
        done = subprocess.run(
            command, env=environment, cwd=source.parent, timeout=timeout_s, capture_output=True, stdin=subprocess.DEVNULL, check=False
        )
    except subprocess.TimeoutExpired:
        raise UnreadableFile(f"took longer than {timeout_s:.0f} s to convert") from None
    if done.returncode == 3:
        raise MissingConverter(
            "is a .mpp file, and no Java runtime was found to convert it: install one (Java 17, JAVA_HOME), or save the plan as XML"
        )
    if done.returncode != 0 or not made.exists():
        raise UnreadableFile("can't be converted: it is damaged, protected by a password, or no plan of Microsoft Project")


def _forget_oldest(scratch: Path) -> None:
    files = sorted(
        (path for path in scratch.iterdir() if path.suffix in (".xml", ".fault")), key=lambda path: path.stat().st_mtime, reverse=True
    )
    for path in files[KEPT:]:
        path.unlink(missing_ok=True)
