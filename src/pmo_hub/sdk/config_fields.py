"""Fields that several connectors ask an admin for: asked, and checked, in the same words."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, Field

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
"""Hosts that a credential may be sent to over http: it never leaves the machine."""


def expiry(on: date | None) -> datetime | None:
    """When a credential counts as expired, of the day that the admin wrote: as that day begins (UTC)."""
    return None if on is None else datetime(on.year, on.month, on.day, tzinfo=UTC)


def _zone(value: str) -> str:
    try:
        return ZoneInfo(value.strip()).key
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError("write a time zone of the IANA database, such as Europe/Berlin or UTC") from None


def _certificates(value: str | None) -> str | None:
    text = (value or "").strip()
    if text and "-----BEGIN" not in text and not text.startswith("/"):
        raise ValueError("paste the certificates in PEM format, or write the whole path of a file, such as /etc/ssl/own-ca.pem")
    return text or None


def _whole_path(value: str | None) -> str | None:
    text = (value or "").strip()
    if text and (not text.startswith("/") or "\x00" in text):
        raise ValueError("write the folder's whole path, such as /srv/plans")
    return text.rstrip("/") or ("/" if text else None)


ZoneName = Annotated[str, AfterValidator(_zone)]
"""A zone of the IANA database; what its times are of, each connector says for itself."""

CertificateAuthority = Annotated[
    str | None,
    Field(
        title="Certificate authority",
        description="Where the server's certificate, or that of a proxy on the way, comes from an authority of your own: its certificates "
        "in PEM format, or the path of a file with them on the machine of the hub. Empty: those that the system trusts.",
    ),
    AfterValidator(_certificates),
]

WatchedFolder = Annotated[
    str | None,
    Field(
        title="Watched folder",
        description="A folder on the machine of the hub, below one that its operator allows (PMO_HUB_WATCHED_FOLDERS). Files that "
        "appear or change there are read by the schedule, as if they were uploaded. Empty: uploads only.",
    ),
    AfterValidator(_whole_path),
]
