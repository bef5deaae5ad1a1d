"""Sprints as texts: read from both ends, whatever their names hold."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pmo_hub_jira import wire
from pmo_hub_jira.greenhopper import sprint_of, sprints_of

DATES = "startDate=2026-11-02T09:00:00.000Z,endDate=2026-11-16T09:00:00.000Z,completeDate=<null>"


def text(name: str, *, goal: str | None = None, newer: bool = False) -> str:
    """As Jira 8.20 writes a sprint, or as 7.x does, which has the goal before the dates."""
    head = f"com.atlassian.greenhopper.service.sprint.Sprint@1f3a[id=7,rapidViewId=2,state=ACTIVE,name={name}"
    if newer:
        end = "" if goal is None else f",goal={goal},synced=false,autoStartStop=false,incompleteIssuesDestinationId=<null>"
        return f"{head},{DATES},activatedDate=2026-11-02T09:00:01.000Z,sequence=7{end}]"
    return f"{head}{'' if goal is None else f',goal={goal}'},{DATES},sequence=7]"


@pytest.mark.parametrize("newer", [False, True])
@pytest.mark.parametrize("goal", [None, "Ship it, all of it", "<null>", ""])
@pytest.mark.parametrize(
    "name",
    [
        "Sprint 1",
        "A, id=9, name=B]",
        "A, B=c",
        "x,startDate=2026-01-01T00:00:00Z",
        "a]b[c",
        "Übergabe, 第一次",
        "name=x,state=CLOSED",
        "two\nlines",
    ],
)
def test_a_name_may_hold_what_surrounds_it(name: str, goal: str | None, newer: bool) -> None:
    sprint = sprint_of(text(name, goal=goal, newer=newer))
    assert sprint == wire.Sprint(
        7, name, "ACTIVE", goal if goal not in ("", "<null>") else None, "2026-11-02T09:00:00.000Z", "2026-11-16T09:00:00.000Z", None
    )


@given(st.text(alphabet=st.sampled_from("ab,=[] <>name"), max_size=40), st.booleans())
def test_any_name_comes_back(name: str, newer: bool) -> None:
    sprint = sprint_of(text(name, newer=newer))
    assert sprint is not None
    assert (sprint.id, sprint.name, sprint.end_date) == (7, None if name in ("", "<null>") else name, "2026-11-16T09:00:00.000Z")


def test_a_future_sprint_has_no_dates() -> None:
    found = sprint_of(
        "x.Sprint@2[id=8,rapidViewId=<null>,state=FUTURE,name=Next,startDate=<null>,endDate=<null>,completeDate=<null>,sequence=8]"
    )
    assert found == wire.Sprint(8, "Next", "FUTURE")


def test_a_text_of_another_version_keeps_what_can_be_known() -> None:
    assert sprint_of("x.Sprint@2[id=8,rapidViewId=3,state=CLOSED,name=Old,startDate=sometime]") == wire.Sprint(8, "Old", "CLOSED")
    assert sprint_of("Sprint without an id") is None
    assert sprints_of(["nothing", text("A"), wire.Numbered(3)]) == [sprint_of(text("A")), wire.Numbered(3)]


def test_recorded_texts_are_read_whole(shared_folder: Path) -> None:
    """Every sprint of the recorded Server answers: id and name as a plain reading of the text has them, and the dates with it."""
    texts = set()
    for file in sorted((shared_folder / "data" / "jira").glob("**/*.json")):
        texts |= set(
            re.findall(r'"(com\.atlassian\.greenhopper\.service\.sprint\.Sprint@(?:[^"\\]|\\.)*)"', file.read_text("utf-8", "replace"))
        )
    found = [(said, sprint_of(json.loads(f'"{said}"'))) for said in sorted(texts)]
    assert found, "the recorded answers hold no sprint"
    for said, sprint in found:
        assert sprint is not None
        assert f"id={sprint.id}," in said
        assert sprint.name
        assert f"name={sprint.name}," in json.loads(f'"{said}"')
        assert f"startDate={sprint.start_date or '<null>'}," in said
