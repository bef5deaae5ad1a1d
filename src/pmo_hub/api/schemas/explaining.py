"""Why an item is or isn't there, on the wire."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field

from pmo_hub.services.explaining import Explanation, Verdict


class NamedRef(BaseModel):
    model_config = ConfigDict(from_attributes=True)
    id: str
    name: str


class ExplainedScope(NamedRef):
    """`synced_at` null: it was not read to its end yet. `error`: why it can't be read now."""

    external_id: str
    synced_at: datetime | None
    error: str | None


class ExplainedItem(BaseModel):
    """The item that the hub holds. `changed_at`, `run_id`: when a run last brought a change of it, and which."""

    model_config = ConfigDict(from_attributes=True)
    id: str
    external_id: str
    key: str
    title: str
    url: str | None
    counts: bool
    uncounted: str | None = Field(description="why no measure counts it")
    changed_at: datetime | None
    run_id: str | None


class ExplainedProject(NamedRef):
    """A project that it is in. `narrowing` and `value` are the rule that took it in."""

    narrowing: str | None
    value: str | None
    role: str


class ExplainedQuarantine(BaseModel):
    model_config = ConfigDict(from_attributes=True)
    id: str
    external_id: str | None
    why: str
    attempts: int
    first_seen_at: datetime
    seen_at: datetime
    run_id: str


class ExplainedEnd(BaseModel):
    """What the hub held until `at`."""

    model_config = ConfigDict(from_attributes=True)
    id: str
    external_id: str
    key: str | None
    reason: str
    at: datetime


class ExplanationView(BaseModel):
    """A verdict in one sentence, and what it rests on; what does not apply is null."""

    ref: str
    verdict: Verdict = Field(
        description="here; missing: held, but the source no longer shows it; quarantined: it could not be read; out_of_scope; "
        "no_access: the source shows it to nobody with this account; not_yet: its scope was not read to the end, or it is newer than "
        "the last run; gone: it ended; never_seen"
    )
    sentence: str
    connection: NamedRef | None
    scope: ExplainedScope | None
    item: ExplainedItem | None
    projects: list[ExplainedProject]
    quarantine: ExplainedQuarantine | None
    ended: ExplainedEnd | None
    missing_since: datetime | None = Field(description="since when the censuses have missed it")
    census_at: datetime | None = Field(description="when the last census began that ended well")
    waiting_run: str | None = Field(description="a run that has not ended and may bring it")
    source_says: str | None = Field(description="null: the source was not asked")


def explanation_view(found: Explanation) -> ExplanationView:
    """The explanation as it is shown."""
    return ExplanationView(
        ref=found.ref,
        verdict=found.verdict,
        sentence=found.sentence,
        connection=None if found.connection is None else NamedRef.model_validate(found.connection),
        scope=None if found.scope is None else ExplainedScope.model_validate(found.scope, from_attributes=True),
        item=None if found.item is None else ExplainedItem.model_validate(found.item),
        projects=[ExplainedProject.model_validate(one, from_attributes=True) for one in found.projects],
        quarantine=None if found.unread is None else ExplainedQuarantine.model_validate(found.unread),
        ended=None if found.ended is None else ExplainedEnd.model_validate(found.ended),
        missing_since=found.missing_since,
        census_at=found.census_at,
        waiting_run=found.waiting_run,
        source_says=found.source_says,
    )
