"""Three connectors to the made-up planning tool: a delta a table, a project refreshed as a whole, and uploaded files.

None of them knows anything of Jira; what they share is the mapper.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from hashlib import sha256
from typing import Any, ClassVar

from pydantic import BaseModel, Field, SecretStr

from pmo_hub.domain.records import Comment, Dependency, Identity, Label, Record, WorkItem
from pmo_hub.domain.vocabulary import DependencyType, Kind, StatusCategory, Uncounted
from pmo_hub.sdk.contract import (
    CONTRACT_VERSION,
    LISTING_IDS,
    Capability,
    Context,
    Gone,
    Group,
    Listing,
    Mapped,
    Mapper,
    Mode,
    Page,
    Partition,
    Payload,
    RateLimit,
    Reason,
    Ref,
    Reference,
    Rejected,
    Scope,
    Source,
    State,
)
from pmo_hub.sdk.errors import AuthError, ConfigError, RecordError, ScopeError, StateError, TransientError
from tests.sdk.fake_site import FakeSite, Row, encode

TABLES = ("project", "task", "link")
"""Tables that have rows of their own in a delta; steps and notes are parts of a task."""


class FakeConfig(BaseModel):
    address: str = Field(title="Address", description="Where the tool is found.")
    token: SecretStr = Field(title="Token", description="A token of the account that may read.")


class Expired(Exception):
    """The site no longer accepts the delta token."""


class Wire:
    """Asks the site and sorts its failures by who has to act."""

    def __init__(self, site: FakeSite, token: str, context: Context) -> None:
        self.site = site
        self.context = context
        self._token = token

    def get(self, path: str, **query: str) -> Any:
        with self.context.throttle():
            answer = self.site.ask(self._token, path, query)
        match answer.status:
            case 401:
                raise AuthError("The tool refuses the token; create a new one and save it in the connection.")
            case 429:
                raise TransientError("The tool asks to be left alone.", timedelta(seconds=int(answer.headers["retry-after"])))
            case 410:
                raise Expired
            case 404:
                lost = json.loads(answer.body)["missing"]
                raise ScopeError(lost, f"The project {lost} is not there any more, or the account may not see it.")
            case status if status >= 500:
                raise TransientError(f"The tool failed with status {status}.")
        if answer.body.startswith(b"<"):
            raise ConfigError("The address answers with a web page; check it.")
        try:
            return json.loads(answer.body)
        except ValueError:
            raise TransientError("The tool sent only a part of its answer.") from None


class WireSource:
    """What the two faces that speak the wire have in common."""

    def __init__(self, wire: Wire) -> None:
        self.wire = wire

    def check(self) -> str:
        told = self.wire.get("whoami")
        return f"Signed in as {told['name']} at {told['site']}."

    def namespace(self) -> str:
        return str(self.wire.get("whoami")["site"])

    def scopes(self) -> Iterator[Scope]:
        for project in self.wire.get("projects"):
            yield Scope(project["id"], project["name"], "project")

    def reference(self, scopes: Sequence[str]) -> Iterator[Reference]:
        yield Reference(None, encode(self.wire.get("states")))
        for project in self.wire.get("projects"):
            if project["id"] in scopes:
                yield Reference(project["id"], encode({"code": project["code"]}))

    def split(self, table: str, rows: Iterable[Row]) -> tuple[list[Payload], list[Rejected]]:
        """Rows as payloads; what has lost its version can't be split."""
        payloads, rejected = [], []
        for row in rows:
            ref = Ref(table, row["id"])
            if "v" not in row:
                rejected.append(Rejected(ref, None, encode(row), f"The {table} {row['id']} arrived without a version."))
                continue
            part_of = None
            if table == "step":
                part_of = Ref("task", row["task"])
            elif table == "note":
                part_of = Ref(row["on"]["kind"], row["on"]["id"])
            scope = None if part_of is not None else row["id"] if table == "project" else row["project"]
            payloads.append(Payload(ref, scope, encode(row), part_of=part_of, version=f"{row['v']:012d}"))
        return payloads, rejected

    def with_parts(self, tasks: Sequence[Row], since: int = 0) -> tuple[list[Payload], list[Rejected]]:
        """Tasks, each with those of its steps and notes that are newer than `since`."""
        payloads, rejected = self.split("task", tasks)
        if payloads:
            for part in self.wire.get("parts", tasks=",".join(p.ref.external_id for p in payloads), since=str(since)):
                more, refused = self.split(part["table"], [part["row"]])
                payloads += more
                rejected += refused
        return payloads, rejected

    def census(self, scopes: Sequence[str]) -> Iterator[Listing]:
        for table in TABLES:
            ids = self.wire.get(f"ids/{table}", projects=",".join(scopes))
            for start in range(0, max(1, len(ids)), LISTING_IDS):
                yield Listing(table, tuple(scopes), ids[start : start + LISTING_IDS], start + LISTING_IDS >= len(ids))


