"""Generates the organisation's plans in Dataverse: pure, seeded, relative to the `now` it is given. Phases, links, people, baselines."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random

from pmo_hub.sdk.simulated_people import Colleague, colleagues
from pmo_hub_dataverse import simulated_schema as s
from pmo_hub_dataverse.simulated_world import World, new_id, stamp

HOURS = 8.0
NAMES = (
    "Fleet Renewal", "Plant Upgrade · Plan", "Office Relocation", "Warehouse Automation", "Data Centre Exit", "Brand Refresh",
    "Supplier Portal Launch", "Energy Certification",
)  # fmt: skip
PHASES = ("Initiate", "Analyse", "Design", "Build", "Test", "Train", "Roll out", "Close")
WORK = (
    "Draft the charter", "Collect requirements", "Interview departments", "Map the process", "Choose the supplier",
    "Negotiate the contract",
    "Order the equipment", "Prepare the site", "Configure the system", "Migrate master data", "Write test cases", "Run the dress rehearsal",
    "Train key users", "Prepare the cutover", "Approve the budget", "Review the risks", "Set up reporting", "Hand over to operations",
)  # fmt: skip
CHECKS = ("Agree with the owner", "Update the documents", "Inform the works council", "File the approval")
LABEL_TEXTS = ("Critical path", "External", "Budget", "Compliance", "Waiting")
SIZES = {"small": (len(NAMES), 32), "medium": (40, 100)}


@dataclass(frozen=True, slots=True)
class Shape:
    """How many plans of how many tasks."""

    plans: int
    tasks: int


def shape_of(size: str | int) -> Shape:
    """small, medium, a number of tasks, or plans and tasks a plan such as 500x400."""
    if isinstance(size, str) and size in SIZES:
        return Shape(*SIZES[size])
    if isinstance(size, str) and "x" in size:
        first, _, second = size.partition("x")
        return Shape(int(first), int(second))
    count = int(size)
    if count < 10:
        raise ValueError("an organisation needs at least 10 tasks")
    plans = max(3, min(len(NAMES), count // 32))
    return Shape(plans, max(3, count // plans))


def populate(world: World, seed: int, size: str | int, now: datetime) -> None:
    """The world holds the organisation's plans. Rows are as old as the organisation: none of them counts as a change."""
    shape = shape_of(size)
    random = Random(f"{seed}/dataverse")
    people = colleagues(seed)
    resources = _resources(world, random, people, now)
    programs = [_put(world, s.PROGRAMS, now, msdyn_programid=new_id(random), msdyn_name=name) for name in ("Operations", "Growth")]
    for number in range(shape.plans):
        _Plan(world, Random(f"{seed}/dataverse/{number}"), number, resources, programs[number % 2], now).draw(shape.tasks)


def _put(world: World, table: s.SimulatedTable, at: datetime, **values: object) -> str:
    return world.put(table.set, values, at, logged=False)


def _resources(world: World, random: Random, people: tuple[Colleague, ...], now: datetime) -> list[str]:
    """People, and one machine that is nobody."""
    at = now - timedelta(days=400)
    found = [
        _put(
            world, s.RESOURCES, at, bookableresourceid=new_id(random), name=person.name, msdyn_primaryemail=person.email, resourcetype=3,
            _userid_value=new_id(random), statecode=0 if person.is_active else 1,
        )
        for person in people
    ]  # fmt: skip
    _put(world, s.RESOURCES, at, bookableresourceid=new_id(random), name="Crane 2", msdyn_primaryemail=None, resourcetype=4)
    return found


