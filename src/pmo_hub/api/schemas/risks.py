"""Risk signals and risks on the wire."""

from __future__ import annotations

from datetime import date, datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from pmo_hub.api.schemas.health import Links
from pmo_hub.api.schemas.plans import Money
from pmo_hub.api.schemas.work_items import AS_OF


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


class RegisterEntryView(BaseModel):
    """What the source's register says; null where it says nothing. Texts are of a third party, never markup."""

    model_config = ConfigDict(from_attributes=True)
    probability: float | None = Field(description="0 to 1")
    impact: float | None = Field(description="on the source's own scale")
    exposure: float | None = Field(description="as the source has it")
    cost: Money | None
    currency: str | None = Field(description="ISO 4217, of the plan; null where it doesn't say")
    category: str | None
    mitigation: str | None
    contingency: str | None
    trigger: str | None


class RiskView(BaseModel):
    """A risk or an issue that a source keeps as an item. Title and custom values are text of a third party, never markup."""

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
    likelihood: str | None = Field(description="as a custom field of the source says, or else its register")
    impact: str | None
    response: str | None
    entry: RegisterEntryView | None = Field(description="what the source's register says; null where it has none")


class RiskPage(BaseModel):
    items: list[RiskView]
    next_cursor: str | None = None
    as_of: datetime | None = Field(None, description=AS_OF)
