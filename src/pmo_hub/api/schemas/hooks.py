"""Incoming webhooks on the wire; a secret is in no answer but the one that made it."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from pmo_hub.api.schemas.bodies import Strict
from pmo_hub.sdk.hooks import Proof
from pmo_hub.services.hooks import LONGEST_OVERLAP_HOURS, LONGEST_SECRET, OVERLAP_HOURS, SHORTEST_SECRET


class HookWanted(Strict):
    """How the deliveries of a connection shall be proved from now on."""

    proof: Proof | None = Field(
        None, description="signature: the source signs with the secret. token: it signs nothing, and the address holds what only it knows. "
        "Left out: the best that the connector knows.",
    )  # fmt: skip
    secret: SecretStr | None = Field(
        None, min_length=SHORTEST_SECRET, max_length=LONGEST_SECRET, description="one that the source has given out; left out, a new one"
    )
    overlap_hours: int = Field(
        OVERLAP_HOURS, ge=0, le=LONGEST_OVERLAP_HOURS, description="how long a former secret is still taken beside the new one"
    )


class HookView(BaseModel):
    """The webhook of a connection."""

    model_config = ConfigDict(from_attributes=True)
    url: str = Field(description="without its token")
    proof: Proof
    created_at: datetime
    rotated_at: datetime
    older_until: datetime | None = Field(description="until then a former secret or token is taken too")
    accepted: int
    duplicates: int
    refused: int = Field(description="deliveries that did not show who sent them")
    unknown: dict[str, int] = Field(description="accepted deliveries of types that mean nothing to the connector, by type")
    pending: int = Field(description="objects that were named and are yet to be fetched")
    last_accepted_at: datetime | None
    last_refused_at: datetime | None
    is_registered: bool = Field(description="the hub registered it at the source; else an admin enters it there by hand")
    registration_expires_at: datetime | None
    registration_error: str | None


class HookMade(BaseModel):
    """What to enter at the source. `url` and `secret` are shown whole here, and never again."""

    hook: HookView
    url: str
    secret: str | None = Field(description="null where the address holds a token, or where you gave the secret")


class ReceivedView(BaseModel):
    """A delivery; empty: it named nothing that is read, unknown: its type means nothing to the connector."""

    model_config = ConfigDict(from_attributes=True)
    id: str
    type: str = Field(description="the source's own word, cut: data of a third party, never markup")
    state: Literal["waiting", "fetched", "empty", "unknown"]
    received_at: datetime


class Receipt(BaseModel):
    """What became of a delivery."""

    status: Literal["accepted", "duplicate"]
