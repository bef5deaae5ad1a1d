"""The evidence pack: entries as lines of a zip that is made while it is sent, with the script that verifies it.

The log only grows, so a pack is read in short transactions, chunk by chunk: its memory is that of a chunk, however long the log is.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pmo_hub.domain.chain import REDACTABLE, Kind, Selection, canonical, instant
from pmo_hub.services.errors import Invalid, NotFound
from pmo_hub.services.evidence import sealing
from pmo_hub.services.hub import Hub
from pmo_hub.store.repositories import evidence as log
from pmo_hub.store.repositories import projects
from pmo_hub.store.repositories.evidence import Head, Kept

CHUNK = 500
FORMAT, VERSION = "pmo-hub evidence", 1
SCRIPT = Path(__file__).with_name("verify_evidence.py")
README = """An evidence pack of pmo-hub: what was evaluated, decided and changed, in the order in which it was sealed.

    python3 verify_evidence.py FOLDER        (where this was unpacked to, or the zip itself)

says whether any entry was changed, removed or put elsewhere; Python 3.8 or newer is all that it needs. The script in here
came with the pack: an auditor takes the one of an installation that he trusts. How the entries hang together stands at its
top. Compare the head in manifest.json with one that was noted before: --checkpoint POSITION:HASH does.
"""


@dataclass(slots=True)
class Told:
    """What a pack has told so far, for its manifest."""

    head: Head
    entries: int = 0
    bodies: int = 0
    lacking: dict[str, int] = field(default_factory=dict)


def pack(hub: Hub, wanted: Selection) -> Iterator[bytes]:
    """The zip of a pack, in pieces, with everything that was committed before; raises Invalid or NotFound before the first piece."""
    sealing.seal_all(hub)
    start = start_of(hub, wanted)
    return _zip(hub, wanted, start)


def start_of(hub: Hub, wanted: Selection) -> Head:
    """The entry that the pack begins after; raises Invalid or NotFound for a selection that makes no sense."""
    with hub.work.read() as session:
        head, found = log.head(session), log.hash_at(session, wanted.after)
        if found is None:
            raise Invalid("/after", f"The log ends at entry {head.position}: name an earlier one.", code="position")
        # A project that was purged is known to the log alone.
        id = wanted.project_id
        if id is not None and not (projects.get(session, id) or projects.ended_at(session, id) or log.tells_of(session, id)):
            raise NotFound("project", id)
    if wanted.since is not None and wanted.until is not None and wanted.since >= wanted.until:
        raise Invalid("/to", "The time that is asked for ends before it begins.", code="range")
    return Head(wanted.after, found)


def lines(hub: Hub, wanted: Selection, told: Told, upto: int) -> Iterator[bytes]:
    """The entries after `told.head`, up to and with a position, a line each; `told` counts along, its head becomes what they reach.

    Should bodies be redacted while this runs, it goes on until the entry that says so.
    """
    position = told.head.position
    while True:
        while position < upto:
            with hub.work.read() as session:
                chunk = log.entries_after(session, position, upto, CHUNK)
                selected = [one.entry.position for one in chunk if wanted.takes(one.entry.kind, one.entry.at, one.entry.projects)]
                bodies = log.bodies(session, selected)
            if not chunk:
                break
            for one in chunk:
                yield _line(one, bodies.get(one.entry.position))
            _count(told, chunk, set(selected), bodies)
            last = chunk[-1]
            position, told.head = last.entry.position, Head(last.entry.position, last.hash, last.entry.sealed_at)
        if told.lacking:
            sealing.seal_all(hub)
        newest = sealing.head(hub).position
        if not told.lacking or newest <= upto:
            return
        upto = newest


def _line(one: Kept, body: tuple[str, str] | None) -> bytes:
    values: dict[str, Any] = one.entry.header | {"hash": one.hash}
    if body is not None:
        values |= {"salt": body[0], "body": json.loads(body[1])}
    return canonical(values).encode() + b"\n"


def _count(told: Told, chunk: list[Kept], selected: set[int], bodies: dict[int, tuple[str, str]]) -> None:
    told.entries += len(chunk)
    told.bodies += len(bodies)
    for one in chunk:
        entry = one.entry
        if entry.kind == Kind.REDACTION and entry.position in bodies:
            for subject in json.loads(bodies[entry.position][1])["subjects"]:
                told.lacking.pop(subject, None)
        elif entry.position in selected and entry.position not in bodies and entry.kind in REDACTABLE:
            told.lacking[entry.subject_id] = entry.position


def manifest(hub: Hub, wanted: Selection, start: Head, told: Told) -> dict[str, Any]:
    """What a pack says of itself: which log, which part of it, and the head that it ends with."""
    return {
        "format": FORMAT,
        "version": VERSION,
        "hub": hub.public_url,
        "exported_at": instant(hub.now()),
        "filter": {
            "project": wanted.project_id,
            "from": None if wanted.since is None else instant(wanted.since),
            "to": None if wanted.until is None else instant(wanted.until),
        },
        "start": {"position": start.position, "hash": start.hash},
        "head": {
            "position": told.head.position,
            "hash": told.head.hash,
            "sealed_at": None if told.head.sealed_at is None else instant(told.head.sealed_at),
        },
        "entries": told.entries,
        "bodies": told.bodies,
    }


def _zip(hub: Hub, wanted: Selection, start: Head) -> Iterator[bytes]:
    outlet = _Outlet()
    at = hub.now().timetuple()[:6]
    told, upto = Told(start), sealing.head(hub).position
    with zipfile.ZipFile(outlet, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
        for name, text in (("README.txt", README), (SCRIPT.name, SCRIPT.read_text(encoding="utf-8"))):
            archive.writestr(_member(name, at), text)
        with archive.open(_member("entries.ndjson", at), "w", force_zip64=True) as entries:
            for piece in lines(hub, wanted, told, upto):
                entries.write(piece)
                yield from outlet.taken()
        # Last, since it names the head that the lines reached.
        archive.writestr(_member("manifest.json", at), json.dumps(manifest(hub, wanted, start, told), indent=2) + "\n")
    yield from outlet.taken()


def _member(name: str, at: tuple[int, ...]) -> zipfile.ZipInfo:
    year, month, day, hour, minute, second = at
    found = zipfile.ZipInfo(name, (year, month, day, hour, minute, second))
    found.compress_type = zipfile.ZIP_DEFLATED
    found.external_attr = 0o644 << 16
    return found


class _Outlet(io.RawIOBase):
    """What is written to it is taken from it; it can't be gone back in, which the zip then does without."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, piece: Any, /) -> int:
        self._pieces.append(bytes(piece))
        return len(piece)

    def taken(self) -> Iterator[bytes]:
        pieces, self._pieces = self._pieces, []
        joined = b"".join(pieces)
        if joined:
            yield joined
