"""Sprints as Data Center writes them into an issue: the text of a Java object, `…Sprint@1f[id=7,rapidViewId=2,state=CLOSED,name=…]`.

Nothing in it is quoted, so a name may hold commas, equals signs, brackets, and all of these together. What surrounds it is known: the
text is read from both of its ends.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from pmo_hub_jira import wire

_NULL = "<null>"
_DATE = r"(?:<null>|\d{4}-\d\d-\d\dT[^,\]]*)"
_HEAD = re.compile(r"\[id=(?P<id>\d+),rapidViewId=(?:\d+|<null>),state=(?P<state>\w+),name=")
# The goal stands before the dates or after them, by version; what follows it came one by one.
_REST = re.compile(
    rf"(?P<name>.*),startDate=(?P<start>{_DATE}),endDate=(?P<end>{_DATE}),completeDate=(?P<complete>{_DATE})"
    rf"(?:,activatedDate={_DATE})?(?:,sequence=\d+)?(?:,goal=(?P<goal>.*?))?"
    r"(?:,synced=\w+)?(?:,autoStartStop=\w+)?(?:,incompleteIssuesDestinationId=[^,\]]*)?\]",
    re.DOTALL,
)


def sprint_of(text: str) -> wire.Sprint | None:
    """The sprint; None where the text does not even name its id."""
    head = _HEAD.search(text)
    if head is None:
        return None
    rest = _REST.fullmatch(text, head.end())
    if rest is None:
        name = re.split(r",(?:goal|startDate|endDate|completeDate|activatedDate|sequence)=", text[head.end() :].removesuffix("]"))[0]
        return wire.Sprint(int(head["id"]), _known(name), head["state"])
    name, goal = rest["name"], rest["goal"]
    if goal is None:
        name, has_goal, before = name.rpartition(",goal=")
        name, goal = (name, before) if has_goal else (before, None)
    return wire.Sprint(
        int(head["id"]), _known(name), head["state"], _known(goal), _known(rest["start"]), _known(rest["end"]), _known(rest["complete"])
    )


def sprints_of(texts: Iterable[str | wire.Sprint | wire.Numbered]) -> list[wire.Sprint | wire.Numbered]:
    """The sprints of an issue's field, of those that can be read; some versions give objects, as Cloud does."""
    found = (sprint_of(text) if isinstance(text, str) else text for text in texts)
    return [sprint for sprint in found if sprint is not None]


def _known(text: str | None) -> str | None:
    return None if text in (None, "", _NULL) else text
