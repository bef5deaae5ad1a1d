"""What mapping looks up: the environment's address and zone, and of each project the names of its buckets, labels and baselines."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec
from msgspec import Struct

from pmo_hub.sdk.contract import Reference
from pmo_hub_dataverse.client import IDS_A_PAGE, DataverseClient, Forbidden, Refused, Row
from pmo_hub_dataverse.config import DataverseConfig
from pmo_hub_dataverse.reading import MOST_LATE
from pmo_hub_dataverse.rows import lowered
from pmo_hub_dataverse.schema import Schema
from pmo_hub_dataverse.tables import BASELINES, BUCKETS, LABELS, PROGRAMS, PROJECTS, Table


class Site(Struct, omit_defaults=True):
    """`programs` are id → name."""

    url: str = ""
    zone: str = "UTC"
    programs: dict[str, str] = {}


class Project(Struct, omit_defaults=True):
    """`buckets` and `labels` are id → name; `baselines` are ids, the newest first."""

    hours_per_day: float | None = None
    buckets: dict[str, str] = {}
    labels: dict[str, str] = {}
    baselines: list[str] = []


SITE = msgspec.json.Decoder(Site)
PROJECT = msgspec.json.Decoder(Project)


def read_reference(client: DataverseClient, schema: Schema, config: DataverseConfig, scopes: Sequence[str]) -> Iterator[Reference]:
    programs = {}
    for row in _rows(client, schema, PROGRAMS, ("msdyn_name", "msdyn_subject"), ()):
        id, name = lowered(row.get(PROGRAMS.key)), row.get("msdyn_name") or row.get("msdyn_subject")
        if id is not None and name:
            programs[id] = str(name)
    yield Reference(None, _encoded(Site(config.url, config.time_zone, programs)))
    found = {scope: Project() for scope in scopes}
    if not scopes:
        return
    for row in _rows(client, schema, PROJECTS, ("msdyn_hoursperday",), scopes):
        if (project := found.get(lowered(row.get(PROJECTS.key)) or "")) is not None:
            hours = row.get("msdyn_hoursperday")
            project.hours_per_day = float(hours) if isinstance(hours, (int, float)) and hours > 0 else None
    for table, column, name in ((BUCKETS, "msdyn_name", "buckets"), (LABELS, "msdyn_projectlabeltext", "labels")):
        for row in _rows(client, schema, table, (column,), scopes):
            project = found.get(lowered(row.get(schema.of(table).project or "")) or "")
            if project is not None and (id := lowered(row.get(table.key))) and row.get(column):
                getattr(project, name)[id] = str(row[column])
    made: dict[str, list[tuple[str, str]]] = {}
    for row in _rows(client, schema, BASELINES, ("createdon",), scopes):
        scope, id = lowered(row.get(schema.of(BASELINES).project or "")), lowered(row.get(BASELINES.key))
        if scope is not None and id is not None:
            made.setdefault(scope, []).append((str(row.get("createdon") or ""), id))
    for scope, project in found.items():
        project.baselines = [id for _, id in sorted(made.get(scope, ()), reverse=True)]
        yield Reference(scope, _encoded(project))


def _rows(client: DataverseClient, schema: Schema, table: Table, columns: Sequence[str], scopes: Sequence[str]) -> Iterator[Row]:
    """The rows of an optional table; none where it can't be read."""
    if not schema.has(table):
        return
    present = schema.of(table)
    select = tuple(dict.fromkeys(c for c in (table.key, present.project, *columns) if c is not None and c in present.select))
    address = client.whole(table.set, select)
    if present.project is not None and len(scopes) <= MOST_LATE:
        address = client.filtered(table.set, select, " or ".join(f"{present.project} eq {scope}" for scope in sorted(scopes)))
    try:
        for page in client.pages(address, size=IDS_A_PAGE):
            yield from page.rows
    except (Forbidden, Refused):
        if table.needed:
            raise


def _encoded(value: Any) -> bytes:
    return msgspec.json.encode(value, order="deterministic")
