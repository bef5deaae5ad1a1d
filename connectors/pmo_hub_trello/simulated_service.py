"""Serves a simulated Trello: its operations, credentials, clock, limits, faults and the log of what was asked."""
from __future__ import annotations

import re
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from pmo_hub.sdk.simulating import Answer, Asked, Logged, Steered, mutation
from pmo_hub_trello.simulated_faults import JSON, Fault, text, too_often
from pmo_hub_trello.simulated_hooks import Hooks
from pmo_hub_trello.simulated_mutations import Mutations
from pmo_hub_trello.simulated_world import Board, Json, World, encode, page

MOST_A_PAGE = 1_000
WINDOW_S = 10.0
_CREDENTIAL = re.compile(r'oauth_consumer_key="([^"]*)", ?oauth_token="([^"]*)"')

Query = Mapping[str, str]


class Refused(Exception):
    """The request is answered with this instead."""

    def __init__(self, status: int, words: str) -> None:
        super().__init__(words)
        self.status = status


@dataclass(slots=True)
class Limits:
    """`requests` a token may send in ten seconds, none where it is 0; `batch` is what a batch counts an address in it as.

    `objects` is what one page may hold, with what is nested in it.
    """
    requests: int = 100
    batch: int = 0
    objects: int = MOST_A_PAGE
    times: deque[float] = field(default_factory=deque)
    most: int = 0

    def left(self, now: float, cost: int) -> int:
        """How many are left in the window that ends now, after this one; below zero it is refused."""
        while self.times and self.times[0] <= now - WINDOW_S:
            self.times.popleft()
        left = self.requests - len(self.times) - cost
        if left >= 0 or not self.requests:
            self.times.extend([now] * cost)
        self.most = max(self.most, len(self.times))
        return left if self.requests else self.requests


