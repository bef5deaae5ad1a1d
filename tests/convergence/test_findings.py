"""Each fault that the random walks have found, as the shortest story that shows it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from pmo_hub_jira import simulated_dictionary as d
from pmo_hub_jira.simulator import Simulator
from tests.convergence.comparison import compare, compare_with_site
from tests.convergence.estate import FIRST, STARTS, Killed, ReadingHub, Switch, Waits, address, patched, small_site
from tests.convergence.walking import Databases

SCRUM, WATERFALL = FIRST


class Story:
    """A hub that has read the site once; time passes when it is told to."""

    def __init__(self, databases: Databases, switch: Switch, folder: Path) -> None:
        self._databases, self._switch, self._folder = databases, switch, folder
        self._waits = Waits()
        self._lent: list[sa.Engine] = []
        self.time = STARTS[0]
        self.site = Simulator(small_site(self.time), clock=lambda: self.time)
        self.world = self.site.world
        switch.current = self.site
        self.chosen: tuple[str, ...] = FIRST
        self.hub = self.new_hub()
        self.run("incremental")

    def _now(self) -> datetime:
        return self.time

    def new_hub(self) -> ReadingHub:
        """A hub that has read nothing yet."""
        self._lent.append(self._databases.lend())
        hub = ReadingHub(self._lent[-1], self._now, self._folder, self._waits)
        hub.connect(self.site, self._switch.url, self.chosen)
        return hub

    def close(self) -> None:
        for engine in self._lent:
            self._databases.take_back(engine)

    def run(self, *modes: str) -> None:
        """A run of each mode, eight hours apart."""
        for mode in modes:
            run = self.hub.run(mode)
            assert run.state == "finished", run.error
            self.time += timedelta(hours=8)

    def assert_equal(self) -> None:
        """The hub is equal to one that reads the site for the first time, and to the site."""
        fresh = self.new_hub()
        assert fresh.run("incremental").state == "finished"
        compare(self.hub, fresh, self.site.site.cloud_id)
        compare_with_site(self.hub, self.site, self.chosen, self.site.site.cloud_id)

    def titles(self) -> dict[int, str]:
        return {int(row["external_id"]): row["title"] for row in self.hub.rows("work_items").values()}


@pytest.fixture(scope="module")
def switch() -> Iterator[Switch]:
    with address() as lent:
        yield lent


@pytest.fixture
def story(databases: tuple[str, Databases], switch: Switch, tmp_path: Path) -> Iterator[Story]:
    with patched(Waits(), readers=1):
        told = Story(databases[1], switch, tmp_path)
        try:
            yield told
        finally:
            told.close()


def linked(story: Story) -> tuple[int, int]:
    """The two ends of a link that blocks."""
    link = next(link for links in story.world.links.values() for link in links if link.type_id == d.BLOCKS)
    return link.source, link.target


def test_a_board_and_a_sprint_that_are_deleted_leave_the_hub(story: Story) -> None:
    board = next(b for b in story.world.boards.values() if b.project_id == SCRUM)
    other = next(b for b in story.world.boards.values() if b.project_id == WATERFALL)
    story.site.mutate("delete_sprint", board.sprint_ids[0])
    story.site.mutate("delete_board", other.id)
    story.run("incremental")
    assert str(other.id) not in {row["external_id"] for row in story.hub.rows("boards").values()}
    story.assert_equal()


def test_boards_of_a_project_that_may_not_be_browsed_for_now_stay(story: Story) -> None:
    key = story.world.projects[SCRUM].key
    before = story.hub.rows("boards").keys(), story.hub.rows("iterations").keys()
    story.site.mutate("revoke_project", key)
    assert story.hub.run("incremental").error
    assert (story.hub.rows("boards").keys(), story.hub.rows("iterations").keys()) == before
    story.site.mutate("revoke_project", key, revoked=False)
    story.time += timedelta(hours=8)
    story.run("incremental")
    story.assert_equal()


def test_sprints_of_a_scope_that_is_dropped_leave_with_it_and_come_back(story: Story) -> None:
    story.hub.choose((WATERFALL,))
    story.chosen = (WATERFALL,)
    assert not story.hub.rows("iterations")
    story.run("incremental")
    story.assert_equal()
    story.hub.choose(FIRST)
    story.chosen = FIRST
    story.run("incremental")
    assert story.hub.rows("iterations")
    story.assert_equal()


def test_an_issue_that_comes_back_into_sight_without_an_edit_is_found_by_a_census(story: Story) -> None:
    issue = max(i for i in story.titles() if not story.world.links.get(i) and story.world.issues[i].values.get(d.START_DATE))
    story.site.mutate("revoke_issue", issue)
    story.run("census", "census")
    assert issue not in story.titles()
    story.site.mutate("revoke_issue", issue, revoked=False)
    story.run("incremental")
    assert issue not in story.titles()  # nothing tells of it: Jira moves no time of change
    story.run("census")
    assert issue in story.titles()
    story.assert_equal()


def test_the_other_end_of_a_deleted_issues_link_and_its_children_forget_it(story: Story) -> None:
    source, target = linked(story)
    child = next(i for i in story.titles() if i not in (source, target))
    story.site.mutate("edit", child, parent=source)
    story.run("incremental")
    story.site.mutate("delete", source)
    story.run("incremental", "census", "census")
    row = next(row for row in story.hub.rows("work_items").values() if row["external_id"] == str(child))
    assert row["parent_id"] is None
    story.assert_equal()


def test_a_person_who_is_renamed_is_known_by_the_new_name_after_a_full_read(story: Story) -> None:
    person = next(i.values["assignee"] for i in story.world.issues.values() if i.project_id == SCRUM and i.values.get("assignee"))
    for name in ("Ada", "Berta", "Cecilia"):  # whichever has the greatest row hash
        story.site.mutate("rename_person", person, name)
        story.run("full")
        assert name in {row["name"] for row in story.hub.rows("identities").values()}


def test_what_was_derived_before_any_history_came_is_derived_anew(story: Story) -> None:
    """A first sync is cut off between its issues and their history; a census derives from what is there."""
    for project in FIRST:
        story.site.mutate("create", story.world.projects[project].key, "Nothing happened to it yet")
    hub = story.hub
    for commit in range(1, 12):
        hub = story.new_hub()
        hub.cable.pull_at(commit, before=False)
        with pytest.raises(Killed):
            hub.run("incremental")
        if hub.rows("work_items"):
            break
    assert not hub.rows("transitions")
    hub.restart()
    story.hub = hub
    story.run("census")
    assert {row["status_since"] for row in hub.rows("item_timings").values()} == {None}
    story.run("incremental")
    story.assert_equal()
