"""What leaves the house, as values: events with their types, and which of them somebody wants to hear of."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

GUARDED = frozenset({"restricted", "confidential"})
"""Classifications of projects of which only type, id, sequence and link are sent: whoever wants more asks for it with a key."""


@dataclass(frozen=True, slots=True)
class EventType:
    """A line of the catalogue. `entity` says what it happens to; `example` is the `data` of one."""

    name: str
    title: str
    entity: str
    meaning: str
    example: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened, once: whoever gets it twice knows it by its `id`.

    `sequence` counts what happened to the entity, `position` what happened at all; both only grow. `owner_id` is who answers for the
    project. What is None is unknown, or has no sense for the type.
    """

    id: str
    type: str
    at: datetime
    entity_type: str
    entity_id: str
    sequence: int
    data: Mapping[str, Any] = field(default_factory=dict)
    position: int | None = None
    project_id: str | None = None
    portfolio_ids: tuple[str, ...] = ()
    severity: str | None = None
    check_id: str | None = None
    owner_id: str | None = None


@dataclass(frozen=True, slots=True)
class Notice:
    """An event as a reader is told of it, with the names of today. `is_thin`: nothing but its type, its id and its link may be told.

    Names and what stands in `event.data` are text of a third party: data, never markup. `subject` says in words what it is about: the
    title of a check, the name of a connection. `message` is what is wrong, in a sentence. A thin notice has none of them.
    """

    event: Event
    link: str
    is_thin: bool = False
    subject: str | None = None
    message: str | None = None
    project_name: str | None = None
    owner_name: str | None = None


@dataclass(frozen=True, slots=True)
class Filters:
    """Which events are wanted; an empty one leaves its column free. A type that ends in `.*` stands for its family.

    A filter that names portfolios, severities, checks, projects or owners lets through only events that have such a one.
    """

    types: frozenset[str] = frozenset()
    portfolio_ids: frozenset[str] = frozenset()
    project_ids: frozenset[str] = frozenset()
    severities: frozenset[str] = frozenset()
    check_ids: frozenset[str] = frozenset()
    owner_ids: frozenset[str] = frozenset()

    def let_through(self, event: Event) -> bool:
        """Whether the event is wanted."""
        return (
            (not self.types or event.type in self.types or f"{event.type.partition('.')[0]}.*" in self.types)
            and (not self.portfolio_ids or not self.portfolio_ids.isdisjoint(event.portfolio_ids))
            and _wanted(self.project_ids, event.project_id)
            and _wanted(self.severities, event.severity)
            and _wanted(self.check_ids, event.check_id)
            and _wanted(self.owner_ids, event.owner_id)
        )


def _wanted(chosen: Collection[str], value: str | None) -> bool:
    return not chosen or value in chosen


def path_of(event: Event) -> str:
    """Where the hub's API tells more of what the event is about."""
    nouns = {"violation": "violations", "connection": "connections", "subscription": "subscriptions", "project": "projects"}
    if event.entity_type == "risk_signal":
        return f"/api/v1/projects/{event.project_id}/risk-signals"
    tail = "/health" if event.entity_type == "project" else ""
    return f"/api/v1/{nouns.get(event.entity_type, event.entity_type)}/{event.entity_id}{tail}"


def in_groups(notices: Sequence[Notice], most: int) -> list[list[Notice]]:
    """One list a project and owner, at most so many notices each, in the order in which the first of each came."""
    groups: dict[tuple[str | None, str | None], list[Notice]] = {}
    for notice in notices:
        groups.setdefault((notice.event.project_id, notice.event.owner_id), []).append(notice)
    return [group[start : start + most] for group in groups.values() for start in range(0, len(group), most)]


_VIOLATION = {
    "check_id": "GOV-001", "entity_type": "project", "entity_id": "9b1f…", "project_id": "9b1f…", "sub_key": "", "severity": "high",
    "state": "open", "cause": "data_change",
}  # fmt: skip

