"""Plain text of documents in the Atlassian Document Format.

A tolerant walk: of an unknown node its content counts, of a known one without text what it shows (a mention's name, a link's address, a
date's day). It recurses for as far as people nest, and goes on with a stack of its own, so that no depth breaks it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec

from pmo_hub_jira.nesting import decode


class Node(msgspec.Struct, gc=False):
    """A node as far as text needs it; marks and versions are skipped."""

    type: str | None = None
    text: str | None = None
    content: list[Node | None] | None = None
    attrs: dict[str, Any] | None = None


_TYPED = msgspec.json.Decoder(Node)
_ANY: msgspec.json.Decoder[Any] = msgspec.json.Decoder()

Leaf = Callable[[dict[str, Any]], str]

_RECURSIONS = 20
_ENDS = ("\n", "\t", "")


def text_of(raw: bytes | msgspec.Raw) -> str | None:
    """The text of a document as bytes; a JSON string (version 2 of the API) is its own text; None where there is none."""
    try:
        return text_in(decode(_TYPED, raw))
    except msgspec.ValidationError:
        return text(decode(_ANY, raw))


def text_in(document: Node | str | None) -> str | None:
    """The text of a document as its decoder made it."""
    if document is None:
        return None
    if isinstance(document, str):
        return document.strip() or None
    out: list[str] = []
    if document.type == "doc" and document.content:
        _write(document.content, out, _RECURSIONS)
    else:
        _walk([document], out)
    return "".join(out).strip() or None


def text(document: Any) -> str | None:
    """The text of a decoded document, blocks on lines of their own; None where it has none."""
    if isinstance(document, str):
        return document.strip() or None
    out: list[str] = []
    _walk([_tolerated(document)], out)
    return "".join(out).strip() or None


def _tolerated(document: Any) -> Node:
    """The document as nodes, whatever is in it: what has no place in the format is left out."""
    root = Node(content=[])
    todo: list[tuple[Node, Any]] = [(root, document)]
    while todo:
        parent, value = todo.pop()
        children = value if isinstance(value, list) else [value]
        parent.content = []
        for child in children:
            if not isinstance(child, dict):
                continue
            kind, words, attributes = child.get("type"), child.get("text"), child.get("attrs")
            node = Node(
                kind if isinstance(kind, str) else None,
                words if isinstance(words, str) else None,
                attrs=attributes if isinstance(attributes, dict) else None,
            )
            parent.content.append(node)
            todo.append((node, child.get("content")))
    return root


def _write(nodes: Sequence[Node | None], out: list[str], depth: int) -> None:
    """Append what the nodes show, in the order in which they are read."""
    for node in nodes:
        if node is None:
            continue
        kind = node.type
        if kind == "text":
            if node.text:
                out.append(node.text)
            continue
        leaf, mark = _KINDS.get(kind, _UNKNOWN)
        if leaf is not None:
            out.append(leaf(node.attrs or {}))
        content = node.content
        if content:
            if depth:
                _write(content, out, depth - 1)
            else:
                _walk(content, out)
        if mark == "\n" and out and out[-1][-1:] not in _ENDS:
            out.append("\n")
        elif mark is not None:
            _close(out, mark)


def _walk(nodes: Sequence[Node | None], out: list[str]) -> None:
    """As `_write`, of any depth."""
    stack: list[Node | str | None] = [*reversed(nodes)]
    while stack:
        node = stack.pop()
        if node is None:
            continue
        if isinstance(node, str):  # what closes a node, put there when it was opened
            _close(out, node)
            continue
        if node.type == "text":
            if node.text:
                out.append(node.text)
            continue
        leaf, mark = _KINDS.get(node.type, _UNKNOWN)
        if leaf is not None:
            out.append(leaf(node.attrs or {}))
        if mark is not None:
            stack.append(mark)
        if node.content:
            stack.extend(reversed(node.content))


def _close(out: list[str], mark: str) -> None:
    """End a line or a cell once: a list item ends with the paragraph that ends it, and a cell is no line."""
    if mark == "\n":
        if out:
            last = out[-1]
            if last == "\t":
                out[-1] = "\n"
            elif last[-1:] != "\n":
                out.append("\n")
    else:
        if out and out[-1] == "\n":
            out.pop()
        out.append("\t")


def _first(*names: str) -> Callable[[dict[str, Any]], str]:
    def leaf(attributes: dict[str, Any]) -> str:
        for name in names:
            value = attributes.get(name)
            if isinstance(value, str) and value:
                return value
        return ""

    return leaf


def _date(attributes: dict[str, Any]) -> str:
    """The day of a date node, whose timestamp is in milliseconds, as a number or as text."""
    try:
        return datetime.fromtimestamp(int(attributes["timestamp"]) / 1000, UTC).date().isoformat()
    except (KeyError, TypeError, ValueError, OverflowError, OSError):
        return ""


def _title(attributes: dict[str, Any]) -> str:
    """What is folded away begins on a line of its own."""
    title = attributes.get("title")
    return f"{title}\n" if isinstance(title, str) and title else ""


def _task(attributes: dict[str, Any]) -> str:
    return "[x] " if attributes.get("state") == "DONE" else "[ ] "


_BLOCKS = (
    "paragraph", "heading", "listItem", "codeBlock", "blockquote", "panel", "rule", "taskItem", "decisionItem", "tableRow", "mediaSingle",
    "mediaGroup", "blockCard", "embedCard", "expand", "nestedExpand", "extension", "bodiedExtension",
)  # fmt: skip

_LEAVES: dict[str, Leaf] = {
    "hardBreak": lambda _: "\n",
    "mention": _first("text", "id"),
    "emoji": _first("text", "shortName"),
    "status": _first("text"),
    "date": _date,
    "inlineCard": _first("url"),
    "blockCard": _first("url"),
    "embedCard": _first("url"),
    "media": _first("alt", "url"),
    "mediaInline": _first("alt", "url"),
    "placeholder": _first("text"),
    "expand": _title,
    "nestedExpand": _title,
    "inlineExtension": _first("text"),
    "taskItem": _task,
}

_UNKNOWN: tuple[Leaf | None, str | None] = (None, None)
_KINDS: dict[str | None, tuple[Leaf | None, str | None]] = {
    **dict.fromkeys(_LEAVES, _UNKNOWN),
    **dict.fromkeys(_BLOCKS, (None, "\n")),
    **dict.fromkeys(("tableCell", "tableHeader"), (None, "\t")),
}
_KINDS |= {kind: (leaf, _KINDS[kind][1]) for kind, leaf in _LEAVES.items()}
"""What a kind of node shows by itself, and what ends it."""
