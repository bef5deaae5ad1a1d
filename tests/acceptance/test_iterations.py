"""What iterations promised and delivered, from a simulated Jira to the API, on both engines; the expectation is replayed from the site."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from pmo_hub_jira import simulated_dictionary as d
from pmo_hub_jira.simulated_site import Issue, Sprint
from pmo_hub_jira.simulator import Simulator, serve
from tests.acceptance.bad_input_estate import BIG, LATER, START, Estate, site

HOUR = timedelta(hours=1)


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    with serve(site(), clock=lambda: START) as running:
        yield running


@pytest.fixture
def estate(migrated_url: str, simulator: Simulator, tmp_path: Path) -> Estate:
    made = Estate(migrated_url, simulator, tmp_path, START)
    made.connect()
    made.work_off()
    assert made.newest()["state"] == "finished"
    return made


def value_at(issue: Issue, field: str, at: datetime) -> str:
    """What the field's change log says it was then, as the log writes it; "" for nothing."""
    told = [(h.created, c) for h in issue.histories for c in h.changes if c.field_id == field]
    before = [c for when, c in told if when <= at]
    after = [c for when, c in told if when > at]
    side = (before[-1].after, before[-1].after_text) if before else (after[0].before, after[0].before_text) if after else None
    if side is None:
        now = issue.values.get(field)
        return ", ".join(map(str, now)) if isinstance(now, tuple) else "" if now is None else str(now)
    return (side[1] if field == d.STORY_POINTS else side[0]) or ""


def in_sprint(issue: Issue, sprint: Sprint, at: datetime) -> bool:
    return issue.created <= at and str(sprint.id) in value_at(issue, d.SPRINT, at).split(", ")


def is_done(simulator: Simulator, issue: Issue, at: datetime) -> bool:
    return simulator.world.statuses[value_at(issue, "status", at)].category == "done"


def counted(simulator: Simulator) -> list[Issue]:
    world = simulator.world
    kept = [i for i in world.visible_issues() if i.project_id == BIG and world.types[i.values["issuetype"]].level == 0]
    return [issue for issue in kept if issue.values["issuetype"] != d.RISK]


def listed(estate: Estate, **filters: str) -> dict[str, Any]:
    query = "&".join(f"{name}={value}" for name, value in filters.items())
    return {one["external_id"]: one for one in estate.api("GET", f"iterations?limit=200&{query}")["items"]}


def lines(estate: Estate, iteration: dict[str, Any]) -> dict[str, Any]:
    return {line["key"] or line["item_id"]: line for line in estate.api("GET", f"iterations/{iteration['id']}")["items"]}


def pass_by(estate: Estate, by: timedelta) -> None:
    """Time passes at both ends."""
    estate.now += by
    estate.simulator.advance(by)


def poll(estate: Estate, by: timedelta = HOUR) -> None:
    """Time passes, and what has happened meanwhile is read."""
    pass_by(estate, by)
    assert estate.sync()["state"] == "finished"


def test_the_past_before_the_first_sync_is_put_together_from_history(estate: Estate, simulator: Simulator) -> None:
    told = listed(estate)
    mine = [s for s in simulator.world.sprints.values() if simulator.world.boards[s.board_id].project_id == BIG and s.state == "closed"]
    assert len(mine) >= 5
    committed = 0
    for sprint in mine:
        assert sprint.start is not None
        assert sprint.complete is not None
        found = told[str(sprint.id)]["commitment"]
        assert (found["is_final"], found["start_basis"], found["end_basis"]) == (True, "reconstructed", "reconstructed")
        at_start = {i.key: value_at(i, d.STORY_POINTS, sprint.start) for i in counted(simulator) if in_sprint(i, sprint, sprint.start)}
        held = lines(estate, told[str(sprint.id)])
        promised = {key: line for key, line in held.items() if line["at_start"]}
        assert {key: line["start_points"] for key, line in promised.items()} == {
            key: float(points) if points else None for key, points in at_start.items()
        }
        by_key = {issue.key: issue for issue in counted(simulator)}
        for key, line in held.items():
            assert in_sprint(by_key[key], sprint, sprint.complete) == (line["outcome"] != "removed"), key
            if line["outcome"] != "removed":
                ended = is_done(simulator, by_key[key], sprint.complete)
                assert ended == (line["outcome"] in ("completed", "cancelled", "done_before")), key
        committed += found["summary"]["committed"]["items"]
    assert committed > 15


