"""The values a simulated Jira site consists of: frozen, so that one generated site serves many tests.

An issue keeps what can change in `values`, by Jira field id, as raw ids: status "3", sprints (34, 35), a parent as the numeric
issue id. Rendering and the change log are made from that; nothing is stored twice.
"""
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

Values = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Person:
    account_id: str
    name: str
    email: str | None
    active: bool = True
    account_type: str = "atlassian"
    time_zone: str = "Europe/Oslo"


@dataclass(frozen=True, slots=True)
class Status:
    id: str
    name: str
    category: str                       # new | indeterminate | done
    project_id: str | None = None       # set: the status belongs to one team-managed project


@dataclass(frozen=True, slots=True)
class IssueType:
    id: str
    name: str
    level: int                          # -1 sub-task, 0 base, 1 epic, 2 initiative
    avatar_id: int
    project_id: str | None = None


@dataclass(frozen=True, slots=True)
class Named:
    """A priority, resolution, team or select option."""
    id: str
    name: str
    description: str = ""


@dataclass(frozen=True, slots=True)
class LinkType:
    id: str
    name: str
    inward: str
    outward: str


@dataclass(frozen=True, slots=True)
class Field:
    id: str
    name: str
    type: str
    items: str | None = None
    custom: str | None = None           # schema.custom, the only reliable sign of what a custom field is
    navigable: bool = True
    project_id: str | None = None


@dataclass(frozen=True, slots=True)
class Version:
    id: str
    name: str
    project_id: str
    released: bool = False
    archived: bool = False
    start: date | None = None
    release: date | None = None
    description: str = ""


@dataclass(frozen=True, slots=True)
class Component:
    id: str
    name: str
    project_id: str
    lead: str | None = None


@dataclass(frozen=True, slots=True)
class Project:
    id: str
    key: str
    name: str
    lead: str
    category: Named
    type_ids: tuple[str, ...]
    versions: tuple[Version, ...] = ()
    components: tuple[Component, ...] = ()
    team_managed: bool = False
    description: str = ""


@dataclass(frozen=True, slots=True)
class Column:
    name: str
    status_ids: tuple[str, ...]
    limit: int | None = None


@dataclass(frozen=True, slots=True)
class Board:
    id: int
    name: str
    type: str                           # scrum | kanban | simple
    project_id: str
    columns: tuple[Column, ...]
    estimation_field: str | None = None
    sprint_ids: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Sprint:
    id: int
    name: str
    state: str                          # future | active | closed
    board_id: int                       # the board it was made on; others may show it too
    created: datetime
    start: datetime | None = None
    end: datetime | None = None
    complete: datetime | None = None
    goal: str = ""


@dataclass(frozen=True, slots=True)
class Change:
    field: str
    field_id: str | None                # absent for Key, project, Link, Parent in what Jira sends
    kind: str                           # jira | custom
    before: str | None
    before_text: str | None
    after: str | None
    after_text: str | None


@dataclass(frozen=True, slots=True)
class History:
    id: int
    created: datetime
    author: str | None
    changes: tuple[Change, ...]


@dataclass(frozen=True, slots=True)
class Comment:
    id: int
    created: datetime
    updated: datetime
    author: str | None
    body: Any                           # an ADF document


@dataclass(frozen=True, slots=True)
class Worklog:
    id: int
    created: datetime
    updated: datetime
    author: str | None
    started: datetime
    seconds: int
    comment: Any = None                 # an ADF document


@dataclass(frozen=True, slots=True)
class Link:
    id: int
    type_id: str
    source: int                         # "source blocks target": the outward end is seen from the source
    target: int


@dataclass(frozen=True, slots=True)
class Issue:
    id: int
    key: str
    project_id: str
    created: datetime
    updated: datetime
    creator: str | None
    values: Values
    status_changed: datetime
    resolved: datetime | None = None
    histories: tuple[History, ...] = ()
    comments: tuple[Comment, ...] = ()
    worklogs: tuple[Worklog, ...] = ()

    @property
    def number(self) -> int:
        return int(self.key.rpartition("-")[2])


@dataclass(frozen=True, slots=True)
class Dictionary:
    """What is defined once for the whole site."""
    statuses: tuple[Status, ...]
    types: tuple[IssueType, ...]
    priorities: tuple[Named, ...]
    resolutions: tuple[Named, ...]
    link_types: tuple[LinkType, ...]
    fields: tuple[Field, ...]
    options: Mapping[str, tuple[Named, ...]]     # by field id
    teams: tuple[Named, ...] = ()


@dataclass(frozen=True, slots=True)
class Site:
    seed: int
    now: datetime                       # the instant the history ends at
    cloud_id: str
    base_url: str                       # what `self` links begin with; not where the simulator listens
    title: str
    caller: str                         # account id of whoever the API token belongs to
    dictionary: Dictionary
    people: tuple[Person, ...]
    projects: tuple[Project, ...]
    boards: tuple[Board, ...]
    sprints: tuple[Sprint, ...]
    issues: tuple[Issue, ...]
    links: tuple[Link, ...]
    profiles: Mapping[str, str] = field(default_factory=dict)    # project key -> the shape it is in, for tests and the demo
