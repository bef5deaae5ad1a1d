"""Connectors and connections on the wire; no secret in any answer."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from pmo_hub.api.schemas.bodies import Strict
from pmo_hub.api.schemas.hooks import HookView
from pmo_hub.api.schemas.sync_runs import SyncRunView
from pmo_hub.services.timetable import DEFAULTS, MOST_WINDOWS

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
    rules_schema: dict[str, Any] = Field(description="JSON Schema of a connection's mapping rules")


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


class Schedules(Strict):
    """When each kind of run begins by itself: `every 15m` (m, h or d), five cron fields in the connection's time zone, or null, never.

    A mode that is left out keeps what it has; a new connection has the default.
    """

    incremental: str | None = Field(
        None, max_length=100, examples=["every 15m"], description=f"reads what changed: {DEFAULTS['incremental']}"
    )
    full: str | None = Field(None, max_length=100, examples=["0 3 * * 0"], description="reads everything anew; by default never")
    census: str | None = Field(None, max_length=100, examples=["30 2 * * 1-5"], description=f"finds what was deleted: {DEFAULTS['census']}")


class QuietWindow(Strict):
    """A window of the local week in which nothing begins but what somebody asks for; past midnight where `end` is not after `start`."""

    start: str = Field(pattern=r"^\d\d:\d\d$", examples=["08:00"])
    end: str = Field(pattern=r"^\d\d:\d\d$", examples=["18:00"])
    days: list[Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]] = Field(
        default_factory=list, max_length=7, description="on which it begins; left out: every day"
    )


class NewConnection(TryConnection):
    """A connection to be made."""

    name: str = Field(min_length=1, max_length=200)
    scopes: WantedScopes = Field("all", description='external ids of the scopes to read, or "all" that are offered now')
    schedules: Schedules = Field(default_factory=Schedules)
    time_zone: str = Field("UTC", max_length=100, description="of cron schedules and quiet hours, an IANA name", examples=["Europe/Zurich"])
    quiet_hours: list[QuietWindow] = Field(default_factory=list, max_length=MOST_WINDOWS)
    rules: dict[str, str] = Field(default_factory=dict, description="how the connector maps, by its own names; each value is JSON text")


class ConnectionPatch(Strict):
    """What to change. In `config` a field that is left out stays, secrets too, and null removes it; a new config is tried first."""

    name: str | None = Field(None, min_length=1, max_length=200)
    config: dict[str, Any] | None = None
    schedules: Schedules | None = None
    time_zone: str | None = Field(None, max_length=100)
    quiet_hours: list[QuietWindow] | None = Field(None, max_length=MOST_WINDOWS, description="all of them; what is left out is over")
    rules: dict[str, str] | None = None


class CountsView(BaseModel):
    """`items`: work items that its scopes hold now."""

    model_config = ConfigDict(from_attributes=True)
    scopes: int
    items: int
    quarantined: int


class NextDue(BaseModel):
    """When each kind of run begins next by itself; null where it never does, or the schedule is stopped."""

    incremental: datetime | None
    full: datetime | None
    census: datetime | None


class BudgetView(BaseModel):
    """What the account may still ask of the source; connections of one account share it. Null: the source doesn't say."""

    model_config = ConfigDict(from_attributes=True)
    requests: int | None = Field(description="how many requests the connector allows itself in `per_s` seconds")
    per_s: float | None
    most_at_once: int | None = Field(description="and how many at the same time")
    at_once: int | None = Field(description="how many at the same time now: halved by a refusal, one more after each clean minute")
    limit: int | None = Field(description="the source's own limit")
    remaining: int | None = Field(description="what the source says is left of it")
    resets_at: datetime | None
    closed_until: datetime | None = Field(description="nothing is sent until then")
    refused_at: datetime | None = Field(description="when the source last refused a request as one too many")
    refused_reason: str | None = Field(description="which limit it named then")


class ConnectionView(BaseModel):
    """A configured connector."""

    model_config = ConfigDict(from_attributes=True)
    id: str
    name: str
    connector: str
    namespace: str = Field(description="the source itself, whichever connection reads it")
    config: dict[str, Any] = Field(description="without its secrets, which are never read back")
    rules: dict[str, str]
    state: Literal["active", "paused", "failing", "reauth_required", "source_retired", "removed"] = Field(
        description="failing: the schedule is stopped until an admin changes something; reauth_required: until a person signs in again. "
        "source_retired: the source is no more, what was read stays readable. removed: taken away, its data kept or being purged"
    )
    account: str | None = Field(description="who the source says we are")
    last_error: str | None = Field(description="why reading failed last or, where it did not, the census; null once that went well again")
    last_error_at: datetime | None
    schedules: dict[Literal["incremental", "full", "census"], str | None]
    time_zone: str
    quiet_hours: list[QuietWindow]
    created_at: datetime
    updated_at: datetime
    synced_at: datetime | None = Field(description="when the newest success began")
    next_due_at: datetime | None = Field(description="the first of `next_due`")
    next_due: NextDue
    credential_expires_at: datetime | None = Field(description="when the source stops accepting the credential, where anybody says so")
    budget: BudgetView
    counts: CountsView
    hook: HookView | None = Field(None, description="null: it takes no webhooks, and is polled only")


class CreatedConnection(BaseModel):
    """The new connection and its first run; none where somebody has to sign in first (POST …/authorize)."""

    connection: ConnectionView
    run: SyncRunView | None


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
    expires_at: datetime | None = Field(description="when the credential ends, where anybody says so")


class AuthorizationWanted(Strict):
    """Where the browser shall go with the answer: an address of the admin's client, registered with the app. Left out for a device code."""

    redirect_url: str | None = Field(None, min_length=1, max_length=2_000, examples=["https://hub.example.com/authorized"])


class AuthorizationView(BaseModel):
    """Where a person consents, and until when. With a code, it is typed there, and the sign-in is then finished with this state."""

    model_config = ConfigDict(from_attributes=True)
    url: str
    expires_at: datetime
    code: str | None = None
    state: str | None = None


class AuthorizationAnswer(Strict):
    """The query of the address that the browser was sent back to."""

    state: str = Field(min_length=1, max_length=2_000)
    code: str | None = Field(None, max_length=10_000)
    error: str | None = Field(None, max_length=1_000)
    error_description: str | None = Field(None, max_length=2_000)


class ScopeChoice(OfferedScope):
    """A scope that the source offers, or that is read though it is offered no longer."""

    is_offered: bool
    is_chosen: bool
    chosen_at: datetime | None
    synced_at: datetime | None
    error: str | None
    read_only_since: datetime | None = Field(description="when it was taken away and its data kept; null while it is read, or never was")


class ScopeList(BaseModel):
    items: list[ScopeChoice]


class ChosenScopes(Strict):
    """What the connection shall read from now on."""

    scopes: WantedScopes
    dropped_data: Literal["keep", "purge"] | None = Field(
        None, description="what becomes of the data of scopes that are read now and missing here; needed where there are such"
    )


class ScopesChosen(BaseModel):
    """What the connection reads now, the run that reads what is new, and the removal of what was dropped."""

    items: list[ScopeChoice]
    run: SyncRunView | None
    removal_id: str | None = Field(description="does away with what was dropped")


class SyncWanted(Strict):
    mode: Literal["incremental", "full", "census", "accepting_census", "remap"] = Field(
        "incremental",
        description="census: look for what was deleted. accepting_census: the same, ending what a braked census held back; "
        "look at what is missing first. remap: map what is stored again, asking the source for nothing.",
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
