"""An archive of Project Online: dumps of its reporting service (ProjectData) as JSON or Atom, in a zip file or a folder.

A dump is named after its entity set, whatever else its name says: Tasks.json, Tasks_0002.json, tasks/page-3.xml. A zip file is untrusted:
its names, its count, its sizes and how much they grow are looked at before anything is unpacked, and nothing is unpacked to disk by name.
"""

from __future__ import annotations

import re
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import IO, Any

import msgspec

from pmo_hub.sdk.files import FileInfo, Files
from pmo_hub_mspdi.atom import entries
from pmo_hub_mspdi.faults import UnreadableFile

SETS = (
    "Projects", "Tasks", "Assignments", "TaskBaselines", "Resources", "Risks", "Issues", "ProjectWorkflowStageDataSet",
    "TaskTimephasedDataSet", "TaskBaselineTimephasedDataSet",
)  # fmt: skip
MOST_MEMBERS = 10_000
MOST_BYTES = 8 * 1024**3
MEMBER_BYTES = 256 * 1024**2
MOST_RATIO = 200
"""To one; text packs to a twentieth, and only what was made to burst packs to a thousandth."""
RATIO_FROM = 1024**2
TEMPLATE, TIMESHEETS = 1, 7
"""Kinds of project that nobody works on."""

Row = Mapping[str, Any]

_NAMED = {name.casefold(): name for name in SETS}
_LETTERS = re.compile(r"[A-Za-z]+")


@dataclass(frozen=True, slots=True)
class ArchivedProject:
    id: str
    name: str
    archive: Archive


@dataclass(frozen=True, slots=True)
class Archive:
    """`members` are files by their own name; `read` opens one of them."""

    name: str
    digest: str
    at: datetime
    members: Sequence[str]
    read: Callable[[str], AbstractContextManager[IO[bytes]]]

    @classmethod
    def of_zip(cls, files: Files, info: FileInfo) -> Archive:
        """Raises UnreadableFile for one that is hostile, damaged or holds no list of projects."""
        with files.open(info.name) as file, _opened(file) as packed:
            members = _checked(packed)

        @contextmanager
        def read(member: str) -> Iterator[IO[bytes]]:
            with files.open(info.name) as file, _opened(file) as packed, packed.open(member) as unpacked:
                yield unpacked

        if not any(set_of(name) == "Projects" for name in members):
            raise UnreadableFile("is a zip file without a list of projects (Projects.json or Projects.xml, as ProjectData gives it)")
        return cls(info.name, info.digest, info.at, members, read)

    def rows(self, name: str) -> Iterator[Row]:
        """The rows of an entity set, from all its dumps; raises UnreadableFile."""
        for member in self.members:
            if set_of(member) == name:
                with self.read(member) as file:
                    yield from _rows(file, member)

    def projects(self) -> Iterator[ArchivedProject]:
        """What people worked on; not templates, nor the project behind time sheets."""
        seen = set()
        has_ids, has_rows = False, False
        for row in self.rows("Projects"):
            has_ids, has_rows = has_ids or "ProjectId" in row, True
            id, kind = guid(row.get("ProjectId")), row.get("ProjectType")
            if id is None or id in seen or str(kind) in (str(TEMPLATE), str(TIMESHEETS)):
                continue
            seen.add(id)
            yield ArchivedProject(id, str(row.get("ProjectName") or row.get("ProjectTitle") or id), self)
        if has_rows and not has_ids:
            raise UnreadableFile(
                "is an archive whose list of projects has no ProjectId: it names its properties in another language, or leaves them out; "
                "save the dumps from /_api/ProjectData/[en-US]/"
            )


def set_of(member: str) -> str | None:
    """The entity set that a dump holds, by its name or by its folder's; None for any other file."""
    lower = member.lower()
    if not lower.endswith((".json", ".xml", ".atom")):
        return None
    parts = [part for part in re.split(r"[/\\]", member) if part]
    for part in reversed(parts[-2:]):
        found = _LETTERS.match(part)
        if found is not None and found[0].casefold() in _NAMED:
            return _NAMED[found[0].casefold()]
    return None


def archives_of(files: Files, names: Sequence[str]) -> list[Archive]:
    """Archives that lie unpacked: a folder with a list of projects, and all dumps in it and in folders below it."""
    roots = sorted({_root(name) for name in names if set_of(name) == "Projects" and not name.lower().endswith(".zip")})
    found = []
    for root in roots:
        members = [name for name in names if name.startswith(root) and set_of(name) is not None]
        # A plan of Microsoft Project may be called Tasks.xml as well; an archive is more than one file.
        if len({set_of(name) for name in members}) < 2:
            continue
        told = []
        for name in members:
            try:
                told.append(files.about(name))
            except FileNotFoundError:
                continue
        if not told:
            continue
        digest = sha256("\n".join(f"{one.name} {one.digest}" for one in sorted(told, key=lambda one: one.name)).encode()).hexdigest()
        found.append(Archive(root.rstrip("/") or "the folder", digest, max(one.at for one in told), [one.name for one in told], files.open))
    return found


