"""How an error looks."""

from __future__ import annotations

from pydantic import BaseModel, Field


class ProblemField(BaseModel):
    """What is wrong at one place: `pointer` leads into the body (RFC 6901), `parameter` names one of the address or the headers."""

    pointer: str | None = None
    parameter: str | None = None
    code: str
    message: str


class Problem(BaseModel):
    """An error, as RFC 9457 shapes it."""

    type: str = Field(description="which kind of problem; stable, relative to the hub", examples=["/problems/invalid"])
    title: str
    status: int
    detail: str
    instance: str = Field(description="the path that was asked for")
    errors: list[ProblemField] | None = None
    trace_id: str | None = Field(None, description="the request's id, which the log has too")
