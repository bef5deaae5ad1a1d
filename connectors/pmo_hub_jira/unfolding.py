"""An issue as Data Center gives it, taken apart: the issue itself, its changelog, and what is looked up for it.

An epic is named by its key there, in a custom field; which issue that is, is asked once and goes with the payload as a small fact.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import msgspec
from msgspec import Raw, Struct

from pmo_hub.sdk.contract import Payload, Rejected
from pmo_hub_jira import jql, wire
from pmo_hub_jira.data_center_client import DataCenterClient
from pmo_hub_jira.nesting import decode
from pmo_hub_jira.reference import EPIC_LINK
from pmo_hub_jira.small_facts import LEVEL, PARENT
from pmo_hub_jira.splitting import Split, split_histories, split_issues

EPIC_NAME = "com.pyxis.greenhopper.jira:gh-epic-label"
KEYS_A_REQUEST = 100


class _Changelog(Struct):
    total: int | None = None
    histories: list[Raw] | None = None


class _Whole(Struct):
    id: str
    key: str
    fields: Raw
    changelog: _Changelog | None = None


_WHOLE = msgspec.json.Decoder(_Whole)
_BODY = msgspec.json.Encoder()


@dataclass(slots=True)
class Unfolded:
    """A page of issues. `cut`: those whose changelog came without its end."""

    split: Split
    histories: list[Payload] = field(default_factory=list)
    rejected: list[Rejected] = field(default_factory=list)
    cut: list[str] = field(default_factory=list)


class Unfolder:
    """Takes pages apart for one open source; safe to use from several threads."""

    def __init__(self, client: DataCenterClient, fields: Sequence[dict[str, Any]]) -> None:
        """`fields`: Jira's own list of them."""
        self._client = client
        self.fields = fields
        self.link = _first(fields, EPIC_LINK)
        self.name = _first(fields, EPIC_NAME)
        wanted = [(name, id) for name, id in (("link", self.link), ("name", self.name)) if id]
        contents = msgspec.defstruct("EpicFields", [(name, Any, None) for name, _ in wanted], rename=dict(wanted))
        decoder: msgspec.json.Decoder[Any] = msgspec.json.Decoder(msgspec.defstruct("EpicIssue", [("fields", contents)]))
        self._decode = partial(decode, decoder)
        self._lock = threading.Lock()
        self._ids: dict[str, str | None] = {}

    def unfolded(self, raws: Iterable[Raw]) -> Unfolded:
        bodies: list[Raw] = []
        logs: list[wire.IssueChangeLog] = []
        cut: list[str] = []
        for raw in raws:
            try:
                whole = decode(_WHOLE, raw)
            except (msgspec.DecodeError, UnicodeDecodeError):
                bodies.append(raw)  # rejected with its reason further on
                continue
            # Without `self` and `expand`, whose words depend on the address and the endpoint that was asked.
            bodies.append(Raw(_BODY.encode({"id": whole.id, "key": whole.key, "fields": whole.fields})))
            log = whole.changelog
            if log is not None and log.histories:
                logs.append(wire.IssueChangeLog(whole.id, log.histories))
            if log is not None and (log.total or 0) > len(log.histories or ()):
                cut.append(whole.id)
        split = split_issues(bodies)
        split.payloads = self._told(split.payloads)
        histories, rejected = split_histories(wire.ChangelogPage(logs))
        return Unfolded(split, histories, rejected, cut)

    def _told(self, payloads: list[Payload]) -> list[Payload]:
        """The payloads with what their bytes lack."""
        if not self.link and not self.name:
            return payloads
        found = [self._epic_of(payload.body) for payload in payloads]
        ids = self._looked_up({key for key, _ in found if key})
        told = []
        for payload, (key, is_epic) in zip(payloads, found, strict=True):
            parent = ids.get(key) if key else None
            context = ({PARENT: parent} if parent else {}) | ({LEVEL: "1"} if is_epic else {})
            told.append(replace(payload, context=context) if context else payload)
        return told

    def _epic_of(self, body: bytes) -> tuple[str | None, bool]:
        """The key of the epic that an issue links to, and whether it is one itself."""
        try:
            fields = self._decode(body).fields
        except (msgspec.DecodeError, UnicodeDecodeError):
            return None, False
        link, name = getattr(fields, "link", None), getattr(fields, "name", None)
        return (link if isinstance(link, str) and link else None), bool(name)

    def _looked_up(self, keys: set[str]) -> Mapping[str, str | None]:
        """Ids by key, None for an issue that is not to be seen; each key is asked for once."""
        with self._lock:
            unknown = sorted(keys - self._ids.keys())
            for start in range(0, len(unknown), KEYS_A_REQUEST):
                asked = unknown[start : start + KEYS_A_REQUEST]
                self._ids |= dict.fromkeys(asked)
                query = f"key in ({', '.join(map(jql.quoted, asked))})"
                page = self._client.found(query, ["issuetype"], len(asked), strict=False)
                for raw in page.issues or ():
                    named = decode(_WHOLE, raw)
                    self._ids[named.key] = named.id
            return dict(self._ids)


def _first(fields: Sequence[Mapping[str, Any]], custom: str) -> str | None:
    return next((str(entry["id"]) for entry in fields if (entry.get("schema") or {}).get("custom") == custom), None)
