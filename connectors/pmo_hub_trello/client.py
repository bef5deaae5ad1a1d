"""Trello's endpoints as functions: what is asked, how it is paged, which answer means what.

The credential goes in the Authorization header: addresses end up in logs. Answers are read as plain JSON here and cut to what is kept in
`splitting`; nothing else sees what Trello sent. Formats: developer.atlassian.com/cloud/trello/rest.
"""

from __future__ import annotations

import threading
from collections.abc import Generator, Iterator, Sequence
from typing import Any
from urllib.parse import quote, urlencode

import msgspec

from pmo_hub.sdk.errors import AuthError, ConfigError, TransientError
from pmo_hub.sdk.http import RETRIED_STATUSES, Auth, Client, Request, Response, error_of, is_web_page

Json = dict[str, Any]
Query = Sequence[tuple[str, str]]

CARDS_A_PAGE = 300
FEWEST_A_PAGE = 10
ACTIONS_A_PAGE = 1_000
URLS_A_BATCH = 10
IDS_A_PAGE = 1_000

CARD_FIELDS = (
    "name", "desc", "closed", "idBoard", "idList", "idMembers", "labels", "due", "start", "dueComplete", "dateLastActivity", "shortLink",
    "shortUrl", "isTemplate", "cardRole", "mirrorSourceId",
)  # fmt: skip
BOARD_FIELDS = ("name", "closed", "shortUrl", "shortLink", "dateLastActivity", "idOrganization")
WHOLE_CARD: Query = (
    ("fields", ",".join(CARD_FIELDS)), ("checklists", "all"), ("customFieldItems", "true"), ("attachments", "true"), ("members", "false"),
    ("stickers", "false"),
)  # fmt: skip
# The defaults bite: nested lists are the open ones, labels the first fifty.
WHOLE_BOARD: Query = (
    ("fields", ",".join(BOARD_FIELDS)), ("lists", "all"), ("labels", "all"), ("labels_limit", "1000"), ("members", "all"),
    ("member_fields", "fullName,username,email"), ("memberships", "all"), ("customFields", "true"), ("cards", "none"),
)  # fmt: skip
ACTIONS: Query = (
    ("filter", "all"), ("fields", "id,type,date,idMemberCreator,data"), ("member", "false"), ("memberCreator_fields", "fullName,username"),
    ("limit", str(ACTIONS_A_PAGE)),
)  # fmt: skip