class DeltaSource(WireSource):
    """A delta a table, over the whole site. State keys: `task/token`, `task/page`, and `<project>/task` for what is covered."""

    def partitions(self, scopes: Sequence[str], state: State, mode: Mode) -> Sequence[Partition]:
        found = []
        for table in TABLES:
            kept = {k: v for k, v in state.items() if k.startswith(f"{table}/") or k in {f"{s}/{table}" for s in scopes}}
            found.append(Partition(table, tuple(scopes), kept, mode))
        return found

    def read(self, partition: Partition) -> Iterator[Page]:
        table, state = partition.name, partition.state
        token = state.get(f"{table}/token")
        is_full = partition.mode is Mode.FULL
        missing = [s for s in partition.scopes if f"{s}/{table}" not in state]
        resumed = json.loads(state.get(f"{table}/page", "null")) or {}
        fill: Row | None = None
        if set(resumed.get("fill", [None])) <= set(partition.scopes) and (resumed["full"] or not is_full):
            fill = resumed
        elif is_full or missing:
            wanted = list(partition.scopes) if is_full else missing
            fill = {"fill": wanted, "after": "", "token": self.wire.get("token"), "full": is_full}
        while fill is not None:
            yield from self._fill(table, fill, token)
            token = fill["token"] if token is None or fill["full"] else token
            missing = [s for s in missing if s not in fill["fill"]]
            fill = {"fill": missing, "after": "", "token": token, "full": False} if missing else None
        if token is None:
            raise StateError(table, f"Nothing says how far {table} was read.")
        yield from self._delta(partition, token)

    def _fill(self, table: str, page: Row, token: str | None) -> Iterator[Page]:
        """Every row of the page's projects, ordered by id; the delta goes on from before the first of them."""
        after: str | None = page["after"]
        while after is not None:
            answer = self.wire.get(f"rows/{table}", projects=",".join(page["fill"]), after=after)
            payloads, rejected = self.with_parts(answer["rows"]) if table == "task" else self.split(table, answer["rows"])
            after = answer["next"]
            patch: dict[str, str | None] = {f"{table}/page": json.dumps({**page, "after": after})}
            if after is None:
                patch = {f"{table}/page": None, **{f"{s}/{table}": "covered" for s in page["fill"]}}
                if token is None or page["full"]:
                    patch[f"{table}/token"] = page["token"]
            yield Page(payloads, patch, rejected=rejected)

    def _delta(self, partition: Partition, token: str) -> Iterator[Page]:
        table = partition.name
        resumed = json.loads(partition.state.get(f"{table}/page", "null")) or {}
        at: Row = resumed if resumed.get("since") == token else {"since": token, "after": "", "until": None}
        since = int(token.partition(".")[2])
        after: str | None = at["after"]
        while after is not None:
            try:
                answer = self.wire.get(f"delta/{table}", since=token, after=after)
            except Expired:
                raise StateError(table, f"The tool no longer knows how far {table} was read.") from None
            until = at["until"] or answer["token"]
            chosen = [r for r in answer["rows"] if r.get("project") in partition.scopes or "project" not in r]
            moved, _ = self.split(table, [r for r in answer["rows"] if r not in chosen])
            payloads, rejected = self.with_parts(chosen, since) if table == "task" else self.split(table, chosen)
            gone = [Gone(Ref(r["kind"], r["id"]), Reason.DELETED) for r in answer["removed"]]
            after = answer["next"]
            at = {"since": token, "after": after, "until": until}
            patch: dict[str, str | None] = {f"{table}/page": json.dumps(at)}
            if after is None:
                patch = {f"{table}/page": None, f"{table}/token": until}
            if not (payloads or moved or gone or rejected) and until == token:
                return
            yield Page([*moved, *payloads], patch, gone, rejected)

    def fetch(self, refs: Iterable[Ref]) -> Iterator[Page]:
        by_table: dict[str, list[str]] = {}
        for ref in refs:
            by_table.setdefault(ref.kind, []).append(ref.external_id)
        for table, ids in by_table.items():
            rows = self.wire.get(f"rows/{table}", ids=",".join(ids))["rows"]
            payloads, rejected = self.with_parts(rows) if table == "task" else self.split(table, rows)
            there = {r["id"] for r in rows}
            yield Page(payloads, gone=[Gone(Ref(table, i), Reason.ABSENT) for i in ids if i not in there], rejected=rejected)


