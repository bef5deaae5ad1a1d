"""JSON that is nested deeper than any decoder follows.

Every decoder at hand recurses and gives up at about a thousand levels, less when it is called from deep inside a program. A document in
Atlassian's format of ten thousand levels would take the whole page down with it.
"""

from __future__ import annotations

import re
from typing import TypeVar

import msgspec

DEEPEST = 200
"""Levels kept; far below what a decoder manages, so that the outcome does not depend on the caller's own depth."""

_T = TypeVar("_T")
_TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*"|[\[\]{}]', re.DOTALL)


def decode(decoder: msgspec.json.Decoder[_T], body: bytes | msgspec.Raw) -> _T:
    """What `decoder` makes of `body`, with null in place of what is nested too deep."""
    try:
        return decoder.decode(body)
    except RecursionError:
        return decoder.decode(pruned(bytes(body)))


def pruned(body: bytes, deepest: int = DEEPEST) -> bytes:
    """`body` with null in place of every object and array below `deepest` levels."""
    kept: list[bytes] = []
    depth = since = 0
    for token in _TOKEN.finditer(body):
        first = body[token.start()]
        if first in b"{[":
            depth += 1
            if depth == deepest + 1:
                kept += (body[since : token.start()], b"null")
        elif first in b"}]":
            depth -= 1
            if depth == deepest:
                since = token.end()
    kept.append(body[since:] if depth <= deepest else b"")
    return b"".join(kept)
