"""Coverage on the wire."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class CoverageEvidence(BaseModel):
    """A work item that shows the gap."""

    model_config = ConfigDict(from_attributes=True)
    id: str
    key: str
    url: str | None


class CoverageEntry(BaseModel):
    """Something of a source that is mapped by guess or not at all."""

    connection_id: str
    connection: str
    dimension: Literal["status", "type", "priority", "person", "field", "reference"]
    id: str | None = Field(description="the source's own id of a word, an identity's id of a person")
    name: str | None
    value: str | None = Field(description="what it is mapped to now")
    grade: Literal["guessed", "unmapped", "missing"]
    items: int = Field(description="work items that hang on it")
    evidence: list[CoverageEvidence]
    rule: str | None = Field(description="the mapping rule that mends it, see PUT /connections/{id}/rules")
    mend: str


class CoverageList(BaseModel):
    """All gaps, those with the most items first; of one dimension of a connection the 200 most frequent words are looked at."""

    items: list[CoverageEntry]
