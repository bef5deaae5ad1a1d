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
    mode: Literal["incremental", "full", "census", "accepting_census", "hook", "remap"] = Field(
        description="hook: fetches what webhooks named, and nothing else; remap: maps stored payloads again and asks the source for nothing"
    )
    trigger: Literal["request", "schedule"] = Field(description="what it goes back to; what somebody asked for ignores quiet hours")
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


class RunPart(BaseModel):
    """What came of one kind of payload in one partition of the run.

    Of a census, by scope: of the `expected` that the hub held, `fetched` were listed and the rest is `missing`; as a whole (no scope): of
    the `fetched` ids that were listed, `lacking` are not held though the source was asked for them.
    """

    partition: str = Field(description="the source's own share of the work; `others` sums up what there was no room for")
    mode: Literal["incremental", "full", "census"]
    scope: str | None = Field(description="the external id of its scope, where it has just one")
    scopes: int
    kind: str
    fetched: int
    expected: int | None = Field(description="null where the source doesn't count this")
    quarantined: int = Field(description="of the objects, those that could not even be split")
    missing: int
    lacking: int = Field(description="fewer than the source counts, beyond tolerance (0.5 % and 2): a violation of DQ-002")


class SyncRunDetail(SyncRunView):
    """One run with fetched against expected by partition and kind; known once the run has ended."""

    parts: list[RunPart]
