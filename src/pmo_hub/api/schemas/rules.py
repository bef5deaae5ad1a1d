"""Mapping rules and their preview on the wire."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from pmo_hub.api.schemas.bodies import Strict
from pmo_hub.api.schemas.sync_runs import SyncRunView

Grade = Literal["ruled", "told", "guessed", "unmapped"]


class WordView(BaseModel):
    """An id of the source's dictionaries and what it is mapped to."""

    model_config = ConfigDict(from_attributes=True)
    dimension: str = Field(description="status, type, priority or field")
    id: str
    name: str | None
    value: str | None = Field(description="what it means here; of a field null where no canonical field takes it")
    grade: Grade = Field(description="ruled: by an admin; told: by the source; guessed: from its name; unmapped: by default")
    rule: str = Field(description="the rule that mends it")


class RulesView(BaseModel):
    """How a connection maps. `rule_schema` draws the form."""

    model_config = ConfigDict(from_attributes=True, populate_by_name=True)
    connection_id: str
    rules: dict[str, Any]
    rule_schema: dict[str, Any] = Field(validation_alias="schema", description="JSON Schema of the rules")
    words: list[WordView] = Field(description="what the source's dictionaries know, with its meaning under these rules")
    unread_fields: list[str] = Field(description="fields that the rules need and that were never fetched")
    updated_at: datetime


class RulesWanted(Strict):
    """All rules of the connection, by name; one that is left out no longer holds."""

    rules: dict[str, Any]


class RulesAccepted(RulesView):
    """The rules, and the runs that make the rows follow them."""

    runs: list[SyncRunView]


class SampleView(BaseModel):
    """A row that would change; `field` null: the whole record would be new or end."""

    model_config = ConfigDict(from_attributes=True)
    record_type: str
    external_id: str
    item_id: str | None
    key: str | None
    url: str | None
    field: str | None
    before: Any
    after: Any


class ProjectRowsView(BaseModel):
    """`project_id` null: rows of items that are in no project, or of no item."""

    model_config = ConfigDict(from_attributes=True)
    project_id: str | None
    name: str | None
    rows: int


class RulesPreview(BaseModel):
    """What the rules would change. Nothing was written, and the source was asked only for words that its kept dictionaries lack."""

    model_config = ConfigDict(from_attributes=True)
    payloads: int = Field(description="stored payloads that were mapped both ways")
    total: int = Field(description="stored payloads of the connection")
    is_whole: bool = Field(description="false: time ran out, and the counts are of the payloads looked at")
    rows: int
    by_field: dict[str, int] = Field(description="rows by record type and field, like work_item.kind")
    by_project: list[ProjectRowsView]
    samples: list[SampleView]
    unread_fields: list[str]
    warnings: list[str]
