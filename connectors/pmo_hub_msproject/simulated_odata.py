"""What the simulated site understands of OData 3, and how it writes: only the properties that the schema has, verbose or light."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qsl

import msgspec

from pmo_hub_msproject.simulated_schema import DEFAULTS, columns, span

NESTED = {
    "Parent": "PublishedTask", "Task": "PublishedTask", "Resource": "PublishedProjectResource", "EnterpriseResource": "EnterpriseResource",
    "Calendar": "Calendar", "Stage": "Stage", "Phase": "Phase", "BaseCalendarExceptions": "BaseCalendarException",
    "LookupEntries": "LookupText", "Owner": "", "EntityType": "",
}  # fmt: skip
"""Navigation property → entity; those without one are of another schema, and written as they are."""

OPTIONS = frozenset({"$select", "$expand", "$filter", "$top", "$skiptoken"})
_FILTER = re.compile(
    r"ProjectId eq guid'([0-9a-f-]{36})'(?: and BaselineNumber gt (\d+))?"
    r"(?: and TimeByDay ge datetime'([\dT:-]{19})' and TimeByDay le datetime'([\dT:-]{19})')?"
)


class BadQuery(Exception):
    """The site does not understand the query; its text is what the site answers."""


@dataclass(frozen=True, slots=True)
class Query:
    select: tuple[str, ...] = ()
    expand: tuple[str, ...] = ()
    project: str | None = None
    above: int | None = None
    days: tuple[str, str] | None = None
    top: int | None = None
    skip: int = 0
    nested: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@lru_cache(maxsize=4_096)
def read_query(text: str) -> Query:
    options = dict(parse_qsl(text, keep_blank_values=True))
    if unknown := options.keys() - OPTIONS:
        raise BadQuery(f"The query option {sorted(unknown)[0]} is not supported.")
    names = tuple(filter(None, options.get("$select", "").split(",")))
    expand = tuple(filter(None, options.get("$expand", "").split(",")))
    nested = {name: tuple(n.partition("/")[2] for n in names if n.startswith(f"{name}/")) for name in expand}
    if stray := [n for n in names if "/" in n and n.partition("/")[0] not in expand]:
        raise BadQuery(f"The path {stray[0]} is selected and not expanded.")
    project, above, days = None, None, None
    if "$filter" in options:
        found = _FILTER.fullmatch(options["$filter"])
        if found is None:
            raise BadQuery("The filter can't be read.")
        project, above = found[1], int(found[2]) if found[2] else None
        days = (found[3], found[4]) if found[3] else None
    own = tuple(n for n in names if "/" not in n)
    top = int(options["$top"]) if "$top" in options else None
    return Query(own, expand, project, above, days, top, int(options.get("$skiptoken", "0")), nested)


def entity(kind: str, values: Mapping[str, Any], query: Query, customs: Sequence[str], verbose: bool, address: str) -> dict[str, Any]:
    """The entity with what is selected of it."""
    found: dict[str, Any] = (
        {"__metadata": {"id": address, "uri": address, "type": f"PS.{kind}"}}
        if verbose
        else {"odata.type": f"PS.{kind}", "odata.id": address}
    )
    for name, write in _writers(kind, query.select, tuple(customs)):
        found[name] = write(values)
    for name in query.expand:
        found[name] = _inner(name, values.get(name), query.nested.get(name, ()), verbose)
    if verbose and not query.select:
        found |= {name: {"__deferred": {"uri": f"{address}/{name}"}} for name in NESTED if name in values and name not in query.expand}
    if verbose:
        found |= {c: {"results": found[c]} for c in customs if isinstance(found.get(c), list)}
    return found


def _inner(name: str, value: Any, selected: tuple[str, ...], verbose: bool) -> Any:
    kind = NESTED.get(name)
    if kind is None:
        raise BadQuery(f"There is no property {name} that could be expanded.")
    if value is None:
        return None
    if isinstance(value, list):
        members = [_inner(name, one, selected, verbose) for one in value]
        return {"results": members} if verbose else members
    if not kind:
        return dict(value) if "*" in selected or not selected else {n: value.get(n) for n in selected}
    return {n: write(value) for n, write in _writers(kind, selected, ())}


@lru_cache(maxsize=256)
def _writers(kind: str, select: tuple[str, ...], customs: tuple[str, ...]) -> list[tuple[str, Callable[[Mapping[str, Any]], Any]]]:
    """Name → what writes its value; raises BadQuery for a property that the entity does not have."""
    known = columns(kind)
    names = [*known, *customs] if not select or "*" in select else list(select)
    found = []
    for name in names:
        if name in customs:
            found.append((name, _open(name)))
        elif name in known:
            found.append((name, _column(*known[name])))
        else:
            raise BadQuery(
                f"The property '{name}' does not exist on type 'PS.{kind}'. Make sure to only use property names that are defined."
            )
    return found


def _open(name: str) -> Callable[[Mapping[str, Any]], Any]:
    return lambda values: values.get(name)


def _column(name: str, way: str) -> Callable[[Mapping[str, Any]], Any]:
    if way.startswith("Span"):
        return lambda values: span(values.get(name, 0.0), way, values.get("_elapsed", False))
    default = DEFAULTS[way]
    return lambda values: values.get(name, default)


def row(kind: str, values: Mapping[str, Any], query: Query, localised: bool) -> dict[str, Any]:
    """A row of ProjectData: decimals as texts, nothing as null; `localised`, property names in the site's own language."""
    known = columns(kind)
    names = query.select or tuple(known)
    found = {}
    for name in names:
        if name not in known:
            raise BadQuery(f"Could not find a property named '{name}' on type 'ReportingData.{kind}'.")
        value = values.get(name)
        is_decimal = known[name][1] == "Decimal" and value is not None
        found[f"Le{name}" if localised else name] = f"{value:.6f}" if is_decimal else value
    return found


def collection(members: Sequence[Any], link: str | None, verbose: bool) -> bytes:
    if verbose:
        return msgspec.json.encode({"d": {"results": members} | ({"__next": link} if link else {})})
    return msgspec.json.encode({"odata.metadata": "$metadata", "value": members} | ({"odata.nextLink": link} if link else {}))


def single(member: Any, verbose: bool) -> bytes:
    return msgspec.json.encode({"d": member} if verbose else member)


def failed(code: str, message: str, verbose: bool = False) -> bytes:
    return msgspec.json.encode({"error" if verbose else "odata.error": {"code": code, "message": {"lang": "en-US", "value": message}}})
