"""Worklogs on the wire."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field


class WorklogView(BaseModel):
    """Work that somebody logged on an item; null is unknown."""

    model_config = ConfigDict(from_attributes=True)
    id: str
    author_id: str | None
    author_name: str | None = Field(description="what the account is called now")
    started_at: datetime | None
    hours: float | None
    body: str | None = Field(description="what was written beside it, as plain text")
    created_at: datetime | None
    updated_at: datetime | None


class WorklogPage(BaseModel):
    items: list[WorklogView]
    next_cursor: str | None = None
    count: int = Field(description="how many there are in all")
    hours: float | None = Field(description="what all of them add up to; null where none tells")
