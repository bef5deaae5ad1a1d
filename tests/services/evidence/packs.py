"""Packs made by hand, entry by entry, and what somebody does to them who should not."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from pmo_hub.domain.chain import GENESIS, Entry, Kind, Selection, body_digest, canonical, instant
from pmo_hub.services.evidence import verify_evidence

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
PROJECTS = ("a" * 32, "b" * 32, "")


@dataclass(frozen=True)
class Line:
    """An entry with its body; `stated` is the hash that the line shows."""

    entry: Entry
    body: dict[str, Any] | None
    salt: str = "5" * 32
    stated: str = ""

    @property
    def bytes(self) -> bytes:
        values: dict[str, Any] = self.entry.header | {"hash": self.stated or self.entry.hash}
        if self.body is not None:
            values |= {"body": self.body, "salt": self.salt}
        return canonical(values).encode() + b"\n"


def chain(count: int) -> list[Line]:
    """Entries of two projects and of the whole hub in turn, a minute apart."""
    lines: list[Line] = []
    for n in range(count):
        project = PROJECTS[n % 3]
        body = {"check_id": "GOV-001", "message": f"the {n + 1}th, with “quotes” and \u0000", "share": n / 7, "missing": None}
        kind = Kind.EVALUATION if project else Kind.DECISION
        at = NOON + timedelta(minutes=n)
        entry = Entry(
            n + 1, at, at + timedelta(seconds=9), kind, "evaluation.fail", "project", project or "GOV-001", (project,) if project else (),
            body_digest("5" * 32, canonical(body)), lines[-1].entry.hash if lines else GENESIS,
        )  # fmt: skip
        lines.append(Line(entry, body))
    return lines


def sealed_again(lines: Sequence[Line]) -> list[Line]:
    """As somebody with the database in his hands would do it: numbers and hashes made anew, so that nothing inside contradicts."""
    done: list[Line] = []
    for n, line in enumerate(lines):
        previous = done[-1].entry.hash if done else GENESIS
        done.append(replace(line, entry=replace(line.entry, position=n + 1, previous=previous)))
    return done


def manifest_of(lines: Sequence[Line], wanted: Selection | None = None) -> dict[str, Any]:
    """What a pack of exactly these lines says of itself."""
    wanted = wanted or Selection()
    last = lines[-1].entry if lines else None
    return {
        "format": "pmo-hub evidence", "version": 1, "start": {"position": 0, "hash": GENESIS},
        "head": {"position": last.position if last else 0, "hash": last.hash if last else GENESIS},
        "filter": {
            "project": wanted.project_id, "from": wanted.since and instant(wanted.since), "to": wanted.until and instant(wanted.until),
        },
    }  # fmt: skip


def findings(lines: Sequence[Line | bytes], manifest: dict[str, Any], *noted: tuple[int, str]) -> list[str]:
    """What the script finds."""
    return verify_evidence.verify([one if isinstance(one, bytes) else one.bytes for one in lines], manifest, noted).findings


def write(path: Path, lines: Sequence[Line | bytes], manifest: dict[str, Any]) -> Path:
    """A zip of them, with the script beside them."""
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("entries.ndjson", b"".join(one if isinstance(one, bytes) else one.bytes for one in lines))
        archive.writestr("manifest.json", json.dumps(manifest))
        archive.write(str(verify_evidence.__file__), "verify_evidence.py")
    return path
