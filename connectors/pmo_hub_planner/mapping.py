"""Tasks, boards and people of Planner as canonical records; pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time
from functools import lru_cache
from typing import Any, TypeVar
from urllib.parse import unquote
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Struct

from pmo_hub.domain.records import (
    Assignment,
    Board,
    BoardColumn,
    CustomValue,
    Identity,
    Label,
    Plan,
    Record,
    Resource,
    WorkItem,
)
from pmo_hub.domain.vocabulary import Kind, ResourceKind, StatusCategory, Uncounted
from pmo_hub.sdk.contract import Mapped, Mapper, Payload, Reference
from pmo_hub.sdk.errors import RecordError

MOST_REFERENCES = 100
_T = TypeVar("_T")


class Site(Struct, omit_defaults=True):
    zone: str = "UTC"


class Words(Struct, omit_defaults=True):
    """A plan's own words: its categories and its buckets, by id."""

    categories: dict[str, str] = {}
    buckets: dict[str, str] = {}


class _User(Struct):
    id: str | None = None


class _By(Struct):
    user: _User | None = None


class _Check(Struct, rename="camel"):
    title: str | None = None
    is_checked: bool | None = None
    last_modified_date_time: str | None = None


class _Reference(Struct):
    alias: str | None = None


class _Details(Struct):
    description: str | None = None
    checklist: dict[str, _Check | None] | None = None
    references: dict[str, _Reference | None] | None = None


class Task(Struct, rename="camel"):
    title: str | None = None
    plan_id: str | None = None
    bucket_id: str | None = None
    percent_complete: int | None = None
    priority: int | None = None
    start_date_time: str | None = None
    due_date_time: str | None = None
    created_date_time: str | None = None
    completed_date_time: str | None = None
    created_by: _By | None = None
    assignments: dict[str, Any] | None = None
    applied_categories: dict[str, Any] | None = None
    details: _Details | None = None


class _Plan(Struct, rename="camel"):
    id: str | None = None
    title: str | None = None
    created_by: _By | None = None


class _Bucket(Struct):
    id: str
    name: str | None = None


class BoardBody(Struct):
    plan: _Plan
    buckets: list[_Bucket] = []


class _Person(Struct, rename="camel"):
    display_name: str | None = None
    mail: str | None = None
    user_principal_name: str | None = None
    account_enabled: bool | None = None


SITE: msgspec.json.Decoder[Site] = msgspec.json.Decoder(Site)
WORDS: msgspec.json.Decoder[Words] = msgspec.json.Decoder(Words)
_TASK: msgspec.json.Decoder[Task] = msgspec.json.Decoder(Task)
_BOARD: msgspec.json.Decoder[BoardBody] = msgspec.json.Decoder(BoardBody)
_PERSON: msgspec.json.Decoder[_Person] = msgspec.json.Decoder(_Person)


def mapper(references: Sequence[Reference], rules: Mapping[str, str]) -> Mapper:
    """The mapper for payloads of one plan."""
    site, words = Site(), Words()
    for reference in references:
        if reference.scope is None:
            site = SITE.decode(reference.body)
        else:
            words = WORDS.decode(reference.body)

    def map_payload(payload: Payload) -> Mapped:
        match payload.ref.kind:
            case "task":
                return _task(site, words, payload)
            case "board":
                return _board(site, payload)
            case "user":
                return _user(payload)
        raise RecordError(f"nothing is known of {payload.ref.kind}, so {payload.ref.external_id} can't be mapped")

    return map_payload


def _read(decoder: msgspec.json.Decoder[_T], payload: Payload) -> _T:
    try:
        return decoder.decode(payload.body)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise RecordError(f"{payload.ref.kind} {payload.ref.external_id} can't be mapped: {error}") from None


def status_of(percent: int | None) -> tuple[StatusCategory, str]:
    """Any share between nothing and all is work in progress, whatever the tool that wrote it meant."""
    if percent is None or percent <= 0:
        return StatusCategory.TODO, "Not started"
    return (StatusCategory.DONE, "Completed") if percent >= 100 else (StatusCategory.IN_PROGRESS, "In progress")


