"""Whatever is done to a pack is found and named, by the script alone."""

from __future__ import annotations

import ast
import io
import json
import subprocess
import sys
import zipfile
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pmo_hub.domain.chain import Entry, Kind, Selection, body_digest, canonical
from pmo_hub.services.evidence import verify_evidence
from tests.services.evidence.packs import NOON, PROJECTS, Line, chain, findings, manifest_of, sealed_again, write

WHOLE = chain(12)
MANIFEST = manifest_of(WHOLE)
SCRIPT = Path(verify_evidence.__file__)


def run(pack: Path, *arguments: str) -> tuple[int, str]:
    """The script as an auditor runs it: a process of its own that finds no package of ours."""
    done = subprocess.run(
        [sys.executable, "-I", "-S", SCRIPT, pack, *arguments], capture_output=True, text=True, timeout=60, check=False, cwd=pack.parent
    )
    return done.returncode, done.stdout + done.stderr


def test_an_untouched_pack_is_sound() -> None:
    assert findings(WHOLE, MANIFEST) == []
    assert findings([], manifest_of([])) == []
    assert findings(WHOLE, MANIFEST, (5, WHOLE[4].entry.hash), (12, WHOLE[11].entry.hash)) == []


def test_a_changed_word_is_found_and_named() -> None:
    for changed in (
        replace(WHOLE[4], entry=replace(WHOLE[4].entry, action="evaluation.pass"), stated=WHOLE[4].entry.hash),
        replace(WHOLE[4], entry=replace(WHOLE[4].entry, at=NOON), stated=WHOLE[4].entry.hash),
        replace(WHOLE[4], entry=replace(WHOLE[4].entry, projects=()), stated=WHOLE[4].entry.hash),
        replace(WHOLE[4], entry=replace(WHOLE[4].entry, subject_id="c" * 32), stated=WHOLE[4].entry.hash),
        replace(WHOLE[4], entry=replace(WHOLE[4].entry, body_digest="0" * 64), stated=WHOLE[4].entry.hash),
    ):
        assert "Entry 5 was changed: its words no longer give its hash." in findings([*WHOLE[:4], changed, *WHOLE[5:]], MANIFEST)


def test_a_changed_body_is_found_and_named() -> None:
    other = replace(WHOLE[4], body={**(WHOLE[4].body or {}), "check_id": "GOV-002"})
    assert findings([*WHOLE[:4], other, *WHOLE[5:]], MANIFEST) == ["The body of entry 5 was changed."]
    salted = replace(WHOLE[4], salt="6" * 32)
    assert findings([*WHOLE[:4], salted, *WHOLE[5:]], MANIFEST) == ["The body of entry 5 was changed."]


def test_an_entry_replaced_with_its_hash_made_anew_is_found_by_the_next() -> None:
    other = replace(WHOLE[4], entry=replace(WHOLE[4].entry, action="evaluation.pass"))
    assert findings([*WHOLE[:4], other, *WHOLE[5:]], MANIFEST) == ["Entry 6 does not follow entry 5: one of them was replaced."]


def test_a_removed_entry_is_found_and_named() -> None:
    assert findings([*WHOLE[:4], *WHOLE[5:]], MANIFEST) == ["Entry 5 is missing: entry 6 comes next."]
    assert findings([*WHOLE[:4], *WHOLE[7:]], MANIFEST) == ["Entries 5 to 7 are missing: entry 8 comes next."]
    assert findings(WHOLE[1:], MANIFEST) == ["Entry 1 is missing: entry 2 comes next."]


def test_a_removed_end_is_found_by_the_manifest_and_else_by_a_checkpoint() -> None:
    assert findings(WHOLE[:-2], MANIFEST) == ["Entries 11 to 12 are missing at the end."]
    short = WHOLE[:-2]
    assert findings(short, manifest_of(short)) == []
    noted = (12, WHOLE[-1].entry.hash)
    found = findings(short, manifest_of(short), noted)
    assert found == ["The log ends at entry 10, and had entry 12 when it was noted: the end is missing."]


def test_entries_that_changed_places_are_found_and_named() -> None:
    swapped = [*WHOLE[:4], WHOLE[5], WHOLE[4], *WHOLE[6:]]
    assert findings(swapped, MANIFEST) == [
        "Entry 5 is missing: entry 6 comes next.",
        "Entry 5 (line 6) is out of order or there twice: it comes after entry 6.",
    ]
    assert findings([*WHOLE, WHOLE[3]], MANIFEST) == ["Entry 4 (line 13) is out of order or there twice: it comes after entry 12."]


