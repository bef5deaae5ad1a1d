"""Subscriptions and deliveries on the wire; a secret is in the answer that makes it, and in no other."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from pmo_hub.api.schemas.bodies import Strict
from pmo_hub.api.schemas.connections import QuietWindow
from pmo_hub.api.schemas.governance import SeverityName
from pmo_hub.domain.formats import Format
from pmo_hub.services.drafting import USUAL_TYPES
from pmo_hub.services.subscriptions import LONGEST_OVERLAP_HOURS, OVERLAP_HOURS
from pmo_hub.services.timetable import MOST_WINDOWS

Ids = Annotated[list[Annotated[str, Field(min_length=1, max_length=32)]], Field(max_length=200)]
Types = Annotated[list[Annotated[str, Field(max_length=100)]], Field(min_length=1, max_length=100)]
Url = Annotated[str, Field(min_length=1, max_length=2_000)]


class FiltersBody(Strict):
    """Which events are wanted; an empty list leaves its column free. Of several columns all must fit."""

    portfolio_ids: Ids = Field(default_factory=list, description="portfolios and programs, with all that is in them")
    project_ids: Ids = Field(default_factory=list)
    severities: list[SeverityName] = Field(default_factory=list, max_length=5)
    check_ids: Ids = Field(default_factory=list)
    owner_ids: Ids = Field(default_factory=list, description="accounts of people who answer for projects")


class NewSubscription(Strict):
    """Somebody who is to be told."""

    name: str = Field(min_length=1, max_length=200)
    url: Url = Field(
        description="https://…; of an e-mail mailto: and addresses, separated by commas", examples=["https://example.com/hook"]
    )
    format: Format = Format.STANDARD
    types: Types = Field(default_factory=lambda: list(USUAL_TYPES), description="event types, or families such as violation.*")
    filters: FiltersBody = Field(default_factory=FiltersBody)
    is_thin: bool = Field(False, description="tell of every event what is told of confidential projects: its type, its id and its link")
    digest: str | None = Field(
        None,
        max_length=100,
        description="tell what happened together: every 1h, or five cron fields; null: at once",
        examples=["0 8 * * 1-5"],
    )
    time_zone: str = Field("UTC", max_length=100, description="of digest and quiet hours", examples=["Europe/Zurich"])
    quiet_hours: list[QuietWindow] = Field(default_factory=list, max_length=MOST_WINDOWS, description="then what happens waits")


class SubscriptionPatch(Strict):
    """What to change; a null digest is none. Made active again, a disabled subscription is told what happens from then on."""

    name: str | None = Field(None, min_length=1, max_length=200)
    url: Url | None = None
    format: Format | None = None
    types: Types | None = None
    filters: FiltersBody | None = None
    is_thin: bool | None = None
    digest: str | None = Field(None, max_length=100)
    time_zone: str | None = Field(None, max_length=100)
    quiet_hours: list[QuietWindow] | None = Field(None, max_length=MOST_WINDOWS)
    state: Literal["active", "paused"] | None = Field(None, description="paused: what happens is kept until it is active again")


class SecretView(BaseModel):
    """A secret that signs; `until` null is the current one."""

    model_config = ConfigDict(from_attributes=True)
    id: str
    created_at: datetime
    until: datetime | None


class FaringView(BaseModel):
    """How the endpoint fares."""

    model_config = ConfigDict(from_attributes=True)
    failures: int = Field(description="in a row")
    failing_since: datetime | None
    rest_until: datetime | None = Field(description="it is left alone until then")
    last_delivered_at: datetime | None
    last_failed_at: datetime | None
    last_error: str | None
    waiting: int
    dead: int = Field(description="deliveries that were given up; they can be replayed")


class SubscriptionView(BaseModel):
    """Somebody who is told; `address` is as much of the url as may be shown."""

    id: str
    name: str
    format: Format
    state: Literal["active", "paused", "disabled"]
    disabled_reason: str | None
    address: str
    types: list[str]
    filters: FiltersBody
    is_thin: bool
    digest: str | None
    time_zone: str
    quiet_hours: list[QuietWindow]
    secrets: list[SecretView]
    faring: FaringView
    created_by: str
    created_at: datetime
    updated_at: datetime


class NewSecretView(BaseModel):
    """`secret` is shown this one time: whoever receives needs it to know who sends."""

    subscription: SubscriptionView
    secret: str = Field(examples=["whsec_…"])


class RotationWanted(Strict):
    overlap_hours: int = Field(
        OVERLAP_HOURS, ge=0, le=LONGEST_OVERLAP_HOURS, description="so long the former secrets sign too; 0: no longer than until now"
    )


class PingView(BaseModel):
    """What came of a test message."""

    is_delivered: bool
    status: int | None
    error: str | None
    duration_ms: int
    excerpt: str | None = Field(description="the beginning of the answer: text of a third party, never markup")


class ReplayWanted(Strict):
    """What is sent once more: all that was given up in that time, and what was missed."""

    since: AwareDatetime
    until: AwareDatetime
    include_delivered: bool = Field(False, description="send what was delivered once more too")


class ReplayedView(BaseModel):
    model_config = ConfigDict(from_attributes=True)
    again: int
    new: int = Field(description="events that the subscription had missed")


class DeliveryView(BaseModel):
    """One message to one subscription."""

    model_config = ConfigDict(from_attributes=True)
    id: str
    subscription_id: str
    message_id: str = Field(description="webhook-id: the same in every attempt and replay")
    event_ids: list[str]
    is_digest: bool
    state: Literal["waiting", "delivered", "dead"]
    attempts: int = Field(description="since it was made or replayed")
    replays: int
    due_at: datetime = Field(description="when it is, or was, to be sent next")
    created_at: datetime
    ended_at: datetime | None
    last_status: int | None
    last_error: str | None


class AttemptView(BaseModel):
    """One try."""

    model_config = ConfigDict(from_attributes=True)
    number: int
    at: datetime
    duration_ms: int
    status: int | None
    error: str | None
    excerpt: str | None = Field(description="the beginning of the answer: text of a third party, never markup")


class DeliveryDetail(DeliveryView):
    """A delivery with its newest attempts, newest first."""

    tries: list[AttemptView]
