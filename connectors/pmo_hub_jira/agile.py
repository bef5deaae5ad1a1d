"""Boards and sprints: read apart from the issues, every few hours, and a sprint by itself when it should start or end about now.

Sprints tell no time of change, so nothing cheaper says that one was started. Where the account may not read boards at all, issues go on
without them, and the sprints are taken from the issues.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import blake2b
from typing import TypeVar

import msgspec
from msgspec import Struct

from pmo_hub.sdk.contract import STATE_VALUE_BYTES, Gone, Mode, Page, Partition, Patch, Payload, Reason, Ref, Rejected
from pmo_hub.sdk.errors import AuthError
from pmo_hub_jira import wire
from pmo_hub_jira.client import JiraClient, Refused
from pmo_hub_jira.instants import epoch_ms
from pmo_hub_jira.reference import estimation_of

PARTITION = "agile"
READ = "agile/read"
HOUR_MS = 3_600_000
FRESH_MS = 6 * HOUR_MS
DUE_MS = HOUR_MS
"""How long after its planned start or end a sprint counts as about to change."""

MOST_DUE = 5
FEW_SCOPES = 20
"""So many projects are asked for their boards one by one; of more, all the site's boards are listed and sifted."""

SIDE_BY_SIDE = 8
"""Requests for boards at once; the connection's own limits still hold."""

ASKED_AHEAD = 64
"""So many boards' answers may wait in memory for the page that takes them."""

_T = TypeVar("_T")

_UNREADABLE = (
    "Jira does not show its boards to this account (the site has no Jira Software, or the token lacks its scopes): "
    "sprints are taken from the issues, and boards and their columns are left out."
)
_SPRINTS_UNREADABLE = "Jira does not show this account the sprints of {} boards: sprints are taken from the issues where these name them."

_ESTIMATING = {"scrum": 0, "simple": 1}


class Known(Struct, omit_defaults=True):
    """The last reading: by the server's clock, and by ours, whose difference to now is what has passed since.

    `scopes` is a digest of the projects it was read for; `due` names the sprints that should start or end before the next full reading,
    with the server's time for it in epoch ms, and `under` the projects that they stand under.
    """

    server: int
    local: int
    scopes: str = ""
    due: dict[str, int] = {}
    under: dict[str, str] = {}

    def now_ms(self, local: datetime) -> int:
        """The server's clock as it must be now; its own time can't be asked for without a request."""
        return self.server + (_ms(local) - self.local)


def _ms(moment: datetime) -> int:
    return int(moment.astimezone(UTC).timestamp() * 1000)


def known(value: str | None) -> Known | None:
    if not value:
        return None
    try:
        return msgspec.json.decode(value, type=Known)
    except msgspec.DecodeError:
        return None


def due_sprints(last: Known, now: datetime) -> list[str]:
    """The sprints to look at again, the longest overdue first, at most five."""
    at = last.now_ms(now)
    found = sorted((moment, id) for id, moment in last.due.items() if moment <= at <= moment + DUE_MS)
    return [id for _, id in found[:MOST_DUE]]


def is_due(last: Known | None, scopes: Sequence[str], now: datetime) -> bool:
    """Whether all is to be read again: after six hours, and where other projects were chosen since."""
    return last is None or last.scopes != digest(scopes) or not 0 <= _ms(now) - last.local < FRESH_MS


def digest(scopes: Sequence[str]) -> str:
    return blake2b(",".join(sorted(scopes)).encode(), digest_size=8).hexdigest()


def held_key(scope: str) -> str:
    """The state key that names a project's boards and sprints of the last reading: `b7 s41 s42`."""
    return f"{scope}/boards"


@dataclass(frozen=True, slots=True)
class FoundBoard:
    """`project`: where the board is, of the chosen ones; `under`: that, or else the project that it was found by."""

    board: wire.Board
    body: bytes
    project: str | None
    under: str | None = None


