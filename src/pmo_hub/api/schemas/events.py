"""Events on the wire: the same message whether it is read, streamed or posted to somebody."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import BaseModel, Field


class EntityView(BaseModel):
    """What an event happened to."""

    type: str = Field(examples=["violation"])
    id: str


class MessageData(BaseModel):
    """Of a project that is restricted or confidential (and of a subscription that is thin) id, sequence and link are all that is told."""

    id: str = Field(description="the same however often the event is told, and to whom")
    sequence: int = Field(description="counts what happened to the entity: whoever gets an earlier one later knows it by this")
    link: str = Field(description="where the hub's API tells more, to whom may know it")
    entity: EntityView | None = None
    project_id: str | None = None
    portfolio_ids: list[str] | None = None
    severity: str | None = None
    check_id: str | None = None
    owner_id: str | None = Field(None, description="who answers for the project")
    subject: str | None = Field(None, description="what it is about, in words: text of a third party, never markup")
    message: str | None = Field(None, description="what is wrong, in a sentence: text of a third party, never markup")
    project_name: str | None = None
    details: dict[str, Any] | None = Field(None, description="what the catalogue says of the type")
    is_cut: bool | None = Field(None, description="details were left out, as they were too long")


class Message(BaseModel):
    """An event as it is told."""

    type: str = Field(examples=["violation.opened"])
    timestamp: datetime
    data: MessageData


class EventView(Message):
    """An event of the list; `position` counts everything that happened."""

    position: int


class EventTypeView(BaseModel):
    """A line of the catalogue."""

    name: str
    title: str
    entity: str
    meaning: str
    example: dict[str, Any] = Field(description="the `details` of one")


class EventTypeList(BaseModel):
    items: list[EventTypeView]
    families: list[str] = Field(description="names that stand for all types that begin like them")