def priority_of(value: int | None) -> int | None:
    """0..100, 100 the most urgent, of 0..10, where 0 is: urgent, important, medium, low."""
    if value is None:
        return None
    return 90 if value <= 1 else 70 if value <= 4 else 50 if value <= 7 else 20


def instant(text: str | None) -> datetime | None:
    if not text:
        return None
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)


@lru_cache(maxsize=64)
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)


def day(text: str | None, zone: str) -> date | None:
    """The day that is meant. Midnight in UTC is a bare day that a program wrote: west of Greenwich it would be the one before."""
    at = instant(text)
    if at is None:
        return None
    return at.date() if at.timetz() == time(0, tzinfo=UTC) else at.astimezone(_zone(zone)).date()


def _task(site: Site, words: Words, payload: Payload) -> Mapped:
    task, id = _read(_TASK, payload), payload.ref.external_id
    status, told = status_of(task.percent_complete)
    details = task.details or _Details()
    assignees = sorted((str((a or {}).get("assignedDateTime") or "") if isinstance(a, dict) else "", user)
                       for user, a in (task.assignments or {}).items() if a is not None)  # fmt: skip
    due = day(task.due_date_time, site.zone)
    labels = tuple(
        words.categories.get(name) or name for name, applied in sorted((task.applied_categories or {}).items()) if applied is True
    )
    item = WorkItem(
        id, id[:8], f"https://planner.cloud.microsoft/webui/plan/{payload.scope}/view/board/task/{id}", task.title or id,
        details.description or None, Kind.TASK, "Task", status, told, priority=priority_of(task.priority),
        original_priority=None if task.priority is None else str(task.priority), assignee=assignees[0][1] if assignees else None,
        reporter=task.created_by.user.id if task.created_by and task.created_by.user else None,
        created_at=instant(task.created_date_time), planned_start=day(task.start_date_time, site.zone), planned_finish=due, due=due,
        actual_finish=instant(task.completed_date_time),
        percent_complete=None if task.percent_complete is None else float(task.percent_complete),
        labels=labels,
    )  # fmt: skip
    owned: list[Record] = [item]
    owned += [Assignment(f"{id}/{user}", id, user) for _, user in assignees]
    owned += [_check(id, key, check) for key, check in sorted((details.checklist or {}).items()) if check is not None]
    bucket = words.buckets.get(task.bucket_id or "")
    if bucket:
        owned.append(CustomValue(f"{id}/bucket", id, "bucketId", "Bucket", text=bucket))
    for url, reference in sorted((details.references or {}).items())[:MOST_REFERENCES]:
        if reference is not None:
            owned.append(CustomValue(f"{id}/reference/{url}"[:500], id, "references", reference.alias or "Link", text=unquote(url)))
    mentioned: list[Record] = [Resource(user, ResourceKind.WORK, None, user) for _, user in assignees]
    return Mapped(owned, [*mentioned, *(Label(label, label) for label in dict.fromkeys(labels))])


def _check(task: str, key: str, check: _Check) -> WorkItem:
    done = check.is_checked is True
    status, told = (StatusCategory.DONE, "Checked") if done else (StatusCategory.TODO, "Unchecked")
    return WorkItem(
        f"{task}/{key}", key[:8], None, check.title or key, None, Kind.SUB_ITEM, "Checklist item", status, told, parent=task,
        updated_at=instant(check.last_modified_date_time), counts=False, uncounted=Uncounted.SUB_ITEM,
    )  # fmt: skip


def _board(site: Site, payload: Payload) -> Mapped:
    board, id = _read(_BOARD, payload), payload.ref.external_id
    name = board.plan.title or id
    url = f"https://planner.cloud.microsoft/webui/plan/{id}/view/board"
    owned: list[Record] = [Plan(id, name, url, time_zone=site.zone)]
    owned += [BoardColumn(bucket.id, id, bucket.name or bucket.id, n) for n, bucket in enumerate(board.buckets)]
    return Mapped(owned, [Board(id, name, "Planner")])


def _user(payload: Payload) -> Mapped:
    person, id = _read(_PERSON, payload), payload.ref.external_id
    email = person.mail or (
        person.user_principal_name if person.user_principal_name and "#EXT#" not in person.user_principal_name else None
    )
    return Mapped(mentioned=[Identity(id, person.display_name, email, person.account_enabled, "user")])
