"""The agile operations: boards, their configuration and sprints."""
from __future__ import annotations

from pmo_hub.sdk.simulating import Answer
from pmo_hub_jira import simulated_dictionary as d
from pmo_hub_jira.simulated_rendering import Json, Renderer, agile_instant
from pmo_hub_jira.simulated_requests import Call, Operation, names, ok, refuse
from pmo_hub_jira.simulated_site import Board, Sprint
from pmo_hub_jira.simulated_world import World

API = "/rest/agile/1.0"


class Agile:
    def __init__(self, world: World, renderer: Renderer) -> None:
        self.world, self.renderer = world, renderer

    def _visible(self) -> list[Board]:
        shown = {project.id for project in self.world.visible_projects()}
        return [board for board in self.world.boards.values() if board.project_id in shown]

    def _board(self, board: Board) -> Json:
        project = self.world.projects[board.project_id]
        return {"id": board.id, "self": f"{self.renderer.base}{API}/board/{board.id}", "name": board.name, "type": board.type,
                "location": {"projectId": int(project.id), "displayName": f"{project.name} ({project.key})", "projectName": project.name,
                             "projectKey": project.key, "projectTypeKey": "software", "name": f"{project.name} ({project.key})",
                             "avatarURI": f"{self.renderer.base}/rest/api/3/universal_avatar/view/type/project/avatar/10400?size=small"},
                "isPrivate": False}

    def _sprint(self, sprint: Sprint) -> Json:
        head: Json = {"id": sprint.id, "self": f"{self.renderer.base}{API}/sprint/{sprint.id}", "state": sprint.state, "name": sprint.name}
        dates = self.renderer.sprint_dates(sprint)
        created = agile_instant(sprint.created)
        return head | dates | {"createdDate": created, "originBoardId": sprint.board_id, "goal": sprint.goal}

    def _found(self, call: Call) -> Board:
        text = call.parameters["board"]
        found = next((board for board in self._visible() if str(board.id) == text), None)
        if found is None:
            raise refuse(404, f"Board {text} does not exist or you do not have permission to view it.")
        return found

    def boards(self, call: Call) -> Answer:
        found = self._visible()
        wanted, kind, text = call.text("projectKeyOrId"), call.texts("type"), (call.text("name") or "").lower()
        if wanted is not None:
            project = self.world.find_project(wanted)
            if project is None:
                raise refuse(400, f"No project could be found with key or id '{wanted}'.")
            found = [board for board in found if board.project_id == project.id]
        found = [board for board in found if (not kind or board.type in kind) and text in board.name.lower()]
        return call.paged([self._board(board) for board in found], agile=True)

    def configuration(self, call: Call) -> Answer:
        board = self._found(call)
        project = self.world.projects[board.project_id]
        columns = [{"name": c.name, "statuses": [{"id": s, "self": f"{self.renderer.base}/rest/api/3/status/{s}"} for s in c.status_ids],
                    **({"max": c.limit} if c.limit else {})} for c in board.columns]
        body: Json = {
            "id": board.id, "name": board.name, "type": board.type, "self": f"{self.renderer.base}{API}/board/{board.id}/configuration",
            "location": {"type": "project", "key": project.key, "id": project.id, "name": project.name,
                         "self": f"{self.renderer.base}/rest/api/3/project/{project.id}"},
            "filter": {"id": str(10000 + board.id), "self": f"{self.renderer.base}/rest/api/3/filter/{10000 + board.id}"},
            "columnConfig": {"columns": columns, "constraintType": "issueCount" if any(c.limit for c in board.columns) else "none"},
            "ranking": {"rankCustomFieldId": int(d.RANK.partition("_")[2])}}
        if board.estimation_field:
            body["estimation"] = {"type": "field", "field": {"fieldId": board.estimation_field,
                                                             "displayName": self.world.names.fields[board.estimation_field]}}
        return ok(body)

    def board_sprints(self, call: Call) -> Answer:
        board = self._found(call)
        if board.type == "kanban":
            raise refuse(400, "The board does not support sprints")
        states = call.texts("state")
        if set(states) - {"future", "active", "closed"}:
            raise refuse(400, "The state of a sprint is one of future, active, closed.")
        sprints = [self.world.sprints[id] for id in board.sprint_ids]
        return call.paged([self._sprint(sprint) for sprint in sprints if not states or sprint.state in states], agile=True)

    def sprint(self, call: Call) -> Answer:
        text = call.parameters["sprint"]
        shown = {id for board in self._visible() for id in board.sprint_ids}
        if not text.isdigit() or int(text) not in shown:
            raise refuse(404, "Sprint does not exist or you do not have permission to view it.")
        return ok(self._sprint(self.world.sprints[int(text)]))


def agile_operations(agile: Agile) -> list[Operation]:
    """Every agile operation that the simulator answers."""
    return [
        Operation("GET", f"{API}/board", agile.boards, names(
            "startAt maxResults type name projectKeyOrId accountIdLocation projectLocation includePrivate negateLocationFiltering "
            "orderBy expand filterId")),
        Operation("GET", f"{API}/board/{{board}}/configuration", agile.configuration),
        Operation("GET", f"{API}/board/{{board}}/sprint", agile.board_sprints, names("startAt maxResults state")),
        Operation("GET", f"{API}/sprint/{{sprint}}", agile.sprint)]