class GroupSource(WireSource):
    """A project is refreshed as a whole when its marker differs. State key: `<project>/marker`."""

    def partitions(self, scopes: Sequence[str], state: State, mode: Mode) -> Sequence[Partition]:
        markers = {p["id"]: p["marker"] for p in self.wire.get("projects")}
        return [
            Partition(s, (s,), {k: v for k, v in state.items() if k == f"{s}/marker"}, mode)
            for s in scopes
            if mode is Mode.FULL or s not in markers or state.get(f"{s}/marker") != markers[s]
        ]

    def read(self, partition: Partition) -> Iterator[Page]:
        yield from self.plan(partition.name, stated=True)

    def plan(self, project: str, stated: bool) -> Iterator[Page]:
        """The pages of one project's group; with `stated` the last one saves its marker."""
        ref, marker, after = Ref("plan", project), "", ""
        while True:
            answer = self.wire.get(f"plan/{project}", after=after)
            marker = marker or answer["marker"]
            payloads, rejected = self.with_parts(answer["rows"])
            if answer["next"] is not None:
                yield Page(payloads, rejected=rejected, group=Group(ref))
                after = answer["next"]
                continue
            more, refused = self.split("link", answer["links"])
            state = {f"{project}/marker": marker} if stated else {}
            yield Page([*payloads, *more], state, rejected=[*rejected, *refused], group=Group(ref, last=True))
            return

    def fetch(self, refs: Iterable[Ref]) -> Iterator[Page]:
        projects: set[str] = set()
        gone = []
        for ref in refs:
            rows = self.wire.get(f"rows/{ref.kind}", ids=ref.external_id)["rows"]
            if not rows:
                gone.append(Gone(ref, Reason.ABSENT))
                continue
            row = rows[0]
            if ref.kind in ("step", "note"):
                continue
            # A row that lost its fields doesn't say whose it is: every project may have it.
            projects.update([row["project"]] if "project" in row else [p["id"] for p in self.wire.get("projects")])
        yield Page(gone=gone)
        for project in sorted(projects):
            yield from self.plan(project, stated=False)

    def census(self, scopes: Sequence[str]) -> Iterator[Listing]:
        yield from (listing for listing in super().census(scopes) if listing.kind != "project")


