"""The evidence log's hashes: each entry seals its own words and, through the entry before it, all that came before.

Canonical JSON is ASCII: keys sorted by code point, no space, everything else escaped as \\uXXXX, numbers as Python writes them, neither
NaN nor infinity. What is hashed begins with the name of what it is, so that no hash of one thing can stand for another.
`services/evidence/verify_evidence.py` says the same anew on purpose: who verifies shares no code with what is verified.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from hashlib import sha256
from typing import Any

GENESIS = "0" * 64
"""What the first entry follows."""

_BODY = b"pmo-hub evidence body 1\n"
_ENTRY = b"pmo-hub evidence entry 1\n"


class Kind(StrEnum):
    """What an entry tells of."""

    EVALUATION = "evaluation"
    VIOLATION = "violation"
    DECISION = "decision"
    CHANGE = "change"
    REDACTION = "redaction"


REDACTABLE = frozenset({Kind.EVALUATION, Kind.VIOLATION})
"""Kinds whose bodies quote a source; they go with the source's data, and leave their digests."""

_NOUNS = frozenset({"check", "gate", "person", "policy", "same_as", "same_as_rule", "violation", "waiver"})
_VERBS = frozenset({
    "accepted", "approved", "confirmed", "precedence_changed", "rejected", "removed", "rules_changed", "rules_replaced", "scopes_removed",
    "signed_off",
})  # fmt: skip


def kind_of(action: str) -> Kind:
    """Whether an action of the audit log decides something of what is governed, or changes how the hub is set up."""
    noun, _, verb = action.partition(".")
    return Kind.DECISION if noun in _NOUNS or verb in _VERBS else Kind.CHANGE


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry as it is sealed; no names: things and persons by their ids alone.

    `projects` are those that it is about; none: the hub as a whole. `at` is when it happened, `sealed_at` when the log took it in.
    """

    position: int
    at: datetime
    sealed_at: datetime
    kind: str
    action: str
    subject_type: str
    subject_id: str
    projects: tuple[str, ...]
    body_digest: str
    previous: str

    @property
    def header(self) -> dict[str, Any]:
        """What the hash covers."""
        return {
            "action": self.action,
            "at": instant(self.at),
            "body_digest": self.body_digest,
            "kind": self.kind,
            "position": self.position,
            "previous": self.previous,
            "projects": list(self.projects),
            "sealed_at": instant(self.sealed_at),
            "subject": {"id": self.subject_id, "type": self.subject_type},
        }

    @property
    def hash(self) -> str:
        return sha256(_ENTRY + canonical(self.header).encode()).hexdigest()


def canonical(value: Mapping[str, Any]) -> str:
    """The one spelling of a JSON object; raises ValueError on NaN and infinity."""
    return json.dumps(value, ensure_ascii=True, sort_keys=True, separators=(",", ":"), allow_nan=False)


def body_digest(salt: str, body: str) -> str:
    """The digest of a body in canonical JSON. The salt, 32 random hex characters, goes with the body: what is left tells nothing."""
    return sha256(_BODY + salt.encode() + b"\n" + body.encode()).hexdigest()


def instant(at: datetime) -> str:
    """Fixed width and UTC, so that instants compare as text."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


@dataclass(frozen=True, slots=True)
class Selection:
    """Which entries a pack tells in full; what is None selects nothing out. `until` is exclusive; `after` is a position."""

    project_id: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    after: int = 0

    def takes(self, kind: str, at: datetime, projects: Collection[str]) -> bool:
        """Whether an entry's body belongs into the pack; that of a redaction always does, since it explains what is lacking."""
        return kind == Kind.REDACTION or (
            (self.project_id is None or not projects or self.project_id in projects)
            and (self.since is None or at >= self.since)
            and (self.until is None or at < self.until)
        )
