"""Generates a believable organisation on a simulated Jira site: pure, seeded, relative to the `now` it is given."""
from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from random import Random
from uuid import UUID

from pmo_hub_jira import simulated_dictionary as d
from pmo_hub_jira import simulated_text as text
from pmo_hub_jira.simulated_awkward import with_awkward_project
from pmo_hub_jira.simulated_lives import Profile, Scene
from pmo_hub_jira.simulated_plans import plan, sprints
from pmo_hub_jira.simulated_site import Board, Column, Component, Dictionary, Named, Person, Project, Site, Sprint, Version
from pmo_hub_jira.simulated_telling import tell

BASE_URL = "https://meridian.example"
DEMO = (
    Profile("healthy", "PAY", "Payments Platform", "scrum", 190, "Change", late=0.04, unassigned=0.02),
    Profile("overdue", "ERP", "ERP Rollout", "waterfall", 160, "Change", late=0.45),
    Profile("silent", "DWH", "Data Warehouse Migration", "scrum", 120, "Change", late=0.15, silent_days=45),
    Profile("blockers", "MOB", "Mobile App", "scrum", 150, "Change", late=0.12, blocked=7),
    Profile("unassigned", "POR", "Customer Portal", "scrum", 130, "Change", late=0.08, unassigned=0.65),
    Profile("risks", "REG", "Regulatory Reporting", "waterfall", 120, "Comply", late=0.1, risks=14),
    Profile("empty", "MOV", "Office Move", "kanban", 3, "Run"),
    Profile("localised", "ZUE", "Lager Zürich 仓库", "scrum", 110, "Change", localised=True),
    Profile("kanban", "OPS", "Platform Operations", "kanban", 140, "Run", late=0.05),
    Profile("waterfall", "PLT", "Plant Upgrade", "waterfall", 150, "Change", late=0.03, initiative=True))
SIZES = {"small": sum(profile.weight for profile in DEMO), "medium": 6000}
MOST_PROJECTS = 50
_MORE = ("Fleet Telematics", "Sales Analytics", "Identity Renewal", "Claims Intake", "Network Refresh", "Pricing Engine",
         "Archive Retirement", "Loyalty Programme", "Field Service", "Treasury Hub", "Quality Lab", "Document Exchange", "Spare Parts",
         "Energy Metering")


def issue_count(size: str | int) -> int:
    """How many issues a size means: small, medium or a number."""
    if isinstance(size, str) and size in SIZES:
        return SIZES[size]
    count = int(size)
    if count < 10:
        raise ValueError("an organisation needs at least 10 issues")
    return count


