"""Checks, evaluations and violations on the wire."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StrictBool, StrictFloat, StrictInt, StrictStr

from pmo_hub.api.schemas.bodies import Strict
from pmo_hub.api.schemas.health import Links

SeverityName = Literal["critical", "high", "medium", "low", "info"]
ResultName = Literal["pass", "fail", "unknown", "not_applicable", "error"]
ModeName = Literal["disabled", "evaluate", "active"]
StateName = Literal["open", "acknowledged", "waived", "resolved", "closed"]
ParameterValue = StrictBool | StrictInt | StrictFloat | StrictStr


class ParameterView(BaseModel):
    """A parameter of a check; `minimum` and `maximum` are both included."""

    name: str
    type: str
    default: ParameterValue
    value: ParameterValue = Field(description="what it is now")
    minimum: float | None
    maximum: float | None


class CheckView(BaseModel):
    """A check of the library as it runs here; `counts` are entities by result."""

    id: str
    title: str
    entity: str = Field(description="what it is asked of")
    domains: list[str]
    methodologies: list[Literal["agile", "waterfall", "hybrid"]]
    severity: SeverityName
    fail_when: str
    needs: list[str]
    message: str
    remediation: str
    version: int
    mode: ModeName = Field(description="evaluate: violations are opened and nobody is told")
    is_default: bool
    parameters: list[ParameterView]
    counts: dict[ResultName, int]


class CheckList(BaseModel):
    items: list[CheckView]


class BindingWanted(Strict):
    """How a check shall run; parameters that are left out have their defaults."""

    mode: ModeName = "active"
    parameters: dict[str, ParameterValue] = Field(default_factory=dict, max_length=50)


class EvaluationView(BaseModel):
    """The newest result of a check on an entity. Unknown is never pass: `missing` names what was unknown."""

    model_config = ConfigDict(from_attributes=True)
    id: str
    check_id: str
    entity_type: str
    entity_id: str
    entity_name: str | None
    sub_key: str
    result: ResultName
    message: str | None
    missing: list[str]
    observed: dict[str, Any] = Field(description="the values that decided it; empty for a pass")
    evidence: Links
    severity: SeverityName
    recorded_from: datetime = Field(description="since when the result is this one")


class EvaluationList(BaseModel):
    items: list[EvaluationView]


class ViolationView(BaseModel):
    """A broken check with its life. Message and evidence carry text of a third party, never markup."""

    model_config = ConfigDict(from_attributes=True)
    id: str
    fingerprint: str = Field(description="the same however often the check is edited")
    check_id: str
    check_title: str
    entity_type: str
    entity_id: str
    entity_name: str | None
    project_id: str | None
    sub_key: str
    severity: SeverityName
    mode: Literal["evaluate", "active", "blocking"]
    state: StateName
    message: str
    remediation: str | None
    evidence: Links
    opened_at: datetime
    changed_at: datetime
    resolved_at: datetime | None
    occurrences: int = Field(description="how often it was opened")
    generation: int
    previous_id: str | None = Field(description="the violation that lapsed before this one")
    cause: str
    acknowledge_by: datetime | None = Field(None, description="the deadline of its severity; null: none, or it has not been open")
    resolve_by: datetime | None = Field(None, description="likewise; it does not run while a waiver is in force")


class TransitionView(BaseModel):
    """Something that happened to a violation."""

    model_config = ConfigDict(from_attributes=True)
    type: str = Field(examples=["violation.opened"])
    sequence: int
    occurred_at: datetime
    data: dict[str, Any]


class WaiverView(BaseModel):
    """Until when a violation is, or was, accepted; in force as long as `ended_at` is null."""

    model_config = ConfigDict(from_attributes=True)
    id: str
    reason: str
    until: datetime
    granted_by: str
    granted_at: datetime
    ended_at: datetime | None
    ended_as: Literal["expired", "revoked", "over"] | None = Field(description="over: the violation ended before it")
    ended_by: str | None


class ViolationDetail(ViolationView):
    """A violation with what happened to it and its waivers, newest first."""

    transitions: list[TransitionView]
    waivers: list[WaiverView]


class Acknowledgement(Strict):
    """Somebody has taken note and says what is being done."""

    note: str = Field(min_length=1, max_length=2_000)


class WaiverWanted(Strict):
    """Somebody accepts the violation and says why; at most 30, 90, 180 or 365 days, by severity from critical to low."""

    until: AwareDatetime
    reason: str = Field(min_length=1, max_length=2_000)
