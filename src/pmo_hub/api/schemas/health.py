"""Health and facts on the wire."""

from __future__ import annotations

from datetime import date, datetime
from typing import Literal

from pydantic import BaseModel, Field

from pmo_hub.domain.evidence import Evidence
from pmo_hub.domain.thresholds import DIMENSIONS

RatingName = Literal["red", "amber", "green", "grey"]


# Links go out as they are kept: an answer about health holds up to 140 of them, and copying each costs more than reading it.
Links = tuple[Evidence, ...]


class DimensionView(BaseModel):
    """One dimension of health; grey means that nobody can know, which is neither good nor bad.

    Labels and notes of evidence are text of a third party, never markup.
    """

    dimension: str = Field(json_schema_extra={"enum": list(DIMENSIONS)})
    rating: RatingName
    score: float | None = Field(description="0 to 100, for ranking only")
    reasons: tuple[str, ...] = Field(description="worst first")
    evidence: Links
    confidence: int = Field(description="0 to 100")
    data_age_s: float | None = Field(description="seconds since the data was last read; null where it never was")
    missing: tuple[str, ...] = Field(description="facts that were unknown, with the reason")


class HealthView(BaseModel):
    """A project's health: the worst known dimension, with how many are known."""

    project_id: str
    name: str
    url: str | None
    rating: RatingName
    coverage: str = Field(description="how many dimensions the rating rests on", examples=["3 of 7 known"])
    known: int
    score: float | None
    reasons: tuple[str, ...]
    confidence: int
    synced_at: datetime | None = Field(description="the last success of the source that is furthest behind")
    data_age_s: float | None
    data_complete: bool | None = Field(description="false: the last run failed or did not bring everything; null: none has ended yet")
    dimensions: tuple[DimensionView, ...]
    as_of: datetime | None
    computed_at: datetime


class WorstProject(BaseModel):
    """A project that is not green, with why."""

    project_id: str
    name: str
    url: str | None
    rating: RatingName
    coverage: str
    score: float | None
    reasons: list[str]


class HolderHealthView(BaseModel):
    """The health of a portfolio or program: counts of its projects by dimension and rating, and the worst of them."""

    type: Literal["portfolio", "program"]
    id: str
    name: str
    rating: RatingName
    coverage: str = Field(description="how many projects the rating rests on", examples=["9 of 12 known"])
    reasons: list[str]
    size: int
    weighting: Literal["budget", "count"]
    red_share: float | None
    amber_share: float | None = Field(description="red or amber")
    known_share: float | None
    counts: dict[str, dict[RatingName, int]] = Field(description="by dimension, and overall")
    worst: list[WorstProject]
    data_age_s: float | None = Field(description="of the project whose data is oldest; null where one was never read")
    as_of: datetime | None
    computed_at: datetime


class FactView(BaseModel):
    """A measured value; null is unknown, and `reason` says why."""

    name: str
    meaning: str
    value: bool | int | float | datetime | date | str | None
    unit: str | None
    confidence: int
    reason: str | None
    evidence: Links
    holds_until: datetime | None = Field(description="when time alone may change it")
    recorded_from: datetime | None = Field(description="when the hub knew it first; null for what each sync tells anew")


class FactListView(BaseModel):
    project_id: str
    name: str
    items: list[FactView]
    as_of: datetime | None
    computed_at: datetime
