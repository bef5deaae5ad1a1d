"""An archive of Project Online as somebody may have saved it: one project with all that its reporting service knew, and two to skip."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping
from typing import Any

ARCHIVED = "5b7f3c10-aaaa-4d2e-9f00-000000000001"
TEMPLATE = "5b7f3c10-aaaa-4d2e-9f00-000000000002"
ANNA, ROBOT = "5b7f3c10-bbbb-4d2e-9f00-000000000001", "5b7f3c10-bbbb-4d2e-9f00-000000000002"
NOBODY = "00000000-0000-0000-0000-000000000000"


def task_id(number: int) -> str:
    return f"5b7f3c10-cccc-4d2e-9f00-{number:012d}"


DAY = {"ProjectId": ARCHIVED, "TaskId": task_id(2), "TimeByDay": "2025-01-06T00:00:00", "TaskWork": "8.000000", "TaskActualWork": "2.0",
       "TaskCost": "240.000000", "TaskActualCost": "60"}  # fmt: skip
AGREED = {"ProjectId": ARCHIVED, "TaskId": task_id(2), "TimeByDay": "2025-01-07T00:00:00", "BaselineNumber": 3,
          "TaskBaselineWork": "6.0", "TaskBaselineCost": "180"}  # fmt: skip


def project(**other: Any) -> dict[str, Any]:
    return {
        "ProjectId": ARCHIVED, "ProjectName": "Head Office Move", "ProjectType": 0, "ProjectOwnerId": ANNA, "ProjectOwnerName": "Anna Q",
        "ProjectStartDate": "2025-01-06T08:00:00", "ProjectFinishDate": "2026-08-28T17:00:00", "ProjectStatusDate": "2026-09-01T17:00:00",
        "ProjectCurrency": "EUR", "ProjectBCWS": "9000.000000", "ProjectBCWP": "8000.000000", "ProjectACWP": "8500.500000",
        "ProjectEAC": "12000.000000", "ProjectEarnedValueIsStale": False, **other,
    }  # fmt: skip


def task(number: int, name: str, parent: int | None = 0, **other: Any) -> dict[str, Any]:
    return {
        "ProjectId": ARCHIVED, "TaskId": task_id(number), "ParentTaskId": NOBODY if parent is None else task_id(parent), "TaskName": name,
        "TaskIndex": number, "TaskIsProjectSummary": number == 0, "TaskIsSummary": False, "TaskIsMilestone": False, "TaskIsActive": True,
        "TaskStartDate": "2025-01-06T08:00:00", "TaskFinishDate": "2025-01-17T17:00:00", "TaskDuration": "80.000000",
        "TaskWork": "80.000000", "TaskActualWork": "40.000000", "TaskRemainingWork": "40.000000", "TaskPercentCompleted": 50,
        "TaskPriority": 500, "TaskCost": "2400.000000", "TaskTotalSlack": "16.000000", "TaskIsCritical": False,
        "TaskOutlineNumber": str(number), "TaskModifiedDate": "2026-09-29T00:00:00", **other,
    }  # fmt: skip


def dumps() -> dict[str, list[dict[str, Any]]]:
    """Entity set → rows."""
    return {
        "Projects": [
            project(),
            {"ProjectId": TEMPLATE, "ProjectName": "A template", "ProjectType": 1},
            {"ProjectId": "5b7f3c10-aaaa-4d2e-9f00-000000000003", "ProjectName": "Timesheet Administrative Work Items", "ProjectType": 7},
        ],
        "Tasks": [
            task(0, "Head Office Move", None),
            task(1, "Packing", TaskIsSummary=True),
            task(2, "Order boxes", 1, TaskBCWS="100.0", TaskBCWP="50.0", TaskACWP="60.0"),
            task(3, "Keys handed over", 1, TaskIsMilestone=True, TaskDuration="0.000000", TaskPercentCompleted=100),
            task(4, "Cancelled idea", 1, TaskIsActive=False),
        ],
        "Assignments": [
            {"ProjectId": ARCHIVED, "AssignmentId": "5b7f3c10-dddd-4d2e-9f00-000000000001", "TaskId": task_id(2), "ResourceId": ANNA,
             "ResourceName": "Anna Quist", "AssignmentWork": "80.000000", "AssignmentActualWork": "40.000000",
             "AssignmentPeakUnits": "1.000000", "AssignmentStartDate": "2025-01-06T08:00:00"},
            {"ProjectId": ARCHIVED, "AssignmentId": "5b7f3c10-dddd-4d2e-9f00-000000000002", "TaskId": task_id(2), "ResourceId": ROBOT,
             "ResourceName": "Boxes", "AssignmentWork": "0.000000"},
            {"ProjectId": ARCHIVED, "AssignmentId": "5b7f3c10-dddd-4d2e-9f00-000000000003", "TaskId": task_id(3), "ResourceId": NOBODY},
        ],
        "TaskBaselines": [
            {"ProjectId": ARCHIVED, "TaskId": task_id(2), "BaselineNumber": number,
             "TaskBaselineStartDate": f"2025-01-0{6 + number}T08:00:00",
             "TaskBaselineFinishDate": "2025-01-15T17:00:00", "TaskBaselineDuration": "72.000000", "TaskBaselineWork": "72.000000",
             "TaskBaselineCost": "2160.000000"}
            for number in (0, 3)
        ],
        "Resources": [
            {"ResourceId": ANNA, "ResourceName": "Anna Quist", "ResourceEmailAddress": "anna@corp.example", "ResourceIsActive": True,
             "ResourceMaxUnits": "1.000000", "TypeName": "Work"},
            {"ResourceId": ROBOT, "ResourceName": "Boxes", "ResourceMaterialLabel": "piece", "TypeName": "Material"},
        ],
        "Risks": [
            {"ProjectId": ARCHIVED, "RiskId": "5b7f3c10-eeee-4d2e-9f00-000000000001", "Title": "Landlord is late", "Status": "(1) Active",
             "Probability": 0.4, "Impact": 7, "Exposure": 2.8, "Cost": 15000, "MitigationPlan": "Weekly call", "Category": "(2) Category2",
             "CreatedDate": "2025-02-01T10:00:00", "DueDate": "2025-06-30T00:00:00"},
            {"ProjectId": ARCHIVED, "RiskId": "5b7f3c10-eeee-4d2e-9f00-000000000002", "Title": "Old folder", "IsFolder": True},
        ],
        "Issues": [
            {"ProjectId": ARCHIVED, "IssueId": "5b7f3c10-eeee-4d2e-9f00-000000000003", "Title": "Lift is broken", "Status": "(3) Closed",
             "Priority": "(1) High", "Resolution": "Repaired"},
        ],
        "ProjectWorkflowStageDataSet": [
            {"ProjectId": ARCHIVED, "StageId": "5b7f3c10-ffff-4d2e-9f00-000000000001", "StageName": "Business case", "PhaseName": "Select",
             "StageOrder": 1, "StageStatus": 4, "StageEntryDate": "2024-11-01T09:00:00", "StageCompletionDate": "2024-12-20T15:30:00"},
            {"ProjectId": ARCHIVED, "StageId": "5b7f3c10-ffff-4d2e-9f00-000000000002", "StageName": "Execution", "PhaseName": "Manage",
             "StageOrder": 2, "StageStatus": 1, "StageEntryDate": "2025-01-06T09:00:00", "StageCompletionDate": None},
        ],
    }  # fmt: skip


def as_json(rows: list[dict[str, Any]], form: str = "light") -> bytes:
    match form:
        case "verbose":
            told: Any = {
                "d": {"results": [{"__metadata": {"uri": "https://pwa.example"}, "Tasks": {"__deferred": {}}, **row} for row in rows]}
            }
        case "verbose list":
            told = {"d": rows}
        case "bare":
            told = rows
        case _:
            told = {
                "odata.metadata": "https://pwa.example/_api/ProjectData/$metadata#x",
                "value": rows,
                "odata.nextLink": "Tasks?$skip=300",
            }
    return json.dumps(told).encode()


def as_atom(rows: list[dict[str, Any]]) -> bytes:
    def prop(name: str, value: Any) -> str:
        if value is None:
            return f'<d:{name} m:null="true"/>'
        text = str(value).lower() if isinstance(value, bool) else str(value)
        return f'<d:{name} m:type="Edm.String">{text}</d:{name}>'

    entries = "".join(
        f'<entry><id>https://pwa.example/1</id><content type="application/xml"><m:properties>{"".join(prop(*one) for one in row.items())}'
        "</m:properties></content></entry>"
        for row in rows
    )
    return (
        '<?xml version="1.0" encoding="utf-8"?><feed xmlns="http://www.w3.org/2005/Atom" '
        'xmlns:d="http://schemas.microsoft.com/ado/2007/08/dataservices" '
        f'xmlns:m="http://schemas.microsoft.com/ado/2007/08/dataservices/metadata"><title>x</title>{entries}</feed>'
    ).encode()


def zipped(members: Mapping[str, bytes]) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, content in members.items():
            packed.writestr(zipfile.ZipInfo(name, (2026, 9, 30, 0, 0, 0)), content, zipfile.ZIP_DEFLATED)
    return held.getvalue()


def archive_zip(rows: Mapping[str, list[dict[str, Any]]] | None = None, form: str = "light") -> bytes:
    rows = dumps() if rows is None else rows
    if form == "atom":
        return zipped({f"dump/{name}.xml": as_atom(one) for name, one in rows.items()})
    return zipped({f"dump/{name}.json": as_json(one, form) for name, one in rows.items()})
