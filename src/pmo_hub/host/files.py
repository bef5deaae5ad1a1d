"""Files that the host lends: what was uploaded to a connection, and folders of this machine that its operator lets connections watch.

Files are those of this machine. Processes on several machines see the same only if the data folder, and what is watched, is a shared one.
"""

from __future__ import annotations

import os
import re
import stat
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import IO

from pmo_hub.sdk.errors import ConfigError
from pmo_hub.sdk.files import FileInfo

FILE_NAME = re.compile(r"[^/\\\0]{1,200}")
SETTLED = timedelta(seconds=20)
"""A file that was touched since may still be written."""
DEEPEST = 4
MOST_FILES = 10_000
MOST_DIGESTS = 20_000
CHUNK = 1024 * 1024


class Digests:
    """SHA-256 of files by what the system says of them, so that one that nobody touched is read once a process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: OrderedDict[tuple[str, int, int, int, int], str] = OrderedDict()

    def of(self, path: Path, file: IO[bytes]) -> str:
        told = os.fstat(file.fileno())
        key = (str(path), told.st_ino, told.st_size, told.st_mtime_ns, told.st_ctime_ns)
        with self._lock:
            if key in self._known:
                self._known.move_to_end(key)
                return self._known[key]
        digest = sha256()
        while chunk := file.read(CHUNK):
            digest.update(chunk)
        after = os.fstat(file.fileno())
        if (after.st_size, after.st_mtime_ns) != (told.st_size, told.st_mtime_ns):
            raise FileNotFoundError(f"{path.name} was written while it was read")
        with self._lock:
            self._known[key] = digest.hexdigest()
            while len(self._known) > MOST_DIGESTS:
                self._known.popitem(last=False)
            return self._known[key]


DIGESTS = Digests()


@dataclass(frozen=True, slots=True)
class FolderFiles:
    """The files of a folder, which need not exist; what begins with a dot is none."""

    folder: Path

    def names(self) -> Iterator[str]:
        if self.folder.is_dir():
            yield from sorted(path.name for path in self.folder.iterdir() if path.is_file() and not path.name.startswith("."))

    def about(self, name: str) -> FileInfo:
        """Raises FileNotFoundError."""
        with self.open(name) as file:
            told = os.fstat(file.fileno())
            return FileInfo(name, told.st_size, DIGESTS.of(self.folder / name, file), datetime.fromtimestamp(told.st_mtime, UTC))

    @contextmanager
    def open(self, name: str) -> Iterator[IO[bytes]]:
        """The file of that name; a name is never a path. Raises FileNotFoundError."""
        if not FILE_NAME.fullmatch(name) or name in (".", ".."):
            raise FileNotFoundError(f"{name!r} is not the name of a file")
        with open(self.folder / name, "rb") as file:
            yield file


@dataclass(frozen=True, slots=True)
class WatchedFiles:
    """The files below a folder that have lain still for a while; links that lead out of it are not followed."""

    folder: Path
    now: Callable[[], datetime]

    def names(self) -> Iterator[str]:
        found: list[str] = []
        self._walk(self.folder, "", found)
        yield from sorted(found)

    def about(self, name: str) -> FileInfo:
        with self.open(name) as file:
            told = os.fstat(file.fileno())
            return FileInfo(name, told.st_size, DIGESTS.of(self.folder / name, file), datetime.fromtimestamp(told.st_mtime, UTC))

    @contextmanager
    def open(self, name: str) -> Iterator[IO[bytes]]:
        """The file at that path below the folder. Raises FileNotFoundError, also for one that is still being written."""
        parts = name.split("/")
        if "\0" in name or any(part in ("", ".", "..") for part in parts):
            raise FileNotFoundError(f"{name!r} is no path below the folder")
        path = self.folder.joinpath(*parts)
        if not path.resolve().is_relative_to(self.folder.resolve()):
            raise FileNotFoundError(f"{name!r} leads out of the folder")
        with open(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
            told = os.fstat(file.fileno())
            if not stat.S_ISREG(told.st_mode) or not self._lies_still(told):
                raise FileNotFoundError(f"{name!r} is still being written, or no file")
            yield file

    def _walk(self, folder: Path, prefix: str, found: list[str]) -> None:
        with os.scandir(folder) as entries:
            listed = sorted(entries, key=lambda entry: entry.name)
        for entry in listed:
            if entry.name.startswith((".", "~$")) or len(found) >= MOST_FILES:
                continue
            try:
                if entry.is_dir(follow_symlinks=False) and prefix.count("/") < DEEPEST:
                    self._walk(Path(entry.path), f"{prefix}{entry.name}/", found)
                elif entry.is_file(follow_symlinks=False) and self._lies_still(entry.stat(follow_symlinks=False)):
                    found.append(prefix + entry.name)
            except OSError:
                continue  # it went meanwhile, or is not for us to read

    def _lies_still(self, told: os.stat_result) -> bool:
        """By the later of its two times: who copies a file may give it the time of the original while it is being written."""
        touched = datetime.fromtimestamp(max(told.st_mtime, told.st_ctime), UTC)
        return self.now() - touched >= SETTLED


def watched(path: str, allowed: Sequence[Path], now: Callable[[], datetime]) -> WatchedFiles:
    """The files of a folder that lies in an allowed one; raises ConfigError."""
    folder = Path(path)
    if not allowed:
        raise ConfigError("No folder may be watched here: the operator of the hub names those that may in PMO_HUB_WATCHED_FOLDERS.")
    try:
        real = folder.resolve(strict=True)
    except (OSError, RuntimeError, ValueError):
        raise ConfigError(f"The folder {path} is not there, or the hub may not read it.") from None
    if not any(real.is_relative_to(root.resolve()) for root in allowed):
        raise ConfigError(f"The folder {path} may not be watched: it lies in none that PMO_HUB_WATCHED_FOLDERS names.")
    if not real.is_dir() or not os.access(real, os.R_OK | os.X_OK):
        raise ConfigError(f"The folder {path} can't be read by the hub: it is no folder, or closed to the hub's user.")
    return WatchedFiles(real, now)
