"""Versions and components of projects, read apart from the issues every few hours.

An issue names those that it has, without a version's start and without who leads a component; and a version that is renamed, moved or
released changes no issue, so that no poll of issues would ever tell.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

import msgspec

from pmo_hub.domain.records import Component, Identity, Record, Version
from pmo_hub.sdk.contract import Mapped, Mode, Page, Partition, Payload, Ref, State
from pmo_hub.sdk.errors import RecordError
from pmo_hub_jira import jql, wire
from pmo_hub_jira.agile import FRESH_MS, SIDE_BY_SIDE
from pmo_hub_jira.client import Forbidden, JiraClient, Refused
from pmo_hub_jira.instants import day, epoch_of
from pmo_hub_jira.nesting import decode
from pmo_hub_jira.people import mention

PARTITION = "releases"
READ = f"{PARTITION}/read"
PROJECTS_A_PAGE = 50


def partition(covered: Sequence[str], state: State, mode: Mode, now: datetime) -> Partition | None:
    """The projects that are polled, where the last reading is too old; None within six hours of it.

    A project that is read from its start reads its own, before its issues: what these only mention is then never written first.
    """
    last = state.get(READ, "")
    if covered and last.isdigit() and 0 <= epoch_of(now) - int(last) < FRESH_MS:
        return None
    return Partition(PARTITION, tuple(covered), {}, mode)


def read_releases(client: JiraClient, partition: Partition, now: datetime) -> Iterator[Page]:
    """The payloads of the partition's projects, and when they were read, by our clock."""
    with ThreadPoolExecutor(SIDE_BY_SIDE, "jira-releases") as pool:
        for chunk in jql.chunks(partition.scopes, PROJECTS_A_PAGE):
            bodies = pool.map(lambda project: _body(client, project), chunk)
            found = zip(chunk, bodies, strict=True)
            yield Page([_payload(project, body) for project, body in found if body is not None])
    yield Page(state={READ: str(epoch_of(now))})


def read_project(client: JiraClient, project: str) -> Iterator[Page]:
    """One project's payload; none for one without any, and for one that is gone or closed to the account, which its own reading tells."""
    body = _body(client, project)
    if body is not None:
        yield Page([_payload(project, body)])


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


def _payload(project: str, body: bytes) -> Payload:
    return Payload(Ref("releases", project), project, body)


def _body(client: JiraClient, project: str) -> bytes | None:
    """Two answers joined; the second is asked for only where the first names components."""
    try:
        whole = client.project(project)
        components = client.components(project) if whole.components else b"[]"
    except Forbidden:
        return None
    except Refused as refusal:
        if refusal.status != 404:
            raise
        return None
    versions = b",".join(map(bytes, whole.versions or ()))
    return b'{"versions":[' + versions + b'],"components":' + components + b"}" if whole.versions or whole.components else None
