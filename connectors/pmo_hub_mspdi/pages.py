"""A file that was read, as payloads and pages of the contract.

A payload's context holds what its bytes lack: where a task stands in the outline, who of its resources are people, how long the
predecessors of its relative lags are, which links lead nowhere. So a change elsewhere in the file touches only the tasks that it concerns.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import msgspec

from pmo_hub.sdk.contract import Group, Page, Payload, Ref
from pmo_hub_mspdi.document import Document, percent_links
from pmo_hub_mspdi.outline import Line
from pmo_hub_mspdi.periods import without
from pmo_hub_mspdi.time_phased import Days
from pmo_hub_mspdi.values import Element, flag, many, money, text

PLAN, CALENDAR, RESOURCE, TASK = "plan", "calendar", "resource", "task"
PAGE_PAYLOADS = 250
PAGE_BYTES = 2 * 1024 * 1024
ZERO_WORK = dict.fromkeys(("Work", "ActualWork", "RemainingWork"), "PT0H0M0S")
ZEROES = {
    **ZERO_WORK,
    **dict.fromkeys(("Cost", "ActualCost", "RemainingCost", "TotalSlack", "FreeSlack"), "0"),
}
"""What MPXJ leaves out of the XML that it writes."""
_ENCODE = msgspec.json.Encoder(order="deterministic").encode

Resolve = Callable[[str], str | None]
"""What a file says of a task in another one → that task's external id, where the connection holds it."""


def pages(document: Document, scope: str, state: Mapping[str, str], resolve: Resolve, *, zeroes: bool = False) -> Iterator[Page]:
    """The group of one plan; its last page carries the state. `zeroes`: who wrote the file left amounts of zero out."""
    group = Ref("file", scope)
    tally = Tally()
    held: list[Payload] = []
    size = 0
    stale: tuple[str, ...] = (scope,)  # the header that tasks are mapped with came with this file
    for payload in payloads(document, scope, resolve, tally, zeroes=zeroes):
        held.append(payload)
        size += len(payload.body)
        if len(held) >= PAGE_PAYLOADS or size >= PAGE_BYTES:
            yield Page(held, group=Group(group), stale=stale)
            held, size, stale = [], 0, ()
    name = document.fields.get("Title") or document.fields.get("Name") or scope
    yield Page(held, dict(state), group=Group(group, last=True), stale=stale, notices=tally.notices(name, document))


class Tally:
    """What in a file leads nowhere."""

    def __init__(self) -> None:
        self.dangling = 0
        self.unresolved = 0
        self.too_long = 0
        self.unreadable = 0

    def notices(self, name: str, document: Document) -> tuple[str, ...]:
        told = []
        if self.dangling:
            told.append(f"The plan {name!r} has {self.dangling} links from tasks that its file does not hold; they are left out.")
        if self.unresolved:
            told.append(
                f"The plan {name!r} has {self.unresolved} links from tasks of other files, which this connection does not hold; "
                "upload these files too."
            )
        if self.too_long:
            told.append(
                f"The plan {name!r} tells more days of {self.too_long} tasks than are kept (twenty years, 50,000 periods): of these tasks "
                "work and cost by day are unknown."
            )
        if self.unreadable:
            told.append(f"The plan {name!r} has time-phased data of {self.unreadable} tasks that can't be read: by day they are unknown.")
        if document.repeated:
            told.append(f"The plan {name!r} repeats {document.repeated} ids; of each only the first row is read: repair the file.")
        return tuple(text[:390] for text in told)


def payloads(document: Document, scope: str, resolve: Resolve, tally: Tally, *, zeroes: bool = False) -> Iterator[Payload]:
    """The header, then calendars, resources and tasks in the file's order."""
    spool = document.spool
    summary = None if document.summary is None else without(document.summary)
    yield Payload(Ref(PLAN, scope), scope, _ENCODE({"Project": document.fields, "Summary": summary}), context=_plan(document))
    for kind, places in ((CALENDAR, document.calendars), (RESOURCE, document.resources)):
        for uid, place in places.items():
            yield Payload(Ref(kind, f"{scope}/{uid}"), scope, spool.content(place), context={"plan": scope})
    at, days = status_at(document.fields), Days(document, scope)
    for line in document.lines:
        task = {**ZEROES, **spool.get(line.place)} if zeroes else spool.get(line.place)
        booked = [(resource, spool.get(place)) for resource, place in document.assignments.of(line.uid)]
        booked.sort(key=lambda one: (_number(text(one[1], "UID")), one[0]))
        context = {"plan": scope, **_standing(line), **_links(task, document, resolve, tally)}
        people = [resource for resource, _ in booked if resource in document.people]
        if people:
            context["people"] = " ".join(dict.fromkeys(people))
        if at and has_earned_value(task, document.fields):
            context["at"] = at
        mine = [{**ZERO_WORK, **without(one)} if zeroes else without(one) for resource, one in booked if resource in document.resources]
        body = {"Task": without(task), "Assignments": mine}
        if not line.has_children and (by_day := days.of(task, booked)):
            body["Days"] = by_day
        tally.too_long, tally.unreadable = days.too_long, days.unreadable
        yield Payload(Ref(TASK, f"{scope}/{line.uid}"), scope, _ENCODE(body), context=context)


def status_at(fields: Mapping[str, str]) -> str:
    """As of when the file's earned value is: Microsoft Project takes today where nobody set a status date."""
    return next((fields[name] for name in ("StatusDate", "CurrentDate", "LastSaved") if fields.get(name)), "")


def has_earned_value(task: Element, fields: Mapping[str, str]) -> bool:
    """A plan that nobody measures holds zeroes everywhere."""
    return bool(fields.get("StatusDate")) or any(money(task, name) for name in ("BCWS", "BCWP", "ACWP"))


def _plan(document: Document) -> dict[str, str]:
    manager = document.fields.get("Manager", "").casefold()
    found = next((uid for uid, name in document.people.items() if manager and name.casefold() == manager), None)
    return {"manager": found} if found else {}


def _standing(line: Line) -> dict[str, str]:
    told = {"parent": line.parent} if line.parent is not None else {}
    return {**told, "children": "1"} if line.has_children else told


def _links(task: Element, document: Document, resolve: Resolve, tally: Tally) -> dict[str, str]:
    """Of the links: relative lags' predecessors with their hours, those that lead nowhere, and where those to other files lead."""
    told: dict[str, str] = {}
    lengths = {uid: length for uid in percent_links(task) if (length := document.hours_of(uid)) is not None}
    if lengths:
        told["hours"] = " ".join(f"{uid}={length:.6g}" for uid, length in lengths.items())
    foreign, nowhere = {}, []
    for number, link in enumerate(many(task, "PredecessorLink")):
        uid = text(link, "PredecessorUID")
        if flag(link, "CrossProject") or uid in document.ghosts:
            named = text(link, "CrossProjectName") or document.ghosts.get(uid or "", "")
            found = resolve(named)
            if found is not None:
                foreign[str(number)] = found
                continue
            tally.unresolved += 1
        elif uid in document.lines:
            continue
        elif document.summary is None or uid != text(document.summary, "UID"):
            tally.dangling += 1
        nowhere.append(str(number))
    if foreign:
        told["foreign"] = msgspec.json.encode(foreign).decode()
    if nowhere:
        told["nowhere"] = " ".join(nowhere)
    return told


def _number(uid: str | None) -> tuple[int, str]:
    return (int(uid), "") if uid is not None and uid.isascii() and uid.isdigit() else (0, uid or "")


def decode(body: bytes) -> Any:
    return msgspec.json.decode(body)
