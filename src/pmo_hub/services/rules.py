"""An admin's rules for how a connection maps: shown with the words that they speak of, checked, kept, and followed by a re-map."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pmo_hub.sdk.contract import Connector, Reference, Ruled, Word
from pmo_hub.sdk.errors import ConfigError
from pmo_hub.services import audit, runs, sources, sync
from pmo_hub.services.errors import Conflict, Fault, Invalid, NotFound
from pmo_hub.services.hub import Hub
from pmo_hub.services.mapping import COUNTS, COUNTS_SCHEMA, words_of
from pmo_hub.services.runs import RunInfo
from pmo_hub.store.bulk import json_text
from pmo_hub.store.repositories import connections as rows
from pmo_hub.store.repositories import syncing
from pmo_hub.store.repositories.connections import Stored
from pmo_hub.store.unit_of_work import Session

LONGEST_RULES = 200_000
"""Characters of all rules of a connection together."""


@dataclass(frozen=True, slots=True)
class RulesInfo:
    """`rules` as values; `schema` draws the form; `words` are what the source's dictionaries know, with their meaning under these rules.

    `unread_fields` are fields that the rules need and that were never fetched.
    """

    connection_id: str
    rules: Mapping[str, Any]
    schema: Mapping[str, Any]
    words: Sequence[Word]
    unread_fields: Sequence[str]
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class Accepted:
    """The rules as they are now, and the runs that make the rows follow: a re-map, and a full read where a field was never fetched."""

    info: RulesInfo
    runs: Sequence[RunInfo]


@dataclass(frozen=True, slots=True)
class Checked:
    """Rules that may be kept. `unread_fields` were never fetched."""

    texts: Mapping[str, str]
    unread_fields: Sequence[str]


def schema_of(connector: Connector) -> dict[str, Any]:
    """The JSON Schema of all rules that a connection of this connector understands: the connector's own, and the hub's."""
    own = dict(connector.rules_schema()) if isinstance(connector, Ruled) else {}
    return {
        "type": "object", "additionalProperties": False, **own, "properties": {**own.get("properties", {}), COUNTS: dict(COUNTS_SCHEMA)},
    }  # fmt: skip


def get(hub: Hub, connection_id: str) -> RulesInfo:
    """The connection's rules; raises NotFound."""
    connection = stored(hub, connection_id)
    return _info(hub, connection, sources.connector_named(hub, connection.connector))


def put(hub: Hub, connection_id: str, wanted: Mapping[str, Any], actor: str, seen: datetime | None = None) -> Accepted:
    """The connection maps by exactly these rules, from a re-map on that is queued; raises Invalid naming every fault.

    `seen`: the connection's updated_at that the change was decided on. The same rules again change nothing.
    """
    connection = stored(hub, connection_id)
    if connection.state == rows.REMOVED:
        raise Conflict("The connection was taken away and its data is read-only: it is mapped as it was.")
    connector = sources.connector_named(hub, connection.connector)
    found = checked(hub, connection, wanted)
    now = hub.now()
    with hub.work.write() as session:
        held = rows.find(session, connection.id)
        if held is None or held.updated_at != (seen or connection.updated_at):
            raise Conflict("Somebody changed the connection meanwhile: read its rules again and decide anew.")
        changed = sorted(key for key in held.rules.keys() | found.texts.keys() if held.rules.get(key) != found.texts.get(key))
        run_ids = []
        if changed:
            rows.update(session, connection.id, {"rules": dict(found.texts), "updated_at": now})
            run_ids = follow(session, connection.id, found, now)
            detail = {"changed": changed, "rules": dict(found.texts), "unread_fields": list(found.unread_fields), "runs": run_ids}
            audit.record(session, actor, "connection.rules_changed", "connection", connection.id, detail, now)
    info = _info(hub, stored(hub, connection.id), connector)
    return Accepted(info, [runs.get(hub, run_id) for run_id in run_ids])


def follow(session: Session, connection_id: str, found: Checked, now: datetime) -> list[str]:
    """The runs are queued that make the rows follow the rules; returns their ids."""
    modes = (syncing.REMAP, *(("full",) if found.unread_fields else ()))
    return [sync.enqueue(session, connection_id, mode, now) for mode in modes]


