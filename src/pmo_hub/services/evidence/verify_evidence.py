#!/usr/bin/env python3
"""Verifies an evidence pack of pmo-hub: whether any entry was changed, removed or put elsewhere. Needs Python 3.8 and nothing else.

    python3 verify_evidence.py PACK.zip
    python3 verify_evidence.py FOLDER --checkpoint 1200:9f86d081…

A pack has `manifest.json` and `entries.ndjson`, one entry a line, each in canonical JSON (ASCII, keys sorted, no spaces):

    hash         SHA-256 of "pmo-hub evidence entry 1\\n" + the canonical JSON of the entry without hash, salt and body
    previous     the hash of the entry before; 64 zeros before the first
    body_digest  SHA-256 of "pmo-hub evidence body 1\\n" + salt + "\\n" + the canonical JSON of the body

Every entry after the pack's start is there, so that none can be left out unseen. Those that the pack's filter selects have their body;
one whose body was redacted is named by a later entry of kind "redaction". An entry without projects concerns the hub as a whole and is
selected for every project.

What a pack can't show is that whoever made it kept the whole log: so note the head (position and hash) from time to time, where the
hub's administrators can't reach, and give it as --checkpoint. Exit status: 0 sound, 1 not sound, 2 not a pack.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import json
import os
import sys
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Sequence
from typing import IO, Any, cast

ENTRY = b"pmo-hub evidence entry 1\n"
BODY = b"pmo-hub evidence body 1\n"
GENESIS = "0" * 64
HEADER = ("action", "at", "body_digest", "kind", "position", "previous", "projects", "sealed_at", "subject")
QUOTING = ("evaluation", "violation")
LONGEST_LINE = 16 * 1024 * 1024
MOST_FINDINGS = 100
UNREADABLE = (OSError, EOFError, zipfile.BadZipFile, zlib.error, NotImplementedError)


class NotAPack(Exception):
    """The input can't be verified at all; the text says why."""


class Verdict:
    """What was found; `findings` are sentences, the first hundred of `count`."""

    def __init__(self) -> None:
        self.findings: list[str] = []
        self.count = 0
        self.entries = 0
        self.bodies = 0
        self.redacted = 0
        self.position = 0
        self.hash = GENESIS
        self.notes: list[str] = []

    def found(self, sentence: str) -> None:
        self.count += 1
        if self.count <= MOST_FINDINGS:
            self.findings.append(sentence)

    @property
    def is_sound(self) -> bool:
        return self.count == 0


def canonical(value: object) -> str:
    return json.dumps(value, ensure_ascii=True, sort_keys=True, separators=(",", ":"), allow_nan=False)


def digest(*parts: bytes) -> str:
    return hashlib.sha256(b"".join(parts)).hexdigest()


def verify(lines: Iterable[bytes], manifest: object, checkpoints: Iterable[tuple[int, str]] = ()) -> Verdict:
    """A Verdict on the entries, an iterable of lines of bytes; `checkpoints` are pairs of position and hash that were noted before."""
    verdict = Verdict()
    _verify(lines, _Manifest(manifest), dict(checkpoints), verdict)
    return verdict


class _Manifest:
    def __init__(self, value: Any) -> None:
        try:
            if (value["format"], value["version"]) != ("pmo-hub evidence", 1):
                raise NotAPack("The manifest is of another format, or of a newer version than this script's.")
            self.start, self.start_hash = value["start"]["position"], value["start"]["hash"]
            self.head, self.head_hash = value["head"]["position"], value["head"]["hash"]
            self.project, self.since, self.until = (_text(value["filter"][name]) for name in ("project", "from", "to"))
        except (KeyError, TypeError) as error:
            raise NotAPack(f"The manifest is not one of an evidence pack: {error!r}.") from None
        if type(self.start) is not int or type(self.head) is not int or not 0 <= self.start <= self.head:
            raise NotAPack("The manifest's positions make no sense.")

    def selects(self, entry: dict[str, Any]) -> bool:
        if entry["kind"] == "redaction":
            return True
        concerned = self.project is None or not entry["projects"] or self.project in entry["projects"]
        at = entry["at"]
        return concerned and (self.since is None or at >= self.since) and (self.until is None or at < self.until)


def _text(value: object) -> str | None:
    if value is not None and not isinstance(value, str):
        raise TypeError("a filter that is no text")
    return value