class UploadSource:
    """Files that users upload, one project each; its id is in the file. State key: `<project>/sha256`."""

    def __init__(self, context: Context) -> None:
        self.context = context

    def check(self) -> str:
        return f"{len(self._files())} projects were uploaded."

    def namespace(self) -> str:
        return "file"

    def scopes(self) -> Iterator[Scope]:
        for guid, (plan, _) in sorted(self._files().items()):
            yield Scope(guid, plan["name"], "plan", len(plan["tasks"]))

    def reference(self, scopes: Sequence[str]) -> Iterator[Reference]:
        yield Reference(None, encode({"1": ["Open", "todo"], "2": ["Doing", "in_progress"], "3": ["Closed", "done"]}))

    def partitions(self, scopes: Sequence[str], state: State, mode: Mode) -> Sequence[Partition]:
        found = []
        for guid, (_, digest) in sorted(self._files().items()):
            key = f"{guid}/sha256"
            if guid in scopes and (mode is Mode.FULL or state.get(key) != digest):
                found.append(Partition(guid, (guid,), {k: v for k, v in state.items() if k == key}, mode))
        return found

    def read(self, partition: Partition) -> Iterator[Page]:
        plan, digest = self._files()[partition.name]
        yield from self._group(plan, {f"{partition.name}/sha256": digest})

    def fetch(self, refs: Iterable[Ref]) -> Iterator[Page]:
        files = self._files()
        wanted = list(refs)
        guids = {r.external_id.partition("/")[0] for r in wanted}
        there = {Ref(k, f"{g}/{row['id']}") for g, (plan, _) in files.items() for k in ("task", "link") for row in plan[f"{k}s"]}
        yield Page(gone=[Gone(r, Reason.DELETED) for r in wanted if r not in there])
        for guid in sorted(guids & files.keys()):
            yield from self._group(files[guid][0], {})

    def census(self, scopes: Sequence[str]) -> Iterator[Listing]:
        yield from ()

    def _group(self, plan: Row, state: Mapping[str, str]) -> Iterator[Page]:
        guid = plan["guid"]
        ref = Ref("file", guid)
        for row in plan["tasks"]:
            yield Page([self._payload("task", guid, row)], group=Group(ref))
        yield Page([self._payload("link", guid, row) for row in plan["links"]], state, group=Group(ref, last=True))

    @staticmethod
    def _payload(kind: str, guid: str, row: Row) -> Payload:
        body = {k: v for k, v in row.items() if k != "v"}
        return Payload(Ref(kind, f"{guid}/{row['id']}"), guid, encode(body), "application/json", context={"guid": guid})

    def _files(self) -> dict[str, tuple[Row, str]]:
        found = {}
        for name in self.context.files.names():
            with self.context.files.open(name) as file:
                content = file.read()
            plan = json.loads(content)
            found[plan["guid"]] = (plan, sha256(content).hexdigest())
        return found


class FakeConnector:
    """The base of the three: the config and the mapper."""

    contract: ClassVar[int] = CONTRACT_VERSION
    rate_limit: ClassVar[RateLimit] = RateLimit(100_000, 1.0, 4)
    Config: ClassVar[type[BaseModel]] = FakeConfig
    name: ClassVar[str]
    title: ClassVar[str]
    capabilities: ClassVar[frozenset[Capability]]
    census_kinds: ClassVar[tuple[str, ...]]

    def __init__(self, site: FakeSite | None = None) -> None:
        self.site = site or FakeSite.sample()

    @contextmanager
    def open(self, config: FakeConfig, context: Context) -> Iterator[Source]:
        yield self.source(Wire(self.site, config.token.get_secret_value(), context))

    def source(self, wire: Wire) -> Source:
        raise NotImplementedError

    def mapper(self, references: Sequence[Reference], rules: Mapping[str, str]) -> Mapper:
        states: dict[str, list[str]] = {}
        code = "?"
        for reference in references:
            if reference.scope is None:
                states = json.loads(reference.body)
            else:
                code = json.loads(reference.body)["code"]

        def map_payload(payload: Payload) -> Mapped:
            try:
                return _MAPPERS[payload.ref.kind](json.loads(payload.body), payload, states, code)
            except (ValueError, KeyError, TypeError) as error:
                raise RecordError(f"The {payload.ref.kind} {payload.ref.external_id} lacks or garbles a field ({error!r}).") from None

        return map_payload


