"""The source's dictionaries, and the mappers that are built with them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from functools import partial
from hashlib import blake2b

from pmo_hub.sdk.contract import Reference, Ruled
from pmo_hub.sdk.errors import ConfigError, ScopeError
from pmo_hub.services import mapping
from pmo_hub.services.running import SyncRun
from pmo_hub.store.placing import Basis, Origin
from pmo_hub.store.repositories import syncing

REFERENCE_AGE = timedelta(hours=6)


def origin_of(this: SyncRun) -> Origin:
    if this.origin is None:
        raise RuntimeError("the run has no origin yet")
    return this.origin


def basis_id_of(this: SyncRun, scope: str | None) -> str:
    """What payloads of that scope are to be mapped with; cheap, for there may be thousands of scopes."""
    site = this.references.get("")
    own = this.references.get(scope) if scope else None
    digests = (site.digest if site else "", own.digest if own else "", this.rules_digest)
    id_ = syncing.basis_id(*digests)
    this.unsaved_bases[id_] = digests
    return id_


def basis_of(this: SyncRun, scope: str | None) -> Basis:
    """The mapper for that scope's payloads, built once a run and reference."""
    known = this.bases.get(scope)
    if known is None:
        site = this.references.get("")
        own = this.references.get(scope) if scope else None
        found = [Reference(None, site.body)] if site else []
        if own is not None:
            found.append(Reference(scope, own.body))
        mapper = mapping.mapper_of(this.opened.connector, found, this.connection.rules)
        if scope is not None:
            words = mapping.vocabulary(this.opened.connector, found if site else ())
            mapper = mapping.noticing(mapper, words, partial(this.unknown.add, scope))
        known = this.bases[scope] = Basis(basis_id_of(this, scope), mapper)
    return known


def use_kept(this: SyncRun) -> None:
    """The newest kept dictionaries, whatever their age: the source is asked for nothing."""
    with this.hub.work.read() as session:
        this.references = syncing.newest_references(session, this.connection.id)


def refresh_references(this: SyncRun, stale: Iterable[str] = ()) -> None:
    """Read the source's dictionaries when they are old, when a scope has none, or when a page called them stale.

    Then it is looked, too, whether the connection still leads to the site that it was made for: a new config is checked when it is saved.
    """
    now = this.hub.now()
    use_kept(this)
    missing = [s for s in this.scopes if s not in this.references]
    old = [s for s, r in this.references.items() if now - r.read_at >= REFERENCE_AGE and (s == "" or s in this.scopes)]
    wanted = sorted({*missing, *(s for s in old if s), *stale})
    if not wanted and not old and "" in this.references and not _lacks_fields(this):
        return
    namespace = this.opened.source.namespace()
    if namespace != this.connection.namespace:
        raise ConfigError(
            f"The connection now leads to another site ({namespace}) than the one it was made for ({this.connection.namespace}); "
            "correct its URL, or add the other site as a connection of its own."
        )
    read = {}
    while True:
        asked = [s for s in wanted if s not in this.lost_scopes]
        try:
            for reference in this.opened.source.reference(asked):
                digest = blake2b(reference.body, digest_size=16).hexdigest()
                read[reference.scope or ""] = syncing.Snapshot(digest, reference.body, now)
            break
        except ScopeError as e:
            this.lose(e, asked)
    with this.commit() as session:
        syncing.save_references(session, this.connection.id, read)
    this.references.update(read)
    this.bases.clear()


def _lacks_fields(this: SyncRun) -> bool:
    """Whether the rules need fields of which the kept dictionary says nothing."""
    connector, site = this.opened.connector, this.references[""]
    return isinstance(connector, Ruled) and bool(connector.unread_fields([Reference(None, site.body)], this.connection.rules))
