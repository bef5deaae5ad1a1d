"""Why an item that somebody names is in the hub, or why it isn't: from what the hub knows and, only if told to, from its source."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as TookTooLong
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from pmo_hub.sdk.contract import Naming, Reason, Ref
from pmo_hub.sdk.http import Policy
from pmo_hub.services import sources
from pmo_hub.services.errors import Invalid, NotFound, Unavailable
from pmo_hub.services.hub import Hub
from pmo_hub.store.repositories import connections as stored
from pmo_hub.store.repositories import whereabouts
from pmo_hub.store.repositories.connections import Stored, StoredScope
from pmo_hub.store.repositories.whereabouts import Ended, HeldItem, InProject, Unread
from pmo_hub.store.unit_of_work import Session

LONGEST_S = 15.0
ONE_TRY = Policy(attempts=2, total_s=10.0)


class Verdict(StrEnum):
    """MISSING: held, but the last census did not see it. NO_ACCESS: the source shows none of that name, or not its scope."""

    HERE = "here"
    MISSING = "missing"
    QUARANTINED = "quarantined"
    OUT_OF_SCOPE = "out_of_scope"
    NO_ACCESS = "no_access"
    NOT_YET = "not_yet"
    GONE = "gone"
    NEVER_SEEN = "never_seen"


@dataclass(frozen=True, slots=True)
class Explanation:
    """A verdict in one sentence, and what it rests on. `source_says` None: the source was not asked."""

    ref: str
    verdict: Verdict
    sentence: str
    connection: Stored | None = None
    scope: StoredScope | None = None
    item: HeldItem | None = None
    projects: Sequence[InProject] = ()
    unread: Unread | None = None
    ended: Ended | None = None
    missing_since: datetime | None = None
    census_at: datetime | None = None
    waiting_run: str | None = None
    source_says: str | None = None


@dataclass(frozen=True, slots=True)
class _Told:
    """What the source answered: the object with its scope, or that it shows none. `refused`: it could not return it."""

    ref: Ref | None
    scope: str | None = None
    key: str | None = None
    refused: str | None = None


def explain(hub: Hub, ref: str, connection: str | None = None, ask_source: bool = False) -> Explanation:
    """Why the item is there, or why not. `connection` by id or name; needed where the name is known to several.

    Raises NotFound for an unknown connection, Invalid where it must be told which is meant, Unavailable where the source doesn't answer.
    """
    name = ref.strip()
    with hub.work.read() as session:
        considered = _considered(session, connection)
        found = _known(session, name, considered)
    if not ask_source:
        return found
    asked = found.connection or (considered[0] if len(considered) == 1 else None)
    if asked is None:
        raise Invalid("/connection", f"Say which connection to ask for {name!r}: there are {_names(considered)}.", code="connection")
    external_id = found.item.external_id if found.item else found.ended.external_id if found.ended else None
    told = _within_time(hub, asked, name, external_id)
    with hub.work.read() as session:
        return _weighed(session, replace(found, connection=asked), name, told)


def _considered(session: Session, connection: str | None) -> list[Stored]:
    if connection is None:
        return list(stored.everyone(session))
    one = stored.find(session, connection)
    if one is None:
        raise NotFound("connection", connection)
    return [one]


def _known(session: Session, name: str, considered: Sequence[Stored]) -> Explanation:
    """What the hub itself knows of the name."""
    items = whereabouts.held(session, name, considered)
    if len({item.connection_id for item in items}) > 1:
        names = _names([c for c in considered if c.id in {item.connection_id for item in items}])
        raise Invalid("/connection", f"Several connections hold {name!r}: name one of {names}.", code="connection")
    if items:
        return _of_item(session, name, items[0], considered)
    ended = whereabouts.ended(session, name, considered)
    unread = whereabouts.unread(session, name, None if ended is None else ended.external_id, considered)
    if unread is not None:
        return _of_unread(name, unread, considered)
    if ended is not None:
        return _of_ended(session, name, ended, considered)
    return _of_unknown(session, name, considered)


def _of_item(session: Session, name: str, item: HeldItem, considered: Sequence[Stored]) -> Explanation:
    connection = next(c for c in considered if c.id == item.connection_id)
    scope = _scope(session, connection, item.scope_id)
    where = f"{item.key} is here: it was read from {_called(scope)}"
    projects = whereabouts.projects_of(session, item.id)
    missing = None if item.payload_id is None else whereabouts.missing_since(session, item.payload_id)
    unread = whereabouts.unread(session, name, item.external_id, [connection])
    found = Explanation(
        name, Verdict.HERE, where, connection, scope, item, projects, unread, census_at=whereabouts.last_census(session, connection.id)
    )
    if missing is not None:
        since, reason = missing
        why = (
            "the account may no longer see it" if reason == Reason.NO_ACCESS else "it is deleted there, or the account may no longer see it"
        )
        sentence = f"{item.key} is still here, but the source has not listed or returned it since {_day(since)}: {why}. "
        return replace(found, verdict=Verdict.MISSING, missing_since=since, sentence=f"{sentence}The next census that agrees ends it.")
    said = [f"{where}."]
    said.append(f"It is in {', '.join(p.name for p in projects)}." if projects else "No project's rule takes it in.")
    if not item.counts:
        said.append(f"It counts in no measure ({item.uncounted or 'its source says so'}).")
    if scope is not None and scope.error is not None:
        said.append(f"Its scope can't be read now: {scope.error}")
    if unread is not None:
        said.append(f"Its newest version could not be read: {unread.why}")
    return replace(found, sentence=" ".join(said))


def _of_unread(name: str, unread: Unread, considered: Sequence[Stored]) -> Explanation:
    connection = next((c for c in considered if c.id == unread.connection_id), None)
    again = f"it was tried {unread.attempts} times, and is asked for again by every run"
    return Explanation(name, Verdict.QUARANTINED, f"{name} is in quarantine: {unread.why} ({again}).", connection, unread=unread)


def _of_ended(session: Session, name: str, ended: Ended, considered: Sequence[Stored]) -> Explanation:
    connection, scope = _place(session, considered, ended.scope_id)
    when = f"{ended.key or name} was here until {_day(ended.at)}"
    found = Explanation(name, Verdict.GONE, f"{when}: {_REASONS.get(ended.reason, ended.reason)}.", connection, scope, ended=ended)
    if ended.reason == Reason.MOVED:
        return replace(found, verdict=Verdict.OUT_OF_SCOPE)
    if ended.reason == Reason.NO_ACCESS:
        return replace(found, verdict=Verdict.NO_ACCESS)
    return found


_REASONS: Mapping[str, str] = {
    Reason.DELETED: "the source says that it was deleted",
    Reason.MOVED: "it moved to a scope that no connection reads, or its scope was dropped; choose that scope to have it again",
    Reason.NO_ACCESS: "the account may no longer see it",
    Reason.ABSENT: "two censuses in a row did not find it, and the source did not return it: deleted, or hidden from the account",
}


def _of_unknown(session: Session, name: str, considered: Sequence[Stored]) -> Explanation:
    connection, scope = _place(session, considered, whereabouts.scope_with_keys_like(session, name, considered))
    if scope is None:
        connection, scope = _scope_called(session, name, considered)
    if connection is None and len(considered) == 1:
        connection = considered[0]
    asked = [connection] if connection is not None else list(considered)
    waiting = next((run for c in asked if (run := whereabouts.unfinished_run(session, c.id))), None)
    found = Explanation(name, Verdict.NEVER_SEEN, "", connection, scope, waiting_run=None if waiting is None else waiting[0])
    soon = "" if waiting is None else f" A run is {waiting[1]}."
    scopes = [scope] if scope is not None else [s for c in asked for s in stored.scopes(session, c.id)]
    unreadable = [s for s in scopes if s.error is not None]
    unread = [s for s in scopes if s.synced_at is None]
    if scope is not None and scope.error is not None:
        return replace(
            found, verdict=Verdict.NO_ACCESS, sentence=f"{name} would be in {_called(scope)}, which can't be read: {scope.error}"
        )
    if unread:
        place = _called(scope) if scope is not None else f"{len(unread)} of {len(scopes)} scopes"
        sentence = f"{name} was not read yet: {place} was not read to its end so far.{soon}"
        return replace(found, verdict=Verdict.NOT_YET, sentence=sentence)
    more = f" {len(unreadable)} scopes can't be read now." if unreadable else ""
    where = f"{_called(scope)} was read last at {_day(scope.synced_at)}" if scope is not None else "every chosen scope was read"
    asking = "ask the source (ask_source=true) whether it is out of scope or not to be seen"
    return replace(found, sentence=f"{name} was never seen: {where}, and nothing of that name came.{more}{soon} To know more, {asking}.")


def _within_time(hub: Hub, connection: Stored, name: str, external_id: str | None) -> _Told:
    """What the source says, within `LONGEST_S`; raises Unavailable."""
    executor = ThreadPoolExecutor(1, "explain")
    try:
        return executor.submit(_asked, hub, connection, name, external_id).result(LONGEST_S)
    except TookTooLong:
        raise Unavailable(f"{connection.name} did not answer within {LONGEST_S:.0f} s: try again, or leave out ask_source.") from None
    finally:
        executor.shutdown(wait=False)


def _asked(hub: Hub, connection: Stored, name: str, external_id: str | None) -> _Told:
    with sources.opening(hub, connection, policy=ONE_TRY) as opened:
        source, scope, key = opened.source, None, None
        ref = Ref(next(iter(opened.connector.census_kinds), ""), external_id or name)
        if external_id is None and isinstance(source, Naming):
            found = source.named(name)
            if found is None:
                return _Told(None)
            ref, scope, key = found.ref, found.scope, found.key
        for page in source.fetch([ref]):
            for payload in page.payloads:
                if payload.ref == ref:
                    return _Told(ref, payload.scope or scope, key)
            for rejected in page.rejected:
                if rejected.ref == ref:
                    return _Told(ref, rejected.scope or scope, key, rejected.why)
        return _Told(None)


def _weighed(session: Session, known: Explanation, name: str, told: _Told) -> Explanation:
    """The verdict with the source's answer beside what the hub knows."""
    connection = known.connection
    assert connection is not None
    if told.ref is None:
        says = "The source shows nothing of that name to the account."
        if known.item is not None:
            sentence = f"{known.item.key} is still here, but the source shows it to the account no more; two censuses that agree end it."
            return replace(known, verdict=Verdict.MISSING, sentence=sentence, source_says=says)
        if known.verdict in (Verdict.NEVER_SEEN, Verdict.NOT_YET):
            sentence = f"The source shows no {name} to the account: there is none, or the account lacks the permission to see it."
            return replace(known, verdict=Verdict.NO_ACCESS, sentence=sentence, source_says=says)
        return replace(known, source_says=says)
    if told.refused is not None:
        sentence = f"The source has {name} and can't return it: {told.refused}"
        return replace(known, verdict=Verdict.QUARANTINED, sentence=sentence, source_says=told.refused)
    says = f"The source shows it{f' as {told.key}' if told.key else ''}{f' in {told.scope}' if told.scope else ''}."
    chosen = {s.external_id: s for s in stored.scopes(session, connection.id)}
    here = whereabouts.held(session, told.ref.external_id, [connection])
    if here:
        now = _of_item(session, name, here[0], [connection])
        if here[0].key.upper() != name.upper() and told.key:
            now = replace(now, sentence=f"{name} is now called {here[0].key}. {now.sentence}")
        return replace(now, source_says=says)
    if told.scope is not None and told.scope not in chosen:
        sentence = f"{name} is out of scope: it is in {told.scope}, which {connection.name} does not read; choose that scope to have it."
        return replace(known, verdict=Verdict.OUT_OF_SCOPE, sentence=sentence, scope=None, source_says=says)
    if known.verdict is Verdict.QUARANTINED:
        return replace(known, source_says=says)
    scope = chosen.get(told.scope or "")
    waiting = whereabouts.unfinished_run(session, connection.id)
    if scope is not None and scope.synced_at is None:
        sentence = f"{name} was not read yet: {_called(scope)} was not read to its end so far."
    else:
        read = f" after {_day(scope.synced_at)}, when its scope was read last" if scope is not None else ""
        sentence = (
            f"The source has {name}, the hub does not: it came or changed{read}. The next run brings it; if not, request a full one."
        )
    run = None if waiting is None else waiting[0]
    return replace(known, verdict=Verdict.NOT_YET, sentence=sentence, scope=scope, waiting_run=run, source_says=says)


