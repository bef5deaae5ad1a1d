"""Worklogs: those that an issue brings along, and what changed about them on the whole site since the last reading.

An issue embeds its first twenty, so that whatever makes an issue the hub's (a first reading, a project chosen later, a move, a permission
given back) brings its worklogs with it and no request of their own. What happens to them afterwards is told by two lists of the site:
neither an edit nor a deletion need move the issue's own time of change.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import msgspec

from pmo_hub.domain.records import Identity, Worklog
from pmo_hub.sdk.contract import Gone, Mapped, Mode, Page, Partition, Payload, Reason, Ref, Rejected, State
from pmo_hub.sdk.errors import RecordError, TransientError
from pmo_hub_jira import adf, jql, wire
from pmo_hub_jira.client import ISSUES_A_PAGE, WORKLOGS_A_PAGE, Forbidden, JiraClient, Refused
from pmo_hub_jira.instants import instant
from pmo_hub_jira.nesting import decode
from pmo_hub_jira.people import mention
from pmo_hub_jira.splitting import Split, split_issues, split_worklogs

PARTITION = "worklogs"
UPDATED, DELETED = f"{PARTITION}/updated_ms", f"{PARTITION}/deleted_ms"
STATE = (UPDATED, DELETED)
QUIET_MS = 3_600_000
"""Lists that were empty leave a mark younger than this where it is, so that a quiet poll writes nothing."""

MOST_PAGES = 100_000
SECONDS_AN_HOUR = 3600.0
_SWEPT = ("created", "project", "updated", "worklog")


def partition(scopes: Sequence[str], state: State) -> Partition:
    """What changed since the marks. `state` tells besides them how far each project is known, if it is."""
    return Partition(PARTITION, tuple(scopes), state, Mode.INCREMENTAL)


def read_worklogs(client: JiraClient, split: Split) -> tuple[list[Payload], list[Rejected]]:
    """The worklogs of a page of issues; of one that embeds only some of them all are asked for, of one that went meanwhile none."""
    payloads, rejected = list(split.worklogs), []
    for id in split.busy:
        try:
            logged, unread = split_worklogs(client.issue_worklogs(id))
        except Refused as refusal:
            if refusal.status != 404:
                raise
        else:
            payloads += logged
            rejected += unread
    return payloads, rejected


def read_changes(client: JiraClient, partition: Partition, overlap_ms: int) -> Iterator[Page]:
    """What was logged, edited and deleted since the marks; a mark moves with the page whose worklogs are stored.

    Every mark ends `overlap_ms` before now. An issue's page that was read before a deletion may be committed after it: the next reading
    lists that deletion once more. Where the account may not read these lists, issues alone tell their worklogs, and the run says so.
    """
    marks = {key: int(value) for key in STATE if (value := partition.state.get(key))}
    if UPDATED not in marks:
        # Nothing is held yet but what is read in this run; of projects read before there were worklogs, everything is still to come.
        begun = client.clock_ms()
        marks = {UPDATED: 0 if partition.state else begun - overlap_ms, DELETED: begun - overlap_ms}
        yield Page(state={key: str(mark) for key, mark in marks.items()})
        if not partition.state:
            return
    try:
        for key, what in ((UPDATED, "updated"), (DELETED, "deleted")):
            yield from _changes(client, partition.scopes, key, what, marks.get(key, 0), overlap_ms)
    except (Forbidden, Refused) as refusal:
        if isinstance(refusal, Refused) and refusal.status != 404:
            raise
        yield Page(notices=("Jira does not list changed worklogs to this account: one that is edited or deleted without a change of its "
                            "issue is noticed with the next change of that issue, or not at all.",))  # fmt: skip


def fetch_worklogs(client: JiraClient, ids: Sequence[str]) -> Iterator[Page]:
    """Worklogs by id; those that Jira no longer shows are absent."""
    numbers = [int(id) for id in dict.fromkeys(ids) if id.isascii() and id.isdigit()]
    for start in range(0, len(numbers), WORKLOGS_A_PAGE):
        yield _listed(client, numbers[start : start + WORKLOGS_A_PAGE], {})


def map_worklog(payload: Payload) -> Mapped:
    if payload.part_of is None:
        raise RecordError(f"worklog {payload.ref.external_id} does not say which issue it belongs to")
    try:
        found = decode(wire.WORKLOG, payload.body)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise RecordError(f"worklog {payload.ref.external_id} can't be mapped: {error}") from None
    mentioned: dict[str, Identity] = {}
    seconds = found.time_spent_seconds
    record = Worklog(
        found.id,
        payload.part_of.external_id,
        mention(found.author, mentioned),
        instant(found.started),
        None if seconds is None else seconds / SECONDS_AN_HOUR,
        adf.text_of(found.comment),
        instant(found.created),
        instant(found.updated),
    )
    return Mapped([record], list(mentioned.values()))


def _changes(client: JiraClient, scopes: Sequence[str], key: str, what: str, mark: int, overlap_ms: int) -> Iterator[Page]:
    since, listed, begun = mark, 0, 0
    for _ in range(MOST_PAGES):
        page = client.changed_worklogs(what, since)
        begun = begun or client.clock_ms()
        found = page.values or []
        ids = list(dict.fromkeys(entry.worklog_id for entry in found))
        listed += len(ids)
        until = max([since, page.until or 0, *(entry.updated_time or 0 for entry in found)])
        said = page.is_last_page if page.last_page is None else page.last_page
        last = not found if said is None else said
        if not last and until == since:
            if not found:
                raise TransientError(f"Jira's list of {what} worklogs does not move on from {since}; the run is given up")
            # So many were changed in one millisecond that no page gets past it: what it leaves out is read from the issues.
            if key == UPDATED:
                yield from _sweep(client, scopes)
            until += 1
        if last:
            until = max(mark, begun - overlap_ms) if listed or begun - mark > QUIET_MS else mark
        patch = {key: str(until)} if until != mark or listed else {}
        if key == UPDATED and ids:
            yield _listed(client, ids, patch)
        elif ids or patch:
            yield Page(state=patch, gone=[Gone(Ref("worklog", str(id)), Reason.DELETED) for id in ids])
        if last:
            return
        since = until
    raise TransientError(f"Jira handed out more than {MOST_PAGES} pages of {what} worklogs; the run is given up")


def _listed(client: JiraClient, ids: Sequence[int], patch: Mapping[str, str | None]) -> Page:
    """The worklogs themselves; one that is withheld was deleted, or restricted to a group that the account is not in."""
    payloads: list[Payload] = []
    rejected: list[Rejected] = []
    for start in range(0, len(ids), WORKLOGS_A_PAGE):
        logged, unread = split_worklogs(client.worklogs(ids[start : start + WORKLOGS_A_PAGE]))
        payloads += logged
        rejected += unread
    there = {payload.ref.external_id for payload in payloads} | {one.ref.external_id for one in rejected if one.ref}
    # An unreadable one without even an id might be any of them: then none is said to be gone.
    lost = [] if any(one.ref is None for one in rejected) else [str(id) for id in ids if str(id) not in there]
    return Page(payloads, patch, [Gone(Ref("worklog", id), Reason.ABSENT) for id in lost], rejected)


def _sweep(client: JiraClient, scopes: Sequence[str]) -> Iterator[Page]:
    """All worklogs of these projects, from the issues that have any."""
    for chunk in jql.chunks(scopes):
        where = f"{jql.of_projects(chunk)} AND timespent is not EMPTY{jql.OLDEST_FIRST}"
        token: str | None = None
        seen: set[str] = set()
        while True:
            page = client.search(where, _SWEPT, ISSUES_A_PAGE, token)
            payloads, rejected = read_worklogs(client, split_issues(page.issues or ()))
            yield Page(payloads, rejected=rejected)
            token = page.next_page_token
            if token is None:
                break
            if token in seen:
                raise TransientError("Jira repeated a page token, so its listing of issues never ends; the run is given up")
            seen.add(token)
