"""What a delivery looks like: a format turns notices into the bytes of one message."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from pmo_hub.domain.events import Notice

MOST_BYTES = 20 * 1024
"""No body is larger: a group is cut, an event's data left out."""


class Format(StrEnum):
    """How a subscription is told. The first two send one event a message, unless they are digests; the others group."""

    STANDARD = "standard"
    CLOUDEVENTS = "cloudevents"
    SLACK = "slack"
    TEAMS = "teams"
    EMAIL = "email"

    @property
    def groups(self) -> bool:
        """Whether events of one project and owner that come together are one message."""
        return self in (Format.SLACK, Format.TEAMS, Format.EMAIL)


@dataclass(frozen=True, slots=True)
class Envelope:
    """Who is told, by which message. `message_id` stays the same however often it is sent; `recipients` are those of an e-mail.

    `at` is when the message was made: the event's own time where it has one, or else that of the digest. `hub_url` has no slash at its
    end.
    """

    message_id: str
    at: datetime
    hub_url: str
    subscription_id: str
    subscription_name: str
    is_digest: bool = False
    sender: str | None = None
    recipients: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Body:
    """The bytes of a message. `headers` are those of the format (of an e-mail: Subject and the like); signatures are put on later."""

    content_type: str
    content: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


class Render(Protocol):
    """Pure. There is at least one notice; several are of one project and owner, in the order of their positions.

    The content has at most MOST_BYTES: what doesn't fit is left out, and said to be.
    """

    def __call__(self, notices: Sequence[Notice], envelope: Envelope) -> Body: ...
