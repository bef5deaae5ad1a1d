"""Payloads as records: pure, and built once a batch from the newest dictionaries and the admin's rules."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

import msgspec

from pmo_hub.domain.records import Comment, Component, Dependency, Identity, Label, Record, Version, WorkItem
from pmo_hub.domain.vocabulary import StatusCategory
from pmo_hub.sdk.contract import Mapped, Mapper, Payload, Reference
from pmo_hub.sdk.errors import RecordError
from pmo_hub_jira import adf, wire
from pmo_hub_jira.agile_mapping import iteration_of, map_board, map_sprint
from pmo_hub_jira.custom_values import TYPES, values_of
from pmo_hub_jira.dictionary import Dictionary, dictionary
from pmo_hub_jira.history import HistoryMapping
from pmo_hub_jira.instants import day, instant
from pmo_hub_jira.nesting import decode
from pmo_hub_jira.people import People

SECONDS_AN_HOUR = 3600.0

_NULL = msgspec.Raw(b"null")
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
    known = dictionary(references, rules)
    people = People()
    by_kind: dict[str, Callable[[Payload], Mapped]] = {
        "issue": IssueMapping(known, people),
        "history": HistoryMapping(known, people),
        "comments": lambda payload: map_comments(payload, people),
        "board": map_board,
        "sprint": map_sprint,
    }

    def map_payload(payload: Payload) -> Mapped:
        found = by_kind.get(payload.ref.kind)
        if found is None:
            raise RecordError(f"'{payload.ref.kind}' is no kind of payload of Jira's")
        return found(payload)

    return map_payload


@lru_cache(maxsize=32)
def _decoder(customs: tuple[tuple[str, str], ...], lenient: bool) -> msgspec.json.Decoder[Any]:
    """Decodes an issue with exactly these custom fields (id, shape); leniently, whatever values they have."""
    fields: list[Any] = [("status", wire.Status), ("issuetype", wire.IssueType), ("description", msgspec.Raw, _NULL)]
    fields += [(name, type | None, None) for name, type in _OPTIONAL]
    fields += [(id, Any if lenient else TYPES[shape] | None, None) for id, shape in customs]
    contents = msgspec.defstruct("IssueFields", fields, module=__name__, gc=False)
    return msgspec.json.Decoder(msgspec.defstruct("Issue", [("id", str), ("key", str), ("fields", contents)], module=__name__, gc=False))


class IssueMapping:
    """Maps `issue` payloads; remembers parts that many issues share, which changes no record."""

    def __init__(self, known: Dictionary, people: People) -> None:
        self._known = known
        self._people = people
        self._customs = tuple((field.id, field.shape) for field in known.site.fields)
        self._decode = _decoder(self._customs, False).decode
        self._browse = f"{known.site.base_url}/browse/" if known.site.base_url else None
        self._labels: dict[str, Label] = {}
        self._components: dict[tuple[str, str], Component] = {}

    def __call__(self, payload: Payload) -> Mapped:
        issue = self._read(payload)
        known, fields, id = self._known, issue.fields, issue.id
        people: dict[str, Identity] = {}
        mention = self._people.mention
        kind, uncounted = known.kind(fields.issuetype)
        category = known.category(fields.status, fields.resolution)
        status, priority, resolution, parent = fields.status, fields.priority, fields.resolution, fields.parent
        labels, components = fields.labels or (), fields.components or ()
        versions, sprints = fields.fixVersions or (), getattr(fields, known.sprint) if known.sprint else None
        item = WorkItem(
            id,
            issue.key,
            self._browse + issue.key if self._browse else None,
            fields.summary or issue.key,
            None if fields.description == _NULL else adf.text_of(fields.description),
            kind,
            fields.issuetype.name or fields.issuetype.id,
            category,
            status.name or status.id,
            status.id,
            (resolution.name or resolution.id) if resolution else None,
            parent.id if parent else None,
            known.priority(priority),
            (priority.name or priority.id) if priority else None,
            mention(fields.assignee, people),
            mention(fields.reporter, people),
            instant(fields.created),
            instant(fields.updated),
            self._first_day(fields, known.starts),
            day(getattr(fields, known.target_end)) if known.target_end else None,
            None,
            instant(fields.resolutiondate) if category is StatusCategory.DONE else None,
            day(fields.duedate),
            self._points(fields),
            _hours(fields.timeoriginalestimate),
            _hours(fields.timespent),
            _hours(fields.timeestimate),
            None,
            bool(getattr(fields, known.flagged)) if known.flagged else None,
            tuple(labels),
            tuple([c.id for c in components if c.id]),
            tuple([v.id for v in versions]),
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
            owned += [comment_of(comment, id, people, self._people) for comment in comments.comments]
        for field in known.others:
            value = getattr(fields, field.id)
            if value is not None:
                owned += values_of(field, value, id, people, self._people)
        if known.epic_link and parent is None and getattr(fields, known.epic_link):
            # A key, not an id: it names no row, so it is kept as the source wrote it.
            owned += values_of(known.fields[known.epic_link], getattr(fields, known.epic_link), id, people, self._people)
        mentioned: list[Record] = list(people.values())
        if labels:
            mentioned += [self._label(label) for label in labels]
        if components:
            mentioned += [self._component(c.id, c.name or c.id) for c in components if c.id]
        if versions:
            mentioned += [_version(version) for version in versions]
        if sprints and not known.site.agile:
            mentioned += [iteration_of(sprint) for sprint in sprints]
        return Mapped(owned, mentioned)

    def _read(self, payload: Payload) -> Any:
        try:
            return self._decode(payload.body)
        except RecursionError:
            decoder = _decoder(self._customs, False)
            try:
                return decode(decoder, payload.body)
            except (msgspec.DecodeError, UnicodeDecodeError) as error:
                return self._read_leniently(payload, error)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            return self._read_leniently(payload, error)

    def _read_leniently(self, payload: Payload, why: Exception) -> Any:
        """The issue without those custom values that have an unexpected shape; RecordError where the fault lies elsewhere."""
        try:
            issue = decode(_decoder(self._customs, True), payload.body)
        except (msgspec.DecodeError, UnicodeDecodeError):
            raise RecordError(f"issue {payload.ref.external_id} can't be mapped: {_fault(why)}") from None
        for id, shape in self._customs:
            value = getattr(issue.fields, id)
            if value is not None:
                try:
                    setattr(issue.fields, id, msgspec.convert(value, TYPES[shape]))
                except msgspec.ValidationError:
                    setattr(issue.fields, id, None)
        return issue

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
                    found.append(Dependency(link.id, id, link.outward_issue.id, original_type=name))
                elif link.inward_issue is not None:
                    found.append(Dependency(link.id, link.inward_issue.id, id, original_type=name))
        return found

    def _label(self, name: str) -> Label:
        found = self._labels.get(name)
        if found is None:
            found = self._labels[name] = Label(name, name)
        return found

    def _component(self, id: str, name: str) -> Component:
        found = self._components.get((id, name))
        if found is None:
            found = self._components[id, name] = Component(id, name)
        return found


def comment_of(comment: wire.Comment, item: str, mentioned: dict[str, Identity], people: People) -> Comment:
    author = people.mention(comment.author, mentioned)
    return Comment(comment.id, item, author, instant(comment.created), instant(comment.updated), adf.text_of(comment.body))


def map_comments(payload: Payload, people: People) -> Mapped:
    """The comments of an issue that holds too many to embed them all."""
    if payload.part_of is None:
        raise RecordError(f"comments {payload.ref.external_id} do not say which issue they belong to")
    try:
        comments = decode(wire.COMMENT_LIST, payload.body)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise RecordError(f"the comments of issue {payload.ref.external_id} can't be mapped: {_fault(error)}") from None
    mentioned: dict[str, Identity] = {}
    owned = [comment_of(comment, payload.part_of.external_id, mentioned, people) for comment in comments]
    return Mapped(owned, list(mentioned.values()))


def _version(version: wire.Version) -> Version:
    name = version.name or version.id
    return Version(version.id, name, version.released, version.archived, day(version.start_date), day(version.release_date))


def _hours(seconds: int | None) -> float | None:
    return None if seconds is None else seconds / SECONDS_AN_HOUR


def _fault(error: Exception) -> str:
    """A decoder's complaint in words: which field, and what it is."""
    said, _, path = str(error).partition(" - at `$")
    field = path.rstrip("`").replace("[...]", "").strip(".").removeprefix("fields.")
    words = said.replace("`", "")
    return f"field {field}: {words[:1].lower()}{words[1:]}" if field else words[:1].lower() + words[1:]
