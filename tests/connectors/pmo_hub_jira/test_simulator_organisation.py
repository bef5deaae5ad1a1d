"""The generated organisation: reproducible, as large as asked, states that follow from history, projects in the promised shape."""
from __future__ import annotations

from collections import Counter, defaultdict
from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import Any

import msgspec
import pytest

from pmo_hub_jira import simulated_dictionary as d
from pmo_hub_jira.simulated_organisation import generate
from pmo_hub_jira.simulated_rendering import Renderer, encode
from pmo_hub_jira.simulated_site import Issue, Site
from pmo_hub_jira.simulated_world import World

NOW = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)
SEEDS = (1, 2, 7, 2026)


@cache
def site(seed: int = 1, size: str = "small") -> Site:
    return generate(seed, size, NOW)


def everything(site: Site) -> bytes:
    world = World(site)
    renderer = Renderer(world, UTC)
    fields = renderer.selection(["*all"], "*all")
    issues = [renderer.issue(issue, fields) + encode([renderer.history(h, True) for h in issue.histories]) for issue in site.issues]
    rest = [[renderer.sprint(sprint) for sprint in site.sprints], [renderer.person(person) for person in site.people], site.cloud_id]
    return b"".join(issues) + encode(rest)


def of_project(site: Site, shape: str) -> list[Issue]:
    key = next(key for key, found in site.profiles.items() if found == shape)
    project = next(p for p in site.projects if p.key == key)
    return [issue for issue in site.issues if issue.project_id == project.id]


def is_open(site: Site, issue: Issue) -> bool:
    return next(s for s in site.dictionary.statuses if s.id == issue.values["status"]).category != "done"


def overdue(site: Site, issues: list[Issue]) -> list[Issue]:
    return [i for i in issues if is_open(site, i) and i.values.get("duedate") and i.values["duedate"] < NOW.date()]


def near(site: Site, issues: list[Issue]) -> list[Issue]:
    return [i for i in issues if is_open(site, i) and i.values.get("duedate") and 0 <= (i.values["duedate"] - NOW.date()).days <= 14]


def test_same_seed_and_now_give_the_same_bytes() -> None:
    assert everything(generate(5, "200", NOW, awkward=True)) == everything(generate(5, "200", NOW, awkward=True))


def test_another_seed_and_another_now_give_other_bytes() -> None:
    first = everything(generate(5, "100", NOW))
    assert first != everything(generate(6, "100", NOW))
    assert first != everything(generate(5, "100", NOW + timedelta(days=1)))


@pytest.mark.parametrize(("size", "issues", "projects"), [("small", 1273, 10), ("60", 60, 10), ("437", 437, 10), ("3000", 3000, 14)])
def test_size_is_met_exactly(size: str, issues: int, projects: int) -> None:
    made = generate(1, size, NOW)
    assert (len(made.issues), len(made.projects)) == (issues, projects)
    assert len({i.key for i in made.issues}) == issues
    assert len({p.key for p in made.projects}) == projects


def test_size_below_ten_and_naive_now_are_refused() -> None:
    with pytest.raises(ValueError, match="at least 10"):
        generate(1, "3", NOW)
    with pytest.raises(ValueError, match="aware"):
        generate(1, "small", NOW.replace(tzinfo=None))


@pytest.mark.parametrize("seed", SEEDS)
def test_time_runs_forward_and_stops_at_now(seed: int) -> None:
    for issue in site(seed).issues:
        moments = [h.created for h in issue.histories]
        assert moments == sorted(moments)
        last = max([issue.created, *moments, *(c.updated for c in issue.comments)])
        assert issue.created <= min(moments, default=issue.created)
        assert issue.updated == last <= NOW
        assert issue.created <= issue.status_changed <= NOW
        assert all(moment.microsecond % 1000 == 0 for moment in (issue.created, issue.updated, *moments))
    ids = [(i.created, i.id) for i in site(seed).issues]
    assert sorted(ids) == ids


def wire_value(field: str, value: Any) -> Any:
    """A current value as the change log writes it in `to` or, where that is empty, in toString."""
    if field in (d.SPRINT, d.FLAGGED):
        return ", ".join(map(str, value or ())) if field == d.SPRINT else f"[{', '.join(value)}]" if value else ""
    if field in (d.STORY_POINTS, d.POINT_ESTIMATE):
        return None if value is None else f"{value:g}"
    if isinstance(value, date):
        return value.isoformat()
    return None if value is None else str(value)


@pytest.mark.parametrize("seed", SEEDS)
def test_replaying_history_gives_the_current_state(seed: int) -> None:
    replayed: Counter[str] = Counter()
    text_only = {d.STORY_POINTS, d.POINT_ESTIMATE}
    for issue in site(seed).issues:
        state: dict[str, Any] = {}
        for history in issue.histories:
            for change in history.changes:
                field = "parent" if change.field == "IssueParentAssociation" else change.field_id
                if field is None or field in (d.RANK, "fixVersions", "components"):
                    continue
                before, after = (change.before_text, change.after_text) if field in text_only else (change.before, change.after)
                assert state.get(field, before) == before, (issue.key, field)
                assert before != after
                state[field] = after
                replayed[field] += 1
        for field, value in state.items():
            assert value == wire_value(field, issue.values.get(field)), (issue.key, field)
    assert {"status", "assignee", "resolution", "duedate", "parent", "timespent", d.SPRINT, *text_only} <= set(replayed)