def _scope(session: Session, connection: Stored, scope_id: str) -> StoredScope | None:
    return next((s for s in stored.scopes(session, connection.id) if s.id == scope_id), None)


def _place(session: Session, considered: Sequence[Stored], scope_id: str | None) -> tuple[Stored | None, StoredScope | None]:
    for connection in considered if scope_id is not None else ():
        scope = _scope(session, connection, scope_id or "")
        if scope is not None:
            return connection, scope
    return (considered[0] if len(considered) == 1 else None), None


def _scope_called(session: Session, name: str, considered: Sequence[Stored]) -> tuple[Stored | None, StoredScope | None]:
    """The scope that is called as the name begins: by its id, its name, or the end of its address."""
    word = name.upper().rpartition("-")[0]
    for connection in considered if word else ():
        for scope in stored.scopes(session, connection.id):
            if word in (scope.external_id.upper(), scope.name.upper(), (scope.url or "").rstrip("/").rpartition("/")[2].upper()):
                return connection, scope
    return None, None


def _called(scope: StoredScope | None) -> str:
    return "a scope that is no longer chosen" if scope is None else f"{scope.name!r}"


def _names(connections: Sequence[Stored]) -> str:
    return ", ".join(repr(c.name) for c in connections) or "none"


def _day(at: datetime | None) -> str:
    return "never" if at is None else f"{at:%Y-%m-%d %H:%M}Z"
