"""The Jira connector: the plugin, and the source that it opens for a site of Jira Cloud (`data_center` has the other)."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from hashlib import blake2b
from typing import Any, ClassVar, Protocol
from urllib.parse import urlsplit

from pydantic import BaseModel

from pmo_hub.sdk.config_fields import expiry
from pmo_hub.sdk.contract import (
    CONTRACT_VERSION,
    Capability,
    Context,
    Gone,
    Listing,
    Mapper,
    Mode,
    Named,
    Page,
    Partition,
    Patch,
    RateLimit,
    Reason,
    Ref,
    Reference,
    Rejected,
    RuleFault,
    Scope,
    State,
    Word,
)
from pmo_hub.sdk.errors import ConfigError, ScopeError
from pmo_hub_jira import agile, jql, mapping, releases, ruling, worklogs
from pmo_hub_jira.agile_fetching import fetch_agile
from pmo_hub_jira.census import list_issues
from pmo_hub_jira.client import IDS_A_FETCH, JiraClient, Refused
from pmo_hub_jira.config import JiraConfig
from pmo_hub_jira.hooks import JiraHooks
from pmo_hub_jira.naming import named_issue
from pmo_hub_jira.oauth import Atlassian, JiraAuthorize
from pmo_hub_jira.reading import Reader, Task, read_comments, read_histories, resumed
from pmo_hub_jira.reference import custom_fields, default_fields, read_site, scope_reference
from pmo_hub_jira.rules import parse
from pmo_hub_jira.signing_in import Entry, signed_in
from pmo_hub_jira.splitting import split_issues
from pmo_hub_jira.ways import Deployment
from pmo_hub_jira.worklogs import read_worklogs

QUIET_MS = 3_600_000
"""A poll that found nothing leaves a mark younger than this where it is, so that it writes nothing."""


class JiraConnector:
    """Reads issues, their history, comments, boards and sprints of chosen projects."""

    name: ClassVar[str] = "jira"
    title: ClassVar[str] = "Jira"
    contract: ClassVar[int] = CONTRACT_VERSION
    capabilities: ClassVar[frozenset[Capability]] = frozenset(
        {Capability.INCREMENTAL, Capability.CENSUS, Capability.QUERY, Capability.AUTHORIZE, Capability.HOOKS}
    )
    # Jira bears some 100 requests a second at each endpoint, and says so when it has had enough. Eight at a time never come near that
    # where an answer takes its usual tenths of a second; so the limit is an average, and a first sync is not held up by a second's share.
    rate_limit: ClassVar[RateLimit] = RateLimit(requests=1_000, per_s=10.0, concurrency=8)
    census_kinds: ClassVar[tuple[str, ...]] = ("issue",)
    Config: ClassVar[type[BaseModel]] = JiraConfig
    hooks: ClassVar[JiraHooks] = JiraHooks()

    def __init__(self, atlassian: Atlassian | None = None) -> None:
        self._atlassian = atlassian or Atlassian()
        self.authorize = JiraAuthorize(self._atlassian)

    @contextmanager
    def open(self, config: JiraConfig, context: Context) -> Iterator[JiraSource]:
        with signed_in(config, context, self._atlassian) as entry:
            if config.deployment is Deployment.DATA_CENTER:
                from pmo_hub_jira.data_center import DataCenterSource
                from pmo_hub_jira.data_center_client import DataCenterClient

                yield DataCenterSource(config, context, DataCenterClient(entry.http, config.concurrency))
            else:
                yield JiraSource(config, context, JiraClient(entry.http, config.concurrency), entry)

    def mapper(self, references: Sequence[Reference], rules: Mapping[str, str]) -> Mapper:
        return mapping.mapper(references, rules)

    def rules_schema(self) -> Mapping[str, Any]:
        return ruling.SCHEMA

    def check_rules(self, references: Sequence[Reference], rules: Mapping[str, str]) -> Sequence[RuleFault]:
        return ruling.check(references, rules)

    def words(self, references: Sequence[Reference], rules: Mapping[str, str]) -> Sequence[Word]:
        return ruling.words(references, rules)

    def unread_fields(self, references: Sequence[Reference], rules: Mapping[str, str]) -> Sequence[str]:
        return ruling.unread_fields(references, rules)


class Reading(Protocol):
    """What reads a partition of issues."""

    @property
    def is_at_the_start(self) -> bool: ...
    def pages(self) -> Iterator[Page]: ...


class JiraSource:
    """A site of Jira Cloud, as the connection's account sees it."""

    def __init__(self, config: JiraConfig, context: Context, client: JiraClient, entry: Entry | None = None) -> None:
        self._entry = entry
        self._config = config
        self._context = context
        self._client = client
        self._boards = agile.Boards(client)
        self._fields: tuple[str, ...] | None = None
        self._lock = threading.Lock()

    def check(self) -> str:
        """Signed in first and always: much of Jira answers a bad credential as it answers anybody, with nothing."""
        host = urlsplit(self._config.url).hostname
        try:
            me = self._client.library().myself()
        except Refused as refusal:
            raise ConfigError(
                f"{host} does not answer as Jira Cloud does; check the URL of the connection, and set sign_in to personal_access_token "
                f"for a Data Center server ({refusal})"
            ) from None
        return f"Signed in to {host} as {me.get('displayName') or self._config.email}, whose permissions decide what is seen."

    def namespace(self) -> str:
        """The site's cloud id, under whichever address and account it is reached."""
        cloud_id = (self._entry.cloud_id if self._entry else None) or self._config.gateway_id or self._client.cloud_id()
        if cloud_id:
            return cloud_id
        base = urlsplit(str(self._client.library().server_info().get("baseUrl") or self._config.url))
        return f"{base.scheme}://{base.netloc}{base.path}".lower().rstrip("/")

    def credential_expires_at(self) -> datetime | None:
        """When somebody has to renew the credential: as the admin said, or as Atlassian's rules for refresh tokens have it."""
        if self._entry is not None and self._entry.grant is not None:
            return self._entry.grant.expires_at()
        return expiry(self._config.expires_on)

    def scopes(self) -> Iterator[Scope]:
        site = str(self._client.library().server_info().get("baseUrl") or self._config.url).rstrip("/")
        for project in self._client.projects(expand="insight"):
            count = project.insight.total_issue_count if project.insight else None
            url = f"{site}/browse/{project.key}" if project.key else None
            yield Scope(project.id, project.name or project.key or project.id, "project", count, url)

    def reference(self, scopes: Sequence[str]) -> Iterator[Reference]:
        yield read_site(self._client, agile=self._boards.tell_sprints(scopes), extra=self._extra_fields())
        estimations = self._boards.estimations(scopes)
        for project in scopes:
            yield scope_reference(project, estimations.get(project))

    def partitions(self, scopes: Sequence[str], state: State, mode: Mode) -> Sequence[Partition]:
        """Worklogs of the site, a back-fill for each project that the state does not cover, one query over up to 200 others, the boards."""
        if not scopes:
            return []  # of a connection that somebody has just signed in for
        covered = [scope for scope in scopes if mode is Mode.INCREMENTAL and state.get(_mark(scope))]
        # First of all, so that a first mark is older than every issue that is read.
        partitions = [worklogs.partition(scopes, _kept(state, *map(_mark, covered), *worklogs.STATE))]
        partitions += [
            Partition(scope, (scope,), _kept(state, _mark(scope), _progress(scope)), Mode.FULL)
            for scope in sorted(set(scopes) - set(covered), key=lambda scope: (len(scope), scope))
        ]
        for chunk in jql.chunks(covered):
            name = f"updates/{blake2b(','.join(chunk).encode(), digest_size=8).hexdigest()}"
            partitions.append(Partition(name, chunk, _kept(state, *map(_mark, chunk), _progress(name)), Mode.INCREMENTAL))
        last, now = agile.known(state.get(agile.READ)), self._context.now()
        boards = _kept(state, *map(agile.held_key, scopes))
        if len(covered) < len(scopes):
            # A project that is read from its start, for the first time or chosen again, has no boards yet: all of them are read anew.
            # They come early: their many small answers arrive while issues are written, instead of after the last.
            partitions.insert(2, Partition(agile.PARTITION, tuple(scopes), boards, mode))
        elif last is None or agile.is_due(last, scopes, now) or agile.due_sprints(last, now):
            partitions.append(Partition(agile.PARTITION, tuple(scopes), {**boards, **_kept(state, agile.READ)}, mode))
        plans = releases.partition(covered, _kept(state, releases.READ), mode, now)
        return [*partitions, plans] if plans else partitions

    def read(self, partition: Partition) -> Iterator[Page]:
        if partition.name == worklogs.PARTITION:
            yield from worklogs.read_changes(self._client, partition, self._config.overlap_minutes * jql.MINUTE_MS)
            return
        if partition.name == releases.PARTITION:
            yield from releases.read_releases(self._client, partition, self._context.now())
            return
        if partition.name == agile.PARTITION:
            yield from agile.read_agile(self._client, self._boards, partition, self._context.now())
            return
        reader = self._back_fill(partition) if partition.mode is Mode.FULL else self._updates(partition)
        if partition.mode is Mode.FULL and reader.is_at_the_start:
            yield from releases.read_project(self._client, partition.scopes[0])
        with self._blaming(partition.scopes):
            yield from reader.pages()

    def fetch(self, refs: Iterable[Ref]) -> Iterator[Page]:
        """Issues by id, a hundred at a time, with all that is part of them, worklogs, boards and sprints; what is not shown is absent."""
        wanted = list(refs)
        yield from self._fetch_others(wanted)
        ids = list(dict.fromkeys(id for ref in wanted if (id := _issue(ref))))
        for start in range(0, len(ids), IDS_A_FETCH):
            asked = ids[start : start + IDS_A_FETCH]
            answer = self._client.issues(asked, self._asked())
            split = split_issues(answer.issues or ())
            failed = {error.id: error.error_message or "" for error in answer.issue_errors or () if error.id}
            there = {*split.ids, *failed, *(rejected.ref.external_id for rejected in split.rejected if rejected.ref)}
            # An unreadable issue without even an id might be any of them: then none is said to be gone.
            lost = [] if any(rejected.ref is None for rejected in split.rejected) else [id for id in asked if id not in there]
            gone = [*split.stale_comments(), *(Gone(Ref("issue", id), Reason.ABSENT) for id in lost)]
            unread = [Rejected(Ref("issue", id), None, b"", f"Jira could not return the issue: {why}") for id, why in failed.items()]
            logged, illegible = read_worklogs(self._client, split)
            payloads = [*split.payloads, *read_comments(self._client, split), *logged]
            yield Page(payloads, gone=gone, rejected=[*split.rejected, *unread, *illegible])
            if self._config.history and split.ids:
                for histories, rejected, _ in read_histories(self._client, split.ids):
                    yield Page(histories, rejected=rejected)

    def named(self, text: str) -> Named | None:
        """The issue of that key or id; a key that it had before it moved finds it, too."""
        return named_issue(self._client, text)

    def _fetch_others(self, wanted: Sequence[Ref]) -> Iterator[Page]:
        """What is not an issue, nor a part of one that comes with it."""
        yield from fetch_agile(self._client, self._boards, wanted)
        yield from worklogs.fetch_worklogs(self._client, [ref.external_id for ref in wanted if ref.kind == "worklog"])
        for ref in wanted:
            if ref.kind == "releases":
                yield from releases.read_project(self._client, ref.external_id)

    def census(self, scopes: Sequence[str]) -> Iterator[Listing]:
        for chunk in jql.chunks(scopes):
            with self._blaming(chunk):
                yield from list_issues(self._client, jql.of_projects(chunk), chunk)

    def select(self, scope: str, query: str) -> Iterator[Listing]:
        """Ids of the project's issues that a JQL expression selects; ConfigError with Jira's own sentence where it refuses that."""
        yield from list_issues(self._client, jql.narrowed(jql.of_projects([scope]), query), (scope,))

    def _back_fill(self, partition: Partition) -> Reading:
        (scope,) = partition.scopes
        progress = resumed(partition.state.get(_progress(scope)))
        mark = int(partition.state.get(_mark(scope)) or 0)
        if progress is not None and progress.t0 < mark:
            progress = None  # left behind by a full read that polls have since overtaken

        def done(t0: int, _count: int) -> Patch:
            return {_mark(scope): str(t0)}

        where = jql.of_projects(partition.scopes)
        return Reader(self._client, self._task(where, scope, done, drops_comments=False), progress)

    def _updates(self, partition: Partition) -> Reading:
        oldest = min(int(partition.state.get(_mark(scope)) or 0) for scope in partition.scopes)
        where = jql.updated_since(jql.of_projects(partition.scopes), oldest - self._config.overlap_minutes * jql.MINUTE_MS)

        def done(t0: int, count: int) -> Patch | None:
            if count == 0 and t0 - oldest < QUIET_MS:
                return None
            return {_mark(scope): str(t0) for scope in partition.scopes}

        progress = resumed(partition.state.get(_progress(partition.name)))
        if progress is not None and progress.t0 < oldest:
            progress = None  # all of its scopes have been read since
        return Reader(self._client, self._task(where, partition.name, done, drops_comments=True), progress)

    def _task(self, where: str, name: str, done: Callable[[int, int], Patch | None], *, drops_comments: bool) -> Task:
        return Task(where, _progress(name), self._asked(), self._config.history, done, drops_comments)

    def _asked(self) -> tuple[str, ...]:
        """The fields of every request for issues, by the site's fields of now."""
        with self._lock:
            if self._fields is None:
                self._fields = default_fields(custom_fields(self._client.library().fields(), self._extra_fields()))
            return self._fields

    def _extra_fields(self) -> frozenset[str]:
        """Fields that are asked for because an admin's rule names them."""
        return parse(self._context.rules).extra_fields

    @contextmanager
    def _blaming(self, scopes: Sequence[str]) -> Iterator[None]:
        """A refusal of a query becomes a ScopeError where a project that it names is gone; Jira's words about it are localised."""
        try:
            yield
        except Refused as refusal:
            if refusal.status not in (400, 404):
                raise
            there = {project.id for project in self._client.projects(list(scopes))}
            lost = next((scope for scope in scopes if scope not in there), None)
            if lost is None:
                raise
            raise ScopeError(
                lost, f"project {lost} is no longer there, or the account may no longer browse it; restore the permission or remove it"
            ) from None


def _mark(scope: str) -> str:
    return f"{scope}/watermark_ms"


def _progress(name: str) -> str:
    return f"{name}/page"


def _kept(state: State, *keys: str) -> State:
    return {key: state[key] for key in keys if key in state}


def _issue(ref: Ref) -> str | None:
    """The issue that an object belongs to; None for boards and sprints."""
    if ref.kind == "history":
        return ref.external_id.partition(":")[0]
    return ref.external_id if ref.kind in ("issue", "comments") else None
