"""The tables of Project for the web, and which of their columns are read. What an organisation lacks of them is left out."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Table:
    """One table. `project` and `parent` are the columns that name a row's project and its task, as read; alternatives in order.

    `kind` is that of its payloads. Columns that begin with an underscore are lookups. Only `needed` tables have to be there.
    """

    name: str
    set: str
    kind: str
    key: str
    columns: tuple[str, ...]
    project: tuple[str, ...] = ()
    parent: tuple[str, ...] = ()
    needed: bool = False
    told: str = ""
    """What is not read where the table is missing."""


@dataclass(frozen=True, slots=True)
class Ensemble:
    """Tables that one partition reads, one after the other: what depends on another's rows comes after it."""

    name: str
    tables: tuple[Table, ...]
    by_project: bool = True
    parts: tuple[Table, ...] = field(default=())

    @property
    def all(self) -> tuple[Table, ...]:
        return (*self.tables, *self.parts)


_PROJECT = ("_msdyn_project_value", "_msdyn_projectid_value")
_TASK = ("_msdyn_projecttaskid_value", "_msdyn_projecttask_value", "_msdyn_taskid_value", "msdyn_projecttaskid")
EVERY = ("createdon", "modifiedon", "versionnumber", "statecode")
"""Columns that every table has."""

