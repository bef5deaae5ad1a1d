"""What happens to a Jira site beyond the edits of its issues: comments and links that go, people, projects, sprints and boards that change.

As in real Jira, much of it moves no issue's `updated`: a comment that is deleted on some versions, a project's new key, a person's new
name, boards and sprints. `index_lag` of the world is how far the search index stays behind what was written.
"""
from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

from pmo_hub_jira import simulated_dictionary as d
from pmo_hub_jira.simulated_mutations import Mutations
from pmo_hub_jira.simulated_site import Board, Change, Comment, Issue, Link, Project, Sprint


def paragraph(text: str) -> dict[str, Any]:
    """An ADF document of one paragraph."""
    return {"type": "doc", "version": 1, "content": [{"type": "paragraph", "content": [{"type": "text", "text": text}]}]}


class Upheavals(Mutations):
    """As Mutations, and more of them."""

    # Comments

    def edit_comment(self, id_or_key: int | str, number: int, text: str) -> Comment:
        """The issue's comment of that number (modulo their count) says something else; `updated` moves."""
        issue = self._issue(id_or_key)
        at = self._moment(issue)
        place = number % len(issue.comments)
        comment = replace(issue.comments[place], updated=at, body=paragraph(text))
        comments = (*issue.comments[:place], comment, *issue.comments[place + 1:])
        self._changed(self._world.put(replace(issue, updated=at, comments=comments)))
        return comment

    def delete_comment(self, id_or_key: int | str, number: int, silent: bool = False) -> None:
        """The comment is gone; `silent`: without moving `updated`, as some versions of Jira have it."""
        issue = self._issue(id_or_key)
        place = number % len(issue.comments)
        comments = (*issue.comments[:place], *issue.comments[place + 1:])
        at = issue.updated if silent else self._moment(issue)
        self._changed(self._world.put(replace(issue, updated=at, comments=comments)))

    # Links

    def link(self, source: int | str, target: int | str, type_id: str = d.BLOCKS, author: str | None = None) -> Link:
        """The source blocks (or whatever the type says) the target; both ends record it."""
        first, second = self._issue(source), self._issue(target)
        kind = next(kind for kind in self._world.dictionary.link_types if kind.id == type_id)
        link = self._world.put_link(type_id, first.id, second.id)
        self._link_told(first, None, (second.key, f"This issue {kind.outward} {second.key}"), author)
        self._link_told(second, None, (first.key, f"This issue {kind.inward} {first.key}"), author)
        return link

    def unlink(self, link_id: int, author: str | None = None) -> None:
        """The link is taken off both issues, which record it."""
        link = self._world.find_link(link_id)
        kind = next(kind for kind in self._world.dictionary.link_types if kind.id == link.type_id)
        first, second = self._issue(link.source), self._issue(link.target)
        self._world.drop_link(link)
        self._link_told(first, (second.key, f"This issue {kind.outward} {second.key}"), None, author)
        self._link_told(second, (first.key, f"This issue {kind.inward} {first.key}"), None, author)

    def _link_told(self, issue: Issue, before: tuple[str, str] | None, after: tuple[str, str] | None, author: str | None) -> None:
        issue = self._world.issues[issue.id]
        change = Change("Link", None, "jira", *(before or (None, None)), *(after or (None, None)))
        self._write(issue, (change,), author or self._world.site.caller, self._moment(issue))

    # People and projects

    def rename_person(self, account_id: str, name: str) -> None:
        """The person is shown under another name everywhere at once; nothing else tells."""
        world = self._world
        world.people[account_id] = replace(world.people[account_id], name=name)
        world.revision += 1
        self._forget_all()

    def rename_project(self, key: str, new: str) -> Project:
        """The project and all of its issues get a new key; the old keys still resolve, no issue's `updated` moves."""
        world = self._world
        project = next(p for p in world.projects.values() if p.key == key)
        renamed = world.projects[project.id] = replace(project, key=new)
        for issue in [issue for issue in world.issues.values() if issue.project_id == project.id]:
            world.put(replace(issue, key=f"{new}-{issue.number}"))
        self._forget_all()
        return renamed

    def _forget_all(self) -> None:
        self._changed(self._world.issues)
        if self.forget_all is not None:
            self.forget_all()

    # Sprints and boards

    def create_sprint(self, board_id: int, name: str, days: int = 14) -> Sprint:
        """A future sprint on the board and on every other that shows the same ones."""
        world = self._world
        now = self._now().replace(microsecond=0)
        start = now + timedelta(days=1)
        sprint = Sprint(max(world.sprints, default=0) + 1, name, "future", board_id, now, start, start + timedelta(days=days))
        shown = world.boards[board_id].sprint_ids
        for board in list(world.boards.values()):
            if board.id == board_id or (shown and board.sprint_ids == shown):
                world.boards[board.id] = replace(board, sprint_ids=(*board.sprint_ids, sprint.id))
        world.put_sprint(sprint)
        return sprint

    def delete_sprint(self, id: int) -> None:
        """The sprint is gone; its issues go back to the backlog, each with a change of its Sprint field."""
        world = self._world
        for issue in list(world.issues.values()):
            held = issue.values.get(d.SPRINT) or ()
            if id in held:
                self.edit_fields(issue.id, {d.SPRINT: tuple(sprint for sprint in held if sprint != id)})
        for board in list(world.boards.values()):
            world.boards[board.id] = replace(board, sprint_ids=tuple(sprint for sprint in board.sprint_ids if sprint != id))
        # Changes in the past still name it.
        world.revision += 1

    def create_board(self, project_key: str, name: str, like: int) -> Board:
        """A board of the project with the columns of another one and no sprints."""
        world = self._world
        project = next(p for p in world.projects.values() if p.key == project_key)
        board = replace(world.boards[like], id=max(world.boards) + 1, name=name, project_id=project.id, sprint_ids=())
        world.boards[board.id] = board
        world.revision += 1
        return board

    def delete_board(self, id: int) -> None:
        """The board is gone; its issues and sprints stay, but no board may be left that shows the latter."""
        del self._world.boards[id]
        self._world.revision += 1
