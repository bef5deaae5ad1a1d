"""The demo estate: the simulated sources, and what its organisation has settled about its projects and what it forgot."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from importlib.metadata import EntryPoint, entry_points
from typing import Protocol, runtime_checkable

from pmo_hub.services import connections, portfolio, projects, uploads, work_items
from pmo_hub.services.connections import Created, Draft
from pmo_hub.services.hub import Hub
from pmo_hub.services.projects import ProjectInfo
from pmo_hub.store.repositories.work_items import Filter, Order

GROUP = "pmo_hub.simulators"
ACTOR = "demo"
AT_A_TIME = 200

PORTFOLIO = "Change portfolio"
REVENUE = "Customers and revenue"
OPERATIONS = "Operations and compliance"
SITES = "Sites and infrastructure"
PROGRAMS = (REVENUE, OPERATIONS, SITES)


class Simulated(Protocol):
    """A source that a simulator serves on loopback while its context is open."""

    @property
    def url(self) -> str: ...
    @property
    def projects(self) -> Sequence[str]: ...
    def config(self) -> Mapping[str, str]: ...


@runtime_checkable
class Uploaded(Simulated, Protocol):
    """Nothing is served: somebody uploads these files."""

    @property
    def files(self) -> Mapping[str, bytes]: ...


class Simulate(Protocol):
    """What an entry point of the group gives: the same seed, size and instant make the same source."""

    def __call__(self, seed: int, size: str, now: datetime) -> AbstractContextManager[Simulated]: ...


@dataclass(frozen=True, slots=True)
class Settled:
    """What is known of a project besides its source. `led`: its manager is whoever holds most of its work. Days are from today."""

    program: str | None = None
    sponsor: str | None = None
    led: bool = False
    starts_days: int | None = None
    finishes_days: int | None = None
    settings: Mapping[str, object] = field(default_factory=dict)


# Gaps on purpose, so that the checks find something: no sponsor, no manager, no methodology, nothing at all.
SETTLED: Mapping[str, Settled] = {
    "Payments Platform": Settled(
        REVENUE, "dana.ostrow@sponsors.example", True, -15, 170,
        {"methodology": "agile", "phase": "execution", "classification": "confidential", "currency": "EUR", "tags": ["strategic"]},
    ),
    "Mobile App": Settled(REVENUE, None, True, -120, 90, {"methodology": "agile", "phase": "execution", "classification": "internal"}),
    "Customer Portal": Settled(
        REVENUE, "dana.ostrow@sponsors.example", False, -110, 120, {"methodology": "agile", "phase": "execution"}
    ),
    "Platform Operations": Settled(
        REVENUE, "piet.verhaal@sponsors.example", True, None, None, {"methodology": "hybrid", "phase": "benefits"}
    ),
    "ERP Rollout": Settled(
        OPERATIONS, "piet.verhaal@sponsors.example", True, -200, 60,
        {"methodology": "waterfall", "phase": "execution", "classification": "restricted", "currency": "EUR", "tags": ["strategic"]},
    ),
    "Data Warehouse Migration": Settled(OPERATIONS, "piet.verhaal@sponsors.example", True, -160, 30, {"phase": "execution"}),
    "Regulatory Reporting": Settled(
        OPERATIONS, "amara.quill@sponsors.example", True, -180, 75,
        {"methodology": "waterfall", "phase": "execution", "classification": "confidential"},
    ),
    "Plant Upgrade": Settled(
        SITES, "amara.quill@sponsors.example", True, -150, 200, {"methodology": "hybrid", "phase": "execution", "currency": "EUR"}
    ),
    # Plans of Project Server.
    "Headquarters Relocation": Settled(
        SITES, "piet.verhaal@sponsors.example", True, -120, 150, {"methodology": "waterfall", "phase": "deployment", "currency": "EUR"}
    ),
    "Core Network Renewal": Settled(
        SITES, "amara.quill@sponsors.example", True, -170, 60,
        {"methodology": "waterfall", "phase": "execution", "classification": "internal", "currency": "EUR", "tags": ["strategic"]},
    ),
    "Factory Hall North": Settled(
        SITES, "amara.quill@sponsors.example", True, -130, 45, {"methodology": "waterfall", "phase": "execution", "currency": "EUR"}
    ),
    # Plans of Planner Premium.
    "Office Relocation": Settled(SITES, "piet.verhaal@sponsors.example", True, -120, 40, {"methodology": "hybrid", "phase": "execution"}),
    "Data Centre Exit": Settled(
        SITES, "amara.quill@sponsors.example", True, -90, 90,
        {"methodology": "waterfall", "phase": "execution", "classification": "internal"}
    ),
    "Energy Certification": Settled(SITES, None, True, -80, 120, {"methodology": "waterfall", "phase": "planning"}),
    "Fleet Renewal": Settled(
        OPERATIONS, "piet.verhaal@sponsors.example", True, -110, 60, {"methodology": "waterfall", "phase": "execution"}
    ),
    "Warehouse Automation": Settled(
        OPERATIONS, "piet.verhaal@sponsors.example", False, -90, 80, {"methodology": "waterfall", "phase": "execution"}
    ),
    "Supplier Portal Launch": Settled(REVENUE, "dana.ostrow@sponsors.example", True, -100, 70, {"methodology": "waterfall"}),
    "Brand Refresh": Settled(REVENUE, "dana.ostrow@sponsors.example", True, -120, 70, {"methodology": "hybrid", "phase": "execution"}),
    # Plans in files.
    "Payroll Change": Settled(
        OPERATIONS, "amara.quill@sponsors.example", True, -85, 60,
        {"methodology": "waterfall", "phase": "execution", "classification": "confidential", "currency": "EUR"},
    ),
    "Laboratory Extension": Settled(SITES, "amara.quill@sponsors.example", True, -100, 50, {"methodology": "waterfall", "currency": "EUR"}),
    # In Planner.
    "Year End Close (Finance)": Settled(OPERATIONS, "amara.quill@sponsors.example", True, -60, 60, {"methodology": "agile"}),
    "Site Safety (Facilities)": Settled(
        SITES, "piet.verhaal@sponsors.example", True, -80, 40, {"methodology": "agile", "phase": "execution"}
    ),
    "Training Year (Human Resources)": Settled(None, "piet.verhaal@sponsors.example", True, -80, 60, {"methodology": "agile"}),
    "Onboarding (Human Resources)": Settled(None, None, True, None, None, {"methodology": "agile"}),
    # On boards: what little is known of work that nobody calls a project.
    "Website Relaunch": Settled(
        REVENUE, "dana.ostrow@sponsors.example", True, -150, 45,
        {"methodology": "agile", "phase": "execution", "classification": "internal", "currency": "EUR"},
    ),
    "Trade Fair 2027": Settled(REVENUE, "dana.ostrow@sponsors.example", True, -150, 20, {"methodology": "agile", "phase": "execution"}),
    "Intranet Refresh": Settled(OPERATIONS, None, False, None, None, {"methodology": "agile"}),
    "Summer Party (closed)": Settled(None, None, False, None, None, {"state": "closed"}),
    "Lager Zürich 仓库": Settled(OPERATIONS, None, False, None, None, {"methodology": "agile", "time_zone": "Europe/Zurich"}),
}  # fmt: skip


def simulators() -> list[EntryPoint]:
    """Every simulator that is installed, by name; a connector of the same name reads what it serves."""
    return sorted(entry_points(group=GROUP), key=lambda point: point.name)


@contextmanager
def simulated(points: Sequence[EntryPoint], seed: int, size: str, now: datetime) -> Iterator[dict[str, Simulated]]:
    """The simulators serve, by connector name, until the context ends."""
    with ExitStack() as stack:
        served: dict[str, Simulated] = {}
        for point in points:
            simulate: Simulate = point.load()
            served[point.name] = stack.enter_context(simulate(seed, size, now))
        yield served


def connect(hub: Hub, name: str, source: Simulated) -> Created:
    """The source is connected, or its files are uploaded, and its first sync waits."""
    made = connections.create(hub, Draft(f"Demo {name}", name, source.config()), ACTOR)
    if isinstance(source, Uploaded):
        for file, content in source.files.items():
            uploads.keep(hub, made.connection.id, file, io.BytesIO(content), ACTOR)
        made = replace(made, connection=connections.get(hub, made.connection.id))
    return made


def settle(hub: Hub, today: date) -> int:
    """The projects that the organisation has said something about have those settings; returns how many."""
    known = [project for project in everyone(hub) if project.name in SETTLED]
    for project in known:
        settled = SETTLED[project.name]
        changes = dict(settled.settings)
        if settled.sponsor is not None:
            changes["sponsor"] = settled.sponsor
        for name, days in (("start", settled.starts_days), ("finish", settled.finishes_days)):
            if days is not None:
                changes[name] = today + timedelta(days=days)
        projects.change(hub, project.id, changes, ACTOR, _as_it_is)
        if settled.led:
            _lead(hub, project.id)
    return len(known)


def _lead(hub: Hub, project_id: str) -> None:
    """The manager is the active person with the most of its work; nobody, where there is none."""
    held: Counter[str] = Counter()
    after = None
    order = Order("key", descending=False)
    while page := work_items.page(hub, work_items.Query(Filter(project_id=project_id)), order, after, AT_A_TIME):
        held.update(item.assignee_id for item in page if item.assignee_id is not None)
        after = (page[-1].key, page[-1].id)
    for person, _ in sorted(held.items(), key=lambda one: (-one[1], one[0])):
        manager = projects.change(hub, project_id, {"manager": person}, ACTOR, _as_it_is).manager
        if manager is not None and manager.is_active:
            return
    projects.change(hub, project_id, {"manager": None}, ACTOR, _as_it_is)


def place(hub: Hub, without: Collection[str] = ()) -> str:
    """The portfolio holds its programs with their projects, and every other project by itself; returns its id."""
    top = portfolio.create(hub, "portfolio", {"name": PORTFOLIO, "description": "What the demo's organisation changes."}, ACTOR)
    programs = {}
    for name in PROGRAMS:
        made = portfolio.create(hub, "program", {"name": name}, ACTOR)
        portfolio.place(hub, "portfolio", top.id, ("program", made.id), ACTOR)
        programs[name] = made.id
    for project in everyone(hub):
        if project.id in without:
            continue
        program = SETTLED[project.name].program if project.name in SETTLED else None
        if program is None:
            portfolio.place(hub, "portfolio", top.id, ("project", project.id), ACTOR)
        else:
            portfolio.place(hub, "program", programs[program], ("project", project.id), ACTOR)
    return top.id


def everyone(hub: Hub) -> list[ProjectInfo]:
    """All projects, by name."""
    found: list[ProjectInfo] = []
    after: tuple[str, str] | None = None
    while page := projects.page(hub, projects.Query(), after, AT_A_TIME):
        found += page
        after = (page[-1].name, page[-1].id)
    return found


def _as_it_is(_: ProjectInfo) -> None:
    """The demo decides on whatever is there."""
