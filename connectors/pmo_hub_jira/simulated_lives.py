"""How one issue of the generated organisation lives: created, refined, assigned, worked on, finished.

A life is planned as if time went on for ever and is cut at the project's horizon when it is told, so that the state of an issue
always follows from its history and a project that fell silent simply has an early horizon.
"""
from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import Any

from pmo_hub_jira import simulated_dictionary as d
from pmo_hub_jira import simulated_text as text
from pmo_hub_jira.simulated_site import Person, Project, Sprint


@dataclass(frozen=True, slots=True)
class Profile:
    """The shape that a project of the generated organisation is in."""
    shape: str
    key: str
    name: str
    method: str                         # scrum | kanban | waterfall
    weight: int                         # issues in the demo size
    category: str = "Change"
    late: float = 0.05                  # share of items that overrun their date by weeks or never end
    unassigned: float = 0.06            # share of near-term items that nobody owns
    silent_days: int = 0
    blocked: int = 0
    risks: int = 0
    initiative: bool = False
    localised: bool = False


@dataclass(frozen=True, slots=True)
class Step:
    at: datetime
    author: str | None
    values: tuple[tuple[str, Any], ...]


@dataclass(slots=True, eq=False)
class Draft:
    """An issue before it has an id; `values` are those at creation, a parent is another draft."""
    project: Project
    created: datetime
    creator: str | None
    values: dict[str, Any]
    parent: Draft | None = None
    steps: list[Step] = field(default_factory=list)
    comments: list[tuple[datetime, str | None, Any]] = field(default_factory=list)
    links: list[tuple[str, Draft]] = field(default_factory=list)
    started: datetime | None = None
    finished: datetime | None = None
    id: int = 0
    key: str = ""


