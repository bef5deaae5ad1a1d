"""The words of the canonical model: closed sets that every source is mapped onto."""

from __future__ import annotations

from enum import StrEnum


class Kind(StrEnum):
    """What a work item is, whatever its tool calls it."""

    INITIATIVE = "initiative"
    EPIC = "epic"
    STORY = "story"
    TASK = "task"
    BUG = "bug"
    MILESTONE = "milestone"
    SUMMARY = "summary"
    SUB_ITEM = "sub_item"
    RISK = "risk"
    ISSUE = "issue"
    OTHER = "other"


class StatusCategory(StrEnum):
    """Where an item stands; the source's own status is kept beside it."""

    TODO = "todo"
    IN_PROGRESS = "in_progress"
    DONE = "done"
    CANCELLED = "cancelled"


class Uncounted(StrEnum):
    """Why an item is left out of every measure."""

    SUMMARY = "summary"
    SUB_ITEM = "sub_item"
    MIRROR = "mirror"
    TEMPLATE = "template"
    INACTIVE = "inactive"
    REGISTER = "register"
    DUPLICATE = "duplicate"
    RULE = "rule"  # an admin's


class Phased(StrEnum):
    """What is told of an item day by day."""

    PLANNED = "planned"
    ACTUAL = "actual"
    BASELINE = "baseline"


class Constraint(StrEnum):
    """What binds a planned item's dates besides its links."""

    AS_SOON_AS_POSSIBLE = "as_soon_as_possible"
    AS_LATE_AS_POSSIBLE = "as_late_as_possible"
    MUST_START_ON = "must_start_on"
    MUST_FINISH_ON = "must_finish_on"
    START_NO_EARLIER_THAN = "start_no_earlier_than"
    START_NO_LATER_THAN = "start_no_later_than"
    FINISH_NO_EARLIER_THAN = "finish_no_earlier_than"
    FINISH_NO_LATER_THAN = "finish_no_later_than"


class ResourceKind(StrEnum):
    WORK = "work"
    MATERIAL = "material"
    COST = "cost"


class DependencyType(StrEnum):
    """Which end of the predecessor binds which end of the successor."""

    FINISH_TO_START = "FS"
    START_TO_START = "SS"
    FINISH_TO_FINISH = "FF"
    START_TO_FINISH = "SF"


class IterationState(StrEnum):
    FUTURE = "future"
    ACTIVE = "active"
    CLOSED = "closed"


class RecordType(StrEnum):
    """The record types that connectors map payloads to; part of every row's id, so a value is never renamed."""

    WORK_ITEM = "work_item"
    DEPENDENCY = "dependency"
    TRANSITION = "transition"
    COMMENT = "comment"
    WORKLOG = "worklog"
    CUSTOM_VALUE = "custom_value"
    ITERATION = "iteration"
    BOARD = "board"
    BOARD_COLUMN = "board_column"
    LABEL = "label"
    COMPONENT = "component"
    VERSION = "version"
    IDENTITY = "identity"
    PLAN = "plan"
    SCHEDULE = "schedule"
    BASELINE = "baseline"
    EARNED_VALUE = "earned_value"
    RESOURCE = "resource"
    ASSIGNMENT = "assignment"
    CALENDAR = "calendar"
    CALENDAR_EXCEPTION = "calendar_exception"
    STAGE_PASSAGE = "stage_passage"
    REGISTER_ENTRY = "register_entry"
    TIME_PHASED = "time_phased"
    PLAN_VALUE = "plan_value"


class Field(StrEnum):
    """Canonical names of the fields whose changes a source records as transitions."""

    STATUS = "status"
    ASSIGNEE = "assignee"
    ITERATION = "iteration"
    POINTS = "points"
    PARENT = "parent"
    DUE = "due"
    PLANNED_START = "planned_start"
    PRIORITY = "priority"
    TITLE = "title"
    DESCRIPTION = "description"
    TYPE = "type"
    KEY = "key"
    SCOPE = "scope"
    RESOLUTION = "resolution"
    FLAGGED = "flagged"
    LABELS = "labels"
    COMPONENTS = "components"
    VERSIONS = "versions"
    WORK = "work"
    REMAINING = "remaining"
    DEPENDENCY = "dependency"
    OTHER = "other"
