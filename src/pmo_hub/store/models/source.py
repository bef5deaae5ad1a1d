"""What is read, where reading resumes, what happened, what could not be read."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from pmo_hub.store.base import Base, Id, Json


def _where(condition: str) -> dict[str, Any]:
    """A partial index, on both engines."""
    return {"sqlite_where": sa.text(condition), "postgresql_where": sa.text(condition)}


class Connection(Base):
    """A configured connector. `secrets` is ciphertext bound to this row; `config` never holds a secret."""

    __tablename__ = "connections"
    id: Mapped[str] = mapped_column(Id, primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    connector: Mapped[str]
    namespace: Mapped[str]
    config: Mapped[dict[str, Any]] = mapped_column(Json)
    secrets: Mapped[bytes] = mapped_column(sa.LargeBinary)
    rules: Mapped[dict[str, str]] = mapped_column(Json)
    state: Mapped[str]  # active | paused | failing | reauth_required | source_retired | removed
    account: Mapped[str | None]
    basis_id: Mapped[str | None] = mapped_column(Id)  # what all of the site's own payloads are mapped with
    last_error: Mapped[str | None]
    last_error_at: Mapped[datetime | None]
    failures: Mapped[int] = mapped_column(default=0)  # of runs that read, in a row, as the error above
    census_error: Mapped[str | None]
    census_error_at: Mapped[datetime | None]
    census_failures: Mapped[int] = mapped_column(default=0, server_default="0")
    schedules: Mapped[dict[str, str | None]] = mapped_column(Json, server_default="{}")  # mode → "every 15m", cron, never
    time_zone: Mapped[str] = mapped_column(server_default="UTC")
    quiet_hours: Mapped[list[dict[str, Any]]] = mapped_column(Json, server_default="[]")
    cadence_minutes: Mapped[int | None]  # the longest time between two scheduled reads, as the schedules and quiet hours have it
    credential_expires_at: Mapped[datetime | None]
    credential_asked_at: Mapped[datetime | None]
    credential_warned_for: Mapped[datetime | None]  # the expiry that was told beforehand
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]


class Credential(Base):
    """What the source rotates (refresh tokens); saved by compare-and-swap on `version`."""

    __tablename__ = "credentials"
    connection_id: Mapped[str] = mapped_column(Id, sa.ForeignKey("connections.id", ondelete="CASCADE"), primary_key=True)
    version: Mapped[int]
    secret: Mapped[bytes] = mapped_column(sa.LargeBinary)


class PendingAuthorization(Base):
    """An interactive sign-in that somebody has begun: one a connection, good for minutes and for one answer.

    Of the state that the answer must bring only the hash is kept; `secret` is what the connector needs again, encrypted.
    """

    __tablename__ = "pending_authorizations"
    connection_id: Mapped[str] = mapped_column(Id, sa.ForeignKey("connections.id", ondelete="CASCADE"), primary_key=True)
    state_hash: Mapped[str] = mapped_column(sa.String(64))
    secret: Mapped[bytes] = mapped_column(sa.LargeBinary)
    expires_at: Mapped[datetime]


class Scope(Base):
    """A chosen scope; its id is the hash of (namespace, "scope", external id), so one connection reads it."""

    __tablename__ = "scopes"
    id: Mapped[str] = mapped_column(Id, primary_key=True)
    connection_id: Mapped[str] = mapped_column(Id, sa.ForeignKey("connections.id"), index=True)
    external_id: Mapped[str]
    name: Mapped[str]
    kind: Mapped[str]
    url: Mapped[str | None]
    chosen_at: Mapped[datetime]
    synced_at: Mapped[datetime | None]
    error: Mapped[str | None]
    basis_id: Mapped[str | None] = mapped_column(Id)  # what all of its payloads are mapped with
    removed_at: Mapped[datetime | None]  # set: nobody reads it any more
    removal: Mapped[str | None]  # keep: its data stays, read-only | purge: its data is being deleted


class SyncState(Base):
    __tablename__ = "sync_states"
    connection_id: Mapped[str] = mapped_column(Id, sa.ForeignKey("connections.id", ondelete="CASCADE"), primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[str]


class Lease(Base):
    """Who may write for a connection; `fence` only grows, and every commit checks it."""

    __tablename__ = "leases"
    connection_id: Mapped[str] = mapped_column(Id, sa.ForeignKey("connections.id", ondelete="CASCADE"), primary_key=True)
    fence: Mapped[int]
    holder: Mapped[str | None]
    expires_at: Mapped[datetime | None]


class SyncRun(Base):
    """One run; counts are by payload kind."""

    __tablename__ = "sync_runs"
    id: Mapped[str] = mapped_column(Id, primary_key=True)
    connection_id: Mapped[str] = mapped_column(Id, sa.ForeignKey("connections.id"), index=True)
    mode: Mapped[str]  # incremental | full | census
    state: Mapped[str]  # queued | running | finished | failed | waiting | held | interrupted
    trigger: Mapped[str] = mapped_column(server_default="schedule")  # request | schedule
    fence: Mapped[int]
    started_at: Mapped[datetime]
    heartbeat_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    waiting_until: Mapped[datetime | None]
    fetched: Mapped[dict[str, int]] = mapped_column(Json)
    expected: Mapped[dict[str, int]] = mapped_column(Json)
    changed: Mapped[dict[str, int]] = mapped_column(Json)
    gone: Mapped[dict[str, int]] = mapped_column(Json)
    quarantined: Mapped[int] = mapped_column(default=0)
    requests: Mapped[int] = mapped_column(default=0)
    estimate: Mapped[int | None]
    error: Mapped[str | None]
    detail: Mapped[str | None]  # traceback of a bug, for the developer
    parts: Mapped[list[dict[str, Any]]] = mapped_column(Json, server_default="[]")  # fetched against expected
    __table_args__ = (sa.Index("ix_sync_runs_begun", "connection_id", "mode", "started_at"),)


class Shortfall(Base):
    """The hub holds fewer than the source counted, beyond tolerance, until a whole look at it finds otherwise."""

    __tablename__ = "shortfalls"
    connection_id: Mapped[str] = mapped_column(Id, sa.ForeignKey("connections.id", ondelete="CASCADE"), primary_key=True)
    scope_id: Mapped[str] = mapped_column(Id, primary_key=True)  # "" = of several scopes, nobody knows which
    kind: Mapped[str] = mapped_column(primary_key=True)
    expected: Mapped[int]
    lacking: Mapped[int]
    mode: Mapped[str]
    run_id: Mapped[str] = mapped_column(Id)
    since: Mapped[datetime]


class Payload(Base):
    """The newest version of a raw record; `gone_at` set where the source no longer has it."""

    __tablename__ = "payloads"
    id: Mapped[str] = mapped_column(Id, primary_key=True)
    connection_id: Mapped[str] = mapped_column(Id)
    scope_id: Mapped[str | None] = mapped_column(Id)
    kind: Mapped[str]
    external_id: Mapped[str]
    part_of_id: Mapped[str | None] = mapped_column(Id)
    group_id: Mapped[str | None] = mapped_column(Id)
    media_type: Mapped[str]
    body: Mapped[bytes] = mapped_column(sa.LargeBinary)  # zstd, see store/compression
    context: Mapped[str | None]  # JSON in canonical order
    body_hash: Mapped[str] = mapped_column(Id)
    version: Mapped[str | None]
    basis_id: Mapped[str] = mapped_column(Id)
    first_seen_at: Mapped[datetime]
    seen_at: Mapped[datetime]
    run_id: Mapped[str] = mapped_column(Id)
    gone_at: Mapped[datetime | None]
    gone_reason: Mapped[str | None]
    __table_args__ = (
        sa.Index("ix_payloads_scope_id_kind", "scope_id", "kind"),
        # Most payloads are part of nothing and of no group: those need no entry.
        sa.Index("ix_payloads_part_of_id", "part_of_id", **_where("part_of_id IS NOT NULL")),
        sa.Index("ix_payloads_group_id", "group_id", **_where("group_id IS NOT NULL")),
    )


class PayloadDictionary(Base):
    """What payloads of a kind have in common; frames name the dictionary that they were compressed with by its id.

    It holds fragments of payloads, and goes with its connection.
    """

    __tablename__ = "payload_dictionaries"
    connection_id: Mapped[str] = mapped_column(Id, sa.ForeignKey("connections.id", ondelete="CASCADE"), primary_key=True)
    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str]
    body: Mapped[bytes] = mapped_column(sa.LargeBinary)
    trained_at: Mapped[datetime]


class PayloadHistory(Base):
    """Superseded payloads, kept for a while."""

    __tablename__ = "payloads_history"
    id: Mapped[str] = mapped_column(Id, primary_key=True)
    seen_at: Mapped[datetime] = mapped_column(primary_key=True)
    recorded_to: Mapped[datetime]
    body: Mapped[bytes] = mapped_column(sa.LargeBinary)
    context: Mapped[str | None]
    body_hash: Mapped[str] = mapped_column(Id)
    version: Mapped[str | None]


class Claim(Base):
    """Payload → record that it owns; a record lives while it has a claim."""

    __tablename__ = "claims"
    payload_id: Mapped[str] = mapped_column(Id, primary_key=True)
    record_id: Mapped[str] = mapped_column(Id, primary_key=True)
    record_type: Mapped[str]
    __table_args__ = (sa.Index("ix_claims_record_id", "record_id"), {"sqlite_with_rowid": False})


class Tombstone(Base):
    """A record that ended: its last version is in its history table."""

    __tablename__ = "tombstones"
    id: Mapped[str] = mapped_column(Id, primary_key=True)
    record_type: Mapped[str]
    external_id: Mapped[str]
    reason: Mapped[str]
    ended_at: Mapped[datetime]


class StagedPayload(Base):
    """A page of a group that is not complete yet: unseen until the group's last page merges it."""

    __tablename__ = "staged_payloads"
    connection_id: Mapped[str] = mapped_column(Id, primary_key=True)
    group_id: Mapped[str] = mapped_column(Id, primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    run_id: Mapped[str] = mapped_column(Id)
    content: Mapped[bytes] = mapped_column(sa.LargeBinary)  # msgpack of the sdk's Payload, zstd


class HeldGroup(Base):
    """A group whose newest generation lacks so much that it waits for an admin; `digest` names exactly what is missing."""

    __tablename__ = "held_groups"
    id: Mapped[str] = mapped_column(Id, primary_key=True)
    connection_id: Mapped[str] = mapped_column(Id, index=True)
    kind: Mapped[str]
    external_id: Mapped[str]
    missing: Mapped[int]
    held: Mapped[int]
    digest: Mapped[str]
    run_id: Mapped[str] = mapped_column(Id)
    held_at: Mapped[datetime]
    accepted_at: Mapped[datetime | None]
    accepted_by: Mapped[str | None]


class UploadedFile(Base):
    """Who uploaded a file of a connection; the file itself lies in the data folder of the machine that took it in."""

    __tablename__ = "uploaded_files"
    connection_id: Mapped[str] = mapped_column(Id, primary_key=True)
    name: Mapped[str] = mapped_column(primary_key=True)
    digest: Mapped[str]
    size_bytes: Mapped[int] = mapped_column(sa.BigInteger)
    uploaded_at: Mapped[datetime]
    uploaded_by: Mapped[str]


class Quarantine(Base):
    """What could not be split or mapped, with its bytes; retried by every run."""

    __tablename__ = "quarantine"
    id: Mapped[str] = mapped_column(Id, primary_key=True)
    connection_id: Mapped[str] = mapped_column(Id, index=True)
    scope_id: Mapped[str | None] = mapped_column(Id)
    kind: Mapped[str | None]
    external_id: Mapped[str | None]
    body: Mapped[bytes] = mapped_column(sa.LargeBinary)  # zstd
    why: Mapped[str]
    first_seen_at: Mapped[datetime]
    seen_at: Mapped[datetime]
    attempts: Mapped[int]
    run_id: Mapped[str] = mapped_column(Id)


class ReferenceSnapshot(Base):
    """A dictionary of the source; the newest one a (connection, scope) is used for mapping."""

    __tablename__ = "reference_snapshots"
    connection_id: Mapped[str] = mapped_column(Id, sa.ForeignKey("connections.id", ondelete="CASCADE"), primary_key=True)
    scope: Mapped[str] = mapped_column(primary_key=True)  # "" = the site
    digest: Mapped[str] = mapped_column(Id, primary_key=True)
    body: Mapped[bytes] = mapped_column(sa.LargeBinary)
    is_newest: Mapped[bool]
    read_at: Mapped[datetime]


class MappingBasis(Base):
    """What a row was mapped with; its id is the hash of the three digests."""

    __tablename__ = "mapping_bases"
    id: Mapped[str] = mapped_column(Id, primary_key=True)
    site_digest: Mapped[str] = mapped_column(Id)
    scope_digest: Mapped[str] = mapped_column(Id)
    rules_digest: Mapped[str] = mapped_column(Id)


class PendingDerivation(Base):
    """What a committed batch touched and no finished run has derived from yet; `item_id` "" stands for the whole scope."""

    __tablename__ = "pending_derivations"
    scope_id: Mapped[str] = mapped_column(Id, primary_key=True)
    item_id: Mapped[str] = mapped_column(Id, primary_key=True)


class Removal(Base):
    """A scope or a whole connection taken away; counts are by table."""

    __tablename__ = "removals"
    id: Mapped[str] = mapped_column(Id, primary_key=True)
    connection_id: Mapped[str] = mapped_column(Id, index=True)
    connection_name: Mapped[str]
    whole: Mapped[bool]
    scope_ids: Mapped[list[str]] = mapped_column(Json)
    data: Mapped[str]  # keep | purge
    state: Mapped[str]  # queued | running | finished
    forecast: Mapped[dict[str, Any]] = mapped_column(Json)
    removed: Mapped[dict[str, int]] = mapped_column(Json)
    project_ids: Mapped[list[str]] = mapped_column(Json)  # to be measured anew
    requested_by: Mapped[str]
    requested_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]


