"""Reading a query of Data Center issue by issue in the order of their keys, from where the last page ended.

Pages by offset lose and repeat issues whenever one is edited, deleted or moved meanwhile, and where the nodes of a cluster disagree. Here
each page asks for what comes behind the last key: nothing shifts. Keys are compared within a project, so of several projects those that
lie behind are left out by name. https://support.atlassian.com/jira/kb/inconsistent-paginated-api-search-result-while-using-jql
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import msgspec
from msgspec import Raw, Struct

from pmo_hub.sdk.errors import TransientError
from pmo_hub_jira import jql
from pmo_hub_jira.client import Refused
from pmo_hub_jira.data_center_client import DataCenterClient
from pmo_hub_jira.nesting import decode

ORDER = " ORDER BY key ASC"
ANCHORS = 5
RESTARTS = 10
PAGES_REMEMBERED = 3


class Place(Struct, omit_defaults=True):
    """Where reading goes on: behind `anchors[0]`, the last key read; the others came before it in the same project.

    `passed`: keys of the projects that lie behind; `left`: how many issues the server counted behind the anchor.
    """

    passed: list[str] = []
    anchors: list[str] = []
    left: int | None = None


class _Named(Struct):
    id: str
    key: str


_NAMED = msgspec.json.Decoder(_Named)


@dataclass(frozen=True, slots=True)
class Swept:
    """A page: its issues without those that a page before it had, the ids of those that have a readable one, and whether it is the last."""

    issues: Sequence[Raw]
    ids: Sequence[str]
    last: bool


def sweep(
    client: DataCenterClient, where: str, fields: Sequence[str], size: int, place: Place, *, history: bool = False
) -> Iterator[Swept]:
    """The pages of `where` from `place` on, which has moved past each before it is handed out.

    Raises Refused where Jira refuses the query itself, TransientError where it contradicts itself.
    """
    remembered: deque[set[str]] = deque(maxlen=PAGES_REMEMBERED)
    restarts = offset = 0
    while True:
        try:
            page = client.found(behind(where, place) + ORDER, fields, size, start=offset, history=history)
        except Refused as refusal:
            if refusal.status != 400 or not place.anchors or restarts == RESTARTS:
                raise
            # An anchor that was deleted since is an error to Jira; the one before it serves as well.
            restarts += 1
            _step_back(place, remembered)
            continue
        issues, total = page.issues or [], page.total
        if place.left is not None and total is not None and total < place.left and place.anchors:
            # One that was moved to another project is compared there, and would end the reading early without a word.
            if restarts < RESTARTS and client.key_of(place.anchors[0]) != place.anchors[0]:
                restarts += 1
                _step_back(place, remembered)
                continue
            place.left = total
        named = [_named(raw) for raw in issues]
        before: set[str] = set().union(*remembered)
        fresh = [n for n, one in enumerate(named) if one is None or one.id not in before]
        end = offset + len(issues)
        last = end >= total if total is not None else len(issues) < min(size, page.max_results or size)
        if issues and not fresh and not last:
            raise TransientError("Jira repeats a page of issues instead of going on; the reading is given up")
        if not issues and not last:
            raise TransientError(f"Jira counts {total} issues more and lists none of them; the reading is given up")
        remembered.append({one.id for one in named if one is not None})
        if _advance(place, [one.key for one in named if one is not None]):
            place.left = None if total is None else total - end
            offset = 0
        else:
            offset = end  # a whole page without a readable key: there is nothing else to go by
        yield Swept([issues[n] for n in fresh], [one.id for n in fresh if (one := named[n]) is not None], last)
        if last:
            return


def behind(where: str, place: Place) -> str:
    """What of `where` comes behind the place."""
    if not place.anchors:
        return f"{where} AND project not in ({_listed(place.passed)})" if place.passed else where
    anchor = place.anchors[0]
    project = _project(anchor)
    rest = _listed([*place.passed, project])
    return f"{where} AND ((project = {jql.quoted(project)} AND key > {jql.quoted(anchor)}) OR project not in ({rest}))"


def _advance(place: Place, keys: Sequence[str]) -> bool:
    """The place is behind the last of these keys; False where there is none."""
    if not keys:
        return False
    last = _project(keys[-1])
    seen = dict.fromkeys(_project(key) for key in keys)
    if place.anchors:
        seen = dict.fromkeys([_project(place.anchors[0]), *seen])
    place.passed += [project for project in seen if project != last and project not in place.passed]
    place.anchors = [key for key in reversed(keys) if _project(key) == last][:ANCHORS]
    return True


def _step_back(place: Place, remembered: deque[set[str]]) -> None:
    """The anchor is given up for the one before it; without one, the project is read from its start, and what it had comes again."""
    place.anchors = place.anchors[1:]
    place.left = None
    if not place.anchors:
        remembered.clear()


def _named(raw: Raw) -> _Named | None:
    try:
        return decode(_NAMED, raw)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def _project(key: str) -> str:
    return key.rpartition("-")[0]


def _listed(projects: Sequence[str]) -> str:
    return ", ".join(map(jql.quoted, projects))
