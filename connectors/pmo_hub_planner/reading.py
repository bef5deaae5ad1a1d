"""Reading plans: each is a group, read whole when the digest of its tasks, buckets or settings differs from the stored one.

Graph v1.0 tells no changes of Planner. A plan's tasks come with their details in one listing, so that comparing costs no request more.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import blake2b
from typing import Any

import msgspec

from pmo_hub.sdk.contract import Group, Mode, Page, Partition, Patch, Payload, Ref, Rejected
from pmo_hub.sdk.errors import ScopeError, StateError, TransientError
from pmo_hub_planner.client import A_BATCH, BETA, V1, GraphClient, Json, Part, Refused

PLANS_A_PARTITION = A_BATCH
PAYLOADS_A_PAGE = 500
BOARD_AGE = timedelta(hours=1)
"""How often a plan's name, buckets and categories are looked at while its tasks stay as they are."""
DELTA = "plans"
"""The one partition where changes are asked for first; its link is saved after everything that it told of was read."""
_LINK = f"{DELTA}/delta"
AGAIN = ""
"""In place of a board's digest: the plan's people could not be named, so it is handed over whole when its board is looked at again."""


@dataclass(slots=True)
class Board:
    """What a plan is besides its tasks, and its payload."""

    payload: Payload
    digest: str


@dataclass(slots=True)
class Tasks:
    """The tasks of a plan; `users` are those that they name."""

    payloads: list[Payload] = field(default_factory=list)
    rejected: list[Rejected] = field(default_factory=list)
    users: set[str] = field(default_factory=set)
    digest: str = ""


