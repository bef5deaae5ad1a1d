"""One piece of work in several tools, on the wire."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from pmo_hub.api.schemas.bodies import Strict


class SameAsWanted(Strict):
    """Two items that are one piece of work: `item_id` counts, `duplicate_id` does not."""

    item_id: str = Field(min_length=32, max_length=32)
    duplicate_id: str = Field(min_length=32, max_length=32)


class SameAsView(BaseModel):
    model_config = ConfigDict(from_attributes=True)
    id: str
    item_id: str
    duplicate_id: str
    how: Literal["hand", "rule"]
    rule_id: str | None


class SameAsRuleWanted(Strict):
    """Items of `connection_id` whose field holds the key of an item of `other_connection_id` are the same as that."""

    connection_id: str = Field(min_length=32, max_length=32)
    field: str | None = Field(None, max_length=200, description="id of the custom field that holds the other's key; null: keys are equal")
    other_connection_id: str = Field(min_length=32, max_length=32)
    counted: Literal["own", "other"] = Field("other", description="whose item counts: that of connection_id (own), or the other's")


class SameAsRuleView(BaseModel):
    model_config = ConfigDict(from_attributes=True)
    id: str
    connection_id: str
    field: str | None
    other_connection_id: str
    counted: Literal["own", "other"]
    created_by: str
    created_at: datetime


class SameAsRuleList(BaseModel):
    items: list[SameAsRuleView]


class PrecedenceBody(Strict):
    """Field → roles or scope ids in the order in which they are believed; fields that are left out go by the roles' default."""

    fields: dict[str, list[str]]


class PrecedenceView(BaseModel):
    fields: dict[str, list[str]]


class ConflictSideView(BaseModel):
    model_config = ConfigDict(from_attributes=True)
    item_id: str
    key: str
    url: str | None
    scope_id: str
    role: str
    value: Any


class ConflictView(BaseModel):
    """Two tools that contradict each other; nothing was overwritten in either."""

    model_config = ConfigDict(from_attributes=True)
    same_as_id: str
    field: str
    counted: ConflictSideView
    duplicate: ConflictSideView
    winner_id: str = Field(description="the item whose value is believed")
    because: str = Field(description="the role or the scope that decided; counted: progress is told by the item that counts")


class ConflictList(BaseModel):
    items: list[ConflictView]