CATALOGUE: Mapping[str, EventType] = {
    one.name: one
    for one in (
        EventType("violation.opened", "Violation opened", "violation", "a check failed that had not", _VIOLATION),
        EventType(
            "violation.acknowledged", "Violation acknowledged", "violation", "somebody took note and says what is being done",
            _VIOLATION | {"state": "acknowledged", "cause": "manual", "note": "The steering committee decides on Monday.",
                          "actor": "key:1f2e3d4c"},
        ),
        EventType(
            "violation.reopened", "Violation re-opened", "violation", "what was resolved failed again, or a waiver was revoked",
            _VIOLATION,
        ),
        EventType(
            "violation.resolved", "Violation resolved", "violation", "the check passes, no longer applies, or what it was about is gone",
            _VIOLATION | {"state": "resolved"},
        ),
        EventType(
            "violation.waived", "Violation waived", "violation", "somebody accepts it until a day; it stays counted as waived",
            _VIOLATION | {"state": "waived", "cause": "waiver", "until": "2026-12-31T00:00:00+00:00", "reason": "Accepted until go-live.",
                          "actor": "key:1f2e3d4c"},
        ),
        EventType(
            "violation.waiver_expiring", "Waiver expiring", "violation", "a waiver ends within 14 days, and again within 3",
            _VIOLATION | {"state": "waived", "until": "2026-12-31T00:00:00+00:00", "days_left": 14},
        ),
        EventType(
            "violation.waiver_expired", "Waiver expired", "violation", "a waiver ended while the check still fails: it is open again",
            _VIOLATION | {"cause": "waiver", "until": "2026-12-31T00:00:00+00:00"},
        ),
        EventType(
            "violation.sla_breached", "Violation overdue", "violation", "it was not acknowledged, or not resolved, in the time that its "
            "severity allows", _VIOLATION | {"clock": "resolve", "due_at": "2026-12-14T09:00:00+00:00"},
        ),
        EventType(
            "health.changed", "Health changed", "project", "a project's overall rating, or that of a dimension, became another",
            {"project_id": "9b1f…", "rating": "red", "was": "amber", "dimensions": {"schedule": {"rating": "red", "was": "amber"}},
             "reasons": ["schedule: 3 milestones are late"]},
        ),
        EventType(
            "risk.escalated", "Risk escalated", "risk_signal", "a computed risk's exposure rose to high or critical",
            {"project_id": "9b1f…", "kind": "overdue_work", "title": "Overdue work", "band": "high", "was": "medium", "exposure": 12,
             "severity": "high"},
        ),
        EventType(
            "sync.failed", "Sync failed", "connection", "a connection's sync failed for the first time in a row",
            {"run_id": "77aa…", "mode": "incremental", "error": "The token was refused."},
        ),
        EventType(
            "sync.recovered", "Sync recovered", "connection", "a connection that had failed is read again",
            {"run_id": "77ab…", "mode": "incremental"},
        ),
        EventType(
            "sync.finished", "Sync finished", "connection", "a run of a connection ended well",
            {"run_id": "77ab…", "mode": "incremental", "changed": {"issue": 12}},
        ),
        EventType(
            "credential.expiring", "Credential expiring", "connection", "the credential of a connection ends soon",
            {"expires_at": "2026-12-31T00:00:00+00:00"},
        ),
        EventType(
            "source.retired", "Source retired", "connection", "a source is no more: nothing is deleted, and nothing is read again",
            {"run_id": "77aa…", "mode": "incremental", "error": "The site answers 410 Gone."},
        ),
        EventType(
            "source.reauth_required", "Sign-in needed", "connection", "a connection's sign-in has ended: somebody has to sign in again",
            {"run_id": "77aa…", "mode": "incremental", "error": "The refresh token has expired."},
        ),
        EventType(
            "subscription.disabled", "Subscription disabled", "subscription", "an endpoint takes nothing any more: nobody is told there",
            {"name": "Operations", "reason": "The endpoint answered 410 Gone.", "severity": "high"},
        ),
    )
}  # fmt: skip
"""Every type that has a cause, by name."""

TEST = "webhook.test"
"""The type of a test ping: of no entity, in no list, sent to one subscription only."""

FAMILIES = frozenset(f"{name.partition('.')[0]}.*" for name in CATALOGUE)