class Reader:
    """Reads plans of one opened source."""

    def __init__(self, client: GraphClient, now: datetime) -> None:
        self._client = client
        self._now = now
        self._known: set[str] = set()
        self._nameless: set[str] = set()
        self._expands = True

    def pages(self, partition: Partition, *, delta: bool) -> Iterator[Page]:
        link = None
        if delta:
            link, changed = self._changed(partition)
            # It tells of tasks only: names, buckets and categories are looked at by themselves, as without it.
            is_due = any(self._is_due(partition.state.get(f"{scope}/board_at")) for scope in partition.scopes)
            if not changed and not is_due and partition.mode is Mode.INCREMENTAL:
                return
        for start in range(0, len(partition.scopes), PLANS_A_PARTITION):
            yield from self._chunk(partition, partition.scopes[start : start + PLANS_A_PARTITION])
        if link is not None and link != partition.state.get(_LINK):
            yield Page(state={_LINK: link})

    def _chunk(self, partition: Partition, plans: Sequence[str]) -> Iterator[Page]:
        state, is_full = partition.state, partition.mode is Mode.FULL
        listed = dict(zip(plans, self._listed(plans), strict=True))
        read: dict[str, Tasks] = {}
        due = []
        for plan in plans:
            known = state.get(f"{plan}/tasks")
            is_due = is_full or known is None or self._is_due(state.get(f"{plan}/board_at"))
            if not is_due:
                # Looked at one by one: of twenty plans that are as they were, there are never all tasks in memory.
                tasks = self._split(plan, listed[plan])
                is_due = tasks.digest != known
                if is_due:
                    read[plan] = tasks
            if is_due:
                due.append(plan)
            else:
                del listed[plan]
        boards = dict(zip(due, self.boards(due), strict=True))
        for plan in due:
            tasks = read.pop(plan) if plan in read else self._split(plan, listed[plan])
            board = boards[plan]
            del listed[plan]
            same = state.get(f"{plan}/tasks") == tasks.digest and state.get(f"{plan}/board") == board.digest
            patch: Patch = {f"{plan}/tasks": tasks.digest, f"{plan}/board": board.digest, f"{plan}/board_at": self._now.isoformat()}
            if same and not is_full:
                yield Page(state=patch)
            else:
                # Words of the plan that mapping looks up may be others now.
                stale = (plan,) if state.get(f"{plan}/board") not in (None, AGAIN, board.digest) else ()
                yield from self.group(plan, board, tasks, patch, stale)

    def group(self, plan: str, board: Board, tasks: Tasks, patch: Patch | None = None, stale: tuple[str, ...] = ()) -> Iterator[Page]:
        """The pages of one plan, whole; the people first, whom its tasks name."""
        yield from self._people(tasks.users)
        if patch and not self._nameless.isdisjoint(tasks.users):
            patch = {**patch, f"{plan}/board": AGAIN}
        payloads = [board.payload, *tasks.payloads]
        ref = Ref("plan", plan)
        starts = range(0, len(payloads), PAYLOADS_A_PAGE)
        for start in starts:
            last = start == starts[-1]
            yield Page(
                payloads[start : start + PAYLOADS_A_PAGE], patch or {} if last else {}, rejected=tasks.rejected if last else (),
                group=Group(ref, last), stale=stale if last else (),
            )  # fmt: skip

    def tasks(self, plans: Sequence[str]) -> list[Tasks]:
        """Of each plan all tasks, with their details; ScopeError for a plan that is gone or that the application may not read."""
        return [self._split(plan, part) for plan, part in zip(plans, self._listed(plans), strict=True)]

    def _listed(self, plans: Sequence[str]) -> list[Part]:
        """Of each plan the first page of its tasks."""
        parts = self._client.batch([self._listing(plan) for plan in plans])
        if self._expands and any(part.status == 400 for part in parts):
            self._expands = False
            return self._listed(plans)
        for plan, part in zip(plans, parts, strict=True):
            _refuse(plan, part.status)
        return parts

    def boards(self, plans: Sequence[str]) -> list[Board]:
        """Of each plan its name, its buckets and the words of its categories."""
        paths = [path for plan in plans for path in (plan, f"{plan}/details", f"{plan}/buckets")]
        parts = self._client.batch([f"{V1}/planner/plans/{path}" for path in paths])
        found = []
        for n, plan in enumerate(plans):
            own, details, buckets = parts[3 * n : 3 * n + 3]
            for part in (own, details, buckets):
                _refuse(plan, part.status)
            listed = [bucket for values in self._client.rest(buckets.body) for bucket in values]
            listed.sort(key=lambda bucket: (str(bucket.get("orderHint") or ""), str(bucket.get("id"))))
            body = _encoded({"plan": _bare(own.body), "details": _bare(details.body), "buckets": _bare(listed)})
            found.append(Board(Payload(Ref("board", plan), plan, body), _digest([body])))
        return found

    def _listing(self, plan: str) -> str:
        return f"{V1}/planner/plans/{plan}/tasks{'?$expand=details' if self._expands else ''}"

    def _split(self, plan: str, listed: Part) -> Tasks:
        tasks = [task for values in self._client.rest(listed.body) for task in values]
        bare = [task for task in tasks if not isinstance(task.get("details"), dict) and task.get("id")]
        for task, part in zip(
            bare, self._client.batch([f"{V1}/planner/tasks/{task['id']}/details" for task in bare]) if bare else (), strict=True
        ):
            task["details"] = part.body if part.status < 300 else None
        found = Tasks()
        for task in tasks:
            body = _encoded(_bare(task))
            id = task.get("id")
            if not isinstance(id, str) or not id:
                found.rejected.append(Rejected(None, plan, body, f"a task of plan {plan} arrived without its id"))
                continue
            # A task that a person moved to another plan is listed there; whatever a listing holds is of its plan.
            found.payloads.append(Payload(Ref("task", id), plan, body, version=version(task)))
            found.users.update(_users(task))
        found.payloads.sort(key=lambda payload: payload.ref.external_id)
        found.digest = _digest([payload.body for payload in found.payloads] + [one.body for one in found.rejected])
        return found

    def _people(self, users: set[str]) -> Iterator[Page]:
        """The names of people who were not asked for yet; each is read once while the source is open."""
        wanted = sorted(users - self._known)
        if not wanted:
            return
        self._known.update(wanted)
        select = "$select=id,displayName,mail,userPrincipalName,accountEnabled"
        parts = self._client.batch([f"{V1}/users/{user}?{select}" for user in wanted])
        payloads = [Payload(Ref("user", u), None, _encoded(_bare(p.body))) for u, p in zip(wanted, parts, strict=True) if p.status < 300]
        refused = any(part.status == 403 for part in parts)
        self._nameless.update(u for u, p in zip(wanted, parts, strict=True) if p.status >= 300 and p.status != 404)
        told = ("Names of people are not read: grant the application User.ReadBasic.All with an admin's consent.",) if refused else ()
        if payloads or told:
            yield Page(payloads, notices=told)

    def _changed(self, partition: Partition) -> tuple[str, bool]:
        """Where changes go on, and whether there were any; StateError where Graph refuses the link."""
        link = partition.state.get(_LINK) if partition.mode is Mode.INCREMENTAL else None
        address, changed, seen = link or f"{BETA}/planner/tasks/delta", False, set[str]()
        while True:
            try:
                page = self._client.get(address)
            except Refused as refusal:
                if link is not None and refusal.status in (400, 404, 410):
                    raise StateError(partition.name, f"Graph no longer accepts where changes were read to: {refusal}") from None
                raise
            changed = changed or bool(page.get("value"))
            after = self._client.own(page.get("@odata.nextLink"))
            if after is None:
                goes_on = self._client.own(page.get("@odata.deltaLink"))
                if goes_on is None:
                    raise TransientError("Graph did not say where changes go on; the run is given up")
                return goes_on, changed or link is None
            if after in seen:
                raise TransientError("Graph repeated a page link, so its changes never end; the run is given up")
            seen.add(after)
            address = after

    def _is_due(self, at: str | None) -> bool:
        return at is None or self._now - datetime.fromisoformat(at) >= BOARD_AGE


