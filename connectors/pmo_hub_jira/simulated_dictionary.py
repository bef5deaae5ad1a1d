"""The site-wide dictionaries of the simulated Jira: statuses, types, priorities, fields, options."""
from __future__ import annotations

from pmo_hub_jira.simulated_site import Dictionary, Field, IssueType, LinkType, Named, Status

SPRINT, STORY_POINTS, POINT_ESTIMATE = "customfield_10020", "customfield_10026", "customfield_10016"
EPIC_LINK, EPIC_NAME, START_DATE, RANK = "customfield_10014", "customfield_10011", "customfield_10015", "customfield_10019"
TEAM, FLAGGED, DEVELOPMENT = "customfield_10001", "customfield_10021", "customfield_10000"
BUSINESS_VALUE, WORK_STREAM, APPROVER, TARGET_END = "customfield_10040", "customfield_10041", "customfield_10042", "customfield_10043"
LIKELIHOOD, IMPACT, ACCEPTANCE, GO_LIVE = "customfield_10044", "customfield_10045", "customfield_10046", "customfield_10047"
EFFORT = "customfield_10190"            # belongs to the team-managed project alone

TO_DO, BACKLOG, IN_PROGRESS, IN_REVIEW, BLOCKED, DONE, CANCELLED, ON_HOLD, OPEN = (
    "10000", "10001", "3", "10002", "10003", "10004", "10005", "10006", "1")
LOCAL_OPEN, LOCAL_WORK, LOCAL_DONE = "10101", "10102", "10103"
EPIC, STORY, TASK, BUG, SUB_TASK, RISK, MILESTONE, INITIATIVE = (
    "10000", "10001", "10002", "10004", "10003", "10010", "10011", "10012")
LOCAL_EPIC, LOCAL_TASK, LOCAL_SUB_TASK, LOCAL_BUG = "10101", "10102", "10103", "10104"
BLOCKS, CLONES, RELATES = "10000", "10001", "10003"
RESOLVED, DECLINED, DUPLICATE = "10000", "10001", "10002"
HIGHEST, HIGH, MEDIUM, LOW, LOWEST = "1", "2", "3", "4", "5"
IMPEDIMENT = "10019"

_TYPES = "com.atlassian.jira.plugin.system.customfieldtypes:"
_AGILE = "com.pyxis.greenhopper.jira:"


def _system(id: str, name: str, type: str, items: str | None = None, navigable: bool = True) -> Field:
    return Field(id, name, type, items, None, navigable)


FIELDS: tuple[Field, ...] = (
    _system("statuscategorychangedate", "Status Category Changed", "datetime"),
    _system("issuetype", "Issue Type", "issuetype"), _system("parent", "Parent", "issuelink"),
    _system("timespent", "Time Spent", "number"), _system("project", "Project", "project"),
    Field(TEAM, "Team", "team", None, _TYPES + "atlassian-team"),
    _system("fixVersions", "Fix versions", "array", "version"), _system("aggregatetimespent", "Σ Time Spent", "number"),
    _system("resolution", "Resolution", "resolution"), _system("resolutiondate", "Resolved", "datetime"),
    _system("workratio", "Work Ratio", "number"), _system("lastViewed", "Last Viewed", "datetime"),
    _system("watches", "Watchers", "watches"), _system("created", "Created", "datetime"),
    Field(SPRINT, "Sprint", "array", "json", _AGILE + "gh-sprint"),
    _system("priority", "Priority", "priority"), _system("labels", "Labels", "array", "string"),
    Field(POINT_ESTIMATE, "Story point estimate", "number", None, _AGILE + "jsw-story-points"),
    Field(STORY_POINTS, "Story Points", "number", None, _TYPES + "float"),
    Field(START_DATE, "Start date", "date", None, _TYPES + "datepicker"),
    Field(RANK, "Rank", "any", None, _AGILE + "gh-lexo-rank"),
    Field(FLAGGED, "Flagged", "array", "option", _TYPES + "multicheckboxes"),
    Field(EPIC_LINK, "Epic Link", "any", None, _AGILE + "gh-epic-link"),
    Field(EPIC_NAME, "Epic Name", "string", None, _AGILE + "gh-epic-label"),
    _system("timeestimate", "Remaining Estimate", "number"),
    _system("aggregatetimeoriginalestimate", "Σ Original Estimate", "number"),
    _system("versions", "Affects versions", "array", "version"), _system("issuelinks", "Linked Issues", "array", "issuelinks"),
    _system("assignee", "Assignee", "user"), _system("updated", "Updated", "datetime"), _system("status", "Status", "status"),
    _system("components", "Components", "array", "component"),
    _system("timeoriginalestimate", "Original estimate", "number"), _system("description", "Description", "string"),
    _system("timetracking", "Time tracking", "timetracking", None, False), _system("security", "Security Level", "securitylevel"),
    _system("aggregatetimeestimate", "Σ Remaining Estimate", "number"), _system("attachment", "Attachment", "array", "attachment"),
    _system("summary", "Summary", "string"), _system("creator", "Creator", "user"),
    _system("subtasks", "Sub-tasks", "array", "issuelinks"), _system("reporter", "Reporter", "user"),
    _system("aggregateprogress", "Σ Progress", "progress"), _system("environment", "Environment", "string"),
    _system("duedate", "Due date", "date"), _system("progress", "Progress", "progress"), _system("votes", "Votes", "votes"),
    Field(BUSINESS_VALUE, "Business Value", "number", None, _TYPES + "float"),
    Field(WORK_STREAM, "Work stream", "option", None, _TYPES + "select"),
    Field(APPROVER, "Approver", "user", None, _TYPES + "userpicker"),
    Field(TARGET_END, "Target end", "date", None, "com.atlassian.jpo:jpo-custom-field-baseline-end"),
    Field(LIKELIHOOD, "Likelihood", "option", None, _TYPES + "select"), Field(IMPACT, "Impact", "option", None, _TYPES + "select"),
    Field(ACCEPTANCE, "Acceptance criteria", "string", None, _TYPES + "textarea"),
    Field(GO_LIVE, "Go-live", "datetime", None, _TYPES + "datetime"),
    Field(DEVELOPMENT, "Development", "any", None, "com.atlassian.jira.plugins.jira-development-integration-plugin:devsummarycf"),
    Field(EFFORT, "Aufwand", "number", None, _TYPES + "float", True, "localised"),
    _system("comment", "Comment", "comments-page", None, False), _system("worklog", "Log Work", "array", "worklog", False),
)


