"""The connector to Planner: the plugin, and the source that it opens for a tenant."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from hashlib import blake2b
from typing import ClassVar
from urllib.parse import urlsplit

import msgspec
from pydantic import BaseModel

from pmo_hub.sdk.config_fields import expiry
from pmo_hub.sdk.contract import (
    CONTRACT_VERSION,
    LISTING_IDS,
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
from pmo_hub.sdk.errors import ScopeError, TransientError
from pmo_hub_planner import mapping
from pmo_hub_planner.client import A_BATCH, V1, Forbidden, GraphClient
from pmo_hub_planner.config import PlannerConfig
from pmo_hub_planner.mapping import Site, Words
from pmo_hub_planner.reading import DELTA, PLANS_A_PARTITION, Reader

GROUPS = f"{V1}/groups?$filter=groupTypes/any(c:c%20eq%20'Unified')&$select=id,displayName"


class PlannerConnector:
    """Reads chosen plans with their buckets, tasks, checklists and who works on them."""

    name: ClassVar[str] = "planner"
    title: ClassVar[str] = "Microsoft Planner"
    contract: ClassVar[int] = CONTRACT_VERSION
    capabilities: ClassVar[frozenset[Capability]] = frozenset({Capability.INCREMENTAL, Capability.CENSUS})
    # Planner's own limits are not published, Graph's are far above; it says so when it has had enough.
    rate_limit: ClassVar[RateLimit] = RateLimit(requests=500, per_s=10.0, concurrency=4)
    census_kinds: ClassVar[tuple[str, ...]] = ("task",)
    Config: ClassVar[type[BaseModel]] = PlannerConfig

    @contextmanager
    def open(self, config: PlannerConfig, context: Context) -> Iterator[PlannerSource]:
        with signed_in(
            context, config.graph, config.verify, config.authority, config.tenant_id, config.client_id, config.client_secret
        ) as http:
            yield PlannerSource(config, context, GraphClient(http))

    def mapper(self, references: Sequence[Reference], rules: Mapping[str, str]) -> Mapper:
        return mapping.mapper(references, rules)


class PlannerSource:
    """A tenant's plans, as the application sees them."""

    def __init__(self, config: PlannerConfig, context: Context, client: GraphClient) -> None:
        self._config = config
        self._context = context
        self._client = client

    def check(self) -> str:
        """Of the first groups only: a large tenant has thousands."""
        groups = self._client.get(f"{GROUPS}&$top={A_BATCH}").get("value") or []
        parts = self._client.batch([f"{V1}/groups/{group['id']}/planner/plans" for group in groups])
        plans = sum(len(part.body.get("value") or ()) for part in parts if part.status < 300)
        closed = sum(1 for part in parts if part.status == 403)
        if closed and closed == len(parts):
            raise Forbidden("the application may not read the plans of any group (403): grant it Tasks.Read.All with an admin's consent")
        told = f"; {closed} of them may not be read" if closed else ""
        host = urlsplit(self._config.graph).hostname
        return f"Signed in to {host} as application {self._config.client_id}: {plans} plans in the first {len(parts)} groups{told}."

    def namespace(self) -> str:
        """Ids of Planner are unique everywhere."""
        return "planner"

    def credential_expires_at(self) -> datetime | None:
        return expiry(self._config.expires_on)

    def scopes(self) -> Iterator[Scope]:
        """The plans of every group that may be read, and those that the admin named."""
        seen: set[str] = set()
        for groups in self._client.pages(GROUPS):
            parts = self._client.batch([f"{V1}/groups/{group['id']}/planner/plans" for group in groups])
            for group, part in zip(groups, parts, strict=True):
                if part.status >= 300:
                    continue  # a group without Planner, or one that is closed to the application
                for plans in self._client.rest(part.body):
                    for plan in plans:
                        if plan.get("id") and plan["id"] not in seen:
                            seen.add(plan["id"])
                            title = str(plan.get("title") or plan["id"])
                            where = group.get("displayName")
                            yield _scope(plan["id"], f"{title} ({where})" if where and where != title else title)
        further = [id for id in self._config.further if id not in seen]
        for id, part in zip(further, self._client.batch([f"{V1}/planner/plans/{id}" for id in further]), strict=True):
            if part.status < 300:
                yield _scope(id, str(part.body.get("title") or id))

    def reference(self, scopes: Sequence[str]) -> Iterator[Reference]:
        """The words of each plan; of one that is gone none, which its own reading tells."""
        yield Reference(None, msgspec.json.encode(Site(self._config.time_zone), order="deterministic"))
        paths = [f"{V1}/planner/plans/{plan}/{what}" for plan in scopes for what in ("details", "buckets")]
        parts = self._client.batch(paths)
        for n, plan in enumerate(scopes):
            details, buckets = parts[2 * n], parts[2 * n + 1]
            told = details.body.get("categoryDescriptions") if details.status < 300 else None
            words = Words({name: str(text) for name, text in (told or {}).items() if text and "@" not in name})
            if buckets.status < 300:
                for values in self._client.rest(buckets.body):
                    words.buckets.update({str(bucket["id"]): str(bucket["name"]) for bucket in values if bucket.get("name")})
            yield Reference(plan, msgspec.json.encode(words, order="deterministic"))

    def partitions(self, scopes: Sequence[str], state: State, mode: Mode) -> Sequence[Partition]:
        """Twenty plans each, as many as a batch asks for; all in one where changes are asked for first."""
        if not scopes:
            return []
        ordered = sorted(scopes)
        if self._config.delta:
            own = tuple(f"{name}/" for name in (DELTA, *ordered))
            return [Partition(DELTA, tuple(ordered), {k: v for k, v in state.items() if k.startswith(own)}, mode)]
        found = []
        for start in range(0, len(ordered), PLANS_A_PARTITION):
            chunk = tuple(ordered[start : start + PLANS_A_PARTITION])
            name = f"{DELTA}/{blake2b(','.join(chunk).encode(), digest_size=8).hexdigest()}"
            kept = {f"{plan}/{what}": "" for plan in chunk for what in ("tasks", "board", "board_at")}
            found.append(Partition(name, chunk, {key: state[key] for key in kept if key in state}, mode))
        return found

    def read(self, partition: Partition) -> Iterator[Page]:
        if partition.mode is Mode.FULL:
            yield from self._closed_groups()
        yield from self._reader().pages(partition, delta=self._config.delta)

    def fetch(self, refs: Iterable[Ref]) -> Iterator[Page]:
        """A plan is a group: whatever of it is asked for, it comes whole. What is not shown is absent."""
        plans: dict[str, None] = {}
        gone = []
        wanted = list(refs)
        tasks = [ref for ref in wanted if ref.kind == "task"]
        for ref, part in zip(tasks, self._client.batch([f"{V1}/planner/tasks/{ref.external_id}" for ref in tasks]), strict=True):
            if part.status in (400, 403, 404):
                gone.append(Gone(ref, Reason.NO_ACCESS if part.status == 403 else Reason.ABSENT))
            elif part.status < 300 and part.body.get("planId"):
                plans[str(part.body["planId"])] = None
        boards = [ref for ref in wanted if ref.kind == "board"]
        for ref, part in zip(boards, self._client.batch([f"{V1}/planner/plans/{ref.external_id}" for ref in boards]), strict=True):
            if part.status in (400, 403, 404):
                gone.append(Gone(ref, Reason.NO_ACCESS if part.status == 403 else Reason.ABSENT))
            else:
                plans[ref.external_id] = None
        if gone:
            yield Page(gone=gone)
        reader = self._reader()
        for plan in plans:
            try:
                (tasks_of,), (board,) = reader.tasks([plan]), reader.boards([plan])
            except ScopeError:
                continue  # gone since
            yield from reader.group(plan, board, tasks_of)

    def census(self, scopes: Sequence[str]) -> Iterator[Listing]:
        for start in range(0, len(scopes), PLANS_A_PARTITION):
            chunk = scopes[start : start + PLANS_A_PARTITION]
            for plan, part in zip(chunk, self._client.batch([f"{V1}/planner/plans/{plan}/tasks" for plan in chunk]), strict=True):
                if part.status in (403, 404):
                    raise ScopeError(plan, f"plan {plan} is no longer there, or no longer readable; restore it or remove it here")
                if part.status >= 300:
                    raise TransientError(f"Graph failed with status {part.status} for plan {plan}")
                ids = [str(task["id"]) for values in self._client.rest(part.body) for task in values if task.get("id")]
                for first in range(0, max(1, len(ids)), LISTING_IDS):
                    yield Listing("task", (plan,), ids[first : first + LISTING_IDS], last=first + LISTING_IDS >= len(ids))

    def _reader(self) -> Reader:
        return Reader(self._client, self._context.now())

    def _closed_groups(self) -> Iterator[Page]:
        """A notice about groups whose plans the application may not read."""
        closed = []
        try:
            for groups in self._client.pages(GROUPS):
                parts = self._client.batch([f"{V1}/groups/{group['id']}/planner/plans" for group in groups])
                closed += [str(g.get("displayName") or g["id"]) for g, p in zip(groups, parts, strict=True) if p.status == 403]
        except Forbidden:
            return  # plans that were named by the admin need no group
        if closed:
            named = ", ".join(sorted(closed)[:5]) + (" and others" if len(closed) > 5 else "")
            yield Page(notices=(f"Plans of {len(closed)} groups may not be read and are left out: {named}.",))


def _scope(plan: str, name: str) -> Scope:
    return Scope(plan, name, "plan", None, f"https://planner.cloud.microsoft/webui/plan/{plan}/view/board")
