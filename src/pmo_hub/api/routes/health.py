"""Health, facts and risk signals of projects, portfolios and programs."""

from __future__ import annotations

from datetime import datetime

from fastapi import APIRouter, Depends, Response

from pmo_hub.api.deps import AsOf, HubDep, allow
from pmo_hub.api.schemas.health import (
    DimensionView,
    FactListView,
    FactView,
    HealthView,
    HolderHealthView,
    WorstProject,
)
from pmo_hub.api.schemas.risks import RiskSignalList, RiskSignalView
from pmo_hub.domain.portfolio import OVERALL, Member
from pmo_hub.domain.rating import Rating
from pmo_hub.services import facts, health, risks
from pmo_hub.services.health import HolderHealth
from pmo_hub.services.hub import Hub
from pmo_hub.services.risks import SignalList

router = APIRouter()

READS_HEALTH = [Depends(allow("health:read"))]
READS_RISKS = [Depends(allow("risks:read"))]


@router.get("/projects/{project_id}/health", tags=["health"], dependencies=READS_HEALTH, response_model=HealthView)
def get_project_health(hub: HubDep, project_id: str, as_of: AsOf) -> Response:
    """A project's health from its kept facts, each dimension with reasons and links to the source."""
    return project_health_answer(hub, project_id, None, as_of)


def project_health_answer(hub: Hub, project_id: str, _: str | None, as_of: datetime | None = None) -> Response:
    """The answer of `get_project_health`, of the model that it declares and written out once."""
    found = health.project_health(hub, project_id, as_of)
    head, rated = found.head, found.health
    # Built without validation: all of it is the domain's own, and these are up to 140 links.
    dimensions = tuple(
        DimensionView.model_construct(
            dimension=one.dimension, rating=one.rating.value, score=one.score, reasons=one.reasons, evidence=one.evidence,
            confidence=one.confidence, data_age_s=one.data_age_s, missing=one.missing,
        )
        for one in rated.dimensions
    )  # fmt: skip
    view = HealthView.model_construct(
        project_id=head.id, name=head.name, url=head.url, rating=rated.rating.value, coverage=rated.coverage, known=rated.known,
        score=rated.score, reasons=rated.reasons, confidence=rated.confidence, synced_at=head.synced_at, data_age_s=rated.data_age_s,
        data_complete=head.complete, dimensions=dimensions, as_of=as_of, computed_at=found.computed_at,
    )  # fmt: skip
    return Response(view.model_dump_json().encode(), media_type="application/json")


@router.get("/portfolios/{portfolio_id}/health", tags=["health"], dependencies=READS_HEALTH)
def get_portfolio_health(hub: HubDep, portfolio_id: str, as_of: AsOf) -> HolderHealthView:
    """A portfolio's health: its projects by dimension and rating, and the worst five with reasons."""
    return _holder(health.holder_health(hub, "portfolio", portfolio_id, as_of))


@router.get("/programs/{program_id}/health", tags=["health"], dependencies=READS_HEALTH)
def get_program_health(hub: HubDep, program_id: str, as_of: AsOf) -> HolderHealthView:
    """A program's health: its projects by dimension and rating, and the worst five with reasons."""
    return _holder(health.holder_health(hub, "program", program_id, as_of))


@router.get("/projects/{project_id}/facts", tags=["health"], dependencies=READS_HEALTH)
def list_project_facts(hub: HubDep, project_id: str, as_of: AsOf) -> FactListView:
    """Everything that is measured about a project, what is unknown too, with evidence and confidence."""
    found = facts.list_facts(hub, project_id, as_of)
    items = [
        FactView(
            name=one.fact.name, meaning=one.meaning, value=one.fact.value, unit=one.fact.unit, confidence=one.fact.confidence,
            reason=one.fact.reason, evidence=one.fact.evidence,
            holds_until=one.fact.holds_until, recorded_from=one.recorded_from,
        )
        for one in found.facts
    ]  # fmt: skip
    return FactListView(project_id=project_id, name=found.name, items=items, as_of=as_of, computed_at=found.computed_at)


@router.get("/projects/{project_id}/risk-signals", tags=["risks"], dependencies=READS_RISKS)
def list_project_risk_signals(hub: HubDep, project_id: str) -> RiskSignalList:
    """What a project's items say may go wrong, the largest exposure first, each with evidence and a suggested response."""
    return _signals(risks.project_signals(hub, project_id))


@router.get("/portfolios/{portfolio_id}/risk-signals", tags=["risks"], dependencies=READS_RISKS)
def list_portfolio_risk_signals(hub: HubDep, portfolio_id: str) -> RiskSignalList:
    """The fifty largest exposures among a portfolio's projects."""
    return _signals(risks.holder_signals(hub, "portfolio", portfolio_id))


def _holder(found: HolderHealth) -> HolderHealthView:
    rated = found.health
    known = rated.size - rated.counts[OVERALL][Rating.GREY]
    return HolderHealthView(
        type=found.type, id=found.id, name=found.name, rating=rated.rating.value, coverage=f"{known} of {rated.size} known",
        reasons=list(rated.reasons), size=rated.size, weighting=rated.weighting, red_share=rated.red_share,
        amber_share=rated.amber_share, known_share=rated.known_share,
        counts={name: {rating.value: number for rating, number in row.items()} for name, row in rated.counts.items()},
        worst=[_worst(member) for member in rated.worst], data_age_s=found.data_age_s, as_of=found.as_of, computed_at=found.computed_at,
    )  # fmt: skip


def _worst(member: Member) -> WorstProject:
    rated = member.health
    return WorstProject(
        project_id=member.project_id, name=member.name, url=member.url, rating=rated.rating.value, coverage=rated.coverage,
        score=rated.score, reasons=list(rated.reasons),
    )  # fmt: skip


def _signals(found: SignalList) -> RiskSignalList:
    items = [
        RiskSignalView(
            id=one.signal.id, kind=one.signal.kind, project_id=one.project_id, project_name=one.project_name, title=one.signal.title,
            likelihood=one.signal.likelihood, impact=one.signal.impact, exposure=one.signal.exposure, band=one.signal.band.value,
            evidence=one.signal.evidence, response=one.signal.response,
            confidence=one.signal.confidence,
        )
        for one in found.signals
    ]  # fmt: skip
    return RiskSignalList(items=items, total=found.total, computed_at=found.computed_at)
