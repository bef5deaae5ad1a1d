"""Turns planned lives into issues: ids and keys in order of creation, histories numbered in order of time, cut at each horizon."""
from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from pmo_hub_jira import simulated_dictionary as d
from pmo_hub_jira.simulated_changes import Names, difference, names_of
from pmo_hub_jira.simulated_lives import Draft, Scene
from pmo_hub_jira.simulated_site import Change, Comment, Dictionary, History, Issue, Link, Person, Project

FIRST_ISSUE, FIRST_HISTORY, FIRST_COMMENT, FIRST_LINK = 10100, 50000, 70000, 40000


@dataclass(slots=True)
class _Told:
    """One draft's events up to its horizon."""
    draft: Draft
    horizon: datetime
    values: dict[str, Any]
    status_changed: datetime
    resolved: datetime | None = None
    entries: list[tuple[datetime, str | None, tuple[Change, ...]]] | None = None


def _settle(scene: Scene) -> None:
    """Puts every creation before the horizon and decides when parents are set."""
    for n, draft in enumerate(scene.drafts):
        latest = scene.horizon - timedelta(minutes=30)
        if draft.parent is not None:
            earliest = draft.parent.created + timedelta(minutes=1)
            if draft.values["issuetype"] in (d.SUB_TASK, d.LOCAL_SUB_TASK):
                draft.created = max(min(draft.created, latest), earliest)
        draft.created = min(draft.created, latest + timedelta(milliseconds=n % 1000))
        if scene.random.random() < 0.04:
            scene.step(draft, scene.after(draft.created, 3), scene.member(), **{d.RANK: f"0|i{n:05x}:i"})


def _parentage(scene: Scene, draft: Draft) -> None:
    if draft.parent is None:
        return
    sub_task = draft.values["issuetype"] in (d.SUB_TASK, d.LOCAL_SUB_TASK)
    if sub_task or (draft.parent.created < draft.created and scene.random.random() < 0.7):
        draft.values["parent"] = draft.parent.id
    else:
        at = scene.after(max(draft.parent.created, draft.created), 1)
        scene.step(draft, at, scene.member(), parent=draft.parent.id)


def _live(draft: Draft, horizon: datetime, names: Names) -> _Told:
    """Applies the steps in order of time; steps after the horizon never happened."""
    categories = {d.OPEN: 0, d.TO_DO: 0, d.BACKLOG: 0, d.LOCAL_OPEN: 0, d.DONE: 2, d.CANCELLED: 2, d.LOCAL_DONE: 2}
    told = _Told(draft, horizon, dict(draft.values), draft.created, None, [])
    assert told.entries is not None
    for step in sorted(draft.steps, key=lambda step: step.at):
        if step.at > horizon or step.at < draft.created:
            continue
        changes: tuple[Change, ...] = ()
        for field, value in step.values:
            old = told.values.get(field)
            changes += difference(field, old, value, names)
            told.values[field] = value
            if field == "status" and categories.get(value, 1) != categories.get(old or "", 1):
                told.status_changed = step.at
            if field == "resolution":
                told.resolved = step.at if value else None
        if changes:
            told.entries.append((step.at, step.author, changes))
    return told


def _link(told: dict[int, _Told], scenes: list[Scene], dictionary: Dictionary) -> list[Link]:
    """Links whose two ends exist, each with a change on both ends."""
    types = {t.id: t for t in dictionary.link_types}
    links: list[Link] = []
    for scene in scenes:
        for draft in scene.drafts:
            for type_id, target in draft.links:
                at = max(draft.created, target.created) + timedelta(minutes=2 + len(links) % 40)
                if at > scene.horizon:
                    continue
                links.append(Link(FIRST_LINK + len(links), type_id, draft.id, target.id))
                who = scene.member()
                for here, there, words in ((draft, target, types[type_id].outward), (target, draft, types[type_id].inward)):
                    entries = told[here.id].entries
                    assert entries is not None
                    entries.append((at, who, (Change("Link", None, "jira", None, None, there.key, f"This issue {words} {there.key}"),)))
    return links


def tell(scenes: list[Scene], dictionary: Dictionary, people: tuple[Person, ...],
         sprint_names: dict[int, str]) -> tuple[tuple[Issue, ...], tuple[Link, ...]]:
    """The issues and links of all scenes; an issue's `values` are what its creation values and its history lead to."""
    for scene in scenes:
        _settle(scene)
    everyone = sorted(((draft, scene) for scene in scenes for draft in scene.drafts), key=lambda pair: pair[0].created)
    counters: dict[str, int] = {}
    keys: dict[int, str] = {}
    for n, (draft, _) in enumerate(everyone):
        counters[draft.project.key] = number = counters.get(draft.project.key, 0) + 1
        draft.id, draft.key = FIRST_ISSUE + n, f"{draft.project.key}-{number}"
        draft.values[d.RANK] = f"0|i{n:05x}:"
        keys[draft.id] = draft.key
    projects: tuple[Project, ...] = tuple(scene.project for scene in scenes)
    names = names_of(dictionary, people, projects, sprint_names.__getitem__, keys.__getitem__)
    told: dict[int, _Told] = {}
    for draft, scene in everyone:
        _parentage(scene, draft)
        told[draft.id] = _live(draft, scene.horizon, names)
    links = _link(told, scenes, dictionary)
    return _number(told), tuple(links)


def _number(told: dict[int, _Told]) -> tuple[Issue, ...]:
    entries = sorted(((entry, id) for id, one in told.items() for entry in one.entries or ()), key=lambda pair: (pair[0][0], pair[1]))
    histories: dict[int, list[History]] = {id: [] for id in told}
    for n, ((at, author, changes), id) in enumerate(entries):
        histories[id].append(History(FIRST_HISTORY + n, at, author, changes))
    remarks = sorted(((at, id, author, body) for id, one in told.items() for at, author, body in one.draft.comments
                      if one.draft.created < at <= one.horizon), key=lambda remark: remark[:2])
    comments: dict[int, list[Comment]] = {id: [] for id in told}
    for n, (at, id, author, body) in enumerate(remarks):
        comments[id].append(Comment(FIRST_COMMENT + n, at, at, author, body))
    out = []
    for id, one in told.items():
        draft = one.draft
        updated = max([draft.created] + [h.created for h in histories[id][-1:]] + [c.updated for c in comments[id][-1:]])
        out.append(Issue(id, draft.key, draft.project.id, draft.created, updated, draft.creator, one.values, one.status_changed,
                         one.resolved, tuple(histories[id]), tuple(comments[id])))
    return tuple(out)
