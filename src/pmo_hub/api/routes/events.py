"""What happened: listed, and streamed while it happens."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from functools import partial
from typing import Annotated, Any

import anyio.to_thread
from fastapi import APIRouter, Depends, Header, Query, Request
from fastapi.sse import EventSourceResponse, ServerSentEvent

from pmo_hub.api.deps import HubDep, allow, instant
from pmo_hub.api.errors import BadRequest, HttpProblem
from pmo_hub.api.pagination import Cursor, Limit, Page, page_of, position
from pmo_hub.api.schemas.events import EventTypeList, EventTypeView, EventView
from pmo_hub.api.schemas.governance import SeverityName
from pmo_hub.domain.events import CATALOGUE, FAMILIES, Notice
from pmo_hub.domain.formats import standard
from pmo_hub.services import events
from pmo_hub.services.access import Caller
from pmo_hub.services.events import Asked, Tail

router = APIRouter(tags=["events"])

Reader = Annotated[Caller, Depends(allow("events:read"))]
Id = Annotated[str | None, Query(max_length=32)]

STREAMED_AT_A_TIME = 200
LONGEST_STREAM_S = 600.0
"""A stream ends after so long, and its client comes again with Last-Event-ID: a key that was revoked opens it no more."""

MOST_STREAMS = 200
RETRY_MS = 2_000


async def _asked(
    type: Annotated[list[str] | None, Query(description="may be given several times; violation.* is a family", max_length=50)] = None,
    severity: Annotated[list[SeverityName] | None, Query(description="may be given several times")] = None,
    check: Annotated[str | None, Query(max_length=32, description="id of a check", examples=["GOV-001"])] = None,
    project: Id = None,
    portfolio: Annotated[str | None, Query(max_length=32, description="id of a portfolio or program")] = None,
    owner: Annotated[str | None, Query(max_length=32, description="account of who answers for the project")] = None,
    entity: Annotated[str | None, Query(max_length=32, description="id of what it happened to")] = None,
) -> Asked:
    asked = Asked(tuple(type or ()), portfolio, project, tuple(severity or ()), check, owner, entity)
    events.check(asked)
    return asked


AskedDep = Annotated[Asked, Depends(_asked)]


@router.get("/event-types")
def list_event_types(_: Reader) -> EventTypeList:
    """What can happen, and what is told of it."""
    return EventTypeList(
        items=[EventTypeView.model_validate(one, from_attributes=True) for one in CATALOGUE.values()], families=sorted(FAMILIES)
    )


@router.get("/events")
def list_events(
    hub: HubDep,
    _: Reader,
    asked: AskedDep,
    since: Annotated[
        str | None,
        Query(max_length=64, description="happened at or after this instant (RFC 3339)", json_schema_extra={"format": "date-time"}),
    ] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[EventView]:
    """What happened, the newest first; the same messages that subscriptions get."""
    filters = {name: value for name in Asked.__slots__ if (value := getattr(asked, name))} | {"since": since}
    at = position(filters, cursor)
    if at is not None and (not isinstance(at.sort, int) or isinstance(at.sort, bool)):
        raise BadRequest("cursor", "The cursor is not one that this endpoint made: start again without it.")
    wanted = asked if since is None else replace(asked, since=instant(since, "since"))
    found = events.page(hub, wanted, None if at is None else int(at.sort or 0), limit + 1)
    kept, following = page_of(found, limit, filters, lambda one: (one.event.position, one.event.id))
    return Page(items=[_view(one) for one in kept], next_cursor=following)


async def _start(
    last_event_id: Annotated[
        str | None, Header(alias="Last-Event-ID", max_length=32, description="position of the last event that was received")
    ] = None,
    after: Annotated[int | None, Query(ge=0, le=2**62, description="as Last-Event-ID, which goes first; 0: from the beginning")] = None,
) -> int | None:
    if last_event_id is None or not last_event_id.strip():
        return after
    text = last_event_id.strip()
    if not text.isascii() or not text.isdigit() or len(text) > 18:
        raise BadRequest("Last-Event-ID", "Last-Event-ID is the id of an event of this stream: a number.")
    return int(text)


async def _place(request: Request) -> AsyncIterator[Tail]:
    """A place among the open streams, until this one ends."""
    tail: Tail = request.app.state.tail
    if tail.streams >= MOST_STREAMS:
        why = f"{MOST_STREAMS} streams are open already: come again later."
        raise HttpProblem(503, "unavailable", why, headers={"Retry-After": "10"})
    tail.streams += 1
    try:
        yield tail
    finally:
        tail.streams -= 1


@router.get("/events/stream", response_class=EventSourceResponse)
async def stream_events(
    hub: HubDep,
    _: Reader,
    asked: AskedDep,
    start: Annotated[int | None, Depends(_start)],
    tail: Annotated[Tail, Depends(_place)],
) -> AsyncIterator[ServerSentEvent]:
    """What happens from now on, or after Last-Event-ID, as server-sent events; a comment every 15 seconds shows that it lives.

    It ends after ten minutes: an EventSource comes again by itself and misses nothing.
    """
    loop = asyncio.get_running_loop()
    end = loop.time() + LONGEST_STREAM_S
    at = await tail.newest(hub) if start is None else start
    yield ServerSentEvent(comment="pmo-hub", retry=RETRY_MS)
    while loop.time() < end:
        newest = await tail.newest(hub)
        if newest <= at:
            await tail.rest()
            continue
        read = partial(events.page, hub, asked, at, STREAMED_AT_A_TIME, newest_first=False)
        found: list[Notice] = await anyio.to_thread.run_sync(read)
        for notice in found:
            text = json.dumps(standard.message(notice), ensure_ascii=False, separators=(",", ":"))
            yield ServerSentEvent(raw_data=text, event=notice.event.type, id=str(notice.event.position))
        last = found[-1].event.position or at if found else at
        at = last if len(found) == STREAMED_AT_A_TIME else max(newest, last)


@router.get("/events/{event_id}")
def get_event(hub: HubDep, _: Reader, event_id: str) -> EventView:
    """An event, as its reader may be told of it."""
    return _view(events.get(hub, event_id))


def _view(notice: Notice) -> EventView:
    message: dict[str, Any] = standard.message(notice)
    return EventView.model_validate(message | {"position": notice.event.position})