@dataclass(slots=True)
class Scene:
    """What the lives of one project have in common."""
    random: Random
    profile: Profile
    project: Project
    team: tuple[Person, ...]
    robot: str
    now: datetime
    horizon: datetime
    first: datetime
    drafts: list[Draft] = field(default_factory=list)
    sprints: list[Sprint] = field(default_factory=list)

    def member(self) -> str:
        return self.random.choice(self.team).account_id

    def at_work(self, moment: datetime) -> datetime:
        """The moment moved into a working hour of a weekday, never backwards past its own day."""
        day = moment.replace(hour=7, minute=0, second=0, microsecond=0)
        while day.weekday() > 4:
            day += timedelta(days=1)
        return day + timedelta(seconds=self.random.randrange(9 * 3600), milliseconds=self.random.randrange(1000))

    def after(self, earlier: datetime, days: float) -> datetime:
        """A working moment some days later, always later than the earlier one."""
        return max(self.at_work(earlier + timedelta(days=days)), earlier + timedelta(minutes=self.random.randrange(4, 90)))

    @property
    def statuses(self) -> tuple[str, str, str, str]:
        """(first, in work, in review, done) of the project's workflow."""
        if self.profile.localised:
            return d.LOCAL_OPEN, d.LOCAL_WORK, d.LOCAL_WORK, d.LOCAL_DONE
        if self.profile.method == "waterfall":
            return d.OPEN, d.IN_PROGRESS, d.IN_PROGRESS, d.DONE
        return (d.BACKLOG if self.profile.method == "kanban" else d.TO_DO), d.IN_PROGRESS, d.IN_REVIEW, d.DONE

    @property
    def points_field(self) -> str:
        return d.POINT_ESTIMATE if self.profile.localised else d.STORY_POINTS

    def draft(self, type_id: str, created: datetime, parent: Draft | None = None, **values: Any) -> Draft:
        """A new issue with believable values at its creation."""
        random, project = self.random, self.project
        reporter = self.member()
        start = {
            "issuetype": type_id, "summary": text.summary(random, self.profile.localised), "status": self.statuses[0],
            "priority": random.choices((d.HIGHEST, d.HIGH, d.MEDIUM, d.LOW, d.LOWEST), (2, 18, 58, 17, 5))[0],
            "reporter": reporter, "labels": tuple(sorted(random.sample(text.LABELS, random.choice((0, 0, 1, 1, 2))))),
            "components": (random.choice(project.components).id,) if project.components and random.random() < 0.6 else (),
            "fixVersions": (random.choice(project.versions).id,) if project.versions and random.random() < 0.35 else (),
            "description": text.description(random, tuple((p.account_id, p.name) for p in self.team), created),
            d.RANK: "", d.WORK_STREAM: random.choice((None, "10200", "10201", "10202")),
            d.BUSINESS_VALUE: random.choice((None, None, 10.0, 20.0, 50.0, 80.5)),
            d.APPROVER: self.member() if random.random() < 0.15 else None, d.TEAM: None} | values
        if self.profile.localised:
            start[d.EFFORT] = random.choice((None, 0.5, 1.0, 4.0))
        draft = Draft(project, created, self.robot if random.random() < 0.04 else reporter, start, parent)
        self.drafts.append(draft)
        return draft

    def step(self, draft: Draft, at: datetime, author: str | None, **values: Any) -> datetime:
        at = at.replace(microsecond=at.microsecond // 1000 * 1000)
        draft.steps.append(Step(at, author, tuple(values.items())))
        return at


def refine(scene: Scene, draft: Draft, by: datetime) -> None:
    """The team estimates the draft some time before `by`; one in seven is estimated again."""
    random, field_id = scene.random, scene.points_field
    room = max((by - draft.created).total_seconds() / 86400 * 0.8, 0.05)
    at = scene.after(draft.created, random.uniform(0, room))
    points = random.choices((1.0, 2.0, 3.0, 5.0, 8.0, 13.0), (10, 22, 30, 24, 10, 4))[0]
    scene.step(draft, at, scene.member(), **{field_id: points})
    if random.random() < 0.15:
        scene.step(draft, scene.after(at, random.uniform(0, 2)), scene.member(), **{field_id: points + random.choice((1.0, 2.0, 3.0))})


def work(scene: Scene, draft: Draft, begin: datetime, days: float, ends: bool = True, assigned: bool = True) -> None:
    """The draft is taken up at `begin` and, if it ends, is done about `days` later; sets started and finished."""
    random = scene.random
    _, doing, review, done = scene.statuses
    worker = scene.member()
    at = scene.after(draft.created, 0.01) if begin <= draft.created else scene.at_work(begin)
    at = max(at, draft.created + timedelta(minutes=2))
    if assigned:
        early = max(draft.created + timedelta(minutes=1), at - timedelta(hours=random.randrange(1, 40)))
        scene.step(draft, min(early, at), random.choice((worker, scene.member())), assignee=worker)
    draft.started = scene.step(draft, at, worker, status=doing)
    if random.random() < 0.1:
        worker = scene.member()
        at = scene.step(draft, scene.after(at, days * 0.3), worker, assignee=worker)
    if not ends:
        return
    if review != doing:
        at = scene.step(draft, scene.after(at, days * 0.6), worker, status=review)
        if random.random() < 0.12:
            at = scene.step(draft, scene.after(at, 0.5), scene.member(), status=doing)
            at = scene.step(draft, scene.after(at, days * 0.3), worker, status=review)
    if random.random() < 0.04 and not scene.profile.localised:
        draft.finished = scene.step(draft, scene.after(at, days * 0.4), worker, status=d.CANCELLED, resolution=d.DECLINED)
    else:
        draft.finished = scene.step(draft, scene.after(at, days * 0.4), worker, status=done, resolution=d.RESOLVED)


def block(scene: Scene, draft: Draft, since: datetime, by: Draft | None) -> None:
    """The draft is stuck from `since` on: flagged, Highest, in status Blocked, with a link to what blocks it."""
    since = max(since, draft.created + timedelta(hours=1))
    draft.steps = [step for step in draft.steps if step.at < since]
    draft.finished = None
    who = scene.member()
    scene.step(draft, since, who, **{d.FLAGGED: (d.IMPEDIMENT,), "priority": d.HIGHEST})
    scene.step(draft, since + timedelta(minutes=3), who, status=d.BLOCKED)
    draft.comments.append((since + timedelta(minutes=5), who, text.remark(scene.random)))
    if by is not None:
        by.links.append((d.BLOCKS, draft))


def chat(scene: Scene, draft: Draft) -> None:
    """A few comments between creation and the draft's end; about one issue in four has any."""
    if scene.random.random() < 0.75:
        return
    end = min(draft.finished or scene.horizon, scene.horizon)
    for _ in range(scene.random.choice((1, 1, 2, 4))):
        span = max((end - draft.created).total_seconds(), 600.0)
        at = draft.created + timedelta(seconds=int(scene.random.uniform(60, span)))
        draft.comments.append((at, scene.member(), text.remark(scene.random)))
