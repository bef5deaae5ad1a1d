"""Rows of the project tables as far as mapping reads them; whatever else a row holds is left alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import Struct

_ALWAYS = {"created_on": "createdon", "modified_on": "modifiedon", "statecode": "statecode"}


def _columns(names: Mapping[str, str]) -> dict[str, str]:
    return {**_ALWAYS, **names}


class Row(Struct, rename=_columns({})):
    created_on: str | None = None
    modified_on: str | None = None
    statecode: int | None = None


class Project(
    Struct,
    rename=_columns({
        "subject": "msdyn_subject", "scheduled_start": "msdyn_scheduledstart", "finish": "msdyn_finish",
        "scheduled_end": "msdyn_scheduledend", "hours_per_day": "msdyn_hoursperday", "hours_per_week": "msdyn_hoursperweek",
        "days_per_month": "msdyn_dayspermonth", "manager": "_msdyn_projectmanager_value", "program": "_msdyn_program_value",
    }),
):  # fmt: skip
    subject: str | None = None
    scheduled_start: str | None = None
    finish: str | None = None
    scheduled_end: str | None = None
    hours_per_day: float | None = None
    hours_per_week: float | None = None
    days_per_month: float | None = None
    manager: str | None = None
    program: str | None = None


class Task(
    Struct,
    rename=_columns({
        "subject": "msdyn_subject", "project": "_msdyn_project_value", "parent": "_msdyn_parenttask_value",
        "bucket": "_msdyn_projectbucket_value", "sprint": "_msdyn_projectsprint_value", "start": "msdyn_start", "finish": "msdyn_finish",
        "scheduled_start": "msdyn_scheduledstart", "scheduled_end": "msdyn_scheduledend", "actual_start": "msdyn_actualstart",
        "actual_end": "msdyn_actualend", "duration": "msdyn_duration", "duration_minutes": "msdyn_scheduleddurationminutes",
        "effort": "msdyn_effort", "effort_completed": "msdyn_effortcompleted", "effort_remaining": "msdyn_effortremaining",
        "progress": "msdyn_progress", "priority": "msdyn_priority", "is_milestone": "msdyn_ismilestone",
        "is_critical": "msdyn_iscritical", "is_manual": "msdyn_ismanual", "summary": "msdyn_summary",
        "outline_level": "msdyn_outlinelevel", "position": "msdyn_displaysequence", "wbs": "msdyn_wbsid",
        "description": "msdyn_descriptionplaintext", "created_by": "_msdyn_pfwcreatedby_value",
    }),
):  # fmt: skip
    subject: str | None = None
    project: str | None = None
    parent: str | None = None
    bucket: str | None = None
    sprint: str | None = None
    start: str | None = None
    finish: str | None = None
    scheduled_start: str | None = None
    scheduled_end: str | None = None
    actual_start: str | None = None
    actual_end: str | None = None
    duration: float | None = None
    duration_minutes: float | None = None
    effort: float | None = None
    effort_completed: float | None = None
    effort_remaining: float | None = None
    progress: float | None = None
    priority: int | None = None
    is_milestone: bool | None = None
    is_critical: bool | None = None
    is_manual: bool | None = None
    summary: bool | None = None
    outline_level: int | None = None
    position: float | None = None
    wbs: str | None = None
    description: str | None = None
    created_by: str | None = None
    created_on: str | None = None
    modified_on: str | None = None
    statecode: int | None = None


class Dependency(
    Struct,
    rename={
        "predecessor": "_msdyn_predecessortask_value", "successor": "_msdyn_successortask_value",
        "link_type": "msdyn_projecttaskdependencylinktype", "legacy_type": "msdyn_linktype", "lag": "msdyn_projecttaskdependencylinklag",
        "lag_seconds": "msdyn_projecttaskdependencylinklaginseconds",
    },
):  # fmt: skip
    """Of the two lags the one in seconds says its unit; the other counts seconds too, and is what older environments have."""

    predecessor: str | None = None
    successor: str | None = None
    link_type: int | None = None
    legacy_type: int | None = None
    lag: float | None = None
    lag_seconds: float | None = None


class Bucket(Struct, rename={"name": "msdyn_name", "project": "_msdyn_project_value", "order": "msdyn_displayorder"}):
    name: str | None = None
    project: str | None = None
    order: float | None = None


class Sprint(
    Struct,
    rename={
        "name": "msdyn_name", "start_date": "msdyn_startdate", "finish_date": "msdyn_finishdate", "start": "msdyn_start",
        "finish": "msdyn_finish", "scheduled_start": "msdyn_scheduledstart", "scheduled_end": "msdyn_scheduledend",
    },
):  # fmt: skip
    name: str | None = None
    start_date: str | None = None
    finish_date: str | None = None
    start: str | None = None
    finish: str | None = None
    scheduled_start: str | None = None
    scheduled_end: str | None = None


class TeamMember(Struct, rename=_columns({"name": "msdyn_name", "resource": "_msdyn_bookableresourceid_value"})):
    name: str | None = None
    resource: str | None = None
    statecode: int | None = None


class Label(Struct, rename={"text": "msdyn_projectlabeltext"}):
    text: str | None = None


class Assignment(
    Struct,
    rename={
        "task": "_msdyn_taskid_value", "resource": "_msdyn_bookableresourceid_value", "team_member": "_msdyn_projectteamid_value",
        "effort": "msdyn_effort", "effort_completed": "msdyn_effortcompleted", "effort_remaining": "msdyn_effortremaining",
        "start": "msdyn_start", "finish": "msdyn_finish",
    },
):  # fmt: skip
    task: str | None = None
    resource: str | None = None
    team_member: str | None = None
    effort: float | None = None
    effort_completed: float | None = None
    effort_remaining: float | None = None
    start: str | None = None
    finish: str | None = None


class ChecklistItem(Struct, rename=_columns({"name": "msdyn_name", "completed": "msdyn_projectchecklistcompleted"})):
    name: str | None = None
    completed: bool | None = None
    created_on: str | None = None
    modified_on: str | None = None


class TaskLabel(Struct, rename={"label": "_msdyn_projectlabelid_value", "label_too": "_msdyn_projectlabel_value"}):
    label: str | None = None
    label_too: str | None = None


class TaskBaseline(
    Struct,
    rename={
        "task": "msdyn_projecttaskid", "baseline": "_msdyn_projectbaselinedataid_value", "start": "msdyn_taskstartdate",
        "finish": "msdyn_taskfinishdate", "duration": "msdyn_taskduration", "effort": "msdyn_taskeffort",
    },
):  # fmt: skip
    task: str | None = None
    baseline: str | None = None
    start: str | None = None
    finish: str | None = None
    duration: float | None = None
    effort: float | None = None


class Resource(Struct, rename=_columns({"name": "name", "email": "msdyn_primaryemail", "type": "resourcetype", "user": "_userid_value"})):
    name: str | None = None
    email: str | None = None
    type: int | None = None
    user: str | None = None
    statecode: int | None = None


def _decoder(type: Any) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(type)


ROW: msgspec.json.Decoder[Row] = _decoder(Row)
PROJECT: msgspec.json.Decoder[Project] = _decoder(Project)
TASK: msgspec.json.Decoder[Task] = _decoder(Task)
DEPENDENCY: msgspec.json.Decoder[Dependency] = _decoder(Dependency)
BUCKET: msgspec.json.Decoder[Bucket] = _decoder(Bucket)
SPRINT: msgspec.json.Decoder[Sprint] = _decoder(Sprint)
TEAM_MEMBER: msgspec.json.Decoder[TeamMember] = _decoder(TeamMember)
LABEL: msgspec.json.Decoder[Label] = _decoder(Label)
ASSIGNMENT: msgspec.json.Decoder[Assignment] = _decoder(Assignment)
CHECKLIST_ITEM: msgspec.json.Decoder[ChecklistItem] = _decoder(ChecklistItem)
TASK_LABEL: msgspec.json.Decoder[TaskLabel] = _decoder(TaskLabel)
TASK_BASELINE: msgspec.json.Decoder[TaskBaseline] = _decoder(TaskBaseline)
RESOURCE: msgspec.json.Decoder[Resource] = _decoder(Resource)
