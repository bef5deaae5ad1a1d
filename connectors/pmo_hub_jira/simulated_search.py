"""JQL search, bulk fetch and bulk change log: the endpoints that carry the load.

A page token names a place in an order (the sort key of the last row), not an offset, so that issues created, deleted or touched
between two pages move as they would in a real index.
"""
from __future__ import annotations

import base64
import binascii
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from hashlib import blake2b
from typing import Any

import msgspec

from pmo_hub.sdk.simulating import Answer
from pmo_hub_jira.simulated_faults import Fault
from pmo_hub_jira.simulated_jql import parse, sort_key
from pmo_hub_jira.simulated_jql_fields import JqlError
from pmo_hub_jira.simulated_rendering import Renderer, encode, only_ids
from pmo_hub_jira.simulated_requests import BAD_PAYLOAD, Call, ok, refuse
from pmo_hub_jira.simulated_site import History, Issue
from pmo_hub_jira.simulated_world import World

UNBOUNDED = "Unbounded JQL queries are not allowed here. Please add a search restriction to your query."
BAD_TOKEN = "The provided nextPageToken is invalid or has expired."
TOKEN_DAYS = 7
MOST_KEPT = 32


@dataclass(slots=True)
class Limits:
    """How many rows a page has at most. Real Jira decides for itself; smaller values make a small site span many pages."""
    ids: int = 5000                     # only id and key asked for
    fields: int = 100
    all_fields: int = 50                # *all
    histories: int = 10_000
    comments: int = 100
    worklogs: int = 1000


@dataclass(frozen=True, slots=True)
class _Listing:
    revision: int
    keys: list[tuple[int, ...]]
    issues: list[Issue]


@dataclass(frozen=True, slots=True)
class _Place:
    """What a page token says: when the listing was asked for, and the sort key of the last row given out."""
    asked_ms: int
    after: tuple[int, ...] | None


def _seal(digest: str, asked_ms: int, after: tuple[int, ...] | None) -> str:
    return base64.urlsafe_b64encode(encode({"q": digest, "t": asked_ms, "k": after})).decode().rstrip("=")