def checked(hub: Hub, connection: Stored, wanted: Mapping[str, Any]) -> Checked:
    """The rules as texts; raises Invalid. The source is asked only where its kept dictionaries lack a word that a rule names."""
    connector = sources.connector_named(hub, connection.connector)
    texts = checked_shape(connector, wanted)
    if not isinstance(connector, Ruled):
        return Checked(texts, ())
    kept = references_of(hub, connection.id)
    faults = connector.check_rules(kept, texts)
    if faults and all(fault.may_be_new for fault in faults):
        asked = sorted({scope for fault in faults for scope in fault.scopes})
        with sources.opening(hub, connection, texts) as opened:
            fresh = list(opened.source.reference(asked))
        told = {r.scope for r in fresh}
        faults = connector.check_rules([*fresh, *(r for r in kept if r.scope is not None and r.scope not in told)], texts)
    if faults:
        raise Invalid.of([Fault(f"/rules{fault.pointer}", fault.why, "rule") for fault in faults])
    return Checked(texts, tuple(connector.unread_fields(kept, texts)) if kept else ())


def checked_shape(connector: Connector, wanted: Mapping[str, Any]) -> dict[str, str]:
    """The rules as texts in canonical order, as far as they can be checked without a source; raises Invalid."""
    known = schema_of(connector)["properties"]
    # A connector that declares no rules may read some all the same.
    unknown = wanted.keys() - known.keys() if isinstance(connector, Ruled) else set()
    faults = [
        Fault(f"/rules/{_escaped(key)}", f"There is no rule {key!r}; there are {', '.join(sorted(known))}.", "unknown")
        for key in sorted(unknown)
    ]
    texts = {key: json_text(value) for key, value in sorted(wanted.items()) if value is not None}
    if COUNTS in texts:
        faults += _counts_faults(wanted[COUNTS])
    if sum(map(len, texts.values())) > LONGEST_RULES:
        faults.append(Fault("/rules", f"Rules are at most {LONGEST_RULES} characters long, all together.", "too_long"))
    if isinstance(connector, Ruled) and not faults:
        try:
            faults += [Fault(f"/rules{f.pointer}", f.why, "rule") for f in connector.check_rules((), texts)]
        except ConfigError as error:
            faults.append(Fault("/rules", str(error), "rule"))
    if faults:
        raise Invalid.of(faults)
    return texts


def references_of(hub: Hub, connection_id: str) -> list[Reference]:
    """The newest kept dictionaries: the site's, and those of its scopes, where some sources have most words. None without the site's."""
    with hub.work.read() as session:
        return kept_references(session, connection_id)


def kept_references(session: Session, connection_id: str) -> list[Reference]:
    found = syncing.newest_references(session, connection_id)
    return [Reference(scope or None, found[scope].body) for scope in sorted(found)] if "" in found else []


def stored(hub: Hub, connection_id: str) -> Stored:
    with hub.work.read() as session:
        found = rows.find(session, connection_id)
    if found is None:
        raise NotFound("connection", connection_id)
    return found


def values(texts: Mapping[str, str]) -> dict[str, Any]:
    """Stored rules as the JSON that they are the text of."""
    return {key: json.loads(text) for key, text in sorted(texts.items())}


def _info(hub: Hub, connection: Stored, connector: Connector) -> RulesInfo:
    kept = references_of(hub, connection.id)
    unread = tuple(connector.unread_fields(kept, connection.rules)) if kept and isinstance(connector, Ruled) else ()
    words = words_of(connector, kept, connection.rules)
    return RulesInfo(connection.id, values(connection.rules), schema_of(connector), words, unread, connection.updated_at)


def _counts_faults(value: Any) -> list[Fault]:
    if not isinstance(value, Mapping):
        return [Fault(f"/rules/{COUNTS}", "This rule is an object with the lists types and labels.", "rule")]
    faults = [
        Fault(f"/rules/{COUNTS}/{_escaped(str(key))}", f"There is no {key!r} here; there are types and labels.", "unknown")
        for key in value
        if key not in COUNTS_SCHEMA["properties"]
    ]
    for key in ("types", "labels"):
        given = value.get(key) or []
        if not isinstance(given, list) or not all(isinstance(one, str) for one in given):
            faults.append(Fault(f"/rules/{COUNTS}/{key}", "This is a list of names.", "rule"))
    return faults


def _escaped(key: str) -> str:
    return key.replace("~", "~0").replace("/", "~1")
