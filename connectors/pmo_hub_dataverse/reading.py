"""Reading one ensemble of tables: whole, of projects that were chosen late, and what has changed since.

Change tracking knows no filter: the whole table is read once, and its last page says where changes go on. Each page's state is the
reading's own progress; a table's mark is saved with its last page.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from pmo_hub.sdk.contract import Mode, Page, Partition, Patch, Payload, Rejected
from pmo_hub.sdk.errors import StateError, TransientError
from pmo_hub_dataverse.client import IDS_A_PAGE, DataverseClient, Forbidden, Refused, Row, Rows
from pmo_hub_dataverse.progress import Mark, Progress, digest, encoded, mark_of, progress_of
from pmo_hub_dataverse.rows import Assignees, Split, by_task, gone, lowered, packed, split
from pmo_hub_dataverse.schema import Schema
from pmo_hub_dataverse.tables import ASSIGNMENTS, DICTIONARIES, TASKS, Ensemble, Table

OVERLAP = timedelta(minutes=5)
QUIET = timedelta(hours=12)
"""A mark that nothing has happened since is left alone for so long, so that a quiet poll writes nothing; links live for seven days."""
LATE_AT_A_TIME = 10
MOST_LATE = 20
"""If more projects than these are new, whole tables are read: their pages hold more."""
TASKS_A_PAGE = 400
"""Of late projects: each task comes with all of its parts."""
_PROJECT_OF = "_msdyn_projectid_value"
_NO_LONGER = frozenset({400, 404, 410, 412})


class Reader:
    """Reads one partition."""

    def __init__(self, client: DataverseClient, schema: Schema, ensemble: Ensemble, partition: Partition, now: datetime) -> None:
        self._client = client
        self._schema = schema
        self._ensemble = ensemble
        self._partition = partition
        self._scopes = frozenset(partition.scopes)
        self._now = now
        self._there = schema.there(ensemble)
        self._tasks: set[int] | None = None

    def pages(self) -> Iterator[Page]:
        if notices := self._schema.notices(self._ensemble):
            yield Page(notices=tuple(notices))
        if not self._there:
            return
        state = self._partition.state
        progress = progress_of(state.get(self._key("page")))
        missing = [s for s in self._partition.scopes if f"{s}/{self._ensemble.name}" not in state] if self._ensemble.by_project else []
        chosen = digest(self._scopes) if self._ensemble.by_project else ""
        if progress is not None and not progress.late and progress.chosen == chosen:
            yield from self._whole(progress)
            return
        unmarked = [table.set for table in self._there if self._mark(table) is None]
        if self._partition.mode is Mode.FULL or len(unmarked) == len(self._there) or len(missing) > MOST_LATE:
            yield from self._whole(Progress([table.set for table in self._there], chosen=chosen))
            return
        if unmarked:
            yield from self._whole(Progress(unmarked, chosen=chosen, covers=False))
        yield from self._late(progress, missing)
        for table in self._there:
            if table.set not in unmarked:
                yield from self._changes(table)

    # Whole tables

    def _whole(self, progress: Progress) -> Iterator[Page]:
        by_set = {table.set: table for table in self._there}
        progress.tables = [name for name in progress.tables if name in by_set]
        if not progress.tables:
            return
        assignees = self._all_assignees() if TASKS.set in progress.tables else None
        if progress.tables[0] == TASKS.set and progress.next is None:
            self._tasks = set()
        seen: set[str] = set()
        while progress.tables:
            table = by_set[progress.tables[0]]
            present = self._schema.of(table)
            address = progress.next or self._client.whole(table.set, present.select)
            page = self._asked(table, address, resumed=progress.next is not None, tracked=present.is_tracked)
            if isinstance(page, str):
                progress.tables.pop(0)
                progress.next = None
                yield Page(state=self._so_far(progress), notices=(page,))
                continue
            progress.began = progress.began or page.at or self._now
            rows: Sequence[Row] = page.rows
            if present.parent is not None and self._tasks is not None:
                parents = self._tasks
                rows = [row for row in rows if (of := lowered(row.get(present.parent))) is not None and packed(of) in parents]
            found = split(self._schema, table, rows, self._scopes, assignees=assignees if table is TASKS else None)
            if table is TASKS and self._tasks is not None:
                self._tasks.update(packed(payload.ref.external_id) for payload in found.payloads)
            rows, page = (), replace(page, rows=())  # they are not held while their payloads wait for their turn
            patch: dict[str, str | None] = {}
            progress.next = self._unseen(table, page.next, seen)
            if page.next is None:
                progress.tables.pop(0)
                assignees = assignees if TASKS.set in progress.tables else None
                mark = Mark(self._now, page.delta) if page.delta else Mark(self._now, since=progress.began)
                patch[self._key(table.set)] = encoded(mark)
                progress.began = None
            yield Page(found.payloads, {**patch, **self._so_far(progress)}, rejected=found.rejected)

    def _so_far(self, progress: Progress) -> Patch:
        if progress.tables:
            return {self._key("page"): encoded(progress)}
        covered: dict[str, str | None] = {}
        if progress.covers and self._ensemble.by_project:
            covered = {f"{scope}/{self._ensemble.name}": "1" for scope in self._partition.scopes}
        return {**covered, self._key("page"): None}

    def _all_assignees(self) -> Assignees:
        """Of every chosen project's tasks; read by itself, because the tasks' own pages come in an order of their own."""
        if not self._schema.has(ASSIGNMENTS):
            return Assignees()
        wanted = (self._schema.of(ASSIGNMENTS).parent or "", _PROJECT_OF, "_msdyn_bookableresourceid_value", "msdyn_effort")
        select = [column for column in wanted if column in self._schema.of(ASSIGNMENTS).select]
        pages = self._client.pages(self._client.whole(ASSIGNMENTS.set, select), size=IDS_A_PAGE)
        try:
            return by_task(self._schema, (row for page in pages for row in self._own(page.rows)))
        except (Forbidden, Refused):
            return Assignees()  # the table's own reading says so

    # Projects that were chosen late

    def _late(self, progress: Progress | None, missing: Sequence[str]) -> Iterator[Page]:
        tables = [table for table in self._there if table in self._ensemble.tables]
        while missing:
            resumes = progress is not None and bool(progress.late) and set(progress.late) <= set(missing)
            late = progress.late if progress is not None and resumes else list(missing[:LATE_AT_A_TIME])
            now = progress if progress is not None and resumes else Progress([table.set for table in tables], late=late)
            progress = None
            yield from self._fill(now)
            missing = [scope for scope in missing if scope not in late]

    def _fill(self, progress: Progress) -> Iterator[Page]:
        by_set = {table.set: table for table in self._there}
        covered: dict[str, str | None] = {f"{scope}/{self._ensemble.name}": "1" for scope in progress.late}
        while progress.tables:
            table = by_set[progress.tables[0]]
            present = self._schema.of(table)
            where = " or ".join(f"{present.project} eq {scope}" for scope in progress.late)
            address = progress.next or self._client.filtered(table.set, present.select, where)
            page = self._asked(table, address, resumed=progress.next is not None, size=TASKS_A_PAGE if table is TASKS else None)
            notices: tuple[str, ...] = ()
            found = Split()
            if isinstance(page, str):
                notices, progress.next = (page,), None
            else:
                found = self.with_parts(page.rows) if table is TASKS else split(self._schema, table, page.rows, self._scopes)
                progress.next = page.next
            if progress.next is None:
                progress.tables.pop(0)
            key = self._key("page")
            patch: Patch = {key: encoded(progress)} if progress.tables else {**covered, key: None}
            yield Page(found.payloads, patch, rejected=found.rejected, notices=notices)

    def with_parts(self, rows: Sequence[Row], *, keeps_others: bool = False) -> Split:
        """Tasks, each with all that is part of it."""
        ids = [id for row in rows if (id := lowered(row.get(TASKS.key)))]
        parts: list[Payload] = []
        rejected: list[Rejected] = []
        assignees = Assignees()
        for table in self._ensemble.parts:
            if not self._schema.has(table):
                continue
            found = self._of_tasks(table, ids)
            if table is ASSIGNMENTS:
                assignees = by_task(self._schema, found)
            more = split(self._schema, table, found, self._scopes)
            parts += more.payloads
            rejected += more.rejected
        tasks = split(self._schema, TASKS, rows, self._scopes, assignees=assignees, keeps_others=keeps_others)
        return Split([*tasks.payloads, *parts], [*tasks.rejected, *rejected], tasks.projects)

    def _of_tasks(self, table: Table, ids: Sequence[str]) -> list[Row]:
        present = self._schema.of(table)
        try:
            return list(self._client.by_values(table.set, present.select, present.parent or "", ids))
        except (Forbidden, Refused) as error:
            if isinstance(error, Refused) and error.status != 404:
                raise
            return []

    # Changes

    def _changes(self, table: Table) -> Iterator[Page]:
        mark = self._mark(table)
        assert mark is not None
        if mark.link is not None:
            yield from self._delta(table, mark, mark.link)
        else:
            yield from self._since(table, mark)

    def _delta(self, table: Table, mark: Mark, link: str) -> Iterator[Page]:
        address: str | None = link
        seen: set[str] = set()
        while address is not None:
            page = self._asked(table, address, resumed=True, tracked=True)
            if isinstance(page, str):
                yield Page(notices=(page,))
                return
            is_first, address = address == link, self._unseen(table, page.next, seen)
            goes_on = page.next or page.delta
            if goes_on is None:
                raise StateError(self._partition.name, f"Dataverse tells no longer where changes of {table.set} go on")
            is_quiet = is_first and not page.rows and not page.deleted and address is None
            if is_quiet and self._now - mark.at < QUIET:
                return
            patch: Patch = {self._key(table.set): encoded(Mark(self._now, goes_on))}
            found = self._changed(table, page.rows)
            yield Page(found.payloads, patch, gone(table, page.deleted), found.rejected, stale=self._stale(table, found))

    def _since(self, table: Table, mark: Mark) -> Iterator[Page]:
        """Where changes are not tracked: what was modified since, a few minutes of overlap included."""
        assert mark.since is not None
        since = (mark.since - OVERLAP).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        address: str | None = self._client.filtered(table.set, self._schema.of(table).select, f"modifiedon ge {since}")
        began: datetime | None = None
        seen: set[str] = set()
        while address is not None:
            page = self._asked(table, address, resumed=False)
            if isinstance(page, str):
                yield Page(notices=(page,))
                return
            began = began or page.at or self._now
            address = self._unseen(table, page.next, seen)
            found = self._changed(table, page.rows)
            patch: Patch = {}
            if address is None and began - mark.since > OVERLAP:
                patch = {self._key(table.set): encoded(Mark(self._now, since=began))}
            if found.payloads or found.rejected or patch:
                yield Page(found.payloads, patch, rejected=found.rejected, stale=self._stale(table, found))

    def _changed(self, table: Table, rows: Sequence[Row]) -> Split:
        """Changed rows as payloads; a changed assignment brings its task along, which tells who works on it."""
        if table is TASKS:
            ids = [id for row in rows if lowered(row.get("_msdyn_project_value")) in self._scopes and (id := lowered(row.get(TASKS.key)))]
            assignees = by_task(self._schema, self._of_tasks(ASSIGNMENTS, ids)) if self._schema.has(ASSIGNMENTS) else None
            return split(self._schema, TASKS, rows, self._scopes, assignees=assignees, keeps_others=True)
        found = split(self._schema, table, rows, self._scopes, keeps_others=True)
        if table is ASSIGNMENTS:
            parent = self._schema.of(table).parent or ""
            ids = list(dict.fromkeys(id for row in self._own(rows) if (id := lowered(row.get(parent)))))
            tasks = list(self._client.by_values(TASKS.set, self._schema.of(TASKS).select, TASKS.key, ids))
            again = self._changed(TASKS, tasks)
            return Split([*again.payloads, *found.payloads], [*again.rejected, *found.rejected], found.projects)
        return found

    def _own(self, rows: Sequence[Row]) -> list[Row]:
        """Assignments that are not known to be of a project that nobody chose."""
        return [row for row in rows if (project := lowered(row.get(_PROJECT_OF))) is None or project in self._scopes]

    def _stale(self, table: Table, found: Split) -> tuple[str, ...]:
        return tuple(sorted(found.projects)) if table in DICTIONARIES else ()

    # Below

    def _asked(self, table: Table, address: str, *, resumed: bool, tracked: bool = False, size: int | None = None) -> Rows | str:
        """The page; a sentence for the admin where an optional table can't be read. StateError where a kept link is refused."""
        options: dict[str, Any] = {} if size is None else {"size": size}
        try:
            return self._client.page(address, tracked=tracked, **options)
        except Forbidden as error:
            if table.needed:
                raise
            return f"{table.told.capitalize()} are not read: {error}."
        except Refused as error:
            if resumed and error.status in _NO_LONGER:
                raise StateError(self._partition.name, f"Dataverse no longer accepts where {table.set} was read to: {error}") from None
            if error.status == 404 and not table.needed:
                return f"{table.told.capitalize()} are not read: this environment has no usable table {table.set}."
            raise

    @staticmethod
    def _unseen(table: Table, link: str | None, seen: set[str]) -> str | None:
        """The next page's link, which was not followed before."""
        if link is not None and link in seen:
            raise TransientError(f"Dataverse repeated a page link of {table.set}, so its listing never ends; the run is given up")
        if link is not None:
            seen.add(link)
        return link

    def _key(self, name: str) -> str:
        return f"{self._ensemble.name}/{name}"

    def _mark(self, table: Table) -> Mark | None:
        return mark_of(self._partition.state.get(self._key(table.set)))