def _profiles(count: int) -> list[Profile]:
    if count <= 1500:
        return list(DEMO)
    wanted = min(MOST_PROJECTS, max(10 + (count - 1500) // 400, 14))
    out = list(DEMO)
    shapes = [profile for profile in DEMO if profile.shape not in ("silent", "empty", "localised")]
    while len(out) < wanted:
        n = len(out) - len(DEMO)
        name = _MORE[n % len(_MORE)]
        out.append(replace(shapes[n % len(shapes)], key=f"{name[:2].upper()}{chr(65 + n // 26)}{chr(65 + n % 26)}", initiative=False,
                           name=name if n < len(_MORE) else f"{name} {n // len(_MORE) + 1}", weight=130))
    return out


def _quotas(profiles: list[Profile], count: int) -> list[int]:
    """Issues a project, in proportion to the weights; together exactly `count`."""
    fixed = min(3, count)
    total = sum(p.weight for p in profiles if p.shape != "empty")
    out = [fixed if p.shape == "empty" else (count - fixed) * p.weight // total for p in profiles]
    out[0] += count - sum(out)
    return out


def _people(random: Random, count: int) -> Iterator[Person]:
    """The caller first, then a robot, then colleagues of whom a few left and some hide their address."""
    yield Person(f"557058:{UUID(int=random.getrandbits(128), version=4)}", "Portfolio Sync", "portfolio.sync@meridian.example")
    yield Person(f"557058:{UUID(int=random.getrandbits(128), version=4)}", "Automation for Jira", None, True, "app")
    zones = ("Europe/Oslo", "Europe/Berlin", "Asia/Kolkata", "America/New_York", "Asia/Shanghai")
    names = [(first, last) for first in text.FIRST for last in text.LAST]
    for n, (first, last) in enumerate(random.sample(names, min(count, len(names)))):
        latin = unicodedata.normalize("NFKD", f"{first}.{last}".replace("ı", "i").replace("ø", "o"))
        plain = latin.encode("ascii", "ignore").decode().lower()
        yield Person(f"{random.getrandbits(96):024x}", f"{first} {last}", None if n % 7 == 3 else f"{plain}@meridian.example", n % 9 != 5,
                     time_zone=zones[n % len(zones)])


def _project(random: Random, n: int, profile: Profile, lead: str, first: datetime) -> Project:
    """A project with its versions (milestones every 60 days) and components."""
    id = str(10000 + n)
    types = (d.LOCAL_EPIC, d.LOCAL_TASK, d.LOCAL_SUB_TASK, d.LOCAL_BUG) if profile.localised else (
        d.EPIC, d.STORY, d.TASK, d.BUG, d.SUB_TASK, d.RISK, d.MILESTONE, *((d.INITIATIVE,) if profile.initiative else ()))
    versions = () if profile.shape == "empty" else tuple(
        Version(str(20000 + n * 10 + m), f"{profile.key} {m + 1}.0", id, m < 2, False, (first + timedelta(days=60 * m)).date(),
                (first + timedelta(days=60 * (m + 1))).date(), "Agreed with the steering group") for m in range(4))
    components = () if profile.shape == "empty" else tuple(
        Component(str(30000 + n * 10 + m), name, id, lead if m == 0 else None)
        for m, name in enumerate(random.sample(("Backend", "Frontend", "Interfaces", "Reporting", "Infrastructure", "Process"), 3)))
    category = Named(str(10000 + ("Change", "Comply", "Run").index(profile.category)), profile.category, "Portfolio")
    return Project(id, profile.key, profile.name, lead, category, types, versions, components, profile.localised,
                   f"{profile.name}: scope, plan and reports are agreed with the steering group.")


def _boards(scene: Scene, first_id: int, sprint_ids: tuple[int, ...]) -> list[Board]:
    """One board a project; a scrum project in trouble has a second one that shows the same sprints."""
    profile, project = scene.profile, scene.project
    todo, doing, review, done = scene.statuses
    columns: tuple[Column, ...]
    if profile.localised:
        columns = (Column("Offen", (todo,)), Column("In Arbeit", (doing,), 6), Column("Erledigt", (done,)))
    elif profile.method == "waterfall":
        columns = (Column("Open", (todo,)), Column("In Progress", (doing, d.ON_HOLD)), Column("Done", (done, d.CANCELLED)))
    else:
        columns = (Column("Backlog", (d.BACKLOG,)), Column("To Do", (d.TO_DO,)), Column("In Progress", (doing, d.BLOCKED), 8),
                   Column("Review", (review,), 4), Column("Done", (done, d.CANCELLED)))
    kind = "simple" if profile.localised else "scrum" if profile.method == "scrum" else "kanban"
    points = scene.points_field if profile.method == "scrum" else None
    board = Board(first_id, f"{project.key} board", kind, project.id, columns, points, sprint_ids)
    if profile.shape != "unassigned":
        return [board]
    return [board, replace(board, id=first_id + 1, name=f"{project.key} management view")]


def generate(seed: int, size: str | int, now: datetime, awkward: bool = False, adf_depth: int = 10_000) -> Site:
    """A site whose history ends at `now`; the same arguments give the same site.

    `awkward` adds the project ODD full of data that real sites have and nobody expects; its deepest description nests
    `adf_depth` nodes.
    """
    if now.tzinfo is None:
        raise ValueError("now must be an aware instant")
    now = now.replace(microsecond=now.microsecond // 1000 * 1000)
    random = Random(f"{seed}")
    count = issue_count(size)
    people = tuple(_people(random, max(24, count // 60)))
    colleagues = people[2:]
    profiles = _profiles(count)
    scenes: list[Scene] = []
    boards: list[Board] = []
    all_sprints: list[Sprint] = []
    for n, (shape, quota) in enumerate(zip(profiles, _quotas(profiles, count), strict=True)):
        profile = replace(shape, risks=min(shape.risks, quota // 6), blocked=min(shape.blocked, quota // 6))
        own = Random(f"{seed}/{profile.key}")
        team = tuple(own.sample(colleagues, min(9, len(colleagues))))
        horizon = now - timedelta(days=profile.silent_days, minutes=own.randrange(7, 300))
        cycles = own.randrange(8, 12)
        first = (horizon - timedelta(days=14 * cycles + own.randrange(4, 11))).replace(hour=8, minute=0, second=0, microsecond=0)
        project = _project(own, n, profile, next(p.account_id for p in team if p.active), first)
        scene = Scene(own, profile, project, team, people[1].account_id, now, horizon, first)
        if profile.method == "scrum":
            scene.sprints = sprints(scene, len(boards) + 1, len(all_sprints) + 1)
            all_sprints += scene.sprints
        boards += _boards(scene, len(boards) + 1, tuple(s.id for s in scene.sprints))
        plan(scene, quota)
        scenes.append(scene)
    dictionary: Dictionary = d.dictionary(next((s.project.id for s in scenes if s.profile.localised), None))
    projects = tuple(scene.project for scene in scenes)
    issues, links = tell(scenes, dictionary, people, {s.id: s.name for s in all_sprints})
    cloud_id = str(UUID(int=random.getrandbits(128), version=4))
    site = Site(seed, now, cloud_id, BASE_URL, "Meridian Jira", people[0].account_id, dictionary, people, projects, tuple(boards),
                tuple(all_sprints), issues, links, {s.project.key: s.profile.shape for s in scenes})
    return with_awkward_project(site, adf_depth) if awkward else site