def version(task: Mapping[str, Any]) -> str | None:
    """Etags of a task and of its details as text that compares as they do: what they hold in base64 is ordered, base64 is not."""
    own = _etag(task.get("@odata.etag"))
    details = task.get("details")
    inner = _etag(details.get("@odata.etag")) if isinstance(details, dict) else None
    return None if own is None or inner is None else f"{own}.{inner}"


def _etag(value: object) -> str | None:
    if not isinstance(value, str):
        return None
    try:
        held = base64.b64decode(value.removeprefix("W/").strip('"'), validate=True)
    except (binascii.Error, ValueError):
        return None
    return held.hex() if held.startswith(b"'1-") else None


def _refuse(plan: str, status: int) -> None:
    if status in (403, 404):
        why = "is no longer there" if status == 404 else "may not be read by the application any more"
        raise ScopeError(plan, f"plan {plan} {why}; restore it or remove it here")
    if status >= 300:
        raise TransientError(f"Graph failed with status {status} for plan {plan}")


def _users(task: Json) -> Iterator[str]:
    assignments = task.get("assignments")
    yield from (id for id in (assignments if isinstance(assignments, dict) else ()) if _is_id(id))
    for name in ("createdBy", "completedBy"):
        by = task.get(name)
        user = by.get("user") if isinstance(by, dict) else None
        if isinstance(user, dict) and _is_id(user.get("id")):
            yield str(user["id"])


def _is_id(value: object) -> bool:
    return isinstance(value, str) and value.replace("-", "").isalnum()


def _bare(value: Any) -> Any:
    """Without what the protocol adds: etags, types and contexts differ from request to request."""
    if isinstance(value, dict):
        return {name: _bare(inner) for name, inner in value.items() if "@odata." not in name}
    return [_bare(inner) for inner in value] if isinstance(value, list) else value


def _encoded(value: Any) -> bytes:
    return msgspec.json.encode(value, order="deterministic")


def _digest(bodies: Sequence[bytes]) -> str:
    found = blake2b(digest_size=12)
    for body in bodies:
        found.update(len(body).to_bytes(4, "big") + body)
    return found.hexdigest()
