"""Which file holds which plan: what was uploaded and what lies in the watched folder, by project."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import IO

from pmo_hub.sdk.contract import Context
from pmo_hub.sdk.files import FileInfo, Files
from pmo_hub_mspdi import mpp
from pmo_hub_mspdi.archive import Archive, ArchivedProject, archives_of
from pmo_hub_mspdi.config import MspdiConfig
from pmo_hub_mspdi.document import Head, read_head
from pmo_hub_mspdi.faults import FileFault, UnreadableFile
from pmo_hub_mspdi.mapping import plan_name

ENDINGS = (".xml", ".mpp", ".zip")
LONGEST_KEY = 120
NO_GUID = frozenset({"", "0" * 32})


@dataclass(frozen=True, slots=True)
class Holding:
    """A plan, and the newest file that holds it. `archived` is its place in an archive of Project Online; None for a file of its own.

    `is_converted`: what is opened was made of a .mpp file.
    """

    scope: str
    name: str
    file: str
    digest: str
    at: datetime
    open: Callable[[], AbstractContextManager[IO[bytes]]]
    head: Head | None = None
    archived: ArchivedProject | None = None
    is_converted: bool = False


@dataclass(frozen=True, slots=True)
class Holdings:
    """`notices` are sentences about files that bring nothing."""

    by_scope: Mapping[str, Holding]
    notices: tuple[str, ...]

    def resolve(self, named: str) -> str | None:
        """The external id of a task that another file names, as `C:\\plans\\other.mpp\\12`."""
        path, _, uid = named.rpartition("\\")
        stem = _stem(path.replace("\\", "/")).casefold()
        if not stem or not uid.isdigit():
            return None
        found = [
            one for one in self.by_scope.values() if one.archived is None and stem in (_stem(one.file).casefold(), one.name.casefold())
        ]
        return f"{found[0].scope}/{uid}" if len(found) == 1 else None


class Shelf:
    """The files of a connection; looked through once, when somebody first asks."""

    def __init__(self, config: MspdiConfig, context: Context) -> None:
        self._config = config
        self._context = context
        self._lock = threading.Lock()
        self._found: Holdings | None = None

    def holdings(self) -> Holdings:
        """Raises ConfigError where the watched folder can't be read."""
        with self._lock:
            if self._found is None:
                self._found = self._look()
            return self._found

    def _look(self) -> Holdings:
        found: dict[str, list[Holding]] = {}
        notices: list[str] = []
        shelves = [self._context.files]
        if self._config.folder is not None:
            shelves.append(self._context.folder(self._config.folder))
        for files in shelves:
            names = list(files.names())
            archives = archives_of(files, names)
            for archive in archives:
                self._add(found, notices, archive.name, partial(archived, archive))
            members = {name for archive in archives for name in archive.members}
            for name in names:
                if name not in members and name.lower().endswith(ENDINGS):
                    self._add(found, notices, name, partial(self._named, files, name))
        newest = {}
        for scope, held in found.items():
            held.sort(key=lambda one: (one.at, one.file))
            newest[scope] = held[-1]
            if len(held) > 1:
                older = ", ".join(one.file for one in held[:-1][:3])
                notices.append(
                    f"The plan {held[-1].name!r} is in {len(held)} files; {held[-1].file}, the newest, is read, and not {older}."
                )
        return Holdings(newest, tuple(notice[:390] for notice in notices))

    @staticmethod
    def _add(found: dict[str, list[Holding]], notices: list[str], name: str, look: Callable[[], list[Holding]]) -> None:
        try:
            for holding in look():
                found.setdefault(holding.scope, []).append(holding)
        except FileNotFoundError:
            return  # it went while we looked
        except FileFault as fault:
            notices.append(f"The file {name} {fault}.")

    def _named(self, files: Files, name: str) -> list[Holding]:
        return self.in_file(files, files.about(name))

    def in_file(self, files: Files, info: FileInfo) -> list[Holding]:
        """The plans of one file; raises FileFault."""
        name = info.name
        with files.open(name) as file:
            magic = file.read(8)
            if magic.startswith(b"PK\x03\x04"):
                return archived(Archive.of_zip(files, info))
            if magic.startswith(mpp.MAGIC):
                file.seek(0)
                made = mpp.converted(info.digest, file, self._context.scratch)

                def open_made() -> AbstractContextManager[IO[bytes]]:
                    return open(made, "rb")

                return [replace(self._plan(info, open_made), is_converted=True)]
        return [self._plan(info, lambda: files.open(name))]

    def _plan(self, info: FileInfo, opened: Callable[[], AbstractContextManager[IO[bytes]]]) -> Holding:
        with opened() as file:
            head = read_head(file)
        scope = _guid(head.fields.get("GUID")) or self._config.keys.get(info.name) or key_of(info.name)
        return Holding(scope, plan_name(head.fields) or _stem(info.name), info.name, info.digest, info.at, opened, head)


def archived(archive: Archive) -> list[Holding]:
    """The projects of an archive of Project Online; raises FileFault."""

    def nothing() -> AbstractContextManager[IO[bytes]]:
        raise UnreadableFile("is an archive, which is read project by project")

    return [
        Holding(project.id, project.name, archive.name, archive.digest, archive.at, nothing, archived=project)
        for project in archive.projects()
    ]


def key_of(name: str) -> str:
    """The key of a file that carries no id of its project: its name without the ending."""
    return re.sub(r"[/\x00-\x1f]", ":", _stem(name, whole=True)).strip()[:LONGEST_KEY] or "plan"


def _stem(name: str, whole: bool = False) -> str:
    last = name if whole else name.rpartition("/")[2]
    for ending in ENDINGS:
        if last.lower().endswith(ending):
            return last[: -len(ending)]
    return last


def _guid(text: str | None) -> str | None:
    found = (text or "").strip().strip("{}").lower()
    return None if found.replace("-", "") in NO_GUID or "/" in found or len(found) > 64 else found
