"""Projects and their rules on the wire."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from pmo_hub.api.schemas.bodies import Strict
from pmo_hub.services.project_settings import Classification, Methodology, Phase, State
from pmo_hub.services.projects import ProjectInfo, RuleInfo

Narrowing = Literal["all", "subtree", "label", "component", "version", "list", "query"]
Role = Literal["schedule", "execution", "money", "history"]

Name = Annotated[str, Field(min_length=1, max_length=200)]
Text = Annotated[str, Field(max_length=20_000)]
Who = Annotated[str, Field(min_length=1, max_length=320, description="an identity's id or an e-mail address")]
Tags = Annotated[list[Annotated[str, Field(min_length=1, max_length=100)]], Field(max_length=50)]
Currency = Annotated[str, Field(max_length=3, description="ISO 4217", examples=["EUR"])]
Zone = Annotated[str, Field(max_length=64, description="IANA time zone", examples=["Europe/Berlin"])]


class PersonView(BaseModel):
    """An account; its name and address are null once it was forgotten."""

    model_config = ConfigDict(from_attributes=True)
    id: str
    name: str | None
    email: str | None
    is_active: bool | None


class NamedView(BaseModel):
    """A portfolio, program or project by its name."""

    model_config = ConfigDict(from_attributes=True)
    type: Literal["portfolio", "program", "project"]
    id: str
    name: str


class ProjectView(BaseModel):
    """A project and its settings; null means that nobody has said it."""

    model_config = ConfigDict(from_attributes=True)
    id: str
    name: str
    description: str | None
    state: State
    sponsor: PersonView | None
    manager: PersonView | None
    methodology: Methodology | None
    phase: Phase | None = Field(description="what it is in after the gate G0 … G6")
    classification: Classification | None
    start: date | None
    finish: date | None = Field(description="the planned finish")
    currency: str | None = Field(description="ISO 4217")
    time_zone: str = Field(description="IANA; its days begin at midnight there")
    tags: list[str]
    is_automatic: bool = Field(description="made for a scope by itself")
    placed_in: list[NamedView] = Field(description="the portfolios and programs that it is in directly")
    created_at: datetime
    as_of: datetime | None = Field(None, description="the instant that was asked for; null is now")


class ProjectPage(BaseModel):
    items: list[ProjectView]
    next_cursor: str | None = None
    as_of: datetime | None = Field(None, description="the instant that was asked for; null is now")


class ProjectPatch(Strict):
    """A JSON Merge Patch (RFC 7396): what is left out stays, null clears."""

    name: Name | None = None
    description: Text | None = None
    state: State | None = None
    sponsor: Who | None = None
    manager: Who | None = None
    methodology: Methodology | None = None
    phase: Phase | None = None
    classification: Classification | None = None
    start: date | None = None
    finish: date | None = None
    currency: Currency | None = None
    time_zone: Zone | None = None
    tags: Tags | None = None


class RuleBody(Strict):
    """Which items of a scope are the project's.

    `value` is the root's key (subtree), the label, the component's or version's name or id, keys separated by commas (list), or a query in
    the source's language; a rule that takes all has none.
    """

    scope_id: str = Field(min_length=32, max_length=32)
    narrowing: Narrowing = "all"
    value: Annotated[str, Field(max_length=10_000)] | None = None
    role: Role = "execution"
    history_until: date | None = Field(None, description="of a rule in the role history: its items count until the end of this day")


Rules = Annotated[list[RuleBody], Field(max_length=200)]


class NewProject(Strict):
    """A project to be made by hand."""

    name: Name
    description: Text | None = None
    state: State = "active"
    sponsor: Who | None = None
    manager: Who | None = None
    methodology: Methodology | None = None
    phase: Phase | None = None
    classification: Classification | None = None
    start: date | None = None
    finish: date | None = None
    currency: Currency | None = None
    time_zone: Zone = "UTC"
    tags: Tags = Field(default_factory=list)
    rules: Rules = Field(default_factory=list)


class RuleView(BaseModel):
    model_config = ConfigDict(from_attributes=True)
    id: str
    scope_id: str
    scope_name: str | None
    narrowing: Narrowing
    value: str | None
    role: Role
    history_until: date | None
    items: int | None = Field(description="how many items it takes now; null for another time")


class RuleList(BaseModel):
    items: list[RuleView]
    as_of: datetime | None = Field(None, description="the instant that was asked for; null is now")


def project_view(found: ProjectInfo, as_of: datetime | None = None) -> ProjectView:
    return ProjectView.model_validate(found).model_copy(update={"as_of": as_of})


def rule_list(found: Sequence[RuleInfo], as_of: datetime | None = None) -> RuleList:
    return RuleList(items=[RuleView.model_validate(rule) for rule in found], as_of=as_of)
