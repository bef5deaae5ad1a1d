"""Sealing: what was committed gets its position and its hash, by one at a time, after the fact.

A chain made in the transactions themselves would line up all writers behind one row; here they only add, and whoever holds the head seals
for all of them, within a tick.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime

import structlog

from pmo_hub.domain.chain import Entry, Kind, body_digest
from pmo_hub.services.evidence import recording
from pmo_hub.services.hub import Hub
from pmo_hub.store.repositories import evidence as log
from pmo_hub.store.repositories.evidence import Head, Waiting
from pmo_hub.store.unit_of_work import Session

logger = structlog.get_logger(__name__)

BATCH = 1_000
MOST_BATCHES = 200


@dataclass(frozen=True, slots=True)
class Sealed:
    """What one batch did; `is_last` when nothing was left that could be sealed now."""

    entries: int
    is_last: bool


def head(hub: Hub) -> Head:
    """The newest sealed entry, which is a checkpoint of everything before it."""
    with hub.work.read() as session:
        return log.head(session)


def seal_all(hub: Hub, batches: int = MOST_BATCHES) -> int:
    """What waits is sealed, in so many transactions at most; returns how many entries. Does nothing while somebody else seals."""
    sealed = 0
    for _ in range(batches):
        with hub.work.read() as session:
            if not log.anything_waits(session):
                break
        done = seal(hub)
        sealed += done.entries
        if done.is_last:
            break
    if sealed:
        logger.info("evidence.sealed", entries=sealed, position=head(hub).position)
    return sealed


def seal(hub: Hub, limit: int = BATCH) -> Sealed:
    """A batch of what waits is sealed, in one transaction; when nothing does, older records are put in line."""
    with hub.work.write() as session:
        before = log.take_head(session)
        if before is None:
            return Sealed(0, is_last=True)
        found = log.waiting(session, limit)
        if found:
            _append(session, before, found, hub.now())
            return Sealed(len(found), is_last=False)
        older = log.take_backlog(session, limit)
        if older is None:
            return Sealed(0, is_last=True)
        recording.recorded_before(session, older)
        return Sealed(0, is_last=False)


def _append(session: Session, before: Head, found: list[Waiting], now: datetime) -> None:
    # Of two machines whose clocks differ, the later sealer never writes the earlier time.
    sealed_at = now if before.sealed_at is None else max(now, before.sealed_at)
    position, previous = before.position, before.hash
    entries = []
    for one in found:
        position += 1
        entry = Entry(
            position, one.at, sealed_at, one.kind, one.action, one.subject_type, one.subject_id, one.projects,
            body_digest(one.salt, one.body), previous,
        )  # fmt: skip
        previous = entry.hash
        entries.append((entry, previous, one))
    log.append(session, entries, Head(position, previous, sealed_at))
    for entry, _, one in entries:
        if entry.kind == Kind.REDACTION:
            log.drop_bodies(session, json.loads(one.body)["subjects"], entry.position)
