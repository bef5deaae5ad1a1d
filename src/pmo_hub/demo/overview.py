"""The lines of the portfolio table, from what the services tell."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

from pmo_hub.demo.table import Line
from pmo_hub.domain.portfolio import Member
from pmo_hub.domain.rating import Rating
from pmo_hub.services import facts, health, portfolio, risks, violations
from pmo_hub.services.hub import Hub

STANDING = ("open", "acknowledged")
AT_A_TIME = 200


def lines(hub: Hub, portfolio_id: str) -> list[Line]:
    """The portfolio, its programs with their projects, and then the projects that are in no program."""
    whole = portfolio.get(hub, "portfolio", portfolio_id)
    found = []
    for program in (member for member in whole.members if member.type == "program"):
        ids = [member.id for member in portfolio.get(hub, "program", program.id).members if member.type == "project"]
        inside = _projects(hub, ids, 2)
        found += [_holder(hub, "program", program.id, 1, inside), *inside]
    found += _projects(hub, [member.id for member in whole.members if member.type == "project"], 1)
    projects = [line for line in found if line.dimensions]
    return [_holder(hub, "portfolio", portfolio_id, 0, projects), *found]


def _holder(hub: Hub, type: Literal["portfolio", "program"], id: str, level: int, inside: Sequence[Line]) -> Line:
    rated = health.holder_health(hub, type, id)
    known = sum(1 for member in rated.members if member.health.rating is not Rating.GREY)
    broken: Counter[str] = Counter()
    for line in inside:
        broken.update(line.violations)
    counts = (_sum(line.todo for line in inside), _sum(line.doing for line in inside), _sum(line.done for line in inside))
    return Line(rated.name, level, rated.health.rating, known, rated.health.size, *counts, {}, broken)


def _sum(numbers: Iterable[int | None]) -> int | None:
    """None as soon as one is unknown."""
    held = list(numbers)
    return None if None in held else sum(number for number in held if number is not None)


def _projects(hub: Hub, ids: Sequence[str], level: int) -> list[Line]:
    """A line for each, the worst first."""
    members = sorted(health.projects_health(hub, ids).values(), key=_badness)
    return [_project(hub, member, level) for member in members]


def _badness(member: Member) -> tuple[int, float, str]:
    score = member.health.score
    return -member.health.rating.severity, 100.0 if score is None else score, member.name


def _project(hub: Hub, member: Member, level: int) -> Line:
    rated = member.health
    signals = risks.project_signals(hub, member.project_id).signals
    top = signals[0].signal if signals else None
    return Line(
        member.name, level, rated.rating, rated.known, len(rated.dimensions), *_statuses(hub, member.project_id),
        {found.dimension: found.rating for found in rated.dimensions}, _broken(hub, member.project_id),
        f"{top.title} ({top.band.value})" if top else None,
    )  # fmt: skip


def _statuses(hub: Hub, project_id: str) -> tuple[int | None, int | None, int | None]:
    """Items to do, in progress and ended, from kept facts."""
    values = {listed.fact.name: listed.fact.value for listed in facts.list_facts(hub, project_id).facts}
    everything, open_, doing = (_number(values, name) for name in ("item_count", "open_count", "wip_count"))
    todo = None if open_ is None or doing is None else open_ - doing
    return todo, doing, None if everything is None or open_ is None else everything - open_


def _number(values: Mapping[str, object], name: str) -> int | None:
    value = values.get(f"project.{name}")
    return value if isinstance(value, int) else None


def _broken(hub: Hub, project_id: str) -> Mapping[str, int]:
    """Violations that stand against a project, by severity; those of checks that only watch are left out."""
    counts: Counter[str] = Counter()
    after = None
    wanted = violations.Wanted(states=STANDING, mode="active", project_id=project_id)
    while page := violations.list_violations(hub, wanted, None, after, AT_A_TIME):
        counts.update(listed.violation.severity for listed in page)
        after = (page[-1].violation.opened_at, page[-1].violation.id)
    return counts
