"""The Project Server connector: the plugin, and the source that it opens for a PWA site."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import ClassVar
from urllib.parse import urlsplit

from pydantic import BaseModel

from pmo_hub.sdk.contract import (
    CONTRACT_VERSION,
    Capability,
    Context,
    Gone,
    Group,
    Listing,
    Mapper,
    Mode,
    Page,
    Partition,
    Patch,
    Payload,
    RateLimit,
    Reason,
    Ref,
    Reference,
    Rejected,
    Scope,
    State,
)
from pmo_hub.sdk.errors import ScopeError
from pmo_hub_msproject import mapping, reference, time_phased, wire
from pmo_hub_msproject.client import ProjectServer, Refused
from pmo_hub_msproject.config import MsProjectConfig
from pmo_hub_msproject.microsoft import Microsoft, MicrosoftAuthorize
from pmo_hub_msproject.reading import READABLE, ProjectReader, lost
from pmo_hub_msproject.reporting import REFUSED, SETS, Access, Reporting
from pmo_hub_msproject.signing_in import Entry, signed_in
from pmo_hub_msproject.time_phased import ALL_SETS, BY_DAY, TooMuch
from pmo_hub_msproject.values import guid

PAYLOADS_A_PAGE = 500
PUBLISHED = "published"
REFUSED_PARTITION = "reporting"
UNREAD = "refused "
"""Before the date of a set that the account could not read then, and of a project whose report it could not."""


class MsProjectConnector:
    """Reads published projects of PWA sites: Project Server 2016, 2019, Subscription Edition, and what is left of Project Online."""

    name: ClassVar[str] = "msproject"
    title: ClassVar[str] = "Microsoft Project Server and Project Online"
    contract: ClassVar[int] = CONTRACT_VERSION
    # No census: each refresh of a project is one, and which projects there are is listed at every poll.
    capabilities: ClassVar[frozenset[Capability]] = frozenset({Capability.INCREMENTAL, Capability.AUTHORIZE})
    # What SharePoint bears is nobody's secret, but nobody's promise either: it says so (429, 503) when it has had enough.
    rate_limit: ClassVar[RateLimit] = RateLimit(requests=1_000, per_s=10.0, concurrency=4)
    census_kinds: ClassVar[tuple[str, ...]] = ()
    Config: ClassVar[type[BaseModel]] = MsProjectConfig

    def __init__(self, microsoft: Microsoft | None = None) -> None:
        self._microsoft = microsoft or Microsoft()
        self.authorize = MicrosoftAuthorize(self._microsoft)

    @contextmanager
    def open(self, config: MsProjectConfig, context: Context) -> Iterator[ProjectServerSource]:
        with signed_in(config, context, self._microsoft) as entry:
            yield ProjectServerSource(config, ProjectServer(entry, config.url, config.concurrency), entry)

    def mapper(self, references: Sequence[Reference], rules: Mapping[str, str]) -> Mapper:
        return mapping.mapper(references, rules)


class ProjectServerSource:
    """A PWA site, as the connection's account sees it."""

    def __init__(self, config: MsProjectConfig, client: ProjectServer, entry: Entry) -> None:
        self._config = config
        self._client = client
        self._entry = entry
        self._reporting = Reporting(client)
        self._sets = ALL_SETS if config.time_phased else SETS
        self._reader = ProjectReader(client, self._reporting, self._custom_keys)
        self._lock = threading.Lock()
        self._keys: Mapping[str, tuple[str, ...]] | None = None
        self._listed: dict[str, wire.Listed] = {}

    def check(self) -> str:
        self._client.account()
        return f"Signed in to {self._client.host} as {self._entry.account}, whose permissions decide what is seen."

    def namespace(self) -> str:
        """The site's address: two connections to it double nothing, whoever signs in."""
        parts = urlsplit(self._config.url)
        port = f":{parts.port}" if parts.port and parts.port != {"https": 443, "http": 80}[parts.scheme] else ""
        return f"{parts.scheme}://{parts.hostname}{port}{parts.path}".lower().rstrip("/")

    def credential_expires_at(self) -> datetime | None:
        return self._entry.expires_at()

    def scopes(self) -> Iterator[Scope]:
        for project in self._client.projects():
            id = guid(project.id)
            if id is not None and (project.project_type or 0) in READABLE:
                yield Scope(id, project.name or id, READABLE[project.project_type or 0], url=project.project_site_url or None)

    def reference(self, scopes: Sequence[str]) -> Iterator[Reference]:
        yield from reference.read(self._client, self._config.url, self._config.time_zone, scopes)

    def partitions(self, scopes: Sequence[str], state: State, mode: Mode) -> Sequence[Partition]:
        """A project each that was published at another time than the state says, or whose reports were not read since."""
        if not scopes:
            return []
        listed = self._list()
        due = []
        for scope in scopes:
            kept = {key: value for key in self._keys_of(scope) if (value := state.get(key)) is not None}
            if self._is_lost(scope, listed):
                due.append(Partition(scope, (scope,), kept, Mode.INCREMENTAL if kept else Mode.FULL))
                continue
            published = listed[scope].last_published_date or ""
            stale = [key for key, kind in self._keys_of(scope).items() if self._is_stale(scope, kind, kept.get(key), published)]
            covered = mode is Mode.INCREMENTAL and f"{scope}/{PUBLISHED}" in kept
            if stale or not covered:
                due.append(Partition(scope, (scope,), kept, Mode.INCREMENTAL if covered else Mode.FULL))
        if self._reporting.access() is Access.REFUSED if due else self._lacks_reports(scopes, state):
            due.append(Partition(REFUSED_PARTITION, tuple(scopes), {}, Mode.INCREMENTAL))
        return due

    def read(self, partition: Partition) -> Iterator[Page]:
        if partition.name == REFUSED_PARTITION:
            yield Page(notices=(REFUSED,))
            return
        project = partition.name
        known = {} if partition.mode is Mode.FULL else partition.state
        listed = self._listed.get(project)
        if listed is not None and (listed.project_type or 0) not in READABLE:
            raise ScopeError(project, f"The project {listed.name or project} is a template or of another type now that is not read")
        # A list may miss a project that was renamed while it was read.
        when = listed.last_published_date or "" if listed else self._reader.published(project)
        if when is None:
            raise lost(project)
        if self._is_stale(project, PUBLISHED, known.get(f"{project}/{PUBLISHED}"), when):
            whole = self._reader.whole(project)
            if whole is None:
                yield Page(notices=("A project was published again each time that it was read; the next poll reads it anew.",))
                return
            when = whole.published
            read = when if self._reports() else f"{UNREAD}{when}"
            yield from _pages("project", project, whole.payloads, whole.rejected, {f"{project}/{PUBLISHED}": read})
        if self._reporting.access() is Access.THERE:
            for kind in self._sets:
                if known.get(f"{project}/{kind}") != when:
                    yield from self._set(project, kind, {f"{project}/{kind}": when})

    def fetch(self, refs: Iterable[Ref]) -> Iterator[Page]:
        """Each member of a group as its whole group; what belongs to no project that is there is absent."""
        wanted: dict[tuple[str, str], list[Ref]] = defaultdict(list)
        for ref in refs:
            project = guid(ref.external_id.partition("/")[0]) or ""
            wanted[project, ref.kind if ref.kind in ALL_SETS else "project"].append(ref)
        for (project, group), asked in wanted.items():
            if not project or self._reader.published(project) is None:
                yield Page(gone=[Gone(ref, Reason.ABSENT) for ref in asked])
            elif group == "project":
                whole = self._reader.whole(project)
                if whole is not None:
                    yield from _pages("project", project, whole.payloads, whole.rejected, {})
            elif group in self._sets and self._reporting.access() is Access.THERE:
                yield from self._set(project, group, {})

    def census(self, scopes: Sequence[str]) -> Iterator[Listing]:
        return iter(())

    def _set(self, project: str, kind: str, state: Patch) -> Iterator[Page]:
        """The pages of one set of ProjectData; of one that we may not read, only a word about it."""
        try:
            of = self._sets[kind]
            payloads, rejected = time_phased.rows(self._client, project, of) if kind in BY_DAY else self._reporting.rows(project, of)
        except TooMuch as error:
            yield Page(state=state, notices=(f"Work and cost by day of the project {project} are left out: {error}.",))
            return
        except Refused as refusal:
            name = of.name
            told = f"Project Server does not let this account read {name} ({refusal.status}); what was read of it stays as it was."
            yield Page(state={key: f"{UNREAD}{when}" for key, when in state.items()}, notices=(told,))
            return
        yield from _pages(kind, project, payloads, rejected, state)

    def _list(self) -> dict[str, wire.Listed]:
        """The site's projects by id, as they are now."""
        listed = {id: project for project in self._client.projects() if (id := guid(project.id))}
        with self._lock:
            self._listed = listed
        return listed

    def _is_lost(self, scope: str, listed: Mapping[str, wire.Listed]) -> bool:
        """Whether the project is missing, or no longer one that is read; reading it tells which, and why."""
        project = listed.get(scope)
        return project is None or (project.project_type or 0) not in READABLE

    def _is_stale(self, scope: str, kind: str, kept: str | None, published: str) -> bool:
        """Whether that part of the project has to be read; what was refused, or read without its report, only once that is there."""
        if kept == published:
            return False
        if kept != f"{UNREAD}{published}":
            return kind == PUBLISHED or self._reports()
        return self._reports() and (kind == PUBLISHED or self._reporting.may_read(scope, self._sets[kind]))

    def _reports(self) -> bool:
        return self._reporting.access() is Access.THERE

    def _lacks_reports(self, scopes: Sequence[str], state: State) -> bool:
        """Whether there is something to tell about reports that are refused, where nothing is due."""
        lacking = any(f"{scope}/{kind}" not in state for scope in scopes for kind in self._sets)
        return lacking and self._reporting.access() is Access.REFUSED

    def _custom_keys(self, entity: str) -> tuple[str, ...]:
        with self._lock:
            if self._keys is None:
                self._keys = reference.custom_keys(self._client)
            return self._keys[entity]

    def _keys_of(self, scope: str) -> dict[str, str]:
        """The state keys of a project, each with what it is the date of."""
        return {f"{scope}/{kind}": kind for kind in (PUBLISHED, *self._sets)}


def _pages(group: str, project: str, payloads: Sequence[Payload], rejected: Sequence[Rejected], state: Patch) -> Iterator[Page]:
    """The group in pages of a bounded size; what is true once it is whole comes with the last."""
    ref = Ref(group, project)
    last = max(0, len(payloads) - 1) // PAYLOADS_A_PAGE
    for n in range(last + 1):
        some = payloads[n * PAYLOADS_A_PAGE : (n + 1) * PAYLOADS_A_PAGE]
        if n < last:
            yield Page(some, group=Group(ref))
        else:
            yield Page(some, rejected=rejected, state=state, group=Group(ref, last=True))
