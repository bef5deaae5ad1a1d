"""Reading issues with their history: one query page by page, resumable after every page, complete or failing.

What a partition has still to do stands in one state value, `Progress`: it is saved with each page, and removed with the last. The mark up
to which a scope is known moves only when every issue's history is stored too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import msgspec
from msgspec import Struct

from pmo_hub.sdk.contract import Page, Patch, Payload, Rejected
from pmo_hub.sdk.errors import TransientError
from pmo_hub_jira import jql
from pmo_hub_jira.client import IDS_A_HISTORY, ISSUES_A_PAGE, JiraClient, Refused
from pmo_hub_jira.splitting import Split, comments_payload, split_histories, split_issues
from pmo_hub_jira.worklogs import read_worklogs

PAYLOADS_A_PAGE = 1_000
RESTARTS = 3
ISSUES_A_WINDOW = 5_000
MOST_WINDOWS = 20
MISSING_SHARE = 0.005
MISSING_FEW = 2
MISSING_MUCH = 0.1


class Progress(Struct, omit_defaults=True):
    """How far a partition has come. Times are epoch ms by the server's clock; `t0` is from before the first page.

    `where` is the query being read and `rest` those to come; `created` is the last creation time seen, and `since` the one from which
    reading went on when Jira had forgotten the token; `listed` means that only the `pending` histories are left.
    """

    where: str
    t0: int
    expected: int
    token: str | None = None
    created: int | None = None
    since: int | None = None
    first: int | None = None
    count: int = 0
    pending: list[str] = []
    rest: list[str] = []
    again: bool = False
    listed: bool = False


@dataclass(frozen=True, slots=True)
class Task:
    """One partition's reading: a bounded query, the state key of its progress, and what becomes true when all is stored."""

    where: str
    key: str
    fields: Sequence[str]
    history: bool
    done: Callable[[int, int], Patch | None]
    """From T0 and the issues read to the last page's patch; None leaves the state alone."""
    drops_comments: bool = False


def resumed(value: str | None) -> Progress | None:
    """The progress that a state value holds; None for none, and for one of another version of this module."""
    if not value:
        return None
    try:
        return msgspec.json.decode(value, type=Progress)
    except msgspec.DecodeError:
        return None