def guid(value: Any) -> str | None:
    """An id as it is compared; None for the one of all zeroes, which stands for none."""
    text = str(value).strip().strip("{}").lower() if value is not None else ""
    return text if text and text.strip("0-") and len(text) <= 64 and "/" not in text else None


def _root(name: str) -> str:
    """The folder of an archive, by its list of projects; the dumps of a set may have a folder of their own."""
    parts = name.split("/")[:-1]
    if parts and (found := _LETTERS.match(parts[-1])) is not None and found[0].casefold() in _NAMED:
        parts = parts[:-1]
    return "".join(f"{part}/" for part in parts)


@contextmanager
def _opened(file: IO[bytes]) -> Iterator[zipfile.ZipFile]:
    try:
        with zipfile.ZipFile(file) as packed:
            yield packed
    except (zipfile.BadZipFile, zipfile.LargeZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError) as error:
        if isinstance(error, RuntimeError) and "password" in str(error):
            raise UnreadableFile("is protected by a password: pack it without one") from None
        raise UnreadableFile("is a zip file that can't be unpacked: it breaks off or is damaged") from None


def _checked(packed: zipfile.ZipFile) -> list[str]:
    """The dumps in it; raises UnreadableFile where something in it is made to do harm."""
    infos = packed.infolist()
    if len(infos) > MOST_MEMBERS:
        raise UnreadableFile(f"is a zip file of {len(infos)} files; at most {MOST_MEMBERS} are unpacked")
    total = 0
    members = []
    for info in infos:
        path = info.filename.replace("\\", "/")
        if path.startswith("/") or ".." in path.split("/") or re.match(r"[A-Za-z]:", path) or "\x00" in path:
            raise UnreadableFile("is a zip file with a path that leads out of it, which no archive needs")
        total += info.file_size
        if info.file_size > RATIO_FROM and info.file_size > MOST_RATIO * max(1, info.compress_size):
            raise UnreadableFile(f"is a zip file with content that grows more than {MOST_RATIO}-fold when it is unpacked")
        if total > MOST_BYTES:
            raise UnreadableFile(f"is a zip file of more than {MOST_BYTES // 1024**3} GB of content")
        if info.is_dir() or set_of(path) is None:
            continue
        if info.flag_bits & 1:
            raise UnreadableFile("is protected by a password: pack it without one")
        if info.file_size > MEMBER_BYTES:
            raise UnreadableFile(f"is a zip file with a dump of more than {MEMBER_BYTES // 1024**2} MB: write it in pages")
        members.append(info.filename)
    return sorted(members)


def _rows(file: IO[bytes], member: str) -> Iterator[Row]:
    if not member.lower().endswith(".json"):
        yield from entries(file, member)
        return
    content = file.read(MEMBER_BYTES + 1)
    if len(content) > MEMBER_BYTES:
        raise UnreadableFile(f"holds the dump {member} of more than {MEMBER_BYTES // 1024**2} MB: write it in pages")
    try:
        for raw in _listed(content.removeprefix(b"\xef\xbb\xbf").strip()):
            row = msgspec.json.decode(raw)
            if not isinstance(row, dict):
                raise UnreadableFile(f"holds the dump {member}, which is no list of rows")
            yield {k: v for k, v in row.items() if not isinstance(v, (dict, list)) and not k.startswith(("odata.", "@odata."))}
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise UnreadableFile(f"holds the dump {member}, which is no JSON as ProjectData gives it") from None


class _Results(msgspec.Struct):
    results: list[msgspec.Raw]


class _Envelope(msgspec.Struct):
    value: list[msgspec.Raw] | None = None
    d: msgspec.Raw = msgspec.Raw()


def _listed(content: bytes) -> Sequence[msgspec.Raw]:
    """The rows of a page, of several pages in one list, or of what somebody made of them: light, verbose, and bare."""
    if content.startswith(b"["):
        return msgspec.json.decode(content, type=list[msgspec.Raw])
    envelope = msgspec.json.decode(content, type=_Envelope)
    if envelope.value is not None:
        return envelope.value
    inner = bytes(envelope.d).strip()
    if not inner:
        raise msgspec.DecodeError("no rows")
    if inner.startswith(b"["):
        return msgspec.json.decode(inner, type=list[msgspec.Raw])
    return msgspec.json.decode(inner, type=_Results).results
