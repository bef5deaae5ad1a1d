"""Files that are broken, foreign or made to do harm: each is told in one sentence, takes no room, and ends nothing."""

from __future__ import annotations

import io
import tracemalloc
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from pmo_hub.sdk.contract import Mode
from pmo_hub.sdk.errors import ScopeError
from pmo_hub.sdk.files import FileInfo
from pmo_hub.sdk.testing import MemoryContext
from pmo_hub_mspdi import archive as archives
from pmo_hub_mspdi.archive import Archive
from pmo_hub_mspdi.config import MspdiConfig
from pmo_hub_mspdi.connector import MspdiConnector
from pmo_hub_mspdi.document import read_document
from pmo_hub_mspdi.faults import UnreadableFile
from pmo_hub_mspdi.offered import OneFile
from pmo_hub_mspdi.pages import pages
from pmo_hub_mspdi.simulated_plans import PlanSpec, plan_xml, write
from pmo_hub_mspdi.spool import Spool
from pmo_hub_mspdi.streaming import NAMESPACE, Found, stream
from tests.connectors.pmo_hub_mspdi.archives import archive_zip, as_json, dumps, zipped
from tests.connectors.pmo_hub_mspdi.plans import plan, task

HEAD = f'<Project xmlns="{NAMESPACE}">'
START = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
GROWING = "".join(f'<!ENTITY {b} "{f"&{a};" * 10}">' for a, b in ("ab", "bc", "cd"))
BOMB = f'<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY a "ha">{GROWING}]>{HEAD}<Title>&d;</Title></Project>'


def read(content: bytes) -> Any:
    with Spool() as spool:
        return read_document(io.BytesIO(content), spool)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "is no XML file"),
        (b"PROJECT,MPX", "is no XML file"),
        (b"\x00" * 100, "is no XML file"),
        (b"<html><body>Sign in</body></html>", "is no Microsoft Project XML"),
        (b"<Project><Tasks/></Project>", "is no Microsoft Project XML"),
        (b'<Project xmlns="http://schemas.microsoft.com/developer/msbuild/2003"/>', "is no Microsoft Project XML"),
        (BOMB.encode(), "declares a document type or entities"),
        (b'<!DOCTYPE x SYSTEM "file:///etc/passwd"><x/>', "declares a document type or entities"),
        (f"{HEAD}<Title>&xxe;</Title></Project>".encode(), "is no well-formed XML"),
        (f"{HEAD}<Title>Plan</Title></Project>".encode(), "holds no plan"),
        (f"{HEAD}<Tasks>{'<Task>' * 100}".encode(), "nests elements more than 24 deep"),
        (f'{HEAD}<Title a="{"x" * 9_000_000}"/></Project>'.encode(), "more than 8 MB without an element"),
        (f"{HEAD}<Tasks><Task>{'<x/>' * 60_000}</Task></Tasks></Project>".encode(), "more than 50000 elements"),
        (b'<?xml version="1.0" encoding="klingon"?><Project/>', "character encoding"),
        (plan_xml(PlanSpec("Cut", 20))[:9_000], "is no well-formed XML: it breaks off"),
    ],
)
def test_a_file_that_is_no_plan_says_why(content: bytes, why: str) -> None:
    with pytest.raises(UnreadableFile, match=why):
        read(content)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_encodings_that_tools_write_are_read(encoding: str) -> None:
    text = plan([task(1, Name="Übergabe 仓库")]).decode().replace('encoding="UTF-8"', "" if encoding != "utf-16" else 'encoding="UTF-16"')
    document = read(text.encode(encoding))
    assert [line.uid for line in document.lines] == ["1"]


def test_of_a_long_text_the_beginning_is_kept() -> None:
    found = [one for one in stream(io.BytesIO(plan([task(1, Notes="x" * 3_000_000)]))) if isinstance(one, Found)]
    assert [len(one.value["Notes"]) for one in found if one.container == "Tasks"] == [1_000_000]


def test_a_huge_name_is_one_task_and_nothing_more() -> None:
    document = read(plan([task(1, Name="x" * 200_000), task(2)]))
    assert len(document.lines) == 2


def test_rows_with_one_uid_are_read_once_and_told() -> None:
    document = read(plan([task(1), task(1, Name="Again"), task(2)]))
    assert [line.uid for line in document.lines] == ["1", "2"]
    assert document.repeated == 1
    with Spool() as spool:
        again = read_document(io.BytesIO(plan([task(1), task(1)])), spool)
        *_, last = pages(again, "p", {}, lambda _: None)
    assert "repeats 1 ids" in last.notices[0]


def test_a_broken_file_begins_no_generation() -> None:
    """Its head can be read, so its plan is known; not a page of it is handed over."""
    content = plan_xml(PlanSpec("Cut", 20))
    source_files = MemoryContext(files={"cut.xml": content[: len(content) - 200]})
    connector = MspdiConnector()
    with connector.open(MspdiConfig(), source_files) as source:
        (scope,) = [one.external_id for one in source.scopes()]
        (partition,) = source.partitions([scope], {}, Mode.INCREMENTAL)
        with pytest.raises(ScopeError, match=r"cut\.xml is no well-formed XML.*stays as it was"):
            next(iter(source.read(partition)))