class Reader:
    """Reads one task."""

    def __init__(self, client: JiraClient, task: Task, progress: Progress | None) -> None:
        self._client = client
        self._task = task
        self._resumed = progress

    @property
    def is_at_the_start(self) -> bool:
        return self._resumed is None

    def pages(self) -> Iterator[Page]:
        """The pages that are left; Refused where Jira refuses the query itself, TransientError where it contradicts itself."""
        progress = self._resumed
        if progress is None:
            expected = self._client.count(self._task.where)
            # The answer's own time, before the first page: whatever changes from now on is found by the next run.
            progress = Progress(self._task.where, self._client.clock_ms(), expected)
        # A resumed run fetches the rest, and is expected to.
        expectation = {"issue": max(0, progress.expected - (0 if progress.again else progress.count))}
        listed = progress.listed
        while not listed:
            for split, last in self._listing(progress):
                progress.pending += split.ids if self._task.history else ()
                if last:
                    listed = progress.listed = not self._has_next(progress)
                    if listed and self._falls_far_short(progress):
                        # Nothing read so far is lost, but the mark stays: the next run reads all of this again.
                        yield self._page(split, {self._task.key: None}, expectation)
                        short = f"{progress.count} of the {progress.expected} issues that it counts"
                        raise TransientError(f"Jira listed {short}, twice in a row")
                finished = listed and not progress.pending
                patch = self._finish(progress) if finished else self._saved(progress)
                if patch is not None:
                    yield self._page(split, patch, expectation)
                    expectation = {}
                if finished:
                    return
                del split  # nothing of a page is held while the next one is asked for
                if len(progress.pending) >= IDS_A_HISTORY:
                    yield from self._histories(progress)
        while progress.pending:
            yield from self._histories(progress)

    def _has_next(self, progress: Progress) -> bool:
        """Whether there is more to list than the query just read; `progress` then stands at the next one."""
        if not progress.rest and self._falls_short(progress):
            # Read once more in windows of creation time, none of them long enough for the listing to break off unseen again.
            count = min(MOST_WINDOWS, 1 + progress.expected // ISSUES_A_WINDOW)
            progress.rest = jql.windows(self._task.where, progress.first, progress.t0, count)
            progress.again, progress.count = True, 0
        if not progress.rest:
            return False
        progress.where = progress.rest.pop(0)
        progress.token = progress.created = progress.since = None
        return True

    def _page(self, split: Split, patch: Patch, expected: dict[str, int]) -> Page:
        logged, unread = read_worklogs(self._client, split)
        payloads: list[Payload] = [*split.payloads, *read_comments(self._client, split), *logged]
        gone = split.stale_comments() if self._task.drops_comments else ()
        return Page(payloads, patch, gone, [*split.rejected, *unread], expected)

    def _saved(self, progress: Progress) -> Patch:
        return {self._task.key: msgspec.json.encode(progress).decode()}

    def _finish(self, progress: Progress) -> Patch | None:
        patch = self._task.done(progress.t0, progress.count)
        return None if patch is None else {**patch, self._task.key: None}

    def _listing(self, progress: Progress) -> Iterator[tuple[Split, bool]]:
        """The pages of `progress.where` with whether each is its last, `progress` moved past each before it is handed out."""
        seen: set[str] = {progress.token} if progress.token else set()
        restarts = stalls = pages = 0
        most = 1_000 + 2 * progress.expected
        while True:
            where = progress.where if progress.since is None else jql.created_since(progress.where, progress.since)
            try:
                page = self._client.search(where + jql.OLDEST_FIRST, self._task.fields, ISSUES_A_PAGE, progress.token)
            except Refused as refusal:
                if refusal.status != 400 or progress.token is None:
                    raise
                # Jira has forgotten the token (it lives for seven days): go on from the last creation time seen.
                restarts += 1
                if restarts > RESTARTS:
                    raise TransientError(f"Jira refuses the page tokens that it hands out: {refusal}") from None
                progress.token, progress.since = None, progress.created
                continue
            token = page.next_page_token
            pages += 1
            if token is not None and token in seen:
                # An empty page that sends us back to the same place is asked for again, a few times; one with issues never ends.
                stalls += 1
                if page.issues or token != progress.token or stalls > RESTARTS:
                    raise TransientError("Jira repeated a page token, so its listing of issues never ends; the run is given up")
                continue
            if pages > most:
                raise TransientError(f"Jira handed out more than {most} pages for {progress.expected} issues; the run is given up")
            split = split_issues(page.issues or ())
            del page  # what Jira sent is not held beside the payloads
            progress.token = token
            progress.count += len(split.payloads) + len(split.rejected)
            if split.created_ms is not None:
                progress.created = split.created_ms
                progress.first = split.created_ms if progress.first is None else min(progress.first, split.created_ms)
            if token is not None:
                seen.add(token)
            yield split, token is None
            del split
            if token is None:
                return

    def _falls_short(self, progress: Progress) -> bool:
        """Whether the listing ended before it held what Jira counted, and was not read a second time yet."""
        missing = progress.expected - progress.count
        return not progress.again and missing > max(MISSING_FEW, MISSING_SHARE * progress.expected)

    def _falls_far_short(self, progress: Progress) -> bool:
        """Whether the second listing too ended so early that an approximate count can't be the reason."""
        return progress.again and progress.expected - progress.count > max(MISSING_FEW, MISSING_MUCH * progress.expected)

    def _histories(self, progress: Progress) -> Iterator[Page]:
        """The changelogs of the first pending issues; the state moves with the last part of them."""
        for payloads, rejected, last in read_histories(self._client, progress.pending[:IDS_A_HISTORY]):
            patch: Patch | None = {}
            if last:
                progress.pending = progress.pending[IDS_A_HISTORY:]
                finished = progress.listed and not progress.pending
                patch = self._finish(progress) if finished else self._saved(progress)
            yield Page(payloads, {self._task.key: None} if patch is None else patch, rejected=rejected)


def read_comments(client: JiraClient, split: Split) -> Iterator[Payload]:
    """The comments of issues that embed only some of theirs; of an issue that went in the meantime, none."""
    for id in split.truncated:
        try:
            yield comments_payload(id, client.comments(id))
        except Refused as refusal:
            if refusal.status != 404:
                raise


def read_histories(client: JiraClient, ids: Sequence[str]) -> Iterator[tuple[list[Payload], list[Rejected], bool]]:
    """The changelogs of up to 1,000 issues, in parts that a page may hold, with whether each is the last."""
    token: str | None = None
    seen: set[str] = set()
    while True:
        page = client.histories(ids, token)
        token = page.next_page_token or None
        if token in seen:
            raise TransientError("Jira repeated a page token, so its changelog never ends; the run is given up")
        payloads, rejected = split_histories(page)
        del page
        starts = range(0, len(payloads), PAYLOADS_A_PAGE) or range(1)
        for start in starts:
            yield payloads[start : start + PAYLOADS_A_PAGE], rejected if start == 0 else [], token is None and start == starts[-1]
        if token is None:
            return
        seen.add(token)