class _Plan:
    """Draws one plan: a chain of phases whose tasks follow each other, as far along as today asks for."""

    def __init__(self, world: World, random: Random, number: int, resources: list[str], program: str, now: datetime) -> None:
        self.world, self.random, self.number, self.program, self.now = world, random, number, program, now
        self.id = new_id(random)
        self.name = NAMES[number] if number < len(NAMES) else f"{NAMES[number % len(NAMES)].split(' ·')[0]} {number // len(NAMES) + 1}"
        self.team = random.sample(resources, min(6, len(resources)))
        self.late = random.choice((0, 0, 1, 2))
        self.starts = _weekday((now - timedelta(days=random.randrange(40, 160))).replace(hour=9, minute=0, second=0, microsecond=0))
        self.made = self.starts - timedelta(days=14)
        self.sequence = 0.0

    def put(self, table: s.SimulatedTable, **values: object) -> str:
        return _put(self.world, table, self.made, **{table.key: new_id(self.random)}, **values)

    def draw(self, tasks: int) -> None:
        buckets = [self.put(s.BUCKETS, msdyn_name=name, _msdyn_project_value=self.id) for name in ("Bucket 1", "Preparation", "Delivery")]
        labels = [
            self.put(s.LABELS, msdyn_projectlabeltext=text, _msdyn_projectid_value=self.id, msdyn_colorindex=n)
            for n, text in enumerate(LABEL_TEXTS)
        ]
        sprints = self._sprints() if self.number % 4 == 3 else []
        baseline = self.put(s.BASELINES, _msdyn_projectid_value=self.id)
        members = {
            resource: self.put(s.TEAMS, msdyn_name="Member", _msdyn_project_value=self.id, _msdyn_bookableresourceid_value=resource)
            for resource in self.team
        }
        generic = self.put(s.TEAMS, msdyn_name="Electrician", _msdyn_project_value=self.id, _msdyn_bookableresourceid_value=None)
        at, previous, finish = self.starts, None, self.starts
        left, phase = tasks, 0
        while left > 0:
            summary = new_id(self.random)
            begun = at
            count = min(left - 1, self.random.randrange(3, 7)) if left > 1 else 0
            left -= count + 1
            children = []
            for n in range(count):
                is_milestone = n == count - 1 and count > 1
                days = 0.0 if is_milestone else float(self.random.randrange(1, 9))
                start, ends = at, _after(at, days)
                task = self._task(summary, phase, n, start, ends, days, is_milestone, buckets, sprints)
                self._around(task, members, generic, labels, baseline, start, ends, days)
                if previous is not None:
                    self._link(previous, task)
                previous, at = task, _weekday(ends if is_milestone else (ends + timedelta(days=1)).replace(hour=9))
                children.append((task, ends))
            finish = max([ends for _, ends in children], default=begun)
            self._summary(summary, phase, begun, finish)
            phase += 1
        manager = self.world.get(s.RESOURCES.set, self.team[0], "_userid_value")
        _put(
            self.world, s.PROJECTS, self.made, msdyn_projectid=self.id, msdyn_subject=self.name, msdyn_scheduledstart=stamp(self.starts),
            msdyn_finish=stamp(finish), msdyn_duration=float((finish - self.starts).days), msdyn_effort=tasks * HOURS,
            msdyn_effortcompleted=0.0, msdyn_effortremaining=tasks * HOURS, msdyn_progress=0.25, msdyn_hoursperday=HOURS,
            _msdyn_projectmanager_value=manager, _msdyn_program_value=self.program, msdyn_description=None,
        )  # fmt: skip

    def _sprints(self) -> list[str]:
        first = self.starts
        return [
            self.put(
                s.SPRINTS, msdyn_name=f"Sprint {n + 1}", _msdyn_project_value=self.id,
                msdyn_startdate=stamp(first + timedelta(days=14 * n)),
                msdyn_finishdate=stamp(first + timedelta(days=14 * n + 13)),
            )
            for n in range(6)
        ]  # fmt: skip

    def _progress(self, start: datetime, ends: datetime) -> float:
        today = self.now - timedelta(days=10 * self.late)
        if ends <= today:
            return 1.0
        if start >= today:
            return 0.0
        return round((today - start) / (ends - start), 2)

    def _task(
        self, summary: str, phase: int, n: int, start: datetime, ends: datetime, days: float, is_milestone: bool, buckets: list[str],
        sprints: list[str],
    ) -> str:  # fmt: skip
        self.sequence += 1.0
        progress = self._progress(start, ends)
        effort = 0.0 if is_milestone else days * HOURS
        name = PHASES[phase % len(PHASES)]
        subject = f"{name} done" if is_milestone else f"{WORK[(phase * 7 + n) % len(WORK)]} ({name.lower()} {phase + 1}.{n + 1})"
        task = self.put(
            s.TASKS, msdyn_subject=subject, _msdyn_project_value=self.id, _msdyn_parenttask_value=summary,
            _msdyn_projectbucket_value=buckets[(phase + n) % len(buckets)],
            _msdyn_projectsprint_value=sprints[phase % len(sprints)] if sprints else None,
            msdyn_start=stamp(start), msdyn_finish=stamp(ends), msdyn_duration=days, msdyn_effort=effort,
            msdyn_effortcompleted=round(effort * progress, 2), msdyn_effortremaining=round(effort * (1 - progress), 2),
            msdyn_progress=progress, msdyn_priority=self.random.choice((1, 3, 5, 5, 9)), msdyn_ismilestone=is_milestone,
            msdyn_iscritical=self.random.random() < 0.4, msdyn_summary=False, msdyn_outlinelevel=2,
            msdyn_displaysequence=self.sequence, msdyn_descriptionplaintext=None, msdyn_scheduledstart=stamp(start),
            msdyn_scheduledend=stamp(ends),
        )  # fmt: skip
        if progress:
            # Somebody reported it: when it ended, or a few days ago.
            reported = min(ends, self.now - timedelta(hours=5 + 7 * (self.sequence % 13)))
            _put(self.world, s.TASKS, max(self.made, reported), msdyn_projecttaskid=task)
        return task

    def _summary(self, id: str, phase: int, start: datetime, ends: datetime) -> None:
        self.sequence += 1.0
        _put(
            self.world, s.TASKS, self.made, msdyn_projecttaskid=id, msdyn_subject=PHASES[phase % len(PHASES)], _msdyn_project_value=self.id,
            msdyn_start=stamp(start), msdyn_finish=stamp(ends), msdyn_duration=float(max(1, (ends - start).days)), msdyn_effort=0.0,
            msdyn_effortcompleted=0.0, msdyn_effortremaining=0.0,
            msdyn_progress=self._progress(start, max(ends, start + timedelta(hours=1))),
            msdyn_priority=5, msdyn_ismilestone=False, msdyn_iscritical=False, msdyn_summary=True, msdyn_outlinelevel=1,
            msdyn_displaysequence=self.sequence, msdyn_scheduledstart=stamp(start), msdyn_scheduledend=stamp(ends),
        )  # fmt: skip

    def _around(
        self, task: str, members: dict[str, str], generic: str, labels: list[str], baseline: str, start: datetime, ends: datetime,
        days: float,
    ) -> None:  # fmt: skip
        """Who works on a task, what was agreed of it, what is ticked off in it."""
        chosen = self.random.sample(self.team, self.random.choice((1, 1, 1, 2))) if days and self.random.random() < 0.9 else []
        effort = days * HOURS / max(1, len(chosen))
        for resource in chosen:
            self.assign(task, members[resource], resource, effort, start, ends)
        if days and self.random.random() < 0.05:
            self.assign(task, generic, None, 0.0, start, ends)
        slip = timedelta(days=self.random.choice((0, 0, 1, 3)) * (1 + self.late))
        self.put(
            s.TASK_BASELINES, msdyn_projecttaskid=task, _msdyn_projectbaselinedataid_value=baseline,
            msdyn_taskstartdate=stamp(start - slip), msdyn_taskfinishdate=stamp(ends - slip), msdyn_taskduration=days,
            msdyn_taskeffort=days * HOURS,
        )  # fmt: skip
        if self.random.random() < 0.15:
            for n, check in enumerate(self.random.sample(CHECKS, 2)):
                self.put(
                    s.CHECKLISTS, msdyn_name=check, _msdyn_projecttaskid_value=task, msdyn_projectchecklistcompleted=n == 0,
                    msdyn_projectchecklistorder=float(n),
                )  # fmt: skip
        if self.random.random() < 0.1:
            self.put(s.TASK_LABELS, _msdyn_projecttaskid_value=task, _msdyn_projectlabelid_value=self.random.choice(labels))

    def assign(self, task: str, member: str, resource: str | None, effort: float, start: datetime, ends: datetime) -> None:
        self.put(
            s.ASSIGNMENTS, _msdyn_taskid_value=task, _msdyn_projectid_value=self.id, _msdyn_projectteamid_value=member,
            _msdyn_bookableresourceid_value=resource, msdyn_effort=effort, msdyn_effortcompleted=0.0, msdyn_effortremaining=effort,
            msdyn_start=stamp(start), msdyn_finish=stamp(ends),
        )  # fmt: skip

    def _link(self, predecessor: str, successor: str) -> None:
        type, lag = self.random.choice(((1, 0), (1, 0), (1, 0), (1, 28_800), (3, 0), (0, -14_400)))
        self.put(
            s.DEPENDENCIES, _msdyn_project_value=self.id, _msdyn_predecessortask_value=predecessor, _msdyn_successortask_value=successor,
            msdyn_projecttaskdependencylinktype=type, msdyn_projecttaskdependencylinklag=lag,
            msdyn_projecttaskdependencylinklaginseconds=lag or None,
        )  # fmt: skip


def _weekday(at: datetime) -> datetime:
    return at + timedelta(days=(0, 0, 0, 0, 0, 2, 1)[at.weekday()])


def _after(start: datetime, days: float) -> datetime:
    """When work of so many days ends that begins then: the evening of its last working day."""
    if not days:
        return start
    at, left = start, int(days) - 1
    while left > 0:
        at = _weekday(at + timedelta(days=1))
        left -= 1
    return at.replace(hour=17)
