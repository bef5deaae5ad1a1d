"""The shapes of Jira's answers, as typed structs that declare only what is used; everything else is skipped unparsed.

Any field may be null in a 200 answer, so only what nothing works without is required here. None of them can be part of a cycle, so the
garbage collector need not follow them (`gc=False`). The frozen ones come again and again with the same values: what is made of them is
looked up by them.
"""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Raw, Struct


class User(Struct, rename="camel", frozen=True, gc=False):
    """`account_id` on Cloud; on Data Center `key`, which stays when the user is renamed, unlike `name`."""

    account_id: str | None = None
    display_name: str | None = None
    email_address: str | None = None
    active: bool | None = None
    account_type: str | None = None
    key: str | None = None
    name: str | None = None


class Named(Struct, rename="camel", frozen=True, gc=False):
    id: str | None = None
    name: str | None = None


class Category(Struct, rename="camel", frozen=True, gc=False):
    key: str | None = None


class Status(Struct, rename="camel", frozen=True, gc=False):
    id: str
    name: str | None = None
    status_category: Category | None = None


class IssueType(Struct, rename="camel", frozen=True, gc=False):
    id: str
    name: str | None = None
    subtask: bool | None = None
    hierarchy_level: int | None = None


class Version(Struct, rename="camel", frozen=True, gc=False):
    id: str
    name: str | None = None
    released: bool | None = None
    archived: bool | None = None
    start_date: str | None = None
    release_date: str | None = None


class Identified(Struct, rename="camel", gc=False):
    id: str


class Link(Struct, rename="camel", gc=False):
    """Exactly one of the two ends is given: the other is the issue that holds the link."""

    id: str
    type: Named | None = None
    inward_issue: Identified | None = None
    outward_issue: Identified | None = None


class Comment(Struct, rename="camel", gc=False):
    id: str
    author: User | None = None
    body: Raw = Raw(b"null")
    created: str | None = None
    updated: str | None = None


class Comments(Struct, rename="camel", gc=False):
    """Comments embedded in an issue: cut short where `total` is more than there are."""

    total: int | None = None
    comments: list[Comment] | None = None


class Worklog(Struct, rename="camel", gc=False):
    id: str
    author: User | None = None
    comment: Raw = Raw(b"null")
    created: str | None = None
    updated: str | None = None
    started: str | None = None
    time_spent_seconds: int | None = None


class Sprint(Struct, rename="camel", gc=False):
    id: int
    name: str | None = None
    state: str | None = None
    goal: str | None = None
    start_date: str | None = None
    end_date: str | None = None
    complete_date: str | None = None
    origin_board_id: int | None = None


class Numbered(Struct, gc=False):
    """A sprint where nothing but its id is taken from the issue."""

    id: int


class TimeTracking(Struct, rename="camel", gc=False):
    original_estimate_seconds: int | None = None
    remaining_estimate_seconds: int | None = None
    time_spent_seconds: int | None = None


class Option(Struct, rename="camel", gc=False):
    """A value of a select field; `child` is the second level of a cascading one."""

    id: str | None = None
    value: str | None = None
    child: Option | None = None


class ChangeItem(
    Struct, rename={"field_id": "fieldId", "before": "from", "before_text": "fromString", "after": "to", "after_text": "toString"}
):
    field: str | None = None
    field_id: str | None = None
    before: Any = None
    before_text: str | None = None
    after: Any = None
    after_text: str | None = None


class History(Struct, rename="camel", gc=False):
    """One entry of a changelog. `created` is a number in the bulk answer and text in an issue's own changelog."""

    id: str
    created: int | str | None = None
    author: User | None = None
    items: list[ChangeItem] | None = None


class Board(Struct, rename="camel", gc=False):
    id: int
    name: str | None = None
    type: str | None = None
    location: Location | None = None


class Location(Struct, rename="camel", gc=False):
    project_id: int | str | None = None


class Column(Struct, rename="camel", gc=False):
    name: str | None = None
    statuses: list[Identified] | None = None
    min: int | None = None
    max: int | None = None


class ColumnConfig(Struct, rename="camel", gc=False):
    columns: list[Column] | None = None


class EstimationField(Struct, rename="camel", gc=False):
    field_id: str | None = None


class Estimation(Struct, rename="camel", gc=False):
    field: EstimationField | None = None


class Configuration(Struct, rename="camel", gc=False):
    column_config: ColumnConfig | None = None
    estimation: Estimation | None = None


class BoardPayload(Struct, rename="camel", gc=False):
    """What a board's payload holds: two answers joined."""

    board: Board
    configuration: Configuration | None = None


# What splits pages into payloads: as little as a page can be split by.


class SearchPage(Struct, rename="camel", gc=False):
    issues: list[Raw] | None = None
    next_page_token: str | None = None
    is_last: bool | None = None


class EmbeddedComments(Struct, rename="camel", gc=False):
    total: int | None = None
    comments: list[Raw] | None = None