def test_lists_are_narrowed_and_paged(estate: Estate) -> None:
    everything = listed(estate)
    (project,) = (p for p in estate.api("GET", "projects")["items"] if p["name"].startswith("Payments"))
    mine = listed(estate, project=project["id"])
    assert len(mine) > 0
    assert set(mine) <= set(everything)
    states = {state: listed(estate, project=project["id"], state=state) for state in ("future", "active", "closed")}
    assert {id for some in states.values() for id in some} == set(mine)
    assert all(one["state"] == state for state, some in states.items() for one in some.values())
    assert all(one["commitment"] is None for one in states["future"].values())
    paged, cursor = [], ""
    while True:
        page = estate.api("GET", f"iterations?limit=3{cursor}")
        paged += [one["external_id"] for one in page["items"]]
        if page["next_cursor"] is None:
            break
        cursor = f"&cursor={page['next_cursor']}"
    assert paged == list(everything)


def test_a_sprint_is_frozen_when_it_starts_and_when_it_closes(estate: Estate, simulator: Simulator) -> None:
    world = simulator.world
    active = next(s for s in world.sprints.values() if s.state == "active" and world.boards[s.board_id].project_id == BIG)
    sprint = next(s for s in world.sprints.values() if s.state == "future" and world.boards[s.board_id].project_id == BIG)
    kept, changed, removed, deleted, added, moved = (simulator.mutate("create", "PAY", f"Number {n}").key for n in range(6))
    for number, key in enumerate((kept, changed, removed, deleted, moved), 1):
        simulator.mutate("edit_fields", key, {d.SPRINT: (sprint.id,), d.STORY_POINTS: float(number)})
    sub_task = next(i for i in world.visible_issues() if i.project_id == BIG and world.types[i.values["issuetype"]].level < 0)
    simulator.mutate("edit_fields", sub_task.id, {d.SPRINT: (sprint.id,), d.STORY_POINTS: 100.0})
    poll(estate)
    pass_by(estate, timedelta(hours=7))
    simulator.mutate("start_sprint", sprint.id)
    assert estate.sync()["state"] == "finished"
    # It started while it was read: of its items, some may have been read before that.
    assert (listed(estate)[str(sprint.id)]["state"], listed(estate)[str(sprint.id)]["commitment"]) == ("active", None)
    poll(estate)
    found = listed(estate)[str(sprint.id)]
    assert (found["state"], found["commitment"]["start_basis"], found["commitment"]["is_final"]) == ("active", "recorded", False)
    assert found["commitment"]["summary"]["committed"]["items"] == _promised(simulator, sprint)
    assert {key: lines(estate, found)[key]["start_points"] for key in (kept, changed, removed, deleted, moved)} == {
        kept: 1.0, changed: 2.0, removed: 3.0, deleted: 4.0, moved: 5.0,
    }  # fmt: skip
    assert sub_task.key not in lines(estate, found)
    # Everything that may happen to a sprint happens to it.
    gone = str(world.ids[deleted.upper()])
    simulator.mutate("edit_fields", changed, {d.STORY_POINTS: 8.0})
    simulator.mutate("edit_fields", removed, {d.SPRINT: ()})
    simulator.mutate("edit_fields", added, {d.SPRINT: (sprint.id,), d.STORY_POINTS: 13.0})
    simulator.mutate("transition", kept, d.DONE)
    new_key = simulator.mutate("move", moved, "ERP").key
    simulator.mutate("delete", deleted)
    poll(estate)
    for _ in range(2):
        pass_by(estate, HOUR)
        assert estate.sync("census")["state"] == "finished"
    half = listed(estate)[str(sprint.id)]["commitment"]
    assert (half["is_final"], half["ended_at"]) == (False, None)
    assert half["summary"]["kept"]["items"] == 1
    pass_by(estate, timedelta(hours=7))
    simulator.mutate("close_sprint", sprint.id, into=active.id)
    assert estate.sync()["state"] == "finished"
    closing = listed(estate)[str(sprint.id)]
    assert (closing["state"], closing["commitment"]["is_final"]) == ("closed", False)
    poll(estate)
    found = listed(estate)[str(sprint.id)]
    held = lines(estate, found)
    assert found["commitment"]["is_final"]
    outcomes = {key: (held[key]["at_start"], held[key]["start_points"], held[key]["end_points"], held[key]["outcome"]) for key in (
        kept, changed, removed, added, new_key)}  # fmt: skip
    assert outcomes == {
        kept: (True, 1.0, 1.0, "completed"),
        changed: (True, 2.0, 8.0, "carried_over"),
        removed: (True, 3.0, 3.0, "removed"),
        added: (False, None, 13.0, "carried_over"),
        new_key: (True, 5.0, 5.0, "carried_over"),
    }
    assert gone not in {line["key"] for line in held.values()}
    (lost,) = (line for line in held.values() if line["key"] is None)
    assert (lost["start_points"], lost["outcome"]) == (4.0, "removed")
    # Nothing that happens afterwards changes what is written down.
    simulator.mutate("edit_fields", kept, {d.STORY_POINTS: 99.0, d.SPRINT: ()})
    simulator.mutate("transition", changed, d.DONE)
    simulator.mutate("delete", added)
    poll(estate, timedelta(hours=8))
    assert listed(estate)[str(sprint.id)]["commitment"] == found["commitment"]
    again = {line["item_id"]: {**line, "key": None, "title": None, "url": None} for line in lines(estate, found).values()}
    assert again == {line["item_id"]: {**line, "key": None, "title": None, "url": None} for line in held.values()}