class Refused(ConfigError):
    """Trello does not show that, or not to us (400, 401 for one object, 403, 404); `status` tells which."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status = status


class TooMuch(Refused):
    """The answer would have held too many objects."""


class HeaderAuth(Auth):
    """Key and token in one Authorization header."""

    def __init__(self, key: str, token: str) -> None:
        self._header = f'OAuth oauth_consumer_key="{key}", oauth_token="{token}"'

    def auth_flow(self, request: Request) -> Generator[Request, Response, None]:
        request.headers["Authorization"] = self._header
        yield request


class TrelloClient:
    """Trello as one account sees it; safe to call from several threads."""

    def __init__(self, http: Client, concurrency: int) -> None:
        self._http = http
        self._slots = threading.BoundedSemaphore(concurrency)

    # Who and what

    def me(self) -> Json:
        return self._object("/members/me", (("fields", "fullName,username"),))

    def boards(self) -> Iterator[Json]:
        """Boards of the member and of its workspaces, closed ones too, each once."""
        fields = (("filter", "all"), ("fields", "name,closed,shortUrl,idOrganization"))
        seen: set[str] = set()
        workspaces = [w["id"] for w in self._array("/members/me/organizations", (("fields", "displayName"),))]
        for path in ("/members/me/boards", *(f"/organizations/{id}/boards" for id in workspaces)):
            for board in self._array(path, fields):
                if board["id"] not in seen:
                    seen.add(board["id"])
                    yield board

    def activity(self, boards: Sequence[str]) -> list[tuple[int, Json]]:
        """Status and gate of each board, ten a request."""
        return self._batch([(f"/boards/{id}", (("fields", "dateLastActivity"),)) for id in boards])

    def board(self, board: str) -> Json:
        """The board with its lists, labels, members and custom fields."""
        return self._object(f"/boards/{board}", WHOLE_BOARD)

    # Cards

    def cards(self, board: str, before: str | None, limit: int = CARDS_A_PAGE) -> list[Any]:
        """A page of cards, archived ones too, the newest first; the last page is the one that is empty."""
        paging = (("limit", str(limit)), *((("before", before),) if before else ()))
        return self._list(f"/boards/{board}/cards/all", (*WHOLE_CARD, *paging))

    def card_ids(self, board: str) -> Iterator[str]:
        """Of all cards, page after page."""
        before: str | None = None
        while True:
            paging = (("fields", "id"), ("limit", str(IDS_A_PAGE)), *((("before", before),) if before else ()))
            page = [card["id"] for card in self._array(f"/boards/{board}/cards/all", paging)]
            if not page:
                return
            yield from page
            before = moved_on(before, min(page), "cards")

    def whole_cards(self, cards: Sequence[str]) -> list[tuple[int, Json]]:
        """Status and card of each id, ten a request."""
        return self._batch([(f"/cards/{id}", WHOLE_CARD) for id in cards])

    def linked_cards(self, links: Sequence[str]) -> list[tuple[int, Json]]:
        """Status and id of each short link."""
        return self._batch([(f"/cards/{link}", (("fields", "id"),)) for link in links])

    def cards_of_list(self, list_: str) -> list[str]:
        """Ids of the cards of a list, archived ones too, wherever the list is now; none where it is out of sight."""
        try:
            return [card["id"] for card in self._array(f"/lists/{list_}/cards", (("filter", "all"), ("fields", "id")))]
        except Refused:
            return []

    # Actions

    def actions(self, board: str, before: str | None = None, since: str | None = None) -> list[Json]:
        """A page of what happened on a board, the newest first; the last page is the one that is empty."""
        return self._array(f"/boards/{board}/actions", (*ACTIONS, *_between(before, since)))

    def newest_action(self, board: str) -> str | None:
        found = self._array(f"/boards/{board}/actions", (("filter", "all"), ("fields", "id"), ("limit", "1"), *_between(None, None)))
        return found[0]["id"] if found else None

    def actions_of_card(self, card: str, only: str = "all") -> Iterator[list[Json]]:
        """The pages of all that happened to a card, on whichever board; the default would leave most of it out."""
        before: str | None = None
        while True:
            page = self._array(f"/cards/{card}/actions", (("filter", only), *ACTIONS[1:], *_between(before, None)))
            if not page:
                return
            yield page
            before = moved_on(before, min(action["id"] for action in page), "actions")

    def first_actions(self, cards: Sequence[str], only: str = "all") -> list[tuple[int, Any]]:
        """Status and first page of what happened to each card, ten a request."""
        return self._batch([(f"/cards/{id}/actions", (("filter", only), *ACTIONS[1:])) for id in cards])

    def single_actions(self, ids: Sequence[str]) -> list[tuple[int, Json]]:
        """Status and action of each id, ten a request."""
        fields = (("fields", "id,type,date,idMemberCreator,data"), ("member", "false"), ("memberCreator_fields", "fullName,username"))
        return self._batch([(f"/actions/{id}", fields) for id in ids])

    def action_ids(self, board: str, types: str) -> Iterator[Json]:
        """Id, type and card of all actions of those types on a board."""
        before: str | None = None
        fields = (("filter", types), ("fields", "id,type,data"), ("member", "false"), ("memberCreator", "false"))
        while True:
            page = self._array(f"/boards/{board}/actions", (*fields, ("limit", str(ACTIONS_A_PAGE)), *_between(before, None)))
            if not page:
                return
            yield from page
            before = moved_on(before, min(action["id"] for action in page), "actions")

    # Webhooks

    def webhooks(self) -> list[Json]:
        """Those of the account's tokens. Asked of the member: the token's own address would hold the token."""
        tokens = self._array("/members/me/tokens", (("webhooks", "true"),))
        return [hook for token in tokens for hook in token.get("webhooks") or ()]

    def add_webhook(self, url: str, board: str, description: str) -> None:
        """Trello tries the address before it answers."""
        query = (("callbackURL", url), ("idModel", board), ("description", description), ("active", "true"))
        try:
            self._send("POST", "/webhooks/", query)
        except Refused as refusal:
            if "already exists" not in str(refusal):
                raise

    def revive_webhook(self, id: str) -> None:
        self._send("PUT", f"/webhooks/{id}", (("active", "true"),))

    def drop_webhook(self, id: str) -> None:
        """No error where it is gone already."""
        try:
            self._send("DELETE", f"/webhooks/{id}")
        except Refused as refusal:
            if refusal.status != 404:
                raise

    # Below the endpoints

    def _batch(self, asked: Sequence[tuple[str, Query]]) -> list[tuple[int, Any]]:
        found: list[tuple[int, Any]] = []
        for start in range(0, len(asked), URLS_A_BATCH):
            some = asked[start : start + URLS_A_BATCH]
            # Commas part the addresses: those inside of one are written out.
            urls = ",".join(f"{path}?{urlencode(query, quote_via=quote, safe='')}" for path, query in some)
            answers = self._read("/batch", (("urls", urls),))
            if not isinstance(answers, list) or len(answers) != len(some):
                raise TransientError("Trello answered another number of requests than were asked in one batch")
            found += [_entry(answer) for answer in answers]
        return found

    def _object(self, path: str, query: Query) -> Json:
        found = self._read(path, query)
        if not isinstance(found, dict) or not isinstance(found.get("id"), str):
            raise TransientError(f"Trello's answer to {path} is no object with an id")
        return found

    def _array(self, path: str, query: Query) -> list[Json]:
        """Entries that have an id: others could neither be kept nor paged by."""
        return [entry for entry in self._list(path, query) if isinstance(entry, dict) and isinstance(entry.get("id"), str)]

    def _list(self, path: str, query: Query) -> list[Any]:
        found = self._read(path, query)
        if not isinstance(found, list):
            raise TransientError(f"Trello's answer to {path} is no list")
        return found

    def _read(self, path: str, query: Query) -> Any:
        body = self._send("GET", path, query).content
        try:
            return msgspec.json.decode(body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise TransientError(f"Trello sent an unreadable answer to {path}: {error}") from None

    def _send(self, method: str, path: str, query: Query = ()) -> Response:
        with self._slots:
            response = self._http.request(method, path, params=list(query) or None)
        error = error_of(response, "Trello")
        if error is None:
            return response
        status = response.status_code
        if status in (400, 401, 403, 404) and not is_web_page(response):
            raise _refusal(status, _said(response), f"{method} {path}")
        raise error


def _refusal(status: int, said: str, what: str) -> ConfigError | AuthError:
    """A 401 comes in plain text and means either that the credential is bad, or that one object is not ours to see."""
    words = said.lower()
    if status == 401 and "permission" not in words:
        which = "API key" if "key" in words else "token"
        how = "has expired" if "expired" in words else "is not accepted"
        return AuthError(f"Trello: the {which} {how} (401); create a new one and save it in the connection")
    why = f"Trello refused {what} ({status}){': ' + said if said else ''}"
    return TooMuch(status, why) if status == 403 and "too many" in words else Refused(status, why)


def _said(response: Response) -> str:
    """Trello's own words about a refusal, in one line: some come as JSON, some as text."""
    text = response.text
    try:
        body = msgspec.json.decode(response.content)
        text = str(body.get("message") or body.get("error") or "") if isinstance(body, dict) else text
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        pass
    return " ".join(text.split())[:200]


def _entry(answer: Any) -> tuple[int, Any]:
    """One answer of a batch: `{"200": …}`, or an error object with its status."""
    status, value = 0, None
    if isinstance(answer, dict):
        if isinstance(answer.get("statusCode"), int):
            status, value = answer["statusCode"], answer.get("message")
        elif len(answer) == 1:
            ((code, value),) = answer.items()
            status = int(code) if code.isdigit() else 0
    if status in RETRIED_STATUSES or status < 200:
        raise TransientError(f"Trello answered a part of a batch with status {status}")
    if status == 401 and isinstance(value, str) and "permission" not in value.lower():
        raise _refusal(status, value, "GET /batch")
    return status, value


def _between(before: str | None, since: str | None) -> Query:
    return tuple((name, value) for name, value in (("before", before), ("since", since)) if value)


def moved_on(before: str | None, oldest: str, what: str) -> str:
    """Where the next page begins; a page that does not go further back would be asked for for ever."""
    if before is not None and oldest >= before:
        raise TransientError(f"Trello repeated a page of {what}, so its listing never ends; the run is given up")
    return oldest
