"""The connector to Planner Premium and Project for the web: the plugin, and the source that it opens for an environment."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import ClassVar
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
    Page,
    Partition,
    RateLimit,
    Reason,
    Ref,
    Reference,
    Scope,
    State,
)
from pmo_hub.sdk.entra import signed_in
from pmo_hub.sdk.errors import ConfigError
from pmo_hub_dataverse import mapping
from pmo_hub_dataverse.census import COUNTED, list_rows
from pmo_hub_dataverse.client import DataverseClient, Forbidden, Refused
from pmo_hub_dataverse.config import DataverseConfig
from pmo_hub_dataverse.missing import coverage_of, missed, shown_projects
from pmo_hub_dataverse.reading import Reader
from pmo_hub_dataverse.reference import read_reference
from pmo_hub_dataverse.rows import lowered, split
from pmo_hub_dataverse.schema import Schema, discover
from pmo_hub_dataverse.tables import BY_KIND, ENSEMBLES, PROJECTS, TASKS, WORK, Table

IDS_A_FETCH = 400


class DataverseConnector:
    """Reads plans with their tasks, links, assignments and baselines of chosen projects."""

    name: ClassVar[str] = "dataverse"
    title: ClassVar[str] = "Planner Premium (Dataverse)"
    contract: ClassVar[int] = CONTRACT_VERSION
    capabilities: ClassVar[frozenset[Capability]] = frozenset({Capability.INCREMENTAL, Capability.CENSUS})
    # Dataverse allows a user 6,000 requests in five minutes and 52 at a time on each of its servers; others may use the account too.
    rate_limit: ClassVar[RateLimit] = RateLimit(requests=5_000, per_s=300.0, concurrency=8)
    census_kinds: ClassVar[tuple[str, ...]] = tuple(table.kind for table in COUNTED)
    Config: ClassVar[type[BaseModel]] = DataverseConfig

    @contextmanager
    def open(self, config: DataverseConfig, context: Context) -> Iterator[DataverseSource]:
        with signed_in(
            context, config.url, config.verify, config.authority, config.tenant_id, config.client_id, config.client_secret
        ) as http:
            yield DataverseSource(config, context, DataverseClient(http))

    def mapper(self, references: Sequence[Reference], rules: Mapping[str, str]) -> Mapper:
        return mapping.mapper(references, rules)


class DataverseSource:
    """An environment, as the application user sees it."""

    def __init__(self, config: DataverseConfig, context: Context, client: DataverseClient) -> None:
        self._config = config
        self._context = context
        self._client = client
        self._lock = threading.Lock()
        self._schema: Schema | None = None

    def check(self) -> str:
        host = urlsplit(self._config.url).hostname
        try:
            me = self._client.object("WhoAmI")
        except Refused as refusal:
            raise ConfigError(f"{host} does not answer as Dataverse does; check the environment URL ({refusal})") from None
        self._known()
        user = lowered(me.get("UserId")) or ""
        try:
            name = self._client.object(f"systemusers({user})?$select=fullname").get("fullname")
        except (Forbidden, Refused):
            name = None
        page = self._client.page(self._client.whole(PROJECTS.set, (PROJECTS.key,)))
        count = f"{len(page.rows)}{' or more' if page.next else ''}"
        return f"Signed in to {host} as the application user {name or user}, who sees {count} projects."

    def namespace(self) -> str:
        """The organisation's id, under whichever address and application it is reached."""
        organisation = lowered(self._client.object("WhoAmI").get("OrganizationId"))
        return organisation or str(urlsplit(self._config.url).netloc)

    def credential_expires_at(self) -> datetime | None:
        return expiry(self._config.expires_on)

    def scopes(self) -> Iterator[Scope]:
        schema = self._known()
        select = [c for c in (PROJECTS.key, "msdyn_subject", "statecode") if c in schema.of(PROJECTS).select]
        for page in self._client.pages(self._client.whole(PROJECTS.set, select)):
            for row in page.rows:
                id = lowered(row.get(PROJECTS.key))
                if id is not None:
                    name = str(row.get("msdyn_subject") or id)
                    url = f"{self._config.url}/main.aspx?pagetype=entityrecord&etn={PROJECTS.name}&id={id}"
                    yield Scope(id, name, "plan", None, url)

    def reference(self, scopes: Sequence[str]) -> Iterator[Reference]:
        yield from read_reference(self._client, self._known(), self._config, scopes)

    def partitions(self, scopes: Sequence[str], state: State, mode: Mode) -> Sequence[Partition]:
        """One an ensemble of tables, and one for each project that is not there: its rows would just fall silent."""
        if not scopes:
            return []
        there = shown_projects(self._client)
        readable = tuple(scope for scope in scopes if scope in there)
        found = []
        for scope in scopes:
            if scope not in there:
                covered = {key: state[key] for key in coverage_of(scope) if key in state}
                found.append(Partition(scope, (scope,), covered, mode))
        for ensemble in ENSEMBLES if readable else ():
            own = {f"{scope}/{ensemble.name}" for scope in readable}
            kept = {key: value for key, value in state.items() if key.startswith(f"{ensemble.name}/") or key in own}
            found.append(Partition(ensemble.name, readable, kept, mode))
        return found

    def read(self, partition: Partition) -> Iterator[Page]:
        ensemble = next((ensemble for ensemble in ENSEMBLES if ensemble.name == partition.name), None)
        if ensemble is None:
            yield from missed(partition)
            return
        yield from Reader(self._client, self._known(), ensemble, partition, self._context.now()).pages()

    def fetch(self, refs: Iterable[Ref]) -> Iterator[Page]:
        """Rows by id; a task with its parts. What is not shown is absent."""
        wanted: dict[str, list[str]] = {}
        for ref in refs:
            wanted.setdefault(ref.kind, []).append(ref.external_id)
        for kind, ids in wanted.items():
            table = BY_KIND.get(kind)
            known = list(dict.fromkeys(id for id in ids if lowered(id)))
            strange = [Gone(Ref(kind, id), Reason.ABSENT) for id in ids if not lowered(id)]
            if strange:
                yield Page(gone=strange)
            if table is None or not self._known().has(table):
                continue  # whether it is there can't be told
            for start in range(0, len(known), IDS_A_FETCH):
                yield self._fetched(table, known[start : start + IDS_A_FETCH])

    def census(self, scopes: Sequence[str]) -> Iterator[Listing]:
        yield from list_rows(self._client, self._known(), scopes)

    def _fetched(self, table: Table, ids: Sequence[str]) -> Page:
        schema = self._known()
        rows = list(self._client.by_values(table.set, schema.of(table).select, table.key, ids))
        if table is TASKS:
            reader = Reader(self._client, schema, WORK, Partition(WORK.name, (), {}, Mode.FULL), self._context.now())
            found = reader.with_parts(rows, keeps_others=True)
        else:
            found = split(schema, table, rows, frozenset(), keeps_others=True)
        there = {lowered(row.get(table.key)) for row in rows}
        gone = [Gone(Ref(table.kind, id), Reason.ABSENT) for id in ids if id.lower() not in there]
        return Page(found.payloads, gone=gone, rejected=found.rejected)

    def _known(self) -> Schema:
        with self._lock:
            if self._schema is None:
                self._schema = discover(self._client)
            return self._schema
