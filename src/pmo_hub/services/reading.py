"""Reading a connection: what has to be mapped again, what is in quarantine, and its partitions."""

from __future__ import annotations

from collections.abc import Sequence

from pmo_hub.host.reader import Reader
from pmo_hub.sdk.contract import Mode, Partition, Ref
from pmo_hub.sdk.errors import ScopeError, StateError
from pmo_hub.services.committing import save_bases, take, take_fetched
from pmo_hub.services.references import basis_id_of, origin_of, refresh_references
from pmo_hub.services.running import Suspicious, SyncRun
from pmo_hub.store import remapping
from pmo_hub.store.repositories import syncing

REMAP_PAYLOADS = 2_000
QUARANTINE_RETRIES = 500
VANISHED_FROM = 20
"""A full read that brings none of a scope's objects is no success where the hub holds at least so many."""


REMAPPED = "remapped"


def remap(this: SyncRun, *, counting: bool = False) -> None:
    """Map again, from the stored payloads, what was mapped with other references or rules.

    `counting`: the run does nothing else, and tells how far it is: what it takes from the store counts as fetched.
    """
    bases = {None: basis_id_of(this, None)} | {scope_id: basis_id_of(this, e) for e, scope_id in this.scopes.items()}
    with this.hub.work.read() as session:
        mapped = syncing.mapped_bases(session, this.connection.id)
    stale = [s for s, basis in bases.items() if mapped.get(s) != basis]
    if not stale:
        this.unsaved_bases.clear()
        return
    if counting:
        with this.hub.work.read() as session:
            this.expected[REMAPPED] = remapping.waiting(session, this.connection.id, {s: bases[s] for s in stale})
    for scope_id in stale:
        while True:
            with this.commit() as session:
                save_bases(this, session)
                taken = remapping.remap(session, origin_of(this), scope_id, REMAP_PAYLOADS, this.hub.now())
                if taken is None:
                    syncing.note_basis(session, this.connection.id, scope_id, bases[scope_id])
                    break
                if counting:
                    taken.fetched.update(taken.changed)
                    this.taken.add(taken)
                    syncing.update_run(
                        session, this.id, heartbeat_at=this.hub.now(), fetched=dict(this.taken.fetched), expected=dict(this.totals()),
                        changed=dict(this.taken.changed),
                    )  # fmt: skip


def look_up(this: SyncRun) -> None:
    """Where mapping met a word that the kept dictionaries lack, read them again, once a run, and map those scopes anew."""
    if this.unknown:
        refresh_references(this, this.unknown - this.lost_scopes.keys())
        remap(this)


def retry_quarantine(this: SyncRun) -> None:
    with this.hub.work.read() as session:
        held = syncing.quarantined(session, this.connection.id)
    refs = [Ref(kind, external_id) for _, kind, external_id in held if kind is not None and external_id is not None]
    if not refs:
        return
    for page in this.opened.source.fetch(refs[:QUARANTINE_RETRIES]):
        take_fetched(this, page)


def reader_of(this: SyncRun, mode: Mode) -> Reader:
    """Reads the run's partitions from the moment it is entered."""
    return Reader(this.opened.source, _partitions(this, this.readable(), mode), this.opened.concurrency)


def read(this: SyncRun, reader: Reader, mode: Mode) -> None:
    """Commit what the reader brings, to its end."""
    failure: BaseException | None = None
    whole: list[Partition] = []
    for batch in reader.batches():
        if batch.pages:
            take(this, batch)
            batch.pages.clear()  # not held any longer while the next one is gathered
        for ended in batch.ended:
            if isinstance(ended.error, ScopeError):
                reader.add(_without_scope(this, ended.partition, ended.error, mode))
            elif isinstance(ended.error, StateError):
                reader.add(_from_the_start(this, ended.partition))
            elif ended.error is not None:
                failure = ended.error
            elif ended.partition.mode is Mode.FULL:
                whole.append(ended.partition)
        if failure is not None:
            break
    if failure is not None:
        raise failure
    _refuse_vanishing(this, whole)
    if mode is Mode.FULL:
        with this.commit() as session:
            # Without an id nothing can be asked for again: what a whole read did not meet any more is well.
            syncing.forget_nameless(session, this.connection.id, this.id)


def _partitions(this: SyncRun, scopes: Sequence[str], mode: Mode) -> Sequence[Partition]:
    """The partitions of these scopes, without those that turn out to be lost."""
    with this.hub.work.read() as session:
        state = syncing.state_of(session, this.connection.id)
    while True:
        left = [s for s in scopes if s not in this.lost_scopes]
        try:
            return this.opened.source.partitions(left, state, mode) if left else ()
        except ScopeError as e:
            this.lose(e, left)


def _without_scope(this: SyncRun, partition: Partition, error: ScopeError, mode: Mode) -> Sequence[Partition]:
    this.lose(error, partition.scopes)
    rest = {s for s in partition.scopes if s not in this.lost_scopes}
    again = _partitions(this, sorted(rest), mode)
    same = [p for p in again if p.name == partition.name]
    return same or [p for p in again if rest & set(p.scopes)]


def _from_the_start(this: SyncRun, partition: Partition) -> Sequence[Partition]:
    """The source refused what the partition resumed from: drop its keys, read it in full, and let a census look for the lost."""
    this.wants_census = True
    _drop_keys(this, (partition.name,))
    same = [p for p in _partitions(this, partition.scopes, Mode.FULL) if p.name == partition.name]
    if same:
        return same
    # A full read splits these scopes otherwise: their own keys are the partition's then.
    _drop_keys(this, partition.scopes)
    return [p for p in _partitions(this, partition.scopes, Mode.FULL) if set(p.scopes) & set(partition.scopes)]


def _drop_keys(this: SyncRun, names: Sequence[str]) -> None:
    prefixes = tuple(f"{name}/" for name in names)
    with this.commit() as session:
        state = syncing.state_of(session, this.connection.id)
        syncing.patch_state(session, this.connection.id, {k: None for k in state if k.startswith(prefixes)})


def _refuse_vanishing(this: SyncRun, whole: Sequence[Partition]) -> None:
    """Raises Suspicious where partitions that were read in full brought nothing of a scope that the hub holds much of."""
    without = {s for p in whole for s in p.scopes if this.by_scope[s] == 0 and s in this.scopes} - this.lost_scopes.keys()
    if not without:
        return
    with this.hub.work.read() as session:
        live = syncing.live_payloads(session, [this.scopes[s] for s in without], this.opened.connector.census_kinds)
        state = syncing.state_of(session, this.connection.id)
        names = {s.external_id: s.name for s in syncing.chosen_scopes(session, this.connection.id)}
    # Whoever used up a key that it began with went on where an earlier run had stopped, and may have had little left.
    resumed = {s for p in whole if p.state.keys() - state.keys() for s in p.scopes}
    empty = sorted(s for s in without - resumed if live.get(this.scopes[s], 0) >= VANISHED_FROM)
    if not empty:
        return
    # How far such a reading says that it came isn't true either: the next run reads these scopes in full again.
    _drop_keys(this, empty)
    held = sum(live[this.scopes[e]] for e in empty)
    listed = ", ".join(names[e] for e in empty[:5]) + (f" and {len(empty) - 5} more" if len(empty) > 5 else "")
    raise Suspicious(
        f"The source returned nothing for {listed}, where the hub holds {held} items; nothing was deleted: "
        "check that the account still may see them."
    )
