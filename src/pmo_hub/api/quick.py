"""The hottest reads on a way of their own (decision 0007): on SQLite on the event loop, on PostgreSQL in a thread.

The endpoint in `routes` describes such a read and answers it whole; here the same function of it answers requests that say nothing but
the path, past the search among all routes and past the framework's work on parameters that aren't there. What this way does not take,
a request with a query or another method, goes on to the endpoint.
"""

from __future__ import annotations

import re
from collections.abc import Callable

import anyio.to_thread
from fastapi import Request, Response
from starlette.routing import Match, Route
from starlette.types import Scope

from pmo_hub.api.deps import permit
from pmo_hub.services.hub import Hub

Read = Callable[[Hub, str, str | None], Response]
ID = re.compile(r"[0-9a-f]{32}")


class QuickRead(Route):
    """GET of `path`, which ends its one parameter in braces, with what `read` makes of the hub, the parameter and If-None-Match."""

    def __init__(self, path: str, needed: str, read: Read) -> None:
        self._needed = needed
        self._read = read
        super().__init__(path, self._answer, methods=["GET"], include_in_schema=False)
        (self._parameter,) = self.param_convertors

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        if scope["type"] != "http" or scope["query_string"] or scope["method"] != "GET":
            return Match.NONE, {}
        found, more = super().matches(scope)
        # What is not an id may be the name of an endpoint beside the read's.
        is_read = found is Match.FULL and ID.fullmatch(more["path_params"][self._parameter])
        return (found, more) if is_read else (Match.NONE, {})

    async def _answer(self, request: Request) -> Response:
        permit(request.scope, self._needed)
        hub: Hub = request.app.state.hub
        asked = request.path_params[self._parameter], request.headers.get("if-none-match")
        if hub.work.is_at_hand:
            return self._read(hub, *asked)
        return await anyio.to_thread.run_sync(self._read, hub, *asked)
