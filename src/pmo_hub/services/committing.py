"""The one committer of a run: each batch in one transaction, together with the state that its pages make true.

Mapping the next batch while this one is written was tried, and is no faster on either engine (decision 0008): both want the interpreter.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from pmo_hub.domain.identity import row_id
from pmo_hub.host.reader import BATCH_BYTES, Batch
from pmo_hub.sdk.contract import STATE_VALUE_BYTES, Gone, Page, Partition, Payload, Reason, Ref, Rejected
from pmo_hub.services.brake import Braked, brake
from pmo_hub.services.references import origin_of, refresh_references
from pmo_hub.services.running import SyncProgress, SyncRun
from pmo_hub.store import intake
from pmo_hub.store.ownership import Taken, end_payloads
from pmo_hub.store.preparing import Prepared, prepare
from pmo_hub.store.repositories import held_groups, syncing
from pmo_hub.store.repositories.held_groups import Held
from pmo_hub.store.repositories.staging import pack, refs, unpack
from pmo_hub.store.unit_of_work import Session

GROUP_PAYLOADS = 500
"""Of a group so many are merged together, or few more: in memory there are never all of them."""
GROUP_WAY_OUT = "confirm it by `pmo-hub connection confirm`, or POST /api/v1/connections/{id}/confirm-groups"


@dataclass(slots=True)
class _Pages:
    """A batch's pages, sorted by what becomes of them."""

    payloads: list[Payload] = field(default_factory=list)
    gone: dict[Ref, tuple[Gone, tuple[str, ...]]] = field(default_factory=dict)
    rejected: list[Rejected] = field(default_factory=list)
    patch: dict[str, str | None] = field(default_factory=dict)
    grouped: list[tuple[Partition, Page]] = field(default_factory=list)


def take(run: SyncRun, batch: Batch) -> None:
    """The batch is mapped and committed."""
    stale = {s for _, page in batch.pages for s in page.stale}
    if stale:
        refresh_references(run, stale)
    for together in _together(batch.pages):
        pages = _sorted(run, together)
        with run.hub.work.read() as session:
            prepared = prepare(session, origin_of(run), pages.payloads)
        _commit(run, prepared, pages)


def _together(pages: Sequence[tuple[Partition, Page]]) -> Iterator[Sequence[tuple[Partition, Page]]]:
    """The pages that are committed together. What follows a group of its own partition may be part of it and finds it there; the state
    that follows is not kept where the group was held back.
    """
    together: list[tuple[Partition, Page]] = []
    grouped: set[str] = set()
    for partition, page in pages:
        if page.group is None and (page.payloads or page.state) and partition.name in grouped:
            yield together
            together, grouped = [], set()
        together.append((partition, page))
        if page.group is not None:
            grouped.add(partition.name)
    if together:
        yield together


def _sorted(run: SyncRun, read: Sequence[tuple[Partition, Page]]) -> _Pages:
    pages = _Pages()
    counted = run.opened.connector.census_kinds
    for partition, page in read:
        _refuse_bad_state(partition, page)
        run.tally.note(partition, page)
        if page.expected:
            run.expected[partition.name] = {**run.expected.get(partition.name, {}), **page.expected}
        for payload in page.payloads:
            if payload.scope is not None and payload.ref.kind in counted:
                run.by_scope[payload.scope] += 1
        pages.rejected.extend(page.rejected)
        run.complaints.extend(notice for notice in page.notices if notice not in run.complaints)
        if page.group is not None:
            pages.grouped.append((partition, page))
            continue
        # In the order of the pages the last word counts: what is gone and then brought again is there.
        pages.gone.update((g.ref, (g, partition.scopes)) for g in page.gone)
        for payload in page.payloads:
            pages.gone.pop(payload.ref, None)
        pages.payloads.extend(page.payloads)
        if partition.name not in run.held_partitions:
            pages.patch.update(page.state)
    return pages


def _refuse_bad_state(partition: Partition, page: Page) -> None:
    """A connector that breaks the contract's rules of state is a bug: its run fails before anything of the page is kept."""
    own = tuple(f"{name}/" for name in (partition.name, *partition.scopes))
    for key, value in page.state.items():
        if not key.startswith(own):
            raise RuntimeError(f"partition {partition.name} wrote the state key {key}, which is not its own")
        if value is not None and len(value.encode()) > STATE_VALUE_BYTES:
            raise RuntimeError(f"partition {partition.name} wrote more than {STATE_VALUE_BYTES // 1024} kB under the state key {key}")
    if page.gone and page.group is not None:
        raise RuntimeError(f"partition {partition.name} called something gone within a group")
    if page.state and page.group is not None and not page.group.last:
        raise RuntimeError(f"partition {partition.name} wrote state before the last page of a group")


