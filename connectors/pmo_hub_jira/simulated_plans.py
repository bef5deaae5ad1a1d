"""Project plans of the generated organisation: scrum, kanban and waterfall, in good and bad shape."""
from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from pmo_hub_jira import simulated_dictionary as d
from pmo_hub_jira.simulated_lives import Draft, Scene, block, chat, refine, work
from pmo_hub_jira.simulated_site import Sprint

SPRINT_DAYS = 14
PHASES = ("Requirements", "Design", "Procurement", "Build", "Test", "Training", "Cut-over")


def sprints(scene: Scene, board_id: int, first_id: int) -> list[Sprint]:
    """Two-week sprints from the scene's start, closed or active as of the horizon, and two to come."""
    out: list[Sprint] = []
    start = scene.first
    while True:
        n = len(out) + 1
        end = start + timedelta(days=SPRINT_DAYS)
        state = "closed" if end <= scene.horizon else "active" if start <= scene.horizon else "future"
        future = state == "future"
        out.append(Sprint(
            first_id + n - 1, f"{scene.project.key} Sprint {n}", state, board_id, min(start - timedelta(days=7), scene.horizon),
            None if future else start, None if future else end,
            min(end + timedelta(minutes=30 + n), scene.horizon) if state == "closed" else None,
            "" if n % 3 == 0 else "Ship a usable increment"))
        if future and out[-2].state == "future":
            return out
        start = end


def _epics(scene: Scene, count: int, until: datetime) -> list[Draft]:
    kind = d.LOCAL_EPIC if scene.profile.localised else d.EPIC
    out = []
    for n in range(count):
        created = scene.at_work(scene.first - timedelta(days=12) + (until - scene.first) * (n / (count * 2)))
        due = (created + timedelta(days=scene.random.randrange(60, 180))).date()
        dates: dict[str, Any] = {"duedate": due, d.START_DATE: created.date()}
        epic = scene.draft(kind, min(created, scene.horizon - timedelta(days=1)), **dates)
        epic.values[d.EPIC_NAME] = epic.values["summary"]
        out.append(epic)
    return out


def _close_parents(scene: Scene, parents: list[Draft], keep_open: bool = False) -> None:
    """A parent starts with its first child and ends after its last, when all of them end."""
    for parent in parents:
        children = [draft for draft in scene.drafts if draft.parent is parent]
        starts = [child.started for child in children if child.started]
        _promise(scene, parent, children)
        ends = [child.finished for child in children]
        if not starts:
            continue
        at = max(min(starts) + timedelta(minutes=1), parent.created + timedelta(minutes=1))
        scene.step(parent, at, scene.member(), status=scene.statuses[1])
        if None not in ends and not keep_open:
            last = max(end for end in ends if end)
            parent.finished = scene.step(parent, max(last, at) + timedelta(hours=3), scene.member(), status=scene.statuses[3],
                                         resolution=d.RESOLVED)


def _promise(scene: Scene, parent: Draft, children: list[Draft]) -> None:
    """The owner of a parent, and in a project that keeps its dates one that its open children can still meet."""
    scene.step(parent, scene.after(parent.created, 1), scene.member(), assignee=scene.random.choice(scene.team).account_id)
    open_ends = any(child.finished is None or child.finished > scene.horizon for child in children)
    if open_ends and scene.profile.late < 0.1 and scene.profile.method != "waterfall" and scene.profile.silent_days == 0:
        parent.values["duedate"] = (scene.now + timedelta(days=scene.random.randrange(12, 90))).date()


def _subtasks(scene: Scene, count: int, parents: list[Draft]) -> None:
    kind = d.LOCAL_SUB_TASK if scene.profile.localised else d.SUB_TASK
    for n in range(count):
        parent = parents[n % len(parents)] if parents else None
        if parent is None:
            return
        created = scene.after(parent.created, 0.5)
        child = scene.draft(kind, created, parent)
        if parent.started:
            end = parent.finished
            room = max(((end or scene.now) - parent.started).total_seconds() / 86400, 0.5)
            work(scene, child, max(parent.started, created), room * 0.4, ends=end is not None)