PROJECTS = Table(
    "msdyn_project", "msdyn_projects", "project", "msdyn_projectid",
    (
        "msdyn_subject", "msdyn_description", "msdyn_scheduledstart", "msdyn_finish", "msdyn_scheduledend", "msdyn_duration",
        "msdyn_effort", "msdyn_effortcompleted", "msdyn_effortremaining", "msdyn_progress", "msdyn_hoursperday", "msdyn_hoursperweek",
        "msdyn_dayspermonth", "msdyn_calendarid", "msdyn_schedulemode", "_msdyn_projectmanager_value", "_msdyn_program_value", "statuscode",
    ),
    project=("msdyn_projectid",), needed=True,
)  # fmt: skip
TASKS = Table(
    "msdyn_projecttask", "msdyn_projecttasks", "task", "msdyn_projecttaskid",
    (
        "msdyn_subject", "_msdyn_project_value", "_msdyn_parenttask_value", "_msdyn_projectbucket_value", "_msdyn_projectsprint_value",
        "msdyn_start", "msdyn_finish", "msdyn_scheduledstart", "msdyn_scheduledend", "msdyn_actualstart", "msdyn_actualend",
        "msdyn_duration", "msdyn_scheduleddurationminutes", "msdyn_effort", "msdyn_effortcompleted", "msdyn_effortremaining",
        "msdyn_progress", "msdyn_priority", "msdyn_ismilestone", "msdyn_iscritical", "msdyn_ismanual", "msdyn_summary",
        "msdyn_outlinelevel", "msdyn_displaysequence", "msdyn_wbsid", "msdyn_descriptionplaintext", "_msdyn_pfwcreatedby_value",
    ),
    project=("_msdyn_project_value",), needed=True,
)  # fmt: skip
DEPENDENCIES = Table(
    "msdyn_projecttaskdependency", "msdyn_projecttaskdependencies", "dependency", "msdyn_projecttaskdependencyid",
    (
        "_msdyn_project_value", "_msdyn_predecessortask_value", "_msdyn_successortask_value", "msdyn_projecttaskdependencylinktype",
        "msdyn_linktype", "msdyn_projecttaskdependencylinklag", "msdyn_projecttaskdependencylinklaginseconds",
    ),
    project=("_msdyn_project_value",), told="dependencies between tasks",
)  # fmt: skip
BUCKETS = Table(
    "msdyn_projectbucket", "msdyn_projectbuckets", "bucket", "msdyn_projectbucketid",
    ("msdyn_name", "_msdyn_project_value", "msdyn_displayorder"), project=_PROJECT, told="buckets",
)  # fmt: skip
SPRINTS = Table(
    "msdyn_projectsprint", "msdyn_projectsprints", "sprint", "msdyn_projectsprintid",
    (
        "msdyn_name", "_msdyn_project_value", "msdyn_startdate", "msdyn_finishdate", "msdyn_start", "msdyn_finish", "msdyn_scheduledstart",
        "msdyn_scheduledend",
    ),
    project=_PROJECT, told="sprints",
)  # fmt: skip
TEAMS = Table(
    "msdyn_projectteam", "msdyn_projectteams", "team_member", "msdyn_projectteamid",
    ("msdyn_name", "_msdyn_project_value", "_msdyn_bookableresourceid_value"), project=_PROJECT, told="team members",
)  # fmt: skip
LABELS = Table(
    "msdyn_projectlabel", "msdyn_projectlabels", "label", "msdyn_projectlabelid",
    ("msdyn_projectlabeltext", "_msdyn_projectid_value", "_msdyn_project_value"), project=_PROJECT, told="labels",
)  # fmt: skip
BASELINES = Table(
    "msdyn_projectbaselinedata", "msdyn_projectbaselinedatas", "baseline", "msdyn_projectbaselinedataid",
    ("msdyn_name", "_msdyn_projectid_value", "_msdyn_project_value", "msdyn_projectid"), project=(*_PROJECT, "msdyn_projectid"),
    told="baselines",
)  # fmt: skip
ASSIGNMENTS = Table(
    "msdyn_resourceassignment", "msdyn_resourceassignments", "assignment", "msdyn_resourceassignmentid",
    (
        "_msdyn_taskid_value", "_msdyn_projectid_value", "_msdyn_projectteamid_value", "_msdyn_bookableresourceid_value", "msdyn_effort",
        "msdyn_effortcompleted", "msdyn_effortremaining", "msdyn_start", "msdyn_finish",
    ),
    parent=("_msdyn_taskid_value",), told="assignments",
)  # fmt: skip
CHECKLISTS = Table(
    "msdyn_projectchecklist", "msdyn_projectchecklists", "checklist_item", "msdyn_projectchecklistid",
    ("msdyn_name", *_TASK, "msdyn_projectchecklistcompleted", "msdyn_projectchecklistorder"), parent=_TASK, told="checklists",
)  # fmt: skip
TASK_LABELS = Table(
    "msdyn_projecttasktolabel", "msdyn_projecttasktolabels", "task_label", "msdyn_projecttasktolabelid",
    (*_TASK, "_msdyn_projectlabelid_value", "_msdyn_projectlabel_value"), parent=_TASK, told="labels of tasks",
)  # fmt: skip
TASK_BASELINES = Table(
    "msdyn_projectbaselinetaskdata", "msdyn_projectbaselinetaskdatas", "task_baseline", "msdyn_projectbaselinetaskdataid",
    (
        "msdyn_projecttaskid", "_msdyn_projecttaskid_value", "_msdyn_projectbaselinedataid_value", "msdyn_taskstartdate",
        "msdyn_taskfinishdate", "msdyn_taskduration", "msdyn_taskeffort",
    ),
    parent=("msdyn_projecttaskid", "_msdyn_projecttaskid_value"), told="baselines of tasks",
)  # fmt: skip
RESOURCES = Table(
    "bookableresource", "bookableresources", "resource", "bookableresourceid",
    ("name", "msdyn_primaryemail", "resourcetype", "_userid_value", "_calendarid_value"), told="names of people and resources",
)  # fmt: skip
PROGRAMS = Table("msdyn_program", "msdyn_programs", "program", "msdyn_programid", ("msdyn_name", "msdyn_subject"), told="programs")

PLANS = Ensemble("plans", (PROJECTS, BUCKETS, SPRINTS, TEAMS, LABELS, BASELINES))
WORK = Ensemble("tasks", (TASKS,), parts=(ASSIGNMENTS, CHECKLISTS, TASK_LABELS, TASK_BASELINES))
LINKS = Ensemble("dependencies", (DEPENDENCIES,))
PEOPLE = Ensemble("people", (RESOURCES,), by_project=False)

ENSEMBLES = (PEOPLE, PLANS, WORK, LINKS)
TABLES: tuple[Table, ...] = (*(table for ensemble in ENSEMBLES for table in ensemble.all), PROGRAMS)
BY_KIND = {table.kind: table for table in TABLES}
DICTIONARIES = (PROJECTS, BUCKETS, LABELS, BASELINES)
"""Tables whose rows are looked up in mapping others: a change of one makes its project's reference stale."""
