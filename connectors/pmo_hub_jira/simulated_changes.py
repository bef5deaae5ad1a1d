"""Change-log items as Jira writes them: which ids and texts stand in from, fromString, to and toString differs by field.

Shapes after recorded change logs: labels and sprints are one item with joined values, versions and components one item a value;
dates carry a rendered text beside the ISO date; Parent, Link, Key and project have no fieldId.
"""
from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from pmo_hub_jira import simulated_dictionary as d
from pmo_hub_jira.simulated_site import Change, Dictionary, Person, Project

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
Pair = tuple[str | None, str | None]


@dataclass(slots=True)
class Names:
    """Texts by id, kept by whoever owns the site's current state."""
    fields: Mapping[str, str]
    statuses: Mapping[str, str]
    types: Mapping[str, str]
    priorities: Mapping[str, str]
    resolutions: Mapping[str, str]
    people: Mapping[str, str]
    versions: Mapping[str, str]
    components: Mapping[str, str]
    options: Mapping[str, Mapping[str, str]]
    teams: Mapping[str, str]
    sprint: Callable[[int], str]
    key: Callable[[int], str]


def names_of(dictionary: Dictionary, people: tuple[Person, ...], projects: tuple[Project, ...], sprint: Callable[[int], str],
             key: Callable[[int], str]) -> Names:
    """Lookups for the dictionaries that never change while the simulator runs."""
    return Names(
        fields={f.id: f.name for f in dictionary.fields}, statuses={s.id: s.name for s in dictionary.statuses},
        types={t.id: t.name for t in dictionary.types}, priorities={p.id: p.name for p in dictionary.priorities},
        resolutions={r.id: r.name for r in dictionary.resolutions}, people={p.account_id: p.name for p in people},
        versions={v.id: v.name for p in projects for v in p.versions}, components={c.id: c.name for p in projects for c in p.components},
        options={f: {o.id: o.name for o in options} for f, options in dictionary.options.items()},
        teams={t.id: t.name for t in dictionary.teams}, sprint=sprint, key=key)


def decimal_text(number: float) -> str:
    """A number as the change log prints it: 3 and 0.5, never 3.0."""
    return str(int(number)) if number == int(number) else str(number)


def plain_text(document: Any) -> str | None:
    """The text nodes of a shallow ADF document, for the change log's rendering of a description."""
    if not isinstance(document, Mapping):
        return None
    found = [document["text"]] if "text" in document else []
    return " ".join(found + [t for child in document.get("content", ()) if (t := plain_text(child))])


def _date(value: Any, long: bool) -> Pair:
    if not isinstance(value, date):
        return value, value
    if long:
        return value.isoformat(), f"{value.isoformat()} 00:00:00.0"
    return value.isoformat(), f"{value.day:02d}/{_MONTHS[value.month - 1]}/{value.year % 100:02d}"


def _rendered(field: str, value: Any, names: Names) -> Pair:
    """(id, text) of one value; (None, None) when there is none."""
    if field in (d.SPRINT, d.FLAGGED, "labels"):
        if not value:
            return "", ""
        if field == "labels":
            return "", " ".join(value)
        if field == d.FLAGGED:
            return f"[{', '.join(value)}]", ", ".join(names.options[field][o] for o in value)
        return ", ".join(str(s) for s in value), ", ".join(names.sprint(s) for s in value)
    if value is None:
        return None, None
    by_id = {"status": names.statuses, "issuetype": names.types, "priority": names.priorities, "resolution": names.resolutions,
             "assignee": names.people, "reporter": names.people, d.APPROVER: names.people, d.TEAM: names.teams}.get(field)
    if by_id is not None:
        return value, by_id[value]
    if field in names.options:
        return value, names.options[field][value]
    if field in ("description", d.ACCEPTANCE):
        return None, plain_text(value)
    if field in ("duedate", d.START_DATE, d.TARGET_END):
        return _date(value, field == "duedate")
    if field == "parent":
        return str(value), names.key(value)
    if field in ("timeestimate", "timeoriginalestimate", "timespent"):
        return str(value), str(value)
    if isinstance(value, int | float):
        return None, decimal_text(value)
    if isinstance(value, datetime):
        return value.isoformat(), value.isoformat()
    return None, str(value)


def _listed(field: str, old: tuple[str, ...], new: tuple[str, ...], names: Names) -> tuple[Change, ...]:
    label, texts = ("Fix Version", names.versions) if field == "fixVersions" else ("Component", names.components)
    return tuple(Change(label, field, "jira", v, texts[v], None, None) for v in old if v not in new) + tuple(
        Change(label, field, "jira", None, None, v, texts[v]) for v in new if v not in old)


def difference(field: str, old: Any, new: Any, names: Names) -> tuple[Change, ...]:
    """The items that Jira records when a field goes from old to new; empty when nothing changed."""
    if old == new:
        return ()
    if field in ("fixVersions", "components"):
        return _listed(field, old or (), new or (), names)
    if field == d.RANK:
        return (Change("Rank", field, "custom", "", "", "", "Ranked higher"),)
    before, after = _rendered(field, old, names), _rendered(field, new, names)
    if field == "parent":
        return (Change("IssueParentAssociation", None, "jira", *before, *after),)
    custom = field.startswith("customfield_")
    return (Change(names.fields[field] if custom else field, field, "custom" if custom else "jira", *before, *after),)
