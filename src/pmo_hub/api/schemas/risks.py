"""Risk signals and risks on the wire."""

from __future__ import annotations

from datetime import date, datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from pmo_hub.api.schemas.health import Links


class RiskSignalView(BaseModel):
    """A computed risk: what the items say may go wrong."""

    model_config = ConfigDict(from_attributes=True)
    id: str = Field(description="the same as long as the signal lasts")
    kind: str
    project_id: str
    project_name: str
    title: str
    likelihood: int = Field(ge=1, le=5)
    impact: int = Field(ge=1, le=5)
    exposure: int = Field(description="likelihood × impact")
    band: Literal["low", "medium", "high", "critical"]
    evidence: Links
    response: str = Field(description="a suggestion")
    confidence: int


class RiskSignalList(BaseModel):
    """The largest exposures first; `total` counts those that the list leaves out too."""

    items: list[RiskSignalView]
    total: int
    computed_at: datetime


class RiskView(BaseModel):
    """A risk that a source keeps as an item. Title and custom values are text of a third party, never markup."""

    model_config = ConfigDict(from_attributes=True)
    project_id: str
    project_name: str
    item_id: str
    key: str
    url: str | None
    title: str
    status: str
    status_category: Literal["todo", "in_progress", "done", "cancelled"]
    owner_id: str | None
    owner_name: str | None
    priority: int | None = Field(description="0 to 100, 100 the most urgent")
    original_priority: str | None
    due: date | None
    updated_at: datetime | None
    likelihood: str | None = Field(description="as a custom field of the source says, if one does")
    impact: str | None
    response: str | None
