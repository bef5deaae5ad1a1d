"""Versions and components of projects, read apart from the issues every few hours.

An issue names those that it has, without a version's start and without who leads a component; and a version that is renamed, moved or
released changes no issue, so that no poll of issues would ever tell.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

import msgspec
from msgspec import Struct

from pmo_hub.domain.records import Component, Identity, Record, Version
from pmo_hub.sdk.contract import Mapped, Mode, Page, Partition, Payload, Ref, State
from pmo_hub.sdk.errors import AuthError, RecordError
from pmo_hub_jira import jql, wire
from pmo_hub_jira.agile import FRESH_MS, SIDE_BY_SIDE, digest
from pmo_hub_jira.client import JiraClient, Refused
from pmo_hub_jira.instants import day, epoch_of
from pmo_hub_jira.nesting import decode
from pmo_hub_jira.people import mention

PARTITION = "releases"
READ = f"{PARTITION}/read"
PROJECTS_A_PAGE = 50


class Known(Struct):
    """The last reading, in epoch ms by our clock, and a digest of the projects it was read for."""

    local: int
    scopes: str


def partition(scopes: Sequence[str], state: State, mode: Mode, now: datetime, *, anew: bool) -> Partition | None:
    """All projects again where the last reading is too old or was of others, or `anew`; None within six hours of it."""
    try:
        last = msgspec.json.decode(state[READ], type=Known) if READ in state else None
    except msgspec.DecodeError:
        last = None
    if not anew and last and last.scopes == digest(scopes) and 0 <= epoch_of(now) - last.local < FRESH_MS:
        return None
    return Partition(PARTITION, tuple(scopes), {}, mode)


def read_releases(client: JiraClient, partition: Partition, now: datetime) -> Iterator[Page]:
    """A payload for each project that has any; none for one that is gone or closed to the account, which its own reading tells."""
    with ThreadPoolExecutor(SIDE_BY_SIDE, "jira-releases") as pool:
        for chunk in jql.chunks(partition.scopes, PROJECTS_A_PAGE):
            bodies = pool.map(lambda project: _body(client, project), chunk)
            found = zip(chunk, bodies, strict=True)
            yield Page([Payload(Ref("releases", project), project, body) for project, body in found if body is not None])
    last = Known(epoch_of(now), digest(partition.scopes))
    yield Page(state={READ: msgspec.json.encode(last).decode()})


def map_releases(payload: Payload) -> Mapped:
    try:
        found = decode(wire.RELEASES, payload.body)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise RecordError(f"the versions of project {payload.ref.external_id} can't be mapped: {error}") from None
    people: dict[str, Identity] = {}
    owned: list[Record] = [
        Version(v.id, v.name or v.id, v.released, v.archived, day(v.start_date), day(v.release_date)) for v in found.versions or ()
    ]
    owned += [Component(c.id, c.name or c.id, mention(c.lead, people)) for c in found.components or ()]
    return Mapped(owned, list(people.values()))


def _body(client: JiraClient, project: str) -> bytes | None:
    """Two answers joined; the second is asked for only where the first names components."""
    try:
        whole = client.project(project)
        components = client.components(project) if whole.components else b"[]"
    except (Refused, AuthError):
        return None
    versions = b",".join(map(bytes, whole.versions or ()))
    return b'{"versions":[' + versions + b'],"components":' + components + b"}" if whole.versions or whole.components else None
