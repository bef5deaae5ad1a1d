"""Portfolios and programs on the wire."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from pmo_hub.api.schemas.bodies import Strict
from pmo_hub.api.schemas.projects import Name, NamedView, PersonView, Text, Who
from pmo_hub.services.portfolio import HolderInfo


class _Holder(BaseModel):
    model_config = ConfigDict(from_attributes=True)
    id: str
    name: str
    description: str | None
    owner: PersonView | None
    members: list[NamedView] = Field(description="what is placed in it directly")
    placed_in: list[NamedView] = Field(description="what it is placed in directly")
    projects: int = Field(description="how many projects are in it and in its programs, each counted once")
    created_at: datetime
    as_of: datetime | None = Field(None, description="the instant that was asked for; null is now")


class PortfolioView(_Holder):
    """A portfolio and what is in it."""


class ProgramView(_Holder):
    """A program and what is in it."""


class PortfolioPage(BaseModel):
    items: list[PortfolioView]
    next_cursor: str | None = None
    as_of: datetime | None = Field(None, description="the instant that was asked for; null is now")


class ProgramPage(BaseModel):
    items: list[ProgramView]
    next_cursor: str | None = None
    as_of: datetime | None = Field(None, description="the instant that was asked for; null is now")


class NewHolder(Strict):
    """A portfolio or program to be made."""

    name: Name
    description: Text | None = None
    owner: Who | None = None


class HolderPatch(Strict):
    """A JSON Merge Patch (RFC 7396): what is left out stays, null clears."""

    name: Name | None = None
    description: Text | None = None
    owner: Who | None = None


class MemberBody(Strict):
    """A program or project by its id."""

    type: Literal["program", "project"]
    id: str = Field(min_length=1, max_length=32)


class MemberList(BaseModel):
    items: list[NamedView]
    as_of: datetime | None = Field(None, description="the instant that was asked for; null is now")


def portfolio_view(found: HolderInfo, as_of: datetime | None = None) -> PortfolioView:
    return PortfolioView.model_validate(found).model_copy(update={"as_of": as_of})


def program_view(found: HolderInfo, as_of: datetime | None = None) -> ProgramView:
    return ProgramView.model_validate(found).model_copy(update={"as_of": as_of})
