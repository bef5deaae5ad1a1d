"""The Trello connector: the plugin, and the source that it opens: boards by the API, and board export files."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import IO, Any, ClassVar

from pydantic import BaseModel

from pmo_hub.sdk.config_fields import expiry
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
    RuleFault,
    Scope,
    State,
    Word,
)
from pmo_hub.sdk.errors import AuthError, ConfigError, ScopeError
from pmo_hub.sdk.hooks import Registration
from pmo_hub_trello import exports, mapping, reading, registering, ruling
from pmo_hub_trello.census import KINDS, list_board
from pmo_hub_trello.client import HeaderAuth, Refused, TrelloClient
from pmo_hub_trello.config import TrelloConfig
from pmo_hub_trello.exports import Export, Exports, at_most, export_in, pages_of
from pmo_hub_trello.fetching import fetch_all
from pmo_hub_trello.hooks import TrelloHooks
from pmo_hub_trello.links import Links
from pmo_hub_trello.reading import BoardReader
from pmo_hub_trello.reference import board_reference, site_reference
from pmo_hub_trello.rules import Attached, parse

NAMESPACE = "trello"
"""There is one Trello, and its ids are its own, whether they come by the API or in a file."""


class TrelloConnector:
    """Reads cards, checklists, comments and changes of chosen boards."""

    name: ClassVar[str] = "trello"
    title: ClassVar[str] = "Trello"
    contract: ClassVar[int] = CONTRACT_VERSION
    capabilities: ClassVar[frozenset[Capability]] = frozenset(
        {Capability.INCREMENTAL, Capability.CENSUS, Capability.UPLOAD, Capability.HOOKS}
    )
    # Trello allows a token 100 requests in ten seconds. A bucket may be emptied at once besides what flows into it, and each of several
    # processes holds a second's share: 8 + 8 × 11 is what any ten seconds can see then, and four more that were under way.
    rate_limit: ClassVar[RateLimit] = RateLimit(requests=8, per_s=1.0, concurrency=4)
    census_kinds: ClassVar[tuple[str, ...]] = KINDS
    Config: ClassVar[type[BaseModel]] = TrelloConfig
    hooks: ClassVar[TrelloHooks] = TrelloHooks()

    @contextmanager
    def open(self, config: TrelloConfig, context: Context) -> Iterator[TrelloSource]:
        if config.api_key is None or config.token is None:
            yield TrelloSource(config, context, None)
            return
        auth = HeaderAuth(config.api_key.get_secret_value(), config.token.get_secret_value())
        with context.http(config.url, auth) as http:
            yield TrelloSource(config, context, TrelloClient(http, config.concurrency))

    def mapper(self, references: Sequence[Reference], rules: Mapping[str, str]) -> Mapper:
        return mapping.mapper(references, rules)

    def examine(self, config: TrelloConfig, name: str, file: IO[bytes], context: Context) -> Sequence[Scope]:
        """The board whose export the file is; ConfigError where it is none."""
        found = export_in(context.files, name, at_most(file))
        if found is None:
            raise ConfigError(
                f"The file {name} is no board export: open the board's menu in Trello, then Print, export and share, Export as JSON."
            )
        return [_exported(found)]

    def rules_schema(self) -> Mapping[str, Any]:
        return ruling.SCHEMA

    def check_rules(self, references: Sequence[Reference], rules: Mapping[str, str]) -> Sequence[RuleFault]:
        return ruling.check(references, rules)

    def words(self, references: Sequence[Reference], rules: Mapping[str, str]) -> Sequence[Word]:
        return ruling.words(references, rules)

    def unread_fields(self, references: Sequence[Reference], rules: Mapping[str, str]) -> Sequence[str]:
        return ruling.unread_fields(references, rules)


class TrelloSource:
    """Trello, as the connection's account sees it, and the export files that were uploaded to the connection."""

    def __init__(self, config: TrelloConfig, context: Context, client: TrelloClient | None) -> None:
        self._config = config
        self._context = context
        self._client = client
        self._exports = Exports(context.files, *([context.folder(config.folder)] if config.folder is not None else ()))
        follows = parse(context.rules).dependency_attachments is not Attached.NONE
        self._follows = follows
        self._links = Links(client) if follows and client is not None else None

    def check(self) -> str:
        if self._client is None:
            found = self._exports.newest()
            others = f", and {len(self._exports.others)} files that are none" if self._exports.others else ""
            return f"Reads {len(found)} board export files{others}; nobody is signed in."
        try:
            me = self._client.me()
        except Refused as refusal:
            if refusal.status == 401:
                raise AuthError(f"Trello does not tell the token who it belongs to; create a new one and save it ({refusal})") from None
            raise ConfigError(f"Trello does not say who the token belongs to; check the address of the API ({refusal})") from None
        return f"Signed in to Trello as {me.get('fullName') or me.get('username')}, whose boards are what is seen."

    def namespace(self) -> str:
        return NAMESPACE

    def credential_expires_at(self) -> datetime | None:
        """As the admin said: Trello tells of a token only at an address that holds it."""
        return expiry(self._config.expires_on)

    def scopes(self) -> Iterator[Scope]:
        seen: set[str] = set()
        for board in self._client.boards() if self._client is not None else ():
            seen.add(board["id"])
            yield Scope(
                board["id"], _title(board["id"], board.get("name"), bool(board.get("closed"))), "board", None, board.get("shortUrl")
            )
        for id, export in sorted(self._exports.newest().items()):
            if id not in seen:
                yield _exported(export)

    def appeared(self) -> Iterator[Scope]:
        """Whoever lays a board's export into the watched folder wants it read."""
        if self._config.folder is not None:
            yield from (_exported(export) for _, export in sorted(self._exports.newest().items()))

    def reference(self, scopes: Sequence[str]) -> Iterator[Reference]:
        yield site_reference(self._follows)
        for board in scopes:
            found = self._board(board)
            if found is not None:
                yield found

    def partitions(self, scopes: Sequence[str], state: State, mode: Mode) -> Sequence[Partition]:
        """One a board that has moved, or was not swept for a day; whether it has, is asked of ten boards at once."""
        now = self._context.now()
        files, boards = self._parted(scopes, state)
        found = []
        for board in files:
            export = self._exports.newest().get(board)
            if mode is Mode.FULL or not exports.is_covered(state, board) or (export is not None and exports.is_due(state, export)):
                found.append(Partition(board, (board,), exports.kept(state, board), Mode.FULL))
        fresh = [board for board in boards if mode is Mode.FULL or not reading.is_covered(state, board)]
        found += [Partition(board, (board,), reading.kept(state, board), Mode.FULL) for board in fresh]
        known = [board for board in boards if board not in set(fresh)]
        answers = self._client.activity(known) if known and self._client is not None else []
        for board, (status, seen) in zip(known, answers, strict=True):
            # One that is lost is read all the same, which says so.
            if status != 200 or reading.is_due(state, board, seen.get("dateLastActivity") or "", now):
                found.append(Partition(board, (board,), reading.kept(state, board), Mode.INCREMENTAL))
        return found

    def read(self, partition: Partition) -> Iterator[Page]:
        (board,) = partition.scopes
        if self._client is None or exports.is_covered(partition.state, board) or self._is_file(board, partition.state):
            yield from exports.read_export(self._exports, partition)
            return
        overlap = timedelta(minutes=self._config.overlap_minutes)
        wants_all = partition.mode is Mode.FULL
        with self._blaming(self._client, board):
            yield from BoardReader(self._client, partition, self._context.now(), overlap, self._links, wants_all).pages()

    def fetch(self, refs: Iterable[Ref]) -> Iterator[Page]:
        """By the API where somebody is signed in; what is not there is looked for in the files, whose objects come with their group."""
        wanted = list(dict.fromkeys(refs))
        missing = dict.fromkeys(wanted, Reason.ABSENT)
        if self._client is not None:
            missing = {}
            for page in fetch_all(self._client, wanted, self._links):
                missing.update({gone.ref: gone.reason for gone in page.gone})
                if page.payloads or page.rejected:
                    yield Page(page.payloads, rejected=page.rejected)
        for board in self._exports.newest() if missing else ():
            pages = list(pages_of(self._exports, board, {}))
            here = {payload.ref for page in pages for payload in page.payloads} & missing.keys()
            if here:
                yield from pages
            missing = {ref: why for ref, why in missing.items() if ref not in here}
        if missing:
            yield Page(gone=[Gone(ref, why) for ref, why in missing.items()])

    def census(self, scopes: Sequence[str]) -> Iterator[Listing]:
        """Of boards by the API: what a file holds is compared when it is read."""
        files = set(self._exports.newest()) if self._client is None else set()
        for board in scopes:
            if self._client is not None and board not in files:
                with self._blaming(self._client, board):
                    yield from list_board(self._client, board)

    # Webhooks

    def register(self, url: str, secret: str | None, scopes: Sequence[str]) -> Registration:
        return registering.register(self._signed_in(), url, secret, scopes, self._context.now())

    def renew(self, registration: Registration, scopes: Sequence[str]) -> Registration:
        return registering.renew(self._signed_in(), registration.id, scopes, self._context.now())

    def unregister(self, registration: Registration) -> None:
        registering.unregister(self._signed_in(), registration.id)

    def _signed_in(self) -> TrelloClient:
        if self._client is None:
            raise ConfigError("webhooks need an API key and a token in the connection: nobody is signed in")
        return self._client

    # API or file

    def _parted(self, scopes: Sequence[str], state: State) -> tuple[list[str], list[str]]:
        """Boards that are read from files, and those that are read by the API."""
        files = [board for board in scopes if self._client is None or self._is_file(board, state)]
        return files, [board for board in scopes if board not in set(files)]

    def _is_file(self, board: str, state: State) -> bool:
        """A board that came from a file stays with it; one that was never read is a file's only where the API does not show it."""
        has_export = board in self._exports.newest()
        if exports.is_covered(state, board):
            return True
        if not has_export or reading.is_covered(state, board) or self._client is None:
            return has_export and self._client is None
        return self._client.activity([board])[0][0] != 200

    def _board(self, board: str) -> Reference | None:
        """The board's dictionary, by the API or else from a file; None where neither knows it."""
        if self._client is not None:
            try:
                return board_reference(self._client.board(board))
            except Refused:
                pass
        return board_reference(self._exports.board(board)) if board in self._exports.newest() else None

    @contextmanager
    def _blaming(self, client: TrelloClient, board: str) -> Iterator[None]:
        """What is refused of a board is a ScopeError, once it is sure that the credential is not to blame."""
        try:
            yield
        except Refused as refusal:
            if refusal.status not in (401, 403, 404):
                raise
            client.me()
            raise ScopeError(
                board, f"board {board} is no longer there, or the account may no longer see it; restore the access or remove it"
            ) from None


def _exported(export: Export) -> Scope:
    return Scope(export.board, _title(export.board, export.name, export.closed), "board export", None, export.url)


def _title(id: str, name: object, is_closed: bool) -> str:
    title = name if isinstance(name, str) and name.strip() else id
    return f"{title} (closed)" if is_closed else title