def dictionary(localised_project: str | None) -> Dictionary:
    """The site's dictionaries; statuses, types and a field of the team-managed project are scoped to it."""
    own = localised_project
    statuses = (
        Status(OPEN, "Open", "new"), Status(TO_DO, "To Do", "new"), Status(BACKLOG, "Backlog", "new"),
        Status(IN_PROGRESS, "In Progress", "indeterminate"), Status(IN_REVIEW, "In Review", "indeterminate"),
        Status(BLOCKED, "Blocked", "indeterminate"), Status(ON_HOLD, "On Hold", "indeterminate"),
        Status(DONE, "Done", "done"), Status(CANCELLED, "Won't Do", "done"),
        Status(LOCAL_OPEN, "Offen", "new", own), Status(LOCAL_WORK, "In Arbeit", "indeterminate", own),
        # Team-managed projects own their statuses, so that one name stands for two ids on one site.
        Status(LOCAL_DONE, "Done", "done", own))
    types = (
        IssueType(EPIC, "Epic", 1, 10307), IssueType(STORY, "Story", 0, 10315), IssueType(TASK, "Task", 0, 10318),
        IssueType(BUG, "Bug", 0, 10303), IssueType(SUB_TASK, "Sub-task", -1, 10316), IssueType(RISK, "Risk", 0, 10308),
        IssueType(MILESTONE, "Milestone", 0, 10309), IssueType(INITIATIVE, "Initiative", 2, 10310),
        IssueType(LOCAL_EPIC, "史诗", 1, 10307, own), IssueType(LOCAL_TASK, "Aufgabe", 0, 10318, own),
        IssueType(LOCAL_SUB_TASK, "Unteraufgabe", -1, 10316, own), IssueType(LOCAL_BUG, "缺陷", 0, 10303, own))
    scale = ("Very low", "Low", "Medium", "High", "Very high")
    options = {
        WORK_STREAM: tuple(Named(str(10200 + n), name) for n, name in enumerate(("Run", "Change", "Comply"))),
        LIKELIHOOD: tuple(Named(str(10210 + n), name) for n, name in enumerate(scale)),
        IMPACT: tuple(Named(str(10220 + n), name) for n, name in enumerate(scale)),
        FLAGGED: (Named(IMPEDIMENT, "Impediment"),)}
    names = ("Highest", "High", "Medium", "Low", "Lowest")
    return Dictionary(
        statuses=statuses if own else tuple(status for status in statuses if int(status.id) not in range(10101, 10104)),
        types=types if own else types[:8],
        priorities=tuple(Named(str(n), name) for n, name in enumerate(names, 1)),
        resolutions=(Named(RESOLVED, "Done", "The work is finished."), Named(DECLINED, "Won't Do", "Nobody will work on this."),
                     Named(DUPLICATE, "Duplicate", "Another issue covers it.")),
        link_types=(LinkType(BLOCKS, "Blocks", "is blocked by", "blocks"), LinkType(CLONES, "Cloners", "is cloned by", "clones"),
                    LinkType(RELATES, "Relates", "relates to", "relates to")),
        fields=tuple(Field(f.id, f.name, f.type, f.items, f.custom, f.navigable, own) if f.project_id else f
                     for f in FIELDS if own or not f.project_id),
        options=options,
        teams=tuple(Named(f"6f0c1d2e-0000-4000-8000-{n:012d}", f"Team {name}")
                    for n, name in enumerate(("Aurora", "Basalt", "Cedar", "Delta"))))
