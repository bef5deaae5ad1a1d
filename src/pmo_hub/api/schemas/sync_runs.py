"""Sync runs on the wire."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

RunState = Literal["queued", "running", "finished", "failed", "waiting", "held", "interrupted"]


class SyncRunView(BaseModel):
    """One run of a connection; counts are by payload kind."""

    model_config = ConfigDict(from_attributes=True)
    id: str
    connection_id: str
    mode: Literal["incremental", "full", "census", "accepting_census", "hook"] = Field(
        description="hook: fetches what webhooks named, and nothing else"
    )
    state: RunState
    started_at: datetime
    heartbeat_at: datetime | None
    finished_at: datetime | None
    waiting_until: datetime | None = Field(description="the source asked us to stay away until then")
    fetched: dict[str, int]
    expected: dict[str, int] = Field(description="how many the source says there are; kinds that it doesn't count are absent")
    changed: dict[str, int]
    gone: dict[str, int]
    quarantined: int
    requests: int
    error: str | None
    seconds_left: int | None = Field(description="an estimate from the speed so far; null where it is unknown or the run has ended")