class Boards:
    """The chosen projects' boards, read once however many ask; for as long as the source is open."""

    def __init__(self, client: JiraClient) -> None:
        self._client = client
        self._lock = threading.Lock()
        self._found: dict[frozenset[str], list[FoundBoard] | None] = {}
        self._configurations: dict[int, bytes | None] = {}
        self._sprints: dict[int, list[bytes]] = {}

    def of(self, scopes: Sequence[str]) -> list[FoundBoard] | None:
        """By id; None where the account may not read boards."""
        key = frozenset(scopes)
        with self._lock:
            if key not in self._found:
                self._found[key] = self._read(key)
            return self._found[key]

    def tell_sprints(self, scopes: Sequence[str]) -> bool:
        """Whether boards and their sprints may be read; of tokens with scopes, some reach the ones and not the others."""
        first = next((found.board for found in self.of(scopes) or () if found.board.type != "kanban"), None)
        if first is None:
            return self.of(scopes) is not None
        sprints = self.sprints(first.id)
        if sprints is not None:
            self._sprints[first.id] = sprints  # read with the others in a moment
        return sprints is not None

    def sprints(self, board: int) -> list[bytes] | None:
        """The board's sprints; None where the account may not read them."""
        if board in self._sprints:
            return self._sprints.pop(board)
        try:
            return [bytes(raw) for raw in self._client.sprints(board)]
        except AuthError:
            return None
        except Refused as refusal:
            if refusal.status != 404:
                raise
            return None

    def _read(self, scopes: frozenset[str]) -> list[FoundBoard] | None:
        few = len(scopes) <= FEW_SCOPES or not self._client.locates_boards
        found: dict[int, FoundBoard] = {}
        missing = 0
        for project in sorted(scopes) if few else (None,):
            try:
                for board, raw in self._client.boards(project):
                    at = str(board.location.project_id) if board.location and board.location.project_id is not None else None
                    at = (at if at in scopes else None) if self._client.locates_boards else project
                    if few or at is not None:
                        under = at or (found[board.id].under if board.id in found else project)
                        found[board.id] = FoundBoard(board, bytes(raw), at, under)
            except AuthError:
                return None
            except Refused as refusal:
                # 400: a project that is gone, which its own partition reports. 404 to all: no such API for this account.
                if refusal.status != 404 and project is None:
                    raise
                missing += refusal.status == 404
        if missing and missing == (len(scopes) if few else 1):
            return None
        return [found[id] for id in sorted(found)]

    def configuration(self, board: int) -> bytes | None:
        """The board's columns and estimation; None where it tells none."""
        if board not in self._configurations:
            try:
                self._configurations[board] = self._client.board_configuration(board)
            except (Refused, AuthError):
                self._configurations[board] = None
        return self._configurations[board]

    def estimations(self, scopes: Sequence[str]) -> dict[str, str]:
        """The field that each project's first board with sprints estimates by, of the projects that have one."""
        by_project: dict[str, list[FoundBoard]] = {}
        for found in self.of(scopes) or ():
            if found.project and found.board.type in _ESTIMATING:
                by_project.setdefault(found.project, []).append(found)
        # A request a board: one after the other they would take minutes on a site with a thousand.
        with ThreadPoolExecutor(SIDE_BY_SIDE, "jira-boards") as pool:
            fields = list(pool.map(self._estimation, by_project.values()))
        return {project: field for project, field in zip(by_project, fields, strict=True) if field}

    def _estimation(self, boards: Sequence[FoundBoard]) -> str | None:
        for found in sorted(boards, key=lambda found: (_ESTIMATING[found.board.type or ""], found.board.id)):
            configuration = self.configuration(found.board.id)
            field = estimation_of(configuration) if configuration else None
            if field:
                return field
        return None


def side_by_side(ask: Callable[[FoundBoard], _T], boards: Sequence[FoundBoard]) -> Iterator[tuple[FoundBoard, _T]]:
    """What each board is asked, in their order, a few at a time: one after the other a thousand of them would take minutes."""
    with ThreadPoolExecutor(SIDE_BY_SIDE, "jira-boards") as pool:
        for start in range(0, len(boards), ASKED_AHEAD):
            some = boards[start : start + ASKED_AHEAD]
            yield from zip(some, pool.map(ask, some), strict=True)


