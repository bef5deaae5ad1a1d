"""Jira's webhooks: the signature over the raw body, and which objects a body names.

Bodies differ by edition and age: Server sent comments without their issue, old versions neither a type of the change nor its fields, and
nobody promises that a body is whole. So only ids are looked for, each in the places where some version puts it; whatever else a body
holds may have any shape. Formats: developer.atlassian.com/cloud/jira/platform/webhooks, and recorded bodies of both editions.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b, sha256
from typing import Any

import msgspec

from pmo_hub.sdk.contract import Ref
from pmo_hub.sdk.errors import HookError
from pmo_hub.sdk.hooks import Delivery, Proof

SIGNATURE = "x-hub-signature"
IDENTIFIER = "x-atlassian-webhook-identifier"
ALGORITHM = "sha256="

_ID = re.compile(r"[0-9]{1,19}")
_KEY = re.compile(r"[A-Z][A-Z0-9_]{0,99}-[0-9]{1,19}")
_ISSUE_IN_ADDRESS = re.compile(r"/issue/([0-9]{1,19})(?:/|$)")
_EVENT = re.compile(r"(?:jira:)?([a-z]+)_")
_NAMELESS = "(none)"

FAMILIES = frozenset({"issue", "comment", "worklog", "issuelink", "attachment", "sprint", "board", "version", "project"})
"""Nouns that events begin with; of other events (users, options, filters) nothing is read."""

_DELETES = frozenset({"issue", "sprint", "board", "worklog"})
"""Of these an event `…_deleted` names the object itself; the deletion of another part is seen when its issue is fetched."""


@dataclass(frozen=True, slots=True)
class JiraHooks:
    """Webhooks that an administrator of the site makes, in its settings; Jira lets only apps make them by API."""

    proofs: Sequence[Proof] = (Proof.SIGNATURE, Proof.TOKEN)
    probes: frozenset[str] = frozenset()
    registers: bool = False

    def verify(self, headers: Mapping[str, str], body: bytes, url: str, secret: str | None) -> Delivery:
        """What the body names; HookError where its signature is not this secret's."""
        if secret is not None:
            given = headers.get(SIGNATURE, "")
            if not hmac.compare_digest(given.encode("utf-8", "replace"), sign(body, secret).encode()):
                raise HookError("The delivery is not signed with the secret of this webhook.")
        found = _read(body)
        event = _text(found.get("webhookEvent")) or _NAMELESS
        named = _EVENT.match(event)
        family = named.group(1) if named else None
        if event != _NAMELESS and family not in FAMILIES:
            return Delivery(event, is_known=False, id=_id_of(headers, body, found))
        refs = list(dict.fromkeys(_refs(found)))
        stale = list(dict.fromkeys(_scopes(found))) if family in ("version", "project") else []
        if event == _NAMELESS and not refs:
            return Delivery(event, is_known=False, id=_id_of(headers, body, found))
        gone = [ref for ref in refs if ref.kind == family] if family in _DELETES and event.endswith("_deleted") else []
        return Delivery(event, True, refs, gone, stale, _id_of(headers, body, found))


def sign(body: bytes, secret: str) -> str:
    """The header's value for a body."""
    return ALGORITHM + hmac.new(secret.encode(), body, sha256).hexdigest()


def _read(body: bytes) -> Mapping[str, Any]:
    try:
        found = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _refs(found: Mapping[str, Any]) -> Iterator[Ref]:
    """Every object that the body names and that can be fetched."""
    issue = _object(found, "issue")
    yield from _issue(_number(issue.get("id")) or _addressed(issue) or _key(issue.get("key")))
    for part in ("comment", "worklog", "attachment"):
        inner = _object(found, part)
        yield from _issue(_number(inner.get("issueId")) or _addressed(inner))
    link = _object(found, "issueLink")
    for end in ("sourceIssueId", "destinationIssueId"):
        yield from _issue(_number(link.get(end)))
    for kind in ("sprint", "board", "worklog"):
        id = _number(_object(found, kind).get("id"))
        if id:
            yield Ref(kind, id)
    project = _number(_object(found, "version").get("projectId"))
    if project:
        yield Ref("releases", project)


def _scopes(found: Mapping[str, Any]) -> Iterator[str]:
    for id in (_number(_object(found, "version").get("projectId")), _number(_object(found, "project").get("id"))):
        if id:
            yield id


def _issue(id: str | None) -> Iterator[Ref]:
    if id:
        yield Ref("issue", id)


def _object(found: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    inner = found.get(name)
    return inner if isinstance(inner, dict) else {}


def _number(value: object) -> str | None:
    """An id as text, which some versions send as a number."""
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    return value if isinstance(value, str) and _ID.fullmatch(value) else None


def _key(value: object) -> str | None:
    return value if isinstance(value, str) and _KEY.fullmatch(value) else None


def _addressed(part: Mapping[str, Any]) -> str | None:
    """The issue's id in the address of a part, where Server sends the part alone."""
    found = _ISSUE_IN_ADDRESS.search(_text(part.get("self")) or "")
    return found.group(1) if found else None


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def _id_of(headers: Mapping[str, str], body: bytes, found: Mapping[str, Any]) -> str | None:
    """Jira's own name for the delivery; older versions have none, but tell the time of the event."""
    given = headers.get(IDENTIFIER)
    if given:
        return given
    return blake2b(body, digest_size=16).hexdigest() if "timestamp" in found else None