def _commit(run: SyncRun, prepared: Prepared, pages: _Pages) -> None:
    now = run.hub.now()
    with run.commit() as session:
        save_bases(run, session)
        taken = intake.write(session, origin_of(run), prepared, list(pages.gone.values()), pages.rejected, now)
        for partition, page in pages.grouped:
            taken.add(_take_group_page(run, session, page, now, partition))
        syncing.patch_state(session, run.connection.id, pages.patch)
        run.taken.add(taken)
        syncing.update_run(
            session, run.id, heartbeat_at=now, fetched=dict(run.taken.fetched), expected=dict(run.totals()),
            changed=dict(run.taken.changed), gone=dict(run.taken.gone), quarantined=run.taken.quarantined,
            requests=run.opened.requests(),
        )  # fmt: skip
    if run.progress is not None:
        run.progress(_progress(run))


def _progress(run: SyncRun) -> SyncProgress:
    fetched: Mapping[str, int] = dict(run.taken.fetched)
    return SyncProgress(run.id, fetched, dict(run.totals()))


def _take_group_page(run: SyncRun, session: Session, page: Page, now: datetime, partition: Partition | None = None) -> Taken:
    """Stage the page; the group's last page merges the whole of it, and what it no longer holds ends, under the census brake.

    The merge is one transaction, of batches: a plan of fifty thousand tasks is never in memory as a whole.
    """
    if page.group is None:
        raise RuntimeError("the page has no group")
    origin = origin_of(run)
    group_id = row_id(origin.namespace, f"group:{page.group.ref.kind}", page.group.ref.external_id)
    if not page.group.last:
        syncing.stage(session, run.connection.id, group_id, run.id, list(pack(page.payloads)))
        return Taken()
    there = {origin.payload_id(payload.ref) for payload in page.payloads}
    for content in syncing.staged(session, run.connection.id, group_id):
        there.update(origin.payload_id(ref) for ref in refs(content))
    held = syncing.group_members(session, group_id)
    # What could not be read this time is no more missing than it is there.
    missing = held - there - origin.quarantined
    taken = Taken()
    if _may_end(run, session, page.group.ref, group_id, missing, len(held), now):
        for batch in _batches(run, session, group_id, page):
            taken.add(intake.take_in(session, origin, batch, (), now, group_id))
        end_payloads(session, dict.fromkeys(missing, Reason.DELETED), taken, now)
        syncing.patch_state(session, run.connection.id, page.state)
    elif partition is not None:
        run.held_partitions.add(partition.name)
    syncing.drop_group(session, run.connection.id, group_id)
    return taken


def _batches(run: SyncRun, session: Session, group_id: str, page: Page) -> Iterator[Sequence[Payload]]:
    """The group's payloads in the order in which they came; those of its last page were not staged."""
    batch: list[Payload] = []
    size = 0
    for content in syncing.staged(session, run.connection.id, group_id):
        payloads = unpack(content)
        batch += payloads
        size += sum(len(payload.body) for payload in payloads)
        if len(batch) >= GROUP_PAYLOADS or size >= BATCH_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch
    if page.payloads:
        yield page.payloads


def _may_end(run: SyncRun, session: Session, group: Ref, group_id: str, missing: Collection[str], held: int, now: datetime) -> bool:
    """Whether the generation may be merged; one that is held back stays as it was, is read anew by the next run, and the others go on."""
    digest = held_groups.digest_of(missing)
    waiting = held_groups.find(session, group_id)
    accepted = waiting is not None and waiting.accepted_at is not None and waiting.digest == digest
    try:
        if not accepted:
            brake(len(missing), held, f"{group.kind} {group.external_id}", GROUP_WAY_OUT)
    except Braked as e:
        run.braked.append(str(e))
        run.held_groups.add(group_id)
        if waiting is None or waiting.digest != digest:
            found = Held(group_id, run.connection.id, group.kind, group.external_id, len(missing), held, digest, run.id, now)
            held_groups.note(session, found)
        return False
    if waiting is not None:
        held_groups.forget(session, group_id)
    return True


def save_bases(run: SyncRun, session: Session) -> None:
    """What rows of this transaction are mapped with can be looked up by the basis id that they carry."""
    if run.unsaved_bases:
        syncing.save_bases(session, [(id_, *digests) for id_, digests in run.unsaved_bases.items()])
        run.unsaved_bases.clear()


def take_fetched(run: SyncRun, page: Page, ending: Sequence[Gone] = ()) -> Taken:
    """Commit a page that was asked for by its objects' refs: a member of a group comes as its whole group.

    What the source no longer has only leaves quarantine: whether it is deleted is for a census to say. What is `ending` is known to be.
    """
    origin = origin_of(run)
    now = run.hub.now()
    with run.commit() as session:
        intake.release_quarantined(session, origin, [origin.payload_id(g.ref) for g in page.gone])
        grouped = page.group is not None
        save_bases(run, session)
        taken = intake.take_in(session, origin, () if grouped else page.payloads, page.rejected, now)
        if grouped:
            taken.add(_take_group_page(run, session, page, now))
        there = {payload.ref for payload in page.payloads}
        end_payloads(session, {origin.payload_id(g.ref): g.reason for g in ending if g.ref not in there}, taken, now)
    return taken
