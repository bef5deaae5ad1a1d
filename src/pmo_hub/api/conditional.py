"""ETags: one that is right saves a body, one that is out of date saves somebody else's change."""

from __future__ import annotations

from hashlib import blake2b
from typing import Annotated

from fastapi import Header
from pydantic import BaseModel

from pmo_hub.api.errors import NotModified, PreconditionFailed, PreconditionRequired

IfMatch = Annotated[str | None, Header(alias="If-Match", description="the ETag that the change was decided on")]
IfNoneMatch = Annotated[str | None, Header(alias="If-None-Match", description="the ETag of what the caller holds")]


def etag(content: BaseModel | bytes) -> str:
    """A strong tag of the content."""
    raw = content if isinstance(content, bytes) else content.model_dump_json().encode()
    return f'"{blake2b(raw, digest_size=16).hexdigest()}"'


def _names(header: str, current: str, *, weakly: bool) -> bool:
    given = [part.strip() for part in header.split(",")]
    if weakly:  # If-None-Match compares weakly (RFC 9110, 13.1.2), If-Match strongly
        given = [part.removeprefix("W/") for part in given]
    return "*" in given or current in given


def require_match(if_match: str | None, current: str) -> None:
    """The caller decided on what is current; raises PreconditionRequired or PreconditionFailed."""
    if if_match is None:
        raise PreconditionRequired
    if not _names(if_match, current, weakly=False):
        raise PreconditionFailed


def stop_if_held(if_none_match: str | None, current: str) -> None:
    """The caller does not hold the current one; raises NotModified if it does."""
    if if_none_match is not None and _names(if_none_match, current, weakly=True):
        raise NotModified(current)
