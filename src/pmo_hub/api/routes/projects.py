"""Projects: listed, made, described, filled by rules."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response

from pmo_hub.api.conditional import IfMatch, IfNoneMatch, etag, require_match, stop_if_held
from pmo_hub.api.deps import AsOf, HubDep, allow
from pmo_hub.api.pagination import Cursor, Limit, page_of, position
from pmo_hub.api.schemas.projects import (
    NewProject,
    ProjectPage,
    ProjectPatch,
    ProjectView,
    RuleBody,
    RuleList,
    Rules,
    project_view,
    rule_list,
)
from pmo_hub.services import projects
from pmo_hub.services.access import Caller
from pmo_hub.services.project_settings import Methodology, State
from pmo_hub.services.projects import NewRule, ProjectInfo, RuleInfo

router = APIRouter(prefix="/projects", tags=["projects"])

Reader = Annotated[Caller, Depends(allow("projects:read"))]
Writer = Annotated[Caller, Depends(allow("projects:write"))]
Id = Annotated[str, Query(max_length=32)]


def _shown(found: ProjectInfo, response: Response) -> ProjectView:
    view = project_view(found)
    response.headers["ETag"] = etag(view)
    return view


def _rules_shown(found: list[RuleInfo], response: Response) -> RuleList:
    view = rule_list(found)
    response.headers["ETag"] = _rules_tag(found)
    return view


def _rules_tag(found: list[RuleInfo]) -> str:
    """Of the rules alone: how many items they take changes with every sync."""
    return etag("\n".join(f"{rule.id}{rule.role}{rule.history_until}" for rule in found).encode())


@router.get("")
def list_projects(
    hub: HubDep,
    _: Reader,
    as_of: AsOf,
    portfolio: Annotated[str | None, Query(max_length=32, description="in this portfolio, or in a program of it")] = None,
    program: Annotated[str | None, Query(max_length=32, description="in this program")] = None,
    state: State | None = None,
    methodology: Methodology | None = None,
    manager: Annotated[str | None, Query(max_length=320, description="an identity's id or an e-mail address")] = None,
    q: Annotated[str | None, Query(min_length=1, max_length=100, description="a part of the name")] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> ProjectPage:
    """Projects by name."""
    by = projects.Query(portfolio, program, state, methodology, manager, q)
    filters = {
        "portfolio": portfolio, "program": program, "state": state, "methodology": methodology, "manager": manager, "q": q, "as_of": as_of,
    }  # fmt: skip
    at = position(filters, cursor)
    found = projects.page(hub, by, None if at is None else (str(at.sort), at.id), limit + 1, as_of)
    kept, following = page_of(found, limit, filters, lambda project: (project.name, project.id))
    return ProjectPage(items=[project_view(project) for project in kept], next_cursor=following, as_of=as_of)


@router.post("", status_code=201)
def create_project(hub: HubDep, caller: Writer, body: NewProject, response: Response) -> ProjectView:
    """Make a project by hand; its rules fill it at once."""
    settings = body.model_dump(exclude={"name", "rules"}, exclude_unset=True)
    made = projects.create(hub, body.name, settings, [_rule(rule) for rule in body.rules], caller.actor)
    response.headers["Location"] = f"/api/v1/projects/{made.id}"
    return _shown(made, response)


@router.get("/{project_id}")
def get_project(hub: HubDep, _: Reader, project_id: str, as_of: AsOf, response: Response, if_none_match: IfNoneMatch = None) -> ProjectView:
    """A project and its settings."""
    view = project_view(projects.get(hub, project_id, as_of), as_of)
    tag = etag(view)
    stop_if_held(if_none_match, tag)
    response.headers["ETag"] = tag
    return view


@router.patch("/{project_id}")
def change_project(
    hub: HubDep, caller: Writer, project_id: str, body: ProjectPatch, response: Response, if_match: IfMatch = None
) -> ProjectView:
    """Change what the body names, null clearing it; the project's checks are evaluated in the same transaction."""
    changes = body.model_dump(exclude_unset=True)
    after = projects.change(hub, project_id, changes, caller.actor, lambda current: require_match(if_match, etag(project_view(current))))
    return _shown(after, response)


@router.delete("/{project_id}", status_code=204)
def delete_project(hub: HubDep, caller: Writer, project_id: str, if_match: IfMatch = None) -> None:
    """End a project that was made by hand; its history is kept, its items fall back to their scopes' own projects."""
    projects.delete(hub, project_id, caller.actor, lambda current: require_match(if_match, etag(project_view(current))))


@router.get("/{project_id}/rules")
def get_project_rules(hub: HubDep, _: Reader, project_id: str, as_of: AsOf, response: Response) -> RuleList:
    """Which items are the project's. The ETag covers the rules, not how many items they take."""
    found = projects.rules(hub, project_id, as_of)
    view = _rules_shown(found, response)
    return view.model_copy(update={"as_of": as_of})


@router.put("/{project_id}/rules")
def replace_project_rules(
    hub: HubDep, caller: Writer, project_id: str, body: Rules, response: Response, if_match: IfMatch = None
) -> RuleList:
    """Fill the project by exactly these rules; who gains or loses items by it is evaluated in the same transaction.

    An item that a rule of another project takes leaves the scope's automatic project, so that nothing is counted twice.
    """
    after = projects.replace_rules(
        hub, project_id, [_rule(rule) for rule in body], caller.actor, lambda current: require_match(if_match, _rules_tag(list(current)))
    )
    return _rules_shown(after, response)


def _rule(body: RuleBody) -> NewRule:
    return NewRule(body.scope_id, body.narrowing, body.value, body.role, body.history_until)
