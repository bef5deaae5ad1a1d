"""What endpoints ask for. All of it is `async`, so that none of it costs a turn in the thread pool."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import Depends, Query, Request

from pmo_hub.api.errors import BadRequest, HttpProblem
from pmo_hub.services.access import SCOPES, Caller
from pmo_hub.services.hub import Hub

CALLER = "pmo_hub.caller"


async def _hub(request: Request) -> Hub:
    hub: Hub = request.app.state.hub
    return hub


HubDep = Annotated[Hub, Depends(_hub)]


class allow:  # noqa: N801 - reads as the function that it is used as: Depends(allow("projects:read"))
    """A dependency: the request's key has the scope, and who it is is handed on."""

    def __init__(self, scope: str) -> None:
        if scope not in SCOPES:
            raise ValueError(f"{scope!r} is not among the scopes of services/access.py")
        self.scope = scope

    async def __call__(self, request: Request) -> Caller:
        return permit(request.scope, self.scope)


def permit(asgi: Mapping[str, Any], needed: str) -> Caller:
    """Whose request it is, if the key has the scope `needed`; raises HttpProblem."""
    caller: Caller = asgi[CALLER]
    if not caller.may(needed):
        raise HttpProblem(403, "scope-missing", f"The key {caller.prefix} ({caller.name}) lacks the scope {needed}.")
    return caller


def instant(text: str, parameter: str) -> datetime:
    """The aware UTC time that an RFC 3339 text names; raises BadRequest, also where the zone is missing."""
    # A plus sign that was not percent-encoded arrives as a space.
    repaired = re.sub(r" (\d\d:\d\d)$", r"+\1", text.strip())
    try:
        value = datetime.fromisoformat(repaired)
        if value.tzinfo is not None:
            return value.astimezone(UTC)
    except (ValueError, OverflowError):
        raise BadRequest(parameter, f"{parameter} must be an instant of RFC 3339, like 2026-11-23T08:00:00Z.") from None
    raise BadRequest(parameter, f"{parameter} needs a time zone, like 2026-11-23T08:00:00Z.")


async def _as_of(
    as_of: Annotated[
        str | None,
        Query(
            description="Answer with what the hub knew at this instant (RFC 3339, with a time zone).",
            max_length=64,
            json_schema_extra={"format": "date-time"},
        ),
    ] = None,
) -> datetime | None:
    return None if as_of is None else instant(as_of, "as_of")


AsOf = Annotated[datetime | None, Depends(_as_of)]