class Generated(io.RawIOBase):
    """A plan that is written while it is read, so that only the reader's own memory counts."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._held = b""

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        while len(self._held) < size:
            piece = next(self._pieces, b"")
            if not piece:
                break
            self._held += piece
        content, self._held = self._held[:size], self._held[size:]
        return content


def test_a_long_plan_takes_the_room_of_its_outline_only() -> None:
    """Of three thousand tasks of 1.7 kB there stay a few hundred bytes each."""
    pieces = list(write(PlanSpec("Long", 3_000)))
    assert sum(map(len, pieces)) > 5_000_000
    tracemalloc.start()
    try:
        with Spool() as spool:
            document = read_document(Generated(iter(pieces)), spool)  # type: ignore[arg-type]
            held, _ = tracemalloc.get_traced_memory()
            count = sum(len(page.payloads) for page in pages(document, "p", {}, lambda _: None))
            _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert count > 3_400
    assert held < 3_450 * 300 + 100_000
    assert peak < 3_000_000  # a page of 250 tasks besides


# Zip files.


def of_zip(content: bytes) -> Archive:
    files = OneFile("a.zip", io.BytesIO(content), START)
    return Archive.of_zip(files, FileInfo("a.zip", len(content), "d", START))


@pytest.mark.parametrize(
    "path", ["../Projects.json", "/etc/Projects.json", "a/../../Projects.json", "C:\\Projects.json", "..\\Projects.json"]
)
def test_a_zip_file_with_a_path_that_leads_out_of_it_is_refused(path: str) -> None:
    with pytest.raises(UnreadableFile, match="leads out of it"):
        of_zip(zipped({"Projects.json": b"[]", path: b"[]"}))


def test_a_zip_bomb_is_refused_before_it_is_unpacked() -> None:
    with pytest.raises(UnreadableFile, match="grows more than 200-fold"):
        of_zip(zipped({"Projects.json": b" " * 20_000_000}))


def test_a_zip_file_of_too_many_files_or_too_much_content_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    content = archive_zip()
    monkeypatch.setattr(archives, "MOST_MEMBERS", 3)
    with pytest.raises(UnreadableFile, match="zip file of 8 files"):
        of_zip(content)
    monkeypatch.undo()
    monkeypatch.setattr(archives, "MOST_BYTES", 500)
    with pytest.raises(UnreadableFile, match="GB of content"):
        of_zip(content)
    monkeypatch.undo()
    monkeypatch.setattr(archives, "MEMBER_BYTES", 500)
    with pytest.raises(UnreadableFile, match="write it in pages"):
        of_zip(content)


def test_a_zip_file_that_lies_about_its_size_is_refused() -> None:
    content = bytearray(zipped({"Projects.json": as_json(dumps()["Projects"])}))
    at = content.rindex(b"PK\x01\x02")
    content[at + 24 : at + 28] = (10).to_bytes(4, "little")
    with pytest.raises(UnreadableFile):
        list(of_zip(bytes(content)).projects())


def test_a_locked_a_damaged_and_a_foreign_zip_file_say_what_they_are() -> None:
    locked = bytearray(archive_zip())
    at = locked.index(b"PK\x01\x02")
    while at >= 0:
        locked[at + 8] |= 1
        at = locked.find(b"PK\x01\x02", at + 4)
    with pytest.raises(UnreadableFile, match="password"):
        of_zip(bytes(locked))
    with pytest.raises(UnreadableFile, match="can't be unpacked"):
        of_zip(archive_zip()[:300])
    with pytest.raises(UnreadableFile, match="without a list of projects"):
        of_zip(zipped({"holiday.jpg": b"x"}))


@pytest.mark.parametrize("content", [b"", b"{", b"[1]", b'{"error": 1}', b"<html/>", b'{"value": [[1]]}', b"[" * 5_000])
def test_a_dump_that_is_none_is_told(content: bytes) -> None:
    with pytest.raises(UnreadableFile, match=r"Projects\.json"):
        list(of_zip(zipped({"Projects.json": content})).projects())


@pytest.mark.parametrize(
    "content", [b"", b"<html/>", b'<!DOCTYPE x [<!ENTITY a "b">]><feed/>', b'<feed xmlns="http://www.w3.org/2005/Atom">']
)
def test_a_feed_that_is_none_is_told(content: bytes) -> None:
    with pytest.raises(UnreadableFile, match=r"Projects\.xml"):
        list(of_zip(zipped({"Projects.xml": content})).projects())


def test_a_nested_zip_file_is_not_opened() -> None:
    inner = archive_zip()
    packed = of_zip(zipped({"Projects.json": as_json(dumps()["Projects"]), "more.zip": inner}))
    assert packed.members == ["Projects.json"]
    assert zipfile.is_zipfile(io.BytesIO(inner))