@pytest.mark.parametrize("seed", SEEDS)
def test_resolution_follows_the_status(seed: int) -> None:
    for issue in site(seed).issues:
        assert (issue.values.get("resolution") is None) is is_open(site(seed), issue), issue.key
        assert (issue.resolved is None) is is_open(site(seed), issue)


@pytest.mark.parametrize("seed", SEEDS)
def test_projects_are_in_the_shape_their_name_promises(seed: int) -> None:
    made = site(seed)
    late = of_project(made, "overdue")
    open_late = [i for i in late if is_open(made, i)]
    assert len(overdue(made, late)) >= 0.25 * len(open_late)
    for calm in ("healthy", "waterfall"):
        issues = of_project(made, calm)
        assert len(overdue(made, issues)) <= 0.06 * len([i for i in issues if is_open(made, i)]), calm
    assert NOW - max(i.updated for i in of_project(made, "silent")) >= timedelta(days=45)
    assert sum(1 for i in of_project(made, "silent") if is_open(made, i)) > 10
    stuck = [i for i in of_project(made, "blockers") if i.values["status"] == d.BLOCKED]
    assert len(stuck) >= 5
    assert all(i.values["priority"] == d.HIGHEST and i.values[d.FLAGGED] == (d.IMPEDIMENT,) for i in stuck)
    assert sum(1 for i in stuck if NOW - i.status_changed > timedelta(days=10) or NOW - i.updated > timedelta(days=10)) >= 3
    ahead = near(made, of_project(made, "unassigned"))
    assert len(ahead) >= 4
    assert sum(1 for i in ahead if i.values.get("assignee") is None) >= 0.6 * len(ahead)
    risks = [i for i in of_project(made, "risks") if i.values["issuetype"] == d.RISK]
    assert len(risks) >= 10
    assert {link.source for link in made.links} & {risk.id for risk in risks}
    assert len(of_project(made, "empty")) == 3
    assert any("\u4e00" <= letter <= "\u9fff" for i in of_project(made, "localised") for letter in i.values["summary"])


@pytest.mark.parametrize("seed", SEEDS)
def test_work_hangs_together(seed: int) -> None:
    made = site(seed)
    by_id = {i.id: i for i in made.issues}
    level = {t.id: t.level for t in made.dictionary.types}
    levels = Counter(level[i.values["issuetype"]] for i in made.issues)
    assert set(levels) == {-1, 0, 1, 2}
    for issue in made.issues:
        parent = issue.values.get("parent")
        mine = level[issue.values["issuetype"]]
        assert (parent is not None) or mine >= 0, issue.key
        if parent is not None:
            assert level[by_id[parent].values["issuetype"]] > mine
            assert by_id[parent].project_id == issue.project_id
    chains: dict[int, list[int]] = defaultdict(list)
    for link in made.links:
        if link.type_id == d.BLOCKS:
            chains[link.source].append(link.target)
    assert any(target in chains for targets in chains.values() for target in targets)


def test_sprints_carry_unfinished_work_over() -> None:
    made = site()
    states = Counter(sprint.state for sprint in made.sprints)
    assert states["closed"] > 30
    assert states["active"] == 5
    assert states["future"] == 10
    assert all((s.start is None) is (s.state == "future") and (s.complete is None) is (s.state != "closed") for s in made.sprints)
    carried = [i for i in made.issues if len(i.values.get(d.SPRINT) or ()) > 1]
    assert len(carried) > 20
    assert all(list(i.values[d.SPRINT]) == sorted(i.values[d.SPRINT]) for i in carried)


def test_people_are_of_every_kind() -> None:
    made = site()
    assert any(not p.active for p in made.people)
    assert any(p.email is None and p.account_type == "atlassian" for p in made.people)
    assert any(p.account_type == "app" for p in made.people)
    assert len({p.account_id for p in made.people}) == len(made.people)


def test_descriptions_use_many_kinds_of_nodes() -> None:
    def kinds(node: Any) -> set[str]:
        return {node["type"]} | {kind for child in node.get("content", ()) for kind in kinds(child)}
    found = {kind for issue in site().issues if issue.values["description"] for kind in kinds(issue.values["description"])}
    assert {"paragraph", "bulletList", "orderedList", "taskItem", "table", "mention", "emoji", "hardBreak", "codeBlock", "panel", "expand",
            "inlineCard", "date", "status", "media", "heading", "blockquote", "rule"} <= found
    assert any(issue.values["description"] is None for issue in site().issues)


def test_awkward_project_holds_the_known_oddities() -> None:
    made = generate(1, "60", NOW, awkward=True, adf_depth=10_000)
    odd = {i.values["summary"]: i for i in of_project(made, "awkward")}
    assert odd["A date in the year 51502"].values["duedate"] == "51502-03-04"
    assert [h.author for h in odd["A change without an author"].histories] == [None, "unknown"]
    assert odd["Zero points"].values[d.STORY_POINTS] == 0.0
    assert odd["No points"].values[d.STORY_POINTS] is None
    assert len(odd["In two sprints at once"].values[d.SPRINT]) == 2
    assert len(odd["More than a hundred changes"].histories) == 130
    assert len(odd["Twenty-five comments"].comments) == 25
    assert "A, id=9, name=B]" in {s.name for s in made.sprints}
    deep = odd["A description nested very deep"].values["description"]
    assert isinstance(deep, msgspec.Raw)
    assert bytes(deep).count(b"blockquote") == 10_000
    plain = generate(1, "60", NOW)
    assert made.issues[:len(plain.issues)] == plain.issues
