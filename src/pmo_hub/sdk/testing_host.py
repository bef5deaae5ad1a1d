"""What the hub does with a connector's pages, in memory: the contract as a model, so that "the records are equal" needs no database."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from pmo_hub.domain.records import Record
from pmo_hub.sdk.contract import (
    LISTING_IDS,
    STATE_VALUE_BYTES,
    Connector,
    Gone,
    Mapped,
    Mapper,
    Mode,
    Page,
    Partition,
    Payload,
    Reason,
    Ref,
    Reference,
    Source,
)
from pmo_hub.sdk.errors import RecordError, ScopeError, StateError

RecordKey = tuple[str, str]
"""Record type and external id."""


class BrokenRule(AssertionError):
    """The connector broke a rule of the contract; the text says which."""


@dataclass(frozen=True, slots=True)
class Held:
    """A payload that the host keeps, the scope that it lies in, the group that it came with, and what it was mapped to."""

    payload: Payload
    scope: str | None
    group: Ref | None
    mapped: Mapped


@dataclass(slots=True)
class Sync:
    """What one sync did."""

    fetched: Counter[str] = field(default_factory=Counter)
    changed: set[Ref] = field(default_factory=set)
    gone: dict[Ref, Reason] = field(default_factory=dict)
    pages: int = 0


class MemoryHost:
    """Takes the pages of one connection in order: ownership, parts, groups, state, what is gone, what can't be read.

    Attributes are what a test looks at: `state`, `held` payloads by ref, `quarantine` (ref, or bytes without one → why), `lost` scopes,
    `seen` (every ref that a page named since the test last cleared it), `wants_census`.
    """

    def __init__(self, connector: Connector, scopes: Iterable[str], rules: Mapping[str, str] | None = None) -> None:
        self.connector = connector
        self.scopes = list(scopes)
        self.rules = dict(rules or {})
        self.state: dict[str, str] = {}
        self.held: dict[Ref, Held] = {}
        self.quarantine: dict[Ref | bytes, str] = {}
        self.lost: dict[str, str] = {}
        self.seen: set[Ref] = set()
        self.wants_census = False
        self._mentions: dict[RecordKey, tuple[tuple[str, str], Record]] = {}
        self._staged: dict[Ref, list[Payload]] = {}
        self._unread: dict[Ref, set[Ref]] = {}
        self._references: dict[str | None, Reference] = {}
        self._mappers: dict[str | None, Mapper] = {}
        self._readers: dict[tuple[str, str], str] = {}
        self._missing: set[Ref] = set()

    def owned(self) -> dict[RecordKey, Record]:
        """The records that a held payload claims."""
        return {(r.type, r.external_id): r for held in self.held.values() for r in held.mapped.owned}

    def mentioned(self) -> dict[RecordKey, Record]:
        """The records that were mentioned, each in its newest version, but for those that are owned."""
        owned = self.owned()
        return {key: record for key, (_, record) in self._mentions.items() if key not in owned}

    def records(self) -> dict[RecordKey, Record]:
        return {**self.mentioned(), **self.owned()}

    def sync(self, source: Source, mode: Mode = Mode.INCREMENTAL) -> Sync:
        """Read and apply to the end."""
        done = Sync()
        for partition, page in self.pages(source, mode):
            self._add(done, self.apply(source, partition, page))
        if self._staged:
            raise BrokenRule(f"the group {next(iter(self._staged))} was read to its end without a page that says last")
        return done

    def pages(self, source: Source, mode: Mode) -> Iterator[tuple[Partition, Page]]:
        """The pages of a sync, one of each partition in turn as the hub reads them side by side; the caller applies each at once."""
        self._readers = {}
        self.lost = {}
        self.refresh(source, self.scopes)
        reading: deque[tuple[Partition, Iterator[Page]]] = deque()
        self._begin(source, reading, source.partitions(tuple(self.scopes), dict(self.state), mode))
        while reading:
            partition, pages = reading.popleft()
            try:
                page = next(pages)
            except StopIteration:
                continue
            except ScopeError as error:
                self.lost[error.scope] = str(error)
                rest = [s for s in partition.scopes if s not in self.lost]
                if rest:
                    again = source.partitions(tuple(rest), dict(self.state), mode)
                    self._begin(source, reading, instead_of(partition, again, rest))
                continue
            except StateError:
                self.wants_census = True
                self._begin(source, reading, self._from_the_start(source, partition))
                continue
            yield partition, page
            reading.append((partition, pages))

    def _from_the_start(self, source: Source, partition: Partition) -> Sequence[Partition]:
        """The keys of the partition go, and those of its scopes where a full read splits these otherwise."""
        for names in ((partition.name,), partition.scopes):
            own = tuple(f"{name}/" for name in names)
            self.state = {k: v for k, v in self.state.items() if not k.startswith(own)}
            again = source.partitions(partition.scopes, dict(self.state), Mode.FULL)
            same = [p for p in again if p.name == partition.name]
            if same:
                return same
        return instead_of(partition, again, partition.scopes)

    def crash(self) -> None:
        """The process ended between two commits: groups that were not complete are read again from their start."""
        self._staged = {}
        self._unread = {}

    def apply(self, source: Source, partition: Partition | None, page: Page) -> Sync:
        """Commit one page; `partition` None for a page of `fetch`."""
        self._check(partition, page)
        done = Sync(pages=1)
        if page.stale:
            self.refresh(source, page.stale)
        done.fetched.update(p.ref.kind for p in page.payloads)
        self.seen.update(p.ref for p in page.payloads)
        for refusal in page.rejected:
            self.quarantine[refusal.ref if refusal.ref is not None else refusal.body] = refusal.why
            if refusal.ref is not None:
                self.seen.add(refusal.ref)
                if page.group is not None:
                    self._unread.setdefault(page.group.ref, set()).add(refusal.ref)
        payloads = list(page.payloads)
        if page.group is not None:
            staged = self._staged.setdefault(page.group.ref, [])
            staged.extend(payloads)
            if not page.group.last:
                return done
            payloads = self._staged.pop(page.group.ref)
        self._place(payloads, None if page.group is None else page.group.ref, done)
        if page.group is not None:
            there = {p.ref for p in payloads} | self._unread.pop(page.group.ref, set())
            vanished = [ref for ref, held in self.held.items() if held.group == page.group.ref and ref not in there]
            self._end(dict.fromkeys(vanished, Reason.DELETED), done)
        self._end({g.ref: g.reason for g in page.gone if self._may_end(partition, g)}, done)
        for key, value in page.state.items():
            if value is None:
                self.state.pop(key, None)
            else:
                self.state[key] = value
        return done

    def fetch(self, source: Source, refs: Sequence[Ref]) -> Sync:
        """Fetch and apply: what is there is taken in, what is gone ends."""
        done = Sync()
        for page in source.fetch(refs):
            self._add(done, self.apply(source, None, page))
        return done

    def census(self, source: Source) -> Sync:
        """Compare with what the source lists; what two censuses in a row miss, and `fetch` does not find, ends."""
        listed: set[Ref] = set()
        closed: set[tuple[str, str]] = set()
        for listing in source.census(tuple(self.scopes)):
            if listing.kind not in self.connector.census_kinds:
                raise BrokenRule(f"the census lists {listing.kind}, which census_kinds does not name")
            if len(listing.ids) > LISTING_IDS:
                raise BrokenRule(f"a listing of {len(listing.ids)} ids, more than {LISTING_IDS}")
            scopes = listing.scopes or tuple(self.scopes)
            if any((listing.kind, s) in closed for s in scopes):
                raise BrokenRule(f"the census goes on listing {listing.kind} of {scopes} after its last listing")
            listed.update(Ref(listing.kind, i) for i in listing.ids)
            if listing.last:
                closed.update((listing.kind, s) for s in scopes)
        missing = [r for r, h in self.held.items() if (r.kind, h.scope or "") in closed and r not in listed]
        done = Sync()
        gone: dict[Ref, Reason] = {}
        if missing:
            for page in source.fetch(missing):
                self._add(done, self.apply(source, None, Page(page.payloads, rejected=page.rejected, group=page.group)))
                gone.update({g.ref: g.reason for g in page.gone if g.ref in missing})
                gone = {r: why for r, why in gone.items() if r not in {p.ref for p in page.payloads}}
        self._end({r: why for r, why in gone.items() if r in self._missing}, done)
        self._missing = {r for r in gone if r in self.held}
        return done

    def refresh(self, source: Source, scopes: Iterable[str]) -> None:
        """Read the dictionaries of these scopes, and the site's."""
        wanted = sorted(set(scopes))
        for reference in source.reference(wanted):
            if reference.scope is not None and reference.scope not in wanted:
                raise BrokenRule(f"reference({wanted}) answers for the scope {reference.scope} too")
            self._references[reference.scope] = reference
        self._mappers = {}

    def mapper(self, scope: str | None) -> Mapper:
        """The mapper for payloads of that scope, built as the hub builds it: from the site's reference and the scope's."""
        if scope not in self._mappers:
            self._mappers[scope] = self.build_mapper(scope)
        return self._mappers[scope]

    def build_mapper(self, scope: str | None) -> Mapper:
        """A mapper of its own."""
        names: list[str | None] = [None] if scope is None else [None, scope]
        return self.connector.mapper([self._references[n] for n in names if n in self._references], dict(self.rules))

    def _begin(self, source: Source, reading: deque[tuple[Partition, Iterator[Page]]], partitions: Sequence[Partition]) -> None:
        names = Counter([p.name for p, _ in reading] + [p.name for p in partitions])
        twice = [name for name, n in names.items() if n > 1]
        if twice:
            raise BrokenRule(f"two partitions of one run are named {twice[0]}")
        for partition in partitions:
            strangers = set(partition.scopes) - set(self.scopes)
            if strangers:
                raise BrokenRule(f"partition {partition.name} reads {sorted(strangers)}, which nobody chose")
            reading.append((partition, iter(source.read(partition))))

    def _check(self, partition: Partition | None, page: Page) -> None:
        own = () if partition is None else tuple(f"{name}/" for name in (partition.name, *partition.scopes))
        for key, value in page.state.items():
            if not own:
                raise BrokenRule(f"a page of fetch writes the state key {key}: fetch has no state")
            if not key.startswith(own):
                raise BrokenRule(f"partition {partition.name if partition else ''} writes the state key {key}, which is not its own")
            if value is not None and len(value.encode()) > STATE_VALUE_BYTES:
                raise BrokenRule(f"the state value of {key} has {len(value.encode())} bytes, more than {STATE_VALUE_BYTES}")
        if page.group is not None and page.gone:
            raise BrokenRule(f"a page of the group {page.group.ref} calls something gone: what a group no longer holds ends by its merge")
        if page.group is not None and not page.group.last and page.state:
            raise BrokenRule(f"a page of the group {page.group.ref} before its last has state: it is not true before the merge")
        if partition is None:
            return
        for payload in page.payloads:
            if payload.scope is None or payload.part_of is not None:
                continue
            first = self._readers.setdefault((payload.scope, payload.ref.kind), partition.name)
            if first != partition.name:
                raise BrokenRule(f"partitions {first} and {partition.name} both read {payload.ref.kind} of {payload.scope}")

    def _place(self, payloads: Sequence[Payload], group: Ref | None, done: Sync) -> None:
        here = {p.ref: p for p in payloads}
        for payload in sorted(payloads, key=lambda p: _depth(p, here)):
            known = self.held.get(payload.ref)
            if payload.scope is not None:
                if payload.scope not in self.scopes:
                    if known is not None:
                        self._end({payload.ref: Reason.MOVED}, done)
                    continue
                scope: str | None = payload.scope
            elif payload.part_of is not None:
                parent = self.held.get(payload.part_of)
                if parent is None:
                    continue
                scope = parent.scope
            else:
                scope = None
            held_version = None if known is None else known.payload.version
            if held_version is not None and payload.version is not None and payload.version < held_version:
                continue
            self._take(payload, scope, group, known, done)

    def _take(self, payload: Payload, scope: str | None, group: Ref | None, known: Held | None, done: Sync) -> None:
        same = known is not None and _bytes(known.payload) == _bytes(payload) and known.scope == scope
        try:
            mapped = self.mapper(scope)(payload)
        except RecordError as error:
            self.quarantine[payload.ref] = str(error)
            return
        self.quarantine.pop(payload.ref, None)
        self.held[payload.ref] = Held(payload, scope, group, mapped)
        for record in mapped.mentioned:
            order = (payload.version or "", repr(record))
            key = (record.type, record.external_id)
            if key not in self._mentions or order > self._mentions[key][0]:
                self._mentions[key] = (order, record)
        if not same:
            done.changed.add(payload.ref)
        if known is not None and known.scope != scope:
            self._move_parts(payload.ref, scope)

    def _move_parts(self, ref: Ref, scope: str | None) -> None:
        for part, held in list(self.held.items()):
            if held.payload.part_of == ref:
                self.held[part] = Held(held.payload, scope, held.group, self.mapper(scope)(held.payload))
                self._move_parts(part, scope)

    def _may_end(self, partition: Partition | None, gone: Gone) -> bool:
        """A partition speaks for its own scopes: what another one reads by now has moved there and is not gone."""
        held = self.held.get(gone.ref)
        return partition is None or held is None or held.scope is None or held.scope in partition.scopes

    def _end(self, ending: Mapping[Ref, Reason], done: Sync) -> None:
        for ref, reason in ending.items():
            self.quarantine.pop(ref, None)
            if self.held.pop(ref, None) is not None:
                done.gone[ref] = reason
            parts = [part for part, held in self.held.items() if held.payload.part_of == ref]
            self._end(dict.fromkeys(parts, reason), done)

    @staticmethod
    def _add(done: Sync, page: Sync) -> None:
        done.fetched += page.fetched
        done.changed |= page.changed
        done.gone |= page.gone
        done.pages += page.pages


def instead_of(partition: Partition, again: Sequence[Partition], scopes: Collection[str]) -> list[Partition]:
    """Of the partitions that were asked for again, those that take the place of one that broke off: by name, else by scope."""
    same = [p for p in again if p.name == partition.name]
    return same or [p for p in again if set(p.scopes) & set(scopes)]


def _depth(payload: Payload, here: Mapping[Ref, Payload]) -> int:
    depth = 0
    parent = payload.part_of
    while parent is not None and parent in here and depth < len(here):
        depth += 1
        parent = here[parent].part_of
    return depth


def _bytes(payload: Payload) -> tuple[bytes, tuple[tuple[str, str], ...]]:
    return payload.body, tuple(sorted(payload.context.items()))
