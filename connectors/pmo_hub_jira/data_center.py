"""A Jira Data Center server as a source: what its wire makes different from Cloud; scopes, partitions and boards are the same."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from msgspec import Raw

from pmo_hub.sdk.contract import Context, Gone, Listing, Page, Partition, Patch, Reason, Ref
from pmo_hub.sdk.errors import AuthError, ConfigError
from pmo_hub_jira import jql, zones
from pmo_hub_jira.client import IDS_A_FETCH, Refused
from pmo_hub_jira.config import JiraConfig
from pmo_hub_jira.connector import QUIET_MS, JiraSource, _issue, _mark, _progress
from pmo_hub_jira.data_center_client import DataCenterClient
from pmo_hub_jira.data_center_reading import KeyedReader, KeyedTask, KeyProgress, resumed_by_key, whole_pages
from pmo_hub_jira.instants import instant
from pmo_hub_jira.keyset import Place, sweep
from pmo_hub_jira.reference import custom_fields, default_fields
from pmo_hub_jira.unfolding import Unfolder
from pmo_hub_jira.ways import PersonalAccessToken

IDS_A_PAGE = 1_000
"""What a server gives at most unless its administrator allowed more (jira.search.views.default.max)."""

YEAR_2000_MS = 946_684_800_000


class DataCenterSource(JiraSource):
    """A server, as the connection's account sees it."""

    def __init__(self, config: JiraConfig, context: Context, client: DataCenterClient) -> None:
        super().__init__(config, context, client)
        self._server = client
        self._own_lock = threading.RLock()
        self._unfolder_made: Unfolder | None = None
        self._bound_made: str | ZoneInfo | None = None

    def check(self) -> str:
        host = urlsplit(self._config.url).hostname
        try:
            told = self._client.library().server_info()
            if str(told.get("deploymentType")).casefold() == "cloud":
                raise ConfigError(f"{host} is a site of Jira Cloud; set sign_in to api_token, scoped_token or oauth")
            me = self._client.library().myself()
        except Refused as refusal:
            raise ConfigError(
                f"{host} does not answer as Jira does; check the URL of the connection, with its context path if it has one ({refusal})"
            ) from None
        return f"Signed in to {host} as {me.get('displayName') or me.get('name')}, whose permissions decide what is seen."

    def namespace(self) -> str:
        """The server's own base address, in one spelling, under whichever address it is reached."""
        base = urlsplit(str(self._client.library().server_info().get("baseUrl") or self._config.url))
        port = "" if base.port in (None, {"http": 80, "https": 443}.get(base.scheme)) else f":{base.port}"
        return f"{base.scheme}://{base.hostname}{port}{base.path.rstrip('/')}".lower()

    def credential_expires_at(self) -> datetime | None:
        """As the admin said; else of a personal access token, where the account has just one and so it must be this."""
        told = super().credential_expires_at()
        if told is not None or not isinstance(self._config.way, PersonalAccessToken):
            return told
        try:
            ends = self._server.token_ends()
        except (Refused, AuthError):
            return None  # a server before 8.14, or one that does not tell
        return instant(ends[0]) if len(ends) == 1 else None

    def fetch(self, refs: Iterable[Ref]) -> Iterator[Page]:
        """Issues by id, a hundred at a time; one that a search does not find is asked for by itself before it is called absent."""
        wanted = list(refs)
        yield from self._fetch_others(wanted)
        ids = list(dict.fromkeys(id for ref in wanted if (id := _issue(ref))))
        for start in range(0, len(ids), IDS_A_FETCH):
            asked = ids[start : start + IDS_A_FETCH]
            raws = self._listed([id for id in asked if id.isascii() and id.isdigit()])  # Jira has no other ids
            found = self._unfolder().unfolded(raws)
            rejected = {one.ref.external_id for one in found.split.rejected if one.ref}
            missing = [id for id in asked if id not in {*found.split.ids, *rejected}]
            bodies = {id: self._server.one(id, self._asked(), history=self._config.history) for id in missing}
            late = [Raw(body) for body in bodies.values() if body is not None]
            if late:
                found = self._unfolder().unfolded([*raws, *late])
            gone = [Gone(Ref("issue", id), Reason.ABSENT) for id, body in bodies.items() if body is None]
            yield from whole_pages(self._server, found, [*found.split.stale_comments(), *gone])

    def census(self, scopes: Sequence[str]) -> Iterator[Listing]:
        for chunk in jql.chunks(scopes):
            with self._blaming(chunk):
                yield from self._issue_ids(jql.of_projects(chunk), chunk)

    def select(self, scope: str, query: str) -> Iterator[Listing]:
        yield from self._issue_ids(jql.narrowed(jql.of_projects([scope]), query), (scope,))

    def _issue_ids(self, where: str, scopes: Sequence[str]) -> Iterator[Listing]:
        for page in sweep(self._server, where, ["issuetype"], IDS_A_PAGE, Place()):
            yield Listing("issue", tuple(scopes), page.ids, last=page.last)

    def _listed(self, ids: Sequence[str]) -> list[Raw]:
        """The issues of these ids that a search finds."""
        query = f"id in ({', '.join(ids)})"
        found: list[Raw] = []
        while len(found) < len(ids):
            page = self._server.found(query, self._asked(), len(ids), start=len(found), history=self._config.history, strict=False)
            found += page.issues or ()
            if not page.issues or len(found) >= (page.total or 0):
                break
        return found

    def _back_fill(self, partition: Partition) -> KeyedReader:
        (scope,) = partition.scopes
        progress = resumed_by_key(partition.state.get(_progress(scope)))
        if progress is not None and progress.t0 < int(partition.state.get(_mark(scope)) or 0):
            progress = None  # left behind by a full read that polls have since overtaken

        def done(t0: int, _count: int) -> Patch:
            return {_mark(scope): str(t0)}

        where = jql.of_projects(partition.scopes)
        return self._reader(where, scope, done, drops_comments=False, progress=progress)

    def _updates(self, partition: Partition) -> KeyedReader:
        oldest = min(int(partition.state.get(_mark(scope)) or 0) for scope in partition.scopes)
        where = self._updated_since(jql.of_projects(partition.scopes), oldest - self._config.overlap_minutes * jql.MINUTE_MS)
        progress = resumed_by_key(partition.state.get(_progress(partition.name)))
        if progress is not None and progress.t0 < oldest:
            progress = None  # all of its scopes have been read since

        def done(t0: int, count: int) -> Patch | None:
            if count == 0 and t0 - oldest < QUIET_MS:
                return None
            return {_mark(scope): str(t0) for scope in partition.scopes}

        return self._reader(where, partition.name, done, drops_comments=True, progress=progress)

    def _reader(
        self,
        where: str,
        name: str,
        done: Callable[[int, int], Patch | None],
        *,
        drops_comments: bool,
        progress: KeyProgress | None,
    ) -> KeyedReader:
        task = KeyedTask(where, _progress(name), self._asked(), self._config.history, done, drops_comments)
        return KeyedReader(self._server, self._unfolder(), task, progress)

    def _updated_since(self, where: str, ms: int) -> str:
        """Issues of `where` changed since then, in the spelling that this server is known to understand."""
        bound = self._bound(where)
        if bound == "ms":
            return jql.updated_since(where, ms)
        zone = bound if isinstance(bound, ZoneInfo) else None
        return f"{where} AND updated >= {jql.quoted(zones.wall_clock(max(0, ms), zone))}"

    def _bound(self, where: str) -> str | ZoneInfo:
        """ "ms" where the server takes epoch milliseconds for what they are; else the zone of the account, or "unknown"."""
        with self._own_lock:
            if self._bound_made is None:
                try:
                    takes_ms = self._server.count(jql.updated_since(where, YEAR_2000_MS)) == self._server.count(where)
                except Refused as refusal:
                    if refusal.status != 400:
                        raise
                    takes_ms = False
                self._bound_made = "ms" if takes_ms else zones.zone_of(self._client.library().myself().get("timeZone")) or "unknown"
            return self._bound_made

    def _asked(self) -> tuple[str, ...]:
        """As for Cloud, and the name that an epic has, by which it is known to be one."""
        unfolder = self._unfolder()
        return tuple(
            sorted({*default_fields(custom_fields(unfolder.fields, self._extra_fields())), *((unfolder.name,) if unfolder.name else ())})
        )

    def _unfolder(self) -> Unfolder:
        with self._own_lock:
            if self._unfolder_made is None:
                self._unfolder_made = Unfolder(self._server, self._client.library().fields())
            return self._unfolder_made
