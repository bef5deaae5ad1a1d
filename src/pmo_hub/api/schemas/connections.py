"""Connectors and connections on the wire; no secret in any answer."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from pmo_hub.api.schemas.bodies import Strict
from pmo_hub.api.schemas.hooks import HookView
from pmo_hub.api.schemas.sync_runs import SyncRunView
from pmo_hub.services.connections import CENSUS_INTERVAL_MINUTES, INTERVAL_MINUTES, LONGEST_INTERVAL_MINUTES

WantedScopes = list[str] | Literal["all"]


class RateLimitView(BaseModel):
    """What the source allows one credential: `requests` in `per_s` seconds, `concurrency` at once."""

    model_config = ConfigDict(from_attributes=True)
    requests: int
    per_s: float
    concurrency: int


class ConnectorView(BaseModel):
    """A kind of source that the hub can read."""

    name: str
    title: str
    capabilities: list[str]
    rate_limit: RateLimitView
    config_schema: dict[str, Any] = Field(description="JSON Schema of a connection's config; writeOnly fields are secrets")


class BrokenConnectorView(BaseModel):
    """A plugin that is installed and may not be used."""

    model_config = ConfigDict(from_attributes=True)
    name: str
    origin: str
    reason: str


class ConnectorList(BaseModel):
    items: list[ConnectorView]
    broken: list[BrokenConnectorView]


class TryConnection(Strict):
    """A config to try; nothing of it is kept."""

    connector: str = Field(max_length=100, examples=["jira"])
    config: dict[str, Any]


class NewConnection(TryConnection):
    """A connection to be made."""

    name: str = Field(min_length=1, max_length=200)
    scopes: WantedScopes = Field("all", description='external ids of the scopes to read, or "all" that are offered now')
    interval_minutes: int = Field(INTERVAL_MINUTES, ge=1, le=LONGEST_INTERVAL_MINUTES, description="minutes between syncs")
    census_interval_minutes: int = Field(
        CENSUS_INTERVAL_MINUTES, ge=1, le=LONGEST_INTERVAL_MINUTES, description="minutes between censuses, which find what was deleted"
    )
    rules: dict[str, str] = Field(default_factory=dict, description="how the connector maps, by its own names; each value is JSON text")


class ConnectionPatch(Strict):
    """What to change. In `config` a field that is left out stays, secrets too, and null removes it; a new config is tried first."""

    name: str | None = Field(None, min_length=1, max_length=200)
    config: dict[str, Any] | None = None
    interval_minutes: int | None = Field(None, ge=1, le=LONGEST_INTERVAL_MINUTES)
    census_interval_minutes: int | None = Field(None, ge=1, le=LONGEST_INTERVAL_MINUTES)
    rules: dict[str, str] | None = None


class CountsView(BaseModel):
    """`items`: work items that its scopes hold now."""

    model_config = ConfigDict(from_attributes=True)
    scopes: int
    items: int
    quarantined: int


class ConnectionView(BaseModel):
    """A configured connector."""

    model_config = ConfigDict(from_attributes=True)
    id: str
    name: str
    connector: str
    namespace: str = Field(description="the source itself, whichever connection reads it")
    config: dict[str, Any] = Field(description="without its secrets, which are never read back")
    rules: dict[str, str]
    state: Literal["active", "paused", "failing"] = Field(description="failing: the schedule is stopped until an admin changes something")
    account: str | None = Field(description="who the source says we are")
    last_error: str | None
    last_error_at: datetime | None
    interval_minutes: int
    census_interval_minutes: int
    created_at: datetime
    updated_at: datetime
    synced_at: datetime | None = Field(description="when the newest success began")
    next_due_at: datetime | None
    counts: CountsView
    hook: HookView | None = Field(None, description="null: it takes no webhooks, and is polled only")


class CreatedConnection(BaseModel):
    """The new connection and its first run."""

    connection: ConnectionView
    run: SyncRunView


class OfferedScope(BaseModel):
    """What may be chosen; `estimate` counts its objects, null where the source doesn't tell."""

    model_config = ConfigDict(from_attributes=True)
    external_id: str
    name: str
    kind: str
    url: str | None
    estimate: int | None


class ConnectionCheck(BaseModel):
    """Who we are at the source, which source that is, and what may be chosen there."""

    model_config = ConfigDict(from_attributes=True)
    account: str
    namespace: str
    scopes: list[OfferedScope]


class ScopeChoice(OfferedScope):
    """A scope that the source offers, or that is read though it is offered no longer."""

    is_offered: bool
    is_chosen: bool
    chosen_at: datetime | None
    synced_at: datetime | None
    error: str | None


class ScopeList(BaseModel):
    items: list[ScopeChoice]


class ChosenScopes(Strict):
    """What the connection shall read from now on; what is missing here ends."""

    scopes: WantedScopes


class ScopesChosen(BaseModel):
    """What the connection reads now, and the run that reads what is new."""

    items: list[ScopeChoice]
    run: SyncRunView | None


class SyncWanted(Strict):
    mode: Literal["incremental", "full", "census", "accepting_census"] = Field(
        "incremental",
        description="census: look for what was deleted. accepting_census: the same, ending what a braked census held back; "
        "look at what is missing first.",
    )


class QuarantinedView(BaseModel):
    """What could not be read. `text` is the payload as the source sent it, cut: data of a third party, never markup."""

    id: str
    kind: str | None
    external_id: str | None
    why: str
    first_seen_at: datetime
    seen_at: datetime
    attempts: int
    size_bytes: int
    text: str
    is_cut: bool
