"""Projects of the demo that live in two tools: a plan here, the work there, and what is one thing in both."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from pmo_hub.services import projects, same_as, work_items
from pmo_hub.services.hub import Hub
from pmo_hub.services.projects import NewRule, ProjectInfo
from pmo_hub.store.repositories.work_items import Filter, Order, StoredItem

MOST_GATES = 200


@dataclass(frozen=True, slots=True)
class Part:
    """A scope, by its name, that another scope's project takes in a role. `until_days` from today: a history's end."""

    scope: str
    role: str
    until_days: int | None = None


@dataclass(frozen=True, slots=True)
class Spanning:
    """`own` is the role of the scope whose project it is."""

    parts: Sequence[Part]
    own: str = "execution"


SPANNING: Mapping[str, Spanning] = {
    # Planned in Project Server, done in Jira.
    "ERP Rollout": Spanning((Part("ERP Rollout schedule", "schedule"),)),
    # Planned in Project Server until it moved to Planner Premium; done in Jira all the time.
    "Plant Upgrade": Spanning((Part("Plant Upgrade · Plan", "schedule"), Part("Plant Upgrade schedule", "history", -45))),
    # Planned in a file that somebody sends, done in Jira.
    "Regulatory Reporting": Spanning((Part("Regulatory Reporting plan", "schedule"),)),
    # Planned in Planner Premium, done in Planner.
    "Office Relocation": Spanning((Part("Office Relocation Moves (Facilities)", "execution"),), "schedule"),
    "Brand Refresh": Spanning((Part("Brand Refresh Campaign (Marketing)", "execution"),), "schedule"),
    # On a board of Trello, and in Planner.
    "Trade Fair 2027": Spanning((Part("Trade Fair (Marketing)", "execution"),)),
}


@dataclass(frozen=True, slots=True)
class Joined:
    """`names` are of the projects that span sources; `taken` the ids of those that hold nothing any more; `gates` counts milestones
    that are one in two tools."""

    names: Sequence[str]
    taken: frozenset[str]
    gates: int


def join(hub: Hub, known: Mapping[str, ProjectInfo], today: date, actor: str) -> Joined:
    """The projects that span tools hold all their scopes; a project whose scope another one took is closed."""
    names: list[str] = []
    gates = 0
    taken: set[str] = set()
    for name, span in SPANNING.items():
        parts = [part for part in span.parts if part.scope in known]
        if name not in known or not parts:
            continue
        host = known[name]
        (own,) = projects.rules(hub, host.id)
        rules = [NewRule(own.scope_id, "all", None, span.own)]
        for part in parts:
            (rule,) = projects.rules(hub, known[part.scope].id)
            until = None if part.until_days is None else today + timedelta(days=part.until_days)
            rules.append(NewRule(rule.scope_id, "all", None, part.role, until))
            taken.add(known[part.scope].id)
        projects.replace_rules(hub, host.id, rules, actor, lambda _: None)
        for part in parts:
            projects.change(hub, known[part.scope].id, {"state": "closed"}, actor, lambda _: None)
        gates += _pair(hub, rules, actor)
        names.append(name)
    return Joined(names, frozenset(taken), gates)


def _pair(hub: Hub, rules: Sequence[NewRule], actor: str) -> int:
    """A milestone of the plan and one of the work that speak of the same phase are one; the plan's counts."""
    planned = {scope: _gates(hub, scope) for scope in (rule.scope_id for rule in rules if rule.role == "schedule")}
    done = {scope: _gates(hub, scope) for scope in (rule.scope_id for rule in rules if rule.role == "execution")}
    pairs = [
        (line.id, gate.id)
        for lines in planned.values()
        for gates in done.values()
        for phase, line in lines.items()
        if (gate := gates.get(phase)) is not None
    ]
    for line_id, gate_id in pairs:
        same_as.add(hub, line_id, gate_id, actor)
    return len(pairs)


def _gates(hub: Hub, scope_id: str) -> dict[str, StoredItem]:
    """The milestones of a scope by the phase that they end, which is the first word of their title."""
    wanted = work_items.Query(Filter(kind="milestone"), scope=scope_id)
    found = work_items.page(hub, wanted, Order("key", descending=False), None, MOST_GATES)
    return {(item.title or "").partition(" ")[0]: item for item in reversed(found)}