def test_a_log_that_was_sealed_anew_is_found_by_a_noted_head() -> None:
    forged = sealed_again([*WHOLE[:4], *WHOLE[5:]])
    assert findings(forged, manifest_of(forged)) == []
    found = findings(forged, manifest_of(forged), (3, WHOLE[2].entry.hash), (8, WHOLE[7].entry.hash))
    assert len(found) == 1
    assert found[0].startswith("The log was rewritten at or before entry 8:")


def test_an_entry_of_the_project_cannot_be_passed_off_as_another_s() -> None:
    wanted = Selection(PROJECTS[0])
    without = [line if wanted.takes(line.entry.kind, line.entry.at, line.entry.projects) else replace(line, body=None) for line in WHOLE]
    assert findings(without, manifest_of(WHOLE, wanted)) == []
    hidden = [*without[:3], replace(without[3], body=None), *without[4:]]
    assert findings(hidden, manifest_of(WHOLE, wanted)) == ["The body of entry 4 is missing, and no later entry says that it was redacted."]
    decision = [*without[:2], replace(without[2], body=None), *without[3:]]
    assert findings(decision, manifest_of(WHOLE, wanted)) == ["The body of entry 3 is missing; a decision is never redacted."]


def test_a_span_of_time_leaves_out_bodies_and_no_entry() -> None:
    wanted = Selection(None, NOON + timedelta(minutes=3), NOON + timedelta(minutes=6))
    within = [line if 3 <= n < 6 else replace(line, body=None) for n, line in enumerate(WHOLE)]
    assert findings(within, manifest_of(WHOLE, wanted)) == []
    assert len(findings([*within[:4], replace(within[4], body=None), *within[5:]], manifest_of(WHOLE, wanted))) == 1


def redaction(*subjects: str) -> Line:
    body = {"subjects": list(subjects), "reason": "purged"}
    digest = body_digest("5" * 32, canonical(body))
    entry = Entry(0, NOON, NOON + timedelta(days=1), Kind.REDACTION, "evidence.redacted", "entity", subjects[0], (), digest, "")
    return Line(entry, body)


def test_a_redacted_body_needs_an_entry_that_says_so() -> None:
    gone = [replace(line, body=None) if PROJECTS[0] in line.entry.projects else line for line in WHOLE]
    told = sealed_again([*gone, redaction(PROJECTS[0])])
    verdict = verify_evidence.verify([line.bytes for line in told], manifest_of(told))
    assert (verdict.findings, verdict.redacted) == ([], 4)
    assert len(findings(gone, MANIFEST)) == 4
    too_early = sealed_again([redaction(PROJECTS[0]), *gone])
    assert len([found for found in findings(too_early, manifest_of(too_early)) if "no later entry says" in found]) == 4


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (b"\n", "Line 13 is not an entry"),
        (b"[]\n", "it is not canonical JSON"),
        (b"[" * 100_000 + b"\n", "Line 13 is not an entry"),
        (WHOLE[0].bytes.replace(b'":1,', b'": 1,'), "it is not canonical JSON"),
        (WHOLE[0].bytes.replace(b'{"action"', b'{"action":"x","action"'), "it says the same thing twice"),
        (WHOLE[0].bytes.replace(b'"hash"', b'"hush":1,"hash"'), "it is not canonical JSON"),
        (WHOLE[0].bytes.replace(b'"kind"', b'"kinb":1,"kind"'), "it says more than is sealed: kinb"),
        (WHOLE[0].bytes.replace(b'"position":1', b'"position":"1"'), "its position is no number"),
        (WHOLE[0].bytes.replace(b"quotes", "é".encode()), "Line 13 is not an entry"),
    ],
)
def test_what_is_no_entry_is_named_by_its_line(line: bytes, why: str) -> None:
    found = findings([*WHOLE, line], MANIFEST)
    assert len(found) == 1
    assert why in found[0]


CONTENT = b"".join(line.bytes for line in WHOLE)


def found_in(content: bytes) -> list[str]:
    return verify_evidence.verify(io.BytesIO(content), MANIFEST).findings


@settings(max_examples=300, deadline=None)
@given(at=st.integers(0, len(CONTENT) - 1), byte=st.integers(0, 255))
def test_no_byte_can_be_changed(at: int, byte: int) -> None:
    assert bool(found_in(CONTENT[:at] + bytes([byte]) + CONTENT[at + 1 :])) == (CONTENT[at] != byte)


