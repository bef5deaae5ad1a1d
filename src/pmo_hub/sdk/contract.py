"""The connector contract, version 1: what a source's plugin gives to the host, and what the host lends to it.

The rules that types can't say stand in ARCHITECTURE.md, "The connector contract"; `docs/decisions/0002-contract-paper-walk.md`
takes four sources through it step by step.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, ClassVar, Protocol, runtime_checkable

import httpx
from pydantic import BaseModel

from pmo_hub.domain.records import Record
from pmo_hub.sdk.files import Files

CONTRACT_VERSION = 1

State = Mapping[str, str]
"""Key → text that only the connector reads; a value is at most `STATE_VALUE_BYTES` long."""

Patch = Mapping[str, str | None]
"""What a page changes in the state, true once exactly this page is committed; None removes the key."""

STATE_VALUE_BYTES = 64 * 1024
LISTING_IDS = 5_000


class Mode(StrEnum):
    INCREMENTAL = "incremental"
    FULL = "full"


class Reason(StrEnum):
    """Why an object is no longer there."""

    DELETED = "deleted"
    MOVED = "moved"
    NO_ACCESS = "no_access"
    ABSENT = "absent"  # the source does not tell deleted from no_access


class Capability(StrEnum):
    INCREMENTAL = "incremental"
    CENSUS = "census"
    UPLOAD = "upload"
    AUTHORIZE = "authorize"
    HOOKS = "hooks"
    QUERY = "query"


@dataclass(frozen=True, slots=True)
class RateLimit:
    """What the source allows one credential: at most `requests` in `per_s` seconds, `concurrency` of them at once."""

    requests: int
    per_s: float
    concurrency: int


@dataclass(frozen=True, slots=True)
class Ref:
    kind: str
    external_id: str


@dataclass(frozen=True, slots=True)
class Scope:
    """What an admin may choose to read: a Jira project, a Trello board, a plan. `estimate` counts its objects."""

    external_id: str
    name: str
    kind: str
    estimate: int | None = None
    url: str | None = None


@dataclass(frozen=True, slots=True)
class Payload:
    """The smallest thing that the source hands over whole.

    `scope` None means the site's own, or its parent's. `part_of` goes when that goes, and takes its scope. `context` holds small facts
    that the page knew and the bytes lack. `version` is comparable as text; an older one never replaces a newer.
    """

    ref: Ref
    scope: str | None
    body: bytes
    media_type: str = "application/json"
    part_of: Ref | None = None
    context: Mapping[str, str] = field(default_factory=dict)
    version: str | None = None


@dataclass(frozen=True, slots=True)
class Gone:
    ref: Ref
    reason: Reason


@dataclass(frozen=True, slots=True)
class Rejected:
    """What `read` could not even split; `ref` None where not even an id could be read."""

    ref: Ref | None
    scope: str | None
    body: bytes
    why: str


@dataclass(frozen=True, slots=True)
class Group:
    """The page belongs to a group that is merged as one; `last` closes it.

    What the group no longer holds ends by that: its pages call nothing gone. What follows in its partition may be part of it; where an
    admin has to confirm the group first, the state that follows is not kept.
    """

    ref: Ref
    last: bool = False


@dataclass(frozen=True, slots=True)
class Page:
    """What is committed together. `expected` counts objects by kind in this partition; `stale` names scopes whose reference is outdated.

    `notices` are sentences for the admin about what can't be read although the run goes on; the run ends with each of them once.
    """

    payloads: Sequence[Payload] = ()
    state: Patch = field(default_factory=dict)
    gone: Sequence[Gone] = ()
    rejected: Sequence[Rejected] = ()
    expected: Mapping[str, int] = field(default_factory=dict)
    group: Group | None = None
    stale: tuple[str, ...] = ()
    notices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Partition:
    """An independent part of a run. `name` is stable and owns the state keys that start with it; `state` is what the host kept of those."""

    name: str
    scopes: tuple[str, ...]
    state: State
    mode: Mode


@dataclass(frozen=True, slots=True)
class Listing:
    """Ids of one kind that exist in `scopes` together (() = the whole site); at most `LISTING_IDS`; `last` closes that kind and scopes."""

    kind: str
    scopes: tuple[str, ...]
    ids: Sequence[str]
    last: bool


@dataclass(frozen=True, slots=True)
class Reference:
    """A dictionary of the source, of the site (`scope` None) or of one scope: only what mapping reads, in canonical order."""

    scope: str | None
    body: bytes


@dataclass(frozen=True, slots=True)
class Mapped:
    """`owned` records live while any payload claims them; `mentioned` ones never die with a payload, the newest version wins."""

    owned: Sequence[Record] = ()
    mentioned: Sequence[Record] = ()


Mapper = Callable[[Payload], Mapped]
"""Pure; raises RecordError for a payload that it can't map."""


class Source(Protocol):
    """An open connection to a source; its methods are called from several threads."""

    def check(self) -> str:
        """Say in one sentence who we are and what the credential may see, or raise ConfigError, AuthError or TransientError."""
        ...

    def namespace(self) -> str: ...
    def scopes(self) -> Iterator[Scope]: ...
    def reference(self, scopes: Sequence[str]) -> Iterator[Reference]: ...
    def partitions(self, scopes: Sequence[str], state: State, mode: Mode) -> Sequence[Partition]: ...
    def read(self, partition: Partition) -> Iterator[Page]: ...
    def fetch(self, refs: Iterable[Ref]) -> Iterator[Page]: ...
    def census(self, scopes: Sequence[str]) -> Iterator[Listing]: ...


