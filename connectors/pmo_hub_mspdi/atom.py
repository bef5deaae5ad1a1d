"""Rows of an Atom feed, as an OData service writes it: each entry's properties by name, streamed."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from typing import IO
from xml.etree.ElementTree import ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import DefusedXMLParser

from pmo_hub_mspdi.faults import UnreadableFile
from pmo_hub_mspdi.streaming import CHUNK, DEEPEST, LONGEST_TEXT, LONGEST_TOKEN

METADATA = "{http://schemas.microsoft.com/ado/2007/08/dataservices/metadata}"
DATA = "{http://schemas.microsoft.com/ado/2007/08/dataservices}"
FEED = "{http://www.w3.org/2005/Atom}feed"
ENTRY = "{http://www.w3.org/2005/Atom}entry"
MOST_PROPERTIES = 2_000


def entries(file: IO[bytes], member: str) -> Iterator[Mapping[str, str | None]]:
    """Raises UnreadableFile for anything but a feed or an entry."""
    target = _Target()
    parser = DefusedXMLParser(target=target, forbid_dtd=True, forbid_entities=True, forbid_external=True)
    silent = 0
    try:
        while chunk := file.read(CHUNK):
            seen = target.seen
            parser.feed(chunk)
            silent = silent + len(chunk) if target.seen == seen else 0
            if silent > LONGEST_TOKEN or target.is_bad:
                raise UnreadableFile(f"holds the dump {member}, which is no feed of ProjectData")
            while target.rows:
                yield target.rows.popleft()
        parser.close()
    except (ParseError, DefusedXmlException, LookupError, UnicodeError):
        raise UnreadableFile(f"holds the dump {member}, which is no XML as ProjectData gives it") from None
    if target.is_bad:
        raise UnreadableFile(f"holds the dump {member}, which is no feed of ProjectData")
    yield from target.rows


class _Target:
    def __init__(self) -> None:
        self.rows: deque[Mapping[str, str | None]] = deque()
        self.seen = 0
        self.is_bad = False
        self._depth = 0
        self._row: dict[str, str | None] | None = None
        self._name: str | None = None
        self._is_null = False
        self._texts: list[str] = []
        self._length = 0

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        self.seen += 1
        self._depth += 1
        if self._depth > DEEPEST or (self._depth == 1 and tag not in (FEED, ENTRY)):
            self.is_bad = True
        elif tag == METADATA + "properties":
            self._row = {}
        elif self._row is not None and tag.startswith(DATA):
            self._name = tag[len(DATA) :]
            self._is_null = attributes.get(METADATA + "null") == "true"
            self._texts, self._length = [], 0

    def data(self, text: str) -> None:
        self.seen += 1
        if self._name is not None and self._length < LONGEST_TEXT:
            self._texts.append(text[: LONGEST_TEXT - self._length])
            self._length += len(text)

    def end(self, tag: str) -> None:
        self.seen += 1
        self._depth -= 1
        if tag == METADATA + "properties":
            if self._row is not None:
                self.rows.append(self._row)
            self._row = None
        elif self._row is not None and self._name is not None and tag == DATA + self._name:
            if len(self._row) >= MOST_PROPERTIES:
                self.is_bad = True
            else:
                self._row[self._name] = None if self._is_null else "".join(self._texts)
            self._name = None

    def close(self) -> None:
        """The document is complete."""
