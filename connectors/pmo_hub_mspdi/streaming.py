"""An MSPDI file as a stream of its records, in the memory of one record.

Whoever uploads a file isn't trusted: a DTD, entities and foreign namespaces are refused, depth and sizes are bounded, and what takes much
room and is not read (resources' time-phased data, views, drawings) is passed over while it is parsed.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import IO, Any, NamedTuple
from xml.etree.ElementTree import ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import DefusedXMLParser

from pmo_hub_mspdi.faults import UnreadableFile
from pmo_hub_mspdi.periods import MOST_PERIODS, PERIODS, TOLD_BY, kept

NAMESPACE = "http://schemas.microsoft.com/project"
CHUNK = 64 * 1024
DEEPEST = 24
LONGEST_TEXT = 1_000_000
"""Characters; of a longer text the beginning is kept."""
LONGEST_TOKEN = 8 * 1024 * 1024
"""Bytes without an element's beginning or end; a parser would hold all of them."""
MOST_ELEMENTS = 50_000
"""In one record, such as a task with its extended attributes."""

FIELD = "Project"
"""The container of what stands in the header itself."""
RECORDS = {
    "OutlineCodes": "OutlineCode",
    "ExtendedAttributes": "ExtendedAttribute",
    "Calendars": "Calendar",
    "Tasks": "Task",
    "Resources": "Resource",
    "Assignments": "Assignment",
}

_PREFIX = "{" + NAMESPACE + "}"
_AT = len(_PREFIX)


class Found(NamedTuple):
    """A record of a container; of the container `Project`, a field of the header with its text."""

    container: str
    name: str
    value: Any


class Opened(NamedTuple):
    """A container begins."""

    container: str


def stream(file: IO[bytes]) -> Iterator[Found | Opened]:
    """The file's fields and records in their order; raises UnreadableFile, at the latest at its end."""
    target = _Target()
    parser = DefusedXMLParser(target=target, forbid_dtd=True, forbid_entities=True, forbid_external=True)
    silent = 0
    try:
        while chunk := file.read(CHUNK):
            seen = target.seen
            parser.feed(chunk)
            silent = silent + len(chunk) if target.seen == seen else 0
            if silent > LONGEST_TOKEN:
                raise UnreadableFile(f"holds more than {LONGEST_TOKEN // 1024 // 1024} MB without an element")
            while target.found:
                yield target.found.popleft()
        parser.close()
    except ParseError as error:
        line, column = error.position
        if not target.seen:
            raise UnreadableFile("is no XML file") from None
        raise UnreadableFile(f"is no well-formed XML: it breaks off or is damaged in line {line}, column {column}") from None
    except DefusedXmlException:
        raise UnreadableFile("declares a document type or entities, which a plan has no use for") from None
    except (LookupError, UnicodeError):
        raise UnreadableFile("is in a character encoding that can't be read") from None
    while target.found:
        yield target.found.popleft()


class _Target:
    """Takes what the parser meets; `found` is what is complete."""

    def __init__(self) -> None:
        self.found: deque[Found | Opened] = deque()
        self.seen = 0
        self._depth = 0
        self._passing = 0
        self._container = FIELD
        self._stack: list[dict[str, Any] | None] = []
        self._texts: list[str] = []
        self._length = 0
        self._elements = 0
        self._names: dict[str, str] = {}

    def start(self, tag: str, _attributes: dict[str, str]) -> None:
        self.seen += 1
        self._depth += 1
        if self._depth > DEEPEST:
            raise UnreadableFile(f"nests elements more than {DEEPEST} deep")
        if self._passing:
            return
        if self._depth == 1:
            if tag != _PREFIX + "Project":
                raise UnreadableFile(f"is no Microsoft Project XML: its root is not Project of {NAMESPACE}")
            return
        name = self._names.get(tag)
        if name is None:
            name = self._names[tag] = self._name_of(tag)
        if not name or (self._depth == 3 and name != RECORDS.get(self._container)) or (name == PERIODS and self._container not in TOLD_BY):
            self._passing = self._depth
            return
        if self._depth == 2:
            self._container = name if name in RECORDS else FIELD
            if self._container != FIELD:
                self.found.append(Opened(name))
                return
        if self._depth <= 3:
            self._elements = 0
        self._elements += 1
        if self._elements > MOST_ELEMENTS:
            raise UnreadableFile(f"holds a {self._container.rstrip('s')} of more than {MOST_ELEMENTS} elements")
        if self._stack and self._stack[-1] is None:
            self._stack[-1] = {}
        self._stack.append(None)
        self._texts.clear()
        self._length = 0

    @staticmethod
    def _name_of(tag: str) -> str:
        """Without the namespace; nothing for what is in another one, and is passed over."""
        return tag[_AT:] if tag.startswith(_PREFIX) else ""

    def data(self, text: str) -> None:
        self.seen += 1
        if not self._passing and self._length < LONGEST_TEXT:
            self._texts.append(text[: LONGEST_TEXT - self._length])
            self._length += len(text)

    def end(self, tag: str) -> None:
        self.seen += 1
        depth = self._depth
        self._depth -= 1
        if self._passing:
            if self._passing == depth:
                self._passing = 0
            return
        if not self._stack:
            return  # the root, or a container
        name = self._names[tag]
        value: Any = self._stack.pop()
        if value is None:
            value = "".join(self._texts)
        self._texts.clear()
        self._length = 0
        if not self._stack:
            self.found.append(Found(self._container, name, value))
            return
        above = self._stack[-1]
        if above is None:  # pragma: no cover - whoever has a child is an element since that began
            return
        if name == PERIODS:
            self._period(above, value)
            return
        known = above.get(name)
        if known is None:
            above[name] = value
        elif isinstance(known, list):
            known.append(value)
        else:
            above[name] = [known, value]

    def _period(self, above: dict[str, Any], value: Any) -> None:
        """Periods are kept in short: there may be one for each day of years. They have a bound of their own."""
        if not isinstance(value, dict):
            return
        self._elements -= 1 + len(value)
        period = kept(value)
        held: list[Any] = above.setdefault(PERIODS, [])
        if period is not None and len(held) <= MOST_PERIODS:
            held.append(period)

    def close(self) -> None:
        """The document is complete."""
