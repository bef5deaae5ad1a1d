"""The connector of plans in files: the plugin, and the source that it opens over a connection's uploads and watched folder."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import IO, ClassVar

from pydantic import BaseModel

from pmo_hub.sdk.contract import (
    CONTRACT_VERSION,
    Capability,
    Context,
    Gone,
    Listing,
    Mapper,
    Mode,
    Page,
    Partition,
    RateLimit,
    Reason,
    Ref,
    Reference,
    Scope,
    State,
)
from pmo_hub.sdk.errors import ConfigError, ScopeError
from pmo_hub_mspdi import archived_pages, mapping
from pmo_hub_mspdi.archive import Archive
from pmo_hub_mspdi.config import MspdiConfig
from pmo_hub_mspdi.document import read_document
from pmo_hub_mspdi.faults import FileFault
from pmo_hub_mspdi.holdings import ENDINGS, Holding, Shelf
from pmo_hub_mspdi.offered import OneFile
from pmo_hub_mspdi.pages import pages
from pmo_hub_mspdi.reference import plan_reference, site_reference
from pmo_hub_mspdi.spool import Spool

READER = "3"
"""Counts up when files have to be read again because more is read of them."""
NOTICES = "notices"
"""The partition that reads no plan, and tells of files that bring none."""


class MspdiConnector:
    """Reads Microsoft Project files that people upload, or that lie in a folder."""

    name: ClassVar[str] = "mspdi"
    title: ClassVar[str] = "Microsoft Project files"
    contract: ClassVar[int] = CONTRACT_VERSION
    capabilities: ClassVar[frozenset[Capability]] = frozenset({Capability.INCREMENTAL, Capability.UPLOAD})
    # Nothing is asked of anybody; two files at a time are read, because each takes room on the disk.
    rate_limit: ClassVar[RateLimit] = RateLimit(requests=1_000, per_s=1.0, concurrency=2)
    census_kinds: ClassVar[tuple[str, ...]] = ()
    Config: ClassVar[type[BaseModel]] = MspdiConfig

    @contextmanager
    def open(self, config: MspdiConfig, context: Context) -> Iterator[FileSource]:
        with ExitStack() as stack:
            yield FileSource(config, context, stack)

    def mapper(self, references: Sequence[Reference], rules: Mapping[str, str]) -> Mapper:
        return mapping.mapper(references, rules)

    def examine(self, config: MspdiConfig, name: str, file: IO[bytes], context: Context) -> Sequence[Scope]:
        """The plans that the file brings; ConfigError where it holds none that can be read."""
        if not name.lower().endswith(ENDINGS):
            raise ConfigError(f"The file {name} is no Microsoft Project file by its name: its ending is to be .xml, .mpp or .zip.")
        offered = OneFile(name, file, context.now())
        try:
            found = Shelf(config, context).in_file(offered, offered.about(name))
        except FileFault as fault:
            raise ConfigError(_sentence(f"The file {name} {fault}.")) from None
        if not found:
            raise ConfigError(_sentence(f"The file {name} holds no project."))
        return [_scope(one) for one in found]


class FileSource:
    """The plans of a connection, each in the newest file that holds it."""

    def __init__(self, config: MspdiConfig, context: Context, stack: ExitStack) -> None:
        self._config = config
        self._shelf = Shelf(config, context)
        self._stack = stack
        self._lock = threading.Lock()
        self._indexes: dict[str, archived_pages.Index] = {}

    def check(self) -> str:
        found = self._shelf.holdings()
        plans = f"{len(found.by_scope)} plans" if len(found.by_scope) != 1 else "One plan"
        where = "was uploaded" if len(found.by_scope) == 1 else "were uploaded"
        if self._config.folder is not None:
            where += f" or lie in {self._config.folder}"
        bad = f"; {len(found.notices)} files need a look: {found.notices[0]}" if found.notices else ""
        return _sentence(f"{plans} {where}{bad.removesuffix('.')}.")

    def namespace(self) -> str:
        return "file"

    def scopes(self) -> Iterator[Scope]:
        for holding in sorted(self._shelf.holdings().by_scope.values(), key=lambda one: (one.name, one.scope)):
            yield _scope(holding)

    def appeared(self) -> Iterator[Scope]:
        """Whoever lays a plan into the watched folder wants it read."""
        if self._config.folder is not None:
            yield from self.scopes()

    def reference(self, scopes: Sequence[str]) -> Iterator[Reference]:
        yield site_reference(self._config.time_zone)
        held = self._shelf.holdings().by_scope
        for scope in scopes:
            holding = held.get(scope)
            if holding is not None and holding.head is not None:
                yield plan_reference(scope, holding.head)

    def partitions(self, scopes: Sequence[str], state: State, mode: Mode) -> Sequence[Partition]:
        """One a plan whose file differs from what was read; of a plan without a file, one that says so."""
        found = self._shelf.holdings()
        partitions = []
        for scope in scopes:
            holding, key = found.by_scope.get(scope), _digest(scope)
            if mode is Mode.FULL or holding is None or state.get(key) != _read_as(holding):
                partitions.append(Partition(scope, (scope,), {key: state[key]} if key in state else {}, mode))
        if found.notices:
            partitions.append(Partition(NOTICES, (), {}, mode))
        return partitions

    def read(self, partition: Partition) -> Iterator[Page]:
        found = self._shelf.holdings()
        if not partition.scopes:
            yield Page(notices=found.notices)
            return
        (scope,) = partition.scopes
        holding = found.by_scope.get(scope)
        if holding is None:
            raise ScopeError(scope, f"No file holds the plan {scope} any more; its data stays: upload it again, or give the plan up.")
        yield from self._group(holding, {_digest(scope): _read_as(holding)})

    def fetch(self, refs: Iterable[Ref]) -> Iterator[Page]:
        """The whole plans of what is wanted; what a plan's newest file lacks is deleted."""
        wanted: dict[str, set[Ref]] = {}
        held = self._shelf.holdings().by_scope
        for ref in refs:
            scope = ref.external_id if ref.external_id in held else ref.external_id.rpartition("/")[0]
            wanted.setdefault(scope, set()).add(ref)
        for scope, members in wanted.items():
            if scope not in held:
                continue
            missing = set(members)
            for page in self._group(held[scope], {}):
                missing.difference_update(payload.ref for payload in page.payloads)
                yield page
            if missing:
                yield Page(gone=[Gone(ref, Reason.DELETED) for ref in sorted(missing, key=str)])

    def census(self, scopes: Sequence[str]) -> Iterator[Listing]:
        yield from ()

    def _group(self, holding: Holding, state: Mapping[str, str]) -> Iterator[Page]:
        """The pages of one plan; ScopeError where its file can't be read, so that the others are."""
        try:
            if holding.archived is not None:
                yield from archived_pages.pages(self._index(holding.archived.archive), holding.scope, state)
                return
            with Spool() as spool:
                with holding.open() as file:
                    document = read_document(file, spool)
                yield from pages(document, holding.scope, state, self._shelf.holdings().resolve, zeroes=holding.is_converted)
        except FileNotFoundError:
            raise ScopeError(holding.scope, f"The file {holding.file} went while it was read; its data stays as it was.") from None
        except FileFault as fault:
            why = _sentence(f"The file {holding.file} {fault}; the data of {holding.name!r} stays as it was.")
            raise ScopeError(holding.scope, why) from None

    def _index(self, archive: Archive) -> archived_pages.Index:
        with self._lock:
            if archive.digest not in self._indexes:
                self._indexes[archive.digest] = archived_pages.Index(archive, self._stack.enter_context(Spool()))
            return self._indexes[archive.digest]


def _scope(holding: Holding) -> Scope:
    return Scope(holding.scope, holding.name[:200], "plan" if holding.archived is None else "archived project")


def _digest(scope: str) -> str:
    return f"{scope}/sha256"


def _read_as(holding: Holding) -> str:
    return f"{READER}:{holding.digest}"


def _sentence(text: str) -> str:
    """One line that a form has room for."""
    line = " ".join(text.split())
    return line if len(line) <= 390 else f"{line[:386]} …"
