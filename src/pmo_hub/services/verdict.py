"""Every project judged now, and what stands against it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from pmo_hub.domain.governance import Severity
from pmo_hub.services import governance, projects
from pmo_hub.services.errors import Invalid, NotFound
from pmo_hub.services.hub import Hub
from pmo_hub.services.projects import ProjectInfo
from pmo_hub.store.repositories import violations
from pmo_hub.store.repositories.violations import STANDING, Listed, Wanted

BATCH = 50
PAGE = 200


@dataclass(frozen=True, slots=True)
class Standing:
    """A violation that is open or acknowledged; `about` names what it is about."""

    id: str
    severity: str
    check_id: str
    about: str
    message: str
    state: str
    opened_at: datetime


@dataclass(frozen=True, slots=True)
class Verdict:
    """How many projects were judged, and what stands against them, the worst first."""

    projects: int
    violations: Sequence[Standing]


def judge(hub: Hub, which: Sequence[str], severity: Severity) -> Verdict:
    """Those projects, or all, are judged anew; violations below `severity` are left out, as are those of checks that only watch.

    `which` names projects by id or name; raises NotFound, and Invalid for a name that several have.
    """
    everything = _all_projects(hub)
    judged = [_the_one(everything, one) for one in which] or everything
    ids = [project.id for project in judged]
    for start in range(0, len(ids), BATCH):
        with hub.work.write() as session:
            governance.refresh(session, ids[start : start + BATCH], hub.now(), "manual")
    ranks = {word.value: rank for rank, word in enumerate(Severity)}
    grave = tuple(word for word, rank in ranks.items() if rank <= ranks[severity.value])
    wanted = Wanted(states=STANDING, severities=grave, mode="active", project_ids=ids if which else None)
    found = [_standing(one) for one in _all_violations(hub, wanted)]
    return Verdict(len(ids), sorted(found, key=lambda one: (ranks[one.severity], one.about, one.check_id, one.id)))


def _all_projects(hub: Hub) -> list[ProjectInfo]:
    found: list[ProjectInfo] = []
    after: tuple[str, str] | None = None
    while page := projects.page(hub, projects.Query(), after, PAGE):
        found += page
        after = (page[-1].name, page[-1].id)
    return found


def _the_one(everything: Sequence[ProjectInfo], which: str) -> ProjectInfo:
    found = [project for project in everything if project.id == which] or [project for project in everything if project.name == which]
    if not found:
        raise NotFound("project", which)
    if len(found) > 1:
        raise Invalid("/project", f"Several projects are called {which!r}: name one by its id ({', '.join(p.id for p in found)}).")
    return found[0]


def _all_violations(hub: Hub, wanted: Wanted) -> list[Listed]:
    found: list[Listed] = []
    after: tuple[datetime, str] | None = None
    with hub.work.read() as session:
        while page := violations.page(session, wanted, after, PAGE):
            found += page
            after = (page[-1].violation.opened_at, page[-1].violation.id)
    return found


def _standing(one: Listed) -> Standing:
    kept = one.violation
    return Standing(kept.id, kept.severity, kept.check_id, one.entity_name or kept.entity_id, kept.message, kept.state, kept.opened_at)