def read_agile(client: JiraClient, boards: Boards, partition: Partition, now: datetime) -> Iterator[Page]:
    """All boards and sprints of the scopes, or only the sprints that are due."""
    last = known(partition.state.get(READ))
    if last is not None and partition.mode is Mode.INCREMENTAL and not is_due(last, partition.scopes, now):
        yield from _read_due(client, last, now)
        return
    found = boards.of(partition.scopes)
    server = client.clock_ms()
    read: dict[str, str | None] = {}
    due: dict[str, int] = {}
    closed = 0
    held: dict[str, list[str]] = {scope: [] for scope in partition.scopes}
    whole = True
    places = {entry.board.id: entry.under for entry in found or ()}

    def told(entry: FoundBoard) -> tuple[bytes | None, list[bytes] | None]:
        return boards.configuration(entry.board.id), boards.sprints(entry.board.id) if entry.board.type != "kanban" else []

    for entry, (configuration, sprints) in side_by_side(told, found or ()):
        under = entry.under
        payloads = [board_payload(entry, configuration)]
        if under is not None:
            held[under].append(f"b{entry.board.id}")
        rejected: list[Rejected] = []
        closed += sprints is None
        for body in sprints or ():
            try:
                sprint = wire.SPRINT.decode(body)
            except (msgspec.DecodeError, UnicodeDecodeError) as error:
                rejected.append(Rejected(None, None, body, f"a sprint of board {entry.board.id} that can't be read: {error}"))
                whole = False
                continue
            id = str(sprint.id)
            if id not in read:  # a sprint may stand on several boards
                # It stands under the project that it was made in, where that is chosen: so a webhook's fetch, too, knows its place.
                read[id] = place = places.get(sprint.origin_board_id or 0) or under
                payloads.append(_sprint_payload(id, place, body))
                if place is not None:
                    held[place].append(f"s{id}")
                moment = _moment(sprint)
                if moment is not None and server - DUE_MS <= moment <= server + FRESH_MS + DUE_MS:
                    due[id] = moment
        yield Page(payloads, rejected=rejected)
    where = {id: scope for id in due if (scope := read[id]) is not None}
    patch: dict[str, str | None] = {READ: _text(Known(server, _ms(now), digest(partition.scopes), due, where))}
    notices = () if found is not None and not closed else (_UNREADABLE if found is None else _SPRINTS_UNREADABLE.format(closed),)
    gone: list[Gone] = []
    if found is not None and whole and not closed:
        gone, kept = _gone(client, partition, held)
        patch |= kept
    yield Page(state=patch, gone=gone, notices=notices)


def _gone(client: JiraClient, partition: Partition, held: dict[str, list[str]]) -> tuple[list[Gone], Patch]:
    """Boards and sprints that were there before and are no more, and what to remember; nothing of a project that can't be seen now."""
    before = {scope: text.split() for scope in held if (text := partition.state.get(held_key(scope)))}
    emptied = [scope for scope in before if not held[scope]]
    there = {project.id for project in client.projects(emptied)} if emptied else set()
    told = [scope for scope in held if held[scope] or scope not in before or scope in there]
    present = {name for names in held.values() for name in names}
    ended = {name for scope in told for name in before.get(scope, ()) if name not in present}
    kinds = {"b": "board", "s": "sprint"}
    gone = [Gone(Ref(kinds[name[0]], name[1:]), Reason.DELETED) for name in sorted(ended)]
    texts = {held_key(scope): " ".join(held[scope]) for scope in told}
    return gone, {key: text or None for key, text in texts.items() if len(text) < STATE_VALUE_BYTES}


def _read_due(client: JiraClient, last: Known, now: datetime) -> Iterator[Page]:
    ids = due_sprints(last, now)
    payloads = []
    due = dict(last.due)
    for id in ids:
        try:
            body = client.sprint(id)
            moment = _moment(wire.SPRINT.decode(body))
        except (Refused, AuthError, msgspec.DecodeError, UnicodeDecodeError):
            del due[id]  # the next full reading will tell
            continue
        payloads.append(_sprint_payload(id, last.under.get(id), body))
        if moment is None:
            del due[id]
        else:
            due[id] = moment
    patch = {READ: _text(Known(last.server, last.local, last.scopes, due, last.under))} if due != last.due else {}
    if payloads or patch:
        yield Page(payloads, patch)


def _moment(sprint: wire.Sprint) -> int | None:
    """When the sprint should change its state next, in epoch ms; None for a closed one and one without dates."""
    return epoch_ms({"future": sprint.start_date, "active": sprint.end_date}.get(sprint.state or ""))


def _text(state: Known) -> str:
    return msgspec.json.encode(state).decode()


def _sprint_payload(id: str, scope: str | None, body: bytes) -> Payload:
    return Payload(Ref("sprint", id), scope, body)


def board_payload(found: FoundBoard, configuration: bytes | None) -> Payload:
    body = b'{"board":' + found.body + b',"configuration":' + (configuration or b"null") + b"}"
    return Payload(Ref("board", str(found.board.id)), found.under or found.project, body)