class PurgeCandidate(Base):
    """What purged rows referred to: it goes too where nothing else refers to it."""

    __tablename__ = "purge_candidates"
    removal_id: Mapped[str] = mapped_column(Id, primary_key=True)
    record_type: Mapped[str] = mapped_column(primary_key=True)
    record_id: Mapped[str] = mapped_column(Id, primary_key=True)


class Census(Base):
    """A listing of what exists, compared with what the hub holds."""

    __tablename__ = "censuses"
    id: Mapped[str] = mapped_column(Id, primary_key=True)
    connection_id: Mapped[str] = mapped_column(Id, sa.ForeignKey("connections.id"), index=True)
    state: Mapped[str]  # listing | finished | held | broken | dropped
    started_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]
    listed: Mapped[int]
    missing: Mapped[int]
    reason: Mapped[str | None]


class CensusListing(Base):
    """Payload ids that a running census has seen."""

    __tablename__ = "census_listings"
    census_id: Mapped[str] = mapped_column(Id, primary_key=True)
    payload_id: Mapped[str] = mapped_column(Id, primary_key=True)
    __table_args__ = ({"sqlite_with_rowid": False},)


class Missing(Base):
    """A payload that one census did not see and `fetch` did not find; the second that agrees tombstones it."""

    __tablename__ = "missing"
    payload_id: Mapped[str] = mapped_column(Id, primary_key=True)
    connection_id: Mapped[str] = mapped_column(Id, index=True)
    census_id: Mapped[str] = mapped_column(Id)
    reason: Mapped[str]
    since: Mapped[datetime]
