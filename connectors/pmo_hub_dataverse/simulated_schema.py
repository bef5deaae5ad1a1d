"""The project tables of the simulated environment: every column that recorded rows have, with what it holds where nobody set it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

OWNER = "7d1f0c52-6a11-4d1e-9d0c-000000000001"
UNIT = "7d1f0c52-6a11-4d1e-9d0c-000000000002"

_STILL: Mapping[str, Any] = {
    "_createdby_value": OWNER, "_createdonbehalfby_value": None, "_modifiedby_value": OWNER, "_modifiedonbehalfby_value": None,
    "_ownerid_value": OWNER, "_owningbusinessunit_value": UNIT, "_owningteam_value": None, "_owninguser_value": OWNER,
    "importsequencenumber": None, "overriddencreatedon": None, "statuscode": 1, "timezoneruleversionnumber": 4,
    "utcconversiontimezonecode": None,
}  # fmt: skip
_FLOW: Mapping[str, Any] = {"processid": None, "traversedpath": None}
EVERY = ("createdon", "modifiedon", "versionnumber", "statecode")


@dataclass(frozen=True, slots=True)
class SimulatedTable:
    """`live` columns differ from row to row, the key first; `still` ones are the same in all."""

    name: str
    set: str
    live: tuple[str, ...]
    still: Mapping[str, Any] = field(default_factory=dict)

    @property
    def key(self) -> str:
        return self.live[0]

    @property
    def columns(self) -> frozenset[str]:
        return frozenset((*self.live, *self.still))


def _table(name: str, set: str, live: tuple[str, ...], still: Mapping[str, Any] | None = None) -> SimulatedTable:
    return SimulatedTable(name, set, (*live, *EVERY), {**_STILL, **(still or {})})


PROJECTS = _table(
    "msdyn_project", "msdyn_projects",
    (
        "msdyn_projectid", "msdyn_subject", "msdyn_scheduledstart", "msdyn_finish", "msdyn_duration", "msdyn_effort",
        "msdyn_effortcompleted", "msdyn_effortremaining", "msdyn_progress", "msdyn_hoursperday", "_msdyn_projectmanager_value",
        "_msdyn_program_value", "msdyn_description",
    ),
    {
        **_FLOW, "_msdyn_contractorganizationalunitid_value": UNIT, "_msdyn_msprojectdocument_value": None,
        "_msdyn_pfwcreatedby_value": OWNER, "_msdyn_pfwmodifiedby_value": None, "_msdyn_projectimportstagingid_value": None,
        "_msdyn_projectteamid_value": None, "_msdyn_replaylogheader_value": None, "_msdyn_workhourtemplate_value": None,
        "_stageid_value": None, "msdyn_bulkgenerationstatus": None, "msdyn_businesscase": None, "msdyn_calendarid": None,
        "msdyn_comments": None, "msdyn_copyprojectcorrelationid": None, "msdyn_copyprojectsessionid": None, "msdyn_dayspermonth": 20,
        "msdyn_disablecreateofteammemberformanager": False, "msdyn_globalrevisiontoken": None, "msdyn_hoursperweek": 40.0,
        "msdyn_plannerlastsavedrevisiontoken": None, "msdyn_schedulemode": 192350001, "msdyn_scheduler": 192350000,
        "msdyn_taskearlieststart": None, "msdyn_teamschannelmappingbackfilled": True, "msdyn_tzafinish": None,
        "msdyn_tzascheduledstart": None, "msdyn_valuestatement": None,
    },
)  # fmt: skip
TASKS = _table(
    "msdyn_projecttask", "msdyn_projecttasks",
    (
        "msdyn_projecttaskid", "msdyn_subject", "_msdyn_project_value", "_msdyn_parenttask_value", "_msdyn_projectbucket_value",
        "_msdyn_projectsprint_value", "msdyn_start", "msdyn_finish", "msdyn_duration", "msdyn_effort", "msdyn_effortcompleted",
        "msdyn_effortremaining", "msdyn_progress", "msdyn_priority", "msdyn_ismilestone", "msdyn_iscritical", "msdyn_summary",
        "msdyn_outlinelevel", "msdyn_displaysequence", "msdyn_descriptionplaintext", "msdyn_scheduledstart", "msdyn_scheduledend",
    ),
    {
        **_FLOW, "_msdyn_pfwcreatedby_value": OWNER, "_msdyn_pfwmodifiedby_value": None, "_msdyn_resourcecategory_value": None,
        "_msdyn_resourceorganizationalunitid_value": None, "_stageid_value": None, "msdyn_description": None, "msdyn_ismanual": False,
        "msdyn_tzascheduledend": None, "msdyn_tzascheduledstart": None,
    },
)  # fmt: skip
DEPENDENCIES = _table(
    "msdyn_projecttaskdependency", "msdyn_projecttaskdependencies",
    (
        "msdyn_projecttaskdependencyid", "_msdyn_project_value", "_msdyn_predecessortask_value", "_msdyn_successortask_value",
        "msdyn_projecttaskdependencylinktype", "msdyn_projecttaskdependencylinklag", "msdyn_projecttaskdependencylinklaginseconds",
    ),
    {"msdyn_description": None},
)  # fmt: skip
ASSIGNMENTS = _table(
    "msdyn_resourceassignment", "msdyn_resourceassignments",
    (
        "msdyn_resourceassignmentid", "_msdyn_taskid_value", "_msdyn_projectid_value", "_msdyn_projectteamid_value",
        "_msdyn_bookableresourceid_value", "msdyn_effort", "msdyn_effortcompleted", "msdyn_effortremaining", "msdyn_start", "msdyn_finish",
    ),
    {"_msdyn_userresourceid_value": None, "msdyn_committype": 192350001, "msdyn_name": None, "msdyn_plannedwork": None},
)  # fmt: skip
BASELINES = _table(
    "msdyn_projectbaselinedata", "msdyn_projectbaselinedatas",
    ("msdyn_projectbaselinedataid", "_msdyn_projectid_value"), {"msdyn_name": None},
)  # fmt: skip
TASK_BASELINES = _table(
    "msdyn_projectbaselinetaskdata", "msdyn_projectbaselinetaskdatas",
    (
        "msdyn_projectbaselinetaskdataid", "msdyn_projecttaskid", "_msdyn_projectbaselinedataid_value", "msdyn_taskstartdate",
        "msdyn_taskfinishdate", "msdyn_taskduration", "msdyn_taskeffort",
    ),
    {"msdyn_name": None, "msdyn_taskeffortcompleted": 0.0, "msdyn_taskeffortremaining": 0.0, "msdyn_taskpercentcomplete": 0.0},
)  # fmt: skip
BUCKETS = _table("msdyn_projectbucket", "msdyn_projectbuckets", ("msdyn_projectbucketid", "msdyn_name", "_msdyn_project_value"))
SPRINTS = _table(
    "msdyn_projectsprint", "msdyn_projectsprints",
    ("msdyn_projectsprintid", "msdyn_name", "_msdyn_project_value", "msdyn_startdate", "msdyn_finishdate"),
)  # fmt: skip
TEAMS = _table(
    "msdyn_projectteam", "msdyn_projectteams",
    ("msdyn_projectteamid", "msdyn_name", "_msdyn_project_value", "_msdyn_bookableresourceid_value"),
)  # fmt: skip
LABELS = _table(
    "msdyn_projectlabel", "msdyn_projectlabels",
    ("msdyn_projectlabelid", "msdyn_projectlabeltext", "_msdyn_projectid_value", "msdyn_colorindex"),
)  # fmt: skip
CHECKLISTS = _table(
    "msdyn_projectchecklist", "msdyn_projectchecklists",
    (
        "msdyn_projectchecklistid", "msdyn_name", "_msdyn_projecttaskid_value", "msdyn_projectchecklistcompleted",
        "msdyn_projectchecklistorder",
    ),
)  # fmt: skip
TASK_LABELS = _table(
    "msdyn_projecttasktolabel", "msdyn_projecttasktolabels",
    ("msdyn_projecttasktolabelid", "_msdyn_projecttaskid_value", "_msdyn_projectlabelid_value"), {"msdyn_name": None},
)  # fmt: skip
RESOURCES = _table(
    "bookableresource", "bookableresources",
    ("bookableresourceid", "name", "msdyn_primaryemail", "resourcetype", "_userid_value"),
    {
        **_FLOW, "_accountid_value": None, "_calendarid_value": None, "_contactid_value": None, "_msdyn_organizationalunit_value": UNIT,
        "_transactioncurrencyid_value": None, "exchangerate": None, "msdyn_derivecapacity": False, "msdyn_displayonscheduleassistant": True,
        "msdyn_displayonscheduleboard": True, "msdyn_enableappointments": 192350001, "msdyn_enableoutlookschedules": 192350001,
        "msdyn_endlocation": 690970002, "msdyn_generictype": None, "msdyn_isgenericresourceprojectscoped": False,
        "msdyn_optimalcrewsize": None, "msdyn_pooltype": None, "msdyn_startlocation": 690970002, "msdyn_targetutilization": None,
        "stageid": None, "timezone": 0,
    },
)  # fmt: skip
PROGRAMS = _table("msdyn_program", "msdyn_programs", ("msdyn_programid", "msdyn_name"))

TABLES = (
    PROJECTS, TASKS, DEPENDENCIES, ASSIGNMENTS, BASELINES, TASK_BASELINES, BUCKETS, SPRINTS, TEAMS, LABELS, CHECKLISTS, TASK_LABELS,
    RESOURCES, PROGRAMS,
)  # fmt: skip
BY_SET = {table.set: table for table in TABLES}
