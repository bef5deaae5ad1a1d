"""Payloads as records: pure, and built once a batch from the newest dictionaries and the admin's rules."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from math import isfinite
from operator import attrgetter
from typing import Any

import msgspec

from pmo_hub.domain.records import Comment, Component, Dependency, Identity, Label, Record, Version, WorkItem
from pmo_hub.domain.vocabulary import Kind, StatusCategory, Uncounted
from pmo_hub.sdk.contract import Mapped, Mapper, Payload, Reference
from pmo_hub.sdk.errors import RecordError
from pmo_hub_jira import adf, wire
from pmo_hub_jira.agile_mapping import iteration_of, map_board, map_sprint
from pmo_hub_jira.construction import constructor
from pmo_hub_jira.custom_values import TYPES, values_of
from pmo_hub_jira.dictionary import Dictionary, dictionary
from pmo_hub_jira.greenhopper import sprints_of
from pmo_hub_jira.history import HistoryMapping
from pmo_hub_jira.instants import day, instant
from pmo_hub_jira.nesting import decode
from pmo_hub_jira.people import mention
from pmo_hub_jira.releases import map_releases
from pmo_hub_jira.small_facts import LEVEL, PARENT
from pmo_hub_jira.worklogs import map_worklog

SECONDS_AN_HOUR = 3600.0
KEPT = 8_192
"""Labels, components and versions in the same words are the same object: whoever stores them needs not look at it twice."""

_item = constructor(WorkItem)
_dependency = constructor(Dependency)
_comment = constructor(Comment)
_mapped = constructor(Mapped)

_OPTIONAL: tuple[tuple[str, Any], ...] = (
    ("summary", str),
    ("resolution", wire.Named),
    ("priority", wire.Named),
    ("assignee", wire.User),
    ("reporter", wire.User),
    ("parent", wire.Identified),
    ("created", str),
    ("updated", str),
    ("duedate", str),
    ("resolutiondate", str),
    ("timetracking", wire.TimeTracking),
    # Of bodies that were stored before `timetracking` was asked for.
    ("timeoriginalestimate", int),
    ("timeestimate", int),
    ("timespent", int),
    ("labels", list[str]),
    ("components", list[wire.Named]),
    ("fixVersions", list[wire.Version]),
    ("issuelinks", list[wire.Link]),
    ("comment", wire.Comments),
)


def mapper(references: Sequence[Reference], rules: Mapping[str, str]) -> Mapper:
    """The mapper of one scope's payloads; RecordError for a payload that it can't map."""
    by_kind = _by_kind(dictionary(references, rules))

    def map_payload(payload: Payload) -> Mapped:
        found = by_kind.get(payload.ref.kind)
        if found is None:
            raise RecordError(f"'{payload.ref.kind}' is no kind of payload of Jira's")
        return found(payload)

    return map_payload


@lru_cache(maxsize=64)
def _by_kind(known: Dictionary) -> dict[str, Callable[[Payload], Mapped]]:
    return {
        "issue": IssueMapping(known),
        "history": HistoryMapping(known),
        "comments": map_comments,
        "worklog": map_worklog,
        "releases": map_releases,
        "board": map_board,
        "sprint": map_sprint,
    }


@lru_cache(maxsize=32)
def _decoder(customs: tuple[tuple[str, str], ...], lenient: bool) -> msgspec.json.Decoder[Any]:
    """Decodes an issue with exactly these custom fields (id, shape); leniently, whatever values those and the description have."""
    document = msgspec.Raw if lenient else adf.Node | str | None
    fields: list[Any] = [("status", wire.Status), ("issuetype", wire.IssueType), ("description", document, None)]
    fields += [(name, type | None, None) for name, type in _OPTIONAL]
    fields += [(id, Any if lenient else TYPES[shape] | None, None) for id, shape in customs]
    contents = msgspec.defstruct("IssueFields", fields, module=__name__, gc=False)
    return msgspec.json.Decoder(msgspec.defstruct("Issue", [("id", str), ("key", str), ("fields", contents)], module=__name__, gc=False))


class IssueMapping:
    """Maps `issue` payloads."""

    def __init__(self, known: Dictionary) -> None:
        self._known = known
        # A sprint's own payload tells all about it, where boards may be read.
        shapes = {"sprints": "sprint ids"} if known.site.agile else {}
        self._customs = tuple((field.id, shapes.get(field.shape, field.shape)) for field in known.site.fields)
        self._decode = _decoder(self._customs, False).decode
        self._browse = f"{known.site.base_url}/browse/" if known.site.base_url else None
        self._others = attrgetter(*(field.id for field in known.others)) if len(known.others) > 1 else self._few_others

    def __call__(self, payload: Payload) -> Mapped:
        try:
            issue = self._decode(payload.body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            issue = self._read_leniently(payload, error)
        known, fields, id = self._known, issue.fields, issue.id
        people: dict[str, Identity] = {}
        kind, uncounted = known.kind(fields.issuetype)
        status, priority, resolution, parent = fields.status, fields.priority, fields.resolution, fields.parent
        category = known.category(status, resolution)
        labels, components, versions = fields.labels, fields.components, fields.fixVersions
        sprints = getattr(fields, known.sprint) if known.sprint else None
        if sprints and type(sprints[0]) is str:
            sprints = sprints_of(sprints)
        epic = payload.context.get(PARENT)
        if kind is Kind.TASK and payload.context.get(LEVEL) == "1":
            kind, uncounted = Kind.EPIC, Uncounted.SUMMARY
        time = fields.timetracking or _time_of(fields)
        due, done = fields.duedate, fields.resolutiondate
        item = _item(
            id,
            issue.key,
            self._browse + issue.key if self._browse else None,
            fields.summary or issue.key,
            adf.text_in(fields.description),
            kind,
            fields.issuetype.name or fields.issuetype.id,
            category,
            status.name or status.id,
            status.id,
            (resolution.name or resolution.id) if resolution else None,
            parent.id if parent else epic,
            known.priority(priority),
            (priority.name or priority.id) if priority else None,
            mention(fields.assignee, people),
            mention(fields.reporter, people),
            instant(fields.created),
            instant(fields.updated),
            self._first_day(fields, known.starts),
            day(getattr(fields, known.target_end)) if known.target_end else None,
            None,
            instant(done) if done and category is StatusCategory.DONE else None,
            day(due) if due else None,
            self._points(fields),
            _hours(time.original_estimate_seconds),
            _hours(time.time_spent_seconds),
            _hours(time.remaining_estimate_seconds),
            None,
            bool(getattr(fields, known.flagged)) if known.flagged else None,
            tuple(labels) if labels else (),
            tuple([c.id for c in components if c.id]) if components else (),
            tuple([v.id for v in versions]) if versions else (),
            tuple(dict.fromkeys([str(s.id) for s in sprints])) if sprints else (),
            True,
            uncounted is None,
            uncounted,
        )
        owned: list[Record] = [item]
        if fields.issuelinks:
            owned += self._dependencies(id, fields.issuelinks)
        comments = fields.comment
        if comments is not None and comments.comments and len(comments.comments) >= (comments.total or 0):
            owned += [comment_of(comment, id, people) for comment in comments.comments]
        for field, value in zip(known.others, self._others(fields), strict=True):
            if value is not None:
                owned += values_of(field, value, id, people)
        if known.epic_link and parent is None and epic is None and getattr(fields, known.epic_link):
            # A key, not an id: it names no row, so it is kept as the source wrote it.
            owned += values_of(known.fields[known.epic_link], getattr(fields, known.epic_link), id, people)
        mentioned: list[Record] = list(people.values())
        if labels:
            mentioned += map(_label, labels)
        if components:
            mentioned += [_component(c) for c in components if c.id]
        if versions:
            mentioned += map(_version, versions)
        if sprints and not known.site.agile:
            mentioned += [iteration_of(sprint) for sprint in sprints if isinstance(sprint, wire.Sprint)]
        return _mapped(owned, mentioned)

    def _read_leniently(self, payload: Payload, why: Exception) -> Any:
        """The issue without what is nested too deep, and without custom values of an unexpected shape; RecordError for any other fault."""
        try:
            issue = decode(_decoder(self._customs, True), payload.body)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise RecordError(f"issue {payload.ref.external_id} can't be mapped: {_fault(_lasting(why, error))}") from None
        fields = issue.fields
        fields.description = adf.text_of(fields.description) if fields.description else None
        for id, shape in self._customs:
            value = getattr(fields, id)
            if value is not None:
                try:
                    # Numbers are found recorded as text ("-1").
                    value = msgspec.convert(value, TYPES[shape], strict=shape != "number")
                except msgspec.ValidationError:
                    value = None
                setattr(fields, id, None if isinstance(value, float) and not isfinite(value) else value)
        return issue

    def _few_others(self, fields: Any) -> tuple[Any, ...]:
        """As attrgetter, which gives no tuple of less than two."""
        return tuple(getattr(fields, field.id) for field in self._known.others)

    def _points(self, fields: Any) -> float | None:
        for id in self._known.points:
            value: float | None = getattr(fields, id)
            if value is not None:
                return value
        return None

    def _first_day(self, fields: Any, ids: tuple[str, ...]) -> Any:
        for id in ids:
            found = day(getattr(fields, id))
            if found is not None:
                return found
        return None

    def _dependencies(self, id: str, links: list[wire.Link]) -> list[Dependency]:
        """Links that block: the outward end waits for the inward one, from whichever end the link is seen."""
        found = []
        for link in links:
            if self._known.blocks(link.type):
                name = link.type.name if link.type else None
                if link.outward_issue is not None:
                    found.append(_dependency(link.id, id, link.outward_issue.id, original_type=name))
                elif link.inward_issue is not None:
                    found.append(_dependency(link.id, link.inward_issue.id, id, original_type=name))
        return found


def comment_of(comment: wire.Comment, item: str, mentioned: dict[str, Identity]) -> Comment:
    author = mention(comment.author, mentioned)
    return _comment(comment.id, item, author, instant(comment.created), instant(comment.updated), adf.text_of(comment.body))


def map_comments(payload: Payload) -> Mapped:
    """The comments of an issue that holds too many to embed them all."""
    if payload.part_of is None:
        raise RecordError(f"comments {payload.ref.external_id} do not say which issue they belong to")
    try:
        comments = decode(wire.COMMENT_LIST, payload.body)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise RecordError(f"the comments of issue {payload.ref.external_id} can't be mapped: {_fault(error)}") from None
    mentioned: dict[str, Identity] = {}
    owned = [comment_of(comment, payload.part_of.external_id, mentioned) for comment in comments]
    return Mapped(owned, list(mentioned.values()))


@lru_cache(maxsize=KEPT)
def _label(name: str) -> Label:
    return Label(name, name)


@lru_cache(maxsize=KEPT)
def _component(component: wire.Named) -> Component:
    id = component.id or ""
    return Component(id, component.name or id)


@lru_cache(maxsize=KEPT)
def _version(version: wire.Version) -> Version:
    name = version.name or version.id
    return Version(version.id, name, version.released, version.archived, day(version.start_date), day(version.release_date))


def _time_of(fields: Any) -> wire.TimeTracking:
    return wire.TimeTracking(fields.timeoriginalestimate, fields.timeestimate, fields.timespent)


def _hours(seconds: int | None) -> float | None:
    return None if seconds is None else seconds / SECONDS_AN_HOUR


def _lasting(strict: Exception, lenient: Exception) -> Exception:
    """What is wrong with the issue besides what a lenient reading bears."""
    return lenient if isinstance(strict, RecursionError) else strict


def _fault(error: Exception) -> str:
    """A decoder's complaint in words: which field, and what it is."""
    said, _, path = str(error).partition(" - at `$")
    field = path.rstrip("`").replace("[...]", "").strip(".").removeprefix("fields.")
    words = said.replace("`", "")
    return f"field {field}: {words[:1].lower()}{words[1:]}" if field else words[:1].lower() + words[1:]