class DeltaConnector(FakeConnector):
    name = "fake_deltas"
    title = "Fake, a delta a table"
    capabilities = frozenset({Capability.INCREMENTAL, Capability.CENSUS})
    census_kinds: ClassVar[tuple[str, ...]] = TABLES

    def source(self, wire: Wire) -> Source:
        return DeltaSource(wire)


class GroupConnector(FakeConnector):
    name = "fake_groups"
    title = "Fake, a project as a whole"
    capabilities = frozenset({Capability.INCREMENTAL, Capability.CENSUS})
    census_kinds: ClassVar[tuple[str, ...]] = ("task", "link")

    def source(self, wire: Wire) -> Source:
        return GroupSource(wire)


class UploadConnector(FakeConnector):
    name = "fake_uploads"
    title = "Fake, uploaded files"
    capabilities = frozenset({Capability.INCREMENTAL, Capability.UPLOAD})
    census_kinds: ClassVar[tuple[str, ...]] = ()

    def source(self, wire: Wire) -> Source:
        return UploadSource(wire.context)


def _project(row: Row, payload: Payload, states: Mapping[str, list[str]], code: str) -> Mapped:
    item = WorkItem(
        row["id"], row["code"], None, row["name"], None, Kind.SUMMARY, "project", StatusCategory.TODO, "", counts=False,
        uncounted=Uncounted.SUMMARY,
    )  # fmt: skip
    return Mapped([item])


def _task(row: Row, payload: Payload, states: Mapping[str, list[str]], code: str) -> Mapped:
    def named(id: str) -> str:
        return f"{payload.context['guid']}/{id}" if "guid" in payload.context else id

    state, category = states[row["state"]]
    owner = row["owner"]
    me = named(row["id"])
    pairs = [(me, named(i)) for i in row["blocks"]] + [(named(i), me) for i in row["blocked_by"]]
    item = WorkItem(
        me, f"{code}:{row['id']}", None, row["title"], None, Kind.TASK, "task", StatusCategory(category), state, row["state"],
        parent=None if row["parent"] is None else named(row["parent"]), assignee=None if owner is None else owner["id"],
        labels=tuple(row["labels"]),
    )  # fmt: skip
    owned: list[Record] = [item, *(Dependency(f"{a}>{b}", a, b) for a, b in pairs)]
    mentioned: list[Record] = [Label(name, name) for name in row["labels"]]
    if owner is not None:
        mentioned.append(Identity(owner["id"], owner["name"]))
    return Mapped(owned, mentioned)


def _link(row: Row, payload: Payload, states: Mapping[str, list[str]], code: str) -> Mapped:
    guid = payload.context.get("guid")
    before, after = (i if guid is None else f"{guid}/{i}" for i in (row["before"], row["after"]))
    return Mapped([Dependency(payload.ref.external_id, before, after, DependencyType(row["type"]))])


def _step(row: Row, payload: Payload, states: Mapping[str, list[str]], code: str) -> Mapped:
    category = StatusCategory.DONE if row["done"] else StatusCategory.TODO
    item = WorkItem(
        row["id"], f"{code}:{row['id']}", None, row["title"], None, Kind.SUB_ITEM, "step", category, category.value,
        parent=row["task"], counts=False, uncounted=Uncounted.SUB_ITEM,
    )  # fmt: skip
    return Mapped([item])


def _note(row: Row, payload: Payload, states: Mapping[str, list[str]], code: str) -> Mapped:
    return Mapped([Comment(row["id"], row["on"]["id"], None, None, None, row["text"])])


_MAPPERS: dict[str, Callable[[Row, Payload, Mapping[str, list[str]], str], Mapped]] = {
    "project": _project,
    "task": _task,
    "link": _link,
    "step": _step,
    "note": _note,
}
