"""What each JQL field holds of an issue, and how a query's words become those ids."""
from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date

from pmo_hub_jira import simulated_dictionary as d
from pmo_hub_jira.simulated_site import Issue
from pmo_hub_jira.simulated_world import World

Found = tuple[str, ...]
Number = Callable[[Issue], float | None]
_CATEGORIES = {"new": ("new", "to do", "2"), "indeterminate": ("indeterminate", "in progress", "4"), "done": ("done", "complete", "3")}


class JqlError(Exception):
    """The query is refused; the text is what goes into errorMessages."""


@dataclass(frozen=True, slots=True)
class Ids:
    """A field as ids: of an issue, of a word, and, where > and < apply, what a bound compares and with which number."""
    name: str
    of: Callable[[Issue], Found]
    resolve: Callable[[str], Found]
    bound: Callable[[str], tuple[Number, float]] | None = None


def _none(field: str, text: str) -> JqlError:
    return JqlError(f"The value '{text}' does not exist for the field '{field}'.")


def _single(field: str) -> Callable[[Issue], Found]:
    return lambda issue: (str(issue.values[field]),) if issue.values.get(field) is not None else ()


def _many(field: str) -> Callable[[Issue], Found]:
    return lambda issue: tuple(str(value) for value in issue.values.get(field) or ())


def _named(name: str, of: Callable[[Issue], Found], pairs: Iterable[tuple[str, str]]) -> Ids:
    """A field whose values have ids and, not always unique, names."""
    known: dict[str, set[str]] = {}
    for id, text in pairs:
        known.setdefault(id.lower(), set()).add(id)
        known.setdefault(text.lower(), set()).add(id)

    def resolve(text: str) -> Found:
        if text.lower() not in known:
            raise _none(name, text)
        return tuple(sorted(known[text.lower()]))
    return Ids(name, of, resolve)


def _project(world: World) -> Ids:
    def resolve(text: str) -> Found:
        found = world.find_project(text)
        if found is None:
            raise _none("project", text)
        return (found.id,)
    return Ids("project", lambda issue: (issue.project_id,), resolve)


def _issue(name: str, world: World, of: Callable[[Issue], Found]) -> Ids:
    def resolve(text: str) -> Found:
        found = world.find(text)
        if found is None:
            word = "A value with ID" if text.isdigit() else "An issue with key"
            raise JqlError(f"{word} '{text}' does not exist for field '{name}'.")
        return (str(found.id),)
    if name not in ("id", "key"):
        return Ids(name, of, resolve)

    def bound(text: str) -> tuple[Number, float]:
        """A bound need not exist: a deleted issue's key still divides its project."""
        if text.isdigit():
            return lambda issue: float(issue.id), float(text)
        head, _, number = text.rpartition("-")
        project = world.find_project(head) if head else None
        if project is None or not number.isdigit():
            raise JqlError(f"An issue with key '{text}' does not exist for field '{name}'.")
        return lambda issue: float(issue.number) if issue.project_id == project.id else None, float(number)
    return Ids(name, of, resolve, bound)


def _due() -> Ids:
    def value(issue: Issue) -> float | None:
        due = issue.values.get("duedate")
        return float(due.toordinal()) if isinstance(due, date) else None

    def day(text: str) -> float:
        try:
            return float(date.fromisoformat(text.replace("/", "-")).toordinal())
        except ValueError:
            raise JqlError(f"Date value '{text}' for field 'duedate' is invalid.") from None

    def of(issue: Issue) -> Found:
        found = value(issue)
        return () if found is None else (str(found),)
    return Ids("duedate", of, lambda text: (str(day(text)),), lambda text: (value, day(text)))


def ids_of(field: str, world: World) -> Ids:
    """How to compare the field; raises JqlError for a field that isn't understood."""
    name = field.lower()
    own = world.dictionary
    people = [(p.account_id, p.name) for p in world.people.values()]
    if name == "project":
        return _project(world)
    if name in ("id", "key", "issuekey", "issue"):
        return _issue("id" if name == "id" else "key", world, lambda issue: (str(issue.id),))
    if name == "parent":
        return _issue("parent", world, _single("parent"))
    if name in ("labels", "label"):
        return Ids("labels", _many("labels"), lambda text: (text,))
    if name == "statuscategory":
        return _named("statusCategory", lambda issue: (world.statuses[issue.values["status"]].category,),
                      [(key, word) for key, words in _CATEGORIES.items() for word in words])
    if name in ("duedate", "due"):
        return _due()
    plain: dict[str, tuple[str, Callable[[Issue], Found], Iterable[tuple[str, str]]]] = {
        "status": ("status", _single("status"), [(s.id, s.name) for s in own.statuses]),
        "issuetype": ("issuetype", _single("issuetype"), [(t.id, t.name) for t in own.types]),
        "priority": ("priority", _single("priority"), [(p.id, p.name) for p in own.priorities]),
        "resolution": ("resolution", _single("resolution"), [(x.id, x.name) for x in own.resolutions]),
        "component": ("component", _many("components"), [(c.id, c.name) for p in world.projects.values() for c in p.components]),
        "fixversion": ("fixVersion", _many("fixVersions"), [(v.id, v.name) for p in world.projects.values() for v in p.versions]),
        "sprint": ("Sprint", _many(d.SPRINT), [(str(s.id), s.name) for s in world.sprints.values()]),
        "timespent": ("timespent", _single("timespent"), ()),
        "assignee": ("assignee", _single("assignee"), people), "reporter": ("reporter", _single("reporter"), people)}
    name = {"type": "issuetype", "components": "component", "fixversions": "fixversion"}.get(name, name)
    if name not in plain:
        raise JqlError(f"Field '{field}' does not exist or you do not have permission to view it.")
    return _named(*plain[name])