@settings(max_examples=200, deadline=None)
@given(start=st.integers(0, len(CONTENT) - 2), length=st.integers(1, 3000))
def test_nothing_can_be_cut_out(start: int, length: int) -> None:
    assert found_in(CONTENT[:start] + CONTENT[start + length :])


@settings(max_examples=200, deadline=None)
@given(at=st.integers(0, len(CONTENT) - 1), more=st.binary(min_size=1, max_size=40))
def test_nothing_can_be_put_in(at: int, more: bytes) -> None:
    assert found_in(CONTENT[:at] + more + CONTENT[at:])


@settings(max_examples=200, deadline=None)
@given(order=st.permutations(range(len(WHOLE))))
def test_no_other_order_passes(order: list[int]) -> None:
    assert bool(findings([WHOLE[n] for n in order], MANIFEST)) == (order != sorted(order))


@settings(max_examples=150, deadline=None)
@given(kept=st.sets(st.integers(0, len(WHOLE) - 1)), at=st.integers(0, len(WHOLE) - 1))
def test_no_entry_can_be_taken_out_whoever_seals_anew(kept: set[int], at: int) -> None:
    forged = sealed_again([WHOLE[n] for n in sorted(kept)])
    noted = (at + 1, WHOLE[at].entry.hash)
    intact = kept.issuperset(range(at + 1))
    assert bool(findings(forged, manifest_of(forged), noted)) == (not intact)


def test_the_script_says_it_in_a_process_of_its_own(tmp_path: Path) -> None:
    status, said = run(write(tmp_path / "pack.zip", WHOLE, MANIFEST))
    assert status == 0
    assert said.splitlines()[-2:] == [
        f"12 entries, 12 with their bodies, 0 redacted; the last is 12:{WHOLE[-1].entry.hash}", "SOUND",
    ]  # fmt: skip
    status, said = run(write(tmp_path / "pack.zip", [*WHOLE[:4], *WHOLE[5:]], MANIFEST), "--checkpoint", f"3:{WHOLE[2].entry.hash}")
    assert status == 1
    assert "Entry 5 is missing: entry 6 comes next." in said
    status, said = run(write(tmp_path / "pack.zip", WHOLE, MANIFEST), "--checkpoint", f"13:{'0' * 64}")
    assert (status, "the end is missing" in said) == (1, True)


def test_an_unpacked_pack_is_read_too(tmp_path: Path) -> None:
    with zipfile.ZipFile(write(tmp_path / "pack.zip", WHOLE, MANIFEST)) as archive:
        archive.extractall(tmp_path / "pack")
    assert run(tmp_path / "pack")[0] == 0


def test_what_is_no_pack_is_said_so(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("no zip")
    whole = write(tmp_path / "pack.zip", WHOLE, MANIFEST)
    content = bytearray(whole.read_bytes())
    content[200] ^= 0xFF
    (tmp_path / "damaged.zip").write_bytes(content)
    other = write(tmp_path / "other.zip", WHOLE, {**MANIFEST, "version": 2})
    none = write(tmp_path / "none.zip", WHOLE, {"format": "pmo-hub evidence", "version": 1})
    for pack in (tmp_path / "text", tmp_path / "damaged.zip", other, none, tmp_path / "nothing"):
        status, said = run(pack)
        assert status == 2, pack
        assert said.count("\n") == 1, said
    assert run(whole, "--checkpoint", "12:abc")[0] == 2


def test_the_first_hundred_findings_are_told_and_the_rest_counted() -> None:
    long = chain(150)
    verdict = verify_evidence.verify([b"{}\n"] * 150, manifest_of(long))
    assert (len(verdict.findings), verdict.count) == (100, 151)
    assert verify_evidence.report(verdict)[100] == "… and 51 more."


def test_the_script_needs_python_3_8_and_its_standard_library_only() -> None:
    tree = ast.parse(SCRIPT.read_text(), feature_version=(3, 8))
    names = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    names |= {str(node.module) for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert names <= {"__future__", "argparse", "collections.abc", "hashlib", "io", "json", "os", "sys", "typing", "zipfile", "zlib"}
    newer = {"removeprefix", "removesuffix", "StrEnum", "slots", "UTC"}
    assert newer.isdisjoint({node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)})


def test_script_and_hub_spell_and_digest_alike() -> None:
    value = {"b": [1, -0.0, 1e22, 1e-7, None, True, "é\ud800\u2028"], "a": {}}
    assert verify_evidence.canonical(value) == canonical(value)
    assert json.loads(canonical(value)) == value
    assert verify_evidence.digest(verify_evidence.BODY, b"5" * 32, b"\n", b"{}") == body_digest("5" * 32, "{}")
