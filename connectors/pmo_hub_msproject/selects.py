"""What is asked for of each kind: the properties that are read and no others, so that what did not change has the same bytes."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from pmo_hub_msproject import wire

Query = str
LONGEST = 1_900
"""A site refuses a query of more than some 2,000 characters; every property is asked for then."""

_EXPANDED = {
    "parent": "Parent/Id", "task": "Task/Id", "resource": "Resource/Id", "calendar": "Calendar/Id", "stage": "Stage/Id,Stage/Name",
    "phase": "Phase/Id,Phase/Name", "owner": "Owner/LoginName,Owner/Title,Owner/Email", "entity_type": "EntityType/Name",
    "enterprise_resource": ",".join(f"EnterpriseResource/{name}" for name in wire.names_of(wire.EnterpriseResource)),
    "lookup_entries": "LookupEntries/*", "base_calendar_exceptions": "BaseCalendarExceptions/*",
}  # fmt: skip


def _of(kind: type[wire.Pascal], extra: Iterable[str] = (), *, every: bool = False) -> Query:
    fields = {field.name: field.encode_name for field in msgspec.structs.fields(kind) if "@" not in field.encode_name}
    inner = [name for field, name in fields.items() if field in _EXPANDED]
    selected = ["*"] if every else [name for field, name in fields.items() if field not in _EXPANDED]
    selected += [*([] if every else extra), *(_EXPANDED[field] for field in fields if field in _EXPANDED)]
    expand = f"&$expand={','.join(inner)}" if inner else ""
    return f"$select={','.join(selected)}{expand}"


LIST = _of(wire.Listed)
PROBE = "$select=Id,LastPublishedDate,ProjectType"
PROJECT = _of(wire.Project)
ASSIGNMENTS = _of(wire.Assignment)
RESOURCES = _of(wire.Resource)
LINKS = _of(wire.Link)
CALENDARS = _of(wire.Calendar)
CUSTOM_FIELDS = _of(wire.CustomField)
REPORT = f"$select={','.join(wire.names_of(wire.Report))}"


def tasks(customs: Iterable[str], every: bool = False) -> Query:
    """Tasks with these open properties; with every property where those are too many, or `every` says so."""
    query = _of(wire.Task, customs)
    return _of(wire.Task, every=True) if every or len(query) > LONGEST else query


def project(customs: Iterable[str], every: bool = False) -> Query:
    """A project's header with these open properties; with every property where those are too many, or `every` says so."""
    query = _of(wire.Project, customs)
    return _of(wire.Project, every=True) if every or len(query) > LONGEST else query


def reporting(kind: type[wire.Pascal], project: str, narrowed: str = "") -> Query:
    """The rows of a set of ProjectData that belong to the project: large sets may be asked by key only."""
    return f"$select={','.join(wire.names_of(kind))}&$filter=ProjectId eq guid'{project}'{narrowed}"