class Worklogs(Struct, rename="camel", gc=False):
    """The worklogs embedded in an issue, twenty at most, and a page of an issue's own."""

    total: int | None = None
    worklogs: list[Raw] | None = None


class HeadFields(Struct, rename="camel", gc=False):
    project: Identified
    updated: str
    created: str | None = None
    comment: EmbeddedComments | None = None
    worklog: Worklogs | None = None


class WorklogHead(Struct, rename="camel", gc=False):
    id: str
    issue_id: str
    updated: str | None = None


class ChangedWorklog(Struct, rename="camel", gc=False):
    worklog_id: int
    updated_time: int | None = None


class ChangedWorklogs(Struct, rename="camel", gc=False):
    """A page of what was changed, or deleted, on the whole site since an instant, the oldest first; times are epoch ms.

    Some versions of Data Center say `isLastPage` where all others say `lastPage`.
    """

    values: list[ChangedWorklog] | None = None
    until: int | None = None
    last_page: bool | None = None
    is_last_page: bool | None = None


class Head(Struct, rename="camel", gc=False):
    id: str
    fields: HeadFields


class IssueError(Struct, rename="camel", gc=False):
    id: str | None = None
    error_message: str | None = None


class BulkIssues(Struct, rename="camel", gc=False):
    issues: list[Raw] | None = None
    issue_errors: list[IssueError] | None = None


class IssueChangeLog(Struct, rename="camel", gc=False):
    issue_id: str
    change_histories: list[Raw] | None = None


class ChangelogPage(Struct, rename="camel", gc=False):
    issue_change_logs: list[IssueChangeLog] | None = None
    next_page_token: str | None = None


class CommentPage(Struct, rename="camel", gc=False):
    total: int | None = None
    comments: list[Raw] | None = None


class Count(Struct, rename="camel", gc=False):
    count: int


class Values(Struct, rename="camel", gc=False):
    """A page of the offset kind."""

    values: list[Raw] | None = None
    is_last: bool | None = None
    total: int | None = None


class Insight(Struct, rename="camel", gc=False):
    total_issue_count: int | None = None


class Project(Struct, rename="camel", gc=False):
    id: str
    key: str | None = None
    name: str | None = None
    insight: Insight | None = None


class Component(Struct, rename="camel", gc=False):
    id: str
    name: str | None = None
    lead: User | None = None


class WholeProject(Struct, rename="camel", gc=False):
    versions: list[Raw] | None = None
    components: list[Raw] | None = None


class Releases(Struct, gc=False):
    """What a payload of a project's versions and components holds."""

    versions: list[Version] | None = None
    components: list[Component] | None = None


class Tenant(Struct, rename="camel", gc=False):
    cloud_id: str | None = None


class ErrorBody(Struct, rename="camel", gc=False):
    error_messages: list[str] | None = None
    errors: dict[str, Any] | None = None
    message: str | None = None
    error_message: str | None = None


class Priority(Struct, rename="camel", gc=False):
    id: str
    sequence: str | int | None = None


class Priorities(Struct, rename="camel", gc=False):
    values: list[Priority] | None = None


class PriorityScheme(Struct, rename="camel", gc=False):
    default: bool | None = None
    is_default: bool | None = None
    priorities: Priorities | None = None


class PrioritySchemes(Struct, rename="camel", gc=False):
    values: list[PriorityScheme] | None = None


TENANT = msgspec.json.Decoder(Tenant)
COUNT = msgspec.json.Decoder(Count)
SEARCH_PAGE = msgspec.json.Decoder(SearchPage)
BULK_ISSUES = msgspec.json.Decoder(BulkIssues)
CHANGELOG_PAGE = msgspec.json.Decoder(ChangelogPage)
WORKLOGS = msgspec.json.Decoder(Worklogs)
WORKLOG_HEAD = msgspec.json.Decoder(WorklogHead)
WORKLOG = msgspec.json.Decoder(Worklog)
RAWS = msgspec.json.Decoder(list[Raw])
CHANGED_WORKLOGS = msgspec.json.Decoder(ChangedWorklogs)
COMMENT_PAGE = msgspec.json.Decoder(CommentPage)
VALUES = msgspec.json.Decoder(Values)
PROJECT = msgspec.json.Decoder(Project)
WHOLE_PROJECT = msgspec.json.Decoder(WholeProject)
RELEASES = msgspec.json.Decoder(Releases)
BOARD = msgspec.json.Decoder(Board)
CONFIGURATION = msgspec.json.Decoder(Configuration)
SPRINT = msgspec.json.Decoder(Sprint)
HEAD = msgspec.json.Decoder(Head)
IDENTIFIED = msgspec.json.Decoder(Identified)
ERROR_BODY = msgspec.json.Decoder(ErrorBody)
PRIORITY_SCHEMES = msgspec.json.Decoder(PrioritySchemes)
HISTORY = msgspec.json.Decoder(History)
COMMENT_LIST = msgspec.json.Decoder(list[Comment])
BOARD_PAYLOAD = msgspec.json.Decoder(BoardPayload)