def _promised(simulator: Simulator, sprint: Sprint) -> int:
    started = simulator.world.sprints[sprint.id].start
    assert started is not None
    return sum(1 for i in counted(simulator) if in_sprint(i, sprint, started) and not is_done(simulator, i, started))


def test_without_history_the_past_is_unknown_and_not_made_up(
    migrated_url: str, simulator: Simulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    estate = Estate(migrated_url, simulator, tmp_path, START)
    plain: dict[str, Any] = simulator.config()
    monkeypatch.setattr(simulator, "config", lambda: plain | {"history": False})
    estate.connect()
    estate.work_off()
    closed = [one for one in listed(estate, state="closed").values() if one["commitment"]]
    assert closed
    assert {(c["commitment"]["start_basis"], c["commitment"]["summary"]) for c in closed} == {("unknown", None)}


def test_an_unknown_iteration_is_a_problem(estate: Estate) -> None:
    with pytest.raises(AssertionError, match="There is no iteration"):
        estate.api("GET", "iterations/nowhere")


def test_worklogs_are_told_with_what_they_add_up_to(estate: Estate, simulator: Simulator) -> None:
    issue = min(counted(simulator), key=lambda i: i.id)
    for n in range(5):
        simulator.mutate("log_work", issue.id, 900 * (n + 1), started=LATER + n * HOUR)
    poll(estate)
    (item,) = estate.api("GET", f"work-items?key={issue.key}")["items"]
    first = estate.api("GET", f"work-items/{item['id']}/worklogs?limit=3")
    rest = estate.api("GET", f"work-items/{item['id']}/worklogs?limit=3&cursor={first['next_cursor']}")
    assert (first["count"], first["hours"], rest["next_cursor"]) == (5, 3.75, None)
    assert [one["hours"] for one in (*first["items"], *rest["items"])] == [1.25, 1.0, 0.75, 0.5, 0.25]
    assert all(one["author_name"] for one in first["items"])
    simulator.mutate("delete_worklog", issue.id, simulator.world.issues[issue.id].worklogs[4].id, touch=False)
    poll(estate)
    left = estate.api("GET", f"work-items/{item['id']}/worklogs")
    assert (left["count"], left["hours"]) == (4, 2.5)
    assert estate.newest()["gone"] == {"worklog": 1}
    other = next(i for i in counted(simulator) if not i.worklogs and i.id != issue.id)
    (silent,) = estate.api("GET", f"work-items?key={other.key}")["items"]
    assert estate.api("GET", f"work-items/{silent['id']}/worklogs") == {"items": [], "next_cursor": None, "count": 0, "hours": None}
    with pytest.raises(AssertionError, match="There is no work item"):
        estate.api("GET", "work-items/nowhere/worklogs")