def _verify(lines: Iterable[bytes], manifest: _Manifest, checkpoints: dict[int, str], verdict: Verdict) -> None:
    position, previous, sealed_at = manifest.start, manifest.start_hash, ""
    if manifest.start == 0 and previous != GENESIS:
        verdict.found("The manifest lets the log begin after something that is not its beginning.")
    if manifest.start and manifest.start not in checkpoints:
        follows = f"only with --checkpoint {manifest.start}:HASH is it known what it follows."
        verdict.notes.append(f"The pack begins after entry {manifest.start}: {follows}")
    _check_point(checkpoints, manifest.start, manifest.start_hash, verdict)
    seen = {manifest.start}
    lacking: dict[str, list[int]] = {}  # subject → positions whose body is not there
    for number, line in enumerate(lines, 1):
        entry = _read(line, number, verdict)
        if entry is None:
            # Which entry it was is told by the gap that it leaves.
            continue
        at = entry["position"]
        if at <= position:
            verdict.found(f"Entry {at} (line {number}) is out of order or there twice: it comes after entry {position}.")
            continue
        if at > position + 1:
            gone = f"Entry {position + 1} is" if at == position + 2 else f"Entries {position + 1} to {at - 1} are"
            verdict.found(f"{gone} missing: entry {at} comes next.")
        elif entry["previous"] != previous:
            verdict.found(f"Entry {at} does not follow entry {position}: one of them was replaced.")
        own = digest(ENTRY, canonical({name: entry[name] for name in HEADER}).encode())
        if own != entry["hash"]:
            verdict.found(f"Entry {at} was changed: its words no longer give its hash.")
        if entry["sealed_at"] < sealed_at:
            verdict.found(f"Entry {at} was sealed before the one that it follows.")
        _check_body(entry, manifest, lacking, verdict)
        position, previous, sealed_at = at, entry["hash"], entry["sealed_at"]
        verdict.entries += 1
        if at in checkpoints:
            seen.add(at)
            _check_point(checkpoints, at, entry["hash"], verdict)
    _finish(manifest, position, previous, checkpoints, seen, lacking, verdict)


def _read(line: bytes, number: int, verdict: Verdict) -> dict[str, Any] | None:
    """The entry of a line; None, and a finding, where there is none."""
    text = line.rstrip(b"\n")
    try:
        if len(line) > LONGEST_LINE:
            raise ValueError("it is too long")
        entry = json.loads(text.decode("ascii"), object_pairs_hook=_once)
        if not isinstance(entry, dict) or canonical(entry) != text.decode("ascii"):
            raise ValueError("it is not canonical JSON")
        extra = set(entry) - set(HEADER) - {"hash", "salt", "body"}
        if extra:
            raise ValueError(f"it says more than is sealed: {', '.join(sorted(extra))}")
        _check_types(entry)
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        verdict.found(f"Line {number} is not an entry: {_short(error)}.")
        return None
    return entry


def _check_types(entry: dict[str, Any]) -> None:
    if type(entry["position"]) is not int:
        raise ValueError("its position is no number")
    for name in ("action", "at", "body_digest", "kind", "previous", "sealed_at", "hash"):
        if not isinstance(entry[name], str):
            raise ValueError(f"its {name} is no text")
    if not isinstance(entry["projects"], list) or not isinstance(entry["subject"]["id"], str):
        raise ValueError("its subject or projects are none")
    if ("salt" in entry) != ("body" in entry):
        raise ValueError("it has a salt without a body, or a body without a salt")
    if "salt" in entry and not isinstance(entry["salt"], str):
        raise ValueError("its salt is no text")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("it says the same thing twice")
    return found


def _check_body(entry: dict[str, Any], manifest: _Manifest, lacking: dict[str, list[int]], verdict: Verdict) -> None:
    at = entry["position"]
    if "body" in entry:
        verdict.bodies += 1
        if digest(BODY, entry["salt"].encode("ascii", "replace"), b"\n", canonical(entry["body"]).encode()) != entry["body_digest"]:
            verdict.found(f"The body of entry {at} was changed.")
        elif entry["kind"] == "redaction":
            subjects = entry["body"].get("subjects", []) if isinstance(entry["body"], dict) else []
            for subject in subjects:
                verdict.redacted += len(lacking.pop(str(subject), ()))
    elif manifest.selects(entry):
        if entry["kind"] in QUOTING:
            lacking.setdefault(entry["subject"]["id"], []).append(at)
        else:
            verdict.found(f"The body of entry {at} is missing; a {entry['kind']} is never redacted.")


