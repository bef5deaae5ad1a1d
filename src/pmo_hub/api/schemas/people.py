"""Persons and their accounts on the wire."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from pmo_hub.api.schemas.bodies import Strict


class AccountView(BaseModel):
    """An account in a source, as it is called there now."""

    model_config = ConfigDict(from_attributes=True)
    id: str
    name: str | None
    email: str | None
    account_type: str | None


class PersonView(BaseModel):
    """One human with several accounts."""

    model_config = ConfigDict(from_attributes=True)
    id: str
    accounts: list[AccountView]


class SuggestionView(BaseModel):
    """Two accounts that might be one person."""

    model_config = ConfigDict(from_attributes=True)
    id: str
    first: AccountView
    second: AccountView
    why: str


class SuggestionList(BaseModel):
    items: list[SuggestionView]


class JoinWanted(Strict):
    """Accounts that are one person."""

    identity_ids: list[str] = Field(min_length=2, max_length=20)
