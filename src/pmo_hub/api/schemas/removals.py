"""Removals on the wire: what would become of the data, and what did."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

Data = Literal["keep", "purge"]


class RemovedScope(BaseModel):
    model_config = ConfigDict(from_attributes=True)
    external_id: str
    name: str
    removed_at: datetime | None = Field(description="when it was taken away before, with its data kept")


class FedProjectView(BaseModel):
    """A project that takes items of the scopes; `is_theirs`: it is a scope's own, takes nothing of others, and goes with a purge."""

    model_config = ConfigDict(from_attributes=True)
    id: str
    name: str
    is_theirs: bool
    items: int


class RemovalForecast(BaseModel):
    """What is there, and what would become of it; nothing has been done."""

    model_config = ConfigDict(from_attributes=True)
    connection_id: str
    whole: bool = Field(description="the connection itself, not only scopes of it")
    scopes: list[RemovedScope]
    items: int
    item_versions: int = Field(description="superseded versions, from which the past is answered")
    payloads: int
    quarantined: int
    facts: int = Field(description="of projects that would go with a purge")
    violations: int = Field(description="of projects that would go with a purge")
    projects: list[FedProjectView]
    if_kept: str
    if_purged: str


class RemovalView(BaseModel):
    """A removal: what was there when it was asked for, and how many rows are deleted by now, by table."""

    model_config = ConfigDict(from_attributes=True)
    id: str
    connection_id: str
    connection_name: str
    whole: bool
    data: Data
    state: Literal["queued", "running", "finished"]
    forecast: dict[str, int]
    removed: dict[str, int]
    requested_by: str
    requested_at: datetime
    finished_at: datetime | None


class RemovalList(BaseModel):
    items: list[RemovalView]