def _check_point(checkpoints: dict[int, str], position: int, found: str, verdict: Verdict) -> None:
    noted = checkpoints.get(position)
    if noted is not None and noted != found:
        verdict.found(f"The log was rewritten at or before entry {position}: its hash is {found}, and was {noted} when it was noted.")


def _finish(
    manifest: _Manifest, position: int, previous: str, checkpoints: dict[int, str], seen: set[int], lacking: dict[str, list[int]],
    verdict: Verdict,
) -> None:  # fmt: skip
    verdict.position, verdict.hash = position, previous
    if position < manifest.head:
        verdict.found(f"Entries {position + 1} to {manifest.head} are missing at the end.")
    elif position > manifest.head:
        verdict.found(f"The manifest ends at entry {manifest.head}, the entries at {position}.")
    elif previous != manifest.head_hash:
        verdict.found("The hash of the last entry is not the one in the manifest.")
    for noted in sorted(set(checkpoints) - seen):
        if noted > position:
            verdict.found(f"The log ends at entry {position}, and had entry {noted} when it was noted: the end is missing.")
        elif noted < manifest.start:
            verdict.notes.append(f"The checkpoint at entry {noted} lies before the pack's start and was not looked at.")
        else:
            verdict.found(f"Entry {noted}, which was noted, is not there.")
    for at in sorted(at for positions in lacking.values() for at in positions):
        verdict.found(f"The body of entry {at} is missing, and no later entry says that it was redacted.")


def _short(error: Exception) -> str:
    text = str(error) if isinstance(error, ValueError) else f"{type(error).__name__} {error}"
    return text[:200].rstrip(".")


def read_pack(path: str) -> tuple[Any, Iterator[bytes]]:
    """The manifest and the lines of a pack, a zip or a folder; raises NotAPack."""
    try:
        with _opened(path, "manifest.json") as manifest:
            return json.loads(manifest.read(LONGEST_LINE)), _lines(_opened(path, "entries.ndjson"))
    except (*UNREADABLE, KeyError, ValueError, RecursionError) as error:
        raise NotAPack(f"{path} is not an evidence pack: {error}") from None


def _opened(path: str, name: str) -> IO[bytes]:
    if os.path.isdir(path):
        return open(os.path.join(path, name), "rb")
    return cast("IO[bytes]", io.BufferedReader(cast("io.RawIOBase", zipfile.ZipFile(path).open(name))))


def _lines(entries: IO[bytes]) -> Iterator[bytes]:
    with entries:
        while True:
            try:
                line = entries.readline(LONGEST_LINE + 1)
            except UNREADABLE as error:
                raise NotAPack(f"The archive is damaged: {error}") from None
            if not line:
                return
            yield line


def checkpoint(text: str) -> tuple[int, str]:
    """Position and hash of POSITION:HASH."""
    position, _, found = text.partition(":")
    if not position.isdigit() or len(found) != 64 or set(found.lower()) - set("0123456789abcdef"):
        raise argparse.ArgumentTypeError(f"{text!r} is not POSITION:HASH, a number and 64 hex digits.")
    return int(position), found.lower()


def report(verdict: Verdict) -> list[str]:
    """The verdict in lines for a person."""
    lines = list(verdict.findings)
    if verdict.count > len(verdict.findings):
        lines.append(f"… and {verdict.count - len(verdict.findings)} more.")
    lines += verdict.notes
    counts = f"{verdict.entries} entries, {verdict.bodies} with their bodies, {verdict.redacted} redacted"
    lines.append(f"{counts}; the last is {verdict.position}:{verdict.hash}")
    lines.append("SOUND" if verdict.is_sound else f"NOT SOUND: {verdict.count} finding{'s' if verdict.count > 1 else ''}")
    return lines


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit status."""
    parser = argparse.ArgumentParser(description="Verify an evidence pack of pmo-hub.")
    parser.add_argument("pack", help="the zip, or a folder that it was unpacked to")
    parser.add_argument("--checkpoint", action="append", default=[], type=checkpoint, metavar="POSITION:HASH",
                        help="a head that was noted before; may be repeated")  # fmt: skip
    given = parser.parse_args(arguments)
    try:
        manifest, lines = read_pack(given.pack)
        verdict = verify(lines, manifest, given.checkpoint)
    except NotAPack as error:
        print(error, file=sys.stderr)
        return 2
    print("\n".join(report(verdict)))
    return 0 if verdict.is_sound else 1


if __name__ == "__main__":
    sys.exit(main())
