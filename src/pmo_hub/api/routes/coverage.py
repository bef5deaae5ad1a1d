"""What of the sources is mapped by guess or not at all."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query

from pmo_hub.api.deps import HubDep, allow
from pmo_hub.api.schemas.coverage import CoverageEntry, CoverageEvidence, CoverageList
from pmo_hub.domain.coverage import Dimension
from pmo_hub.services import coverage
from pmo_hub.services.coverage import Entry

router = APIRouter(prefix="/coverage", tags=["connections"], dependencies=[Depends(allow("connections:read"))])


@router.get("")
def list_coverage(
    hub: HubDep, connection_id: Annotated[str | None, Query(max_length=32)] = None, dimension: Dimension | None = None
) -> CoverageList:
    """A list of work: statuses, types, priorities, people, fields and references that nobody has given a meaning, and what mends each."""
    return CoverageList(items=[_entry(one) for one in coverage.work_list(hub, connection_id, dimension)])


def _entry(one: Entry) -> CoverageEntry:
    gap = one.gap
    return CoverageEntry.model_validate({
        "connection_id": one.connection_id, "connection": one.connection, "dimension": gap.dimension.value, "id": gap.id,
        "name": gap.name, "value": gap.value, "grade": gap.grade, "items": gap.items, "rule": gap.rule, "mend": gap.mend,
        "evidence": [CoverageEvidence.model_validate(item) for item in one.evidence],
    })  # fmt: skip
