"""Plain text of documents in the Atlassian Document Format.

A tolerant walk: of an unknown node its content counts, of a known one without text what it shows (a mention's name, a link's address, a
date's day). It keeps its own stack, so that no depth of nesting breaks it.
"""

from __future__ import annotations

from collections.abc import Callable
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

_BLOCKS = frozenset({
    "paragraph", "heading", "listItem", "codeBlock", "blockquote", "panel", "rule", "taskItem", "decisionItem", "tableRow", "mediaSingle",
    "mediaGroup", "blockCard", "embedCard", "expand", "nestedExpand", "extension", "bodiedExtension",
})  # fmt: skip
_CELLS = frozenset({"tableCell", "tableHeader"})


def text_of(raw: bytes | msgspec.Raw) -> str | None:
    """The text of a document as bytes; a JSON string (version 2 of the API) is its own text; None where there is none."""
    try:
        return _walk(decode(_TYPED, raw))
    except msgspec.ValidationError:
        return text(decode(_ANY, raw))


def text(document: Any) -> str | None:
    """The text of a decoded document, blocks on lines of their own; None where it has none."""
    if isinstance(document, str):
        return document.strip() or None
    return _walk(_tolerated(document))


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


def _walk(root: Node) -> str | None:
    out: list[str] = []
    stack: list[Node | str | None] = [root]
    while stack:
        node = stack.pop()
        if node is None:
            continue
        if isinstance(node, str):  # what closes a node, put there when it was opened
            _close(out, node)
            continue
        kind = node.type
        if kind == "text":
            out.append(node.text or "")
            continue
        if kind is not None:
            leaf = _LEAVES.get(kind)
            if leaf is not None:
                out.append(leaf(node.attrs or {}))
            if kind in _BLOCKS:
                stack.append("\n")
            elif kind in _CELLS:
                stack.append("\t")
        content = node.content
        if content:
            for place, child in enumerate(content):
                # Most content is plain text: taken at once, without a turn through the stack.
                if child is not None and child.type == "text":
                    out.append(child.text or "")
                else:
                    stack.extend(reversed(content[place:]))
                    break
    return "".join(out).strip() or None


def _close(out: list[str], mark: str) -> None:
    """End a line or a cell once: a list item ends with the paragraph that ends it, and a cell is no line."""
    if mark == "\t":
        if out and out[-1] == "\n":
            out.pop()
        out.append("\t")
    elif out and out[-1] == "\t":
        out[-1] = "\n"
    elif out and not out[-1].endswith("\n"):
        out.append("\n")


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


_LEAVES: dict[str, Callable[[dict[str, Any]], str]] = {
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
    "decisionItem": lambda _: "",
}