def scrum(scene: Scene, quota: int) -> None:
    """Stories, tasks and bugs planned into sprints, with carry-over, a backlog and future sprints."""
    random, profile = scene.random, scene.profile
    subtasks = quota // 9
    epics = _epics(scene, max(1, quota // 16), scene.horizon)
    base = [d.LOCAL_TASK, d.LOCAL_TASK, d.LOCAL_BUG] if profile.localised else [d.STORY, d.STORY, d.TASK, d.BUG]
    current = next((n for n, sprint in enumerate(scene.sprints) if sprint.state == "active"), len(scene.sprints) - 3)
    items = []
    for _ in range(quota - subtasks - len(epics)):
        epic = random.choice(epics) if random.random() < 0.8 else None
        place = random.random()
        if place > 0.86:                                            # backlog
            created = scene.at_work(scene.first + (scene.horizon - scene.first) * random.random())
            item = scene.draft(random.choice(base), min(created, scene.horizon - timedelta(hours=2)), epic)
            if random.random() < 0.5:
                refine(scene, item, scene.horizon)
            items.append(item)
            continue
        n = current + random.choice((1, 2)) if place > 0.78 else random.choices(range(current + 1), [1] * current + [2])[0]
        start = scene.first + timedelta(days=SPRINT_DAYS * n)
        created = scene.at_work(min(start, scene.horizon) - timedelta(days=random.uniform(2, 30)))
        item = scene.draft(random.choice(base), created, epic)
        items.append(item)
        nobody = n >= current and random.random() < profile.unassigned
        if random.random() < (0.93 if profile.unassigned < 0.3 else 0.6):
            refine(scene, item, start)
        if random.random() < 0.4 or nobody:
            item.values["duedate"] = (max(start, scene.horizon - timedelta(days=3)) + timedelta(days=random.randrange(4, 13))).date() \
                if nobody else (start + timedelta(days=SPRINT_DAYS - 1)).date()
        planned = scene.after(created, max((min(start, scene.horizon) - created).total_seconds() / 86400 - random.uniform(0.1, 1.5), 0.05))
        scene.step(item, planned, scene.member(), **{d.SPRINT: (scene.sprints[n].id,)})
        if not nobody and random.random() < 0.9:
            scene.step(item, planned + timedelta(minutes=4), scene.member(), assignee=scene.member())
        if nobody or n > current:
            continue
        slow = random.random() < profile.late
        days = random.lognormvariate(0.9, 0.6) + (random.uniform(8, 40) if slow else 0)
        work(scene, item, start + timedelta(days=random.uniform(0, 6)), days)
        _carry_over(scene, item, n)
    _blockers(scene, items)
    _subtasks(scene, subtasks, [item for item in items if item.started])
    _close_parents(scene, epics)


def _carry_over(scene: Scene, item: Draft, n: int) -> None:
    """At each sprint's close an unfinished item joins the next one and stays listed in the closed ones, as Jira keeps it."""
    joined: tuple[int, ...] = (scene.sprints[n].id,)
    while n + 1 < len(scene.sprints) and (closed := scene.sprints[n].complete) is not None:
        if item.finished is not None and item.finished <= closed:
            return
        n += 1
        joined = (*joined, scene.sprints[n].id)
        scene.step(item, closed + timedelta(seconds=2), scene.member(), **{d.SPRINT: joined})


def _blockers(scene: Scene, items: list[Draft]) -> None:
    oldest, newest = scene.horizon - timedelta(days=70), scene.horizon - timedelta(days=9)
    candidates = [item for item in items if item.started and oldest < item.started < newest]
    candidates = candidates[-scene.profile.blocked:] if scene.profile.blocked else []
    idle = [item for item in items if item.started is None]
    for n, item in enumerate(candidates):
        assert item.started is not None
        since = scene.horizon - timedelta(days=16 + 3 * n)
        if item.finished is not None:                              # stuck before it would have ended
            since = min(since, item.finished - timedelta(minutes=1))
        since = max(since, item.started + timedelta(minutes=1))
        block(scene, item, since, idle[n % len(idle)] if idle else None)
        _stay_in_sprint(scene, item)


def _stay_in_sprint(scene: Scene, item: Draft) -> None:
    """Blocking dropped the steps after it, so the carry-over is told again."""
    held = [dict(step.values)[d.SPRINT] for step in item.steps if d.SPRINT in dict(step.values)]
    if held:
        last = held[-1]
        n = next(n for n, sprint in enumerate(scene.sprints) if sprint.id == last[-1])
        while scene.sprints[n].complete is not None:
            n += 1
            last = (*last, scene.sprints[n].id)
            closed = scene.sprints[n - 1].complete
            assert closed is not None
            scene.step(item, max(closed, item.steps[-1].at) + timedelta(seconds=2), scene.member(), **{d.SPRINT: last})


def kanban(scene: Scene, quota: int) -> None:
    """Work that flows in steadily and is pulled; due dates on a third."""
    random, profile = scene.random, scene.profile
    subtasks = quota // 12
    epics = _epics(scene, max(1, quota // 24), scene.horizon) if quota > 8 else []
    span = (scene.horizon - scene.first).total_seconds()
    items = []
    for n in range(quota - subtasks - len(epics)):
        created = scene.at_work(scene.first + timedelta(seconds=span * (n + random.random()) / max(quota, 1)))
        created = min(created, scene.horizon - timedelta(hours=1))
        epic = random.choice(epics) if epics and random.random() < 0.5 else None
        item = scene.draft(random.choice((d.TASK, d.TASK, d.STORY, d.BUG)), created, epic)
        items.append(item)
        recent = scene.horizon - created < timedelta(days=16)
        if recent and random.random() < profile.unassigned:
            item.values["duedate"] = (scene.horizon + timedelta(days=random.randrange(1, 13))).date()
            continue
        wait, days = random.lognormvariate(2.0, 0.9), random.lognormvariate(1.5, 0.7)
        if random.random() < profile.late:
            days += random.uniform(10, 45)
        if random.random() < 0.33:
            item.values["duedate"] = (created + timedelta(days=wait + days * 1.4 + 5)).date()
        if random.random() < 0.06:                                  # never pulled
            item.values.pop("duedate", None)
            continue
        begin = created + timedelta(days=wait)
        scene.step(item, scene.after(created, min(wait * 0.4, 2)), scene.member(), status=d.TO_DO)
        work(scene, item, begin, days)
    _blockers(scene, items)
    _subtasks(scene, subtasks, [item for item in items if item.started])
    _close_parents(scene, epics, keep_open=True)


def waterfall(scene: Scene, quota: int) -> None:
    """Phases of tasks in blocks-links chains with estimates, start and due dates, a milestone at the end of each phase."""
    random, profile = scene.random, scene.profile
    initiatives = [scene.draft(d.INITIATIVE, scene.first - timedelta(days=15)) for _ in range(2)] if profile.initiative else []
    phases = max(2, min(len(PHASES), quota // 6))
    per_phase = max((quota - len(initiatives) - profile.risks) // phases - 2, 1)
    finish = scene.now + timedelta(days=random.randrange(55, 80))
    phase_days = (finish - scene.first).days / phases
    previous: Draft | None = None
    made: list[Draft] = []
    tasks: list[Draft] = []
    for n in range(phases):
        begin = scene.first + timedelta(days=phase_days * n)
        created = scene.first - timedelta(days=random.randrange(5, 12))
        phase = scene.draft(d.EPIC, scene.at_work(created), initiatives[n % 2] if initiatives else None, summary=PHASES[n],
                            duedate=(begin + timedelta(days=phase_days + 5)).date(), **{d.START_DATE: begin.date(), d.EPIC_NAME: PHASES[n]})
        made.append(phase)
        count = per_phase if n < phases - 1 else quota - len(initiatives) - profile.risks - (phases - 1) * (per_phase + 2) - 2
        length = phase_days / max(count, 1)
        for m in range(count):
            # Three tasks run side by side, so that a phase of many tasks keeps durations of days.
            start = begin + timedelta(days=length * m)
            due = min(start + timedelta(days=max(length * 3, 4)), begin + timedelta(days=phase_days))
            task = _task(scene, phase, start, due)
            if previous is not None and random.random() < 0.6:
                previous.links.append((d.BLOCKS, task))
            previous = task
            tasks.append(task)
        milestone = scene.draft(d.MILESTONE, phase.created + timedelta(hours=1), phase, summary=f"{PHASES[n]} approved",
                                duedate=(begin + timedelta(days=phase_days + 2)).date(), reporter=scene.team[0].account_id)
        scene.step(milestone, milestone.created + timedelta(minutes=9), scene.team[0].account_id, assignee=scene.project.lead)
        ends = [draft.finished for draft in tasks[-count:]] if count else []
        if previous is not None:
            previous.links.append((d.BLOCKS, milestone))
        if ends and None not in ends:
            work(scene, milestone, max(end for end in ends if end) + timedelta(hours=2), 0.2)
    _close_parents(scene, made)
    _close_parents(scene, initiatives)
    _risks(scene, tasks, profile.risks)


def _task(scene: Scene, phase: Draft, start: datetime, due: datetime) -> Draft:
    random, late = scene.random, scene.profile.late
    hours = max(round((due - start).days * 6), 4)
    seconds = hours * 3600
    planned: dict[str, Any] = {d.START_DATE: start.date(), d.TARGET_END: due.date(), "duedate": due.date(),
                               "timeoriginalestimate": seconds, "timeestimate": seconds}
    task = scene.draft(d.TASK, scene.after(phase.created, random.uniform(0.1, 4)), phase, **planned)
    near = timedelta(days=-2) < due - scene.now < timedelta(days=16)
    if near and random.random() < scene.profile.unassigned:
        return task
    scene.step(task, scene.after(task.created, random.uniform(0.2, 6)), scene.member(), assignee=scene.member())
    if random.random() < late * 0.5:                              # re-planned before work began
        moved = due + timedelta(days=random.randrange(5, 20))
        at = scene.at_work(max(task.created + timedelta(days=1), start - timedelta(days=4)))
        scene.step(task, at, scene.member(), duedate=moved.date())
    # One task that never ends keeps its whole phase open: a project that keeps its dates has none but recent ones.
    never = random.random() < late and (late >= 0.1 or scene.now - due < timedelta(days=5))
    delay = random.uniform(-1, 1.5) if random.random() > late else random.uniform(5, 25)
    begin = max(start + timedelta(days=delay), task.created + timedelta(hours=4))
    work(scene, task, begin, max((due - start).days * random.uniform(0.7, 0.98), 1), ends=not never)
    assert task.started is not None
    end = task.finished or scene.now + timedelta(days=1)
    half = task.started + (end - task.started) / 2
    spent = int(hours * random.uniform(0.3, 0.6)) * 3600
    scene.step(task, half, scene.member(), timespent=spent, timeestimate=max(seconds - spent, 0))
    if task.finished:
        total = int(hours * random.uniform(0.8, 1.3)) * 3600
        scene.step(task, task.finished - timedelta(minutes=1), scene.member(), timespent=max(total, spent), timeestimate=0)
    elif not scene.profile.localised and random.random() < 0.3:
        scene.step(task, half + timedelta(hours=1), scene.member(), status=d.ON_HOLD)
    task.steps.sort(key=lambda step: step.at)
    return task


def _risks(scene: Scene, tasks: list[Draft], count: int) -> None:
    random = scene.random
    for n in range(count):
        created = scene.at_work(scene.first + (scene.horizon - scene.first) * random.uniform(0.05, 0.9))
        rated: dict[str, Any] = {d.LIKELIHOOD: str(10210 + random.randrange(1, 5)), d.IMPACT: str(10220 + random.randrange(1, 5)),
                                 "priority": random.choice((d.HIGHEST, d.HIGH, d.MEDIUM))}
        risk = scene.draft(d.RISK, created, **rated)
        if n % 3:
            scene.step(risk, scene.after(created, 2), scene.member(), assignee=scene.member())
        if n % 4 == 1:
            work(scene, risk, created + timedelta(days=6), 25)
        if tasks:
            risk.links.append((d.RELATES, random.choice(tasks)))
        if n % 2:
            scene.step(risk, scene.after(created, 9), scene.member(), **{d.LIKELIHOOD: str(10210 + random.randrange(5))})
        risk.steps.sort(key=lambda step: step.at)


def plan(scene: Scene, quota: int) -> None:
    """Fills the scene with `quota` issues in the way its project works."""
    if quota < 8:
        for n in range(quota):
            scene.draft(d.TASK, scene.at_work(scene.horizon - timedelta(days=20 - n)))
        return
    {"scrum": scrum, "kanban": kanban, "waterfall": waterfall}[scene.profile.method](scene, quota)
    while len(scene.drafts) < quota:                              # a small project may lack started items to hang sub-tasks on
        scene.draft(d.LOCAL_TASK if scene.profile.localised else d.TASK, scene.at_work(scene.horizon - timedelta(days=9)))
    for draft in scene.drafts:
        chat(scene, draft)
