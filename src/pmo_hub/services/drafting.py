"""A subscription to be: what an admin wrote, looked at as a whole before anything is stored."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from pmo_hub.domain.checks import CHECKS
from pmo_hub.domain.events import CATALOGUE, FAMILIES
from pmo_hub.domain.formats import RENDERERS, Format
from pmo_hub.domain.governance import Severity
from pmo_hub.host.addresses import is_listed, is_public, parsed
from pmo_hub.jobs.rhythm import RhythmError, spelled
from pmo_hub.jobs.rhythm import parsed as rhythm_of
from pmo_hub.services import timetable
from pmo_hub.services.errors import Fault, Invalid
from pmo_hub.services.hub import Hub

MOST_RECIPIENTS = 20
USUAL_TYPES = tuple(sorted({*FAMILIES - {"sync.*"}, "sync.failed", "sync.recovered"}))
"""All but the end of each run that went well."""

FILTERS = ("portfolio_ids", "project_ids", "severities", "check_ids", "owner_ids")
_RECIPIENT = re.compile(r"[^\s@,<>\"]{1,64}@[^\s@,<>\"]{1,255}")
_SECRETIVE = (Format.SLACK, Format.TEAMS)
"""Formats whose addresses are themselves a secret: whoever knows one can post there."""


@dataclass(frozen=True, slots=True)
class Draft:
    """A subscription to be. `url` is where it is told: https, or mailto with recipients."""

    name: str
    url: str = field(repr=False)
    format: Format = Format.STANDARD
    types: Sequence[str] = USUAL_TYPES
    filters: Mapping[str, Sequence[str]] = field(default_factory=dict)
    is_thin: bool = False
    digest: str | None = None
    time_zone: str = "UTC"
    quiet_hours: Sequence[Mapping[str, Any]] = ()


def checked(hub: Hub, draft: Draft) -> dict[str, Any]:
    """The columns that say this; raises Invalid with all that is wrong."""
    faults: list[Fault] = []
    if not 1 <= len(draft.name.strip()) <= 200:
        faults.append(Fault("/name", "A subscription needs a name of 1 to 200 characters."))
    if draft.format not in RENDERERS:
        faults.append(Fault("/format", f"There is no format {draft.format}; there are {', '.join(RENDERERS)}.", "format"))
    try:
        address = _address(hub, draft)
    except ValueError as error:
        faults.append(Fault("/url", str(error), "url"))
        address = ""
    unknown = sorted(set(draft.types) - CATALOGUE.keys() - FAMILIES)
    if unknown or not draft.types:
        what = f"There is no event type {unknown[0]!r}" if unknown else "Name at least one event type"
        faults.append(Fault("/types", f"{what}; there are {', '.join(sorted({*CATALOGUE, *FAMILIES}))}.", "type"))
    known: Mapping[str, set[str]] = {"severities": {one.value for one in Severity}, "check_ids": set(CHECKS)}
    for name, chosen in draft.filters.items():
        strange = sorted(set(chosen) - known[name]) if name in known else []
        if name not in FILTERS or strange:
            faults.append(Fault(f"/filters/{name}", f"There is no {strange[0] if strange else name!r} to filter by.", "filter"))
    digest = None
    try:
        digest = None if draft.digest is None else spelled(rhythm_of(draft.digest))
    except RhythmError as error:
        faults.append(Fault("/digest", str(error), "digest"))
    times: Mapping[str, Any] = {}
    try:
        times = timetable.checked({}, draft.time_zone, draft.quiet_hours, {})
    except Invalid as error:
        faults += error.faults
    if faults:
        raise Invalid.of(faults)
    return {
        "name": draft.name.strip(), "format": draft.format.value, "address": address, "types": sorted(set(draft.types)),
        "filters": {name: sorted(set(chosen)) for name, chosen in draft.filters.items() if chosen}, "is_thin": draft.is_thin,
        "digest": digest, "time_zone": times["time_zone"], "quiet_hours": times["quiet_hours"],
    }  # fmt: skip


def _address(hub: Hub, draft: Draft) -> str:
    """What may be shown of the address; raises ValueError where it can't be used."""
    if draft.format is Format.EMAIL:
        recipients = draft.url.removeprefix("mailto:").split(",")
        if not draft.url.startswith("mailto:") or not all(map(_RECIPIENT.fullmatch, recipients)) or len(recipients) > MOST_RECIPIENTS:
            raise ValueError(f"An e-mail goes to mailto: and 1 to {MOST_RECIPIENTS} addresses, separated by commas.")
        if hub.mailer is None:
            raise ValueError("The hub was not told how to send e-mails: set PMO_HUB_SMTP_URL.")
        return draft.url
    if not draft.url.isascii() or any(one.isspace() or ord(one) < 32 for one in draft.url):
        raise ValueError("An address has no spaces, and what is not ASCII is percent-encoded.")
    parts = urlsplit(draft.url)
    if parts.scheme not in ("https", "http") or not parts.hostname:
        raise ValueError("An endpoint's address begins with https:// and names a host.")
    if parts.username is not None or parts.password is not None or parts.fragment:
        raise ValueError("An address holds neither a user nor a fragment; the signature shows who sends.")
    _ = parts.port  # raises ValueError
    if parts.scheme == "http" and not hub.poster.allowed:
        raise ValueError("Without TLS nobody knows who answers: use https, or list the network in PMO_HUB_DELIVERY_ALLOWED_NETWORKS.")
    try:
        address = parsed(parts.hostname)
    except ValueError:
        address = None  # a name, which is looked at when it is connected to
    if address is not None and not is_public(address) and not is_listed(address, hub.poster.allowed):
        raise ValueError("That address is not public: list its network in PMO_HUB_DELIVERY_ALLOWED_NETWORKS where it is yours.")
    shown = f"{parts.scheme}://{parts.netloc}"
    if draft.format in _SECRETIVE:
        return f"{shown}/…"
    return f"{shown}{parts.path}" + ("?…" if parts.query else "")