@runtime_checkable
class Selecting(Protocol):
    """What the source of a connector with Capability.QUERY can do besides; one without the capability has no such method."""

    def select(self, scope: str, query: str) -> Iterator[Listing]:
        """Ids of the scope's objects that the source's own query language selects; ConfigError where the source refuses the query."""
        ...


class Grade(StrEnum):
    """How sure it is what a word of the source means."""

    RULED = "ruled"  # an admin said so
    TOLD = "told"  # the source says so itself
    GUESSED = "guessed"  # from its name
    UNMAPPED = "unmapped"  # nothing says it; what stands for it is a default


@dataclass(frozen=True, slots=True)
class Word:
    """An id of the source's dictionaries with what it is mapped to. `dimension` is status, type, priority or field.

    `rule` is the mapping rule that mends it. Of a field, `value` is what it is mapped to, None for a value of its own.
    """

    dimension: str
    id: str
    name: str | None
    value: str | None
    grade: Grade
    rule: str


@dataclass(frozen=True, slots=True)
class RuleFault:
    """`pointer` is a JSON Pointer into the rules; `may_be_new`: the source may know by now what its kept dictionary lacks.

    `scopes` are those whose dictionaries may know it; () means the site's.
    """

    pointer: str
    why: str
    may_be_new: bool = False
    scopes: tuple[str, ...] = ()


@runtime_checkable
class Ruled(Protocol):
    """What a connector can do besides whose mapping an admin may rule. All of it is pure."""

    def rules_schema(self) -> Mapping[str, Any]:
        """A JSON Schema of type object, a property for each rule that the mapper understands: it draws the admin's form."""
        ...

    def check_rules(self, references: Sequence[Reference], rules: Mapping[str, str]) -> Sequence[RuleFault]:
        """What is wrong with the rules; without the site's reference only their shape can be told."""
        ...

    def words(self, references: Sequence[Reference], rules: Mapping[str, str]) -> Sequence[Word]:
        """Every word of the dictionaries, with its meaning under these rules. A dimension that can't be listed has no word."""
        ...

    def unread_fields(self, references: Sequence[Reference], rules: Mapping[str, str]) -> Sequence[str]:
        """Fields that the rules need and that were not asked for when the kept payloads were read."""
        ...


@runtime_checkable
class Expiring(Protocol):
    """What a source can do besides that knows when its credential ends."""

    def credential_expires_at(self) -> datetime | None:
        """When the source will stop accepting the credential if nobody renews it; None where that is not known."""
        ...


@dataclass(frozen=True, slots=True)
class Named:
    """An object that a person named: where it is, and what the source calls it now."""

    ref: Ref
    scope: str | None
    key: str | None = None


@runtime_checkable
class Naming(Protocol):
    """What a source may do besides, whose objects people call otherwise than by the id of their refs."""

    def named(self, text: str) -> Named | None:
        """The object that people call so; None where the account is shown none. An old name of an object that moved finds it."""
        ...


class Credentials(Protocol):
    """Credentials that the source rotates, such as refresh tokens."""

    def load(self) -> tuple[bytes, int]: ...
    def save(self, value: bytes, version: int) -> bool:
        """True when `version` was still the stored one and the value is saved, in its own transaction."""
        ...


class Context(Protocol):
    """What the host lends to an open source."""

    @property
    def credentials(self) -> Credentials: ...
    @property
    def files(self) -> Files: ...
    @property
    def scratch(self) -> Path:
        """A folder of the connection's own for what can be made again; it may be found empty each time a source is opened."""
        ...

    def folder(self, path: str) -> Files:
        """What lies in a folder of the hub's machine that its operator lets connections watch; names are paths below it.

        A file that is still being written is not told. ConfigError where the folder may not be read, or isn't there.
        """
        ...

    @property
    def rules(self) -> Mapping[str, str]:
        """The admin's mapping rules, for what they need to be read."""
        ...

    def http(self, base: str, auth: httpx.Auth | None = None, verify: bool | str = True) -> httpx.Client:
        """A throttled client that retries by the policy of `pmo_hub.sdk.http`."""
        ...

    def throttle(self) -> AbstractContextManager[None]:
        """The same throttle for a library that brings its own HTTP."""
        ...

    def now(self) -> datetime: ...


class Connector(Protocol):
    """A plugin, found by its entry point in group `pmo_hub.connectors`; stateless."""

    name: ClassVar[str]
    title: ClassVar[str]
    contract: ClassVar[int]
    capabilities: ClassVar[frozenset[Capability]]
    rate_limit: ClassVar[RateLimit]
    census_kinds: ClassVar[tuple[str, ...]]
    Config: ClassVar[type[BaseModel]]

    def open(self, config: Any, context: Context) -> AbstractContextManager[Source]: ...
    def mapper(self, references: Sequence[Reference], rules: Mapping[str, str]) -> Mapper:
        """Build the pure mapper for payloads of one scope from the site's and the scope's newest reference, once a batch."""
        ...
