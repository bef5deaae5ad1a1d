"""The head of the evidence log on the wire."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field


class HeadView(BaseModel):
    """A checkpoint: who keeps position and hash elsewhere finds out, with any later pack, whether the log up to there is still the same."""

    model_config = ConfigDict(from_attributes=True)
    position: int = Field(description="number of the newest sealed entry, counted from 1; 0 before the first")
    hash: str = Field(description="its SHA-256, which covers every entry before it")
    sealed_at: datetime | None
