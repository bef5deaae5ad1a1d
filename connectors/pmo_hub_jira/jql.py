"""Queries in Jira's language: always bounded, times as epoch milliseconds only.

A bare date-time in a query is read in the time zone of the calling user's profile and at a minute's granularity; epoch milliseconds are
free of the zone but still floored to the minute. So every lower bound is floored here, and there is no upper bound against a clock.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice, pairwise

from pmo_hub.sdk.errors import ConfigError

MINUTE_MS = 60_000
CHUNK = 200
"""Projects that one query names."""

OLDEST_FIRST = " ORDER BY created ASC"
"""The one order that no edit during the sweep changes; sorted by `updated`, rows would jump between pages."""

_LITERAL = re.compile(r"\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'", re.DOTALL)
_ORDER = re.compile(r"\border\s+by\b", re.IGNORECASE)


def quoted(text: str) -> str:
    """`text` as a string literal."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _id(project: str) -> str:
    return project if project.isascii() and project.isdigit() else quoted(project)


def of_projects(projects: Sequence[str]) -> str:
    """Issues of these projects, by project id."""
    if len(projects) == 1:
        return f"project = {_id(projects[0])}"
    return f"project in ({', '.join(map(_id, projects))})"


def floored(ms: int) -> int:
    """The start of the minute, never before 1970."""
    return max(0, ms - ms % MINUTE_MS)


def updated_since(where: str, ms: int) -> str:
    return f"{where} AND updated >= {floored(ms)}"


def created_since(where: str, ms: int) -> str:
    return f"{where} AND created >= {floored(ms)}"


def narrowed(where: str, query: str) -> str:
    """What of `where` an admin's own query selects; ConfigError for a query that would reach outside it or brings an order of its own."""
    text = query.strip()
    bare = _LITERAL.sub("''", text)
    if not text:
        raise ConfigError("the query is empty; write which issues belong to the project, such as labels = alpha")
    if _ORDER.search(bare):
        raise ConfigError("leave ORDER BY out of the query: it says which issues belong to the project, not in which order")
    rest = bare.replace("''", "")
    if '"' in rest or "'" in rest:
        raise ConfigError("the query has a quotation mark that is never closed")
    depth = 0
    for sign in re.findall(r"[()]", rest):
        depth += 1 if sign == "(" else -1
        if depth < 0:
            break
    if depth:
        raise ConfigError("the query has a parenthesis without its other half")
    return f"{where} AND ({text})"


def windows(where: str, first_ms: int | None, last_ms: int, count: int) -> list[str]:
    """At most `count` queries that share out `where` by creation time; both ends are open, so that none is left out."""
    if first_ms is None or count < 2:
        return [where]
    first, last = floored(first_ms), floored(last_ms)
    step = max(MINUTE_MS, floored((last - first) // count))
    cuts = [first + step * n for n in range(1, count) if first + step * n < last]
    if not cuts:
        return [where]
    between = [f"{where} AND created >= {start} AND created < {end}" for start, end in pairwise(cuts)]
    return [f"{where} AND created < {cuts[0]}", *between, f"{where} AND created >= {cuts[-1]}"]


def chunks(projects: Iterable[str], size: int = CHUNK) -> Iterator[tuple[str, ...]]:
    """The ids in their one order, `size` at a time."""
    ordered = iter(sorted(projects, key=lambda project: (len(project), project)))
    while chunk := tuple(islice(ordered, size)):
        yield chunk
