"""The site's dictionaries: custom fields with the entries of their lookup tables, and the calendars with their exceptions.

Calendars are here, not payloads: a plan's payload claims the calendar that it names, so that an exception that is taken out ends.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date

import msgspec
from msgspec import Struct

from pmo_hub.sdk.contract import Reference
from pmo_hub_msproject import selects, wire
from pmo_hub_msproject.calendars import ranges, shifts
from pmo_hub_msproject.client import ProjectServer, Refused
from pmo_hub_msproject.values import clean, guid

UNDERSCORE = "_x005f_"
"""A site writes an underscore of a property's name so, where the name comes from a field that somebody made."""


class Field(Struct, frozen=True):
    """`key` is the property under which entities have its value; `type` is Project's: 4 date, 6 duration, 9 cost, 15 number, 17 flag, …"""

    key: str
    name: str
    type: int
    entity: str


class Exceptional(Struct, frozen=True):
    """`days` are first and last, included; `shifts` minutes of the day."""

    id: str
    name: str | None
    days: tuple[date, date]
    shifts: tuple[tuple[int, int], ...]


class Calendar(Struct, frozen=True):
    id: str
    name: str | None
    exceptions: tuple[Exceptional, ...]


class Site(Struct, frozen=True):
    """`zone` is that of its regional settings; `entries` are names of lookup entries by the name that values have."""

    url: str
    zone: str
    fields: tuple[Field, ...] = ()
    entries: dict[str, str] = {}
    calendars: tuple[Calendar, ...] = ()

    def calendar(self, id: str | None) -> Calendar | None:
        return next((c for c in self.calendars if c.id == id), None)


_SITE = msgspec.json.Decoder(Site)


def read(client: ProjectServer, url: str, zone: str, scopes: Sequence[str]) -> Iterator[Reference]:
    """The site's, and one for each scope, which has nothing of its own."""
    fields, entries = _custom_fields(client)
    site = Site(url, zone, fields, entries, _calendars(client))
    yield Reference(None, msgspec.json.encode(site, order="sorted"))
    for scope in scopes:
        yield Reference(scope, b"{}")


def site_of(body: bytes) -> Site:
    """The dictionary that a site's reference holds."""
    return _SITE.decode(body)


def custom_keys(client: ProjectServer) -> dict[str, tuple[str, ...]]:
    """Under which properties tasks and projects have values of custom fields, by the entity."""
    fields = _custom_fields(client)[0]
    return {entity: tuple(field.key for field in fields if field.entity == entity) for entity in ("Task", "Project")}


def _custom_fields(client: ProjectServer) -> tuple[tuple[Field, ...], dict[str, str]]:
    fields: list[Field] = []
    entries: dict[str, str] = {}
    try:
        pages = list(client.pages("ProjectServer/CustomFields", selects.CUSTOM_FIELDS))
    except Refused:
        return (), {}  # the account may not see them: tasks are read without
    for raw in (raw for page in pages for raw in page):
        field = client.read(wire.CustomField, raw, "custom field")
        if not field.internal_name:
            continue
        entity = (field.entity_type.name if field.entity_type else None) or "Task"
        key = field.internal_name.replace("_", UNDERSCORE)
        fields.append(Field(key, clean(field.name) or field.internal_name, field.field_type or 0, entity.removesuffix("Entity")))
        for inner in _inner(client, field.lookup_entries, field.lookup_entries_next):
            entry = client.read(wire.LookupEntry, inner, "lookup entry")
            text = clean(entry.full_value) or (None if entry.value is None else str(entry.value))
            if entry.internal_name and text:
                entries[entry.internal_name] = text
    return tuple(sorted(fields, key=lambda f: f.key)), dict(sorted(entries.items()))


def _calendars(client: ProjectServer) -> tuple[Calendar, ...]:
    found = []
    try:
        pages = list(client.pages("ProjectServer/Calendars", selects.CALENDARS))
    except Refused:
        return ()
    for raw in (raw for page in pages for raw in page):
        calendar = client.read(wire.Calendar, raw, "calendar")
        id = guid(calendar.id)
        if id is None:
            continue
        exceptions = []
        for inner in _inner(client, calendar.base_calendar_exceptions, calendar.base_calendar_exceptions_next):
            told = client.read(wire.CalendarException, inner, "calendar exception")
            for number, days in enumerate(ranges(told)):
                exceptions.append(Exceptional(f"{told.id or 0}-{number}", clean(told.name), days, shifts(told)))
        found.append(Calendar(id, clean(calendar.name), tuple(sorted(exceptions, key=lambda e: (e.days, e.id)))))
    return tuple(sorted(found, key=lambda c: c.id))


def _inner(client: ProjectServer, nested: list[msgspec.Raw] | wire.Nested | None, link: str | None) -> Iterator[msgspec.Raw]:
    """A collection inside an entity, to its end."""
    if isinstance(nested, wire.Nested):
        yield from nested.results
        link = nested.next
    elif nested:
        yield from nested
    yield from client.rest(link)
