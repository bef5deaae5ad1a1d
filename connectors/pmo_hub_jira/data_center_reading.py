"""Reading the issues of a Data Center server with their changelogs: key by key, resumable after every page, complete or failing.

A changelog comes inside its issue, so nothing waits to be read afterwards: a page's state is saved with the last of its histories.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import msgspec
from msgspec import Raw, Struct

from pmo_hub.sdk.contract import Gone, Page, Patch, Payload
from pmo_hub.sdk.errors import TransientError
from pmo_hub_jira.data_center_client import DataCenterClient
from pmo_hub_jira.keyset import Place, sweep
from pmo_hub_jira.reading import PAYLOADS_A_PAGE, read_comments
from pmo_hub_jira.unfolding import Unfolded, Unfolder
from pmo_hub_jira.worklogs import read_worklogs

ISSUES_A_PAGE = 50
"""Few, because a changelog can be many times as long as its issue."""

MISSING_FEW = 2


class KeyProgress(Struct, omit_defaults=True):
    """How far a partition has come; `t0` is epoch ms by the server's clock, from before the first page."""

    where: str
    t0: int
    expected: int
    place: Place
    count: int = 0


@dataclass(frozen=True, slots=True)
class KeyedTask:
    """One partition's reading: a bounded query, the state key of its progress, and what becomes true when all is stored."""

    where: str
    key: str
    fields: Sequence[str]
    history: bool
    done: Callable[[int, int], Patch | None]
    """From T0 and the issues read to the last page's patch; None leaves the state alone."""
    drops_comments: bool


def resumed_by_key(value: str | None) -> KeyProgress | None:
    """The progress that a state value holds; None for none, and for one of another version of this module."""
    if not value:
        return None
    try:
        return msgspec.json.decode(value, type=KeyProgress)
    except msgspec.DecodeError:
        return None


class KeyedReader:
    """Reads one task."""

    def __init__(self, client: DataCenterClient, unfolder: Unfolder, task: KeyedTask, progress: KeyProgress | None) -> None:
        self._client = client
        self._unfolder = unfolder
        self._task = task
        self._resumed = progress

    @property
    def is_at_the_start(self) -> bool:
        return self._resumed is None

    def pages(self) -> Iterator[Page]:
        """The pages that are left; Refused where Jira refuses the query itself, TransientError where it contradicts itself."""
        task, progress = self._task, self._resumed
        if progress is None:
            expected = self._client.count(task.where)
            # The answer's own time, before the first page: whatever changes from now on is found by the next run.
            progress = KeyProgress(task.where, self._client.clock_ms(), expected, Place())
        expectation = {"issue": max(0, progress.expected - progress.count)}
        for swept in sweep(self._client, progress.where, task.fields, ISSUES_A_PAGE, progress.place, history=task.history):
            found = self._unfolder.unfolded(swept.issues)
            progress.count += len(found.split.payloads) + len(found.split.rejected)
            short = swept.last and self._falls_short(progress)
            if short:
                # Nothing read so far is lost, but the mark stays: the next run reads all of this again.
                patch: Patch | None = {task.key: None}
            elif swept.last:
                patch = task.done(progress.t0, progress.count)
                patch = None if patch is None else {**patch, task.key: None}
            else:
                patch = {task.key: msgspec.json.encode(progress).decode()}
            if patch is not None or found.split.payloads or found.split.rejected:
                gone = found.split.stale_comments() if task.drops_comments else ()
                yield from whole_pages(self._client, found, gone, patch, expectation)
                expectation = {}
            if short:
                raise TransientError(f"Jira listed {progress.count} issues and counts {self._client.count(progress.where)} of them")

    def _falls_short(self, progress: KeyProgress) -> bool:
        """Whether the listing ended before it held what Jira counts, now that it has ended."""
        if progress.expected - progress.count <= MISSING_FEW:
            return False
        return self._client.count(progress.where) - progress.count > MISSING_FEW


def whole_pages(
    client: DataCenterClient,
    found: Unfolded,
    gone: Sequence[Gone] = (),
    patch: Patch | None = None,
    expected: dict[str, int] | None = None,
) -> Iterator[Page]:
    """Issues with their comments and then their histories, in parts that a page may hold; `patch` goes with the last."""
    histories, rejected = list(found.histories), list(found.rejected)
    if found.cut:
        for id in found.cut:
            # A search may cut a long changelog short; the issue by itself has all of it.
            body = client.one(id, ["issuetype", "project", "updated"], history=True)
            alone = Unfolder(client, ()).unfolded([Raw(body)] if body else [])
            prefix = f"{id}:"
            histories = [one for one in histories if not one.ref.external_id.startswith(prefix)] + alone.histories
            rejected += alone.rejected
    worklogs, unread = read_worklogs(client, found.split)
    rejected += unread
    issues: list[Payload] = [*found.split.payloads, *read_comments(client, found.split), *worklogs]
    parts = [histories[start : start + PAYLOADS_A_PAGE] for start in range(0, len(histories), PAYLOADS_A_PAGE)]
    last: Patch = patch or {}
    yield Page(issues, {} if parts else last, gone, [*found.split.rejected, *rejected], expected or {})
    for number, part in enumerate(parts, 1):
        yield Page(part, last if number == len(parts) else {})