def _unseal(token: str, digest: str, now: datetime) -> _Place:
    """The token's place; a 400 when it is none, is older than seven days or belongs to another query."""
    try:
        said = msgspec.json.decode(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
        if isinstance(said, dict) and said["q"] == digest and now.timestamp() * 1000 - said["t"] < TOKEN_DAYS * 86_400_000:
            return _Place(said["t"], None if said["k"] is None else tuple(said["k"]))
    except (binascii.Error, msgspec.DecodeError, ValueError, KeyError, TypeError):
        pass
    raise refuse(400, BAD_TOKEN)


_Told = tuple[list[tuple[Issue, History]], list[tuple[int, int, int]]]


def _digest(*parts: str) -> str:
    return blake2b("\0".join(parts).encode(), digest_size=8).hexdigest()


class Search:
    def __init__(self, world: World, renderer: Renderer, now: Callable[[], datetime], zone: tzinfo, limits: Limits) -> None:
        self.world, self.renderer, self.now, self.zone, self.limits = world, renderer, now, zone, limits
        self._kept: OrderedDict[tuple[str, int], _Listing] = OrderedDict()
        self._kept_changes: OrderedDict[str, tuple[int, _Told]] = OrderedDict()

    def _listing(self, jql: str, at_ms: int) -> _Listing:
        """The rows of a query asked at that instant, in its order, as of the world's present revision."""
        kept = self._kept.get((jql, at_ms))
        if kept is None or kept.revision != self.world.revision or self.world.index_lag:
            try:
                query = parse(jql, self.world, datetime.fromtimestamp(at_ms / 1000, UTC), self.zone)
            except JqlError as problem:
                raise refuse(400, str(problem)) from None
            if not query.restricted:
                raise refuse(400, UNBOUNDED)
            key = sort_key(query, self.world)
            rows = sorted(((key(i), i) for i in self.world.indexed_issues(self.now()) if query.test(i)), key=lambda row: row[0])
            kept = self._kept[jql, at_ms] = _Listing(self.world.revision, [row[0] for row in rows], [row[1] for row in rows])
            if len(self._kept) > MOST_KEPT:
                self._kept.popitem(last=False)
        return kept

    def count(self, call: Call) -> Answer:
        found = len(self._listing(call.text("jql") or "", round(self.now().timestamp() * 1000)).issues)
        return ok({"count": 0 if any(fault.kind == "zero_results" for fault in call.faults) else found})

    def page(self, call: Call) -> Answer:
        """One page of search/jql."""
        jql, token, asked = call.text("jql") or "", call.text("nextPageToken"), call.texts("fields")
        if len(call.texts("properties")) > 5:
            raise refuse(400, "At most 5 properties can be asked for.")
        reconcile = call.body.get("reconcileIssues") or call.texts("reconcileIssues")
        if not isinstance(reconcile, list) or len(reconcile) > 50:
            raise refuse(400, BAD_PAYLOAD, reconcileIssues="takes at most 50 issue ids")
        digest = _digest(jql)
        place = _unseal(token, digest, self.now()) if token else _Place(round(self.now().timestamp() * 1000), None)
        listing = self._listing(jql, place.asked_ms)
        begin = bisect_right(listing.keys, place.after) if place.after is not None else 0
        size = min(max(call.number("maxResults", 50), 1), self._most(asked))
        for fault in call.faults:
            size = {"empty_page": 0, "short_page": min(size, fault.rows)}.get(fault.kind, size)
        end = min(begin + size, len(listing.issues))
        last = end >= len(listing.issues)
        fields: tuple[str, ...] | None = self.renderer.selection(asked, "*navigable")
        if only_ids(asked):
            fields = () if any("key" in entry for entry in asked) else None
        rows = self.render(listing.issues[begin:end], fields, _expand((call.text("expand") or "").split(",")), call.faults)
        next_token = None if last else _seal(digest, place.asked_ms, listing.keys[end - 1] if end else None)
        return self._assemble(rows, next_token, last, token, call.faults)

    def _most(self, asked: Sequence[str]) -> int:
        if only_ids(asked):
            return self.limits.ids
        return self.limits.all_fields if any("*all" in entry for entry in asked) else self.limits.fields

    @staticmethod
    def _assemble(rows: list[bytes], next_token: str | None, last: bool, token: str | None, faults: Sequence[Fault]) -> Answer:
        kinds = {fault.kind for fault in faults}
        if kinds & {"zero_results", "half_listing"}:
            rows, next_token, last = [] if "zero_results" in kinds else rows[:len(rows) // 2], None, True
        if "repeated_token" in kinds and token:
            next_token, last = token, False
        tail = b"" if next_token is None else b',"nextPageToken":' + encode(next_token)
        flag = b"" if "no_is_last" in kinds else b',"isLast":' + (b"true" if last else b"false")
        return ok(b'{"issues":[' + b",".join(rows) + b"]" + tail + flag + b"}")

    def render(self, issues: Iterable[Issue], fields: tuple[str, ...] | None, changelog: bool, faults: Sequence[Fault]) -> list[bytes]:
        """The issues' bytes, with the fields that faults spoil."""
        out = []
        for n, issue in enumerate(issues):
            row = self.renderer.issue(issue, fields)
            if changelog and fields is not None:
                row = row[:-1] + b',"changelog":' + encode(self.renderer.changelog(issue)) + b"}"
            for fault in faults:
                if fault.kind == "field_value" and fault.issue in (n, issue.key, str(issue.id)) and fields:
                    row = _spoil(row, fault)
            out.append(row)
        return out

    def bulk_fetch(self, call: Call) -> Answer:
        """Up to 100 issues in ascending id order, by id or present or former key; what isn't found is left out, as the spec says."""
        wanted = call.texts("issueIdsOrKeys")
        if not wanted or len(wanted) > 100:
            raise refuse(400, "Between 1 and 100 issue ids or keys must be given.")
        found = {issue.id: issue for text in wanted if (issue := self.world.find(text)) is not None}
        if any(fault.kind == "zero_results" for fault in call.faults):
            found = {}
        rows = self.render((found[id] for id in sorted(found)), self.renderer.selection(call.texts("fields"), "*navigable"),
                           _expand(call.texts("expand")), call.faults)
        return ok(b'{"issues":[' + b",".join(rows) + b'],"issueErrors":[]}')

    def bulk_changelog(self, call: Call) -> Answer:
        """Histories of up to 1,000 issues by date and issue, oldest first; one issue's histories may span pages."""
        wanted, only = call.texts("issueIdsOrKeys"), frozenset(call.texts("fieldIds"))
        if not 0 < len(wanted) <= 1000 or len(only) > 10:
            raise refuse(400, "Between 1 and 1000 issue ids or keys and at most 10 field ids must be given.")
        asked = call.number("maxResults", 1000)
        if not 1 <= asked <= 10_000:
            raise refuse(400, "maxResults must be between 1 and 10000.")
        size = min(asked, self.limits.histories)
        token = call.text("nextPageToken")
        digest = _digest(*wanted, "/", *sorted(only))
        entries, keys = self._told(digest, wanted, only)
        begin = bisect_right(keys, _unseal(token, digest, self.now()).after or ()) if token else 0
        if any(fault.kind == "zero_results" for fault in call.faults):
            entries = []
        grouped: dict[int, list[Any]] = {}
        for issue, history in entries[begin:begin + size]:
            grouped.setdefault(issue.id, []).append(self.renderer.history(history, epoch=True))
        page: dict[str, Any] = {"issueChangeLogs": [{"issueId": str(id), "changeHistories": rows} for id, rows in grouped.items()]}
        if begin + size < len(entries):
            page["nextPageToken"] = _seal(digest, round(self.now().timestamp() * 1000), keys[begin + size - 1])
        if token and any(fault.kind == "repeated_token" for fault in call.faults):
            page["nextPageToken"] = token
        return ok(page)

    def _told(self, digest: str, wanted: Sequence[str], only: frozenset[str]) -> _Told:
        """The entries asked for and their sort keys, kept for the pages to come."""
        kept = self._kept_changes.get(digest)
        if kept is None or kept[0] != self.world.revision:
            entries = self._histories(wanted, only)
            keys = [(round(history.created.timestamp() * 1000), issue.id, history.id) for issue, history in entries]
            kept = self._kept_changes[digest] = (self.world.revision, (entries, keys))
            if len(self._kept_changes) > MOST_KEPT:
                self._kept_changes.popitem(last=False)
        return kept[1]

    def _histories(self, wanted: Sequence[str], only: frozenset[str]) -> list[tuple[Issue, History]]:
        issues = {issue.id: issue for text in wanted if (issue := self.world.find(text)) is not None}
        out = []
        for issue in issues.values():
            for history in issue.histories:
                kept = tuple(change for change in history.changes if not only or change.field_id in only)
                if kept:
                    out.append((issue, History(history.id, history.created, history.author, kept)))
        return sorted(out, key=lambda entry: (entry[1].created, entry[0].id, entry[1].id))


def _expand(asked: Sequence[str]) -> bool:
    """Whether the change log is to be expanded; expansions that nobody simulates are refused rather than left out in silence."""
    wanted = {entry.strip() for entry in asked if entry.strip()}
    if wanted - {"changelog"}:
        raise refuse(400, f"The simulator does not expand {', '.join(sorted(wanted - {'changelog'}))}.")
    return bool(wanted)


def _spoil(row: bytes, fault: Fault) -> bytes:
    issue = msgspec.json.decode(row)
    target = issue if fault.field in ("id", "key", "fields", "self") else issue["fields"]
    target[fault.field] = fault.value
    return encode(issue)