class Simulator(Steered[Fault]):
    """One simulated Trello. `answer` is the whole wire without a socket; `monotonic` is what the rate limit is counted by."""

    log: deque[Logged]

    def __init__(
        self, world: World, now: datetime, clock: Callable[[], datetime] | None = None, *, key: str = "simulated-key",
        token: str = "", monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(Fault, now, clock, "https://api.trello.example/1")
        self.world = world
        self.key, self.token = key, token or f"simulated-token-{world.seed}"
        self.limits = Limits(requests=0)
        self.hooks = Hooks(self)
        self._monotonic = monotonic
        self.mutations = Mutations(world, self.now)
        self._routes: Sequence[tuple[str, re.Pattern[str], Callable[..., Any]]] = [
            (method, re.compile(pattern), handler) for method, pattern, handler in (
                ("GET", r"/members/me", self._me), ("GET", r"/members/me/boards", self._my_boards),
                ("GET", r"/members/me/organizations", self._workspaces), ("GET", r"/organizations/(\w+)/boards", self._workspace_boards),
                ("GET", r"/members/me/tokens", self._tokens), ("GET", r"/boards/(\w+)", self._board),
                ("GET", r"/boards/(\w+)/cards/all", self._cards), ("GET", r"/boards/(\w+)/actions", self._actions),
                ("GET", r"/cards/(\w+)", self._card), ("GET", r"/cards/(\w+)/actions", self._card_actions),
                ("GET", r"/lists/(\w+)/cards", self._list_cards), ("GET", r"/actions/(\w+)", self._action), ("GET", r"/batch", self._batch),
                ("POST", r"/webhooks/", self._add_hook), ("PUT", r"/webhooks/(\w+)", self._change_hook),
                ("DELETE", r"/webhooks/(\w+)", self._drop_hook),
            )]

    # What a test or the demo asks for

    def config(self) -> dict[str, str]:
        """The values of a connection to this site."""
        return {"url": self.url, "api_key": self.key, "token": self.token}

    @property
    def projects(self) -> list[str]:
        """Ids of the boards that the caller sees."""
        return [id for id in self.world.boards if self.world.sees(id)]

    def mutate(self, what: str, *arguments: Any, **named: Any) -> Any:
        """Does one of the things of Mutations between two requests."""
        does = mutation(self.mutations, what)
        with self.lock:
            self.mutations.told.clear()
            done = does(*arguments, **named)
            self.hooks.note(self.mutations.told)
            return done

    def reset_log(self) -> None:
        with self.lock:
            super().reset_log()
            self.limits.most = 0
            self.limits.times.clear()

    # The wire

    def answer(self, method: str, path: str, query: str = "", headers: Mapping[str, str] | None = None, body: bytes = b"") -> Answer:
        """The answer to one request, whose path begins with /1; header names in lower case."""
        asked = Asked(method, path.removeprefix("/1"), dict(parse_qsl(query, keep_blank_values=True)), headers or {}, body)
        with self.lock:
            answer = self._answer(asked)
            label = f"{method} {re.sub(r'/[0-9a-zA-Z]{8}(?:[0-9a-f]{16})?(?=/|$)', '/{id}', asked.path)}"
            return self.noted(label, Logged(method, asked.path, asked.query, 0 if answer.reset else answer.status), answer)

    def _answer(self, asked: Asked) -> Answer:
        cost = max(1, self.limits.batch * len(asked.query.get("urls", "").split(","))) if asked.path == "/batch" else 1
        left = self.limits.left(self._monotonic(), cost)

        def handled(struck: Sequence[Fault]) -> Answer:
            if left < 0:
                return too_often()
            return self._known(asked.headers.get("authorization", "")) or self._handled(asked.method, asked.path, asked.query, struck)

        answer = self.faulted(asked, handled)
        told = (("x-rate-limit-api-token-interval-ms", "10000"), ("x-rate-limit-api-token-max", str(self.limits.requests)),
                ("x-rate-limit-api-token-remaining", str(max(0, left)))) if self.limits.requests else ()
        return replace(answer, headers=(*answer.headers, *told))

    def _known(self, authorization: str) -> Answer | None:
        """None for the right credential, which has to stand in the header."""
        found = _CREDENTIAL.search(authorization)
        if found is None or found.group(1) != self.key:
            return text(401, "invalid key")
        return None if found.group(2) == self.token else text(401, "invalid token")

    def _handled(self, method: str, path: str, query: Query, struck: Sequence[Fault]) -> Answer:
        try:
            return Answer(200, encode(self._routed(method, path, query, struck)), JSON)
        except Refused as refused:
            return text(refused.status, str(refused))

    def _routed(self, method: str, path: str, query: Query, struck: Sequence[Fault] = ()) -> Any:
        for known, pattern, handler in self._routes:
            found = pattern.fullmatch(path) if known == method else None
            if found is not None:
                paged = handler in (self._cards, self._actions)
                return handler(*found.groups(), query, *((struck,) if paged else ()))
        raise Refused(404, f"Cannot {method} {path}")

    # Members and boards

    def _me(self, query: Query) -> Json:
        person = self.world.people[self.world.caller]
        return {"id": person.id, "fullName": person.name, "username": person.username}

    def _my_boards(self, query: Query) -> list[Json]:
        mine = (board for board in self.world.boards.values() if self.world.caller in board.members and self.world.sees(board.id))
        return [self._brief(board) for board in mine if query.get("filter") == "all" or not board.closed]

    def _workspaces(self, query: Query) -> list[Json]:
        return [{"id": id, "displayName": name} for id, name in self.world.workspaces.items()]

    def _workspace_boards(self, workspace: str, query: Query) -> list[Json]:
        if workspace not in self.world.workspaces:
            raise Refused(404, "model not found")
        found = (board for board in self.world.boards.values() if board.workspace == workspace and self.world.sees(board.id))
        return [self._brief(board) for board in found if query.get("filter") == "all" or not board.closed]

    def _brief(self, board: Board) -> Json:
        return {"id": board.id, "name": board.name, "closed": board.closed, "shortLink": board.link, "idOrganization": board.workspace,
                "shortUrl": f"https://trello.com/b/{board.link}", "dateLastActivity": board.activity}

    def _board(self, id: str, query: Query) -> Json:
        board = self._seen(id)
        found = self._brief(board)
        if "fields" in query:
            found = {name: value for name, value in found.items() if name == "id" or name in query["fields"].split(",")}
        if query.get("lists", "open") != "none" and "lists" in query:
            found["lists"] = [entry for entry in board.lists.values() if query["lists"] == "all" or not entry["closed"]]
        if query.get("labels") == "all":
            found["labels"] = list(board.labels.values())[:int(query.get("labels_limit", "50"))]
        if query.get("members") == "all":
            people = [self.world.people[member] for member in board.members]
            found["members"] = [{"id": p.id, "fullName": p.name, "username": p.username, "email": p.email} for p in people]
        if query.get("memberships") == "all":
            found["memberships"] = [{"id": member, "idMember": member, "memberType": "normal", "unconfirmed": False, "deactivated": left}
                                    for member, left in board.members.items()]
        if query.get("customFields") == "true":
            found["customFields"] = list(board.fields.values())
        return found

    def _seen(self, id: str) -> Board:
        if id not in self.world.boards:
            raise Refused(404, "board not found") if len(id) == 24 else Refused(400, "invalid id")
        if not self.world.sees(id):
            raise Refused(401, "unauthorized permission requested")
        return self.world.boards[id]

    # Cards

    def _cards(self, board: str, query: Query, struck: Sequence[Fault]) -> list[Json]:
        held = self._seen(board)
        limit = min(int(query.get("limit", str(MOST_A_PAGE))), MOST_A_PAGE)
        before = query.get("before")
        for fault in struck:
            if fault.kind == "too_many" and limit > fault.rows:
                raise Refused(403, "Too many checklists")
            before = None if fault.kind == "repeated_page" else before
        if limit > self.limits.objects and query.get("fields") != "id":
            raise Refused(403, "Too many cards")
        found = [self._shown(self.world.cards[id], query) for id in page(held.cards, before, None, limit)]
        if found and any(fault.kind == "odd_card" for fault in struck):
            found[0] = {name: value for name, value in found[0].items() if name != "idBoard"}
        return found

    def _card(self, id: str, query: Query) -> Json:
        card = self.world.find_card(id)
        if card is None:
            raise Refused(404, "The requested resource was not found.") if len(id) in (8, 24) else Refused(400, "invalid id")
        if not self.world.sees(card["idBoard"]):
            raise Refused(401, "unauthorized card permission requested")
        return self._shown(card, query)

    def _shown(self, card: Json, query: Query) -> Json:
        """Nested parts are there where they were asked for; fields that were not are left out."""
        found = self.world.wire_card(card)
        nested = {"checklists": query.get("checklists") == "all", "customFieldItems": query.get("customFieldItems") == "true",
                  "attachments": query.get("attachments") == "true"}
        wanted = set(query["fields"].split(",")) | {"id"} if "fields" in query else found.keys() - nested.keys()
        return {name: value for name, value in found.items() if nested.get(name, name in wanted)}

    def _list_cards(self, id: str, query: Query) -> list[Json]:
        board = next((board for board in self.world.boards.values() if id in board.lists), None)
        if board is None:
            raise Refused(404, "The requested resource was not found.")
        self._seen(board.id)
        cards = (self.world.cards[card] for card in board.cards)
        shown = [card for card in cards if card["idList"] == id and (query.get("filter") == "all" or not card["closed"])]
        return [self._shown(card, query) for card in shown]

    # Actions

    def _actions(self, board: str, query: Query, struck: Sequence[Fault]) -> list[Json]:
        held = self._seen(board)
        before = None if any(fault.kind == "repeated_page" for fault in struck) else query.get("before")
        return self._told(held.actions, query, before)

    def _card_actions(self, id: str, query: Query) -> list[Json]:
        card = self._card(id, {"fields": "id"})["id"]
        return self._told(self.world.by_card.get(card, []), query, query.get("before"))

    def _told(self, ids: list[str], query: Query, before: str | None) -> list[Json]:
        wanted = query.get("filter", "all").split(",")
        limit = min(int(query.get("limit", "50")), MOST_A_PAGE)
        since = query.get("since")
        if wanted != ["all"]:
            ids = [id for id in ids if self.world.actions[id].type in wanted]
        return [self._fields(self.world.wire_action(id), query) for id in page(ids, before, since, limit)]

    def _fields(self, action: Json, query: Query) -> Json:
        names = query["fields"].split(",") if "fields" in query else None
        creator = query.get("memberCreator", "true") == "true"
        return {name: value for name, value in action.items()
                if (creator if name == "memberCreator" else names is None or name == "id" or name in names)}

    def _action(self, id: str, query: Query) -> Json:
        action = self.world.actions.get(id)
        if action is None:
            raise Refused(404, "The requested resource was not found.")
        if action.card is not None and action.card in self.world.cards:
            self._card(action.card, {"fields": "id"})
        return self._fields(self.world.wire_action(id), query)

    def _batch(self, query: Query) -> list[Json]:
        found: list[Json] = []
        urls = query.get("urls", "").split(",")
        if len(urls) > 10:
            raise Refused(400, "maximum number of urls is 10")
        for url in urls:
            parts = urlsplit(url)
            try:
                found.append({"200": self._routed("GET", parts.path, dict(parse_qsl(parts.query, keep_blank_values=True)))})
            except Refused as refused:
                found.append({"statusCode": refused.status, "name": "Error", "message": str(refused)})
        return found

    # Webhooks

    def _tokens(self, query: Query) -> list[Json]:
        return [{"id": "0" * 24, "identifier": "pmo-hub", "idMember": self.world.caller, "dateExpires": None,
                 "permissions": [], "webhooks": self.hooks.listed()}]

    def _add_hook(self, query: Query) -> Json:
        self._seen(query.get("idModel", ""))
        made = self.hooks.add(query["callbackURL"], query["idModel"], query.get("description", ""))
        if made is None:
            raise Refused(400, "A webhook with that callback, model, and token already exists")
        return made

    def _change_hook(self, id: str, query: Query) -> Json:
        found = self.hooks.held.get(id)
        if found is None:
            raise Refused(404, "The requested resource was not found.")
        found["active"] = query.get("active", "true") == "true"
        return found

    def _drop_hook(self, id: str, query: Query) -> Json:
        if self.hooks.held.pop(id, None) is None:
            raise Refused(404, "The requested resource was not found.")
        return {"limits": {}}
